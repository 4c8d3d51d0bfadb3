//! Randomness as an argument, and secrets that do not print themselves.

use uuid::{Builder, Uuid};

/// Where random bytes come from. The binary has the operating system's generator; tests have a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills the slice with bytes nobody can predict.
    fn fill(&self, bytes: &mut [u8]);

    /// A random UUID, version 4: what the objects API shows as an id (clients check the version).
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// A text that must not reach a log: prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; name the reason where you call this.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}
