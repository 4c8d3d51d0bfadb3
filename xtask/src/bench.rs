//! `cargo xtask bench`: measure the release build against the servers that it would meet.

use std::process::Command;

use crate::process::{Outcome, cargo, run as run_command};
use crate::services::{Running, folder};
use crate::test::build_programs;

/// What a measurement runs against.
const SERVICES: &[&str] = &["postgres", "s3"];
/// A load generator, a server of files to compare with, and a client for large ones: commands, then Debian's packages.
const PACKAGES: &[&str] = &["wrk", "nginx", "curl", "--", "wrk", "nginx-light", "curl"];

/// Build the server as released, provide the services unless told not to, and hand over to the bench program of
/// `dev/bench`; it finds the server in `COMMONHOLD_BIN` and the services in their variables.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let with_services = !arguments.iter().any(|argument| argument == "--no-services");
    let passed_on = arguments.iter().filter(|argument| *argument != "--no-services");

    let program = build_programs(&["--release", "-p", "commonhold"])?;
    run_command(Command::new(folder().join("packages.sh")).args(PACKAGES))?;
    let services = with_services.then(|| Running::start(SERVICES));
    if let Some(missing) = services
        .as_ref()
        .map(|running| &running.missing)
        .filter(|missing| !missing.is_empty())
    {
        return Err(format!("bench: not available: {}", missing.join(", ")));
    }

    let mut bench = cargo(&["run", "--release", "--quiet", "-p", "bench", "--bin", "bench", "--"]);
    bench
        .args(passed_on)
        .env("COMMONHOLD_BIN", program)
        .env("COMMONHOLD_SERVICES", folder());
    bench.envs(
        services
            .iter()
            .flat_map(|running| running.environment.iter().map(|(name, value)| (name, value))),
    );
    run_command(&mut bench)
}
