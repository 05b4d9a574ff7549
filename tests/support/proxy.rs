//! A network path to a database server, which a test can cut and redirect.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Default)]
struct State {
    target: Mutex<String>,
    /// How many chunks still pass before one is lost with its connection; 0 and below: all pass.
    requests: AtomicI64,
    answers: AtomicI64,
    cuts: AtomicI64,
}

/// A proxy that passes everything until it is set otherwise.
#[derive(Debug, Clone)]
pub struct Proxy {
    state: Arc<State>,
    pub address: String,
}

/// The direction of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The request never arrives.
    Request,
    /// The request is carried out, and the answer is lost.
    Answer,
}

impl Proxy {
    /// * `target`: `127.0.0.1:PORT`
    pub async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State { target: Mutex::new(target.to_owned()), ..State::default() });
        let accepting = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(accepting.clone(), client));
            }
        });
        Self { state, address }
    }

    /// Redirects new connections from here on.
    pub fn lead_to(&self, target: &str) {
        *self.state.target.lock().expect("no panic") = target.to_owned();
    }

    /// Loses the chunk of that number from here on, and cuts its connection.
    pub fn lose(&self, which: Lost, number: i64) {
        let counter = match which {
            Lost::Request => &self.state.requests,
            Lost::Answer => &self.state.answers,
        };
        counter.store(number, Ordering::SeqCst);
    }

    /// How often a connection has been cut.
    pub fn cuts(&self) -> i64 {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

/// Carries one connection to its end.
async fn carry(state: Arc<State>, client: TcpStream) {
    let target = state.target.lock().expect("no panic").clone();
    // Without a server, the proxy refuses as well.
    let Ok(server) = TcpStream::connect(target).await else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(&state, &state.requests, from_client, to_server) => {}
        () = pass(&state, &state.answers, from_server, to_client) => {}
    }
}

async fn pass(state: &State, counter: &AtomicI64, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut chunk = vec![0; 1 << 16];
    loop {
        let Ok(length @ 1..) = from.read(&mut chunk).await else { return };
        // Exactly one of all connections reads 1.
        let left = counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| (left > 0).then_some(left - 1));
        if left == Ok(1) {
            state.cuts.fetch_add(1, Ordering::SeqCst);
            return;
        }
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}
