//! Counts what one request asks of the database, so that the log can say it and tests can hold it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Statements and rows of one request.
#[derive(Debug, Default)]
pub struct Meter {
    statements: AtomicU32,
    rows: AtomicU32,
}

impl Meter {
    pub(crate) fn count(&self, rows: usize) {
        self.statements.fetch_add(1, Relaxed);
        self.rows.fetch_add(u32::try_from(rows).unwrap_or(u32::MAX), Relaxed);
    }

    /// How many statements were run.
    pub fn statements(&self) -> u32 {
        self.statements.load(Relaxed)
    }

    /// How many rows they returned or wrote.
    pub fn rows(&self) -> u32 {
        self.rows.load(Relaxed)
    }
}
