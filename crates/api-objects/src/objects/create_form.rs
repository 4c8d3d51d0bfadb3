//! `POST /object`: an upload by `multipart/form-data`, as HTML forms send it (an addition to the contract).

use app::objects::{self, Content, NewObject};
use http_kit::{Answer, Call, Refusal};
use serde_json::json;

use super::{
    form::{self, Form, FormError},
    stored, upload,
};
use crate::{
    problem::Failure,
    validate::{Complaint, Fault, Reader, Section, Step, rules},
};

/// Stores the first file of a form as a new object of a bucket: its file name is the name, its content type the type.
/// Metadata and tags come as with `PUT /object`; other parts are ignored. A request that is no form has no route.
pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let boundary = form::boundary(call.headers()).ok_or(Refusal::UnknownRoute)?;
    let mut reader = Reader::default();
    let (bucket, labels) = upload::labels(&mut reader, &call, |query| query.required("bucketId", rules::uuid4))?;
    let bucket = reader.finish(|| bucket)?;
    let form = Form::new(call.take_body(), boundary);
    let (app, context) = call.admit()?;
    objects::check_create(app, context, bucket).await?;
    let file = form.file().await.map_err(refuse)?;
    let verdict = file.verdict;
    let new = NewObject {
        bucket,
        file_name: file.name,
        content: Content {
            length: 0,
            mime_type: file.mime_type,
            metadata: labels.metadata,
            tags: labels.tags,
        },
    };
    match objects::create_unsized(app, context, new, file.body).await {
        Ok(stored) => Ok(stored::answer(stored)),
        Err(error) => match verdict.lock().take() {
            Some(fault) => Err(refuse(fault)),
            None => Err(error.into()),
        },
    }
}

fn refuse(error: FormError) -> Failure {
    let (rule, says) = match error {
        FormError::Malformed => return Refusal::Malformed(error.to_string().into()).into(),
        FormError::NoFile => ("any.required", "is required"),
        FormError::SecondFile => ("array.max", "must contain less than or equal to 1 items"),
    };
    let fault = Fault::new(
        vec![Step::from("file")],
        Complaint::new(rule, says).with("limit", json!(1)),
        None,
    );
    Failure::invalid(Section::Body, fault)
}
