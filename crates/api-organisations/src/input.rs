//! Reading requests: JSON of a bounded size, and fields with their types. What is not named here is ignored and never
//! stored; null and wrong types are 400 (organisations contract, S-1 and S-18).

use std::future::Future;

use axum::http::{StatusCode, header};
use domain::Timestamp;
use http_kit::Call;
use serde_json::{Map, Value};

use crate::problem::Failure;

/// The largest body, in bytes: a logo, and some texts.
const LIMIT: usize = 2 << 20;

/// The longest `s(255)`.
pub(crate) const SHORT: usize = 255;
/// The longest description or message.
pub(crate) const LONG: usize = 10_000;

/// Takes a JSON body that says it is one.
pub(crate) async fn json(call: &mut Call) -> Result<Value, Failure> {
    let is_json = call.header(&header::CONTENT_TYPE).is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
    });
    if !is_json {
        let text = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.";
        return Err(Failure::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, text.into()));
    }
    let bytes = call.take_bytes(LIMIT).await?;
    serde_json::from_slice(&bytes).map_err(|_| Failure::unreadable())
}

/// Takes a JSON object.
pub(crate) async fn object(call: &mut Call) -> Result<Body, Failure> {
    match json(call).await? {
        Value::Object(members) => Ok(Body(members)),
        _ => Err(Failure::bad("The body must be a JSON object")),
    }
}

/// What was read; where it could not be read, what a check of the caller's reach says first.
pub(crate) async fn or_check<T>(
    read: Result<T, Failure>,
    check: impl Future<Output = app::Result<()>>,
) -> Result<T, Failure> {
    match read {
        Ok(read) => Ok(read),
        Err(failure) => {
            check.await?;
            Err(failure)
        }
    }
}

/// The members of a JSON object.
#[derive(Debug)]
pub(crate) struct Body(Map<String, Value>);

fn wrong(name: &str, wanted: &str) -> Failure {
    Failure::bad(format!("'{name}' must be {wanted}"))
}

/// A text without control characters that has at most so many characters.
fn text(name: &str, text: &str, most: usize) -> Result<String, Failure> {
    if text.chars().count() > most {
        return Err(wrong(name, &format!("at most {most} characters long")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(wrong(name, "without control characters"));
    }
    Ok(text.to_owned())
}

impl Body {
    /// The names of all members.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a member is there, null or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A member that is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text, if there is one.
    pub(crate) fn text(&self, name: &str, most: usize) -> Result<Option<String>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(value)) => text(name, value, most).map(Some),
            Some(_) => Err(wrong(name, "a text")),
        }
    }

    /// A text that must be there.
    pub(crate) fn required(&self, name: &str, most: usize) -> Result<String, Failure> {
        if !self.has(name) {
            return Err(Failure::bad(format!("Missing key '{name}'")));
        }
        self.text(name, most)?.ok_or_else(|| wrong(name, "a text"))
    }

    /// A name: a text with something in it.
    pub(crate) fn name(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.text(name, SHORT)? {
            Some(text) if text.trim().is_empty() || text.chars().any(char::is_control) => {
                Err(wrong(name, "a name of 1 to 255 characters, without control characters"))
            }
            found => Ok(found),
        }
    }

    /// Yes or no; no when nothing is said.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// A list of texts, if there is one; null counts as none.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => texts(name, value).map(Some),
        }
    }

    /// A moment in milliseconds since 1970, if a number is given.
    pub(crate) fn milliseconds(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        match self.get(name).and_then(Value::as_number) {
            None => Ok(None),
            Some(number) => {
                let seconds = whole(number).map(|number| number.div_euclid(1000));
                moment(name, seconds).map(Some)
            }
        }
    }

    /// A moment in seconds since 1970, as a number or a text with one; nothing for 0 and an empty text.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        let seconds = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => whole(number),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        if seconds == Some(0) {
            return Ok(None);
        }
        moment(name, seconds).map(Some)
    }
}

/// A list of texts.
pub(crate) fn texts(name: &str, value: &Value) -> Result<Vec<String>, Failure> {
    let Value::Array(elements) = value else {
        return Err(wrong(name, "a list of texts"));
    };
    let element = |value: &Value| match value {
        Value::String(value) => text(name, value, SHORT),
        _ => Err(wrong(name, "a list of texts")),
    };
    elements.iter().map(element).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast saturates, and what is too large is refused"
)]
fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| number.as_f64().map(|number| number as i64))
}

/// A moment that a calendar has.
fn moment(name: &str, seconds: Option<i64>) -> Result<Timestamp, Failure> {
    /// The year 9999.
    const LAST: i64 = 253_402_300_799;
    seconds
        .filter(|seconds| (0..=LAST).contains(seconds))
        .map(Timestamp::from_seconds)
        .ok_or_else(|| wrong(name, "a moment in the years 1970 to 9999"))
}

/// `^\S+@\S+$`, in at most 255 characters.
pub(crate) fn is_address(text: &str) -> bool {
    domain::EmailAddress::new(text).is_ok()
}
