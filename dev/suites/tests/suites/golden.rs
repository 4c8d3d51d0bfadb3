//! Every route, called by everybody, on everything: the statuses are a file that people review.
//!
//! `COMMONHOLD_RENEW=1` writes the file anew. It is the same on both backends.

use std::{collections::BTreeSet, fmt::Write, fs, path::PathBuf};

use reqwest::Method;
use serde_json::json;
use testkit::{Backend, Caller, IDENTITY_PROVIDER, Server, setting, unknown_id};

use crate::on_both;

on_both!(every_route_answers_every_caller_as_reviewed);

const CALLERS: [&str; 7] = [
    "anonymous",
    "stranger",
    "reader",
    "writer",
    "manager",
    "superuser",
    "disabled",
];
const HEADING: &str = "\
# What every route answers to every caller. Renew with COMMONHOLD_RENEW=1, and review the difference.
#
# stranger: signed in, no grants. reader: READ on the bucket. writer: UPDATE on the bucket. manager: made the bucket and
# the object. superuser: Basic. disabled: an account with all codes on the bucket that was disabled afterwards.
# own: a bucket with one object. deleted: a bucket that was deleted, or an object under a delete marker. unknown: an id
# of nothing. -: the route names neither.
";

/// What a route names in its path or query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Nothing,
    Bucket,
    Object,
}

/// A bucket and an object in it, and what is gone.
struct Things {
    bucket: String,
    object: String,
    deleted_bucket: String,
    deleted_object: String,
}

struct Cast {
    callers: Vec<(&'static str, Caller)>,
    manager: Caller,
    /// The public id of the disabled account.
    disabled: String,
}

impl Cast {
    async fn things(&self) -> Things {
        let bucket = self.manager.bucket("own").await;
        for (name, codes) in [("reader", &["READ"][..]), ("writer", &["UPDATE"])] {
            let (_, caller) = self.callers.iter().find(|(known, _)| *known == name).expect("a caller");
            self.manager
                .grant(&format!("bucket/{bucket}"), caller, codes)
                .await
                .expect(201);
        }
        let rows: Vec<_> = ["CREATE", "READ", "UPDATE", "DELETE", "MANAGE"]
            .iter()
            .map(|code| json!({ "userId": self.disabled, "permCode": code }))
            .collect();
        self.manager
            .put(&format!("/permission/bucket/{bucket}"), &json!(rows))
            .await
            .expect(201);
        let object = self.manager.object(&bucket, "own.txt", "own").await;
        let deleted_object = self.manager.object(&bucket, "deleted.txt", "deleted").await;
        self.manager
            .delete(&format!("/object/{deleted_object}"))
            .await
            .expect(200);
        let deleted_bucket = self.manager.bucket("deleted").await;
        self.manager
            .delete(&format!("/bucket/{deleted_bucket}"))
            .await
            .expect(204);
        Things {
            bucket,
            object,
            deleted_bucket,
            deleted_object,
        }
    }
}

async fn every_route_answers_every_caller_as_reviewed(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let cast = cast(&server).await;
    let mut text = format!("{HEADING}{:<7} {:<32} {:<8} {}\n", "#", "", "", CALLERS.join(" "));
    let mut things = cast.things().await;
    for route in api_objects::routes() {
        let on = named_by(route.method.as_str(), route.path);
        let targets: &[&str] = if on == On::Nothing {
            &["-"]
        } else {
            &["own", "deleted", "unknown"]
        };
        for target in targets {
            let mut line = format!("{:<7} {:<32} {target:<8}", route.method.as_str(), route.path);
            for (name, caller) in &cast.callers {
                let (bucket, object) = match *target {
                    "deleted" => (things.deleted_bucket.clone(), things.deleted_object.clone()),
                    "unknown" => (unknown_id(), unknown_id()),
                    _ => (things.bucket.clone(), things.object.clone()),
                };
                let status = call(
                    caller,
                    route.method.as_str(),
                    route.path,
                    &bucket,
                    &object,
                    &cast.disabled,
                )
                .await;
                write!(line, " {status:>width$}", width = name.len()).expect("writing to a text");
                let changes = !matches!(route.method.as_str(), "GET" | "HEAD");
                if changes && (200..300).contains(&status) {
                    things = cast.things().await;
                }
            }
            writeln!(text, "{}", line.trim_end()).expect("writing to a text");
        }
    }
    compare(backend, &text);
}

async fn cast(server: &Server) -> Cast {
    let disabled = server.account("disabled").await;
    let disabled_id = disabled.user_id().await;
    server.command_line(&["user", "disable", "disabled@example.test"], "");
    let manager = server.person("manager");
    let mut callers = vec![("anonymous", server.anonymous())];
    callers.extend(["stranger", "reader", "writer"].map(|name| (name, server.person(name))));
    callers.push(("manager", manager.clone()));
    callers.push(("superuser", server.superuser()));
    callers.push(("disabled", disabled));
    assert_eq!(callers.iter().map(|(name, _)| *name).collect::<Vec<_>>(), CALLERS);
    Cast {
        callers,
        manager,
        disabled: disabled_id,
    }
}

fn named_by(method: &str, path: &str) -> On {
    match (method, path) {
        ("PUT" | "POST", "/object")
        | ("POST", "/permission/invite" | "/upload")
        | (_, "/permission/invite/pending") => On::Bucket,
        _ if path.contains("{bucketId}") => On::Bucket,
        _ if path.contains("{objectId}") => On::Object,
        _ => On::Nothing,
    }
}

/// Calls a route as a client does that wants it to succeed.
async fn call(caller: &Caller, method: &str, path: &str, bucket: &str, object: &str, somebody: &str) -> u16 {
    let mut address = path.replace("{bucketId}", bucket).replace("{objectId}", object);
    for name in ["{token}", "{inviteId}", "{uploadId}"] {
        address = address.replace(name, &unknown_id());
    }
    let json = ("content-type", "application/json");
    let file = [
        ("content-disposition", "attachment; filename=\"new.txt\""),
        ("content-type", "text/plain"),
    ];
    let tus = ("tus-resumable", "1.0.0");
    let begin = vec![tus, ("upload-length", "3"), ("upload-metadata", "filename YS50eHQ=")];
    let append = vec![
        tus,
        ("upload-offset", "0"),
        ("content-type", "application/offset+octet-stream"),
    ];
    let form = ("content-type", "multipart/form-data; boundary=x");
    let user = path.starts_with("/permission/bucket") || path.starts_with("/permission/object");
    let (holder, row) = if user {
        (
            format!("userId={somebody}"),
            json!([{ "userId": somebody, "permCode": "READ" }]),
        )
    } else {
        (
            format!("idp={IDENTITY_PROVIDER}"),
            json!([{ "idp": IDENTITY_PROVIDER, "permCode": "READ" }]),
        )
    };
    let part = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"form.txt\"\r\n\r\nform\r\n--x--\r\n";
    let (address, headers, body) = match (method, path) {
        ("PUT", "/bucket") => (address, vec![json], json!({ "bucketName": "new" }).to_string()),
        ("PATCH", "/bucket/{bucketId}") => (address, vec![json], json!({ "bucketName": "renamed" }).to_string()),
        ("PATCH", path) if path.ends_with("/public") => (format!("{address}?public=false"), Vec::new(), String::new()),
        ("PUT", "/bucket/{bucketId}/child") => (
            address,
            vec![json],
            json!({ "bucketName": "child", "subKey": "below" }).to_string(),
        ),
        ("PUT", "/object") => (format!("{address}?bucketId={bucket}"), file.to_vec(), "new".to_owned()),
        ("POST", "/object") => (format!("{address}?bucketId={bucket}"), vec![form], part.to_owned()),
        ("PUT", "/object/{objectId}") => (address, file.to_vec(), "newer".to_owned()),
        ("GET", "/object/{objectId}") => (format!("{address}?download=proxy"), Vec::new(), String::new()),
        ("POST", "/upload") => (format!("{address}?bucketId={bucket}"), begin, String::new()),
        ("PATCH", "/upload/{uploadId}") => (address, append, "new".to_owned()),
        ("HEAD" | "DELETE", "/upload/{uploadId}") => (address, vec![tus], String::new()),
        ("POST", "/permission/invite") => (address, vec![json], json!({ "bucketId": bucket }).to_string()),
        ("GET", "/permission/invite/pending") => (format!("{address}?bucketId={bucket}"), Vec::new(), String::new()),
        ("DELETE", "/permission/invite/pending/{inviteId}") => (address, Vec::new(), String::new()),
        ("PUT", path) if path.starts_with("/permission/") => (address, vec![json], row.to_string()),
        ("DELETE", path) if path.starts_with("/permission/") => {
            (format!("{address}?{holder}"), Vec::new(), String::new())
        }
        ("PATCH" | "PUT", "/object/{objectId}/metadata") => {
            (address, vec![("x-amz-meta-colour", "red")], String::new())
        }
        ("PATCH" | "PUT", "/object/{objectId}/tagging") => {
            (format!("{address}?tagset[colour]=red"), Vec::new(), String::new())
        }
        ("GET", "/user") => (format!("{address}?userId={somebody}"), Vec::new(), String::new()),
        ("GET" | "HEAD" | "DELETE", _) | ("PUT", "/object/{objectId}/version") => (address, Vec::new(), String::new()),
        _ => panic!("say here how {method} {path} is called"),
    };
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    caller.send(method, &address, &headers, body).await.status
}

fn compare(backend: Backend, text: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/routes.txt");
    if setting("COMMONHOLD_RENEW").is_some() {
        // One backend writes; the next run compares both.
        if backend == Backend::SqliteFiles {
            fs::write(&file, text).expect("the golden file");
        }
        return;
    }
    let golden = fs::read_to_string(&file).expect("dev/suites/golden/routes.txt");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (was, is) = (lines(&golden), lines(text));
    let difference = was
        .difference(&is)
        .map(|line| format!("- {line}"))
        .chain(is.difference(&was).map(|line| format!("+ {line}")));
    let difference: Vec<String> = difference.collect();
    assert!(
        difference.is_empty(),
        "routes answer otherwise than reviewed:\n{}",
        difference.join("\n")
    );
}
