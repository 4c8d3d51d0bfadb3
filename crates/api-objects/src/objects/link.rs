//! `GET /links/{object}`: the server's own download links, for storage that presigns none.

use app::objects::{self, LinkAddress};
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::{Map, Value};

use super::download;
use crate::{problem::Failure, validate::query};

/// Sends the bytes that a link leads to. The link is the credential; whoever is signed in does not matter.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let query = query::parse(call.uri().query().unwrap_or_default()).unwrap_or_default();
    let invalid = || Failure::status(StatusCode::FORBIDDEN, "The link is not valid, or its time is over");
    let address = read(call.parameter("objectId"), &query).ok_or_else(invalid)?;
    let (app, context) = call.admit()?;
    let asked = (call.method(), call.headers());
    let decide = |head: &objects::Head| download::decide(asked, head);
    download::answer(objects::read_link(app, context, &address, decide).await?)
}

/// What the address of a link says; `None` if the server cannot have made it.
fn read(object: &str, query: &Map<String, Value>) -> Option<LinkAddress> {
    let text = |key: &str| query.get(key).map(Value::as_str);
    let person = match text("person") {
        None => None,
        Some(number) => Some(number?.parse().ok()?),
    };
    let version = match text("version") {
        None => None,
        Some(id) => Some(id?.parse().ok()?),
    };
    Some(LinkAddress {
        object: object.parse().ok()?,
        version,
        expires: text("expires")??.parse().ok()?,
        by: text("by")??.to_owned(),
        person,
        signature: text("signature")??.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "48a65990-2e48-46b2-94eb-7f4fe13468ea";

    fn of(text: &str) -> Option<LinkAddress> {
        read(OBJECT, &query::parse(text).unwrap())
    }

    #[test]
    fn a_link_is_read_whole_or_not_at_all() {
        let address = of(&format!("expires=5&by=person&person=7&version={OBJECT}&signature=s")).unwrap();
        assert_eq!(
            (address.expires, address.person, address.by.as_str()),
            (5, Some(7), "person")
        );
        assert_eq!(address.version, OBJECT.parse().ok());
        assert_eq!(of("expires=5&by=anonymous&signature=s").unwrap().person, None);
        for bad in [
            "",
            "expires=x&by=person&signature=s",
            "expires=5&signature=s",
            "expires=5&by=person",
            "expires=5&by=person&person=x&signature=s",
            "expires=5&by=person&person=7&person=8&signature=s",
            "expires=5&by=person&version=x&signature=s",
        ] {
            assert!(of(bad).is_none(), "{bad}");
        }
        assert!(read("x", &query::parse("expires=5&by=person&signature=s").unwrap()).is_none());
    }
}
