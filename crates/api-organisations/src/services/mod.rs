//! Connections of collaborations to services.

pub(crate) mod connect;
pub(crate) mod disconnect;
pub(crate) mod of_person;

use app::organisations::{Collaboration, Named, check_own};
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::json;

use crate::{
    input::{self, SHORT, or_check},
    problem::Failure,
};

/// Reads which collaboration, from the path or (in the deprecated form) the body, and which service.
async fn read(call: &mut Call) -> Result<(Named, String), Failure> {
    let body = input::object(call).await;
    let in_path = call.parameter("co").to_owned();
    let named = if in_path.is_empty() {
        let short_name = body.as_ref().map(|body| body.required("short_name", SHORT));
        match short_name {
            Ok(short_name) => Named::ShortName(short_name?),
            Err(_) => return Err(body.err().unwrap_or_else(Failure::unreadable)),
        }
    } else {
        Named::Identifier(in_path)
    };
    let entity_id = body.and_then(|body| body.required("service_entity_id", SHORT));
    let (app, ctx) = call.admit()?;
    let entity_id = or_check(entity_id, check_own(app, ctx, &named)).await?;
    Ok((named, entity_id))
}

fn answer(of: &Collaboration, entity_id: &str, status: &str) -> Answer {
    let body = json!({
        "collaboration": { "organisation_short_name": of.organisation_short_name, "short_name": of.short_name },
        "service": { "entity_id": entity_id },
        "status": status,
    });
    Answer::json(StatusCode::CREATED, &body)
}
