//! The server's description of itself: where it is served, and that it names what the validation knows, and nothing else.
//! That answers have the shape it says is checked on every answer of every suite, by the test kit.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Backend, Caller, Server, unknown_id};

use crate::on_both;

on_both!(
    the_description_is_served_as_it_is_printed,
    parameters_are_those_of_the_validation
);

async fn the_description_is_served_as_it_is_printed(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let nobody = server.anonymous();
    let printed: Value = serde_json::from_str(&server.command_line(&["openapi", "objects"], "")).expect("JSON");
    assert_eq!(printed["openapi"], json!("3.1.0"));
    assert_eq!(printed["servers"][0]["url"], json!("/api/v1"));
    let whole = format!("{}/openapi/objects.json", server.origin());
    assert_eq!(nobody.get(&whole).await.expect(200).json(), printed);
    assert_eq!(nobody.get("/docs/api-spec.json").await.expect(200).json(), printed);
    let yaml = nobody.get("/docs/api-spec.yaml").await.expect(200);
    assert_eq!(yaml.header("content-type"), Some("application/yaml"));
    assert!(yaml.text().contains("openapi: 3.1.0"));
    for address in ["/docs".to_owned(), format!("{}/docs", server.origin())] {
        let page = nobody.get(&address).await.expect(200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.text().contains("/object/{objectId}"));
        assert!(
            page.header("content-security-policy")
                .is_some_and(|policy| policy.starts_with("default-src 'none'"))
        );
    }
}

/// The types of the faults that a query has, by key.
async fn faults(caller: &Caller, method: &Method, address: &str) -> Option<Vec<(String, String)>> {
    let headers = [("content-type", "application/json"), ("tus-resumable", "1.0.0")];
    let body = if *method == Method::GET { "" } else { "{}" };
    let answer = caller.send(method.clone(), address, &headers, body).await;
    if answer.status != 422 {
        return None;
    }
    let errors = answer.json();
    let list = errors["errors"]["query"].as_array().cloned().unwrap_or_default();
    let fault = |fault: &Value| {
        let key = fault["path"][0].as_str().unwrap_or_default().to_owned();
        (key, fault["type"].as_str().unwrap_or_default().to_owned())
    };
    Some(list.iter().map(fault).collect())
}

async fn parameters_are_those_of_the_validation(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let superuser = server.superuser();
    let alice = server.person("alice");
    let document: Value = serde_json::from_str(&server.command_line(&["openapi", "objects"], "")).expect("JSON");
    let mut checked = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            // Without a body there is no telling what was wrong; uploads look at other things first.
            let uploads = ["createObject", "createObjectByForm", "updateObject"];
            let name = operation["operationId"].as_str().expect("a name");
            if method == "head" || uploads.contains(&name) {
                continue;
            }
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).expect("a method");
            let mut address = path.clone();
            for segment in path.split('/').filter(|segment| segment.starts_with('{')) {
                address = address.replacen(segment, &unknown_id(), 1);
            }
            let caller = if name == "useInvite" { &alice } else { &superuser };
            let strict = faults(caller, &method, &format!("{address}?undescribed=1")).await;
            let refuses =
                strict.is_some_and(|faults| faults.contains(&("undescribed".into(), "object.unknown".into())));
            let described = operation["responses"].get("422").is_some();
            let parameters = operation["parameters"].as_array().expect("parameters");
            let in_query: Vec<&str> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().expect("a name"))
                .collect();
            assert!(
                !refuses || described,
                "{name}: refuses unknown keys, and does not say so"
            );
            if !refuses {
                assert!(in_query.is_empty(), "{name}: describes keys that nobody looks at");
                continue;
            }
            // A described key may be wrong, but it is known.
            for key in in_query {
                let query = if key == "tagset" {
                    "tagset[a]=b".to_owned()
                } else {
                    format!("{key}=x")
                };
                let found = faults(caller, &method, &format!("{address}?{query}&undescribed=1")).await;
                let found = found.unwrap_or_default();
                let unknown = found.iter().filter(|(_, fault)| fault == "object.unknown");
                let unknown: Vec<&String> = unknown.map(|(key, _)| key).collect();
                assert_eq!(
                    unknown,
                    ["undescribed"],
                    "{name}: {key} is described, and unknown to the validation"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 60, "{checked}");
}
