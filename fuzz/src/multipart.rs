//! Statements with their attachments: a Content-Type in the first line, and the body.

use kurskoll_intake::xapi::multipart::{self, Multipart};
use kurskoll_intake::xapi::{Version, read_body};

use super::text;

pub fn read(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (content_type, body) = bytes.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let parsed = match multipart::parse(text(content_type), body) {
        Ok(parsed) => parsed,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    let Multipart { statements, attachments } = &parsed;
    let contents: usize = attachments.iter().map(|part| part.content.len()).sum();
    assert!(statements.len() + contents <= body.len());
    if let Ok(read) = read_body(statements, Version::V2_0) {
        drop(multipart::check(&read.statements, attachments));
    }
    let written = multipart::write(statements, attachments);
    let again = multipart::parse(&written.content_type, &written.body);
    let mut expected = parsed.clone();
    for part in &mut expected.attachments {
        part.content_type.get_or_insert("application/octet-stream");
    }
    assert_eq!(again, Ok(expected));
}
