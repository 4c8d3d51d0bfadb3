//! One request on its way to a handler.

use std::{borrow::Cow, sync::Arc};

use app::{App, Caller, Ctx};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, Method, Uri},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;

use crate::{Needs, Refusal};

/// The largest JSON body (objects contract, section 1.2).
pub const JSON_LIMIT: usize = 100 * 1024;

/// A request whose caller is known and whose route was found.
///
/// A handler reads and validates its input from here, and then calls [`Call::admit`] for the use cases' context: the
/// contract wants some guards to answer only after validation, and without the context no use case can be called.
pub struct Call {
    app: Arc<App>,
    context: Ctx,
    needs: Needs,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
    parameters: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn new(
        app: Arc<App>,
        context: Ctx,
        needs: Needs,
        (method, uri, headers, body): (Method, Uri, HeaderMap, Body),
        parameters: Vec<(String, String)>,
    ) -> Self {
        Self {
            app,
            context,
            needs,
            method,
            uri,
            headers,
            body,
            parameters,
        }
    }

    /// Passes the guards that stand between validation and the use case, and gives what a use case takes.
    pub fn admit(&self) -> Result<(&Arc<App>, &Ctx), Refusal> {
        if self.needs.elevated {
            self.require_elevation()?;
        }
        Ok((&self.app, &self.context))
    }

    /// The elevated guard, for routes that need it only sometimes: while the privacy mask is on, somebody who signed
    /// in must have come through an elevated identity provider. A token that names none has not. Where no provider is
    /// elevated, none stands above the others, and the guard asks for nothing.
    pub fn require_elevation(&self) -> Result<(), Refusal> {
        let settings = self.app.settings();
        match &self.context.caller {
            Caller::Person(person)
                if settings.privacy_mask
                    && !settings.elevated_idps.is_empty()
                    && !person
                        .idp
                        .as_ref()
                        .is_some_and(|idp| settings.elevated_idps.contains(idp)) =>
            {
                Err(Refusal::NotElevated)
            }
            _ => Ok(()),
        }
    }

    /// The server, for facts that are not about data: its mode and settings.
    pub fn server(&self) -> &Arc<App> {
        &self.app
    }

    /// Who is calling.
    pub fn caller(&self) -> &Caller {
        &self.context.caller
    }

    /// The method as sent (`HEAD` may arrive at a `GET` route).
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The address as sent.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header as text; `None` if absent or not text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A segment of the path, decoded. Empty if the route has no such segment.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// Takes the body; what is left behind is empty.
    pub fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    /// Takes a body of at most `limit` bytes.
    pub async fn take_bytes(&mut self, limit: usize) -> Result<Bytes, Refusal> {
        collect(self.take_body(), limit).await
    }

    /// Takes a JSON body of at most [`JSON_LIMIT`] bytes. No body at all is an empty object. The content type is not
    /// asked: nothing else is accepted here.
    pub async fn take_json(&mut self) -> Result<serde_json::Value, Refusal> {
        let bytes = collect(self.take_body(), JSON_LIMIT).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(serde_json::Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&bytes).map_err(|_| Refusal::Malformed(Cow::Borrowed("the body is not JSON")))
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({} {}, {})", self.method, self.uri, self.context.request_id)
    }
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut pieces = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Refusal::Malformed(Cow::Borrowed("the body broke off")))?;
        if piece.len() > limit.saturating_sub(whole.len()) {
            return Err(Refusal::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// Decodes the percent-encoding of a path segment.
pub(crate) fn decode(segment: &str) -> Result<String, Refusal> {
    if !segment.contains('%') {
        return Ok(segment.to_owned());
    }
    percent_decode_str(segment)
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_| Refusal::Malformed(Cow::Borrowed("the address is not valid percent-encoded UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_bounded() {
        assert_eq!(collect(Body::from("1234"), 4).await.unwrap(), "1234");
        assert!(matches!(collect(Body::from("12345"), 4).await, Err(Refusal::TooLarge)));
    }

    #[test]
    fn segments_are_decoded() {
        assert_eq!(decode("a%20b%C3%A9").unwrap(), "a bé");
        assert!(matches!(decode("%ff"), Err(Refusal::Malformed(_))));
    }
}
