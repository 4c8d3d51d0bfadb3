//! Names that people give: validated once, at the edge.

/// The longest name, in bytes of UTF-8 (an S3 key is at most 1,024 bytes).
pub const MAX_NAME_BYTES: usize = 1024;

/// Why a name is refused. The text is fit for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// No characters.
    Empty,
    /// More than [`MAX_NAME_BYTES`].
    TooLong,
    /// A control character (NUL, line break, …).
    ControlCharacter,
    /// A `/` inside a single name.
    Slash,
    /// Not an address.
    NotAnAddress,
}

impl std::fmt::Display for NameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "must not be empty",
            Self::TooLong => "is longer than 1024 bytes",
            Self::ControlCharacter => "contains a control character",
            Self::Slash => "contains a slash",
            Self::NotAnAddress => "is not an e-mail address",
        })
    }
}

impl std::error::Error for NameError {}

/// The name of one item inside its folder. Any script and any punctuation, `.` and `..` included: a name is a label,
/// never a path on a disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemName(String);

impl ItemName {
    /// Checks and wraps a name.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        if text.is_empty() {
            Err(NameError::Empty)
        } else if text.len() > MAX_NAME_BYTES {
            Err(NameError::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(NameError::ControlCharacter)
        } else if text.contains('/') {
            Err(NameError::Slash)
        } else {
            Ok(Self(text))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address, kept as written and compared without regard to case.
#[derive(Clone, Debug)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Checks and wraps an address: one `@` with something on both sides, no spaces or control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        let ok = text.len() <= 255
            && !text.chars().any(|c| c.is_control() || c.is_whitespace())
            && text
                .split_once('@')
                .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
        if ok {
            Ok(Self(text))
        } else {
            Err(NameError::NotAnAddress)
        }
    }

    /// The address as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form two addresses are compared in.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label_and_never_a_path() {
        for good in ["..", ".", "a b", "%2e%2e", "漢字", "\u{202e}txt.exe", &"x".repeat(1024)] {
            assert!(ItemName::new(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", NameError::Empty),
            ("a/b", NameError::Slash),
            ("a\0b", NameError::ControlCharacter),
            (&*"x".repeat(1025), NameError::TooLong),
        ] {
            assert_eq!(ItemName::new(bad), Err(why));
        }
    }

    #[test]
    fn addresses_need_two_sides() {
        for good in ["a@b", "Kim.Lee+x@example.org"] {
            assert!(EmailAddress::new(good).is_ok(), "{good}");
        }
        for bad in ["", "@", "a@", "@b", "a@b@c", "a b@c", "a\n@b"] {
            assert!(EmailAddress::new(bad).is_err(), "{bad}");
        }
    }
}
