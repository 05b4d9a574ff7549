//! The headers of a part, and the boundary between parts.

use super::{HASH_HEADER, MAX_BOUNDARY};

/// The headers that say something here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Headers<'a> {
    pub(super) content_type: Option<&'a str>,
    pub(super) transfer_encoding: Option<&'a str>,
    pub(super) hash: Option<&'a str>,
}

impl<'a> Headers<'a> {
    /// Reads lines of a name, a colon and a value. `None` if a line is not one, or a header that counts is there twice.
    /// A line that begins with a space continues the one before it (RFC 5322, section 2.2.3); no header that counts
    /// needs that.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut headers = Self::default();
        for line in text.split("\r\n").filter(|line| !line.is_empty() && !line.starts_with([' ', '\t'])) {
            let (name, value) = line.split_once(':')?;
            let place = if name.eq_ignore_ascii_case("Content-Type") {
                &mut headers.content_type
            } else if name.eq_ignore_ascii_case("Content-Transfer-Encoding") {
                &mut headers.transfer_encoding
            } else if name.eq_ignore_ascii_case(HASH_HEADER) {
                &mut headers.hash
            } else {
                continue;
            };
            if place.replace(value.trim()).is_some() {
                return None;
            }
        }
        Some(headers)
    }
}

/// A part that begins with an empty line has no headers.
pub(super) fn is_blank_line_ahead(part: &[u8]) -> bool {
    part.starts_with(b"\r\n")
}

pub(super) fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// The boundary of `multipart/mixed`, without its quotation marks. `None` for any other type.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let (essence, mut parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    loop {
        let (name, value) = parameters.split_once('=')?;
        let (value, rest) = parameter(value.trim_start());
        if name.trim().eq_ignore_ascii_case("boundary") {
            return Some(value).filter(|boundary| is_boundary(boundary));
        }
        parameters = rest.trim_start().strip_prefix(';')?;
    }
}

/// A value at the front, and what follows it: a token, or a text in quotation marks (RFC 2045, section 5.1).
fn parameter(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, _) = text.split_once(';').unwrap_or((text, ""));
        return (value.trim().to_owned(), text.get(value.len()..).unwrap_or_default());
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    (value, characters.as_str())
}

/// RFC 2046, section 5.1.1: `bchars`, of which a space is not the last.
fn is_boundary(text: &str) -> bool {
    (1..=MAX_BOUNDARY).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte))
        && !text.ends_with(' ')
}
