//! How a use case fails: a kind, a text for the caller, and the few facts a dialect puts into its own members.

use std::borrow::Cow;

use domain::Kind;
use store::StoreError;
use uuid::Uuid;

/// What a failure is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The object that exists already where one was to be created.
    ExistingObject(Uuid),
    /// A bucket.
    Bucket(Uuid),
    /// An object.
    Object(Uuid),
    /// A key in the store, which is too long.
    Key(String),
    /// What an invite would be to, where nothing is.
    Resource(Uuid),
    /// An invite, by its secret as the caller presented it.
    Invite(Uuid),
}

/// What the object store answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its HTTP status.
    pub status: u16,
    /// Its error code, such as `NoSuchKey`.
    pub code: String,
}

/// A failure of a use case.
#[derive(Debug)]
pub struct Error {
    /// What it means.
    pub kind: Kind,
    /// What the caller may read.
    pub public: Cow<'static, str>,
    /// What it is about, where the caller may know.
    pub about: Option<About>,
    /// What the object store answered, if that is the reason.
    pub upstream: Option<Upstream>,
    /// The cause, for the log.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure without a cause.
    pub fn new(kind: Kind, public: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            public: public.into(),
            about: None,
            upstream: None,
            source: None,
        }
    }

    /// The caller may not do this, or there is no such thing: the same words for both.
    pub(crate) fn denied() -> Self {
        Self::new(Kind::Denied, "User lacks permission to complete this action")
    }

    /// The same failure, about something.
    pub(crate) fn about(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }

    /// The same failure with its cause.
    pub(crate) fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
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

impl From<domain::Error> for Error {
    fn from(error: domain::Error) -> Self {
        Self {
            kind: error.kind,
            public: error.public,
            about: None,
            upstream: None,
            source: error.source,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        domain::Error::from(error).into()
    }
}

impl From<blob::Error> for Error {
    fn from(error: blob::Error) -> Self {
        let upstream = error.upstream.as_deref().map(|upstream| Upstream {
            status: upstream.status,
            code: upstream.code.clone().unwrap_or_default(),
        });
        Self {
            upstream,
            ..domain::Error::from(error).into()
        }
    }
}
