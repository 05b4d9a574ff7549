//! Answers with statements.

use std::io::Cursor;

use chrono::{DateTime, SecondsFormat, Utc};
use rocket::http::{Header, Status};
use rocket::request::Request;
use rocket::response::{self, Responder, Response};

use super::headers::CONSISTENT_THROUGH;

/// A body, and what its headers say.
#[derive(Debug, Clone)]
pub struct StatementsAnswer {
    pub body: Vec<u8>,
    /// `application/json`, or `multipart/mixed` with its boundary.
    pub content_type: String,
    /// When the single requested statement was stored (Communication 2.1.3).
    pub last_modified: Option<DateTime<Utc>>,
    pub consistent_through: DateTime<Utc>,
}

impl<'r> Responder<'r, 'static> for StatementsAnswer {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build();
        response.status(Status::Ok).raw_header("content-type", self.content_type).header(Header::new(
            CONSISTENT_THROUGH,
            self.consistent_through.to_rfc3339_opts(SecondsFormat::Micros, true),
        ));
        if let Some(at) = self.last_modified {
            // RFC 9110, section 5.6.7.
            response.header(Header::new("last-modified", at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
        }
        response.sized_body(self.body.len(), Cursor::new(self.body)).ok()
    }
}
