//! Statements as another store answers them: a page of many, a StatementResult (Data 2.5), or one with the contents of
//! its attachments.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::forms;
use super::multipart::{self, MultipartFault, Part};
use super::version::Version;
use crate::json::{Document, Kind, Malformed, Value};

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementResult<'a> {
    /// In the order of the page.
    pub statements: Vec<PageStatement<'a>>,
    /// Where there is more, as the store wrote it.
    pub more: Option<Cow<'a, str>>,
}

/// A statement of a page, which was not read closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageStatement<'a> {
    /// As it is in the page.
    pub raw: &'a str,
    /// When the store says that it stored it.
    pub stored: Option<DateTime<Utc>>,
    /// Its id, if it has attachments, whose contents are not in the page.
    pub with_attachments: Option<Uuid>,
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
    /// Reads an answer to `GET statements` without attachments.
    pub fn read(body: &'a [u8]) -> Result<Self, NotAPage> {
        let document = Document::from_bytes(body)?;
        let page = document.root();
        let statements = member(page, "statements").and_then(Value::elements).ok_or(NotAPage::NoStatements)?;
        let statements = statements.map(PageStatement::of).collect();
        let more = match member(page, "more") {
            Some(more) if more.kind() == Kind::Text => {
                more.text().transpose().map_err(|_| NotAPage::MoreIsNoText)?.filter(|more| !more.is_empty())
            }
            Some(more) if !more.is_null() => return Err(NotAPage::MoreIsNoText),
            _ => None,
        };
        Ok(Self { statements, more })
    }
}

impl<'a> PageStatement<'a> {
    fn of(statement: Value<'_, 'a>) -> Self {
        let text = |name| member(statement, name).and_then(Value::text).and_then(Result::ok);
        let has_attachments = member(statement, "attachments").is_some();
        Self {
            raw: statement.raw(),
            // The looser of the two grammars: only what the store means matters here.
            stored: text("stored").and_then(|stored| forms::timestamp(&stored, Version::V1_0_3).ok()),
            with_attachments: text("id").filter(|_| has_attachments).and_then(|id| id.parse().ok()),
        }
    }

    /// Reads an answer to `GET statements` for one statement with the contents of its attachments.
    ///
    /// * `content_type`: the answer's header, by which its parts are found.
    pub fn read_one(content_type: &str, body: &'a [u8]) -> Result<(Self, Vec<Part<'a>>), NotAPage> {
        let (json, contents) = if multipart::is_multipart(content_type) {
            let parsed = multipart::parse(content_type, body)?;
            (parsed.statements, parsed.attachments)
        } else {
            (body, Vec::new())
        };
        let document = Document::from_bytes(json)?;
        Ok((Self::of(document.root()), contents))
    }
}

/// The first member of an object that has the name.
fn member<'d, 'a>(object: Value<'d, 'a>, name: &str) -> Option<Value<'d, 'a>> {
    object.members()?.find(|member| member.name().is_ok_and(|is| is == name)).map(|member| member.value)
}

/// Some statements as the body of a request, with its media type.
#[must_use]
pub fn as_body(statements: &[PageStatement<'_>], attachments: &[Part<'_>]) -> (String, Vec<u8>) {
    let length: usize = statements.iter().map(|extracted| extracted.raw.len() + 1).sum();
    let mut json = String::with_capacity(length + 1);
    for extracted in statements {
        json.push(if json.is_empty() { '[' } else { ',' });
        json.push_str(extracted.raw);
    }
    json.push_str(if json.is_empty() { "[]" } else { "]" });
    if attachments.is_empty() {
        return ("application/json".to_owned(), json.into_bytes());
    }
    let written = multipart::write(json.as_bytes(), attachments);
    (written.content_type, written.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#" {"statements": [{"id": "a", "stored": "2026-03-02T12:00:00.123Z"} , {"n": 1.50}],
        "more": "\/xapi\/statements?more=2"}"#;

    #[test]
    fn statements_keep_their_letters_and_say_when_they_were_stored() {
        let page = StatementResult::read(PAGE.as_bytes()).expect("a page");
        assert_eq!(page.more.as_deref(), Some("/xapi/statements?more=2"));
        let raw: Vec<&str> = page.statements.iter().map(|extracted| extracted.raw).collect();
        assert_eq!(raw, [r#"{"id": "a", "stored": "2026-03-02T12:00:00.123Z"}"#, r#"{"n": 1.50}"#]);
        let stored: Vec<Option<i64>> =
            page.statements.iter().map(|extracted| extracted.stored.map(|at| at.timestamp_millis() % 1000)).collect();
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
            let page = StatementResult::read(text.as_bytes()).expect("a page");
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
            let refused = StatementResult::read(text.as_bytes()).expect_err(text);
            assert_eq!(refused.to_string(), why, "{text}");
        }
    }

    #[test]
    fn contents_come_with_the_one_statement_that_names_them() {
        let content = b"a certificate";
        let sha2 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content));
        let id = "5e8c9f3a-0b1d-4c55-9a51-3f2d8a1c7e10";
        let json = format!(r#"{{"id": "{id}", "attachments": [{{"sha2": "{sha2}"}}]}}"#);
        let page = format!(r#"{{"statements": [{json}, {{"id": "{id}"}}]}}"#);
        let page = StatementResult::read(page.as_bytes()).expect("a page");
        let named: Vec<Option<String>> =
            page.statements.iter().map(|extracted| extracted.with_attachments.map(|id| id.to_string())).collect();
        assert_eq!(named, [Some(id.to_owned()), None]);
        let part = Part { sha2, content_type: Some("application/pdf"), content };
        let written = multipart::write(json.as_bytes(), std::slice::from_ref(&part));
        let (extracted, contents) = PageStatement::read_one(&written.content_type, &written.body).expect("a statement");
        assert_eq!((extracted.raw, contents.as_slice()), (json.as_str(), std::slice::from_ref(&part)));
        let (content_type, body) = as_body(&[extracted], &contents);
        let again = multipart::parse(&content_type, &body).expect("parts");
        assert_eq!(again.statements, format!("[{json}]").as_bytes());
        assert_eq!(again.attachments, [part]);
    }
}
