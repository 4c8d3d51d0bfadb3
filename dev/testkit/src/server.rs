//! The program, run as an operator runs it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::TempDir;

use crate::{
    AUDIENCE, Backend, Caller, IDENTITY_PROVIDER, ISSUER, Issuer, Proxy,
    backend::{Services, skipped},
    random, random_below, setting,
};

/// Name and password of the superuser.
pub const SUPERUSER: (&str, &str) = ("superuser", "superuser-password");

/// How long a server may take to become ready. It takes a tenth of a second; machines are busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// One key for all tests: only who has it can make tokens.
static TRUSTED: LazyLock<Issuer> = LazyLock::new(Issuer::default);

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Variables without their prefix `COMMONHOLD_`.
    pub variables: BTreeMap<String, String>,
    /// Whether the wires to PostgreSQL and S3 lead through proxies.
    pub proxied: bool,
}

impl Settings {
    /// Sets `section.key`.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> &mut Self {
        self.variables
            .insert(key.replace('.', "__").to_uppercase(), value.into());
        self
    }

    /// Leaves `section.key` at its default.
    pub fn unset(&mut self, key: &str) -> &mut Self {
        self.variables.remove(&key.replace('.', "__").to_uppercase());
        self
    }
}

/// A running server. Dropping it kills it and removes what it kept.
pub struct Server {
    /// What it runs on.
    pub backend: Backend,
    /// The wire to PostgreSQL, where settings asked for one.
    pub database_wire: Option<Proxy>,
    /// The wire to S3, where settings asked for one.
    pub storage_wire: Option<Proxy>,
    folder: TempDir,
    port: u16,
    variables: BTreeMap<String, String>,
    services: Option<Services>,
    child: Option<Child>,
    http: reqwest::Client,
}

impl Server {
    /// A server that trusts the tests' issuer and has a superuser; `None` where the backend's services are missing.
    pub async fn start(backend: Backend) -> Option<Self> {
        Self::start_with(backend, |_| {}).await
    }

    /// The same, with other settings.
    pub async fn start_with(backend: Backend, change: impl FnOnce(&mut Settings)) -> Option<Self> {
        if !backend.available() {
            return None;
        }
        let mut settings = Settings::default();
        settings
            .set("oidc.issuer", ISSUER)
            .set("oidc.audience", AUDIENCE)
            .set("oidc.public_key", TRUSTED.public_key_pem())
            .set("objects.basic_username", SUPERUSER.0)
            .set("objects.basic_password", SUPERUSER.1)
            .set("objects.elevated_idps", format!("{IDENTITY_PROVIDER},commonhold"))
            .set("log.filter", "info");
        change(&mut settings);
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        settings.set(
            "data_dir",
            folder.path().join("data").to_str().expect("a path in UTF-8"),
        );
        settings.set("server.listen", format!("127.0.0.1:{port}"));
        let mut server = Self {
            backend,
            database_wire: None,
            storage_wire: None,
            folder,
            port,
            variables: BTreeMap::new(),
            services: None,
            child: None,
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
        };
        if backend == Backend::PostgresS3 {
            server.connect_services(&mut settings).await;
        }
        server.variables = settings.variables;
        server.boot().await;
        Some(server)
    }

    async fn connect_services(&mut self, settings: &mut Settings) {
        let services = Services::create().await;
        let (mut database, mut endpoint) = (services.own_database_url(), services.s3.endpoint.clone());
        if settings.proxied {
            let (before, after) = database.split_once('@').expect("an address with a user");
            let (host, name) = after.split_once('/').expect("an address with a database");
            let wire = Proxy::start(host).await;
            database = format!("{before}@{}/{name}", wire.address());
            self.database_wire = Some(wire);
            let host = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, host)| host);
            let wire = Proxy::start(host.trim_end_matches('/')).await;
            endpoint = format!("http://{}", wire.address());
            self.storage_wire = Some(wire);
        }
        settings
            .set("database.url", database)
            .set("secrets.key", STANDARD.encode(random::<32>()))
            .set("storage.kind", "s3")
            .set("storage.s3.endpoint", endpoint)
            .set("storage.s3.bucket", &services.bucket)
            .set("storage.s3.access_key_id", &services.s3.access_key)
            .set("storage.s3.secret_access_key", &services.s3.secret_key);
        self.services = Some(services);
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.env_clear().current_dir(self.folder.path());
        command.env("PATH", setting("PATH").unwrap_or_default());
        for (name, value) in &self.variables {
            command.env(format!("COMMONHOLD_{name}"), value);
        }
        command
    }

    /// Starts the program and waits until it is ready.
    pub async fn boot(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log");
        let mut command = self.command();
        command
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        self.child = Some(command.spawn().expect("the program commonhold"));
        let since = Instant::now();
        let address = format!("{}/readyz", self.origin());
        loop {
            if self
                .http
                .get(&address)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return;
            }
            let ended = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().expect("a process"));
            assert!(ended.is_none(), "the server ended: {ended:?}\n{}", self.log());
            assert!(since.elapsed() < PATIENCE, "the server is not ready\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    }

    /// Ends the program at once, wherever it is (`SIGKILL`).
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a running process");
            child.wait().expect("an ended process");
        }
    }

    /// Runs a command of the program with the server's configuration.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command();
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program commonhold");
        let mut standard_input = child.stdin.take().expect("standard input");
        // A command that needs no input may have ended.
        let _ = standard_input.write_all(input.as_bytes());
        drop(standard_input);
        child.wait_with_output().expect("an ended process")
    }

    /// The same for a command that must succeed; gives what it printed.
    #[track_caller]
    pub fn command_line(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The folder `data_dir`.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What `section.key` of its configuration is set to.
    pub fn configured(&self, key: &str) -> Option<&str> {
        let name = key.replace('.', "__").to_uppercase();
        self.variables.get(&name).map(String::as_str)
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The last line of the log with these words. The server gathers lines for a moment before it writes them.
    pub async fn logged(&self, words: &str) -> String {
        let since = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log.lines().rfind(|line| line.contains(words)) {
                return line.to_owned();
            }
            assert!(since.elapsed() < PATIENCE, "{words} was not logged\n{log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn caller(&self, authorization: Option<String>, email: Option<String>) -> Caller {
        Caller::new(
            self.http.clone(),
            format!("{}/api/v1", self.origin()),
            authorization,
            email,
        )
    }

    /// Somebody of the trusted issuer.
    pub fn person(&self, name: &str) -> Caller {
        let token = TRUSTED.token(name);
        self.caller(Some(format!("Bearer {token}")), Some(format!("{name}@example.test")))
    }

    /// Whoever a token speaks for.
    pub fn bearer(&self, token: &str) -> Caller {
        self.caller(Some(format!("Bearer {token}")), None)
    }

    /// Somebody with an account of the server itself, made now, and the token of a sign-in.
    pub async fn account(&self, name: &str) -> Caller {
        let (email, password) = (format!("{name}@example.test"), format!("{name} has a long password"));
        self.command_line(&["user", "add", &email, "--name", name, "--password-stdin"], &password);
        let body = serde_json::json!({ "email": email, "password": password }).to_string();
        let json = [("content-type", "application/json")];
        let address = format!("{}/oauth/sign-in", self.origin());
        let answer = self
            .anonymous()
            .send(reqwest::Method::POST, &address, &json, body)
            .await
            .expect(200);
        let token = answer.member("access_token");
        self.caller(Some(format!("Bearer {token}")), Some(email))
    }

    /// The superuser.
    pub fn superuser(&self) -> Caller {
        self.basic(SUPERUSER.0, SUPERUSER.1)
    }

    /// Somebody with a name and a password.
    pub fn basic(&self, name: &str, password: &str) -> Caller {
        self.caller(
            Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))),
            None,
        )
    }

    /// Nobody in particular.
    pub fn anonymous(&self) -> Caller {
        self.caller(None, None)
    }

    /// The issuer that the server trusts.
    pub fn issuer() -> &'static Issuer {
        &TRUSTED
    }

    /// Everything that lies in the default storage, temporary files and begun uploads included.
    pub async fn stored(&self) -> Vec<String> {
        match &self.services {
            Some(services) => services.stored().await,
            None => files_below(&self.data().join("files")),
        }
    }

    /// Ends the server's connections to PostgreSQL.
    pub async fn end_database_connections(&self) {
        let services = self.services.as_ref().expect("a server on PostgreSQL");
        services.end_connections().await;
    }

    /// Says that something was left out.
    pub fn skipped(what: &str) {
        skipped(what);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "--- the server's log ends\n{}",
                lines[lines.len().saturating_sub(30)..].join("\n")
            );
        }
        let Some(services) = self.services.take() else { return };
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(services.remove());
        });
        if removal.join().is_err() {
            eprintln!("a test database or bucket was left behind");
        }
    }
}

/// The program: where the environment says, else where the build puts it, beside the folder of the tests.
fn program() -> PathBuf {
    setting("COMMONHOLD_BIN").map_or_else(
        || {
            let test = std::env::current_exe().expect("the test's own path");
            let folder = test.parent().and_then(Path::parent).expect("target/debug/deps");
            let program = folder.join("commonhold");
            assert!(
                program.is_file(),
                "{}: build it first: cargo build -p commonhold",
                program.display()
            );
            program
        },
        PathBuf::from,
    )
}

/// A port that nothing listens on, below those that the system gives to outgoing connections: a server that is
/// started again must find it free.
fn free_port() -> u16 {
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 16_000;
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        let start = u16::try_from(random_below(u64::from(COUNT))).unwrap_or(0);
        AtomicU16::new(start)
    });
    loop {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(files_below(&path));
        } else {
            all.push(path.display().to_string());
        }
    }
    all
}
