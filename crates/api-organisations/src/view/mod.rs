//! Answers: every field of the contract in alphabetical order, times in whole seconds.

mod collaboration;
mod group;
mod invitation;
mod member;
mod service;

pub(crate) use collaboration::{CollaborationView, FullView};
pub(crate) use group::GroupView;
pub(crate) use invitation::InvitationAnswer;
pub(crate) use member::MemberView;
pub(crate) use service::service;

use domain::Timestamp;

/// Who made something that nobody in particular made.
const SYSTEM: &str = "system";

fn author(author: Option<&String>) -> &str {
    author.map_or(SYSTEM, String::as_str)
}

fn seconds(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::seconds)
}
