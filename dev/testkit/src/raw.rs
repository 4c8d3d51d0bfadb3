//! Requests byte by byte, for what no decent client sends.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends bytes, ends the sending side if told to, and reads until the server ends. Gives the status, if there was one.
pub async fn exchange(address: &str, request: &[u8], end: bool) -> Option<u16> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // The server may have ended before everything was sent.
    let _ = stream.write_all(request).await;
    if end {
        let _ = stream.shutdown().await;
    }
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    let read = async {
        while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&piece[..count]),
            }
        }
    };
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("an answer or an end in time");
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}
