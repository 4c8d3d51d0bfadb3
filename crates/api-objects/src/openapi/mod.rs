//! The OpenAPI 3.1 document of this dialect: addresses, methods and guards from the route table, the rest from the
//! descriptions beside it. Tests hold it to what the server does: every route is described, every parameter it names is known
//! to the validation and no other is, and every answer of the suites has the shape it says.

mod answers;
mod describe;
mod operations;
mod page;
pub(crate) mod schemas;
pub(crate) mod serve;

use http_kit::{Authentication, Needs};
use serde_json::{Map, Value, json};

use crate::{problem::Objects, routes::routes};
use describe::Operation;

/// The document, for a server that clients reach at this address.
pub fn document(public_url: &str) -> Value {
    let described = operations::all();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        let operation = described.iter().find(|operation| operation.name == route.name);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            let method = route.method.as_str().to_ascii_lowercase();
            path.insert(method, of_route(&route, operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Commonhold objects API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Buckets, objects, versions, permissions and invites. Letter case of paths does not matter.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/api/v1" }],
        "tags": operations::TAGS.map(|(name, description)| json!({ "name": name, "description": description })),
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic",
                    "description": "The superuser; or, with the headers x-amz-endpoint and x-amz-bucket, a service account: \
                                    the access key id and secret of a registered S3 bucket." },
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "openid": { "type": "openIdConnect",
                    "openIdConnectUrl": format!("{public_url}/.well-known/openid-configuration") },
            },
        },
    })
}

/// The names of routes that nobody has described.
#[cfg(test)]
fn undescribed() -> Vec<String> {
    let described = operations::all();
    let known = |name: &str| described.iter().any(|operation| operation.name == name);
    let names = routes().into_iter().map(|route| route.name.into_owned());
    names.filter(|name| !known(name)).collect()
}

fn of_route(route: &http_kit::Route<Objects>, operation: Option<&Operation>) -> Value {
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": schemas::id() }))
        .collect();
    let mut answers: Map<String, Value> = Map::new();
    let mut described = json!({
        "operationId": route.name,
        "security": security(route.needs),
        "x-needs": route.needs.to_string(),
    });
    if let (Some(operation), Value::Object(described)) = (operation, &mut described) {
        parameters.extend(operation.parameters.iter().cloned());
        described.insert("tags".into(), json!([operation.tag]));
        described.insert("summary".into(), json!(operation.summary));
        if let Some(body) = &operation.body {
            described.insert("requestBody".into(), body.clone());
        }
        for (status, answer) in &operation.answers {
            answers.insert(status.to_string(), answer.clone());
        }
    }
    for (status, answer) in answers::usual(route.needs, !parameters.is_empty(), operation) {
        answers.entry(status.to_string()).or_insert(answer);
    }
    answers.insert("default".into(), answers::problem("Any other failure"));
    if let Value::Object(described) = &mut described {
        described.insert("parameters".into(), Value::Array(parameters));
        described.insert("responses".into(), Value::Object(answers));
    }
    described
}

fn security(needs: Needs) -> Value {
    match needs.authentication {
        Authentication::Optional => json!([{}, { "bearer": [] }, { "basic": [] }, { "openid": [] }]),
        Authentication::Required => json!([{ "bearer": [] }, { "basic": [] }, { "openid": [] }]),
        Authentication::BearerOnly | Authentication::Token => json!([{ "bearer": [] }, { "openid": [] }]),
        Authentication::BasicOnly => json!([{ "basic": [] }]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described() {
        assert_eq!(undescribed(), Vec::<String>::new());
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get("$ref") {
                    found.insert(target.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn references_lead_somewhere_and_every_schema_is_used() {
        let document = document("https://files.example");
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for operation in operations::all() {
            for (_, answer) in &operation.answers {
                references(answer, &mut found);
            }
        }
        for target in &found {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
        for name in schemas::all().as_object().unwrap().keys() {
            assert!(
                found.contains(&format!("#/components/schemas/{name}")),
                "{name} is used nowhere"
            );
        }
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let mut names = BTreeSet::new();
        for operation in operations::all() {
            assert!(names.insert(operation.name), "{}", operation.name);
            assert!(
                operations::TAGS.iter().any(|(tag, _)| *tag == operation.tag),
                "{}",
                operation.tag
            );
        }
        let ids = document("");
        let ids = ids["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values());
        let ids: Vec<_> = ids
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len());
    }
}
