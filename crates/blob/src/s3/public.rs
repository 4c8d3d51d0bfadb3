//! What makes content public in S3: the bucket's policy and the access control lists of objects.

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::{AccessControlPolicy, Grant, Permission},
};

use super::{S3, failure::failure};
use crate::{Kind, Result};

/// Everybody, with or without credentials.
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

pub(super) async fn policy(s3: &S3) -> Result<Option<String>> {
    let answer = s3.client.get_bucket_policy().bucket(&s3.config.bucket).send().await;
    match answer {
        Ok(answer) => Ok(answer.policy().filter(|text| !text.is_empty()).map(str::to_owned)),
        Err(error) if error.code() == Some("NoSuchBucketPolicy") => Ok(None),
        Err(error) => Err(failure(error)),
    }
}

pub(super) async fn put_policy(s3: &S3, policy: Option<&str>) -> Result<()> {
    let bucket = &s3.config.bucket;
    if let Some(text) = policy {
        let request = s3.client.put_bucket_policy().bucket(bucket).policy(text);
        return request.send().await.map(drop).map_err(failure);
    }
    let answer = s3.client.delete_bucket_policy().bucket(bucket).send().await;
    answer.map(drop).map_err(failure)
}

fn is_to_anyone(grant: &Grant) -> bool {
    grant.grantee().and_then(|grantee| grantee.uri()) == Some(ALL_USERS)
}

fn reads(grant: &Grant) -> bool {
    matches!(grant.permission(), Some(Permission::Read | Permission::FullControl))
}

/// A store that keeps no such lists says so in one of these ways.
fn has_no_lists<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata,
{
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    status == Some(501) || matches!(error.code(), Some("NotImplemented" | "AccessControlListNotSupported"))
}

pub(super) async fn anyone_may_read(s3: &S3, key: &str) -> Result<bool> {
    let answer = s3.client.get_object_acl().bucket(&s3.config.bucket).key(key);
    match answer.send().await {
        Ok(acl) => Ok(acl.grants().iter().any(|grant| is_to_anyone(grant) && reads(grant))),
        Err(error) if has_no_lists(&error) => Ok(false),
        Err(error) => Err(failure(error)),
    }
}

pub(super) async fn withdraw_from_anyone(s3: &S3, key: &str) -> Result<bool> {
    let answer = s3.client.get_object_acl().bucket(&s3.config.bucket).key(key);
    let acl = match answer.send().await {
        Ok(acl) => acl,
        Err(error) if has_no_lists(&error) => return Ok(false),
        Err(error) => {
            let error = failure(error);
            return match error.kind {
                Kind::NotFound | Kind::MethodNotAllowed => Ok(false),
                _ => Err(error),
            };
        }
    };
    if !acl.grants().iter().any(|grant| is_to_anyone(grant) && reads(grant)) {
        return Ok(false);
    }
    let kept = acl
        .grants()
        .iter()
        .filter(|grant| !is_to_anyone(grant))
        .cloned()
        .collect();
    let kept = AccessControlPolicy::builder()
        .set_owner(acl.owner().cloned())
        .set_grants(Some(kept))
        .build();
    let request = s3.client.put_object_acl().bucket(&s3.config.bucket).key(key);
    match request.access_control_policy(kept).send().await {
        Ok(_) => Ok(true),
        Err(error) => {
            let error = failure(error);
            match error.kind {
                Kind::NotFound | Kind::MethodNotAllowed => Ok(false),
                _ => Err(error),
            }
        }
    }
}
