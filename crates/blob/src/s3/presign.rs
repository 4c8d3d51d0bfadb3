//! Signed addresses: AWS Signature Version 4 in the query, without any network call.
//!
//! The SDK can do it too, but runs a whole request pipeline for each and is asynchronous; a page that lists a thousand
//! addresses wants microseconds. A test compares both.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use domain::{Secret, Timestamp};
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::S3Config;
use crate::{Error, Kind, PresignOptions, Result};

/// What a signature leaves as it is in a name or a value: the unreserved characters of RFC 3986.
pub(super) const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// And in a key.
pub(super) const PATH: &AsciiSet = &COMPONENT.remove(b'/');
/// Seven days, what S3 takes.
const MAX_EXPIRES: i64 = 604_800;

pub(super) struct Presigner {
    /// `http://host:port`.
    origin: String,
    host: String,
    /// Path before the key, with the bucket where the style has it there, without a slash at the end.
    base: String,
    region: String,
    access_key_id: String,
    secret: Secret,
    /// The key of one day, which costs four hashes to derive.
    day: Mutex<Option<(String, hmac::Key)>>,
}

impl std::fmt::Debug for Presigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presigner")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Presigner {
    pub(super) fn new(config: &S3Config) -> Result<Self> {
        let malformed = || Error::new(Kind::Invalid).because("an endpoint is http:// or https:// and a host");
        let (scheme, rest) = config.endpoint.split_once("://").ok_or_else(malformed)?;
        let default_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return Err(malformed()),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = authority.to_ascii_lowercase();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(allowed) || path.contains(['?', '#']) {
            return Err(malformed());
        }
        let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
        let path = path.trim_end_matches('/');
        let (host, base) = if config.path_style {
            (authority.to_owned(), format!("{path}/{}", config.bucket))
        } else {
            (format!("{}.{authority}", config.bucket), path.to_owned())
        };
        Ok(Self {
            origin: format!("{scheme}://{host}"),
            host,
            base,
            region: config.region.clone(),
            access_key_id: config.access_key_id.clone(),
            secret: config.secret_access_key.clone(),
            day: Mutex::new(None),
        })
    }

    pub(super) fn get(&self, key: &str, version: Option<&str>, options: &PresignOptions) -> Result<String> {
        let mut extra = Vec::new();
        if let Some(disposition) = &options.content_disposition {
            extra.push(("response-content-disposition", disposition.as_str()));
        }
        if let Some(content_type) = &options.content_type {
            extra.push(("response-content-type", content_type.as_str()));
        }
        if let Some(version) = version {
            extra.push(("versionId", version));
        }
        extra.push(("x-id", "GetObject"));
        self.sign("GET", key, &extra, options)
    }

    pub(super) fn put(&self, key: &str, options: &PresignOptions) -> Result<String> {
        self.sign("PUT", key, &[("x-id", "PutObject")], options)
    }

    /// `extra` in the order of its names, which all sort behind `X-`.
    fn sign(&self, method: &str, key: &str, extra: &[(&str, &str)], options: &PresignOptions) -> Result<String> {
        if !(1..=MAX_EXPIRES).contains(&options.expires) {
            return Err(Error::new(Kind::Invalid).because("an address ends after 1 second to 7 days"));
        }
        let time = basic_time(options.now);
        let day = time.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let path = format!("{}/{}", self.base, utf8_percent_encode(key, PATH));
        let credential = format!("{}/{scope}", self.access_key_id);
        let mut query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={time}&X-Amz-Expires={}\
             &X-Amz-SignedHeaders=host",
            utf8_percent_encode(&credential, COMPONENT),
            options.expires
        );
        for (name, value) in extra {
            let _ = write!(query, "&{name}={}", utf8_percent_encode(value, COMPONENT));
        }
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{}\n\nhost\nUNSIGNED-PAYLOAD",
            self.host
        );
        let digest = digest::digest(&digest::SHA256, canonical.as_bytes());
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(digest.as_ref()));
        let signature = hmac::sign(&self.signing_key(day), to_sign.as_bytes());
        Ok(format!(
            "{}{path}?{query}&X-Amz-Signature={}",
            self.origin,
            hex(signature.as_ref())
        ))
    }

    fn signing_key(&self, day: &str) -> hmac::Key {
        let mut cached = self.day.lock();
        if let Some((of, key)) = cached.as_ref()
            && of == day
        {
            return key.clone();
        }
        // Revealed to derive the key from it.
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{}", self.secret.reveal()).as_bytes());
        for part in [day, &self.region, "s3", "aws4_request"] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        *cached = Some((day.to_owned(), key.clone()));
        key
    }
}

/// ISO 8601 in its basic form, whole seconds: `20220311T231916Z`.
fn basic_time(time: Timestamp) -> String {
    let seconds = Timestamp::from_seconds(time.seconds()).iso_millis();
    let mut text: String = seconds.chars().filter(char::is_ascii_alphanumeric).take(15).collect();
    text.push('Z');
    text
}
