//! Holds every answer that a test gets to the server's own description of itself (OpenAPI 3.1): its status, its media type
//! and its shape. Knows as much of JSON Schema as the description uses, and panics on the rest.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::{Map, Value};

use crate::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| api_objects::document(""));

/// Panics when an answer from `/api/v1` is not what the document says. `path` is what comes after that.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let Some(operation) = operation(method, path) else {
        return;
    };
    let said = |what: &str| panic!("{}: {}: {what}\n{}", answer.asked, answer.status, answer.text());
    let responses = &operation["responses"];
    let described = match &responses[answer.status.to_string()] {
        Value::Null if answer.status < 400 => return said("this status is not described"),
        Value::Null => &responses["default"],
        described => described,
    };
    if answer.body.is_empty() {
        return;
    }
    let media_type = answer.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    let content = &described["content"];
    if content.get("*/*").is_some() {
        return;
    }
    let Some(described) = content.get(media_type) else {
        return said(&format!("the type {media_type} is not described"));
    };
    if media_type.ends_with("json")
        && let Err(why) = matches(&answer.json(), &described["schema"], "")
    {
        said(&why);
    }
}

/// The operation of a path, if there is one. Segments that are named go before those that vary.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path
        .split(['?', '#'])
        .next()?
        .trim_end_matches('/')
        .to_ascii_lowercase();
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<String> = template
            .trim_end_matches('/')
            .split('/')
            .map(str::to_ascii_lowercase)
            .collect();
        template.len() == segments.len()
            && template
                .iter()
                .zip(&segments)
                .all(|(wanted, sent)| wanted.starts_with('{') || wanted == sent)
    };
    let mut found: Vec<(&String, &Value)> = DOCUMENT["paths"]
        .as_object()?
        .iter()
        .filter(|(path, _)| fits(path))
        .collect();
    found.sort_by_key(|(path, _)| path.matches('{').count());
    let (_, methods) = found.first()?;
    methods.get(method.as_str().to_ascii_lowercase())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a value has the shape of a schema; if not, where and why.
fn matches(value: &Value, schema: &Value, at: &str) -> Result<(), String> {
    let rules = schema
        .as_object()
        .ok_or_else(|| format!("{at}: the schema is no object"))?;
    // The type first: what is of another kind is told as that.
    let kind = rules.get_key_value("type");
    for (rule, wanted) in kind.into_iter().chain(rules) {
        check_rule(value, rules, rule, wanted, at)?;
    }
    Ok(())
}

fn check_rule(value: &Value, rules: &Map<String, Value>, rule: &str, wanted: &Value, at: &str) -> Result<(), String> {
    let wrong = |why: String| Err(format!("{}: {why}", if at.is_empty() { "the whole" } else { at }));
    let holds = match rule {
        "$ref" => {
            let pointer = wanted
                .as_str()
                .and_then(|target| target.strip_prefix('#'))
                .unwrap_or_default();
            let target = DOCUMENT
                .pointer(pointer)
                .ok_or_else(|| format!("{pointer} leads nowhere"))?;
            return matches(value, target, at);
        }
        "type" => {
            let found = type_of(value);
            let is = |kind: &Value| kind == found || (kind == "number" && found == "integer");
            match wanted {
                Value::Array(kinds) => kinds.iter().any(is),
                one => is(one),
            }
        }
        "const" => value == wanted,
        "enum" => wanted.as_array().is_some_and(|words| words.contains(value)),
        "minimum" => value
            .as_f64()
            .is_none_or(|number| number >= wanted.as_f64().unwrap_or(f64::MAX)),
        "maximum" => value
            .as_f64()
            .is_none_or(|number| number <= wanted.as_f64().unwrap_or(f64::MIN)),
        "minLength" => value
            .as_str()
            .is_none_or(|text| text.chars().count() as u64 >= wanted.as_u64().unwrap_or(u64::MAX)),
        "maxLength" => value
            .as_str()
            .is_none_or(|text| text.chars().count() as u64 <= wanted.as_u64().unwrap_or(0)),
        "format" => match (value.as_str(), wanted.as_str()) {
            (Some(text), Some("uuid")) => is_uuid(text),
            (Some(text), Some("date-time")) => is_time(text),
            (Some(text), Some("uri")) => text.contains("://"),
            (None, _) => true,
            (_, other) => return wrong(format!("the format {other:?} is unknown to the test kit")),
        },
        "required" => {
            let missing = wanted.as_array().into_iter().flatten().find(|name| {
                value[name.as_str().unwrap_or_default()].is_null()
                    && value.get(name.as_str().unwrap_or_default()).is_none()
            });
            match missing {
                None => true,
                Some(name) => return wrong(format!("{name} is missing")),
            }
        }
        "properties" => {
            for (name, schema) in wanted.as_object().into_iter().flatten() {
                if let Some(value) = value.get(name) {
                    matches(value, schema, &format!("{at}.{name}"))?;
                }
            }
            true
        }
        "additionalProperties" => {
            let known = rules.get("properties").and_then(Value::as_object);
            for (name, value) in value.as_object().into_iter().flatten() {
                if known.is_some_and(|known| known.contains_key(name)) {
                    continue;
                }
                match wanted {
                    Value::Bool(true) => {}
                    Value::Bool(false) => return wrong(format!("{name} is not described")),
                    schema => matches(value, schema, &format!("{at}.{name}"))?,
                }
            }
            true
        }
        "items" => {
            for (place, value) in value.as_array().into_iter().flatten().enumerate() {
                matches(value, wanted, &format!("{at}[{place}]"))?;
            }
            true
        }
        "description" => true,
        other => return wrong(format!("the rule {other} is unknown to the test kit")),
    };
    if holds {
        Ok(())
    } else {
        wrong(format!("{value} breaks {rule} {wanted}"))
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(place, sign)| match place {
            8 | 13 | 18 | 23 => sign == '-',
            _ => sign.is_ascii_digit() || ('a'..='f').contains(&sign),
        })
}

/// `2022-03-11T23:19:16.343Z`, exactly so.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|sign| if sign.is_ascii_digit() { '0' } else { sign })
        .collect();
    shape == "0000-00-00T00:00:00.000Z"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_are_told_apart() {
        let schema = json!({ "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": { "a": { "type": ["string", "null"], "format": "uuid" },
                            "b": { "type": "array", "items": { "type": "integer", "minimum": 1 } } } });
        let id = "ac246e31-c807-496c-bc93-cd8bc2f1b2b4";
        for good in [json!({ "a": id }), json!({ "a": null, "b": [1, 2] })] {
            assert_eq!(matches(&good, &schema, ""), Ok(()));
        }
        for (bad, says) in [
            (json!([]), "breaks type"),
            (json!({}), "\"a\" is missing"),
            (json!({ "a": "x" }), ".a: \"x\" breaks format"),
            (json!({ "a": null, "b": [0] }), ".b[0]: 0 breaks minimum"),
            (json!({ "a": null, "c": 1 }), "c is not described"),
        ] {
            let why = matches(&bad, &schema, "").unwrap_err();
            assert!(why.contains(says), "{bad}: {why}");
        }
        assert!(is_time("2022-03-11T23:19:16.343Z") && !is_time("2022-03-11T23:19:16Z"));
    }

    #[test]
    fn paths_find_their_operation() {
        let id = |method: Method, path: &str| operation(&method, path).map(|operation| &operation["operationId"]);
        assert_eq!(id(Method::GET, "/bucket?x=1"), Some(&json!("searchBuckets")));
        assert_eq!(id(Method::GET, "/"), Some(&json!("directory")));
        assert_eq!(
            id(Method::GET, "/Permission/Invite/pending/"),
            Some(&json!("listInvites"))
        );
        assert_eq!(id(Method::GET, "/permission/invite/abc"), Some(&json!("useInvite")));
        assert_eq!(id(Method::GET, "/nothing/here"), None);
        assert_eq!(id(Method::POST, "/bucket"), None);
    }
}
