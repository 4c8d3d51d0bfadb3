//! `PUT /api/invitations/v1/collaboration_invites` (E16).

use app::organisations::{
    CollaborationRole, Named, check_own,
    invite::{self, Request},
};
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::{Value, json};

use crate::{
    collaborations::create::without_doubles,
    input::{self, Body, LONG, SHORT, or_check},
    problem::Failure,
};

/// The most addresses of one request.
const MOST: usize = 5000;

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let body = input::object(&mut call).await?;
    let named = named(&body)?;
    let (app, ctx) = call.admit()?;
    let request = or_check(request(&body, &named), check_own(app, ctx, &named)).await?;
    let sent = invite::invite(app, ctx, request).await?;
    let list: Vec<Value> = sent
        .iter()
        .map(|sent| {
            json!({
                "email": sent.email, "invitation_expiry_date": sent.expires_at.seconds(), "invitation_id": sent.uuid,
                "status": "open",
            })
        })
        .collect();
    Ok(Answer::json(StatusCode::CREATED, &list))
}

fn named(body: &Body) -> Result<Named, Failure> {
    let filled = |name: &str| Ok::<_, Failure>(body.text(name, SHORT)?.filter(|text| !text.is_empty()));
    match (filled("short_name")?, filled("collaboration_identifier")?) {
        (Some(short_name), None) => Ok(Named::ShortName(short_name)),
        (None, Some(identifier)) => Ok(Named::Identifier(identifier)),
        _ => Err(Failure::bad(
            "Exactly one of short_name and collaboration_identifier is required",
        )),
    }
}

fn request(body: &Body, named: &Named) -> Result<Request, Failure> {
    if !body.has("invites") {
        return Err(Failure::bad("Missing key 'invites'"));
    }
    let Some(Value::Array(_)) = body.get("invites") else {
        return Err(Failure::bad("Invites must be an array"));
    };
    let given = body.texts("invites")?.unwrap_or_default();
    if given.len() > MOST {
        return Err(Failure::bad(format!("At most {MOST} addresses can be invited at once")));
    }
    // Others than addresses are skipped.
    let emails = without_doubles(given.into_iter().filter(|text| input::is_address(text)).collect());
    if emails.is_empty() {
        return Err(Failure::bad("No valid email in invites"));
    }
    if body.has("groups") && body.get("groups").is_none() {
        return Err(Failure::bad("'groups' must be a list of texts"));
    }
    let role = match body.get("intended_role").and_then(Value::as_str) {
        Some("admin") => CollaborationRole::Admin,
        _ => CollaborationRole::Member,
    };
    Ok(Request {
        named: named.clone(),
        emails,
        role,
        expires_at: body.milliseconds("invitation_expiry_date")?,
        membership_expires_at: body.milliseconds("membership_expiry_date")?,
        sender_name: body.text("sender_name", SHORT)?.filter(|text| !text.is_empty()),
        message: body.text("message", LONG)?,
        groups: body.texts("groups")?.unwrap_or_default(),
    })
}
