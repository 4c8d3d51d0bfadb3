//! The suites that need more than one crate.
