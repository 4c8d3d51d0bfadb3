//! `GET /api/organisations/v1` (E22). Small organisations are answered at once, large ones page by page while they are read.

use std::sync::Arc;

use app::{
    App, Ctx,
    organisations::{
        Full, OrganisationRow,
        overview::{self, Next, Overview, Wanted},
    },
};
use axum::{body::Body, http::StatusCode};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_kit::{Answer, Call};
use serde_json::json;

use crate::{problem::Failure, view::FullView};

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    let wanted = wanted(call.uri().query().unwrap_or_default());
    let mut found = overview::overview(app, ctx, wanted).await?;
    let public_url = &app.settings().public_url;
    let mut frame = frame(&found)?;
    let mut head = std::mem::take(&mut frame.before);
    let count = found.first.collaborations.len();
    write(&mut head, &found.first.collaborations, public_url, false)?;
    let Some(next) = found.first.next.take() else {
        head.extend(frame.close(count)?);
        return Ok(Answer::json_text(StatusCode::OK, head));
    };
    let rest = State {
        app: Arc::clone(app),
        ctx: ctx.clone(),
        next: Some(next),
        count,
    };
    let pages = stream::try_unfold((rest, Some(frame)), |(mut rest, frame)| async move {
        let Some(frame) = frame else {
            return Ok::<_, std::io::Error>(None);
        };
        let Some(next) = rest.next.take() else {
            let text = frame
                .close(rest.count)
                .map_err(|_| std::io::Error::other("an answer could not be written"))?;
            return Ok(Some((Bytes::from(text), (rest, None))));
        };
        // The status is sent already: an answer that breaks off is all that can be told now.
        let page = overview::more(&rest.app, &rest.ctx, next).await.map_err(|error| {
            tracing::error!(request_id = rest.ctx.request_id, cause = ?error, "a long answer broke off");
            std::io::Error::other("the answer broke off")
        })?;
        let mut text = Vec::new();
        write(&mut text, &page.collaborations, &rest.app.settings().public_url, true)
            .map_err(|_| std::io::Error::other("an answer could not be written"))?;
        rest.count += page.collaborations.len();
        rest.next = page.next;
        Ok(Some((Bytes::from(text), (rest, Some(frame)))))
    });
    let first = stream::once(async move { Ok::<_, std::io::Error>(Bytes::from(head)) });
    let body = Body::from_stream(first.chain(pages));
    Ok(Answer::json_stream(StatusCode::OK, body))
}

struct State {
    app: Arc<App>,
    ctx: Ctx,
    next: Option<Next>,
    count: usize,
}

fn defect(error: impl std::fmt::Display) -> Failure {
    tracing::error!(%error, "an answer could not be written as JSON");
    Failure::Status(StatusCode::INTERNAL_SERVER_ERROR, "An unexpected error".into())
}

/// Collaborations as elements of a list.
fn write(to: &mut Vec<u8>, all: &[Full], public_url: &str, goes_on: bool) -> Result<(), Failure> {
    for (place, full) in all.iter().enumerate() {
        if place > 0 || goes_on {
            to.push(b',');
        }
        serde_json::to_writer(&mut *to, &FullView::of(full, public_url, true)).map_err(defect)?;
    }
    Ok(())
}

/// What stands around the list.
struct Frame {
    before: Vec<u8>,
    after: serde_json::Value,
}

impl Frame {
    /// What stands after the list, now that its length is known.
    fn close(&self, count: usize) -> Result<Vec<u8>, Failure> {
        let mut text = format!("],\"collaborations_count\":{count},").into_bytes();
        let rest = serde_json::to_vec(&self.after).map_err(defect)?;
        text.extend(rest.into_iter().skip(1));
        Ok(text)
    }
}

fn frame(found: &Overview) -> Result<Frame, Failure> {
    let OrganisationRow { id, uuid, settings, .. } = &found.organisation;
    let organisation = &found.organisation;
    let head = json!({
        "accepted_user_policy": settings.accepted_user_policy, "category": organisation.category,
        "collaboration_creation_allowed": settings.collaboration_creation_allowed,
    });
    let rest = json!({
        "created_at": organisation.created_at.seconds(), "created_by": "system", "crm_id": settings.crm_id,
        "description": organisation.description, "id": id.0, "identifier": uuid,
        "invitation_message": settings.invitation_message,
        "invitation_sender_name": settings.invitation_sender_name, "logo": null, "name": organisation.name,
        "on_boarding_msg": settings.on_boarding_message, "organisation_memberships_count": found.memberships,
        "schac_home_organisations": [],
        "service_connection_requires_approval": settings.service_connection_requires_approval,
        "services_restricted": settings.services_restricted, "short_name": organisation.short_name,
        "units": found.units, "updated_by": "system", "uuid4": uuid,
    });
    let mut before = serde_json::to_vec(&head).map_err(defect)?;
    // The object goes on with the list.
    before.pop();
    before.extend_from_slice(b",\"collaborations\":[");
    Ok(Frame { before, after: rest })
}

/// The filters of the query: comma separated, trimmed; an empty one asks for nothing.
fn wanted(query: &str) -> Wanted {
    let mut wanted = Wanted::default();
    for (name, value) in form(query) {
        let names =
            || (!value.is_empty()).then(|| value.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>());
        match name.as_str() {
            "units" => wanted.units = names(),
            "tags" => wanted.labels = names(),
            "services" => wanted.services = names(),
            _ => {}
        }
    }
    wanted
}

/// The pairs of a query.
fn form(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}
