//! Bytes: one trait, a filesystem and an S3 implementation, wrappers, one conformance suite.
