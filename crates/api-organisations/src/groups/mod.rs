//! Groups and their members.

pub(crate) mod add_member;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod remove_member;
pub(crate) mod update;
