//! The SMTP server.

use std::time::{Duration, UNIX_EPOCH};

use domain::{Kind, Timestamp};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Envelope, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};

use super::compose::Message;
use crate::{Error, Result};

/// How long one message may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why mail cannot be configured as it is.
#[derive(Debug)]
pub struct SmtpError(String);

impl std::fmt::Display for SmtpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SmtpError {}

/// Sends mail through an SMTP server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// With the server's address (`smtp://host:port`, `smtps://…`, `smtp://…?tls=required`; user and password where it
    /// asks for them) and the sender of every message.
    ///
    /// # Errors
    /// For an address that cannot be read.
    pub fn new(smtp_url: &str, from: &str) -> Result<Self, SmtpError> {
        let from = from.parse().map_err(|error| SmtpError(format!("mail.from: {error}")))?;
        // The cause may name the password.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp_url)
            .map_err(|_| SmtpError("mail.smtp_url: not an address such as smtp://host:25".to_owned()))?
            .timeout(Some(PATIENCE))
            .build();
        Ok(Self { transport, from })
    }

    /// Sends a message. `number` names it for good: a message that is sent twice says so.
    pub(super) async fn send(&self, message: Message, number: &str, at: Timestamp) -> Result<()> {
        let to: Mailbox = match message.to.parse() {
            Ok(to) => to,
            Err(error) => {
                // It will be no address tomorrow either.
                tracing::warn!(%error, "a mail has no address that SMTP knows");
                return Ok(());
            }
        };
        let seconds = u64::try_from(at.seconds()).unwrap_or_default();
        let header =
            |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let envelope = Envelope::builder()
            .from(self.from.clone())
            .to(to)
            .subject(message.subject)
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(format!("<{number}@{}>", self.from.email.domain())))
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Auto-Response-Suppress", "All"))
            .raw_header(header("Precedence", "bulk"))
            .multipart(MultiPart::alternative_plain_html(message.text, message.html))
            .map_err(|error| Error::new(Kind::Internal, "a mail cannot be written").because(error))?;
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(Kind::Unavailable, "the SMTP server did not take a mail").because(error)
        };
        match tokio::time::timeout(PATIENCE, self.transport.send(envelope)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failed(error.into())),
            Err(late) => Err(failed(late.into())),
        }
    }
}
