//! Real time, and randomness that is different in every process.

use domain::{Entropy, Timestamp};

pub(crate) struct TestEntropy;

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system's generator");
    }
}

#[expect(clippy::disallowed_methods, reason = "real files and signatures have real times")]
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    Timestamp(i64::try_from(since.as_micros()).expect("a small number"))
}
