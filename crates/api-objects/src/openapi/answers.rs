//! Answers that follow from what a route needs and takes.

use http_kit::{Authentication, Needs};
use serde_json::{Value, json};

use super::{describe::Operation, schemas::of};

/// A problem body.
pub(super) fn problem(when: &str) -> Value {
    json!({ "description": when, "content": { "application/problem+json": { "schema": of("Problem") } } })
}

/// The failures that nobody has to describe.
pub(super) fn usual(needs: Needs, has_parameters: bool, operation: Option<&Operation>) -> Vec<(u16, Value)> {
    let mut all = vec![
        (
            400,
            problem("The request cannot be read, or one of the two headers of a service account is missing"),
        ),
        (
            401,
            json!({ "description": "Wrong Basic credentials",
                "content": { "application/json": { "schema": of("Problem") } } }),
        ),
    ];
    let denied = match (needs.permission, needs.authentication) {
        (Some(_), _) => "The permission is missing, or there is no such thing; or the credentials do not hold",
        (None, Authentication::Optional) => "The credentials do not hold",
        (None, _) => "Credentials are missing, do not hold, or do not suffice",
    };
    all.push((403, problem(denied)));
    let has_body = operation.is_some_and(|operation| operation.body.is_some());
    if has_body {
        all.push((413, problem("The body is too large")));
    }
    if has_parameters || has_body || operation.is_some_and(|operation| operation.strict) {
        all.push((
            422,
            json!({ "description": "A parameter or member is missing, unknown or wrong",
                "content": { "application/problem+json": { "schema": of("InvalidProblem") } } }),
        ));
    }
    all.push((
        501,
        problem("Credentials of this kind can never work in the server's mode"),
    ));
    all.push((503, problem("The server, or something it needs, is not ready")));
    all
}
