//! Somebody who talks to a server.

use bytes::Bytes;
use reqwest::{Client, Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::document;

/// A client with or without credentials.
#[derive(Clone, Debug)]
pub struct Caller {
    http: Client,
    base: String,
    authorization: Option<String>,
    email: Option<String>,
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked, for messages.
    pub asked: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The same, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text()))
    }

    /// A text member of the body.
    #[track_caller]
    pub fn member(&self, name: &str) -> String {
        let body = self.json();
        body[name]
            .as_str()
            .unwrap_or_else(|| panic!("{}: no {name} in {body}", self.asked))
            .to_owned()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Caller {
    pub(crate) fn new(http: Client, base: String, authorization: Option<String>, email: Option<String>) -> Self {
        Self {
            http,
            base,
            authorization,
            email,
        }
    }

    /// Asks; an error when no answer came.
    pub async fn attempt(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Result<Answer, reqwest::Error> {
        let address = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let (asked, checked) = (format!("{method} {path}"), method.clone());
        let mut request = self.http.request(method, address).body(body);
        if let (Some(authorization), true) = (&self.authorization, path.starts_with('/')) {
            request = request.header("authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let of_objects = path.starts_with('/') && self.base.ends_with("/api/v1");
        let response = request.send().await?;
        let answer = Answer {
            asked,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?,
        };
        if of_objects {
            document::check(&checked, path, &answer);
        }
        Ok(answer)
    }

    /// Asks and gets an answer. A path is below `/api/v1`; an address is taken as it is, without credentials.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let asked = format!("{method} {path}");
        let outcome = self.attempt(method, path, headers, body).await;
        outcome.unwrap_or_else(|error| panic!("{asked}: no answer: {error:?}"))
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    /// `HEAD`.
    pub async fn head(&self, path: &str) -> Answer {
        self.send(Method::HEAD, path, &[], Bytes::new()).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], Bytes::new()).await
    }

    /// `PUT` of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.send(Method::PUT, path, &json, body.to_string()).await
    }

    /// `PATCH` of JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.send(Method::PATCH, path, &json, body.to_string()).await
    }

    /// Makes a bucket on the server's own storage; gives its id.
    pub async fn bucket(&self, name: &str) -> String {
        let answer = self.put("/bucket", &json!({ "bucketName": name })).await;
        answer.expect(201).member("bucketId")
    }

    /// Uploads a file as a new object.
    pub async fn upload(&self, bucket: &str, name: &str, content: impl Into<reqwest::Body>) -> Answer {
        let disposition = format!("attachment; filename=\"{name}\"");
        let headers = [
            ("content-disposition", disposition.as_str()),
            ("content-type", "text/plain"),
        ];
        self.send(Method::PUT, &format!("/object?bucketId={bucket}"), &headers, content)
            .await
    }

    /// Uploads a file that must be taken; gives the object's id.
    pub async fn object(&self, bucket: &str, name: &str, content: impl Into<reqwest::Body>) -> String {
        self.upload(bucket, name, content).await.expect(200).member("id")
    }

    /// Uploads a new version.
    pub async fn replace(&self, object: &str, content: impl Into<reqwest::Body>) -> Answer {
        let headers = [("content-type", "text/plain")];
        self.send(Method::PUT, &format!("/object/{object}"), &headers, content)
            .await
    }

    /// Downloads through the server.
    pub async fn download(&self, object: &str) -> Answer {
        self.get(&format!("/object/{object}?download=proxy")).await
    }

    /// The versions of an object, newest first.
    pub async fn versions(&self, object: &str) -> Vec<Value> {
        let answer = self.get(&format!("/object/{object}/version")).await.expect(200);
        answer.json().as_array().expect("a list").clone()
    }

    /// The caller's own public id. A token makes its person known by being used.
    pub async fn user_id(&self) -> String {
        let email = self.email.as_deref().expect("somebody with an address");
        let found = self.get(&format!("/user?email={email}")).await.expect(200).json();
        found[0]["userId"]
            .as_str()
            .unwrap_or_else(|| panic!("nobody has {email}: {found}"))
            .to_owned()
    }

    /// Grants codes on `bucket/{id}` or `object/{id}` to somebody.
    pub async fn grant(&self, on: &str, to: &Self, codes: &[&str]) -> Answer {
        let user = to.user_id().await;
        let rows: Vec<Value> = codes
            .iter()
            .map(|code| json!({ "userId": user, "permCode": code }))
            .collect();
        self.put(&format!("/permission/{on}"), &json!(rows)).await
    }

    /// Takes codes on `bucket/{id}` or `object/{id}` back from somebody.
    pub async fn revoke(&self, on: &str, from: &Self, code: &str) -> Answer {
        let user = from.user_id().await;
        self.delete(&format!("/permission/{on}?userId={user}&permCode={code}"))
            .await
    }
}
