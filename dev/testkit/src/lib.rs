//! Test kit: the real program on real stores, people as types, troubles on demand.
//!
//! [`Server::start`] runs the `commonhold` program with a clean environment on a [`Backend`]; [`Server::person`] gives
//! somebody who talks to it over HTTP. What goes wrong in the kit itself panics: there is no test without it.

mod backend;
mod caller;
mod document;
mod issuer;
mod mounted;
mod proxy;
pub mod raw;
mod server;

pub use backend::Backend;
pub use caller::{Answer, Caller};
pub use issuer::{AUDIENCE, IDENTITY_PROVIDER, ISSUER, Issuer};
pub use mounted::{Mounted, Stored};
pub use proxy::{Proxy, Trouble};
pub use server::{SUPERUSER, Server, Settings};

use aws_lc_rs::digest;

/// Bytes that nobody guesses and no two calls share.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's generator");
    bytes
}

/// A number below a bound.
pub fn random_below(bound: u64) -> u64 {
    u64::from_le_bytes(random()) % bound.max(1)
}

/// Content of a length, different at every call.
pub fn content(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's generator");
    bytes
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a text");
        text
    })
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// A random UUID, version 4: the id of nothing.
pub fn unknown_id() -> String {
    let mut bytes: [u8; 16] = random();
    bytes[6] = 0x40 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let text = hex(&bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

/// A variable of the environment: where services are, and how much a run should do.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where services are"
)]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
