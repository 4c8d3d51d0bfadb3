//! The organisations API: every route, called with every shape of token, on collaborations inside and outside its scope.
//! The statuses are a file that people review; `COMMONHOLD_RENEW=1` writes it anew. It is the same on both backends.

use std::{fmt::Write, fs, path::PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Backend, Server, setting};

use crate::on_both;

on_both!(
    every_route_answers_every_token_as_reviewed,
    a_scoped_token_is_told_of_nothing_else,
    a_unit_ends_and_nothing_is_widened,
    what_cannot_be_read_is_refused_and_nothing_else_is_stored,
    five_hundred_addresses_are_one_transaction,
    an_invitation_is_mailed_and_answered_on_its_page,
);

const WORLD: &str = r#"{
  "users": [
    {"key": "amy", "uid": "urn:amy", "name": "Amy One", "email": "amy@one.example"},
    {"key": "ben", "uid": "urn:ben", "name": "Ben One", "email": "ben@one.example"}
  ],
  "organisations": [
    {"key": "one", "name": "One", "short_name": "one", "units": ["A", "B"], "members": [{"user": "amy", "role": "admin"}]},
    {"key": "two", "name": "Two Secret", "short_name": "two", "units": ["A"], "members": []}
  ],
  "api_keys": [
    {"key": "whole", "organisation": "one", "units": [], "description": "whole"},
    {"key": "a", "organisation": "one", "units": ["A"], "description": "a"},
    {"key": "b", "organisation": "one", "units": ["B"], "description": "b"},
    {"key": "ab", "organisation": "one", "units": ["A", "B"], "description": "ab"},
    {"key": "other", "organisation": "two", "units": [], "description": "other"}
  ],
  "services": [
    {"key": "wiki", "entity_id": "urn:wiki", "name": "Wiki", "abbreviation": "wiki", "access_allowed_for_all": true,
     "automatic_connection_allowed": true}
  ]
}"#;

const TOKENS: [&str; 5] = ["whole", "a", "b", "ab", "other"];
/// The units of the collaborations that the routes are called on.
const TARGETS: [(&str, &[&str]); 4] = [("none", &[]), ("A", &["A"]), ("B", &["B"]), ("A+B", &["A", "B"])];

struct World {
    server: Server,
    made: Value,
    number: std::sync::atomic::AtomicUsize,
}

impl World {
    async fn new(backend: Backend) -> Option<Self> {
        Self::with_mail(backend, None).await
    }

    async fn with_mail(backend: Backend, smtp: Option<String>) -> Option<Self> {
        let change = |settings: &mut testkit::Settings| {
            if let Some(url) = smtp {
                settings
                    .set("mail.smtp_url", url)
                    .set("mail.from", "Commonhold <commonhold@example.test>");
            }
        };
        let server = Server::start_with(backend, change).await?;
        let file = server.data().join("world.json");
        fs::write(&file, WORLD).expect("a file");
        let path = file.to_str().expect("a path in UTF-8");
        let made = server.command_line(&["apply", "-f", path, "--json"], "");
        Some(Self {
            server,
            made: serde_json::from_str(&made).expect("JSON"),
            number: std::sync::atomic::AtomicUsize::new(0),
        })
    }

    fn secret(&self, token: &str) -> String {
        self.made["keys"][token].as_str().expect("a secret").to_owned()
    }

    async fn call(&self, authorization: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let address = format!("{}{path}", self.server.origin());
        let mut headers = Vec::new();
        if !authorization.is_empty() {
            headers.push(("authorization", authorization));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.server.anonymous().send(method, &address, &headers, text).await
    }

    async fn with(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let authorization = format!("Bearer {}", self.secret(token));
        self.call(&authorization, method, path, body.as_ref()).await
    }

    /// A collaboration of the first organisation with a member, a group and an invitation.
    async fn thing(&self, units: &[&str]) -> Thing {
        let number = self.number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let body = collaboration(
            &format!("Thing {number}"),
            &json!({
                "units": units, "short_name": format!("thing{number}"), "administrator": "urn:ben",
                "administrators": [format!("guest{number}@guest.example")],
            }),
        );
        let path = "/api/collaborations/v1";
        let made = self.with("whole", "POST", path, Some(body)).await.expect(201);
        let id = made.member("identifier");
        let group = json!({ "collaboration_identifier": id, "name": "Team", "short_name": "team" });
        let group = self
            .with("whole", "POST", "/api/groups/v1", Some(group))
            .await
            .expect(201);
        let group = group.member("identifier");
        let open = format!("/api/invitations/v1/invitations/{id}");
        let open = self.with("whole", "GET", &open, None).await.expect(200).json();
        let invitation = open[0]["invitation"]["identifier"].as_str().expect("an id").to_owned();
        Thing {
            short_name: format!("thing{number}"),
            id,
            group,
            invitation,
        }
    }
}

struct Thing {
    id: String,
    short_name: String,
    group: String,
    invitation: String,
}

fn collaboration(name: &str, more: &Value) -> Value {
    let mut body = json!({
        "name": name, "description": "d", "disable_join_requests": false, "disclose_member_information": false,
        "disclose_email_information": false, "administrators": [],
    });
    let members = body.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    body
}

/// A body that the route takes, about a thing.
fn body(method: &str, path: &str, thing: &Thing, number: usize) -> Option<Value> {
    match (method, path) {
        ("POST", "/api/collaborations/v1/") => Some(collaboration(&format!("New {number}"), &json!({}))),
        ("PUT", "/api/collaborations/v1/{co}/members") => Some(json!({ "uid": "urn:ben", "role": "member" })),
        ("PUT", "/api/collaborations/v1/{co}/units") => Some(json!(["A"])),
        ("PUT", path) if path.starts_with("/api/collaborations_services/") => {
            Some(json!({ "service_entity_id": "urn:wiki", "short_name": thing.short_name }))
        }
        ("POST", "/api/groups/v1/") => {
            Some(json!({ "collaboration_identifier": thing.id, "name": "Other", "short_name": "other" }))
        }
        ("POST", _) => Some(json!({ "uid": "urn:ben" })),
        ("PUT", "/api/groups/v1/{group}") => Some(json!({ "name": "Renamed" })),
        ("PUT", "/api/invitations/v1/collaboration_invites") => {
            Some(json!({ "collaboration_identifier": thing.id, "invites": ["new@guest.example"] }))
        }
        ("PATCH", _) => Some(json!({ "intended_role": "member" })),
        _ => None,
    }
}

async fn every_route_answers_every_token_as_reviewed(backend: Backend) {
    let Some(world) = World::new(backend).await else { return };
    let mut text = String::from(
        "# What every route of the organisations API answers to every shape of token. Renew with COMMONHOLD_RENEW=1.\n\
         # whole: the whole organisation. a, b, ab: units A, B, both. other: another organisation. person: signed in.\n\
         # Targets are collaborations of the first organisation with these units.\n",
    );
    writeln!(text, "# {:76} anonymous wrong person {}", "", TOKENS.join(" ")).expect("a text");
    let person = format!("Bearer {}", Server::issuer().token("amy"));
    for mount in api_organisations::MOUNTS {
        for route in api_organisations::routes(mount) {
            let path = format!("{mount}{}", route.path);
            let method = route.method.as_str();
            let targets = if path.contains('{') || method != "GET" {
                &TARGETS[..]
            } else {
                &TARGETS[..1]
            };
            for (target, units) in targets {
                let mut line = format!("{method:<6} {path:<66} {target:<5}");
                let mut thing = world.thing(units).await;
                let mut callers = vec![
                    ("anonymous", String::new()),
                    ("wrong", "Bearer nobody-has-this-secret".to_owned()),
                    ("person", person.clone()),
                ];
                callers.extend(TOKENS.map(|token| (token, format!("Bearer {}", world.secret(token)))));
                for (number, (name, authorization)) in callers.iter().enumerate() {
                    let address = path
                        .replace("{co}", &thing.id)
                        .replace("{group}", &thing.group)
                        .replace("{ext}", &thing.invitation)
                        .replace("{id}", &thing.id)
                        .replace("{user_id}", "1")
                        .replace("{uid}", "urn:ben");
                    if path.ends_with("/{group}/members/{uid}") {
                        let add = format!("/api/groups/v1/{}", thing.group);
                        world
                            .with("whole", "POST", &add, Some(json!({ "uid": "urn:ben" })))
                            .await
                            .expect(201);
                    }
                    if path.contains("/disconnect_") {
                        let connect = format!(
                            "/api/collaborations_services/v1/connect_collaboration_service/{}",
                            thing.id
                        );
                        let service = json!({ "service_entity_id": "urn:wiki" });
                        world.with("whole", "PUT", &connect, Some(service)).await.expect(201);
                    }
                    let body = body(method, &path, &thing, number * 10 + text.len());
                    let status = world.call(authorization, method, &address, body.as_ref()).await.status;
                    write!(line, " {status:>width$}", width = name.len().max(3)).expect("a text");
                    if method != "GET" {
                        thing = world.thing(units).await;
                    }
                }
                writeln!(text, "{line}").expect("a text");
            }
        }
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/organisations.txt");
    if setting("COMMONHOLD_RENEW").is_some() {
        if backend == Backend::SqliteFiles {
            fs::write(&file, &text).expect("the golden file");
        }
        return;
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    let different: Vec<String> = golden
        .lines()
        .zip(text.lines())
        .filter(|(was, is)| was != is)
        .map(|(was, is)| format!("- {was}\n+ {is}"))
        .collect();
    assert!(
        different.is_empty() && golden.lines().count() == text.lines().count(),
        "routes answer otherwise than reviewed:\n{}",
        different.join("\n")
    );
}

/// Organisations contract 3.6 and 3.9: the answer has nothing of other units, and refusals name nobody.
async fn a_scoped_token_is_told_of_nothing_else(backend: Backend) {
    let Some(world) = World::new(backend).await else { return };
    let inside = world.thing(&["A"]).await;
    let outside = world.thing(&["B"]).await;
    let both = world.thing(&["A", "B"]).await;
    let answer = world.with("a", "GET", "/api/organisations/v1", None).await.expect(200);
    let seen = answer.json();
    assert_eq!(seen["units"], json!(["A"]));
    assert_eq!(seen["collaborations_count"], 1);
    assert_eq!(seen["organisation_memberships_count"], 0);
    assert_eq!(
        seen["collaborations"][0]["identifier"].as_str(),
        Some(inside.id.as_str())
    );
    for hidden in [&outside, &both] {
        assert!(!answer.text().contains(&hidden.id) && !answer.text().contains(&hidden.short_name));
        let refused = world
            .with("a", "GET", &format!("/api/collaborations/v1/{}", hidden.id), None)
            .await
            .expect(403);
        assert!(!refused.text().contains(&hidden.short_name), "{}", refused.text());
    }
    let foreign = world
        .with("other", "GET", &format!("/api/collaborations/v1/{}", inside.id), None)
        .await
        .expect(403);
    assert!(
        !foreign.text().contains("\"One\"") && !foreign.text().contains("Thing"),
        "{}",
        foreign.text()
    );
    let whole = world
        .with("whole", "GET", "/api/organisations/v1?units=b", None)
        .await
        .expect(200)
        .json();
    assert_eq!(whole["collaborations_count"], 2);
    assert_eq!(whole["organisation_memberships_count"], 1);
    let filtered = world
        .with("a", "GET", "/api/organisations/v1?units=b", None)
        .await
        .expect(200)
        .json();
    assert_eq!(filtered["collaborations_count"], 0);
}

/// Organisations contract 3.8, U1 to U6.
async fn a_unit_ends_and_nothing_is_widened(backend: Backend) {
    let Some(world) = World::new(backend).await else { return };
    let only = world.thing(&["A"]).await;
    let both = world.thing(&["A", "B"]).await;
    let path = |thing: &Thing| format!("/api/collaborations/v1/{}", thing.id);
    world.with("b", "GET", &path(&both), None).await.expect(403);
    world
        .server
        .command_line(&["unit", "end", "--organisation", "one", "--yes", "A"], "");
    world.with("a", "GET", &path(&only), None).await.expect(401);
    world.with("ab", "GET", &path(&only), None).await.expect(403);
    world.with("b", "GET", &path(&both), None).await.expect(200);
    world.with("whole", "GET", &path(&only), None).await.expect(200);
    let left = world
        .with("ab", "GET", "/api/organisations/v1", None)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (left["units"].clone(), left["collaborations_count"].clone()),
        (json!(["B"]), json!(1))
    );
    world
        .server
        .command_line(&["unit", "rename", "--organisation", "one", "B", "Bee"], "");
    let renamed = world.with("b", "GET", &path(&both), None).await.expect(200).json();
    assert_eq!(renamed["units"], json!(["Bee"]));
}

async fn what_cannot_be_read_is_refused_and_nothing_else_is_stored(backend: Backend) {
    let Some(world) = World::new(backend).await else { return };
    let path = "/api/collaborations/v1";
    for (name, value) in [
        ("name", json!(null)),
        ("name", json!(5)),
        ("name", json!("")),
        ("name", json!("x".repeat(256))),
        ("name", json!("a\u{0}b")),
        ("description", json!(null)),
        ("description", json!(["x"])),
        ("units", json!(null)),
        ("units", json!({"A": 1})),
        ("tags", json!("funded")),
        ("administrators", json!({})),
        ("administrators", json!([null])),
        ("short_name", json!(null)),
        ("expiry_date", json!("soon")),
        ("expiry_date", json!(1e300)),
        ("expiry_date", json!([1])),
        ("disable_join_requests", json!("yes")),
        ("message", json!({})),
        ("logo", json!(7)),
        ("website_url", json!("javascript:alert(1)")),
    ] {
        let mut body = collaboration("Bad", &json!({}));
        body[name] = value;
        let answer = world.with("whole", "POST", path, Some(body.clone())).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert_eq!(answer.json()["error"], json!(true));
    }
    for body in [json!([]), json!(null), json!("text"), json!(7)] {
        world.with("whole", "POST", path, Some(body)).await.expect(400);
    }
    let large = collaboration("Large", &json!({ "message": "x".repeat(10 << 20) }));
    world.with("whole", "POST", path, Some(large)).await.expect(413);
    let before = world
        .with("whole", "GET", "/api/organisations/v1", None)
        .await
        .expect(200)
        .json();
    assert_eq!(before["collaborations_count"], 0);
    // Nothing that a client sends of its own accord is kept (S-1).
    let victim = world
        .with("other", "POST", path, Some(collaboration("Victim", &json!({}))))
        .await
        .expect(201)
        .json();
    let taken = collaboration(
        "Taken",
        &json!({
            "id": victim["id"], "identifier": victim["identifier"], "organisation_id": 1, "uuid4": victim["uuid4"],
            "status": "suspended", "created_by": "me", "collaboration_memberships": [{"user_id": 1, "role": "admin"}],
        }),
    );
    let made = world.with("a", "POST", path, Some(taken)).await.expect(201).json();
    assert_ne!(made["id"], victim["id"]);
    assert_ne!(made["identifier"], victim["identifier"]);
    assert_eq!(
        (made["status"].as_str(), made["created_by"].as_str()),
        (Some("active"), Some("ext_api"))
    );
    assert_eq!(made["collaboration_memberships_count"], 0);
    let same = format!("{path}/{}", victim["identifier"].as_str().expect("an id"));
    assert_eq!(
        world.with("other", "GET", &same, None).await.expect(200).json()["name"],
        victim["name"]
    );
}

async fn five_hundred_addresses_are_one_transaction(backend: Backend) {
    let Some(world) = World::new(backend).await else { return };
    let thing = world.thing(&["A"]).await;
    let mut invites: Vec<String> = (0..500).map(|number| format!("many{number}@guest.example")).collect();
    let path = "/api/invitations/v1/collaboration_invites";
    let body =
        |invites: &[String]| json!({ "collaboration_identifier": thing.id, "invites": invites, "groups": ["team"] });
    let sent = world
        .with("a", "PUT", path, Some(body(&invites)))
        .await
        .expect(201)
        .json();
    assert_eq!(sent.as_array().map(Vec::len), Some(500));
    let line = world.server.logged("collaboration_invites").await;
    let statements = line
        .split("statements=")
        .nth(1)
        .or_else(|| line.split("\"statements\":").nth(1));
    let statements: String = statements
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let statements: u32 = statements.parse().unwrap_or_else(|_| panic!("{line}"));
    assert!(statements <= 12, "{line}");
    // One address with an open invitation refuses all.
    invites = vec!["fresh@guest.example".to_owned(), "MANY7@guest.example".to_owned()];
    world.with("a", "PUT", path, Some(body(&invites))).await.expect(400);
    let open = format!("/api/invitations/v1/invitations/{}", thing.id);
    let open = world.with("a", "GET", &open, None).await.expect(200).json();
    assert_eq!(open.as_array().map(Vec::len), Some(501));
    assert_eq!(open[500]["groups"][0]["short_name"], "team");
}

/// The mail reaches a real SMTP server, with nothing of its HTML taken over from what people wrote; its links work once.
async fn an_invitation_is_mailed_and_answered_on_its_page(backend: Backend) {
    let (Some(host), Some(port), Some(api)) = (setting("SMTP_HOST"), setting("SMTP_PORT"), setting("SMTP_API")) else {
        return Server::skipped("mail, which takes an SMTP server");
    };
    let Some(world) = World::with_mail(backend, Some(format!("smtp://{host}:{port}"))).await else {
        return;
    };
    let thing = world.thing(&["A"]).await;
    let unique = &thing.id[..8];
    let (yes, no) = (
        format!("yes-{unique}@guest.example"),
        format!("no-{unique}@guest.example"),
    );
    let path = "/api/invitations/v1/collaboration_invites";
    let body = json!({
        "collaboration_identifier": thing.id, "invites": [yes, no], "groups": ["team"],
        "message": "<script>alert(1)</script>",
    });
    world.with("a", "PUT", path, Some(body)).await.expect(201);
    let anybody = world.server.anonymous();
    let mail = async |to: &str| {
        let list = anybody
            .get(&format!("{api}/mails?to={to}&wait=20"))
            .await
            .expect(200)
            .json();
        assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
        let raw = anybody
            .get(&format!("{api}/mails/{}", list[0]["id"]))
            .await
            .expect(200)
            .json();
        assert!(
            list[0]["subject"]
                .as_str()
                .is_some_and(|subject| subject.contains("Thing")),
            "{list}"
        );
        raw.to_string()
    };
    let link = |mail: &str, word: &str| {
        let start = format!("/invitations/{word}/");
        let rest = mail.split(&start).nth(1).unwrap_or_default();
        let secret: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
            .collect();
        assert_eq!(secret.len(), 43, "{mail}");
        format!("{}{start}{secret}", world.server.origin())
    };
    let written = mail(&yes).await;
    assert!(written.contains("&lt;script&gt;"), "{written}");
    let accept = link(&written, "accept");
    let page = anybody.get(&accept).await.expect(200).text();
    assert!(page.contains("Thing") && !page.contains("<script>"), "{page}");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let given = format!(
        "email={}&name=Yes+Guest&password=a+long+enough+password",
        yes.replace('@', "%40")
    );
    anybody
        .send(Method::POST, &accept, &form, given.clone())
        .await
        .expect(200);
    let read = world
        .with("a", "GET", &format!("/api/collaborations/v1/{}", thing.id), None)
        .await
        .expect(200)
        .json();
    assert_eq!(read["collaboration_memberships_count"], 2);
    assert_eq!(
        read["groups"][0]["collaboration_memberships"][0]["user"]["email"],
        json!(yes)
    );
    anybody.send(Method::POST, &accept, &form, given).await.expect(409);
    let deny = link(&mail(&no).await, "deny");
    anybody.get(&deny).await.expect(200);
    anybody.send(Method::POST, &deny, &form, "").await.expect(200);
    anybody.get(&deny).await.expect(410);
}
