//! The name of one blob inside a store.

/// The longest key in bytes of UTF-8: the limit of S3, taken for every store.
pub const MAX_KEY_BYTES: usize = 1024;

/// The name of one blob: opaque UTF-8 of 1 to [`MAX_KEY_BYTES`] bytes.
///
/// It is never a path: `..`, `a//b` and `%2e` are ordinary keys, and no two different texts name the same blob.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// Why a text is no [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no empty key.
    #[error("a key must not be empty")]
    Empty,
    /// More than [`MAX_KEY_BYTES`] bytes.
    #[error("a key must not be longer than {MAX_KEY_BYTES} bytes")]
    TooLong,
}

impl Key {
    /// Takes any text of 1 to [`MAX_KEY_BYTES`] bytes as it is.
    pub fn new(text: impl Into<String>) -> Result<Self, KeyError> {
        let text = text.into();
        match text.len() {
            0 => Err(KeyError::Empty),
            length if length > MAX_KEY_BYTES => Err(KeyError::TooLong),
            _ => Ok(Self(text)),
        }
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_any_text_within_the_limit() {
        for text in ["a", "..", "a//b", "/", "%2e%2e", "\u{1f41f}", " "] {
            assert_eq!(Key::new(text).unwrap().as_str(), text);
        }
        assert_eq!(Key::new(""), Err(KeyError::Empty));
        assert!(Key::new("x".repeat(MAX_KEY_BYTES)).is_ok());
        assert_eq!(Key::new("x".repeat(MAX_KEY_BYTES + 1)), Err(KeyError::TooLong));
        assert_eq!(Key::new("é".repeat(513)), Err(KeyError::TooLong));
    }
}
