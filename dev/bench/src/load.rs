//! Load on a process, and what it cost.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    Result,
    process::{Child, cpu_seconds, group_cpu_seconds},
    server::{Server, member},
};

/// Runs `wrk` and answers how many requests it completed, all of them successful.
fn wrk(url: &str, token: Option<&str>, connections: u32, seconds: u32) -> Result<f64> {
    let mut command = Command::new("wrk");
    command.args(["-t", "1", "-c", &connections.to_string(), "-d", &format!("{seconds}s")]);
    if let Some(token) = token {
        command.args(["-H", &format!("Authorization: Bearer {token}")]);
    }
    let output = command.arg(url).output().map_err(|error| format!("wrk: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("Non-2xx") {
        return Err(format!("{url}: {text}"));
    }
    let line = text
        .lines()
        .find(|line| line.contains("requests in"))
        .ok_or_else(|| format!("wrk: {text}"))?;
    let count = line.split_whitespace().next().and_then(|word| word.parse().ok());
    count.ok_or_else(|| format!("wrk: {line}"))
}

/// Processor time per request in microseconds: the best of three runs, after one to warm up.
fn best(mut cpu: impl FnMut() -> Result<f64>, mut load: impl FnMut() -> Result<f64>) -> Result<f64> {
    load()?;
    let mut best = f64::MAX;
    for _ in 0..3 {
        let before = cpu()?;
        let requests = load()?;
        best = best.min((cpu()? - before) * 1e6 / requests);
    }
    Ok(best)
}

/// Processor time per request of one process.
pub(crate) fn cpu_per_request(
    process: u32,
    url: &str,
    token: Option<&str>,
    connections: u32,
    seconds: u32,
) -> Result<f64> {
    best(|| cpu_seconds(process), || wrk(url, token, connections, seconds))
}

/// Processor time per request of a process with its workers.
pub(crate) fn cpu_per_request_of_group(child: &Child, connections: u32, seconds: u32) -> Result<f64> {
    best(
        || group_cpu_seconds(child.id()),
        || wrk(&child.url(), None, connections, seconds),
    )
}

/// Seconds that `dd` takes to copy a file and sync it.
pub(crate) fn dd_seconds(from: &Path, to: &Path) -> Result<f64> {
    let started = Instant::now();
    let status = Command::new("dd")
        .arg(format!("if={}", from.display()))
        .arg(format!("of={}", to.display()))
        .args(["bs=1M", "conv=fsync"])
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("dd: {error}"))?;
    let took = started.elapsed().as_secs_f64();
    std::fs::remove_file(to).map_err(|error| error.to_string())?;
    if status.success() {
        Ok(took)
    } else {
        Err("dd failed".to_owned())
    }
}

fn curl(server: &Server, arguments: &[String]) -> Command {
    let mut command = Command::new("curl");
    command
        .args([
            "-sS",
            "--fail-with-body",
            "-H",
            &format!("Authorization: Bearer {}", server.token),
        ])
        .args(arguments);
    command
}

/// Seconds that one upload takes.
pub(crate) fn upload_seconds(server: &Server, file: &Path, name: &str) -> Result<f64> {
    let started = Instant::now();
    let output = curl(server, &server.upload_arguments(file, name))
        .output()
        .map_err(|error| error.to_string())?;
    let took = started.elapsed().as_secs_f64();
    if output.status.success() {
        Ok(took)
    } else {
        Err(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Uploads a file so many times at once; the objects' ids.
pub(crate) fn upload_all(server: &Server, file: &Path, count: usize) -> Result<Vec<String>> {
    let running: Vec<_> = (0..count)
        .map(|number| {
            let mut command = curl(server, &server.upload_arguments(file, &format!("stream-{number}.bin")));
            command
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|error| error.to_string())
        })
        .collect::<Result<_>>()?;
    running
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().map_err(|error| error.to_string())?;
            member(&String::from_utf8_lossy(&output.stdout), "id")
        })
        .collect()
}

/// Downloads objects, all at once.
pub(crate) fn download_all(server: &Server, objects: &[String]) -> Result<()> {
    let running: Vec<_> = objects
        .iter()
        .map(|object| {
            let url = format!("{}/api/v1/object/{object}?download=proxy", server.url);
            let mut command = curl(server, &["-o".to_owned(), "/dev/null".to_owned(), url]);
            command.spawn().map_err(|error| error.to_string())
        })
        .collect::<Result<_>>()?;
    for mut child in running {
        if !child.wait().map_err(|error| error.to_string())?.success() {
            return Err("a download failed".to_owned());
        }
    }
    Ok(())
}
