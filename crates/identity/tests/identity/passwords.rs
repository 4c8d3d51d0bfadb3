//! Passwords: what is taken, what is stored, and what a flood gets.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use domain::Secret;
use identity::password::check_new;
use identity::{PasswordError, Passwords, Verdict};

use crate::forge::Counter;

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

#[tokio::test]
async fn right_wrong_and_nobody() {
    let passwords = Passwords::new(2);
    let entropy = Counter::default();
    let stored = passwords
        .hash(&secret("correct horse"), &entropy)
        .await
        .expect("hashed");
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    let other = passwords
        .hash(&secret("correct horse"), &entropy)
        .await
        .expect("hashed");
    assert_ne!(stored, other, "the salt differs");
    for (given, account, expected) in [
        ("correct horse", Some(&*stored), Verdict::Right { rehash: false }),
        ("correct horse ", Some(&stored), Verdict::Wrong),
        ("Correct horse", Some(&stored), Verdict::Wrong),
        ("", Some(&stored), Verdict::Wrong),
        ("correct horse", None, Verdict::Wrong),
        ("", None, Verdict::Wrong),
        (&"x".repeat(1 << 20), Some(&stored), Verdict::Wrong),
    ] {
        let verdict = passwords.verify(&secret(given), account).await;
        assert_eq!(verdict, Ok(expected), "{account:?}");
    }
    for unreadable in ["", "plain text", "$argon2id$v=19$m=19456,t=2,p=1$", "$2b$12$abc"] {
        let verdict = passwords.verify(&secret("correct horse"), Some(unreadable)).await;
        assert!(
            matches!(verdict, Err(PasswordError::Internal) | Ok(Verdict::Wrong)),
            "{unreadable}"
        );
    }
}

#[tokio::test]
async fn a_password_too_long_to_be_taken_is_not_the_empty_one() {
    let passwords = Passwords::new(1);
    let stored = passwords.hash(&secret(""), &Counter::default()).await.expect("hashed");
    let verdict = passwords.verify(&secret(&"x".repeat(257)), Some(&stored)).await;
    assert_eq!(verdict, Ok(Verdict::Wrong));
}

#[tokio::test]
async fn hashes_of_other_parameters_are_replaced() {
    let passwords = Passwords::new(1);
    for (algorithm, memory, passes) in [
        (Algorithm::Argon2id, 8192, 2),
        (Algorithm::Argon2id, 19_456, 1),
        (Algorithm::Argon2i, 19_456, 2),
    ] {
        let params = Params::new(memory, passes, 1, None).expect("parameters");
        let hasher = Argon2::new(algorithm, Version::V0x13, params);
        let stored = hasher
            .hash_password_with_salt(b"correct horse", &[7; 16])
            .expect("hashed")
            .to_string();
        let verdict = passwords.verify(&secret("correct horse"), Some(&stored)).await;
        assert_eq!(verdict, Ok(Verdict::Right { rehash: true }), "{stored}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_turned_away_and_leaves_no_trace() {
    let passwords = Arc::new(Passwords::new(1));
    let mut flood = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let passwords = Arc::clone(&passwords);
        flood.spawn(async move { passwords.verify(&secret("guess guess"), None).await });
    }
    let verdicts = flood.join_all().await;
    let busy = verdicts
        .iter()
        .filter(|verdict| **verdict == Err(PasswordError::Busy))
        .count();
    let wrong = verdicts
        .iter()
        .filter(|verdict| **verdict == Ok(Verdict::Wrong))
        .count();
    assert_eq!(busy + wrong, 100);
    assert!(busy > 0, "one runs and sixteen wait; the others are told so");
    assert!(wrong >= 17, "{wrong}");
    // Callers that gave up hold no place in the queue.
    for _ in 0..40 {
        let guess = secret("guess guess");
        let waiting = passwords.verify(&guess, None);
        drop(tokio::time::timeout(std::time::Duration::from_millis(1), waiting).await);
    }
    assert_eq!(passwords.verify(&secret("guess guess"), None).await, Ok(Verdict::Wrong));
}

#[test]
fn what_is_taken() {
    let personal = ["kim.lee@example.org", "kimberley"];
    for good in [
        "correct horse",
        "ünïcödé!",
        "パスワードです。長い",
        &"ab cd ef ".repeat(28),
    ] {
        assert_eq!(check_new(&secret(good), &personal), Ok(()), "{good}");
    }
    for (bad, why) in [
        ("", PasswordError::TooShort),
        ("short", PasswordError::TooShort),
        ("ééééééé", PasswordError::TooShort),
        (&*"abcdefg ".repeat(33), PasswordError::TooLong),
        ("password", PasswordError::TooCommon),
        ("PassWord123", PasswordError::TooCommon),
        ("qwertyuiop", PasswordError::TooCommon),
        ("aaaaaaaaaaaa", PasswordError::TooCommon),
        ("1212121212", PasswordError::TooCommon),
        ("Kim.Lee@Example.org", PasswordError::Personal),
        ("KIMBERLEY", PasswordError::Personal),
    ] {
        assert_eq!(check_new(&secret(bad), &personal), Err(why), "{bad}");
    }
}
