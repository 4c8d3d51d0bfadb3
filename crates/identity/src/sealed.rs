//! Secrets at rest: storage credentials and data keys, sealed with AES-256-GCM under a key that has an id.
//!
//! Layout: key id (1 byte), nonce (12 bytes), ciphertext, tag (16 bytes). The key id is authenticated too.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use domain::{Entropy, Secret};

/// Why there is no sealer, or why something does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The keys given have one id twice.
    #[error("sealing key {0} is given twice")]
    DuplicateKey(u8),
    /// The key to seal with is not among the keys given.
    #[error("sealing key {0} is not given")]
    UnknownKey(u8),
    /// Too short, changed, sealed for another place, or no UTF-8 where a text is expected.
    #[error("the sealed value does not open")]
    Broken,
    /// The library failed to encrypt: more than 64 GiB at once.
    #[error("the value could not be sealed")]
    NotSealed,
}

/// Seals with one key and opens with any that it has.
pub struct Sealer {
    current: u8,
    keys: Vec<(u8, LessSafeKey)>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<u8> = self.keys.iter().map(|(id, _)| *id).collect();
        f.debug_struct("Sealer")
            .field("current", &self.current)
            .field("keys", &ids)
            .finish()
    }
}

impl Sealer {
    /// With several keys by id, of which `current` seals. Rotation: add a key, make it current, seal anew what
    /// [`Sealer::is_current`] denies, then drop the old one.
    pub fn new(current: u8, keys: impl IntoIterator<Item = (u8, [u8; 32])>) -> Result<Self, SealError> {
        let mut held: Vec<(u8, LessSafeKey)> = Vec::new();
        for (id, key) in keys {
            if held.iter().any(|(other, _)| *other == id) {
                return Err(SealError::DuplicateKey(id));
            }
            let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| SealError::UnknownKey(id))?;
            held.push((id, LessSafeKey::new(key)));
        }
        let sealer = Self { current, keys: held };
        sealer.key(current).ok_or(SealError::UnknownKey(current))?;
        Ok(sealer)
    }

    fn key(&self, id: u8) -> Option<&LessSafeKey> {
        self.keys.iter().find(|(known, _)| *known == id).map(|(_, key)| key)
    }

    /// Seals a value for one place, which `associated` names (table and row, for example) and which must be named
    /// again to open it: a sealed value copied elsewhere does not open. The nonce is random, which is safe for 2^32
    /// values under one key (NIST SP 800-38D, 8.3).
    pub fn seal(&self, plain: &[u8], associated: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, SealError> {
        let key = self.key(self.current).ok_or(SealError::UnknownKey(self.current))?;
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut body = plain.to_vec();
        let associated = bound(self.current, associated);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut body)
            .map_err(|_| SealError::NotSealed)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
        sealed.push(self.current);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Opens what was sealed for the same place.
    pub fn open(&self, sealed: &[u8], associated: &[u8]) -> Result<Vec<u8>, SealError> {
        let (id, rest) = sealed.split_first().ok_or(SealError::Broken)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Broken)?;
        let key = self.key(*id).ok_or(SealError::UnknownKey(*id))?;
        let mut body = body.to_vec();
        let associated = bound(*id, associated);
        let plain = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(associated), &mut body)
            .map_err(|_| SealError::Broken)?
            .len();
        body.truncate(plain);
        Ok(body)
    }

    /// Opens a text.
    pub fn open_text(&self, sealed: &[u8], associated: &[u8]) -> Result<Secret, SealError> {
        let text = String::from_utf8(self.open(sealed, associated)?).map_err(|_| SealError::Broken)?;
        Ok(Secret::new(text))
    }

    /// Whether a value is sealed with the key in use.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.first() == Some(&self.current)
    }
}

fn bound(id: u8, associated: &[u8]) -> Vec<u8> {
    [b"commonhold sealed 1\0".as_slice(), &[id], associated].concat()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Other bytes every time.
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    #[test]
    fn opens_only_unchanged_and_only_in_its_place() {
        let entropy = Counting(AtomicU8::new(0));
        let safe = Sealer::new(1, [(1, [1; 32])]).expect("sealer");
        let sealed = safe.seal(b"credential", b"storage 7", &entropy).expect("sealed");
        assert_eq!(
            safe.open_text(&sealed, b"storage 7").expect("opens").reveal(),
            "credential"
        );
        assert_eq!(safe.open(&sealed, b"storage 8"), Err(SealError::Broken));
        for position in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[position] ^= 1 << bit;
                assert!(safe.open(&changed, b"storage 7").is_err(), "byte {position} bit {bit}");
            }
        }
        for length in 0..sealed.len() {
            assert!(safe.open(&sealed[..length], b"storage 7").is_err(), "{length} bytes");
        }
        let again = safe.seal(b"credential", b"storage 7", &entropy).expect("sealed");
        assert_ne!(sealed, again, "equal values must not look equal");
    }

    #[test]
    fn rotates() {
        let entropy = Counting(AtomicU8::new(0));
        let old = Sealer::new(1, [(1, [1; 32])]).expect("old");
        let sealed = old.seal(b"x", b"", &entropy).expect("sealed");
        let both = Sealer::new(2, [(1, [1; 32]), (2, [2; 32])]).expect("both");
        assert!(!both.is_current(&sealed));
        let plain = both.open(&sealed, b"").expect("opens");
        let renewed = both.seal(&plain, b"", &entropy).expect("sealed");
        assert!(both.is_current(&renewed));
        let new = Sealer::new(2, [(2, [2; 32])]).expect("new");
        assert_eq!(new.open(&renewed, b""), Ok(b"x".to_vec()));
        assert_eq!(new.open(&sealed, b""), Err(SealError::UnknownKey(1)));
        // The same bytes under another key's id do not open with that key.
        let swapped: Vec<u8> = std::iter::once(2).chain(sealed[1..].iter().copied()).collect();
        let same_bytes = Sealer::new(2, [(1, [1; 32]), (2, [1; 32])]).expect("keys");
        assert_eq!(same_bytes.open(&swapped, b""), Err(SealError::Broken));
    }

    #[test]
    fn refuses_unclear_keys() {
        assert_eq!(
            Sealer::new(1, [(1, [1; 32]), (1, [2; 32])]).err(),
            Some(SealError::DuplicateKey(1))
        );
        assert_eq!(Sealer::new(3, [(1, [1; 32])]).err(), Some(SealError::UnknownKey(3)));
        assert!(!format!("{:?}", Sealer::new(1, [(1, [171; 32])])).contains("171"));
    }
}
