//! Organisations, collaborations, groups and invitations, as holders of an organisation's token use them (organisations
//! contract, section 4). Every use case begins at [`reach`], where the scope of the token is decided.

pub mod add_to_group;
pub mod answer_invitation;
pub mod connect;
pub mod create;
pub mod create_group;
pub mod delete;
pub mod delete_group;
pub mod delete_invitation;
pub mod disconnect;
pub mod invite;
pub mod logo;
pub mod open_invitations;
pub mod overview;
pub mod person_services;
mod reach;
pub mod read;
pub mod read_invitation;
pub mod remove_from_group;
pub mod remove_member;
pub mod resend_invitation;
pub mod set_role;
pub mod set_units;
pub mod update_group;
pub mod update_invitation;

use std::sync::Arc;

use domain::{Entropy, Kind, Timestamp};
use store::{Session, StoreError};

pub use reach::{NO_ROW, Named, check_collaboration, check_group, check_invitation, check_own};
pub use store::{
    collaborations::{Collaboration, Group, Logo, Member},
    invitations::{Acceptor, Invitation, InvitationGroup},
    organisations::{CollaborationRole, InvitationStatus, OrganisationRow, TokenCaller},
    services::Service,
};

use crate::{App, Ctx, Error, Result, audit};

/// Who makes and changes what a token makes and changes.
pub const BY_TOKEN: &str = "ext_api";

/// How long an invitation can be accepted when nobody says, in seconds.
pub const INVITATION_SECONDS: i64 = 15 * 24 * 3600;

/// A collaboration with all its relations.
#[derive(Clone, Debug)]
pub struct Full {
    /// The collaboration.
    pub collaboration: Collaboration,
    /// Its members, oldest membership first.
    pub members: Vec<Member>,
    /// Its groups, oldest first.
    pub groups: Vec<Group>,
    /// The services it is connected to.
    pub services: Vec<Service>,
}

/// What every operation here is given.
#[derive(Clone)]
struct Base {
    ctx: Ctx,
    now: Timestamp,
    entropy: Arc<dyn Entropy>,
}

impl Base {
    fn new(app: &App, ctx: &Ctx) -> Self {
        Self {
            ctx: ctx.clone(),
            now: app.now(),
            entropy: Arc::clone(&app.0.entropy),
        }
    }

    /// Records a change to something of a collaboration, where its administrators and the organisation's find it.
    async fn changed<S: Session>(
        &self,
        s: &mut S,
        of: &Collaboration,
        action: &'static str,
        object: String,
        after: serde_json::Value,
    ) -> Result<(), StoreError> {
        audit::changed_in(s, &self.ctx, self.now, place(of), action, object, Some(after)).await
    }
}

fn place(of: &Collaboration) -> audit::Place {
    audit::Place {
        organisation: of.organisation,
        collaboration: Some(of.id),
    }
}

fn object(of: &Collaboration) -> String {
    format!("collaboration:{}", of.uuid)
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Invalid, text)
}

fn conflict(text: String) -> Error {
    Error::new(Kind::Conflict, text)
}

/// Lower case, `a-z0-9_` only, no digits in front, at most 16 characters (organisations contract 2.4.1).
pub fn cleansed(name: &str) -> String {
    name.chars()
        .skip_while(|c| c.is_numeric())
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .map(|c| c.to_ascii_lowercase())
        .take(16)
        .collect()
}

/// Whether a label has its form (organisations contract 2.9).
pub fn is_label(value: &str) -> bool {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    value.len() <= 32 && value.starts_with(|c: char| c.is_ascii_lowercase()) && value.chars().all(rest)
}

/// Whether an address of a web site has its form (organisations contract 2.4).
pub fn is_web_address(url: &str) -> bool {
    let schemes = ["http", "https", "ssh", "ftp"];
    url.len() <= 512
        && !url.chars().any(char::is_control)
        && url.split_once("://").is_some_and(|(scheme, rest)| {
            !rest.is_empty() && schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known))
        })
}

#[cfg(test)]
mod tests {
    use super::cleansed;

    #[test]
    fn short_names_are_cleansed() {
        for (given, wanted) in [
            ("Deep Sea", "deepsea"),
            ("42 Things", "things"),
            ("9lives", "lives"),
            ("sp!e#c$", "spec"),
            ("Abcdefgh Ijklmnop Qrst", "abcdefghijklmnop"),
            ("123", ""),
            ("Ünïcode", "ncode"),
        ] {
            assert_eq!(cleansed(given), wanted, "{given}");
        }
    }
}
