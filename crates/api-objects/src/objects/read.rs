//! `GET /object/{objectId}` (readObject, section 4.3.3).

use app::objects::{self, VersionSelector};
use axum::http::{StatusCode, header};
use http_kit::{Answer, Call};

use super::download;
use crate::{
    problem::Failure,
    validate::{Fields, Reader, rules},
};

/// The longest life of a link: a week, what presigned addresses allow (E-47).
const LONGEST_LIFE: i64 = 604_800;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Proxy,
    Url,
    Redirect,
}

const MODES: [(&str, Mode); 2] = [("proxy", Mode::Proxy), ("url", Mode::Url)];

struct Query {
    mode: Mode,
    seconds: Option<i64>,
    version: VersionSelector,
}

/// Sends the bytes, a link to them, or the client to that link.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "objectId");
    let query = reader.query(&call, fields)?;
    let (id, query) = reader.finish(|| Some((id?, query)))?;
    let (app, context) = call.admit()?;
    if query.mode == Mode::Proxy {
        let asked = (call.method(), call.headers());
        let decide = |head: &objects::Head| download::decide(asked, head);
        return download::answer(objects::read(app, context, id, query.version, decide).await?);
    }
    let seconds = query.seconds.unwrap_or(app.settings().link_seconds);
    let link = objects::link(app, context, id, query.version, seconds).await?;
    Ok(match query.mode {
        Mode::Url => Answer::json(StatusCode::CREATED, &link),
        _ => Answer::whole(
            StatusCode::FOUND,
            "text/plain; charset=utf-8",
            format!("Found. Redirecting to {link}"),
        )
        .with_text(header::LOCATION, &link),
    })
}

fn fields(query: &mut Fields<'_>) -> Query {
    Query {
        mode: query.one("download", rules::one_of(&MODES)).unwrap_or(Mode::Redirect),
        seconds: query.integer("expiresIn", 1, LONGEST_LIFE),
        version: super::version(query),
    }
}
