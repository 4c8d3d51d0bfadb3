//! The headers that every answer carries: cross-origin sharing and hardening (objects contract, section 1.2).

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// Header names a script may always read: the row count of searches and what describes a download.
const EXPOSED: &str = "X-Total-Rows, ETag, Last-Modified, Content-Disposition, Content-Range, Accept-Ranges, \
                       X-Request-Id, Location, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Checksum-Algorithm, \
                       Upload-Offset, Upload-Length, Upload-Expires, X-Object-Id, x-amz-version-id";

const HARDENING: [(HeaderName, &str); 11] = [
    // Answers are data. Uploaded pages must not run as this site, so nothing loads and nothing runs.
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("origin-agent-cluster"), "?1"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=15552000; includeSubDomains"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_DNS_PREFETCH_CONTROL, "off"),
    (HeaderName::from_static("x-download-options"), "noopen"),
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
    (header::X_XSS_PROTECTION, "0"),
];

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Adds the hardening headers. An answer that may be embedded by other sites says so.
pub(crate) fn harden(headers: &mut HeaderMap, embeddable: bool) {
    for (name, value) in HARDENING {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = if embeddable { "cross-origin" } else { "same-origin" };
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static(policy));
}

/// Adds what lets a script of another site read the answer.
pub(crate) fn share(headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    let extra: Vec<&str> = headers
        .keys()
        .map(HeaderName::as_str)
        .filter(|name| name.starts_with("x-amz-") && *name != "x-amz-version-id")
        .collect();
    let exposed = if extra.is_empty() {
        HeaderValue::from_static(EXPOSED)
    } else {
        // Header names are tokens, so the joined list is a valid value.
        HeaderValue::from_str(&format!("{EXPOSED}, {}", extra.join(", "))).unwrap_or(HeaderValue::from_static(EXPOSED))
    };
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

/// The headers of a preflight answer.
pub(crate) fn preflight(request: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(origin) = request.get(header::ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE"),
    );
    if let Some(asked) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Origin, Access-Control-Request-Headers"),
    );
    headers
}

/// Whether a request is answered by [`preflight`] alone, before anybody is authenticated.
pub(crate) fn is_preflight(method: &Method) -> bool {
    method == Method::OPTIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn the_origin_is_echoed_and_the_row_count_exposed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-meta-color", HeaderValue::from_static("red"));
        share(&mut headers, Some(&HeaderValue::from_static("https://app.example")));
        assert_eq!(
            text(&headers, "access-control-allow-origin"),
            Some("https://app.example")
        );
        assert_eq!(text(&headers, "vary"), Some("Origin"));
        assert_eq!(text(&headers, "access-control-allow-credentials"), None);
        let exposed = text(&headers, "access-control-expose-headers").unwrap();
        assert!(exposed.starts_with("X-Total-Rows, ETag"));
        assert!(exposed.ends_with("x-amz-version-id, x-amz-meta-color"));
        let mut headers = HeaderMap::new();
        share(&mut headers, None);
        assert_eq!(text(&headers, "access-control-allow-origin"), None);
        assert_eq!(text(&headers, "vary"), Some("Origin"));
    }

    #[test]
    fn a_preflight_allows_what_was_asked_for() {
        let mut request = HeaderMap::new();
        request.insert("origin", HeaderValue::from_static("https://app.example"));
        request.insert(
            "access-control-request-headers",
            HeaderValue::from_static("authorization,x-amz-meta-foo"),
        );
        let headers = preflight(&request);
        assert_eq!(
            text(&headers, "access-control-allow-headers"),
            Some("authorization,x-amz-meta-foo")
        );
        assert_eq!(
            text(&headers, "access-control-allow-methods"),
            Some("GET,HEAD,PUT,PATCH,POST,DELETE")
        );
        assert_eq!(text(&headers, "access-control-max-age"), Some("600"));
        assert_eq!(
            text(&headers, "access-control-allow-origin"),
            Some("https://app.example")
        );
    }

    #[test]
    fn only_embeddable_answers_may_be_used_by_other_sites() {
        for (embeddable, policy) in [(true, "cross-origin"), (false, "same-origin")] {
            let mut headers = HeaderMap::new();
            harden(&mut headers, embeddable);
            assert_eq!(text(&headers, "cross-origin-resource-policy"), Some(policy));
            assert_eq!(headers.len(), HARDENING.len() + 1);
        }
    }
}
