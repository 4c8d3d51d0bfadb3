//! API secrets, derived keys, and the `Authorization` header.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::{Entropy, Secret};

/// A secret that is shown once and kept as its hash: organisation tokens, invitations, one-time links.
#[derive(Clone, Debug)]
pub struct ApiSecret {
    text: Secret,
    hash: [u8; 32],
}

impl ApiSecret {
    /// 256 random bits.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        Self::of(URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(crate) fn of(text: String) -> Self {
        Self {
            hash: hash(&text),
            text: Secret::new(text),
        }
    }

    /// The 43 characters to show, once.
    pub fn text(&self) -> &Secret {
        &self.text
    }

    /// What to store.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }
}

/// What a presented secret is looked up by. A plain hash is enough: 256 random bits cannot be guessed from it.
pub fn hash(secret: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

/// A hash that nobody can compute without the key: of parts that are kept apart by their lengths (HMAC with SHA-256).
pub fn keyed_hash(key: &[u8; 32], parts: &[&str]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.sign().as_ref());
    hash
}

/// Compares in a time that does not depend on where two values differ.
pub fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    verify_slices_are_equal(left, right).is_ok()
}

/// Compares two texts in a time that depends neither on where they differ nor on the expected one's length.
pub fn same_text(given: &str, expected: &str) -> bool {
    same_bytes(&hash(given), &hash(expected))
}

/// A key for one purpose out of the server's key `secrets.key` (HKDF with SHA-256, RFC 5869), so that links, sealing
/// and whatever else never share one.
pub fn derive_key(server_key: &[u8; 32], purpose: &str) -> [u8; 32] {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let mut key = [0; 32];
    let pseudo_random_key = Salt::new(HKDF_SHA256, b"commonhold").extract(server_key);
    let info = [purpose.as_bytes()];
    let expanded = pseudo_random_key
        .expand(&info, Length)
        .and_then(|okm| okm.fill(&mut key));
    expanded.expect("32 bytes are within what HKDF-SHA256 can give, whatever the input");
    key
}

/// What an `Authorization` header brings (objects contract, 1.2): anything else counts as nothing.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// No header, another scheme, or nothing after the scheme.
    None,
    /// RFC 7617.
    Basic(Basic),
    /// RFC 6750, the token unchecked.
    Bearer(&'a str),
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic(_) => "Basic(***)",
            Self::Bearer(_) => "Bearer(***)",
        })
    }
}

/// What follows the scheme `Basic`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basic {
    /// A user name and a password.
    Pair {
        /// Before the first colon.
        username: String,
        /// All after it; may contain colons.
        password: Secret,
    },
    /// Not base64 of UTF-8 with a colon. Still an attempt to sign in: the objects API answers 401 (contract, 1.4).
    Undecodable,
}

impl<'a> Credentials<'a> {
    /// Reads the header's value. The scheme is compared without regard to case (RFC 9110, 11.1).
    pub fn parse(header: Option<&'a str>) -> Self {
        let Some((scheme, rest)) = header.and_then(|value| value.trim().split_once(' ')) else {
            return Self::None;
        };
        let rest = rest.trim_start_matches(' ');
        if scheme.eq_ignore_ascii_case("bearer") {
            Self::Bearer(rest)
        } else if scheme.eq_ignore_ascii_case("basic") {
            Self::Basic(Basic::decode(rest))
        } else {
            Self::None
        }
    }
}

impl Basic {
    fn decode(encoded: &str) -> Self {
        let pair = STANDARD
            .decode(encoded)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .filter(|text| !text.chars().any(char::is_control));
        match pair.as_deref().and_then(|text| text.split_once(':')) {
            None => Self::Undecodable,
            Some((username, password)) => Self::Pair {
                username: username.to_owned(),
                password: Secret::new(password),
            },
        }
    }

    /// Whether it is exactly this user and password. Both are always compared.
    pub fn is(&self, expected_username: &str, expected_password: &Secret) -> bool {
        match self {
            Self::Undecodable => false,
            Self::Pair { username, password } => {
                same_text(username, expected_username) & same_text(password.reveal(), expected_password.reveal())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyed_hash_depends_on_the_key_and_on_where_parts_end() {
        let hash = |key: u8, parts: &[&str]| keyed_hash(&[key; 32], parts);
        assert_eq!(hash(1, &["a", "b"]), hash(1, &["a", "b"]));
        let others = [
            hash(2, &["a", "b"]),
            hash(1, &["ab", ""]),
            hash(1, &["", "ab"]),
            hash(1, &["ab"]),
            hash(1, &["b", "a"]),
        ];
        for other in others {
            assert_ne!(hash(1, &["a", "b"]), other);
        }
    }

    fn pair(username: &str, password: &str) -> Credentials<'static> {
        Credentials::Basic(Basic::Pair {
            username: username.into(),
            password: Secret::new(password),
        })
    }

    #[test]
    fn reads_the_header_like_the_contract() {
        for nothing in [
            None,
            Some(""),
            Some("Basic"),
            Some("Bearer"),
            Some("Bearer "),
            Some("Digest x"),
            Some("BearerX y"),
            Some("Negotiate abc"),
        ] {
            assert_eq!(Credentials::parse(nothing), Credentials::None, "{nothing:?}");
        }
        for bearer in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", " Bearer a.b.c "] {
            assert_eq!(Credentials::parse(Some(bearer)), Credentials::Bearer("a.b.c"));
        }
        for basic in ["Basic dTpwOnE=", "bAsIc dTpwOnE=", "basic  dTpwOnE= "] {
            assert_eq!(Credentials::parse(Some(basic)), pair("u", "p:q"));
        }
        let utf8 = format!("Basic {}", STANDARD.encode("té:pä"));
        assert_eq!(Credentials::parse(Some(&utf8)), pair("té", "pä"));
        for broken in [
            "Basic !!!",
            "Basic dTpw====",
            "Basic dXA=",
            "Basic /zo=",
            "Basic dTpwCg==",
        ] {
            let expected = Credentials::Basic(Basic::Undecodable);
            assert_eq!(Credentials::parse(Some(broken)), expected, "{broken}");
        }
    }

    #[test]
    fn a_pair_is_itself_and_nothing_near_it() {
        let password = Secret::new("secret");
        let given = |username: &str, password: &str| Basic::Pair {
            username: username.into(),
            password: Secret::new(password),
        };
        assert!(given("admin", "secret").is("admin", &password));
        for (username, word) in [
            ("admin", "Secret"),
            ("admin", ""),
            ("", "secret"),
            ("admin ", "secret"),
            ("admin", "secret\0"),
        ] {
            assert!(!given(username, word).is("admin", &password), "{username} {word}");
        }
        assert!(!Basic::Undecodable.is("admin", &password));
    }

    #[test]
    fn credentials_do_not_print() {
        let printed = format!("{:?} {:?}", Credentials::Bearer("a.b.c"), pair("u", "hidden"));
        assert!(!printed.contains("a.b.c") && !printed.contains("hidden"), "{printed}");
    }

    #[test]
    fn secrets_are_256_bits_and_are_found_by_their_hash() {
        struct Counting;
        impl Entropy for Counting {
            fn fill(&self, bytes: &mut [u8]) {
                for (byte, value) in bytes.iter_mut().zip(0..) {
                    *byte = value;
                }
            }
        }
        let secret = ApiSecret::generate(&Counting);
        assert_eq!(secret.text().reveal(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
        assert_eq!(secret.hash(), hash(secret.text().reveal()));
        assert!(!format!("{secret:?}").contains("AAECAw"));
        assert_eq!(hash("abc")[..4], [0xba, 0x78, 0x16, 0xbf], "FIPS 180-4, example");
    }

    #[test]
    fn purposes_have_keys_of_their_own() {
        let links = derive_key(&[7; 32], "links");
        assert_eq!(links, derive_key(&[7; 32], "links"));
        assert_ne!(links, derive_key(&[7; 32], "sealed"));
        assert_ne!(links, derive_key(&[8; 32], "links"));
    }
}
