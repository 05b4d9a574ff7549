//! A body of several parts, to be answered.

use memchr::memmem;
use sha2::{Digest as _, Sha256};

use super::{HASH_HEADER, Part};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// With the boundary.
    pub content_type: String,
    pub body: Vec<u8>,
}

/// Writes statements and contents, in their order. The same ones are written the same.
///
/// * `statements`: JSON.
#[must_use]
pub fn write(statements: &[u8], parts: &[Part<'_>]) -> Written {
    let boundary = boundary(statements, parts);
    let contents: usize = parts.iter().map(|part| part.content.len() + 300).sum();
    let mut body = Vec::with_capacity(statements.len() + contents + 200);
    let mut part = |headers: &str, content: &[u8]| {
        for piece in ["--", &boundary, "\r\n", headers, "\r\n"] {
            body.extend_from_slice(piece.as_bytes());
        }
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    part("Content-Type: application/json\r\n", statements);
    for Part { sha2, content_type, content } in parts {
        let content_type = content_type.unwrap_or("application/octet-stream");
        let headers =
            format!("Content-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\n{HASH_HEADER}: {sha2}\r\n");
        part(&headers, content);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Written { content_type: format!("multipart/mixed; boundary={boundary}"), body }
}

/// A boundary that is in no part.
fn boundary(statements: &[u8], parts: &[Part<'_>]) -> String {
    let mut seed = Sha256::new_with_prefix(statements);
    for part in parts {
        seed.update(&part.sha2);
    }
    loop {
        let digest = seed.clone().finalize();
        let boundary = hex::encode(digest);
        let finder = memmem::Finder::new(&boundary);
        let contents = parts.iter().map(|part| part.content);
        if contents.chain([statements]).all(|content| finder.find(content).is_none()) {
            return boundary;
        }
        seed.update(digest);
    }
}
