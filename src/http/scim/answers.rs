//! Answers: resources with their ETags, lists, and errors in SCIM's own envelope (RFC 7644, section 3.12).

use std::io::Cursor;

use rocket::Request;
use rocket::http::{ContentType, Header, Status};
use rocket::response::{self, Responder, Response};
use serde_json::Value;

use crate::app::scim::{Patched, Resource, ScimError, error_body};
use crate::http::problem::Problem;

/// `application/scim+json`.
fn media_type() -> ContentType {
    ContentType::new("application", "scim+json")
}

/// An answer with a body, or with none.
#[derive(Debug)]
pub enum ScimAnswer {
    Resource {
        status: Status,
        resource: Resource,
    },
    /// The client has this version already.
    NotModified {
        version: String,
    },
    Plain(Value),
    /// Done, without a body.
    Done {
        version: String,
    },
    Gone,
}

impl ScimAnswer {
    #[must_use]
    pub const fn ok(resource: Resource) -> Self {
        Self::Resource { status: Status::Ok, resource }
    }

    /// The resource; `204` if there was nothing to remove (RFC 7644, section 3.5.2, leaves the choice).
    #[must_use]
    pub fn patched(patched: Patched) -> Self {
        if patched.is_unchanged { Self::Done { version: patched.resource.version } } else { Self::ok(patched.resource) }
    }
}

impl<'r> Responder<'r, 'static> for ScimAnswer {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build();
        let body = match self {
            Self::Gone => return response.status(Status::NoContent).ok(),
            Self::Done { version } => {
                return response.status(Status::NoContent).header(Header::new("etag", version)).ok();
            }
            Self::NotModified { version } => {
                return response.status(Status::NotModified).header(Header::new("etag", version)).ok();
            }
            Self::Plain(body) => body,
            Self::Resource { status, resource } => {
                response.status(status);
                if !resource.version.is_empty() {
                    response.header(Header::new("etag", resource.version));
                }
                // The full resource's address, also if only a part of it is shown.
                response.header(Header::new("location", resource.location.clone()));
                response.header(Header::new("content-location", resource.location));
                Value::Object(resource.body)
            }
        };
        let body = body.to_string();
        response.header(media_type()).sized_body(body.len(), Cursor::new(body)).ok()
    }
}

/// An error at this endpoint: the same problem as elsewhere, in SCIM's envelope.
#[derive(Debug)]
pub struct ScimProblem {
    problem: Box<Problem>,
    scim_type: Option<&'static str>,
}

impl ScimProblem {
    #[must_use]
    pub fn status(&self) -> Status {
        self.problem.http_status()
    }

    #[must_use]
    pub fn with_scim_type(self, scim_type: &'static str) -> Self {
        Self { scim_type: Some(scim_type), ..self }
    }
}

impl From<Problem> for ScimProblem {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), scim_type: None }
    }
}

impl From<ScimError> for ScimProblem {
    fn from(error: ScimError) -> Self {
        let problem = match &error {
            ScimError::Store(error) => Problem::internal(error),
            // A group that cannot be written can still be read.
            ScimError::GroupsAreReadOnly => {
                Problem::method_not_allowed("GET, HEAD".to_owned()).with_detail(error.to_string())
            }
            other => {
                Problem::new(Status::new(other.status()), "scim", "Refused at the SCIM endpoint", error.to_string())
            }
        };
        Self { problem: Box::new(problem), scim_type: error.scim_type().map(|scim_type| scim_type.as_str()) }
    }
}

impl<'r> Responder<'r, 'static> for ScimProblem {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let mut body = error_body(self.problem.status, None, &self.problem.detail);
        if let (Some(scim_type), Some(body)) = (self.scim_type, body.as_object_mut()) {
            body.insert("scimType".to_owned(), scim_type.into());
        }
        // The log, the challenge and the other headers are as everywhere else.
        let mut response = self.problem.respond_to(request)?;
        let body = body.to_string();
        response.set_header(media_type());
        response.set_sized_body(body.len(), Cursor::new(body));
        Ok(response)
    }
}
