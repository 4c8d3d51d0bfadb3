//! Statements with optional conditions: put together from fixed texts only, so there are as many different ones as there
//! are sets of filters, each is prepared once, and each can use the indexes of its own conditions.

use std::borrow::Cow;

use crate::{Statement, Value};

/// A statement under construction. In a text, `{}` is the place of the condition's value.
pub(crate) struct Query<'a> {
    name: &'static str,
    sqlite: String,
    postgres: String,
    values: Vec<Value<'a>>,
}

impl<'a> Query<'a> {
    /// Starts with a text that ends in a `WHERE` clause, without parameters.
    pub(crate) fn new(name: &'static str, text: &'static str) -> Self {
        Self::split(name, text, text)
    }

    /// Starts with a text that the two databases spell differently.
    pub(crate) fn split(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Self {
            name,
            sqlite: sqlite.to_owned(),
            postgres: postgres.to_owned(),
            values: Vec::new(),
        }
    }

    /// Adds `AND` and a condition with its value.
    pub(crate) fn and(&mut self, condition: &'static str, value: impl Into<Value<'a>>) {
        self.and_split(condition, condition, value.into());
    }

    /// Adds a condition that the two databases spell differently.
    pub(crate) fn and_split(&mut self, sqlite: &'static str, postgres: &'static str, value: Value<'a>) {
        self.values.push(value);
        let place = format!("${}", self.values.len());
        for (text, condition) in [(&mut self.sqlite, sqlite), (&mut self.postgres, postgres)] {
            text.push_str(" AND ");
            text.push_str(&condition.replace("{}", &place));
        }
    }

    /// Adds a condition on a list of UUIDs, unless the list is empty (then everything matches).
    pub(crate) fn and_uuids(&mut self, sqlite: &'static str, postgres: &'static str, list: &'a [uuid::Uuid]) {
        if !list.is_empty() {
            self.and_split(sqlite, postgres, Value::Uuids(list));
        }
    }

    /// Adds a condition on a list of texts, unless the list is empty.
    pub(crate) fn and_texts(&mut self, sqlite: &'static str, postgres: &'static str, list: &'a [String]) {
        if !list.is_empty() {
            self.and_split(sqlite, postgres, Value::Texts(list));
        }
    }

    /// Adds a substring condition without regard to case, if there is a value. `%` and `_` in it are wildcards.
    pub(crate) fn and_contains(&mut self, sqlite: &'static str, postgres: &'static str, text: Option<&'a String>) {
        if let Some(text) = text {
            self.and_split(sqlite, postgres, Value::Text(text));
        }
    }

    /// Adds a condition that a key is one of these, if there are any to be one of.
    pub(crate) fn and_within(&mut self, sqlite: &'static str, postgres: &'static str, keys: Option<&'a [i64]>) {
        if let Some(keys) = keys {
            self.and_split(sqlite, postgres, Value::Ints(keys));
        }
    }

    /// Adds texts in which `{0}`, `{1}`, … are the places of these values; the places may come again.
    pub(crate) fn with(&mut self, sqlite: &str, postgres: &str, values: &[Value<'a>]) {
        let first = self.values.len() + 1;
        self.values.extend_from_slice(values);
        for (text, added) in [(&mut self.sqlite, sqlite), (&mut self.postgres, postgres)] {
            let mut added = added.to_owned();
            for number in 0..values.len() {
                added = added.replace(&format!("{{{number}}}"), &format!("${}", first + number));
            }
            text.push_str(&added);
        }
    }

    /// Adds a fixed text: grouping, order, returning.
    pub(crate) fn then(&mut self, text: &str) {
        self.sqlite.push_str(text);
        self.postgres.push_str(text);
    }

    /// Adds a fixed text with the place of a value in it: a limit.
    pub(crate) fn last(&mut self, text: &'static str, value: impl Into<Value<'a>>) {
        self.values.push(value.into());
        let place = format!("${}", self.values.len());
        for to in [&mut self.sqlite, &mut self.postgres] {
            to.push_str(&text.replace("{}", &place));
        }
    }

    /// The statement and its values.
    pub(crate) fn build(self) -> (Statement, Vec<Value<'a>>) {
        let statement = Statement {
            name: self.name,
            sqlite: Cow::Owned(self.sqlite),
            postgres: Cow::Owned(self.postgres),
        };
        (statement, self.values)
    }
}
