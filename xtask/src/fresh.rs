//! `cargo xtask fresh`: that the workspace is built as drawn.

use crate::process::Outcome;
use crate::{arrows, sources};

/// Check everything, print every finding, and fail when there is one.
pub(crate) fn run() -> Outcome {
    eprintln!("==> fresh");
    let mut findings = arrows::findings()?;
    findings.extend(sources::findings()?);
    for finding in &findings {
        eprintln!("fresh: {finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(format!("fresh: {count} findings")),
    }
}
