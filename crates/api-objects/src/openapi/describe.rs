//! How an operation is described: a few words of its own, so that the descriptions read like a table.

#![expect(
    clippy::needless_pass_by_value,
    reason = "descriptions are made where they are handed over"
)]

use serde_json::{Value, json};

/// What the route table does not say about a route.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    pub(super) answers: Vec<(u16, Value)>,
    /// Whether keys of the query that are not described are refused.
    pub(super) strict: bool,
}

/// A description to begin with.
pub(super) fn operation(tag: &'static str, name: &'static str, summary: &'static str) -> Operation {
    Operation {
        name,
        tag,
        summary,
        parameters: Vec::new(),
        body: None,
        answers: Vec::new(),
        strict: true,
    }
}

impl Operation {
    fn parameter(mut self, place: &str, name: &str, required: bool, schema: Value, says: &str) -> Self {
        let mut parameter = json!({ "name": name, "in": place, "required": required, "schema": schema });
        if !says.is_empty() {
            parameter["description"] = json!(says);
        }
        self.parameters.push(parameter);
        self
    }

    /// A key of the query.
    pub(super) fn query(self, name: &str, schema: Value, says: &str) -> Self {
        self.parameter("query", name, false, schema, says)
    }

    /// A key of the query that must be there.
    pub(super) fn needs_query(self, name: &str, schema: Value, says: &str) -> Self {
        self.parameter("query", name, true, schema, says)
    }

    /// A key of the query with any number of values: repeated, with `[]`, or in a list with commas.
    pub(super) fn many(mut self, name: &str, item: Value, says: &str) -> Self {
        self = self.parameter("query", name, false, json!({ "type": "array", "items": item }), says);
        if let Some(last) = self.parameters.last_mut() {
            last["style"] = json!("form");
            last["explode"] = json!(true);
        }
        self
    }

    /// `tagset[key]=value`.
    pub(super) fn tagset(mut self, says: &str) -> Self {
        let schema = json!({ "type": "object", "maxProperties": 9, "propertyNames": { "minLength": 1, "maxLength": 255 },
            "additionalProperties": { "type": "string", "maxLength": 255 } });
        self = self.parameter("query", "tagset", false, schema, says);
        if let Some(last) = self.parameters.last_mut() {
            last["style"] = json!("deepObject");
            last["explode"] = json!(true);
        }
        self
    }

    /// `versionId` or `s3VersionId`.
    pub(super) fn version(self) -> Self {
        self.query(
            "versionId",
            super::schemas::id(),
            "A version, by its id; excludes `s3VersionId`",
        )
        .query(
            "s3VersionId",
            super::schemas::text(1024),
            "A version, by the store's id",
        )
    }

    /// A header.
    pub(super) fn header(self, name: &str, schema: Value, says: &str) -> Self {
        self.parameter("header", name, false, schema, says)
    }

    /// A header that must be there.
    pub(super) fn needs_header(self, name: &str, schema: Value, says: &str) -> Self {
        self.parameter("header", name, true, schema, says)
    }

    /// A JSON body.
    pub(super) fn json(mut self, schema: Value) -> Self {
        self.body = Some(json!({ "required": true, "content": { "application/json": { "schema": schema } } }));
        self
    }

    /// The same when no body at all is an empty object.
    pub(super) fn optional_json(mut self, schema: Value) -> Self {
        self = self.json(schema);
        if let Some(body) = &mut self.body {
            body["required"] = json!(false);
        }
        self
    }

    /// Raw bytes.
    pub(super) fn bytes(mut self, media_type: &str) -> Self {
        self.body = Some(json!({ "required": true, "content": { media_type: { "schema": {} } } }));
        self
    }

    /// An answer in JSON.
    pub(super) fn gives(self, status: u16, says: &str, schema: Value) -> Self {
        self.gives_as(status, says, "application/json", schema)
    }

    /// An answer of another type.
    pub(super) fn gives_as(mut self, status: u16, says: &str, media_type: &str, schema: Value) -> Self {
        let content = json!({ media_type: { "schema": schema } });
        self.answers
            .push((status, json!({ "description": says, "content": content })));
        self
    }

    /// An answer without a body.
    pub(super) fn gives_nothing(mut self, status: u16, says: &str) -> Self {
        self.answers.push((status, json!({ "description": says })));
        self
    }

    /// A header of the answer that was described last.
    pub(super) fn with(mut self, name: &str, schema: Value, says: &str) -> Self {
        if let Some((_, answer)) = self.answers.last_mut() {
            answer["headers"][name] = json!({ "description": says, "schema": schema });
        }
        self
    }

    /// A failure with a problem body.
    pub(super) fn fails(mut self, status: u16, says: &str) -> Self {
        self.answers.push((status, super::answers::problem(says)));
        self
    }

    /// Any query is taken.
    pub(super) fn lenient(mut self) -> Self {
        self.strict = false;
        self
    }
}
