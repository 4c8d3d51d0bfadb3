//! `POST /permission/invite` (createInvite, section 4.11.1).

use app::{
    PermissionCode,
    invites::{self, MAX_SECONDS, NewInvite},
    permissions::Target,
};
use axum::http::StatusCode;
use domain::Timestamp;
use http_kit::{Answer, Call};
use serde_json::json;

use super::target;
use crate::{
    problem::Failure,
    validate::{Complaint, Fields, Reader, rules},
};

/// What an invite to a bucket can give.
const BUCKET_CODES: [(&str, PermissionCode); 3] = [
    ("CREATE", PermissionCode::Create),
    ("READ", PermissionCode::Read),
    ("UPDATE", PermissionCode::Update),
];

/// What an invite to an object can give.
const OBJECT_CODES: [(&str, PermissionCode); 2] = [("READ", PermissionCode::Read), ("UPDATE", PermissionCode::Update)];

/// Invites somebody. The answer is the secret, as a text: it is shown this once.
pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let body = call.take_json().await?;
    let now = call.server().now();
    let mut reader = Reader::default();
    reader.query(&call, |_| ())?;
    let new = reader.body(&body, |body| fields(body, now));
    let new = reader.finish(|| new)?;
    let (app, context) = call.admit()?;
    let token = invites::create(app, context, new).await?;
    Ok(Answer::json(StatusCode::CREATED, &token))
}

fn fields(body: &mut Fields<'_>, now: Timestamp) -> Option<NewInvite> {
    let target = target(body);
    let email = body.one("email", rules::email(255));
    let expires_at = expiry(body, now);
    let codes = match target {
        Some(Target::Object(_)) => body.filled_list("permCodes", rules::one_of(&OBJECT_CODES)),
        Some(Target::Bucket(_)) | None => body.filled_list("permCodes", rules::one_of(&BUCKET_CODES)),
    };
    let recursive = body.boolean("recursive").unwrap_or(false);
    Some(NewInvite {
        target: target?,
        email,
        expires_at,
        codes: codes.unwrap_or_default(),
        recursive,
    })
}

/// `expiresAt`, in seconds since 1970: later than now, and within 30 days.
fn expiry(body: &mut Fields<'_>, now: Timestamp) -> Option<Timestamp> {
    let seconds = body.integer("expiresAt", i64::MIN, i64::MAX)?;
    let last = now.plus_seconds(MAX_SECONDS).seconds();
    let wrong = if seconds <= now.seconds() {
        Complaint::new("date.greater", "must be greater than \"now\"").with("limit", now.iso_millis())
    } else if seconds > last {
        let limit = Timestamp::from_seconds(last).iso_millis();
        Complaint::new("date.less", format!("must be less than or equal to \"{limit}\"")).with("limit", limit)
    } else {
        return Some(Timestamp::from_seconds(seconds));
    };
    body.refuse(vec!["expiresAt".into()], wrong, Some(json!(seconds)))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const ID: &str = "ac246e31-c807-496c-bc93-cd8bc2f1b2b4";
    const NOW: i64 = 1_700_000_000;

    fn read(body: &Value) -> Result<NewInvite, Vec<String>> {
        let mut reader = Reader::default();
        let new = reader.body(body, |body| fields(body, Timestamp::from_seconds(NOW)));
        if reader.faults().is_empty() {
            return Ok(new.unwrap());
        }
        let errors = reader.faults().errors();
        let faults = errors["body"].as_array().unwrap();
        Err(faults
            .iter()
            .map(|fault| fault["type"].as_str().unwrap().to_owned())
            .collect())
    }

    #[test]
    fn little_is_needed() {
        let new = read(&json!({ "bucketId": ID })).unwrap();
        assert_eq!(new.target, Target::Bucket(ID.parse().unwrap()));
        assert!(new.codes.is_empty() && new.email.is_none() && new.expires_at.is_none() && !new.recursive);
        let new = read(
            &json!({ "objectId": ID, "expiresAt": "1700000060", "permCodes": ["READ", "UPDATE", "READ"],
            "email": "Kim.Lee@example.org", "recursive": "y" }),
        )
        .unwrap();
        assert_eq!(new.expires_at, Some(Timestamp::from_seconds(NOW + 60)));
        assert_eq!(new.codes, [PermissionCode::Read, PermissionCode::Update]);
        assert!(new.recursive);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, rule) in [
            (json!({}), "object.missing"),
            (json!({ "bucketId": ID, "objectId": ID }), "object.xor"),
            (json!({ "bucketId": "x" }), "string.guid"),
            (json!({ "bucketId": ID, "expiresAt": NOW }), "date.greater"),
            (
                json!({ "bucketId": ID, "expiresAt": NOW + MAX_SECONDS + 1 }),
                "date.less",
            ),
            (json!({ "bucketId": ID, "expiresAt": "soon" }), "number.base"),
            (json!({ "bucketId": ID, "permCodes": [] }), "array.min"),
            (json!({ "bucketId": ID, "permCodes": ["MANAGE"] }), "any.only"),
            (json!({ "objectId": ID, "permCodes": ["CREATE"] }), "any.only"),
            (json!({ "bucketId": ID, "email": "kim@example" }), "string.pattern.base"),
            (json!({ "bucketId": ID, "colour": "red" }), "object.unknown"),
        ] {
            assert_eq!(read(&body).unwrap_err(), [rule], "{body}");
        }
        assert!(read(&json!({ "bucketId": ID, "expiresAt": NOW + MAX_SECONDS })).is_ok());
    }
}
