//! The page that the links of an invitation lead to: look, then accept or decline. Who has no account yet makes one with the
//! invited address, which the secret of the mail vouches for.

use app::{
    Caller, Ctx, Error,
    accounts::{self, Registration},
    organisations::{answer_invitation, read_invitation::InvitationView},
};
use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{EmailAddress, Kind, Secret};
use serde::Deserialize;

use super::{Server, escape, page, problem};

pub(super) fn router() -> Router<Server> {
    Router::new()
        .route("/invitations/accept/{secret}", get(show).post(accept))
        .route("/invitations/deny/{secret}", get(show_decline).post(decline))
}

fn gone() -> Response {
    let text = "<p>There is no such invitation any more: it was answered, withdrawn, or its time is over.</p>";
    (StatusCode::GONE, page("Invitation", text)).into_response()
}

fn failed(error: &Error) -> Response {
    match error.kind {
        Kind::NotFound => gone(),
        Kind::Conflict | Kind::Invalid | Kind::Unauthenticated | Kind::Denied | Kind::Throttled => {
            let text = format!("<p role=alert>{}</p>", escape(&error.public));
            (StatusCode::CONFLICT, page("Invitation", &text)).into_response()
        }
        _ => problem(error),
    }
}

fn about(view: &InvitationView) -> String {
    let sender = view.invitation.sender_name.as_deref().unwrap_or("Somebody");
    let message = view.invitation.message.as_deref().map_or_else(String::new, |message| {
        format!(
            "<blockquote style=\"white-space:pre-wrap\">{}</blockquote>",
            escape(message)
        )
    });
    format!(
        "<p>{} invites <b>{}</b> to join the collaboration <b>{}</b> as {}.</p><p>{}</p>{message}",
        escape(sender),
        escape(&view.invitation.email),
        escape(&view.collaboration.name),
        view.invitation.role.as_str(),
        escape(view.collaboration.description.as_deref().unwrap_or_default()),
    )
}

async fn show(State(server): State<Server>, Path(secret): Path<String>) -> Response {
    let ctx = server.context();
    let view = match answer_invitation::find(&server.app, &ctx, &secret).await {
        Ok(view) => view,
        Err(error) => return failed(&error),
    };
    let known = accounts::has_account(&server.app, &ctx, &view.invitation.email).await;
    let name = match known {
        Err(error) => return failed(&error),
        Ok(true) => "",
        Ok(false) => {
            "<p>There is no account with this address yet. Choose a name and a password, and it is made.</p>\
             <p><label>Name<br><input name=name required autocomplete=name></label></p>"
        }
    };
    let form = format!(
        "{}<form method=post>{name}\
         <p><label>E-mail address<br><input name=email type=email required autocomplete=username value=\"{}\"></label></p>\
         <p><label>Password<br><input name=password type=password required autocomplete=current-password></label></p>\
         <p><button>Accept</button></p></form><p><a href=\"/invitations/deny/{}\">Decline</a></p>",
        about(&view),
        escape(&view.invitation.email),
        escape(&secret),
    );
    page("Invitation", &form).into_response()
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
    name: Option<String>,
}

/// Signs in, with an account that is made now for the invited address if there is none, and accepts.
async fn accept(State(server): State<Server>, Path(secret): Path<String>, Form(given): Form<Credentials>) -> Response {
    match accepted(&server, &secret, given).await {
        Ok(name) => {
            let text = format!("<p>You are a member of <b>{}</b> now.</p>", escape(&name));
            page("Welcome", &text).into_response()
        }
        Err(error) => failed(&error),
    }
}

async fn accepted(server: &Server, secret: &str, given: Credentials) -> Result<String, Error> {
    let (app, ctx) = (&server.app, server.context());
    let view = answer_invitation::find(app, &ctx, secret).await?;
    let password = Secret::new(given.password);
    let is_invited = given.email.trim().eq_ignore_ascii_case(&view.invitation.email);
    if is_invited && !accounts::has_account(app, &ctx, &view.invitation.email).await? {
        let invalid = || Error::new(Kind::Invalid, "This is not an e-mail address");
        let registration = Registration {
            email: EmailAddress::new(view.invitation.email.clone()).map_err(|_| invalid())?,
            full_name: given.name.unwrap_or_default(),
            password: Some(password.clone()),
            platform_administrator: false,
        };
        accounts::register(app, &ctx, registration).await?;
    }
    let person = accounts::person_with(app, &ctx, given.email.trim(), &password).await?;
    let ctx = Ctx {
        caller: Caller::Person(person),
        ..ctx
    };
    let accepted = answer_invitation::accept(app, &ctx, secret).await?;
    Ok(accepted.collaboration.name)
}

async fn show_decline(State(server): State<Server>, Path(secret): Path<String>) -> Response {
    match answer_invitation::find(&server.app, &server.context(), &secret).await {
        Err(error) => failed(&error),
        Ok(view) => {
            let form = format!(
                "{}<form method=post><p><button>Decline</button></p></form>",
                about(&view)
            );
            page("Invitation", &form).into_response()
        }
    }
}

async fn decline(State(server): State<Server>, Path(secret): Path<String>) -> Response {
    match answer_invitation::decline(&server.app, &server.context(), &secret).await {
        Err(error) => failed(&error),
        Ok(()) => page("Invitation", "<p>The invitation is declined.</p>").into_response(),
    }
}
