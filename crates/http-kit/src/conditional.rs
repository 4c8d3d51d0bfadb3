//! Conditional requests (RFC 9110, section 13): entity tags, dates, and their precedence over ranges.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, Method, header};
use domain::Timestamp;

use crate::range::{self, Ranged};

/// What a request's conditions and range ask of a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Answer with it: whole or a part (or 416).
    Content(Ranged),
    /// The client has it already: 304.
    NotModified,
    /// A condition does not hold: 412.
    PreconditionFailed,
}

/// What is known of a representation before its bytes are read.
#[derive(Clone, Copy, Debug)]
pub struct Representation<'a> {
    /// The entity tag with its quotes, and `W/` if weak.
    pub etag: Option<&'a str>,
    /// When it was stored. Conditions compare whole seconds.
    pub last_modified: Timestamp,
    /// Its length in bytes.
    pub size: u64,
}

/// Evaluates the conditions of a `GET` or `HEAD` in the order of RFC 9110, section 13.2.2, and then the range. Dates
/// that cannot be read are ignored, as the RFC asks.
pub fn decide(method: &Method, headers: &HeaderMap, of: Representation<'_>) -> Wanted {
    if headers.contains_key(header::IF_MATCH) {
        if !any_tag(headers, &header::IF_MATCH, of.etag, strong_match) {
            return Wanted::PreconditionFailed;
        }
    } else if let Some(date) = date(headers, &header::IF_UNMODIFIED_SINCE)
        && of.last_modified.seconds() > date
    {
        return Wanted::PreconditionFailed;
    }
    if headers.contains_key(header::IF_NONE_MATCH) {
        if any_tag(headers, &header::IF_NONE_MATCH, of.etag, weak_match) {
            return Wanted::NotModified;
        }
    } else if let Some(date) = date(headers, &header::IF_MODIFIED_SINCE)
        && of.last_modified.seconds() <= date
    {
        return Wanted::NotModified;
    }
    Wanted::Content(match headers.get(header::RANGE).and_then(|value| value.to_str().ok()) {
        Some(asked) if method == Method::GET && range_still_applies(headers, of) => range::parse(asked, of.size),
        _ => Ranged::Whole,
    })
}

/// Whether an `If-None-Match` header names this tag, by weak comparison.
pub fn none_match(headers: &HeaderMap, etag: &str) -> bool {
    any_tag(headers, &header::IF_NONE_MATCH, Some(etag), weak_match)
}

/// A moment as an HTTP date (IMF-fixdate), whole seconds.
pub fn http_date(at: Timestamp) -> String {
    let seconds = u64::try_from(at.seconds()).unwrap_or(0);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// `If-Range`: the same tag by strong comparison, or exactly the date of the representation.
fn range_still_applies(headers: &HeaderMap, of: Representation<'_>) -> bool {
    let Some(value) = headers.get(header::IF_RANGE) else {
        return true;
    };
    let Ok(text) = value.to_str() else { return false };
    let text = text.trim();
    match seconds(text) {
        Some(date) => of.last_modified.seconds() == date,
        None => of.etag.is_some_and(|etag| strong_match(text, etag)),
    }
}

fn any_tag(headers: &HeaderMap, name: &HeaderName, etag: Option<&str>, same: fn(&str, &str) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|list| list.trim() == "*" || etag.is_some_and(|etag| tags(list).any(|candidate| same(candidate, etag))))
}

/// The entity tags of a list. A comma inside quotes belongs to the tag.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return None;
        }
        let opening = if rest.starts_with("W/") { 2 } else { 0 };
        let end = match rest.get(opening..).and_then(|tag| tag.strip_prefix('"')) {
            Some(inside) => inside.find('"').map(|at| opening + 1 + at + 1),
            None => rest.find(','),
        };
        let (tag, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(tag.trim_end())
    })
}

fn weak_match(left: &str, right: &str) -> bool {
    opaque(left) == opaque(right)
}

fn strong_match(left: &str, right: &str) -> bool {
    left == right && !left.starts_with("W/")
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .and_then(seconds)
}

fn seconds(text: &str) -> Option<i64> {
    let at: SystemTime = httpdate::parse_http_date(text).ok()?;
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const STORED: Timestamp = Timestamp::from_seconds(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn ask(headers: &[(&'static str, &str)]) -> Wanted {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let of = Representation {
            etag: Some("\"abc\""),
            last_modified: Timestamp(STORED.0 + 999_999),
            size: 11,
        };
        decide(&Method::GET, &map, of)
    }

    const WHOLE: Wanted = Wanted::Content(Ranged::Whole);

    #[test]
    fn an_entity_tag_the_client_has_is_not_sent_again() {
        for list in [
            "\"abc\"",
            "W/\"abc\"",
            "*",
            "\"x\", \"abc\"",
            "\"x,y\",W/\"abc\" ",
            "\"x\" , , \"abc\"",
        ] {
            assert_eq!(ask(&[("if-none-match", list)]), Wanted::NotModified, "{list}");
        }
        for list in ["\"abcd\"", "\"x\", \"y\"", "", "\"abc", "\"x,\"abc\"\""] {
            assert_eq!(ask(&[("if-none-match", list)]), WHOLE, "{list}");
        }
        assert_eq!(
            ask(&[("if-none-match", "\"x\""), ("if-none-match", "\"abc\"")]),
            Wanted::NotModified
        );
    }

    #[test]
    fn dates_count_in_whole_seconds_and_yield_to_tags() {
        assert_eq!(ask(&[("if-modified-since", SAME)]), Wanted::NotModified);
        assert_eq!(ask(&[("if-modified-since", EARLIER)]), WHOLE);
        assert_eq!(ask(&[("if-modified-since", "yesterday")]), WHOLE);
        assert_eq!(ask(&[("if-modified-since", SAME), ("if-none-match", "\"x\"")]), WHOLE);
        assert_eq!(ask(&[("if-unmodified-since", EARLIER)]), Wanted::PreconditionFailed);
        assert_eq!(ask(&[("if-unmodified-since", SAME)]), WHOLE);
    }

    #[test]
    fn if_match_is_strong() {
        assert_eq!(ask(&[("if-match", "\"abc\"")]), WHOLE);
        assert_eq!(ask(&[("if-match", "*")]), WHOLE);
        assert_eq!(ask(&[("if-match", "W/\"abc\"")]), Wanted::PreconditionFailed);
        assert_eq!(ask(&[("if-match", "\"x\"")]), Wanted::PreconditionFailed);
        assert_eq!(ask(&[("if-match", "\"abc\""), ("if-unmodified-since", EARLIER)]), WHOLE);
    }

    #[test]
    fn a_range_holds_only_for_the_same_representation() {
        let part = Wanted::Content(Ranged::Part(0, 4));
        for (if_range, wanted) in [
            ("\"abc\"", part),
            (SAME, part),
            ("W/\"abc\"", WHOLE),
            ("\"x\"", WHOLE),
            (EARLIER, WHOLE),
            ("junk", WHOLE),
        ] {
            assert_eq!(
                ask(&[("range", "bytes=0-3"), ("if-range", if_range)]),
                wanted,
                "{if_range}"
            );
        }
        assert_eq!(ask(&[("range", "bytes=20-")]), Wanted::Content(Ranged::Unsatisfiable));
        assert_eq!(
            ask(&[("range", "bytes=0-3"), ("if-none-match", "\"abc\"")]),
            Wanted::NotModified
        );
    }

    #[test]
    fn prints_imf_fixdate() {
        assert_eq!(http_date(Timestamp(STORED.0 + 5)), SAME);
        assert_eq!(http_date(Timestamp(-5)), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
