//! What can go wrong with a store, and what S3 said about it.

use crate::body::BodyError;

/// What a failure means, whatever the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No such blob or version, or the newest version is a delete marker.
    NotFound,
    /// The version named is a delete marker (S3 answers 405; objects contract 4.3.3).
    MethodNotAllowed,
    /// The store refused its credentials.
    Denied,
    /// A condition does not hold.
    Precondition,
    /// The key is taken, in a store whose keys are never reused.
    Exists,
    /// No byte of the blob lies in the range asked for (416).
    Range,
    /// The request itself cannot be carried out: metadata that is no header, too many tags, an expiry out of bounds.
    Invalid,
    /// Larger than the store takes, in bytes or in the length of the key.
    TooLarge,
    /// The body that came in broke off, or was shorter or longer than announced: not the store's fault.
    Body,
    /// The store did not answer in time. A write may have happened.
    Timeout,
    /// The store is out of reach or asks to try again later.
    Unavailable,
    /// The store has no room left.
    Full,
    /// The store failed or refused for a reason of its own; see [`Error::upstream`].
    Upstream,
    /// A defect or a broken disk.
    Internal,
}

/// What S3 answered, for dialects that hand it on (objects contract 1.9 to 1.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// HTTP status.
    pub status: u16,
    /// S3's code, such as `NoSuchKey`; `None` where the answer had no body (HEAD).
    pub code: Option<String>,
    /// Whether the answer says that a delete marker is what was found (`x-amz-delete-marker`).
    pub delete_marker: bool,
    /// `x-amz-request-id`.
    pub request_id: Option<String>,
    /// `x-amz-id-2`.
    pub extended_request_id: Option<String>,
}

/// A failure of a store.
#[derive(Debug)]
pub struct Error {
    /// What it means.
    pub kind: Kind,
    /// What S3 answered, when it answered.
    pub upstream: Option<Box<Upstream>>,
    /// The cause, for the log.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A result whose failure is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure without a cause.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            upstream: None,
            source: None,
        }
    }

    /// The same failure with its cause.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong with the incoming body, when [`Kind::Body`].
    pub fn body(&self) -> Option<&BodyError> {
        self.source.as_deref()?.downcast_ref()
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            Kind::NotFound => "no such blob",
            Kind::MethodNotAllowed => "the version is a delete marker",
            Kind::Denied => "the store refused its credentials",
            Kind::Precondition => "a condition does not hold",
            Kind::Exists => "the key is taken",
            Kind::Range => "the range lies outside the blob",
            Kind::Invalid => "the store cannot do what was asked",
            Kind::TooLarge => "larger than the store takes",
            Kind::Body => "the body broke off or has another length than announced",
            Kind::Timeout => "the store did not answer in time",
            Kind::Unavailable => "the store is out of reach",
            Kind::Full => "the store has no room left",
            Kind::Upstream => "the store failed",
            Kind::Internal => "the store is broken",
        })?;
        match &self.upstream {
            Some(upstream) => {
                let code = upstream.code.as_deref().unwrap_or("no code");
                write!(f, " (S3 answered {}, {code})", upstream.status)
            }
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|cause| cause as _)
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        Self::new(Kind::Body).because(error)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => Kind::NotFound,
            Io::AlreadyExists => Kind::Exists,
            Io::StorageFull | Io::QuotaExceeded => Kind::Full,
            Io::FileTooLarge => Kind::TooLarge,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => Kind::Unavailable,
            Io::TimedOut => Kind::Timeout,
            _ => Kind::Internal,
        };
        Self::new(kind).because(error)
    }
}

/// For callers without a rule of their own: what the failure means to whoever called this server.
impl From<Error> for domain::Error {
    fn from(error: Error) -> Self {
        use domain::Kind as Outer;
        let (kind, public) = match error.kind {
            Kind::NotFound | Kind::MethodNotAllowed => (Outer::NotFound, "The content does not exist."),
            Kind::Exists => (Outer::Conflict, "The content exists already."),
            Kind::Precondition => (Outer::Precondition, "A condition of the request does not hold."),
            Kind::Range | Kind::Invalid => (Outer::Invalid, "The storage cannot do what was asked."),
            Kind::Body => (Outer::Invalid, "The content sent has another length than announced."),
            Kind::TooLarge => (Outer::TooLarge, "The content is too large for the storage."),
            Kind::Timeout | Kind::Unavailable => (Outer::Unavailable, "The storage is out of reach."),
            Kind::Full => (Outer::Unavailable, "The storage is full."),
            Kind::Denied | Kind::Upstream => (Outer::BadGateway, "The storage refused or failed."),
            Kind::Internal => (Outer::Internal, "The storage failed."),
        };
        Self::new(kind, public).because(error)
    }
}
