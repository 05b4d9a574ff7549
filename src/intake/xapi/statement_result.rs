//! A page of statements as another store answers it: a StatementResult (Data 2.5), alone or before contents of attachments.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::multipart::{self, MultipartFault, Part};
use super::version::Version;
use super::forms;
use crate::intake::json::{Document, Kind, Malformed, Value};

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementResult<'a> {
    /// In the order in which they stand.
    pub statements: Vec<Told<'a>>,
    /// Where there is more, as the store wrote it.
    pub more: Option<Cow<'a, str>>,
    /// The contents of their attachments.
    pub attachments: Vec<Part<'a>>,
}

/// A statement of a page, which nobody has looked at closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'a> {
    /// As it stands in the page.
    pub raw: &'a str,
    /// When the store says that it stored it.
    pub stored: Option<DateTime<Utc>>,
}

/// Why an answer is no page of statements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPage {
    #[error("the answer {0}")]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Multipart(#[from] MultipartFault),
    #[error("the answer is no StatementResult: it has no array of statements")]
    NoStatements,
    #[error("the answer's more is no text")]
    MoreIsNoText,
}

impl<'a> StatementResult<'a> {
    /// Reads an answer to `GET statements`.
    ///
    /// * `content_type`: the answer's header, by which parts are found.
    pub fn read(content_type: &str, body: &'a [u8]) -> Result<Self, NotAPage> {
        let (json, attachments) = if is_multipart(content_type) {
            let parsed = multipart::parse(content_type, body)?;
            (parsed.statements, parsed.attachments)
        } else {
            (body, Vec::new())
        };
        let document = Document::from_bytes(json)?;
        let member = |name: &str| -> Option<Value<'_, 'a>> {
            let mut members = document.root().members()?;
            members.find(|member| member.name().is_ok_and(|is| is == name)).map(|member| member.value)
        };
        let statements = member("statements").and_then(Value::elements).ok_or(NotAPage::NoStatements)?;
        let statements = statements.map(|value| Told { raw: value.raw(), stored: stored(value) }).collect();
        let more = match member("more") {
            Some(more) if more.kind() == Kind::Text => {
                more.text().transpose().map_err(|_| NotAPage::MoreIsNoText)?.filter(|more| !more.is_empty())
            }
            Some(more) if !more.is_null() => return Err(NotAPage::MoreIsNoText),
            _ => None,
        };
        Ok(Self { statements, more, attachments })
    }

    /// The contents that some of its statements name by their hashes.
    #[must_use]
    pub fn attachments_of(&self, statements: &[Told<'_>]) -> Vec<Part<'a>> {
        let is_named = |part: &&Part<'a>| statements.iter().any(|told| told.raw.contains(&part.sha2));
        self.attachments.iter().filter(is_named).cloned().collect()
    }
}

/// Some statements as the body of a request, with its media type.
#[must_use]
pub fn as_body(statements: &[Told<'_>], attachments: &[Part<'_>]) -> (String, Vec<u8>) {
    let length: usize = statements.iter().map(|told| told.raw.len() + 1).sum();
    let mut json = String::with_capacity(length + 1);
    for told in statements {
        json.push(if json.is_empty() { '[' } else { ',' });
        json.push_str(told.raw);
    }
    json.push_str(if json.is_empty() { "[]" } else { "]" });
    if attachments.is_empty() {
        return ("application/json".to_owned(), json.into_bytes());
    }
    let written = multipart::write(json.as_bytes(), attachments);
    (written.content_type, written.body)
}

fn is_multipart(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/mixed")
}

fn stored(statement: Value<'_, '_>) -> Option<DateTime<Utc>> {
    let member = statement.members()?.find(|member| member.name().is_ok_and(|name| name == "stored"))?;
    let text = member.value.text()?.ok()?;
    // The looser of the two grammars: what the store means is all that is asked.
    forms::timestamp(&text, Version::V1_0_3).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#" {"statements": [{"id": "a", "stored": "2026-03-02T12:00:00.123Z"} , {"n": 1.50}],
        "more": "\/xapi\/statements?more=2"}"#;

    #[test]
    fn statements_keep_their_letters_and_say_when_they_were_stored() {
        let page = StatementResult::read("application/json", PAGE.as_bytes()).expect("a page");
        assert_eq!(page.more.as_deref(), Some("/xapi/statements?more=2"));
        let raw: Vec<&str> = page.statements.iter().map(|told| told.raw).collect();
        assert_eq!(raw, [r#"{"id": "a", "stored": "2026-03-02T12:00:00.123Z"}"#, r#"{"n": 1.50}"#]);
        let stored: Vec<Option<i64>> =
            page.statements.iter().map(|told| told.stored.map(|at| at.timestamp_millis() % 1000)).collect();
        assert_eq!(stored, [Some(123), None]);
        let (content_type, body) = as_body(&page.statements, &[]);
        assert_eq!(content_type, "application/json");
        assert_eq!(body, format!("[{},{}]", raw[0], raw[1]).into_bytes());
        assert_eq!(as_body(&[], &[]).1, b"[]");
    }

    #[test]
    fn the_last_page_has_no_more() {
        for more in ["", r#", "more": """#, r#", "more": null"#] {
            let text = format!(r#"{{"statements": []{more}}}"#);
            let page = StatementResult::read("application/json", text.as_bytes()).expect("a page");
            assert_eq!((page.statements.len(), page.more), (0, None), "{text}");
        }
    }

    #[test]
    fn what_is_no_page_is_said() {
        for (text, why) in [
            ("<html>", "the answer is not JSON from line 1, column 1 on: send one JSON document"),
            ("[]", "the answer is no StatementResult: it has no array of statements"),
            (r#"{"statements": {}}"#, "the answer is no StatementResult: it has no array of statements"),
            (r#"{"statements": [], "more": 7}"#, "the answer's more is no text"),
        ] {
            let refused = StatementResult::read("application/json", text.as_bytes()).expect_err(text);
            assert_eq!(refused.to_string(), why, "{text}");
        }
    }

    #[test]
    fn contents_go_with_the_statements_that_name_them() {
        let content = b"a certificate";
        let sha2 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content));
        let json = format!(r#"{{"statements": [{{"attachments": [{{"sha2": "{sha2}"}}]}}, {{}}]}}"#);
        let part = Part { sha2: sha2.clone(), content_type: Some("application/pdf"), content };
        let written = multipart::write(json.as_bytes(), std::slice::from_ref(&part));
        let page = StatementResult::read(&written.content_type, &written.body).expect("a page");
        assert_eq!(page.attachments_of(&page.statements[1..]), []);
        let named = page.attachments_of(&page.statements[..1]);
        assert_eq!(named, std::slice::from_ref(&part));
        let (content_type, body) = as_body(&page.statements[..1], &named);
        let again = multipart::parse(&content_type, &body).expect("parts");
        assert_eq!(again.statements, format!("[{}]", page.statements[0].raw).as_bytes());
        assert_eq!(again.attachments, [part]);
    }
}
