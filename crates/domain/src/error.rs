//! Errors: few kinds, two messages. One may reach the caller; the cause is for the log.

use std::borrow::Cow;

/// What an error means to whoever called. Dialects map a kind to their own status and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// The caller is known and may not do this.
    Denied,
    /// The credentials are missing or wrong.
    Unauthenticated,
    /// It clashes with what exists.
    Conflict,
    /// It existed and has ended.
    Gone,
    /// The request is malformed.
    Invalid,
    /// A condition of the request (`If-Match`, …) does not hold.
    Precondition,
    /// Larger than a limit.
    TooLarge,
    /// Too many at once.
    Throttled,
    /// Something this server depends on is out of reach; trying again later may help.
    Unavailable,
    /// The store behind the server refused or failed.
    BadGateway,
    /// A defect of ours.
    Internal,
}

/// A failure with a message for the caller and, apart from it, the cause for the log.
#[derive(Debug)]
pub struct Error {
    /// What it means.
    pub kind: Kind,
    /// What the caller may read: no SQL, no paths, nobody else's names.
    pub public: Cow<'static, str>,
    /// The cause. Logged once, where it is handled; never sent.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A result whose failure is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a cause.
    pub fn new(kind: Kind, public: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            public: public.into(),
            source: None,
        }
    }

    /// The same error with its cause.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.public)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|cause| cause as _)
    }
}
