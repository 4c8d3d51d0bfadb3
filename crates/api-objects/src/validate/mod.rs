//! Reading requests: every field is checked, nothing stops at the first fault, and what comes out is typed.
//!
//! A request type reads its sections through [`Reader`]: each field names its rule once, unknown keys are found because
//! every known key was asked for, and [`Reader::finish`] gives either the input or the 422 of section 1.10.

mod fault;
pub(crate) mod pairs;
pub(crate) mod query;
pub(crate) mod rules;

use std::borrow::Cow;

use http_kit::{Call, Refusal};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use fault::Faults;
pub(crate) use fault::{Complaint, Fault, Section, Step};
use rules::Checked;

use crate::problem::Failure;

/// Reads the sections of one request and collects what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(super) faults: Faults,
}

impl Reader {
    /// The id in the path.
    pub(crate) fn id(&mut self, call: &Call, name: &'static str) -> Option<Uuid> {
        let value = call.parameter(name);
        let fault = match rules::uuid4(value) {
            Ok(id) => return Some(id),
            Err(complaint) => Fault::new(vec![name.into()], complaint, Some(json!(value))),
        };
        self.faults.push(Section::Params, fault);
        None
    }

    /// The query, read by `fields`. Keys that it does not ask for are faults.
    pub(crate) fn query<T>(&mut self, call: &Call, fields: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Failure> {
        let query = query::parse(call.uri().query().unwrap_or_default())
            .map_err(|error| Refusal::Malformed(Cow::Owned(error.to_string())))?;
        Ok(self.object(Section::Query, Vec::new(), &query, fields))
    }

    #[cfg(test)]
    pub(crate) fn parsed_query<T>(
        &mut self,
        query: &Map<String, Value>,
        fields: impl FnOnce(&mut Fields<'_>) -> T,
    ) -> T {
        self.object(Section::Query, Vec::new(), query, fields)
    }

    #[cfg(test)]
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// A JSON object, read by `fields`.
    pub(crate) fn body<T: Default>(&mut self, body: &Value, fields: impl FnOnce(&mut Fields<'_>) -> T) -> T {
        match body {
            Value::Object(map) => self.object(Section::Body, Vec::new(), map, fields),
            other => {
                self.faults.push(
                    Section::Body,
                    Fault::new(Vec::new(), not_an_object(), Some(other.clone())),
                );
                T::default()
            }
        }
    }

    /// A JSON list of at least one object, each read by `fields`.
    pub(crate) fn body_list<T>(&mut self, body: &Value, mut fields: impl FnMut(&mut Fields<'_>) -> T) -> Vec<T> {
        let mut whole = |complaint| {
            self.faults
                .push(Section::Body, Fault::new(Vec::new(), complaint, Some(body.clone())));
        };
        let Value::Array(items) = body else {
            whole(Complaint::new("array.base", "must be an array"));
            return Vec::new();
        };
        if items.is_empty() {
            whole(Complaint::new("array.min", "must contain at least 1 items").with("limit", 1));
        }
        let mut read = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let at = vec![Step::Index(index)];
            match item {
                Value::Object(map) => read.push(self.object(Section::Body, at, map, &mut fields)),
                other => self
                    .faults
                    .push(Section::Body, Fault::new(at, not_an_object(), Some(other.clone()))),
            }
        }
        read
    }

    /// The input, if nothing was wrong: `input` gives `None` only where a required field is missing, and that is a
    /// fault already.
    pub(crate) fn finish<T>(self, input: impl FnOnce() -> Option<T>) -> Result<T, Failure> {
        if self.faults.is_empty() {
            input().ok_or_else(|| Failure::defect("a required field was read as optional"))
        } else {
            Err(Failure::Invalid(self.faults))
        }
    }

    fn object<T>(
        &mut self,
        section: Section,
        path: Vec<Step>,
        map: &Map<String, Value>,
        fields: impl FnOnce(&mut Fields<'_>) -> T,
    ) -> T {
        let mut reading = Fields {
            section,
            path,
            map,
            known: Vec::new(),
            faults: &mut self.faults,
        };
        let read = fields(&mut reading);
        reading.refuse_unknown();
        read
    }
}

fn not_an_object() -> Complaint {
    Complaint::new("object.base", "must be of type object").with("type", "object")
}

/// The fields of one object.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    section: Section,
    path: Vec<Step>,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
    faults: &'a mut Faults,
}

impl<'a> Fields<'a> {
    /// The raw value of a field, if there is one.
    pub(crate) fn raw(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.map.get(key)
    }

    /// Whether a field is there, whatever it holds.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// A text that follows a rule.
    pub(crate) fn one<T>(&mut self, key: &'static str, rule: impl Fn(&str) -> Checked<T>) -> Option<T> {
        let value = self.raw(key)?;
        match as_text(value).and_then(rule) {
            Ok(read) => Some(read),
            Err(complaint) => self.refuse(vec![key.into()], complaint, Some(value.clone())),
        }
    }

    /// A text that must be there.
    pub(crate) fn required<T>(&mut self, key: &'static str, rule: impl Fn(&str) -> Checked<T>) -> Option<T> {
        if !self.has(key) {
            self.known.push(key);
            return self.missing(key);
        }
        self.one(key, rule)
    }

    /// The same for a secret: what was sent is not echoed.
    pub(crate) fn secret(
        &mut self,
        key: &'static str,
        rule: impl Fn(&str) -> Checked<String>,
    ) -> Option<domain::Secret> {
        let value = self.raw(key)?;
        match as_text(value).and_then(rule) {
            Ok(read) => Some(domain::Secret::new(read)),
            Err(complaint) => self.refuse(vec![key.into()], complaint, None),
        }
    }

    /// A secret that must be there.
    pub(crate) fn required_secret(
        &mut self,
        key: &'static str,
        rule: impl Fn(&str) -> Checked<String>,
    ) -> Option<domain::Secret> {
        if !self.has(key) {
            self.known.push(key);
            return self.missing(key);
        }
        self.secret(key, rule)
    }

    /// A boolean in any spelling that section 1 lists.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.raw(key)?;
        let read = match value {
            Value::Bool(read) => Ok(*read),
            Value::Number(number) => rules::boolean(&number.to_string()),
            Value::String(text) => rules::boolean(text),
            _ => Err(Complaint::new("boolean.base", "must be a boolean")),
        };
        match read {
            Ok(read) => Some(read),
            Err(complaint) => self.refuse(vec![key.into()], complaint, Some(value.clone())),
        }
    }

    /// A whole number within bounds.
    pub(crate) fn integer(&mut self, key: &'static str, least: i64, most: i64) -> Option<i64> {
        let value = self.raw(key)?;
        let read = match value {
            Value::Number(number) => rules::integer(&number.to_string(), least, most),
            Value::String(text) => rules::integer(text, least, most),
            _ => Err(Complaint::new("number.base", "must be a number")),
        };
        match read {
            Ok(read) => Some(read),
            Err(complaint) => self.refuse(vec![key.into()], complaint, Some(value.clone())),
        }
    }

    /// One value, a repeated key, `key[]=` or a comma list, in any mixture: trimmed, without duplicates. Empty if the
    /// key is absent. A scalar is blamed item by item (`key[0]`), a list as a whole with the details inside.
    pub(crate) fn many<T: PartialEq>(&mut self, key: &'static str, rule: impl Fn(&str) -> Checked<T>) -> Vec<T> {
        let Some(value) = self.raw(key) else {
            return Vec::new();
        };
        let (mut read, mut wrong) = (Vec::new(), Vec::new());
        let pieces = match value {
            Value::Array(list) => list.iter().flat_map(comma_list).collect(),
            single => comma_list(single),
        };
        for (index, piece) in pieces.into_iter().enumerate() {
            let text = piece.as_ref().ok().copied();
            match piece.and_then(&rule) {
                Ok(item) if read.contains(&item) => {}
                Ok(item) => read.push(item),
                Err(complaint) => {
                    let echoed = text.map(|text| json!(text));
                    wrong.push(Fault::new(
                        self.below(vec![key.into(), index.into()]),
                        complaint,
                        echoed,
                    ));
                }
            }
        }
        if value.is_array() && !wrong.is_empty() {
            let details: Vec<Value> = wrong.iter().map(Fault::json).collect();
            let complaint = Complaint::new("alternatives.match", "does not match any of the allowed types")
                .with("details", details)
                .with(
                    "message",
                    wrong.iter().map(Fault::message).collect::<Vec<_>>().join(". "),
                );
            self.refuse::<()>(vec![key.into()], complaint, Some(value.clone()));
        } else {
            for fault in wrong {
                self.faults.push(self.section, fault);
            }
        }
        read
    }

    /// A JSON list of texts that follow a rule; `None` if the key is absent.
    pub(crate) fn list<T: PartialEq>(
        &mut self,
        key: &'static str,
        rule: impl Fn(&str) -> Checked<T>,
    ) -> Option<Vec<T>> {
        let value = self.raw(key)?;
        let Value::Array(items) = value else {
            return self.refuse(
                vec![key.into()],
                Complaint::new("array.base", "must be an array"),
                Some(value.clone()),
            );
        };
        let mut read = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match as_text(item).and_then(&rule) {
                Ok(item) if read.contains(&item) => {}
                Ok(item) => read.push(item),
                Err(complaint) => {
                    self.refuse::<()>(vec![key.into(), index.into()], complaint, Some(item.clone()));
                }
            }
        }
        Some(read)
    }

    /// The same for a list that must not be empty when it is there.
    pub(crate) fn filled_list<T: PartialEq>(
        &mut self,
        key: &'static str,
        rule: impl Fn(&str) -> Checked<T>,
    ) -> Option<Vec<T>> {
        let read = self.list(key, rule)?;
        if let Some(Value::Array(items)) = self.map.get(key)
            && items.is_empty()
        {
            let complaint = Complaint::new("array.min", "must contain at least 1 items").with("limit", 1);
            self.refuse::<()>(vec![key.into()], complaint, Some(json!([])));
        }
        Some(read)
    }

    /// One of two keys, and not both.
    pub(crate) fn exactly_one(&mut self, first: &'static str, second: &'static str) {
        let peers = json!([first, second]);
        let complaint = match (self.has(first), self.has(second)) {
            (true, true) => {
                let says = format!("contains a conflict between exclusive peers [{first}, {second}]");
                Complaint::new("object.xor", says).with("present", peers.clone())
            }
            (false, false) => Complaint::new(
                "object.missing",
                format!("must contain at least one of [{first}, {second}]"),
            ),
            _ => return,
        };
        let complaint = complaint.with("peers", peers);
        self.refuse::<()>(Vec::new(), complaint, Some(Value::Object(self.map.clone())));
    }

    /// Two keys exclude each other.
    pub(crate) fn not_both(&mut self, first: &'static str, second: &'static str) {
        if self.has(first) && self.has(second) {
            let says = format!("contains a conflict between exclusive peers [{first}, {second}]");
            let complaint = Complaint::new("object.nand", says)
                .with("main", first)
                .with("peers", json!([second]));
            self.refuse::<()>(Vec::new(), complaint, Some(Value::Object(self.map.clone())));
        }
    }

    /// Two keys come together or not at all.
    pub(crate) fn together(&mut self, first: &'static str, second: &'static str) {
        let (present, missing) = match (self.has(first), self.has(second)) {
            (true, false) => (first, second),
            (false, true) => (second, first),
            _ => return,
        };
        let complaint = Complaint::new(
            "object.and",
            format!("contains [{present}] without its required peers [{missing}]"),
        )
        .with("present", json!([present]))
        .with("missing", json!([missing]));
        self.refuse::<()>(Vec::new(), complaint, Some(Value::Object(self.map.clone())));
    }

    /// At least one key, whichever.
    pub(crate) fn not_empty(&mut self) {
        if self.map.is_empty() {
            let complaint = Complaint::new("object.min", "must have at least 1 key").with("limit", 1);
            self.refuse::<()>(Vec::new(), complaint, Some(json!({})));
        }
    }

    /// Whether every key is one of these.
    pub(crate) fn within(&self, keys: &[&str]) -> bool {
        self.map.keys().all(|key| keys.contains(&key.as_str()))
    }

    /// Notes that a required key is missing.
    pub(crate) fn missing<T>(&mut self, key: &'static str) -> Option<T> {
        self.refuse(vec![key.into()], Complaint::new("any.required", "is required"), None)
    }

    /// Notes a fault below this object.
    pub(crate) fn refuse<T>(&mut self, path: Vec<Step>, complaint: Complaint, value: Option<Value>) -> Option<T> {
        let fault = Fault::new(self.below(path), complaint, value);
        self.faults.push(self.section, fault);
        None
    }

    fn below(&self, path: Vec<Step>) -> Vec<Step> {
        self.path.iter().cloned().chain(path).collect()
    }

    fn refuse_unknown(&mut self) {
        let map = self.map;
        for (key, value) in map {
            if !self.known.contains(&key.as_str()) {
                let complaint = Complaint::new("object.unknown", "is not allowed").with("child", key.as_str());
                self.refuse::<()>(vec![Step::Key(key.clone())], complaint, Some(value.clone()));
            }
        }
    }
}

fn as_text(value: &Value) -> Checked<&str> {
    value.as_str().ok_or_else(not_a_text).and_then(without_null)
}

/// No text of a database holds a null character, so nothing can be stored or found by one.
fn without_null(text: &str) -> Checked<&str> {
    if text.contains('\0') {
        return Err(Complaint::new("string.base", "must not contain a null character"));
    }
    Ok(text)
}

fn not_a_text() -> Complaint {
    Complaint::new("string.base", "must be a string")
}

/// The trimmed pieces of a comma list.
fn comma_list(value: &Value) -> Vec<Result<&str, Complaint>> {
    match value {
        Value::String(text) => text.split(',').map(|piece| without_null(piece.trim())).collect(),
        _ => vec![Err(not_a_text())],
    }
}

#[cfg(test)]
mod tests;
