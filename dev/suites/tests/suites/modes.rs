//! Which credentials work in which mode, and what a service account reaches (objects contract, sections 1.3 to 1.8).

use std::{net::TcpListener, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Backend, Caller, Server};

use crate::on_both;

on_both!(
    without_authentication_everybody_may_everything,
    with_basic_only_tokens_are_not_looked_at,
    with_tokens_only_basic_is_not_implemented,
);

async fn mode_of(server: &Server) -> String {
    let address = format!("{}/api", server.origin());
    let told = server.anonymous().get(&address).await.expect(200).json();
    told["app"]["authMode"].as_str().expect("a mode").to_owned()
}

async fn without_authentication_everybody_may_everything(backend: Backend) {
    let change = |settings: &mut testkit::Settings| {
        settings.unset("objects.basic_username").unset("objects.basic_password");
        settings.set("objects.mode", "noauth");
    };
    let Some(server) = Server::start_with(backend, change).await else {
        return;
    };
    assert_eq!(mode_of(&server).await, "NOAUTH");
    let anybody = server.anonymous();
    let made = anybody
        .put("/bucket", &json!({ "bucketName": "Open" }))
        .await
        .expect(201)
        .json();
    assert_eq!(made["createdBy"], json!("00000000-0000-0000-0000-000000000000"));
    let bucket = made["bucketId"].as_str().expect("an id").to_owned();
    let object = anybody.object(&bucket, "a.txt", "open").await;
    // A token is no credential here, not even a wrong one.
    for caller in [&anybody, &server.person("alice"), &server.bearer("nonsense")] {
        assert_eq!(caller.download(&object).await.expect(200).text(), "open");
    }
    let redirect = anybody.get(&format!("/object/{object}")).await.expect(302);
    let target = redirect.header("location").expect("a target").to_owned();
    assert_eq!(anybody.get(&target).await.expect(200).text(), "open");
    server.superuser().download(&object).await.expect(401);
    anybody
        .get(&format!("/bucket/{}", testkit::unknown_id()))
        .await
        .expect(404);
    anybody.download(&testkit::unknown_id()).await.expect(404);
    // Nobody in particular cannot be given anything.
    let json = [("content-type", "application/json")];
    let body = json!({ "bucketId": bucket }).to_string();
    let token = anybody
        .send(Method::POST, "/permission/invite", &json, body)
        .await
        .expect(201);
    let token = token.json().as_str().expect("a text").to_owned();
    anybody.get(&format!("/permission/invite/{token}")).await.expect(403);
    anybody.delete(&format!("/bucket/{bucket}")).await.expect(204);
}

async fn with_basic_only_tokens_are_not_looked_at(backend: Backend) {
    let change = |settings: &mut testkit::Settings| {
        settings.set("objects.mode", "basicauth");
    };
    let Some(server) = Server::start_with(backend, change).await else {
        return;
    };
    assert_eq!(mode_of(&server).await, "BASICAUTH");
    let (superuser, alice, anonymous) = (server.superuser(), server.person("alice"), server.anonymous());
    let bucket = superuser.bucket("Basic").await;
    let object = superuser.object(&bucket, "a.txt", "basic").await;
    assert_eq!(superuser.download(&object).await.expect(200).text(), "basic");
    // What is not public needs credentials (E-03).
    for caller in [&alice, &anonymous] {
        caller.download(&object).await.expect(403);
        caller.head(&format!("/object/{object}")).await.expect(403);
        caller.get(&format!("/bucket/{bucket}")).await.expect(403);
        caller.get("/bucket").await.expect(403);
    }
    server.basic("superuser", "guessed").get("/bucket").await.expect(401);
    for caller in [&superuser, &alice] {
        let refused = caller
            .get(&format!("/permission/invite/{}", testkit::unknown_id()))
            .await
            .expect(501);
        assert_eq!(refused.member("authMode"), "BASICAUTH");
    }
}

async fn with_tokens_only_basic_is_not_implemented(backend: Backend) {
    let change = |settings: &mut testkit::Settings| {
        settings.set("objects.mode", "oidcauth");
    };
    let Some(server) = Server::start_with(backend, change).await else {
        return;
    };
    assert_eq!(mode_of(&server).await, "OIDCAUTH");
    let refused = server.superuser().get("/bucket").await.expect(501);
    assert_eq!(
        (refused.member("authMode"), refused.member("authType")),
        ("OIDCAUTH".to_owned(), "BASIC".to_owned())
    );
    // Invites honour the mode as well (E-46).
    let json = [("content-type", "application/json")];
    let invite = server
        .superuser()
        .send(Method::POST, "/permission/invite", &json, "{}")
        .await;
    invite.expect(501);
    server.basic("superuser", "guessed").get("/bucket").await.expect(401);
    server.person("alice").get("/bucket").await.expect(200);
}

/// The credentials of the server's own S3 bucket, registered as somebody's.
struct Account {
    basic: Caller,
    endpoint: String,
    bucket: String,
    access_key: String,
    secret_key: String,
}

impl Account {
    fn of(server: &Server) -> Self {
        let setting = |key: &str| {
            let value = server.configured(&format!("storage.s3.{key}"));
            value.expect("a server on S3").to_owned()
        };
        let (access_key, secret_key) = (setting("access_key_id"), setting("secret_access_key"));
        Self {
            basic: server.basic(&access_key, &secret_key),
            endpoint: setting("endpoint"),
            bucket: setting("bucket"),
            access_key,
            secret_key,
        }
    }

    fn mount(&self, key: &str) -> Value {
        json!({ "bucketName": key, "endpoint": self.endpoint, "bucket": self.bucket, "key": key,
            "accessKeyId": self.access_key, "secretAccessKey": self.secret_key })
    }

    async fn call(&self, method: Method, address: &str, body: String) -> Answer {
        self.call_as(&self.basic, &self.endpoint, &self.bucket, method, address, body)
            .await
    }

    async fn get(&self, address: &str) -> Answer {
        self.call(Method::GET, address, String::new()).await
    }

    async fn call_as(
        &self,
        caller: &Caller,
        endpoint: &str,
        bucket: &str,
        method: Method,
        address: &str,
        body: String,
    ) -> Answer {
        let mut headers = vec![("x-amz-endpoint", endpoint), ("x-amz-bucket", bucket)];
        if address.starts_with("/object") {
            headers.extend([
                ("content-disposition", "attachment; filename=\"by-account.txt\""),
                ("content-type", "text/plain"),
            ]);
        } else {
            headers.push(("content-type", "application/json"));
        }
        caller.send(method, address, &headers, body).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_account_reaches_its_buckets_and_nothing_else() {
    let change = |settings: &mut testkit::Settings| {
        settings.set("objects.s3_accounts", "true");
    };
    let Some(server) = Server::start_with(Backend::PostgresS3, change).await else {
        return;
    };
    assert_eq!(mode_of(&server).await, "FULLAUTH");
    let (alice, account) = (server.person("alice"), Account::of(&server));
    let managed = alice.bucket("Managed").await;
    let hidden = alice.object(&managed, "hidden.txt", "hidden").await;
    // Credentials that open the store, but nothing that is registered here.
    account.get("/bucket").await.expect(403);
    let mounted = alice
        .put("/bucket", &account.mount("theirs"))
        .await
        .expect(201)
        .member("bucketId");
    let shown = alice.object(&mounted, "shown.txt", "shown").await;

    let listed = account.get("/bucket").await.expect(200).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!(listed[0]["bucketId"], json!(mounted));
    let also = account
        .get(&format!("/bucket?bucketId={managed}"))
        .await
        .expect(200)
        .json();
    assert_eq!(also, json!([]));
    account.get(&format!("/bucket/{mounted}")).await.expect(200);
    account.get(&format!("/bucket/{managed}")).await.expect(403);
    account
        .get(&format!("/bucket/{}", testkit::unknown_id()))
        .await
        .expect(403);
    account
        .get(&format!("/object/{shown}?download=proxy"))
        .await
        .expect(200);
    account
        .get(&format!("/object/{hidden}?download=proxy"))
        .await
        .expect(403);
    account.get(&format!("/object/{hidden}/version")).await.expect(403);
    let stored = account
        .call(
            Method::PUT,
            &format!("/object?bucketId={mounted}"),
            "by account".to_owned(),
        )
        .await
        .expect(200)
        .json();
    assert_eq!(
        stored["createdBy"],
        json!("00000000-0000-0000-0000-000000000000"),
        "E-07"
    );
    let to_managed = format!("/object?bucketId={managed}");
    account.call(Method::PUT, &to_managed, "x".to_owned()).await.expect(403);
    let rows = account.get("/permission/bucket").await.expect(200).json();
    let named: Vec<_> = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["bucketId"])
        .collect();
    assert_eq!(named, [&json!(mounted)]);
    let rows = account.get("/permission/object").await.expect(200).text();
    assert!(rows.contains(&shown) && !rows.contains(&hidden), "{rows}");
    account.get(&format!("/permission/object/{hidden}")).await.expect(403);
    // Searching people works (the original answered 422).
    account.get("/user?email=alice@example.test").await.expect(200);
    account.get("/user?search=alice").await.expect(200);

    // It registers further folders of its own bucket, and nothing else.
    let json = |value: &Value| value.to_string();
    let more = account.call(Method::PUT, "/bucket", json(&account.mount("more"))).await;
    more.expect(201);
    let listed = account.get("/bucket").await.expect(200).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let own = json!({ "bucketName": "In the server's storage" });
    account.call(Method::PUT, "/bucket", json(&own)).await.expect(403);
    // Invites to what is its own; about the rest it learns nothing.
    let invite = |body: Value| account.call(Method::POST, "/permission/invite", body.to_string());
    invite(json!({ "objectId": shown })).await.expect(201);
    invite(json!({ "objectId": hidden })).await.expect(403);
    invite(json!({ "objectId": testkit::unknown_id() })).await.expect(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_service_accounts_get_nowhere_and_call_nobody() {
    let foreign = TcpListener::bind("127.0.0.1:0").expect("a port");
    foreign.set_nonblocking(true).expect("a listener");
    let elsewhere = format!("http://{}", foreign.local_addr().expect("an address"));
    let change = |settings: &mut testkit::Settings| {
        settings.set("objects.s3_accounts", "true");
        settings.unset("objects.basic_username").unset("objects.basic_password");
    };
    let Some(server) = Server::start_with(Backend::PostgresS3, change).await else {
        return;
    };
    let (alice, account) = (server.person("alice"), Account::of(&server));
    alice.put("/bucket", &account.mount("theirs")).await.expect(201);
    let get = |caller: Caller, endpoint: &str, bucket: &str| {
        let (endpoint, bucket) = (endpoint.to_owned(), bucket.to_owned());
        let account = &account;
        async move {
            let body = String::new();
            account
                .call_as(&caller, &endpoint, &bucket, Method::GET, "/bucket", body)
                .await
                .status
        }
    };
    let (endpoint, bucket) = (account.endpoint.as_str(), account.bucket.as_str());
    let good = || account.basic.clone();
    assert_eq!(get(good(), endpoint, bucket).await, 200);
    assert_eq!(get(good(), &format!("{endpoint}/"), bucket).await, 200);
    let wrong_secret = server.basic(&account.access_key, "guessed");
    assert_eq!(get(wrong_secret, endpoint, bucket).await, 403);
    let wrong_key = server.basic("somebody", &account.secret_key);
    assert_eq!(get(wrong_key, endpoint, bucket).await, 403);
    assert_eq!(get(good(), endpoint, "another-bucket").await, 403);
    assert_eq!(get(good(), &elsewhere, bucket).await, 403);
    for half in [("x-amz-endpoint", endpoint), ("x-amz-bucket", bucket)] {
        account
            .basic
            .send(Method::GET, "/bucket", &[half], "")
            .await
            .expect(400);
    }
    // There is no superuser here (E-46), and without the headers no account either.
    server.superuser().get("/bucket").await.expect(401);
    account.basic.get("/bucket").await.expect(401);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(
        foreign.accept().is_err(),
        "an address that nobody registered was called"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_accounts_are_off_unless_asked_for() {
    let Some(server) = Server::start(Backend::PostgresS3).await else {
        return;
    };
    let (alice, account) = (server.person("alice"), Account::of(&server));
    alice.put("/bucket", &account.mount("theirs")).await.expect(201);
    account.get("/bucket").await.expect(401);
    let superuser = server.superuser();
    let answer = account.call_as(
        &superuser,
        "nonsense",
        "nonsense",
        Method::GET,
        "/bucket",
        String::new(),
    );
    answer.await.expect(200);
}
