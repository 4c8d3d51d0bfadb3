//! The real servers that tests run against; the scripts in `dev/services` do the work.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::process::{Outcome, output, root};

/// What a full test run starts.
pub(crate) const ALL: &[&str] = &["postgres", "s3", "oidc", "smtp"];
/// What is started only when a test or a person asks for it.
const ON_DEMAND: &[&str] = &["postgres-durable"];

/// Where the scripts lie.
pub(crate) fn folder() -> PathBuf {
    root().join("dev/services")
}

fn script(name: &str) -> Command {
    let mut command = Command::new(folder().join(format!("{name}.sh")));
    command.stdin(Stdio::null());
    command
}

fn known() -> impl Iterator<Item = &'static str> {
    ALL.iter().chain(ON_DEMAND).copied()
}

/// `cargo xtask services ...`
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let Some((command, rest)) = arguments.split_first() else {
        return Err("services: say start, stop, restart, reset, status, env, or a service and its command".to_owned());
    };
    match command.as_str() {
        "start" | "restart" => together(&named(rest, ALL)?, command),
        "stop" | "reset" | "status" => {
            let all: Vec<&str> = known().collect();
            together(&named(rest, &all)?, command)
        }
        "env" => {
            for name in known().filter(|name| is_running(name)) {
                let exports = output(script(name).arg("env"))?;
                std::io::stdout()
                    .write_all(exports.as_bytes())
                    .map_err(|error| format!("services env: {error}"))?;
            }
            Ok(())
        }
        name if known().any(|other| other == name) => {
            let status = script(name).args(rest).stdin(Stdio::inherit()).status();
            let status = status.map_err(|error| format!("{name}: {error}"))?;
            if status.success() {
                Ok(())
            } else {
                Err(format!("{name}: {status}"))
            }
        }
        other => Err(format!("services: there is no {other}")),
    }
}

/// The services named, or these when none is.
fn named<'a>(names: &'a [String], otherwise: &[&'a str]) -> Outcome<Vec<&'a str>> {
    if let Some(other) = names.iter().find(|name| !known().any(|known| known == name.as_str())) {
        return Err(format!("services: there is no {other}"));
    }
    Ok(if names.is_empty() {
        otherwise.to_vec()
    } else {
        names.iter().map(String::as_str).collect()
    })
}

/// Run the same command of several services side by side; fails with the names of those that failed.
fn together(names: &[&str], command: &str) -> Outcome {
    let children: Vec<(&str, std::io::Result<Child>)> = names
        .iter()
        .map(|name| (*name, script(name).arg(command).spawn()))
        .collect();
    let mut failed = Vec::new();
    for (name, child) in children {
        if !child
            .and_then(|mut child| child.wait())
            .is_ok_and(|status| status.success())
        {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("services {command}: failed for {}", failed.join(", ")))
    }
}

fn is_running(name: &str) -> bool {
    script(name)
        .arg("status")
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Services that run for as long as this value lives. Those that ran before are left running.
pub(crate) struct Running {
    started: Vec<&'static str>,
    watch: Option<Child>,
    /// The addresses and secrets of all of them, as environment variables.
    pub(crate) environment: Vec<(String, String)>,
    /// Those that could not be provided; the scripts have said why.
    pub(crate) missing: Vec<&'static str>,
}

impl Running {
    /// Start what does not run yet, side by side, and wait until all answer.
    pub(crate) fn start(names: &[&'static str]) -> Self {
        let started: Vec<&'static str> = names.iter().copied().filter(|name| !is_running(name)).collect();
        // This run may be interrupted or killed: then the watch stops what it had started.
        let watch = Command::new(folder().join("stop-after.sh"))
            .arg(std::process::id().to_string())
            .args(&started)
            // Out of reach of the terminal's Ctrl-C, which ends this program and would end the watch with it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok();
        if let Err(message) = together(&started, "start") {
            eprintln!("xtask: {message}");
        }
        let mut running = Self {
            started,
            watch,
            environment: Vec::new(),
            missing: Vec::new(),
        };
        for &name in names {
            match output(script(name).arg("env")) {
                Ok(text) => running.environment.extend(exports(&text)),
                Err(_) => running.missing.push(name),
            }
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(watch) = &mut self.watch {
            // It may have ended by itself; then there is nothing to end.
            let _ = watch.kill();
            let _ = watch.wait();
        }
        if let Err(message) = together(&self.started, "stop") {
            eprintln!("xtask: {message}");
        }
    }
}

/// The variables of lines like `export NAME=value`.
fn exports(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::exports;

    #[test]
    fn export_lines_become_variables() {
        let read: Vec<_> = exports("export A=1\nexport URL=postgresql://a:b@127.0.0.1:1/c?x=y\nnoise\n").collect();
        let expected = [("A", "1"), ("URL", "postgresql://a:b@127.0.0.1:1/c?x=y")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
