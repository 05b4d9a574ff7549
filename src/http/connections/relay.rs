//! One connection: its bytes to the server behind and back, and the time that its sender has.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rocket::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, sleep_until, timeout};

use super::framing::Framing;
use super::waiting::{Place, Waiting};
use super::{Addresses, Limits};
use crate::http::problem::Problem;

/// How much is read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// The server behind gets a request only when this much of it, or all of it, has arrived: slow senders cost it nothing.
const HELD_BACK_BYTES: usize = 16 * 1024;

/// An answered connection without a byte for this long counts as waiting for its client.
const QUIET: Duration = Duration::from_secs(1);

/// How long an answer may pause to a client that has closed its side.
const ANSWERED: Duration = Duration::from_millis(100);

/// How long, and how much, is still read from a sender that was answered before it had sent all, so that it receives
/// the answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// A connection and its limits.
pub struct Relay<'a> {
    pub limits: &'a Limits,
    pub waiting: &'a Waiting,
    pub addresses: &'a Addresses,
    pub behind: SocketAddr,
    pub stopped: Shutdown,
}

/// How far the requests and answers of a connection are.
struct Progress {
    framing: Framing,
    /// The first byte of the current request, or the start of the connection.
    began: Instant,
    /// The last byte of a request or an answer.
    last: Instant,
    /// Bytes of the current request.
    bytes: u64,
    /// Whether no byte of a request has arrived.
    is_new: bool,
    /// Whether whole requests wait for the first byte of an answer.
    is_unanswered: bool,
    /// Whether the current request was answered before it was whole.
    is_answered_early: bool,
}

/// What ended the wait for bytes.
enum Woken {
    Sender(io::Result<usize>),
    Taken(io::Result<usize>),
    Answer(io::Result<usize>),
    TooLate,
    MustClose,
}

impl Relay<'_> {
    /// Carries a connection to its end. An error means that the connection is gone.
    pub async fn run(&self, client: TcpStream, address: SocketAddr) -> io::Result<()> {
        client.set_nodelay(true)?;
        let (mut from_client, mut to_client) = client.into_split();
        let mut place = self.waiting.place();
        let mut progress = Progress::begin();
        let mut pending = Vec::with_capacity(CHUNK_BYTES);
        // The server behind does not know of the connection until there is a request to forward.
        let held_back = self.hold_back(&mut from_client, &mut pending, &mut progress, &place).await?;
        let mut behind = match held_back {
            ToServer::Ready => match Behind::connect(self.behind, self.addresses, address).await {
                Ok(behind) => behind,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted: the service's own address could not be reached");
                    return say(to_client, from_client, &Problem::unavailable(1)).await;
                }
            },
            ToServer::TooLate if progress.may_be_answered() => {
                return say(to_client, from_client, &self.too_slow()).await;
            }
            ToServer::TooLate | ToServer::Closed => return Ok(()),
        };
        let ends = Ends { from_client: &mut from_client, to_client: &mut to_client, behind: &mut behind };
        self.carry(ends, pending, &mut progress, &mut place).await?;
        linger(to_client, from_client).await
    }

    /// Reads until the first request is whole, or so long that it is forwarded as it arrives.
    async fn hold_back(
        &self,
        from_client: &mut OwnedReadHalf,
        pending: &mut Vec<u8>,
        progress: &mut Progress,
        place: &Place<'_>,
    ) -> io::Result<ToServer> {
        let stopped = self.stopped.clone();
        let mut stopped = std::pin::pin!(stopped);
        loop {
            let deadline = progress.deadline(self.limits, false);
            let read = tokio::select! {
                biased;
                read = from_client.read_buf(pending) => read?,
                () = until(deadline) => return Ok(ToServer::TooLate),
                () = place.must_close() => return Ok(ToServer::Closed),
                () = &mut stopped => return Ok(ToServer::Closed),
            };
            if read == 0 {
                return Ok(if pending.is_empty() { ToServer::Closed } else { ToServer::Ready });
            }
            let earlier = pending.len().saturating_sub(read);
            progress.received(pending.get(earlier..).unwrap_or_default());
            let is_ready = progress.is_unanswered
                || progress.framing.is_broken()
                || progress.framing.expects_continue()
                || pending.len() >= HELD_BACK_BYTES;
            if is_ready {
                return Ok(ToServer::Ready);
            }
        }
    }

    /// Carries bytes both ways until one side is done.
    async fn carry(
        &self,
        ends: Ends<'_, '_>,
        mut pending: Vec<u8>,
        progress: &mut Progress,
        place: &mut Place<'_>,
    ) -> io::Result<()> {
        let Ends { from_client, to_client, behind } = ends;
        let (mut piece, mut answer) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
        // Whether the client may still send, whether the server behind still takes it, and whether it hears of the end.
        let (mut is_open, mut is_taken, mut is_over) = (true, true, false);
        if !progress.framing.is_partial() {
            place.work();
        }
        loop {
            let is_held_up = !pending.is_empty();
            let quiet = progress.last + QUIET;
            let deadline = progress.deadline(self.limits, is_held_up);
            let deadline = if place.waits() { deadline } else { deadline.map(|deadline| deadline.min(quiet)) };
            // A client that closed its side before it was answered gets its answer; then the connection ends.
            let deadline = if is_open { deadline } else { (!progress.is_unanswered).then(|| progress.last + ANSWERED) };
            let woken = tokio::select! {
                read = behind.answers.read(&mut answer) => Woken::Answer(read),
                taken = behind.requests.write(&pending), if is_held_up => Woken::Taken(taken),
                read = from_client.read(&mut piece), if is_open && pending.len() < HELD_BACK_BYTES => Woken::Sender(read),
                () = until(deadline) => Woken::TooLate,
                () = place.must_close() => Woken::MustClose,
            };
            match woken {
                Woken::Answer(read) => {
                    // The server ended, or reset because it had not read all. What it answered before was carried.
                    let Ok(read @ 1..) = read else { return Ok(()) };
                    timeout(self.limits.unread, to_client.write_all(answer.get(..read).unwrap_or_default())).await??;
                    progress.answered();
                }
                Woken::Taken(Ok(taken @ 1..)) => {
                    pending.drain(..taken);
                    if pending.is_empty() {
                        progress.caught_up();
                    }
                }
                // It reads no more of this request: it has answered or will answer, and then it closes.
                Woken::Taken(_) => {
                    is_taken = false;
                    pending.clear();
                }
                Woken::Sender(read) => {
                    let received = piece.get(..read?).unwrap_or_default();
                    is_open = !received.is_empty();
                    // The server behind gives up what it works on if it hears that the client has closed its side.
                    is_over = !is_open && !progress.is_unanswered;
                    progress.received(received);
                    if is_taken {
                        pending.extend(received);
                    }
                    if progress.framing.is_partial() { place.wait() } else { place.work() }
                }
                Woken::TooLate if !is_open => return Ok(()),
                Woken::TooLate if !place.waits() => place.wait(),
                Woken::TooLate => {
                    if progress.may_be_answered() {
                        timeout(self.limits.unread, to_client.write_all(&self.too_slow().as_connection_bytes()))
                            .await??;
                    }
                    return Ok(());
                }
                Woken::MustClose => return Ok(()),
            }
            if is_over && is_taken && pending.is_empty() {
                behind.requests.shutdown().await?;
                is_taken = false;
            }
        }
    }

    fn too_slow(&self) -> Problem {
        Problem::request_timeout(self.limits.request, self.limits.slowest)
    }
}

/// Both sides of a connection.
struct Ends<'e, 'a> {
    from_client: &'e mut OwnedReadHalf,
    to_client: &'e mut OwnedWriteHalf,
    behind: &'e mut Behind<'a>,
}

/// What became of a connection before the server behind knows of it.
enum ToServer {
    Ready,
    TooLate,
    Closed,
}

impl Progress {
    fn begin() -> Self {
        let now = Instant::now();
        Self {
            framing: Framing::default(),
            began: now,
            last: now,
            bytes: 0,
            is_new: true,
            is_unanswered: false,
            is_answered_early: false,
        }
    }

    /// Records bytes from the sender. Empty lines between requests count for nothing.
    fn received(&mut self, bytes: &[u8]) {
        let was_partial = self.framing.is_partial();
        let whole = self.framing.feed(bytes);
        let is_partial = self.framing.is_partial();
        if whole == 0 && !is_partial {
            return;
        }
        let now = Instant::now();
        if is_partial && (whole > 0 || !was_partial) {
            (self.began, self.bytes, self.is_answered_early) = (now, 0, false);
        }
        (self.last, self.is_new) = (now, false);
        self.bytes += bytes.len() as u64;
        self.is_unanswered |= whole > 0;
    }

    /// The server behind has read all that arrived. While it reads nothing, the sender is not late.
    fn caught_up(&mut self) {
        let now = Instant::now();
        self.began += now.saturating_duration_since(self.last);
        self.last = now;
    }

    fn answered(&mut self) {
        let is_early = self.framing.is_partial() && !self.is_unanswered && !self.framing.expects_continue();
        self.is_answered_early |= is_early;
        self.is_unanswered = false;
        self.last = Instant::now();
    }

    /// Whether it is the sender's turn, and it may be answered that it takes too long.
    const fn may_be_answered(&self) -> bool {
        self.framing.is_partial() && !self.is_unanswered && !self.is_answered_early
    }

    /// When the sender must have sent more; `None` if the connection does not wait for the sender.
    fn deadline(&self, limits: &Limits, is_held_up: bool) -> Option<Instant> {
        if self.framing.is_partial() {
            let earned = Duration::from_secs(self.bytes / limits.slowest);
            let earned = if self.framing.is_in_head() { Duration::ZERO } else { earned };
            let on_average = self.began + limits.request + earned;
            return (!is_held_up).then(|| on_average.min(self.last + limits.request));
        }
        if self.is_new || self.framing.is_broken() {
            return Some(self.last + limits.request);
        }
        (!self.is_unanswered).then(|| self.last + limits.idle)
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The connection to the server behind. The server finds a request's client by its port.
struct Behind<'a> {
    requests: OwnedWriteHalf,
    answers: OwnedReadHalf,
    addresses: &'a Addresses,
    port: u16,
}

impl<'a> Behind<'a> {
    async fn connect(behind: SocketAddr, addresses: &'a Addresses, client: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(behind).await?;
        stream.set_nodelay(true)?;
        let port = stream.local_addr()?.port();
        addresses.remember(port, client);
        let (answers, requests) = stream.into_split();
        Ok(Self { requests, answers, addresses, port })
    }
}

impl Drop for Behind<'_> {
    fn drop(&mut self) {
        self.addresses.forget(self.port);
    }
}

/// Answers what is wrong, and ends the connection.
async fn say(mut to_client: OwnedWriteHalf, from_client: OwnedReadHalf, problem: &Problem) -> io::Result<()> {
    timeout(LINGER, to_client.write_all(&problem.as_connection_bytes())).await??;
    linger(to_client, from_client).await
}

/// Ends a connection so that the client receives the answer: a sender that is still sending would get a reset instead.
async fn linger(mut to_client: OwnedWriteHalf, mut from_client: OwnedReadHalf) -> io::Result<()> {
    to_client.shutdown().await?;
    let drained = async {
        let (mut piece, mut left) = (vec![0; CHUNK_BYTES], LINGER_BYTES);
        while left > 0 {
            match from_client.read(&mut piece).await {
                Ok(read @ 1..) => left = left.saturating_sub(read),
                _ => break,
            }
        }
    };
    // A client that is not done by then loses the rest.
    drop(timeout(LINGER, drained).await);
    Ok(())
}
