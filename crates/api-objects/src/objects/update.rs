//! `PUT /object/{objectId}` (updateObject, section 4.2.2).

use app::objects;
use http_kit::{Answer, Call};

use super::{stored, upload};
use crate::{problem::Failure, validate::Reader};

/// Stores the raw body as the newest version of an object. The name stays, whatever a `Content-Disposition` says.
pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "objectId");
    let ((), labels) = upload::labels(&mut reader, &call, |_| ())?;
    let id = reader.finish(|| id)?;
    let content = upload::content(&call, labels)?;
    let body = upload::stream(call.take_body());
    let (app, ctx) = call.admit()?;
    Ok(stored::answer(objects::replace(app, ctx, id, content, body).await?))
}
