//! `PUT /bucket` (createBucket, section 4.1.1).

use app::buckets::{self, Mount, NewBucket};
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::Value;

use super::{LONGEST, endpoint};
use crate::{
    permissions::CODES,
    problem::Failure,
    rows::BucketRow,
    validate::{Fields, Reader, rules},
};

/// The members that make a bucket a folder of somebody's own S3 bucket.
const MOUNT: [&str; 5] = ["accessKeyId", "secretAccessKey", "bucket", "endpoint", "region"];

/// Registers a bucket: a folder of an S3 bucket whose credentials are sent, or, when none of the members of a mount
/// is there, a folder of the server's own storage (an addition to the contract).
pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let body = call.take_json().await?;
    let bucket = read(&call, &body)?;
    let (app, context) = call.admit()?;
    let view = buckets::create(app, context, bucket).await?;
    Ok(Answer::json(StatusCode::CREATED, &BucketRow::from(view)))
}

fn read(call: &Call, body: &Value) -> Result<NewBucket, Failure> {
    let mut reader = Reader::default();
    reader.query(call, |_| ())?;
    let input = reader.body(body, fields);
    reader.finish(|| input)
}

fn fields(body: &mut Fields<'_>) -> Option<NewBucket> {
    // A body without a name is no wish for the server's storage: everything that the contract requires is named.
    let own_storage = body.has("bucketName") && !MOUNT.iter().any(|member| body.has(member));
    let name = body.required("bucketName", rules::text(LONGEST));
    let mount = if own_storage { Some(None) } else { mount(body).map(Some) };
    let key = body.one("key", rules::trimmed(LONGEST));
    let active = body.boolean("active");
    let codes = body.list("permCodes", rules::one_of(&CODES));
    Some(NewBucket {
        name: name?,
        mount: mount?,
        key,
        active,
        codes,
    })
}

fn mount(body: &mut Fields<'_>) -> Option<Mount> {
    let access_key_id = body.required("accessKeyId", rules::text(LONGEST));
    let bucket = body.required("bucket", rules::text(LONGEST));
    let address = body.required("endpoint", rules::web_address(LONGEST));
    let secret_access_key = body.required_secret("secretAccessKey", rules::text(LONGEST));
    let region = body.one("region", rules::text(LONGEST));
    Some(Mount {
        endpoint: endpoint(&address?),
        bucket: bucket?,
        access_key_id: access_key_id?,
        secret_access_key: secret_access_key?,
        region,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(body: &Value) -> String {
        let mut reader = Reader::default();
        reader.body(body, fields);
        reader.faults().detail()
    }

    fn full() -> Value {
        json!({ "bucketName": "Maps", "accessKeyId": "key", "secretAccessKey": "secret", "bucket": "b",
                "endpoint": "https://objects.example//", "permCodes": ["READ", "READ"], "active": "false" })
    }

    #[test]
    fn a_mount_is_read_whole() {
        let mut reader = Reader::default();
        let bucket = reader.body(&full(), fields).unwrap();
        assert!(reader.faults().is_empty());
        let mount = bucket.mount.unwrap();
        assert_eq!(mount.endpoint, "https://objects.example");
        assert_eq!(mount.secret_access_key.reveal(), "secret");
        assert_eq!(bucket.codes.map(|codes| codes.len()), Some(1));
        assert_eq!(bucket.active, Some(false));
        assert_eq!(bucket.key, None);
    }

    #[test]
    fn a_name_alone_asks_for_the_servers_storage() {
        let mut reader = Reader::default();
        let bucket = reader
            .body(&json!({ "bucketName": "Maps", "key": "a/b" }), fields)
            .unwrap();
        assert!(reader.faults().is_empty());
        assert!(bucket.mount.is_none());
        assert_eq!(bucket.key.as_deref(), Some("a/b"));
    }

    #[test]
    fn half_a_mount_names_what_is_missing() {
        assert_eq!(
            refused(&json!({ "bucketName": "Maps", "bucket": "b", "endpoint": "https://a" })),
            "\"accessKeyId\" is required; \"secretAccessKey\" is required"
        );
        assert_eq!(
            refused(&json!({})),
            "\"bucketName\" is required; \"accessKeyId\" is required; \"bucket\" is required; \
             \"endpoint\" is required; \"secretAccessKey\" is required"
        );
        assert_eq!(
            refused(&json!({ "bucketName": "Maps", "region": "x" }))
                .matches("is required")
                .count(),
            4
        );
    }

    #[test]
    fn limits_hold() {
        for (member, value, says) in [
            (
                "bucketName",
                json!("x".repeat(256)),
                "length must be less than or equal to 255 characters long",
            ),
            ("key", json!(" a"), "must not have leading or trailing whitespace"),
            ("endpoint", json!("objects.example"), "must be a valid uri"),
            (
                "permCodes",
                json!(["WRITE"]),
                "must be one of [CREATE, READ, UPDATE, DELETE, MANAGE]",
            ),
            ("permCodes", json!("READ"), "must be an array"),
            ("public", json!(true), "is not allowed"),
        ] {
            let mut body = full();
            body[member] = value;
            assert!(refused(&body).contains(says), "{member}: {}", refused(&body));
        }
    }
}
