//! `GET /api/services/v1/access/{user_id}` (E23).

use app::organisations::{NO_ROW, person_services::person_services};
use axum::http::StatusCode;
use domain::PersonId;
use http_kit::{Answer, Call};
use serde_json::Value;

use crate::{problem::Failure, view};

const SHOWN: [&str; 7] = [
    "description",
    "entity_id",
    "logo",
    "name",
    "privacy_policy",
    "support_email",
    "uri",
];

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    let number = call.parameter("user_id").parse();
    let number = number.map_err(|_| Failure::Status(StatusCode::NOT_FOUND, NO_ROW.into()))?;
    let found = person_services(app, ctx, PersonId(number)).await?;
    let short = |service: Value| match service {
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| SHOWN.contains(&name.as_str()))
            .collect(),
        other => other,
    };
    let list: Vec<Value> = found.iter().map(view::service).map(short).collect();
    Ok(Answer::json(StatusCode::OK, &list))
}
