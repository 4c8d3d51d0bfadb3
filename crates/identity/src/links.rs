//! Signatures of the server's own links: who may do what with which version, until when.
//!
//! A link is no more than a reference to its signer: whether the signer may still do it is decided at each use.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{PersonId, Timestamp};
use uuid::Uuid;

use crate::secret::ApiSecret;

/// Everything a link says. The signature covers all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// The HTTP method it is good for, in upper case.
    pub method: &'a str,
    /// The item.
    pub item: Uuid,
    /// The version; `None` is whichever is current at use.
    pub version: Option<Uuid>,
    /// The last second at which it works, in seconds since 1970.
    pub expires_at: i64,
    /// How the browser is told to treat the bytes, `inline` or `attachment` with its parameters.
    pub disposition: &'a str,
    /// On whose behalf; `None` is the objects API superuser, who is no person.
    pub signer: Option<PersonId>,
}

/// Why a link is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It was changed, or signed with another key.
    #[error("the link is not valid")]
    BadSignature,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
}

/// Signs links and checks them.
pub struct LinkSigner {
    key: Key,
}

impl LinkSigner {
    /// With a key of its own: see [`crate::secret::derive_key`].
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: Key::new(HMAC_SHA256, key),
        }
    }

    /// The signature, as 43 characters that need no escaping in an address.
    pub fn sign(&self, link: &Link<'_>) -> String {
        URL_SAFE_NO_PAD.encode(sign(&self.key, &link.encoded()))
    }

    /// The secret of something that somebody is told about by mail, the same each time it is asked for: nobody has to keep
    /// it, and a mail can be written again. 43 characters; what is stored is its hash.
    pub fn secret(&self, purpose: &str, id: Uuid) -> ApiSecret {
        let mut bytes = b"commonhold secret 1\0".to_vec();
        bytes.extend_from_slice(purpose.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(id.as_bytes());
        ApiSecret::of(URL_SAFE_NO_PAD.encode(sign(&self.key, &bytes)))
    }

    /// Checks a signature in constant time, then the time: refused once the last second is over.
    pub fn verify(&self, link: &Link<'_>, signature: &str, now: Timestamp) -> Result<(), LinkError> {
        let tag = URL_SAFE_NO_PAD.decode(signature).map_err(|_| LinkError::BadSignature)?;
        verify(&self.key, &link.encoded(), &tag).map_err(|_| LinkError::BadSignature)?;
        if now.seconds() > link.expires_at {
            return Err(LinkError::Expired);
        }
        Ok(())
    }
}

impl Link<'_> {
    /// One text per link: fields of fixed size as they are, the others after their length, so that no byte can move
    /// from one field into the next.
    fn encoded(&self) -> Vec<u8> {
        let mut bytes = b"commonhold link 1\0".to_vec();
        for text in [self.method, self.disposition] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(self.item.as_bytes());
        bytes.extend_from_slice(&self.expires_at.to_be_bytes());
        bytes.push(u8::from(self.version.is_some()));
        bytes.extend_from_slice(self.version.unwrap_or_default().as_bytes());
        bytes.push(u8::from(self.signer.is_some()));
        bytes.extend_from_slice(&self.signer.map_or(0, |signer| signer.0).to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Link<'static> = Link {
        method: "GET",
        item: Uuid::from_u128(1),
        version: Some(Uuid::from_u128(2)),
        expires_at: 1000,
        disposition: "inline",
        signer: Some(PersonId(3)),
    };

    #[test]
    fn every_field_is_covered() {
        let signer = LinkSigner::new(&[1; 32]);
        let signature = signer.sign(&LINK);
        let now = Timestamp::from_seconds(10);
        assert_eq!(signer.verify(&LINK, &signature, now), Ok(()));
        let changed = [
            Link { method: "PUT", ..LINK },
            Link {
                item: Uuid::from_u128(9),
                ..LINK
            },
            Link {
                version: Some(Uuid::from_u128(9)),
                ..LINK
            },
            Link { version: None, ..LINK },
            Link {
                expires_at: 1001,
                ..LINK
            },
            Link {
                disposition: "attachment",
                ..LINK
            },
            Link {
                signer: Some(PersonId(4)),
                ..LINK
            },
            Link { signer: None, ..LINK },
            Link {
                method: "GETi",
                disposition: "nline",
                ..LINK
            },
        ];
        for link in changed {
            assert_eq!(
                signer.verify(&link, &signature, now),
                Err(LinkError::BadSignature),
                "{link:?}"
            );
        }
        let other = LinkSigner::new(&[2; 32]);
        assert_eq!(other.verify(&LINK, &signature, now), Err(LinkError::BadSignature));
    }

    #[test]
    fn an_absent_field_is_not_an_empty_one() {
        let signer = LinkSigner::new(&[1; 32]);
        let no_version = Link { version: None, ..LINK };
        let nil_version = Link {
            version: Some(Uuid::nil()),
            ..LINK
        };
        assert_ne!(signer.sign(&no_version), signer.sign(&nil_version));
        let nobody = Link { signer: None, ..LINK };
        let person_zero = Link {
            signer: Some(PersonId(0)),
            ..LINK
        };
        assert_ne!(signer.sign(&nobody), signer.sign(&person_zero));
    }

    #[test]
    fn ends_with_its_last_second() {
        let signer = LinkSigner::new(&[1; 32]);
        let signature = signer.sign(&LINK);
        assert_eq!(signer.verify(&LINK, &signature, Timestamp(1_000_999_999)), Ok(()));
        assert_eq!(
            signer.verify(&LINK, &signature, Timestamp::from_seconds(1001)),
            Err(LinkError::Expired)
        );
    }

    #[test]
    fn a_signature_has_one_form() {
        let signer = LinkSigner::new(&[1; 32]);
        let signature = signer.sign(&LINK);
        assert_eq!(signature.len(), 43);
        let now = Timestamp::from_seconds(10);
        for bad in [
            "",
            "AA",
            &format!("{signature}="),
            &signature[..42],
            &format!("{signature}A"),
        ] {
            assert_eq!(signer.verify(&LINK, bad, now), Err(LinkError::BadSignature), "{bad}");
        }
        for position in 0..43 {
            let mut changed = signature.clone().into_bytes();
            for replacement in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
                changed[position] = *replacement;
                let changed = std::str::from_utf8(&changed).expect("ASCII");
                let expected = if changed == signature {
                    Ok(())
                } else {
                    Err(LinkError::BadSignature)
                };
                assert_eq!(signer.verify(&LINK, changed, now), expected, "{changed}");
            }
        }
    }
}
