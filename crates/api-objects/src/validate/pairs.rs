//! Tags in the query and metadata in the headers (objects contract, sections 4.0 and 2.6).

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{Complaint, Fault, Fields, Reader, Section, Step, rules};

/// Keys and values.
pub(crate) type Pairs = Vec<(String, String)>;

/// The tag that holds an object's id in S3. Clients may not set it.
pub(crate) const IDENTITY_TAG: &str = "coms-id";

/// Tags a client may set on one version; with the identity tag they are ten, the most that S3 keeps.
const MOST_TAGS: usize = 9;

const LONGEST: usize = 255;
const PREFIX: &str = "x-amz-meta-";

/// `tagset[key]=value`: at most nine, a value may be empty, a key may come once, and the identity tag is reserved.
pub(crate) fn tags(query: &mut Fields<'_>) -> Pairs {
    const KEY: &str = "tagset";
    let Some(value) = query.raw(KEY) else {
        return Vec::new();
    };
    let Value::Object(map) = value else {
        let complaint = Complaint::new("object.base", "must be of type object").with("type", "object");
        query.refuse::<()>(vec![KEY.into()], complaint, Some(value.clone()));
        return Vec::new();
    };
    let mut tags = Vec::with_capacity(map.len());
    for (key, value) in map {
        let wrong = if key == IDENTITY_TAG || key.chars().count() > LONGEST {
            Some(Complaint::new("object.unknown", "is not allowed").with("child", key.as_str()))
        } else {
            match value.as_str() {
                None => Some(Complaint::new("string.base", "must be a string")),
                Some(text) => super::without_null(text)
                    .and_then(|text| super::without_null(key).and(rules::at_most(text, LONGEST)))
                    .err(),
            }
        };
        match (wrong, value.as_str()) {
            (None, Some(text)) => tags.push((key.clone(), text.to_owned())),
            (Some(complaint), _) => {
                query.refuse::<()>(
                    vec![KEY.into(), Step::from(key.as_str())],
                    complaint,
                    Some(value.clone()),
                );
            }
            (None, None) => {}
        }
    }
    if map.len() > MOST_TAGS {
        let says = "keys failed to match pattern requirements";
        let complaint = Complaint::new("object.pattern.match", says).with(
            "message",
            format!("\"{KEY}\" must contain less than or equal to {MOST_TAGS} items"),
        );
        query.refuse::<()>(vec![KEY.into()], complaint, Some(value.clone()));
    }
    tags
}

impl Reader {
    /// `x-amz-meta-key: value` headers: keys in lower case, values not empty, a repeated header joined by `, `.
    pub(crate) fn metadata(&mut self, headers: &HeaderMap) -> Pairs {
        let mut pairs = Pairs::new();
        for name in headers.keys() {
            let Some(key) = name.as_str().strip_prefix(PREFIX).filter(|key| !key.is_empty()) else {
                continue;
            };
            let values: Vec<String> = headers
                .get_all(name)
                .iter()
                .map(|value| decode(value.as_bytes()))
                .collect();
            let value = values.join(", ");
            if value.is_empty() {
                let complaint = Complaint::new("string.empty", "is not allowed to be empty");
                let fault = Fault::new(vec![name.as_str().into()], complaint, Some(json!("")));
                self.faults.push(Section::Headers, fault);
            } else {
                pairs.push((key.to_owned(), value));
            }
        }
        pairs
    }
}

/// Header bytes as text: UTF-8 if they are, else ISO-8859-1.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}
