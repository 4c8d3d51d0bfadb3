//! Prints what one verification costs, in processor time where Linux tells it: a busy machine then does not matter.
//! `cargo run --release -p identity --example verify_speed`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use domain::{Clock, Entropy, Timestamp};
use identity::{AccessTokenRequest, Bearer, BuiltInIssuer, SigningKey};

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }
}

/// Ids need not be unpredictable here, only different.
struct Counter(std::sync::atomic::AtomicU8);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    }
}

/// Nanoseconds of processor time that this thread has used.
fn used(started: Instant) -> u128 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| started.elapsed().as_nanos())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (key, _) = SigningKey::generate()?;
    let issuer = BuiltInIssuer::new("https://files.example.org", key);
    let bearer = Bearer::new(vec![issuer.trusted()], Arc::new(Still))?;
    let entropy = Counter(0.into());
    let request = AccessTokenRequest {
        subject: "0190f5a2-0000-7000-8000-000000000001".into(),
        username: "kim".into(),
        email: None,
        email_verified: false,
        full_name: Some("Kim Lee".into()),
        first_name: Some("Kim".into()),
        last_name: Some("Lee".into()),
        lifetime_seconds: 3600,
    };
    let mut tokens = Vec::new();
    for subject in 0..20_000 {
        let request = AccessTokenRequest {
            subject: format!("account-{subject}"),
            ..request.clone()
        };
        tokens.push(issuer.issue(&request, &Still, &entropy)?);
    }
    let started = used(start);
    for token in &tokens {
        black_box(runtime.block_on(bearer.verify(token))?);
    }
    let first = (used(start) - started) / tokens.len() as u128;

    let many = runtime.block_on(async {
        let started = used(start);
        for token in &tokens {
            black_box(bearer.verify(token).await)?;
        }
        Ok::<_, identity::TokenError>((used(start) - started) / tokens.len() as u128)
    })?;

    let rounds = 1_000_000;
    let token = tokens.first().ok_or("no token")?;
    let one = runtime.block_on(async {
        let started = used(start);
        for _ in 0..rounds {
            black_box(bearer.verify(token).await)?;
        }
        Ok::<_, identity::TokenError>((used(start) - started) / rounds)
    })?;
    println!("token of {} bytes, ES256", token.len());
    println!("first use:                {first} ns");
    println!("again, 20,000 in turn:    {many} ns");
    println!("again, always the same:   {one} ns");
    Ok(())
}
