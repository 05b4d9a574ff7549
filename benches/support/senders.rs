//! Senders that cost next to nothing: requests written out before the clock starts, over connections that stay open,
//! from one thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Failure;

/// What sending cost.
#[derive(Debug, Clone)]
pub struct Sent {
    pub per_second: f64,
    /// From the request's first byte to the answer's last.
    pub median: Duration,
    pub p99: Duration,
}

/// Sends requests from this many clients at once, each waiting for its answer; every answer must be `200`. The first
/// `warm_up` of them are sent before the clock starts.
pub fn send(address: &str, requests: Vec<Vec<u8>>, warm_up: usize, clients: usize) -> Result<Sent, Failure> {
    let address = address.to_owned();
    let sending = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let requests = Arc::new(requests);
            let next = Arc::new(AtomicUsize::new(0));
            run(&address, &requests, &next, warm_up, clients).await?;
            next.store(warm_up, Ordering::Relaxed);
            let begun = Instant::now();
            let mut latencies = run(&address, &requests, &next, requests.len(), clients).await?;
            let elapsed = begun.elapsed().as_secs_f64();
            latencies.sort();
            let at = |share: usize| latencies.get(latencies.len() * share / 100).copied().unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "a few thousand events")]
            Ok(Sent { per_second: latencies.len() as f64 / elapsed, median: at(50), p99: at(99) })
        })
    });
    sending.join().map_err(|_| "the senders panicked")?
}

async fn run(
    address: &str,
    requests: &Arc<Vec<Vec<u8>>>,
    next: &Arc<AtomicUsize>,
    end: usize,
    clients: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        sending.spawn(client(stream, requests.clone(), next.clone(), end));
    }
    let mut latencies = Vec::with_capacity(end);
    while let Some(sent) = sending.join_next().await {
        latencies.extend(sent??);
    }
    Ok(latencies)
}

async fn client(
    mut stream: TcpStream,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    end: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut latencies = Vec::new();
    let mut answer = Vec::with_capacity(4096);
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)..end).and_then(<[_]>::first) {
        let begun = Instant::now();
        stream.write_all(request).await?;
        answer.clear();
        while !is_whole(&answer)? {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err("the service hung up".into());
            }
        }
        latencies.push(begun.elapsed());
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            return Err(format!("not taken: {}", String::from_utf8_lossy(&answer)).into());
        }
    }
    Ok(latencies)
}

/// Whether an answer is complete.
fn is_whole(answer: &[u8]) -> Result<bool, Failure> {
    const LENGTH: &[u8] = b"content-length: ";
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(false) };
    let length = answer.get(..head).unwrap_or_default();
    let length =
        length.split(|byte| *byte == b'\n').find(|line| line.starts_with(LENGTH)).ok_or("an endless answer")?;
    let length: usize = std::str::from_utf8(length.get(LENGTH.len()..).unwrap_or_default())?.trim().parse()?;
    Ok(answer.len() >= head + 4 + length)
}
