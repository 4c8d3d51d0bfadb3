//! `GET /sync` (syncDefault, section 4.8).

use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, validate::Reader};

/// The default storage is the server's own: nothing lies there that it has not put there itself, so there is never
/// anything to queue.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    reader.query(&call, |_| ())?;
    reader.finish(|| Some(()))?;
    call.admit()?;
    Ok(Answer::json(StatusCode::ACCEPTED, &0))
}
