//! Processes that are measured: their start, their processor time, their memory.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child as StdChild, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::Result;

/// Clock ticks in a second: what Linux counts processor time in, on every architecture it runs on.
const TICKS: f64 = 100.0;

/// A process that ends with this value.
pub(crate) struct Child {
    process: StdChild,
    port: u16,
    path: &'static str,
    folder: Option<PathBuf>,
}

impl Child {
    /// Wraps a running process.
    pub(crate) const fn new(process: StdChild, port: u16, path: &'static str, folder: Option<PathBuf>) -> Self {
        Self {
            process,
            port,
            path,
            folder,
        }
    }

    /// The bare axum server.
    pub(crate) fn hello() -> Result<Self> {
        let port = free_port()?;
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let process = Command::new(this)
            .args(["hello", &port.to_string()])
            .spawn()
            .map_err(|error| error.to_string())?;
        wait_for(port)?;
        Ok(Self::new(process, port, "/", None))
    }

    /// nginx with one file of so many bytes, by sendfile.
    pub(crate) fn nginx(bytes: usize) -> Result<Self> {
        let port = free_port()?;
        let folder = std::env::temp_dir().join(format!("commonhold-bench-nginx-{port}"));
        let failed = |error: std::io::Error| format!("nginx: {error}");
        fs::create_dir_all(&folder).map_err(failed)?;
        fs::write(folder.join("file.bin"), vec![7; bytes]).map_err(failed)?;
        let home = folder.display();
        let configuration = format!(
            "daemon off; pid {home}/pid; error_log {home}/error.log; worker_processes 2; user root;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n\
             client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;\n\
             uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;\n\
             server {{ listen 127.0.0.1:{port}; root {home}; }} }}\n"
        );
        fs::write(folder.join("nginx.conf"), configuration).map_err(failed)?;
        let process = Command::new("nginx")
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        wait_for(port)?;
        Ok(Self::new(process, port, "/file.bin", Some(folder)))
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.path)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // TERM first: a master process ends its workers.
        drop(Command::new("kill").arg(self.process.id().to_string()).status());
        sleep(Duration::from_millis(200));
        drop(self.process.kill());
        drop(self.process.wait());
        if let Some(folder) = &self.folder {
            drop(fs::remove_dir_all(folder));
        }
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// Waits until somebody listens on a port.
pub(crate) fn wait_for(port: u16) -> Result<()> {
    let start = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if start.elapsed() > Duration::from_secs(20) {
            return Err(format!("nobody listens on port {port}"));
        }
        sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Processor seconds of a process so far.
pub(crate) fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).map_err(|error| error.to_string())?;
    let rest = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = rest
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>();
    Ok(ticks / TICKS)
}

/// Processor seconds of a process and its children.
pub(crate) fn group_cpu_seconds(process: u32) -> Result<f64> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let mut total = cpu_seconds(process)?;
    for child in children.split_whitespace().filter_map(|id| id.parse().ok()) {
        total += cpu_seconds(child)?;
    }
    Ok(total)
}

/// The most memory a process has had resident, in MiB.
pub(crate) fn peak_rss_mib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).map_err(|error| error.to_string())?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    let kib: f64 = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .map_err(|_| "VmHWM is no number".to_owned())?;
    Ok(kib / 1024.0)
}
