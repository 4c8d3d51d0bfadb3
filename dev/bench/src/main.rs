//! What the server costs: every figure is a ratio to something measured in the same run on the same machine.
//!
//! `cargo xtask bench` builds the release binary and runs this. Processor time is that of the server's process (user and
//! system), divided by the requests that `wrk` counted; memory is its high-water mark.

mod load;
mod process;
mod server;

use std::{env, process::ExitCode};

use load::{cpu_per_request, upload_seconds};
use process::Child;
use server::{Database, Server};

type Result<T> = std::result::Result<T, String>;

const CONNECTIONS: u32 = 64;
const SECONDS: u32 = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, port] = arguments.as_slice()
        && word == "hello"
    {
        return hello(port);
    }
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The yardstick: an axum server that says hello.
fn hello(port: &str) -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let address = format!("127.0.0.1:{port}");
    runtime.block_on(async move {
        let router = axum::Router::new().route("/", axum::routing::get(|| async { "hello" }));
        match tokio::net::TcpListener::bind(address).await {
            Ok(listener) => match axum::serve(listener, router).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            },
            Err(_) => ExitCode::FAILURE,
        }
    })
}

/// One line of the table.
struct Line {
    what: &'static str,
    measured: f64,
    limit: f64,
    /// Whether more is better.
    at_least: bool,
    detail: String,
}

impl Line {
    fn holds(&self) -> bool {
        if self.at_least {
            self.measured >= self.limit
        } else {
            self.measured <= self.limit
        }
    }
}

fn run() -> Result<bool> {
    let mut table = Vec::new();
    let server = Server::start(&Database::Sqlite)?;
    table.push(Line {
        what: "start to ready, empty (ms)",
        measured: server.ready_after.as_secs_f64() * 1000.0,
        limit: 150.0,
        at_least: false,
        detail: String::new(),
    });
    table.push(Line {
        what: "release binary (MiB)",
        measured: server::binary_bytes()? / 1024.0 / 1024.0,
        limit: 45.0,
        at_least: false,
        detail: String::new(),
    });
    links(&server, &mut table)?;
    downloads(&server, &mut table)?;
    uploads(&server, &mut table)?;
    drop(server);
    streams(&mut table)?;
    statements(&mut table)?;
    println!("\n{:<62} {:>10} {:>12}", "what", "measured", "must reach");
    for line in &table {
        let sign = if line.at_least { "≥" } else { "≤" };
        let verdict = if line.holds() { "" } else { "  MISSED" };
        println!(
            "{:<62} {:>10.2} {sign} {:>10.2}{verdict}  {}",
            line.what, line.measured, line.limit, line.detail
        );
    }
    Ok(table.iter().all(Line::holds))
}

/// An authorised `download=url`, against hello.
fn links(server: &Server, table: &mut Vec<Line>) -> Result<()> {
    let object = server.upload("small.txt", 1024)?;
    let hello = Child::hello()?;
    let bare = cpu_per_request(hello.id(), &hello.url(), None, CONNECTIONS, SECONDS)?;
    drop(hello);
    let url = format!("{}/api/v1/object/{object}?download=url", server.url);
    let ours = cpu_per_request(server.id(), &url, Some(&server.token), CONNECTIONS, SECONDS)?;
    table.push(Line {
        what: "GET /object/{id}?download=url, SQLite: CPU / bare axum hello",
        measured: ours / bare,
        limit: 4.0,
        at_least: false,
        detail: format!("{ours:.1} µs / {bare:.1} µs"),
    });
    Ok(())
}

/// Downloads through the server, against nginx with sendfile.
fn downloads(server: &Server, table: &mut Vec<Line>) -> Result<()> {
    for (what, bytes, limit) in [
        ("download 1 KiB: CPU / nginx sendfile", 1024, 4.0),
        ("download 1 MiB: CPU / nginx sendfile", 1024 * 1024, 2.0),
    ] {
        let object = server.upload(&format!("file-{bytes}.bin"), bytes)?;
        let nginx = Child::nginx(bytes)?;
        let bare = load::cpu_per_request_of_group(&nginx, CONNECTIONS, SECONDS)?;
        drop(nginx);
        let url = format!("{}/api/v1/object/{object}?download=proxy", server.url);
        let ours = cpu_per_request(server.id(), &url, Some(&server.token), CONNECTIONS, SECONDS)?;
        table.push(Line {
            what,
            measured: ours / bare,
            limit,
            at_least: false,
            detail: format!("{ours:.1} µs / {bare:.1} µs"),
        });
    }
    Ok(())
}

/// 100 MiB up, hashing included, against `dd` with fsync to the same disk: the best of three.
fn uploads(server: &Server, table: &mut Vec<Line>) -> Result<()> {
    let bytes = 100 * 1024 * 1024;
    let file = server.sample(bytes)?;
    let (mut dd, mut ours) = (f64::MAX, f64::MAX);
    for round in 0..3 {
        dd = dd.min(load::dd_seconds(&file, &server.folder.join("dd.out"))?);
        ours = ours.min(upload_seconds(server, &file, &format!("large-{round}.bin"))?);
    }
    table.push(Line {
        what: "upload 100 MiB: rate / dd + fsync",
        measured: dd / ours,
        limit: 0.7,
        at_least: true,
        detail: format!("{ours:.2} s / {dd:.2} s"),
    });
    Ok(())
}

/// 64 streams of 100 MiB up and then down, at once.
fn streams(table: &mut Vec<Line>) -> Result<()> {
    let server = Server::start(&Database::Sqlite)?;
    let file = server.sample(100 * 1024 * 1024)?;
    let objects = load::upload_all(&server, &file, 64)?;
    load::download_all(&server, &objects)?;
    table.push(Line {
        what: "64 streams of 100 MiB up and down: peak RSS (MiB)",
        measured: process::peak_rss_mib(server.id())?,
        limit: 96.0,
        at_least: false,
        detail: String::new(),
    });
    Ok(())
}

/// Statements of a link on PostgreSQL, as the server's own log counts them.
fn statements(table: &mut Vec<Line>) -> Result<()> {
    let Some(url) = server::setting("DATABASE_URL") else {
        println!("skipped: statements on PostgreSQL (set DATABASE_URL)");
        return Ok(());
    };
    let server = Server::start(&Database::Postgres(url))?;
    let object = server.upload("small.txt", 1024)?;
    let address = format!("{}/api/v1/object/{object}?download=url", server.url);
    server.get(&address)?;
    let count = server.logged_statements("/object/{objectid}")?;
    table.push(Line {
        what: "GET /object/{id}?download=url, PostgreSQL: statements",
        measured: count,
        limit: 3.0,
        at_least: false,
        detail: String::new(),
    });
    Ok(())
}
