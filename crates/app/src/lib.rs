//! The use cases: load, decide, apply.
