//! `PUT /api/collaborations/v1/{co}/units` (E6).

use app::organisations::set_units;
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::{Value, json};

use crate::{
    input::{self, or_check},
    problem::Failure,
    view::CollaborationView,
};

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let read = read(&mut call).await;
    let (app, ctx) = call.admit()?;
    let co = call.parameter("co");
    let names = or_check(read, set_units::check(app, ctx, co)).await?;
    let changed = set_units::set_units(app, ctx, co, names).await?;
    let of = &changed.collaboration;
    let mut answer = serde_json::to_value(CollaborationView::of(of, &app.settings().public_url)).unwrap_or_default();
    if let Value::Object(members) = &mut answer {
        members.remove("tags");
        let unit = |(id, name): &(domain::UnitId, String)| json!({ "id": id.0, "name": name, "organisation_id": of.organisation.0 });
        members.insert("units".to_owned(), changed.units.iter().map(unit).collect());
    }
    Ok(Answer::json(StatusCode::CREATED, &answer))
}

async fn read(call: &mut Call) -> Result<Vec<String>, Failure> {
    let body = input::json(call).await?;
    input::texts("units", &body)
}
