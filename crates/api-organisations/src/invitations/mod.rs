//! Invitations to collaborations.

pub(crate) mod delete;
pub(crate) mod invite;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod resend;
pub(crate) mod update;
