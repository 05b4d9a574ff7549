//! The grammar of RFC 8259, in one pass and without recursion.

use super::{Kind, MAX_DEPTH, Malformed, Node};

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// A value, or the end of an array that has none.
    FirstElement,
    /// A name, or the end of an object that has none.
    FirstName,
    Name,
    /// A comma, or the end of what is open.
    More,
}

/// The places of all values, in the order of the text.
pub(super) fn nodes(text: &str) -> Result<Vec<Node>, Malformed> {
    if u32::try_from(text.len()).is_err() {
        return Err(Malformed::TooLong);
    }
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    // About one value in twelve bytes is what statements have.
    let mut parser = Parser { bytes: text.as_bytes(), at: start, nodes: Vec::with_capacity(text.len() / 12 + 1) };
    match parser.document() {
        Ok(()) => Ok(parser.nodes),
        Err(Stop::TooDeep) => Err(Malformed::TooDeep),
        Err(Stop::Unexpected) => {
            let before = parser.bytes.get(..parser.at).unwrap_or(parser.bytes);
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            Err(Malformed::NotJson { line, column })
        }
    }
}

enum Stop {
    Unexpected,
    TooDeep,
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), Stop> {
        // The places of the objects and arrays that are open.
        let mut open: Vec<usize> = Vec::with_capacity(16);
        let mut next = Next::Value;
        loop {
            self.skip_space();
            let byte = self.peek().ok_or(Stop::Unexpected)?;
            match (next, byte) {
                (Next::FirstElement, b']') | (Next::FirstName, b'}') | (Next::More, b']' | b'}') => {
                    self.at += 1;
                    self.close(open.pop(), byte)?;
                    next = Next::More;
                }
                (Next::More, b',') => {
                    self.at += 1;
                    next = if self.is_object(open.last()) { Next::Name } else { Next::Value };
                }
                (Next::FirstName | Next::Name, b'"') => {
                    self.text()?;
                    self.skip_space();
                    self.take(b':')?;
                    next = Next::Value;
                }
                (Next::Value | Next::FirstElement, b'{' | b'[') => {
                    if open.len() >= MAX_DEPTH {
                        return Err(Stop::TooDeep);
                    }
                    open.push(self.nodes.len());
                    let start = self.at;
                    self.at += 1;
                    let kind = if byte == b'{' { Kind::Object } else { Kind::Array };
                    self.push(kind, false, start);
                    next = if byte == b'{' { Next::FirstName } else { Next::FirstElement };
                }
                (Next::Value | Next::FirstElement, _) => {
                    self.scalar(byte)?;
                    next = Next::More;
                }
                _ => return Err(Stop::Unexpected),
            }
            if next == Next::More && open.is_empty() {
                self.skip_space();
                return if self.at == self.bytes.len() { Ok(()) } else { Err(Stop::Unexpected) };
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Stop::Unexpected)
        }
    }

    fn is_object(&self, place: Option<&usize>) -> bool {
        place.and_then(|place| self.nodes.get(*place)).is_some_and(|node| node.kind == Kind::Object)
    }

    /// Ends the object or array that was opened last, if the bracket is its own.
    fn close(&mut self, place: Option<usize>, bracket: u8) -> Result<(), Stop> {
        let (end, next) = (self.place(self.at), self.place(self.nodes.len()));
        let node = place.and_then(|place| self.nodes.get_mut(place));
        let fitting = node.filter(|node| (node.kind == Kind::Object) == (bracket == b'}'));
        if let Some(node) = fitting {
            node.end = end;
            node.next = next;
            Ok(())
        } else {
            self.at -= 1;
            Err(Stop::Unexpected)
        }
    }

    /// The text is shorter than `u32::MAX` bytes, and has no more values than bytes.
    fn place(&self, at: usize) -> u32 {
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Notes a value that began at `start` and ends here.
    fn push(&mut self, kind: Kind, escaped: bool, start: usize) {
        let (start, end, next) = (self.place(start), self.place(self.at), self.place(self.nodes.len() + 1));
        self.nodes.push(Node { kind, escaped, start, end, next });
    }

    fn scalar(&mut self, first: u8) -> Result<(), Stop> {
        match first {
            b'"' => self.text(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true", Kind::True),
            b'f' => self.word(b"false", Kind::False),
            b'n' => self.word(b"null", Kind::Null),
            _ => Err(Stop::Unexpected),
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), Stop> {
        let start = self.at;
        for byte in word {
            self.take(*byte)?;
        }
        self.push(kind, false, start);
        Ok(())
    }

    fn text(&mut self) -> Result<(), Stop> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.peek().ok_or(Stop::Unexpected)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                                    return Err(Stop::Unexpected);
                                }
                                self.at += 1;
                            }
                        }
                        _ => return Err(Stop::Unexpected),
                    }
                }
                0..=0x1f => return Err(Stop::Unexpected),
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.push(Kind::Text, escaped, start);
        Ok(())
    }

    fn number(&mut self) -> Result<(), Stop> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(Kind::Number, false, start);
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Stop> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(Stop::Unexpected);
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }
}
