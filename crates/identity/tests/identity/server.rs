//! A small HTTP server in the place of an issuer, which can fail in the ways that real ones do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What a path answers.
#[derive(Clone)]
pub(crate) enum Answer {
    /// 200 with this document.
    Json(Value),
    /// This status with a body that would be right.
    Status(u16, Value),
    /// A redirect.
    Redirect(String),
    /// 200 and bytes without end.
    Endless,
    /// Accepts and never answers.
    Silence,
    /// 200 after a pause.
    Slow(Duration, Value),
}

/// The server; stops with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let answers: Arc<Mutex<HashMap<String, Answer>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (for_task, log) = (Arc::clone(&answers), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (answers, log) = (Arc::clone(&for_task), Arc::clone(&log));
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        let mut byte = [0; 1];
                        if socket.read_exact(&mut byte).await.is_err() {
                            return;
                        }
                        request.push(byte[0]);
                    }
                    let request = String::from_utf8(request).expect("text");
                    let path = request.split(' ').nth(1).expect("a path").to_owned();
                    log.lock().expect("log").push(path.clone());
                    let answer = answers.lock().expect("answers").get(&path).cloned();
                    // The client may hang up at any time; that is its right.
                    let _ = respond(&mut socket, answer).await;
                });
            }
        });
        Self {
            address,
            answers,
            asked,
        }
    }

    pub(crate) fn set(&self, path: &str, answer: Answer) {
        self.answers.lock().expect("answers").insert(path.to_owned(), answer);
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.asked
            .lock()
            .expect("log")
            .iter()
            .filter(|asked| *asked == path)
            .count()
    }
}

async fn respond(socket: &mut tokio::net::TcpStream, answer: Option<Answer>) -> std::io::Result<()> {
    let (status, extra, body) = match answer {
        None => (404, String::new(), String::new()),
        Some(Answer::Json(body)) => (200, String::new(), body.to_string()),
        Some(Answer::Status(status, body)) => (status, String::new(), body.to_string()),
        Some(Answer::Redirect(to)) => (302, format!("location: {to}\r\n"), String::new()),
        Some(Answer::Slow(pause, body)) => {
            tokio::time::sleep(pause).await;
            (200, String::new(), body.to_string())
        }
        Some(Answer::Silence) => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            return Ok(());
        }
        Some(Answer::Endless) => {
            socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n")
                .await?;
            loop {
                socket.write_all(&[b' '; 8192]).await?;
            }
        }
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{extra}\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await
}
