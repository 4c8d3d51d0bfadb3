//! What is wrong with a request, in the shape of section 1.10 of the objects contract.

use serde_json::{Map, Value, json};

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    /// `headers`
    Headers,
    /// `params`: the segments of the path.
    Params,
    /// `query`
    Query,
    /// `body`
    Body,
}

impl Section {
    fn name(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Params => "params",
            Self::Query => "query",
            Self::Body => "body",
        }
    }
}

/// One step of the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into an object.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl Step {
    fn json(&self) -> Value {
        match self {
            Self::Key(key) => json!(key),
            Self::Index(index) => json!(index),
        }
    }
}

/// What a rule says about a value: the code of the rule, the message without the field, and the rule's own data.
#[derive(Clone, Debug)]
pub(crate) struct Complaint {
    pub(crate) rule: &'static str,
    pub(crate) says: String,
    pub(crate) data: Vec<(&'static str, Value)>,
}

impl Complaint {
    /// A complaint without data.
    pub(crate) fn new(rule: &'static str, says: impl Into<String>) -> Self {
        Self {
            rule,
            says: says.into(),
            data: Vec::new(),
        }
    }

    /// The same with one more piece of data.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.data.push((name, value.into()));
        self
    }
}

/// A complaint about one place.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    path: Vec<Step>,
    complaint: Complaint,
    value: Option<Value>,
}

impl Fault {
    /// A complaint about what the path leads to. The value is echoed unless it is absent or a secret.
    pub(crate) fn new(path: Vec<Step>, complaint: Complaint, value: Option<Value>) -> Self {
        Self { path, complaint, value }
    }

    /// The field as messages name it: `tagset.x`, `permCode[0]`, `[0].userId`, `value` for a whole section.
    fn label(&self) -> String {
        let mut label = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if label.is_empty() => label.push_str(key),
                Step::Key(key) => {
                    label.push('.');
                    label.push_str(key);
                }
                Step::Index(index) => label.extend(["[", &index.to_string(), "]"]),
            }
        }
        if label.is_empty() { "value".to_owned() } else { label }
    }

    pub(super) fn message(&self) -> String {
        format!("\"{}\" {}", self.label(), self.complaint.says)
    }

    /// The item of `errors.{section}`.
    pub(crate) fn json(&self) -> Value {
        let mut context: Map<String, Value> = self
            .complaint
            .data
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        context.insert("label".to_owned(), json!(self.label()));
        if let Some(value) = &self.value {
            context.insert("value".to_owned(), value.clone());
        }
        if let Some(last) = self.path.last() {
            context.insert("key".to_owned(), last.json());
        }
        json!({
            "message": self.message(),
            "path": self.path.iter().map(Step::json).collect::<Vec<_>>(),
            "type": self.complaint.rule,
            "context": context,
        })
    }
}

/// Everything that is wrong with a request.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<(Section, Fault)>);

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, section: Section, fault: Fault) {
        self.0.push((section, fault));
    }

    /// All messages, joined by `"; "`, section by section.
    pub(crate) fn detail(&self) -> String {
        self.sorted()
            .iter()
            .map(|(_, fault)| fault.message())
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// The `errors` member: an object with a list per section.
    pub(crate) fn errors(&self) -> Value {
        let mut sections: Map<String, Value> = Map::new();
        for (section, fault) in self.sorted() {
            let list = sections.entry(section.name()).or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(fault.json());
            }
        }
        Value::Object(sections)
    }

    fn sorted(&self) -> Vec<&(Section, Fault)> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(section, _)| *section);
        all
    }
}
