//! A server to measure: the release binary with a folder of its own, one person and one bucket.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Result,
    process::{Child, free_port, wait_for},
};

/// Where its rows lie.
pub(crate) enum Database {
    Sqlite,
    Postgres(String),
}

pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
    bucket: String,
    pub(crate) folder: PathBuf,
    pub(crate) ready_after: Duration,
}

/// A setting of the run, from the environment.
#[expect(clippy::disallowed_methods, reason = "a measurement is set up by its environment")]
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The release binary: named by the run, or beside this program.
fn binary() -> Result<PathBuf> {
    if let Some(path) = setting("COMMONHOLD_BIN") {
        return PathBuf::from(path)
            .canonicalize()
            .map_err(|error| format!("COMMONHOLD_BIN: {error}"));
    }
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(this.with_file_name("commonhold"))
}

pub(crate) fn binary_bytes() -> Result<f64> {
    let length = fs::metadata(binary()?)
        .map_err(|error| format!("the release binary: {error}"))?
        .len();
    Ok(f64::from(u32::try_from(length).unwrap_or(u32::MAX)))
}

const PEOPLE: &str = "bench@example.org";

impl Server {
    pub(crate) fn start(database: &Database) -> Result<Self> {
        let port = free_port()?;
        let folder = PathBuf::from("target").join(format!("bench-{port}"));
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let folder = folder.canonicalize().map_err(|error| error.to_string())?;
        let command = || -> Result<Command> {
            let mut command = Command::new(binary()?);
            command.env_clear().current_dir(&folder);
            command.env("COMMONHOLD_SERVER__LISTEN", format!("127.0.0.1:{port}"));
            if let Database::Postgres(url) = database {
                command.env("COMMONHOLD_DATABASE__URL", url);
                command.env(
                    "COMMONHOLD_SECRETS__KEY",
                    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                );
            }
            Ok(command)
        };
        let log = File::create(folder.join("log")).map_err(|error| error.to_string())?;
        let started = Instant::now();
        let process = command()?
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("the release binary: {error}"))?;
        let child = Child::new(process, port, "/", None);
        wait_for(port)?;
        let ready_after = started.elapsed();
        // The person may exist already in a database that was used before.
        drop(command()?.args(["user", "add", PEOPLE, "--name", "Bench"]).output());
        let token = command()?
            .args(["token", "issue", "--user", PEOPLE])
            .output()
            .map_err(|error| error.to_string())?;
        let token = String::from_utf8_lossy(&token.stdout).trim().to_owned();
        if token.is_empty() {
            return Err("no token was issued".to_owned());
        }
        let mut server = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            token,
            bucket: String::new(),
            folder,
            ready_after,
        };
        let body = server.curl(&[
            "-X",
            "PUT",
            "-H",
            "Content-Type: application/json",
            "-d",
            r#"{"bucketName":"bench"}"#,
            &format!("{}/api/v1/bucket", server.url),
        ])?;
        server.bucket = member(&body, "bucketId")?;
        Ok(server)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Runs curl as the person; fails unless the answer is a success.
    fn curl(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new("curl")
            .args([
                "-sS",
                "--fail-with-body",
                "-H",
                &format!("Authorization: Bearer {}", self.token),
            ])
            .args(arguments)
            .output()
            .map_err(|error| format!("curl: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(format!("curl: {text}{}", String::from_utf8_lossy(&output.stderr)))
        }
    }

    pub(crate) fn get(&self, url: &str) -> Result<String> {
        self.curl(&[url])
    }

    /// A file of so many bytes that do not repeat in short distances.
    pub(crate) fn sample(&self, bytes: usize) -> Result<PathBuf> {
        let path = self.folder.join(format!("sample-{bytes}"));
        let mut file = File::create(&path).map_err(|error| error.to_string())?;
        let mut state = 1_u64;
        let mut left = bytes;
        while left > 0 {
            let piece: Vec<u8> = (0..left.min(1 << 20))
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    state.to_be_bytes()[0]
                })
                .collect();
            file.write_all(&piece).map_err(|error| error.to_string())?;
            left -= piece.len();
        }
        file.sync_all().map_err(|error| error.to_string())?;
        Ok(path)
    }

    /// Uploads a file of so many bytes and answers the object's id.
    pub(crate) fn upload(&self, name: &str, bytes: usize) -> Result<String> {
        let sample = self.sample(bytes)?;
        let arguments = self.upload_arguments(&sample, name);
        let body = self.curl(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
        member(&body, "id")
    }

    /// What makes curl upload a file.
    pub(crate) fn upload_arguments(&self, file: &std::path::Path, name: &str) -> Vec<String> {
        vec![
            "-T".to_owned(),
            file.display().to_string(),
            "-H".to_owned(),
            format!("Content-Disposition: attachment; filename=\"{name}\""),
            "-H".to_owned(),
            "Content-Type: application/octet-stream".to_owned(),
            "-H".to_owned(),
            "Expect:".to_owned(),
            format!("{}/api/v1/object?bucketId={}", self.url, self.bucket),
        ]
    }

    /// How many statements the last logged request of a route took.
    pub(crate) fn logged_statements(&self, route: &str) -> Result<f64> {
        // The server gathers lines for a moment before it writes them.
        std::thread::sleep(Duration::from_millis(500));
        let log = fs::read_to_string(self.folder.join("log")).map_err(|error| error.to_string())?;
        let lines = log
            .lines()
            .rev()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut of_route = lines.filter(|line| line.to_string().to_lowercase().contains(route));
        let line = of_route.next().ok_or_else(|| format!("no log line of {route}"))?;
        line.get("statements")
            .and_then(Value::as_f64)
            .ok_or_else(|| format!("no statements in {line}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A text member of a JSON object.
pub(crate) fn member(body: &str, name: &str) -> Result<String> {
    let json: Value = serde_json::from_str(body).map_err(|error| format!("{error} in {body}"))?;
    json.get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| format!("no {name} in {body}"))
}
