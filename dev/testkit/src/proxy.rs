//! A wire between the server and one of its stores that can break in several ways.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What is wrong with the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Connections end as soon as they begin, and those that are open end now.
    Refuse,
    /// Nothing passes, and nothing ends.
    Hang,
    /// The other side of an HTTP conversation answers 500 to everything.
    Answer500,
}

/// A TCP proxy. It ends with the runtime that started it.
pub struct Proxy {
    address: SocketAddr,
    trouble: watch::Sender<Trouble>,
}

impl Proxy {
    /// A proxy in front of `host:port`.
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (trouble, watcher) = watch::channel(Trouble::None);
        let target = target.to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, target.clone(), watcher.clone()));
            }
        });
        Self { address, trouble }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on.
    pub fn set(&self, trouble: Trouble) {
        self.trouble.send_replace(trouble);
    }
}

async fn serve(mut client: TcpStream, target: String, mut trouble: watch::Receiver<Trouble>) {
    let now = *trouble.borrow_and_update();
    match now {
        Trouble::None => {
            let Ok(mut server) = TcpStream::connect(&target).await else {
                return;
            };
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => return,
                _ = trouble.changed() => {}
            }
            if *trouble.borrow() == Trouble::Hang {
                let _ = trouble.changed().await;
            }
        }
        Trouble::Refuse => {}
        Trouble::Hang => {
            let _ = trouble.changed().await;
        }
        Trouble::Answer500 => answer_500(&mut client).await,
    }
}

async fn answer_500(client: &mut TcpStream) {
    let mut request = vec![0; 64 * 1024];
    // What is still on its way is read first, or the answer would be lost to a reset.
    if client.read(&mut request).await.is_ok_and(|read| read > 0) {
        let answer = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = client.write_all(answer.as_bytes()).await;
        let _ = client.shutdown().await;
        while client.read(&mut request).await.is_ok_and(|read| read > 0) {}
    }
}
