//! Mail. A use case writes what is to be told into the outbox, in its own transaction; a job composes the message and hands
//! it to the SMTP server. Nothing is lost while that server is down, and nothing is told that was not committed.

mod compose;
mod deliver;
mod smtp;

use domain::{Kind, Timestamp};
use serde::{Deserialize, Serialize};
use store::{
    Session,
    collaborations::Collaboration,
    outbox,
    recipients::{self, Recipients},
    services::Service,
};
use uuid::Uuid;

pub(crate) use deliver::deliver;
pub use smtp::{Mailer, SmtpError};

use crate::{Error, Result};

/// The kind of effect.
pub(crate) const KIND: &str = "mail";

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub(crate) enum Mail {
    /// An invitation, with its secret: composed when it is sent, because nobody keeps the secret.
    Invitation {
        invitation: Uuid,
        /// Sent before.
        reminder: bool,
    },
    /// Anything else.
    Notice(Notice),
}

/// A text for some people. Each gets a message of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) to: Vec<String>,
    pub(crate) subject: String,
    /// Paragraphs.
    pub(crate) text: Vec<String>,
}

fn payload(mail: &Mail) -> Result<String> {
    serde_json::to_string(mail).map_err(|error| Error::new(Kind::Internal, "A mail cannot be written").because(error))
}

/// Has invitations sent after the commit, each as a mail of its own.
pub(crate) async fn invite<S: Session>(s: &mut S, invitations: &[Uuid], reminder: bool, now: Timestamp) -> Result<()> {
    let mails = invitations.iter().map(|invitation| {
        payload(&Mail::Invitation {
            invitation: *invitation,
            reminder,
        })
    });
    let payloads = mails.collect::<Result<Vec<String>>>()?;
    Ok(outbox::insert_many(s, KIND, &payloads, now).await?)
}

/// Has a notice sent after the commit, one message for each recipient: a retry for one of them repeats none to the others.
pub(crate) async fn notify<S: Session>(s: &mut S, notice: &Notice, now: Timestamp) -> Result<()> {
    let mails = notice.to.iter().map(|to| {
        payload(&Mail::Notice(Notice {
            to: vec![to.clone()],
            ..notice.clone()
        }))
    });
    let payloads = mails.collect::<Result<Vec<String>>>()?;
    Ok(outbox::insert_many(s, KIND, &payloads, now).await?)
}

/// Tells whoever decides about it that a collaboration wants to connect a service (organisations contract 7, M5).
pub(crate) async fn connection_request<S: Session>(
    s: &mut S,
    of: &Collaboration,
    service: &Service,
    requester: domain::PersonId,
    organisation_first: bool,
    now: Timestamp,
) -> Result<()> {
    let asked = if organisation_first {
        Recipients::OrganisationAdministrators(of.organisation)
    } else {
        Recipients::ServiceMembers(service.id)
    };
    let mut to = recipients::addresses(s, asked).await?;
    if to.is_empty() {
        to = recipients::addresses(s, Recipients::PlatformAdministrators).await?;
    }
    let requester = recipients::name(s, requester).await?;
    let notice = Notice {
        to,
        subject: format!(
            "Request for new service {} connection to collaboration {}",
            service.name, of.name
        ),
        text: vec![
            format!(
                "The collaboration {} asks to be connected to the service {}.",
                of.name, service.name
            ),
            format!("The request is made in the name of {requester}, its administrator."),
        ],
    };
    notify(s, &notice, now).await
}
