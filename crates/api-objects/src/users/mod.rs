//! People and identity providers (objects contract, section 4.12).

pub(crate) mod identity_providers;
pub(crate) mod search;
