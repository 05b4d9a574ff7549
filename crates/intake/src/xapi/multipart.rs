//! Statements with the content of their attachments: `multipart/mixed` (Communication 1.5.2; RFC 2046, section 5.1).
//!
//! The first part is the statements as JSON; each other part is one content, known by its hash. [`parse`] takes a body
//! apart without copying it, [`check`] compares the parts with what the statements say, and [`write`] makes such a
//! body.

mod check;
mod headers;
mod write;

use memchr::memmem;

pub use self::check::check;
use self::headers::{Headers, is_blank_line_ahead};
pub use self::write::{Written, write};

/// The header with the hash of a part's content.
pub const HASH_HEADER: &str = "X-Experience-API-Hash";

/// The most parts that a body may have.
pub const MAX_PARTS: usize = 1000;
/// The most bytes that the headers of one part may have.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;
/// The longest boundary (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// A body taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart<'a> {
    /// The first part: one statement, or an array of them.
    pub statements: &'a [u8],
    pub attachments: Vec<Part<'a>>,
}

/// The content of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// In lower case, as [`super::Attachment::sha2`] is.
    pub sha2: String,
    /// `None` if the part does not say.
    pub content_type: Option<&'a str>,
    pub content: &'a [u8],
}

/// Why a body is refused, worded to stand alone. Parts are counted from 1, the statements being the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MultipartFault {
    #[error("the Content-Type is not multipart/mixed with a boundary: send multipart/mixed; boundary=…")]
    NoBoundary,
    #[error(
        "the body does not begin with the boundary that Content-Type names: send --boundary before each part, with lines that end in CR LF"
    )]
    NoParts,
    #[error("part {part} does not end: send --boundary-- behind the last part")]
    Unfinished { part: usize },
    #[error("the body has more than {MAX_PARTS} parts: send fewer statements at a time")]
    TooManyParts,
    #[error("the headers of part {part} do not end within {MAX_HEADER_BYTES} bytes: send an empty line behind them")]
    EndlessHeaders { part: usize },
    #[error("the headers of part {part} are not lines of a name, a colon and a value: send them so")]
    MalformedHeaders { part: usize },
    #[error("part 1 is not application/json: send the statements in the first part, as application/json")]
    FirstIsNotJson,
    #[error("part {part} has no {HASH_HEADER}: send the SHA-2 of its content in hexadecimal")]
    NoHash { part: usize },
    #[error("part {part} has a {HASH_HEADER} that is no SHA-2 in hexadecimal: send 64 digits of SHA-256")]
    NotAHash { part: usize },
    #[error("part {part} does not say Content-Transfer-Encoding: binary: send that header, and the content as it is")]
    NotBinary { part: usize },
    #[error("part {part} has a Content-Type that is no media type: send one such as application/pdf, or leave it out")]
    NotAMediaType { part: usize },
    #[error(
        "the content of part {part} has not the hash that its {HASH_HEADER} says: send the content unchanged, or its own hash"
    )]
    WrongHash { part: usize },
    #[error(
        "part {part} is the content of no attachment: send the sha2 of each part in a statement's attachments, or leave the part out"
    )]
    Unused { part: usize },
    #[error("{pointer} has neither its content in a part nor a fileUrl: send the part with this sha2, or a fileUrl")]
    NoContent {
        /// Of the attachment, from the statement on: `/attachments/0`.
        pointer: String,
        /// Which statement of the body, from 0.
        index: usize,
    },
    #[error("{pointer} says a length of {said} bytes, and its content has {actual}: send the length of the content")]
    WrongLength { pointer: String, index: usize, said: u64, actual: usize },
}

/// Whether a body comes in parts (RFC 2046).
#[must_use]
pub fn is_multipart(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/mixed")
}

/// Takes a body apart.
///
/// * `content_type`: the request's header.
pub fn parse<'a>(content_type: &str, body: &'a [u8]) -> Result<Multipart<'a>, MultipartFault> {
    let boundary = headers::boundary(content_type).ok_or(MultipartFault::NoBoundary)?;
    let mut borders = Borders::new(&boundary, body);
    borders.begin().ok_or(MultipartFault::NoParts)?;
    let (headers, statements) = borders.part(1)?;
    if !headers.content_type.is_some_and(headers::is_json) {
        return Err(MultipartFault::FirstIsNotJson);
    }
    let mut attachments = Vec::new();
    while !borders.at_end {
        let part = attachments.len() + 2;
        if part > MAX_PARTS {
            return Err(MultipartFault::TooManyParts);
        }
        let (headers, content) = borders.part(part)?;
        attachments.push(attachment(part, &headers, content)?);
    }
    Ok(Multipart { statements, attachments })
}

fn attachment<'a>(part: usize, headers: &Headers<'a>, content: &'a [u8]) -> Result<Part<'a>, MultipartFault> {
    let hash = headers.hash.ok_or(MultipartFault::NoHash { part })?;
    if !super::forms::is_sha2(hash) {
        return Err(MultipartFault::NotAHash { part });
    }
    if !headers.transfer_encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("binary")) {
        return Err(MultipartFault::NotBinary { part });
    }
    if !headers.content_type.is_none_or(super::forms::is_media_type) {
        return Err(MultipartFault::NotAMediaType { part });
    }
    Ok(Part { sha2: hash.to_ascii_lowercase(), content_type: headers.content_type, content })
}

/// What of a body is still to be read.
struct Borders<'a> {
    /// `CR LF -- boundary`.
    border: memmem::Finder<'static>,
    rest: &'a [u8],
    /// The border behind the last part has been read.
    at_end: bool,
}

impl<'a> Borders<'a> {
    fn new(boundary: &str, body: &'a [u8]) -> Self {
        let border = memmem::Finder::new(&format!("\r\n--{boundary}")).into_owned();
        Self { border, rest: body, at_end: false }
    }

    /// Goes to the first part: over the border at the very front, or over what is before it, which means nothing.
    fn begin(&mut self) -> Option<()> {
        let without_line_break = self.border.needle().get(2..)?;
        match self.rest.strip_prefix(without_line_break).and_then(after_border) {
            Some((rest, false)) => self.rest = rest,
            _ => {
                self.next_border().filter(|_| !self.at_end)?;
            }
        }
        Some(())
    }

    /// What is before the next border; continues after it.
    fn next_border(&mut self) -> Option<&'a [u8]> {
        let mut from = 0;
        loop {
            let start = from + self.border.find(self.rest.get(from..)?)?;
            let end = start + self.border.needle().len();
            // A line may begin as a border does and go on as something else.
            if let Some((rest, at_end)) = after_border(self.rest.get(end..)?) {
                let before = self.rest.get(..start)?;
                self.rest = rest;
                self.at_end = at_end;
                return Some(before);
            }
            from = end;
        }
    }

    /// The headers and the content of the next part.
    fn part(&mut self, part: usize) -> Result<(Headers<'a>, &'a [u8]), MultipartFault> {
        let whole = self.next_border().ok_or(MultipartFault::Unfinished { part })?;
        let (headers, content) = if is_blank_line_ahead(whole) {
            (&[][..], whole.get(2..).unwrap_or_default())
        } else {
            let head = whole.get(..MAX_HEADER_BYTES).unwrap_or(whole);
            let end = memmem::find(head, b"\r\n\r\n").ok_or(MultipartFault::EndlessHeaders { part })?;
            (whole.get(..end).unwrap_or_default(), whole.get(end + 4..).unwrap_or_default())
        };
        let headers = Headers::parse(headers).ok_or(MultipartFault::MalformedHeaders { part })?;
        Ok((headers, content))
    }
}

/// What follows a border, and whether the border was the last: `--`, or padding and the end of the line.
fn after_border(rest: &[u8]) -> Option<(&[u8], bool)> {
    if let Some(rest) = rest.strip_prefix(b"--") {
        return Some((rest, true));
    }
    let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let rest = rest.get(padding..)?.strip_prefix(b"\r\n")?;
    Some((rest, false))
}

#[cfg(test)]
mod tests;
