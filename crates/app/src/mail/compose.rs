//! From what is told to the words: text and HTML, everything that somebody wrote escaped.

use domain::{Kind, Timestamp};
use minijinja::{Environment, context};
use store::{collaborations::Collaboration, invitations::Invitation};

use super::Notice;
use crate::{Error, Result};

/// A message without its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// The templates. What a name ending in `.html` renders is escaped.
fn templates() -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    for (name, text) in [
        ("invitation.txt", include_str!("templates/invitation.txt")),
        ("invitation.html", include_str!("templates/invitation.html")),
        ("notice.txt", include_str!("templates/notice.txt")),
        ("notice.html", include_str!("templates/notice.html")),
    ] {
        environment.add_template(name, text).map_err(defect)?;
    }
    Ok(environment)
}

fn defect(error: minijinja::Error) -> Error {
    Error::new(Kind::Internal, "A mail cannot be composed").because(error)
}

/// The day of a moment, as people write it.
pub(super) fn day(at: Timestamp) -> String {
    let iso = at.iso_millis();
    iso.split_once('T').map_or(iso.clone(), |(day, _)| day.to_owned())
}

/// A header is one line.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub(super) fn invitation(
    public_url: &str,
    secret: &str,
    invitation: &Invitation,
    to: &Collaboration,
    services: &[String],
    reminder: bool,
) -> Result<Message> {
    let environment = templates()?;
    let values = context! {
        sender => invitation.sender_name.clone(),
        collaboration => to.name.clone(),
        description => to.description.clone(),
        role => invitation.role.as_str(),
        message => invitation.message.clone(),
        services => services.join(", "),
        expires => day(invitation.expires_at),
        accept => format!("{public_url}/invitations/accept/{secret}"),
        decline => format!("{public_url}/invitations/deny/{secret}"),
    };
    let render = |name: &str| {
        environment
            .get_template(name)
            .and_then(|template| template.render(&values))
    };
    let prefix = if reminder { "Reminder - " } else { "" };
    Ok(Message {
        to: invitation.email.clone(),
        subject: line(&format!("{prefix}Invitation to join collaboration {}", to.name)),
        text: render("invitation.txt").map_err(defect)?,
        html: render("invitation.html").map_err(defect)?,
    })
}

pub(super) fn notice(notice: &Notice, to: &str, public_url: &str) -> Result<Message> {
    let environment = templates()?;
    let values = context! { text => notice.text.clone(), server => public_url };
    let render = |name: &str| {
        environment
            .get_template(name)
            .and_then(|template| template.render(&values))
    };
    Ok(Message {
        to: to.to_owned(),
        subject: line(&notice.subject),
        text: render("notice.txt").map_err(defect)?,
        html: render("notice.html").map_err(defect)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Notice, notice};

    #[test]
    fn what_people_wrote_is_escaped_in_html_and_kept_in_text() {
        let written = Notice {
            to: vec!["a@b".to_owned()],
            subject: "One\r\nBcc: everybody@example.org".to_owned(),
            text: vec!["<script>alert(1)</script> & more".to_owned()],
        };
        let message = notice(&written, "a@b", "https://server.example").unwrap();
        assert_eq!(message.subject, "One  Bcc: everybody@example.org");
        assert!(
            message.text.contains("<script>alert(1)</script> & more"),
            "{}",
            message.text
        );
        assert!(!message.html.contains("<script>"), "{}", message.html);
        assert!(message.html.contains("&lt;script&gt;"), "{}", message.html);
    }
}
