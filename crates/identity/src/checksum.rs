//! Checksums that clients send along with bytes, to be told when something was garbled on the way.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// An algorithm. SHA-1 protects against accidents only; it is the one that every client of resumable uploads knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// Every algorithm with its name.
    pub const ALL: [(&'static str, Self); 2] = [("sha1", Self::Sha1), ("sha256", Self::Sha256)];

    /// The algorithm of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, algorithm)| *algorithm)
    }
}

/// A checksum in the making.
#[derive(Clone)]
pub struct Checksum(Context);

impl Checksum {
    /// Of nothing yet.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(Context::new(match algorithm {
            Algorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => &SHA256,
        }))
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Whether the bytes so far have this checksum.
    pub fn is(&self, expected: &[u8]) -> bool {
        self.0.clone().finish().as_ref() == expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for (name, hex) in [
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "sha256",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ] {
            let expected: Vec<u8> = (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect();
            let mut checksum = Checksum::new(Algorithm::named(name).unwrap());
            checksum.update(b"a");
            assert!(!checksum.is(&expected));
            checksum.update(b"bc");
            assert!(checksum.is(&expected), "{name}");
        }
        assert_eq!(Algorithm::named("md5"), None);
    }
}
