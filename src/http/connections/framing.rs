//! Where a request ends on a connection (RFC 9112, sections 2, 6 and 7.1): enough to know whether its sender still owes
//! bytes.
//!
//! It decides nothing about the request and changes nothing in it: the server behind parses the same bytes itself. So a
//! disagreement about where a request ends costs time at most; one request is never taken for two.

/// The largest head, in bytes; the server behind accepts no more either.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The most header fields; the server behind has the same limit.
const MAX_FIELDS: usize = 100;

/// How far a connection's requests have arrived.
#[derive(Debug, Default)]
pub struct Framing {
    state: State,
    expects_continue: bool,
}

#[derive(Debug, Default)]
enum State {
    /// No byte of a next request has arrived, except for empty lines (RFC 9112, section 2.2).
    #[default]
    Between,
    Head(Head),
    Body {
        left: u64,
    },
    Chunked(Chunk),
    /// Not a request that can be followed. The server behind answers what is wrong, and closes.
    Broken,
}

/// The bytes of a head so far, and whether its last line is empty so far.
#[derive(Debug)]
struct Head {
    bytes: Vec<u8>,
    at_line_start: bool,
}

/// A place in a chunked body (RFC 9112, section 7.1).
#[derive(Debug, Clone, Copy)]
enum Chunk {
    Size {
        size: u64,
        has_digits: bool,
    },
    /// What follows the size, to the end of its line.
    Extension {
        size: u64,
    },
    Data {
        left: u64,
    },
    /// The line's end after a chunk's data.
    DataEnd,
    Trailer {
        is_empty: bool,
    },
}

/// What the head says about the body.
#[derive(Debug, PartialEq, Eq)]
enum Follows {
    Nothing,
    Bytes(u64),
    Chunks,
    Unknown,
}

impl Framing {
    /// Follows bytes in the order of arrival; returns how many requests became whole.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        let (mut rest, mut whole) = (bytes, 0);
        while !rest.is_empty() && !self.is_broken() {
            let (taken, is_whole) = self.step(rest);
            rest = rest.get(taken..).unwrap_or_default();
            whole += usize::from(is_whole);
        }
        whole
    }

    /// Whether a request has arrived in part.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        matches!(self.state, State::Head(_) | State::Body { .. } | State::Chunked(_))
    }

    /// Whether the head of the current request is still missing or incomplete.
    #[must_use]
    pub const fn is_in_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }

    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self.state, State::Broken)
    }

    /// Whether the sender waits for `100 Continue` before it sends its body (RFC 9110, section 10.1.1).
    #[must_use]
    pub const fn expects_continue(&self) -> bool {
        self.expects_continue && matches!(self.state, State::Body { .. } | State::Chunked(_))
    }

    /// Consumes at least one byte; returns how many, and whether they completed a request.
    fn step(&mut self, bytes: &[u8]) -> (usize, bool) {
        match &mut self.state {
            State::Between => {
                let empty = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                if empty < bytes.len() {
                    self.state = State::Head(Head { bytes: Vec::new(), at_line_start: false });
                }
                (empty, false)
            }
            State::Head(head) => {
                let taken = head.take(bytes);
                if head.bytes.len() > MAX_HEAD_BYTES {
                    self.state = State::Broken;
                    return (taken, false);
                }
                if !head.is_whole() {
                    return (taken, false);
                }
                let (follows, expects_continue) = follows(&head.bytes);
                self.expects_continue = expects_continue;
                self.state = match follows {
                    Follows::Nothing => State::Between,
                    Follows::Bytes(left) => State::Body { left },
                    Follows::Chunks => State::Chunked(Chunk::Size { size: 0, has_digits: false }),
                    Follows::Unknown => State::Broken,
                };
                (taken, matches!(self.state, State::Between))
            }
            State::Body { left } => {
                let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= taken as u64;
                let is_whole = *left == 0;
                if is_whole {
                    self.state = State::Between;
                }
                (taken, is_whole)
            }
            State::Chunked(chunk) => match chunk.step(bytes) {
                Some((taken, Some(next))) => {
                    *chunk = next;
                    (taken, false)
                }
                Some((taken, None)) => {
                    self.state = State::Between;
                    (taken, true)
                }
                None => {
                    self.state = State::Broken;
                    (bytes.len(), false)
                }
            },
            State::Broken => (bytes.len(), false),
        }
    }
}

impl Head {
    /// Consumes bytes up to and including the empty line that ends a head.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for byte in bytes {
            taken += 1;
            match byte {
                b'\n' if self.at_line_start => {
                    self.bytes.extend(bytes.iter().take(taken));
                    self.bytes.push(b'\n'); // marks the end, whether the line before it ended in CR LF or LF
                    return taken;
                }
                b'\n' => self.at_line_start = true,
                b'\r' => {}
                _ => self.at_line_start = false,
            }
        }
        self.bytes.extend(bytes);
        taken
    }

    fn is_whole(&self) -> bool {
        self.at_line_start && (self.bytes.ends_with(b"\n\n"))
    }
}

impl Chunk {
    /// Consumes at least one byte. Returns the next place; no place if the body is whole; `None` if the body is not
    /// chunked properly.
    fn step(self, bytes: &[u8]) -> Option<(usize, Option<Self>)> {
        if let Self::Data { left } = self {
            let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let left = left - taken as u64;
            return Some((taken, Some(if left == 0 { Self::DataEnd } else { Self::Data { left } })));
        }
        let after_size = |size| if size == 0 { Self::Trailer { is_empty: true } } else { Self::Data { left: size } };
        let byte = *bytes.first()?;
        let next = match (self, byte) {
            (Self::Size { size, .. }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = u64::from(char::from(byte).to_digit(16)?);
                Self::Size { size: size.checked_mul(16)?.checked_add(digit)?, has_digits: true }
            }
            (Self::Size { size, has_digits: true } | Self::Extension { size }, b'\n') => after_size(size),
            (Self::Size { size, has_digits: true } | Self::Extension { size }, _) => Self::Extension { size },
            (Self::Size { has_digits: false, .. }, _) => return None,
            (Self::DataEnd, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::Size { size: 0, has_digits: false },
            (Self::DataEnd, _) => return None,
            (Self::Trailer { is_empty: true }, b'\n') => return Some((1, None)),
            (Self::Trailer { .. }, b'\n') => Self::Trailer { is_empty: true },
            (Self::Trailer { is_empty }, b'\r') => Self::Trailer { is_empty },
            (Self::Trailer { .. }, _) => Self::Trailer { is_empty: false },
            (Self::Data { .. }, _) => return None,
        };
        Some((1, Some(next)))
    }
}

/// What follows a whole head, and whether its sender waits for `100 Continue`.
fn follows(head: &[u8]) -> (Follows, bool) {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    if !matches!(request.parse(head), Ok(httparse::Status::Complete(_))) {
        return (Follows::Unknown, false);
    }
    let values = |name: &'static str| {
        request.headers.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    };
    let expects_continue = values("expect").any(|value| value.eq_ignore_ascii_case(b"100-continue"));
    let is_coded = values("transfer-encoding").next().is_some();
    let lengths: Option<Vec<u64>> = values("content-length").map(length).collect();
    let follows = match lengths.as_deref() {
        // A length in addition to chunks is not to be trusted (RFC 9112, section 6.3): chunks take precedence.
        _ if is_coded && values("transfer-encoding").any(ends_chunked) => Follows::Chunks,
        _ if is_coded => Follows::Unknown,
        None => Follows::Unknown,
        Some([]) => Follows::Nothing,
        Some([first, others @ ..]) if others.iter().all(|other| other == first) => match first {
            0 => Follows::Nothing,
            bytes => Follows::Bytes(*bytes),
        },
        Some(_) => Follows::Unknown,
    };
    (follows, expects_continue)
}

fn length(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn ends_chunked(value: &[u8]) -> bool {
    value.rsplit(|byte| *byte == b',').next().is_some_and(|last| last.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "POST /webhooks/larportal HTTP/1.1\r\nhost: localhost\r\n";

    fn requests() -> Vec<String> {
        vec![
            format!("{HEAD}\r\n"),
            "GET / HTTP/1.0\nHost: x\n\n".to_owned(),
            format!("{HEAD}content-length: 5\r\n\r\nhello"),
            format!("{HEAD}Content-Length: 0\r\n\r\n"),
            format!("{HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            format!("{HEAD}transfer-encoding: gzip, Chunked\r\n\r\nA;x=y\r\n0\r\n\r\n01234\r\n000\r\nt: 1\r\n\r\n"),
            format!("{HEAD}content-length: 3\r\ncontent-length: 3\r\n\r\nabc"),
        ]
    }

    proptest! {
        #[test]
        fn requests_are_counted_however_their_bytes_are_cut(
            order in prop::collection::vec(0usize..7, 1..6),
            cuts in prop::collection::vec(1usize..40, 1..60),
        ) {
            let requests = requests();
            let bytes: String = order.iter().map(|place| requests[*place].as_str()).collect();
            let (mut framing, mut whole, mut rest) = (Framing::default(), 0, bytes.as_bytes());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, others) = rest.split_at((*cut).min(rest.len()));
                whole += framing.feed(piece);
                rest = others;
            }
            prop_assert_eq!(whole, order.len());
            prop_assert!(!framing.is_partial() && !framing.is_broken());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut framing = Framing::default();
            framing.feed(HEAD.as_bytes());
            framing.feed(b"transfer-encoding: chunked\r\n\r\n");
            framing.feed(&bytes);
        }

        #[test]
        fn a_request_that_lacks_its_last_byte_is_not_whole(place in 0usize..7) {
            let request = requests()[place].clone();
            let mut framing = Framing::default();
            prop_assert_eq!(framing.feed(&request.as_bytes()[..request.len() - 1]), 0);
            prop_assert!(framing.is_partial());
            prop_assert_eq!(framing.feed(&request.as_bytes()[request.len() - 1..]), 1);
        }
    }

    #[test]
    fn what_cannot_be_followed_is_said_so() {
        for broken in [
            format!("{HEAD}content-length: 3\r\ncontent-length: 4\r\n\r\n"),
            format!("{HEAD}content-length: -1\r\n\r\n"),
            format!("{HEAD}content-length: 99999999999999999999\r\n\r\n"),
            format!("{HEAD}transfer-encoding: gzip\r\n\r\n"),
            format!("{HEAD}transfer-encoding: chunked\r\n\r\nxyz\r\n"),
            format!("{HEAD}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
            "\u{1}\u{2} what\r\n\r\n".to_owned(),
            format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(MAX_HEAD_BYTES / 6)),
        ] {
            let mut framing = Framing::default();
            assert_eq!(framing.feed(broken.as_bytes()), 0, "{broken:.80}");
            assert!(framing.is_broken(), "{broken:.80}");
        }
    }

    #[test]
    fn a_sender_that_waits_to_be_told_to_go_on_is_seen() {
        let mut framing = Framing::default();
        framing.feed(format!("{HEAD}content-length: 5\r\nExpect: 100-Continue\r\n\r\n").as_bytes());
        assert!(framing.expects_continue() && framing.is_partial() && !framing.is_in_head());
        framing.feed(b"hello");
        assert!(!framing.expects_continue());
    }
}
