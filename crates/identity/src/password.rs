//! Passwords of local accounts: argon2id (RFC 9106), at a bounded cost to the server.
//!
//! One hash takes 19 MiB and tens of milliseconds of a core, which makes sign-in the cheapest place to flood. So hashes
//! run on blocking threads, a few at a time, with a short queue in front; what does not fit is turned away at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use domain::{Entropy, Error, Kind, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
/// How many may wait for each that runs: about a second of waiting.
const QUEUE_PER_RUNNING: usize = 16;

/// The shortest password taken, in characters (NIST SP 800-63B, 5.1.1.2).
pub const MIN_PASSWORD_CHARACTERS: usize = 8;
/// The longest password taken, in characters.
pub const MAX_PASSWORD_CHARACTERS: usize = 256;

/// Why a password is not taken or not checked. The text is fit for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`MIN_PASSWORD_CHARACTERS`].
    #[error("the password must have at least {MIN_PASSWORD_CHARACTERS} characters")]
    TooShort,
    /// More than [`MAX_PASSWORD_CHARACTERS`].
    #[error("the password must have at most {MAX_PASSWORD_CHARACTERS} characters")]
    TooLong,
    /// One of the first that an attacker tries.
    #[error("the password is one of the most common ones")]
    TooCommon,
    /// It is the user's own name or address.
    #[error("the password must not be the name or address of the account")]
    Personal,
    /// Too many sign-ins at once.
    #[error("too many sign-ins at once, try again in a moment")]
    Busy,
    /// The stored hash is not readable, or hashing failed.
    #[error("the password could not be checked")]
    Internal,
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        let kind = match error {
            PasswordError::Busy => Kind::Throttled,
            PasswordError::Internal => Kind::Internal,
            _ => Kind::Invalid,
        };
        Self::new(kind, error.to_string())
    }
}

/// The answer to a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Right {
        /// Whether the stored hash was made with other parameters than today's and should be replaced now, while the
        /// password is at hand.
        rehash: bool,
    },
    /// The password is wrong, or there is no such account.
    Wrong,
}

/// Checks a new password (NIST SP 800-63B, 5.1.1.2: length and a list of common ones, no rules of composition).
/// `personal` are the account's name and address.
pub fn check_new(password: &Secret, personal: &[&str]) -> Result<(), PasswordError> {
    let text = password.reveal();
    let characters = text.chars().take(MAX_PASSWORD_CHARACTERS + 1).count();
    let folded = text.to_lowercase();
    if characters < MIN_PASSWORD_CHARACTERS {
        Err(PasswordError::TooShort)
    } else if characters > MAX_PASSWORD_CHARACTERS {
        Err(PasswordError::TooLong)
    } else if is_repetitive(&folded) || COMMON.contains(&folded.as_str()) {
        Err(PasswordError::TooCommon)
    } else if personal.iter().any(|own| own.to_lowercase() == folded) {
        Err(PasswordError::Personal)
    } else {
        Ok(())
    }
}

/// One or two characters over and over: `aaaaaaaa`, `12121212`.
fn is_repetitive(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    characters
        .iter()
        .zip(characters.iter().skip(2))
        .all(|(one, next)| one == next)
}

/// The head of the published lists of leaked passwords, as far as it has eight characters or more.
const COMMON: &[&str] = &[
    "123123123",
    "1234567890",
    "12345678",
    "123456789",
    "0123456789",
    "0987654321",
    "987654321",
    "87654321",
    "11223344",
    "1122334455",
    "123321123",
    "123456123",
    "12341234",
    "1234qwer",
    "123qweasd",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "1qaz2wsx3edc",
    "147258369",
    "159357456",
    "741852963",
    "789456123",
    "a1234567",
    "a12345678",
    "abc12345",
    "abc123456",
    "abcd1234",
    "abcdefgh",
    "abcdefg1",
    "access14",
    "admin123",
    "admin1234",
    "administrator",
    "alexander",
    "asdf1234",
    "asdfasdf",
    "asdfghjk",
    "asdfghjkl",
    "baseball",
    "basketball",
    "batman123",
    "blink182",
    "butterfly",
    "changeit",
    "changeme",
    "changeme1",
    "charlie1",
    "chocolate",
    "computer",
    "computer1",
    "corvette",
    "danielle",
    "dragon123",
    "einstein",
    "elephant",
    "football",
    "football1",
    "franklin",
    "garfield",
    "google123",
    "guest123",
    "hello123",
    "helloworld",
    "hunter22",
    "iloveyou",
    "iloveyou1",
    "internet",
    "jennifer",
    "jonathan",
    "jordan23",
    "letmein1",
    "letmein123",
    "liverpool",
    "login123",
    "lovelove",
    "maverick",
    "mercedes",
    "michelle",
    "midnight",
    "minecraft",
    "monkey123",
    "mustang1",
    "mypassword",
    "nicholas",
    "p@ssw0rd",
    "pa55word",
    "passw0rd",
    "password",
    "password!",
    "password0",
    "password01",
    "password1",
    "password1!",
    "password12",
    "password123",
    "password1234",
    "password2",
    "password3",
    "pokemon1",
    "princess",
    "princess1",
    "q1w2e3r4",
    "q1w2e3r4t5",
    "qazwsxedc",
    "qwer1234",
    "qwerasdf",
    "qwerty12",
    "qwerty123",
    "qwerty1234",
    "qwertyui",
    "qwertyuiop",
    "rootroot",
    "samantha",
    "secret123",
    "starwars",
    "startrek",
    "steelers",
    "sunshine",
    "sunshine1",
    "superman",
    "superman1",
    "swordfish",
    "test1234",
    "testtest",
    "trustno1",
    "veronica",
    "victoria",
    "welcome1",
    "welcome123",
    "whatever",
    "william1",
    "woaini1314",
    "zaq12wsx",
    "zaq1zaq1",
    "zxcvbnm1",
    "zxcvbnm123",
];

/// Hashes and verifies, at most so many at a time.
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    /// What a sign-in to an account that does not exist is checked against, so that it takes as long.
    nobody: Arc<str>,
}

/// Gives a place in the queue back, whether the work got its turn or its caller went away.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Passwords {
    /// With at most so many hashes at a time, each on a blocking thread (at least one).
    pub fn new(max_concurrent: usize) -> Self {
        let max_concurrent = max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            running: Arc::new(Semaphore::new(max_concurrent)),
            waiting: AtomicUsize::new(0),
            max_waiting: max_concurrent.saturating_mul(QUEUE_PER_RUNNING),
            // A hash of no password: all of its output is zero.
            nobody: format!(
                "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$AAAAAAAAAAAAAAAAAAAAAA${}",
                "A".repeat(43)
            )
            .into(),
        }
    }

    /// Hashes a password that [`check_new`] let pass, into the PHC form to store.
    pub async fn hash(&self, password: &Secret, entropy: &dyn Entropy) -> Result<String, PasswordError> {
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let password = password.clone();
        self.run(move || {
            let hash = hasher()?
                .hash_password_with_salt(password.reveal().as_bytes(), &salt)
                .map_err(|_| PasswordError::Internal)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Checks a password against the stored hash; `None` is an account that does not exist or has no password, and
    /// takes as long as a wrong password.
    pub async fn verify(&self, password: &Secret, stored: Option<&str>) -> Result<Verdict, PasswordError> {
        let exists = stored.is_some();
        let stored: Arc<str> = stored.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        let password = password.clone();
        self.run(move || {
            let hash = PasswordHash::new(&stored).map_err(|_| PasswordError::Internal)?;
            // No password that long was ever taken, and nobody should make the server hash a megabyte.
            let plausible =
                password.reveal().chars().take(MAX_PASSWORD_CHARACTERS + 1).count() <= MAX_PASSWORD_CHARACTERS;
            let tried = if plausible { password.reveal() } else { "" };
            let right = hasher()?.verify_password(tried.as_bytes(), &hash).is_ok();
            if right && plausible && exists {
                Ok(Verdict::Right {
                    rehash: !is_current(&hash),
                })
            } else {
                Ok(Verdict::Wrong)
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = self.permit().await?;
        // The permit goes with the work: a caller that hangs up does not make room while its hash still runs.
        let running = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        running.await.map_err(|_| PasswordError::Internal)?
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(permit);
        }
        let ahead = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _place = Place(&self.waiting);
        if ahead >= self.max_waiting {
            return Err(PasswordError::Busy);
        }
        Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| PasswordError::Internal)
    }
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Whether a hash was made with today's algorithm and parameters.
fn is_current(hash: &PasswordHash) -> bool {
    let params = Params::try_from(hash).ok();
    hash.algorithm == Algorithm::Argon2id.ident()
        && hash.version == Some(Version::V0x13.into())
        && params.is_some_and(|p| p.m_cost() == MEMORY_KIB && p.t_cost() == PASSES && p.p_cost() == LANES)
}
