//! `PUT /object` (createObject, section 4.2.1).

use app::objects::{self, NewObject};
use http_kit::{Answer, Call};

use super::{stored, upload};
use crate::{
    problem::Failure,
    validate::{Reader, rules},
};

/// Stores the raw body as a new object of a bucket, under the name in `Content-Disposition`.
pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let (bucket, labels) = upload::labels(&mut reader, &call, |query| query.required("bucketId", rules::uuid4))?;
    let bucket = reader.finish(|| bucket)?;
    let content = upload::content(&call, labels)?;
    let file_name = upload::file_name(call.headers())?;
    let body = upload::stream(call.take_body());
    let (app, ctx) = call.admit()?;
    let new = NewObject {
        bucket,
        file_name,
        content,
    };
    Ok(stored::answer(objects::create(app, ctx, new, body).await?))
}
