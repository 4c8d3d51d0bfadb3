//! What S3's errors mean.

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::{RequestId, RequestIdExt},
};

use crate::{Error, Kind, RequestIds, Upstream};

/// What a status and a code mean. HEAD has no code.
fn kind(status: u16, code: Option<&str>) -> Kind {
    match (status, code) {
        (_, Some("QuotaExceeded" | "InsufficientCapacity")) | (507, _) => Kind::Full,
        (_, Some("EntityTooLarge" | "KeyTooLongError")) | (413, _) => Kind::TooLarge,
        (_, Some("RequestTimeout")) => Kind::Timeout,
        (_, Some("NoSuchBucket" | "NoSuchUpload")) => Kind::Upstream,
        (404, _) => Kind::NotFound,
        (405, _) => Kind::MethodNotAllowed,
        (401 | 403, _) => Kind::Denied,
        (409, Some("ConditionalRequestConflict")) | (412, _) => Kind::Precondition,
        (416, _) => Kind::Range,
        (429 | 502..=504, _) => Kind::Unavailable,
        _ => Kind::Upstream,
    }
}

/// Ids of an answer.
pub(super) fn request_ids(answer: &(impl RequestId + RequestIdExt)) -> RequestIds {
    RequestIds {
        request_id: answer.request_id().map(str::to_owned),
        extended_request_id: answer.extended_request_id().map(str::to_owned),
    }
}

/// Our error for one of the SDK's.
pub(super) fn failure<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let upstream = error.raw_response().map(|raw| {
        let header = |name| raw.headers().get(name).map(str::to_owned);
        Upstream {
            status: raw.status().as_u16(),
            code: error.as_service_error().and_then(|e| e.code()).map(str::to_owned),
            delete_marker: header("x-amz-delete-marker").as_deref() == Some("true"),
            request_id: header("x-amz-request-id"),
            extended_request_id: header("x-amz-id-2"),
        }
    });
    let kind = match (&error, &upstream) {
        (SdkError::ConstructionFailure(_), _) => Kind::Invalid,
        (SdkError::TimeoutError(_), _) => Kind::Timeout,
        (SdkError::DispatchFailure(failure), _) if failure.is_timeout() => Kind::Timeout,
        (SdkError::DispatchFailure(_), _) => Kind::Unavailable,
        // An answer that no S3 would give, or one that broke off.
        (SdkError::ResponseError(_), Some(upstream)) if upstream.status < 300 => Kind::Upstream,
        (_, Some(upstream)) => kind(upstream.status, upstream.code.as_deref()),
        (_, None) => Kind::Upstream,
    };
    Error {
        kind,
        upstream: upstream.map(Box::new),
        source: Some(Box::new(error)),
    }
}

/// The same for a request that names a version: a store may call an id that it never gave out malformed (400) instead
/// of unknown. To the caller it is the same.
pub(super) fn version_failure<E>(version: Option<&str>) -> impl FnOnce(SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    move |error| {
        let mut error = failure(error);
        if version.is_some() && error.upstream.as_ref().is_some_and(|upstream| upstream.status == 400) {
            error.kind = Kind::NotFound;
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_codes_have_one_meaning() {
        for (status, code, expected) in [
            (404, None, Kind::NotFound),
            (404, Some("NoSuchKey"), Kind::NotFound),
            (404, Some("NoSuchVersion"), Kind::NotFound),
            (404, Some("NoSuchBucket"), Kind::Upstream),
            (403, Some("SignatureDoesNotMatch"), Kind::Denied),
            (403, Some("QuotaExceeded"), Kind::Full),
            (405, Some("MethodNotAllowed"), Kind::MethodNotAllowed),
            (412, Some("PreconditionFailed"), Kind::Precondition),
            (416, Some("InvalidRange"), Kind::Range),
            (400, Some("EntityTooLarge"), Kind::TooLarge),
            (400, Some("InvalidTag"), Kind::Upstream),
            (500, Some("InternalError"), Kind::Upstream),
            (503, Some("SlowDown"), Kind::Unavailable),
        ] {
            assert_eq!(kind(status, code), expected, "{status} {code:?}");
        }
    }
}
