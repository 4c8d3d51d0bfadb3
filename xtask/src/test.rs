//! `cargo xtask test`: everything that can be checked, and an honest last line about what was not.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::Value;

use crate::deny::{self, Advisories};
use crate::fresh;
use crate::process::{Outcome, announce, cargo, describe, root, run as run_command};
use crate::services::{self, Running};

struct Options<'a> {
    quick: bool,
    filter: Option<&'a str>,
}

fn options(arguments: &[String]) -> Outcome<Options<'_>> {
    let mut options = Options {
        quick: false,
        filter: None,
    };
    for argument in arguments {
        match argument.as_str() {
            "--quick" => options.quick = true,
            other if other.starts_with('-') => return Err(format!("test: there is no option {other}")),
            filter if options.filter.is_none() => options.filter = Some(filter),
            _ => return Err("test: one filter at most".to_owned()),
        }
    }
    Ok(options)
}

/// `cargo xtask test [--quick] [FILTER]`. Succeeds when all that ran passed and every service was there to run against.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let options = options(arguments)?;
    let since = Instant::now();
    run_command(&mut cargo(&["fmt", "--all", "--check"]))?;
    // The services install and start while the compiler is busy.
    let mut services = Services::begin(!options.quick);
    run_command(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    fresh::run()?;
    let advisories = deny::check()?;
    let program = build_programs(&["--workspace", "--bins", "--tests"])?;
    let running = services.wait();

    let mut skipped = Vec::new();
    if options.quick {
        skipped.push("what needs a service (--quick)".to_owned());
    }
    if let Some(filter) = options.filter {
        skipped.push(format!("tests whose name does not contain `{filter}`"));
    }
    let missing: Vec<&str> = running.map(|running| running.missing.clone()).unwrap_or_default();
    skipped.extend(missing.iter().map(|name| format!("what needs the service {name}")));

    let record = root().join("target/skipped-suites.txt");
    forget(&record)?;
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    tests
        .args(options.filter)
        .env("COMMONHOLD_BIN", program)
        .env("COMMONHOLD_SKIPPED_FILE", &record);
    give_services(&mut tests, running);
    let (totals, passed) = run_tests(&mut tests)?;
    skipped.extend(recorded(&record));
    skipped.extend(totals.ignored);
    drop(services);

    eprintln!();
    eprintln!(
        "{} suites ran in {} s: {} tests passed, {} failed",
        totals.suites,
        since.elapsed().as_secs(),
        totals.passed,
        totals.failed
    );
    if advisories == Advisories::NotChecked {
        eprintln!("advisories about dependencies were not checked: that takes cargo-deny and its database");
    }
    passed?;
    if totals.passed + totals.failed == 0 {
        return Err("no test ran".to_owned());
    }
    if skipped.is_empty() {
        eprintln!("complete: everything ran and passed");
        return Ok(());
    }
    eprintln!("NOT complete: skipped");
    for what in &skipped {
        eprintln!("  - {what}");
    }
    match missing.as_slice() {
        [] => Ok(()),
        names => Err(format!("services that could not be provided: {}", names.join(", "))),
    }
}

/// The services of a run: being started in the background, then running, and stopped in the end whatever happens.
struct Services {
    starting: Option<JoinHandle<Running>>,
    running: Option<Running>,
}

impl Services {
    fn begin(wanted: bool) -> Self {
        let starting = wanted.then(|| std::thread::spawn(|| Running::start(services::ALL)));
        Self {
            starting,
            running: None,
        }
    }

    fn wait(&mut self) -> Option<&Running> {
        if let Some(running) = self.starting.take().and_then(|starting| starting.join().ok()) {
            self.running = Some(running);
        }
        self.running.as_ref()
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.wait();
    }
}

/// Tell the tests where the services are. Without services they are told of none, whatever the caller's environment says.
fn give_services(tests: &mut Command, running: Option<&Running>) {
    for name in [
        "DATABASE_URL",
        "DATABASE_ADMIN_URL",
        "S3_ENDPOINT",
        "OIDC_ISSUER",
        "SMTP_HOST",
        "SMTP_API",
    ] {
        tests.env_remove(name);
    }
    if let Some(running) = running {
        tests.env("COMMONHOLD_SERVICES", services::folder());
        tests.envs(running.environment.iter().map(|(name, value)| (name, value)));
    }
}

/// Build with these arguments and return the path of the server's program. The tests of a workspace are built with the
/// same features by `--workspace --bins --tests`, so nothing is built twice.
pub(crate) fn build_programs(arguments: &[&str]) -> Outcome<PathBuf> {
    let mut build = cargo(&["build"]);
    build.args(arguments);
    announce(&build);
    build
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let name = describe(&build);
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let mut child = build.spawn().map_err(failed)?;
    let mut program = None;
    if let Some(messages) = child.stdout.take() {
        for line in BufReader::new(messages).lines() {
            program = executable(&line.map_err(failed)?).or(program);
        }
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(format!("{name}: {status}"));
    }
    program.ok_or_else(|| format!("{name}: did not build the program commonhold"))
}

/// The path of the server's program, if this message of cargo tells of it.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_it = message["reason"] == "compiler-artifact"
        && message["target"]["name"] == "commonhold"
        && message["target"]["kind"][0] == "bin"
        && message["profile"]["test"] == false;
    is_it
        .then(|| message["executable"].as_str().map(PathBuf::from))
        .flatten()
}

/// What the test runner's lines add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    suites: u64,
    passed: u64,
    failed: u64,
    /// The tests that were left out, each with its reason.
    ignored: Vec<String>,
}

impl Totals {
    /// Add a line such as `test NAME ... ignored, REASON` or `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    fn add(&mut self, line: &str) {
        if let Some((name, reason)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.split_once(" ... ignored"))
        {
            let reason = reason.trim_start_matches(',').trim();
            // Such a test is the other half of one that starts it as a process, to be killed for example.
            if !reason.starts_with("run by ") {
                self.ignored.push(format!("the ignored test {name}: {reason}"));
            }
        }
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        let count = |what: &str| -> u64 {
            let number = counts
                .split("; ")
                .find_map(|part| part.strip_suffix(what)?.trim().parse().ok());
            number.unwrap_or(0)
        };
        let (passed, failed) = (count("passed"), count("failed"));
        self.suites += u64::from(passed + failed > 0);
        self.passed += passed;
        self.failed += failed;
    }
}

/// Run the tests with their output passed on as it comes, and add up their closing lines. The inner outcome is theirs.
fn run_tests(tests: &mut Command) -> Outcome<(Totals, Outcome)> {
    announce(tests);
    let name = describe(tests);
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let mut child = tests
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut totals = Totals::default();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let (mut line, mut own) = (Vec::new(), std::io::stdout().lock());
        // A test may print what is not text.
        while output.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            own.write_all(&line).map_err(failed)?;
            totals.add(&String::from_utf8_lossy(&line));
            line.clear();
        }
        own.flush().map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    let outcome = if status.success() {
        Ok(())
    } else {
        Err(format!("{name}: {status}"))
    };
    Ok((totals, outcome))
}

fn forget(record: &Path) -> Outcome {
    let folder = record.parent().unwrap_or(record);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(record, ""))
        .map_err(|error| format!("{}: {error}", record.display()))
}

/// What tests wrote about themselves, each line once.
fn recorded(record: &Path) -> Vec<String> {
    let text = fs::read_to_string(record).unwrap_or_default();
    let mut lines: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

#[cfg(test)]
mod tests {
    use super::{Totals, executable, options};
    use std::path::PathBuf;

    #[test]
    fn closing_lines_add_up() {
        let mut totals = Totals::default();
        for line in [
            "running 4 tests\n",
            "test slow ... ignored, takes an hour\n",
            "test half ... ignored, run by the tests of crashes\n",
            "test quick ... ok\n",
            "test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s\n",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out; finished in 1.00s\n",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.00s\n",
        ] {
            totals.add(line);
        }
        let ignored = vec!["the ignored test slow: takes an hour".to_owned()];
        assert_eq!(
            totals,
            Totals {
                suites: 2,
                passed: 13,
                failed: 2,
                ignored
            }
        );
    }

    #[test]
    fn the_program_is_told_from_its_tests() {
        let message = |test: bool, kind: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"commonhold","kind":["{kind}"]}},"profile":{{"test":{test}}},"executable":"/x/commonhold"}}"#
            )
        };
        assert_eq!(executable(&message(false, "bin")), Some(PathBuf::from("/x/commonhold")));
        assert_eq!(executable(&message(true, "bin")), None);
        assert_eq!(executable(&message(false, "lib")), None);
        assert_eq!(executable("warning"), None);
    }

    #[test]
    fn arguments_are_understood() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let read = words("--quick objects");
        let read = options(&read).unwrap();
        assert!(read.quick && read.filter == Some("objects"));
        assert!(options(&words("--slow")).is_err());
        assert!(options(&words("a b")).is_err());
    }
}
