//! Synchronisation with S3 (objects contract, section 4.8). Every answer is a bare JSON number.

pub(crate) mod bucket;
pub(crate) mod default;
pub(crate) mod object;
pub(crate) mod status;
