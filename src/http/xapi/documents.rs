//! `/xapi/activities/state`, `/xapi/activities/profile`, `/xapi/agents/profile`: a platform's own documents
//! (Communication 2.2, 2.3, 2.6, 2.7 and 3.1).

use std::io::Cursor;

use chrono::{DateTime, Utc};
use rocket::data::Data;
use rocket::http::{Header, Method, Status};
use rocket::request::{FromRequest, Outcome as GuardOutcome, Request};
use rocket::response::{self, Responder, Response};
use rocket::route::{Handler, Outcome};
use rocket::{Route, async_trait};

use super::caller::PlatformCaller;
use super::request_parts::{Body, RequestParts};
use crate::app::App;
use crate::app::xapi::documents::{
    Belonging, Document, DocumentError, Preconditions, Resource, SentDocument, Tags, Writing, agent_key, of_platform,
    parameters,
};
use crate::app::xapi::scopes::Use;
use crate::config::ReceivingSettings;
use crate::http::problem::Problem;

/// The media type of a document that was sent without one (RFC 9110, section 8.3).
const OF_UNKNOWN_KIND: &str = "application/octet-stream";

/// The resources and their addresses.
const RESOURCES: [(&str, Resource); 3] = [
    ("activities/state", Resource::State),
    ("activities/profile", Resource::ActivityProfile),
    ("agents/profile", Resource::AgentProfile),
];

/// The resource at an address.
#[must_use]
pub fn resource_at(segments: &[&str]) -> Option<Resource> {
    let path = segments.join("/");
    RESOURCES.into_iter().find(|(known, _)| *known == path).map(|(_, resource)| resource)
}

/// Every route of documents. They have one handler, so that the same rules apply to each resource.
pub fn routes() -> impl Iterator<Item = Route> {
    RESOURCES.into_iter().flat_map(|(path, resource)| {
        let methods = [Method::Get, Method::Put, Method::Post, Method::Delete];
        methods.map(|method| Route::new(method, &format!("/{path}"), Documents(resource)))
    })
}

#[derive(Clone)]
struct Documents(Resource);

#[async_trait]
impl Handler for Documents {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let (Some(app), Some(settings)) =
            (request.rocket().state::<App>(), request.rocket().state::<ReceivingSettings>())
        else {
            return Outcome::Error(Status::InternalServerError);
        };
        let caller = match PlatformCaller::from_request(request).await {
            GuardOutcome::Success(caller) => caller,
            GuardOutcome::Error((_, problem)) => return Outcome::from(request, problem),
            GuardOutcome::Forward(status) => return Outcome::Error(status),
        };
        let GuardOutcome::Success(parts) = RequestParts::from_request(request).await else {
            return Outcome::Error(Status::InternalServerError);
        };
        // Rocket uses the route of GET for HEAD, and leaves the body out.
        let method = if request.method() == Method::Head { Method::Get } else { request.method() };
        let requested = DocumentRequest { resource: self.0, method, caller: &caller, parts: &parts };
        Outcome::from(request, answer(app, settings, &requested, Body::Coming(data)).await)
    }
}

/// What a client wants to do with which documents.
#[derive(Debug, Clone, Copy)]
pub struct DocumentRequest<'a> {
    pub resource: Resource,
    pub method: Method,
    pub caller: &'a PlatformCaller,
    pub parts: &'a RequestParts<'a>,
}

/// What is wrong with a parameter.
#[must_use]
pub fn parameter_fault(name: &str, fault: &parameters::ParameterFault) -> Problem {
    Problem::bad_request(format!("The parameter {name} {fault}."))
}

impl DocumentRequest<'_> {
    const fn name_of_names(&self) -> &'static str {
        match self.resource {
            Resource::State => "stateId",
            Resource::ActivityProfile | Resource::AgentProfile => "profileId",
        }
    }

    const fn wanted(&self) -> Use {
        match (self.resource, matches!(self.method, Method::Get)) {
            (Resource::State, true) => Use::ReadState,
            (Resource::State, false) => Use::WriteState,
            (Resource::ActivityProfile, true) => Use::ReadActivityProfile,
            (Resource::ActivityProfile, false) => Use::WriteActivityProfile,
            (Resource::AgentProfile, true) => Use::ReadAgentProfile,
            (Resource::AgentProfile, false) => Use::WriteAgentProfile,
        }
    }

    /// Checks that there are no parameters except those of the resource and the method.
    fn check_parameters(&self) -> Result<(), Problem> {
        let of_resource: &[&str] = match self.resource {
            Resource::State => &["activityId", "agent", "registration", "stateId"],
            Resource::ActivityProfile => &["activityId", "profileId"],
            Resource::AgentProfile => &["agent", "profileId"],
        };
        let is_list = self.method == Method::Get && self.parts.parameter(self.name_of_names()).is_none();
        let known: Vec<&str> = of_resource.iter().copied().chain(is_list.then_some("since")).collect();
        self.parts.only(&known)
    }

    fn belonging(&self) -> Result<Belonging, Problem> {
        let mut belonging = of_platform(self.caller.credential.platform.id, self.resource);
        if self.resource != Resource::AgentProfile {
            let iri = parameters::iri(self.parts.required("activityId")?);
            belonging.activity = Some(iri.map_err(|fault| parameter_fault("activityId", &fault))?);
        }
        if self.resource != Resource::ActivityProfile {
            let actor = parameters::actor(self.parts.required("agent")?, self.caller.version);
            belonging.agent = agent_key(&actor.map_err(|fault| parameter_fault("agent", &fault))?);
        }
        let registration = self.parts.parameter("registration").map(parameters::uuid).transpose();
        belonging.registration = registration.map_err(|fault| parameter_fault("registration", &fault))?;
        Ok(belonging)
    }

    fn since(&self) -> Result<Option<DateTime<Utc>>, Problem> {
        let since = self.parts.parameter("since").map(|since| parameters::instant(since, self.caller.version));
        since.transpose().map_err(|fault| parameter_fault("since", &fault))
    }

    fn preconditions(&self) -> Preconditions {
        Preconditions {
            if_match: self.parts.if_match.map(Tags::read),
            if_none_match: self.parts.if_none_match.map(Tags::read),
        }
    }

    async fn document(&self, settings: &ReceivingSettings, body: Body<'_>) -> Result<SentDocument, Problem> {
        let content_type = match self.parts.content_type {
            "" => OF_UNKNOWN_KIND,
            parts if parameters::is_media_type(parts) => parts,
            _ => return Err(Problem::bad_request("The Content-Type is no media type. Send one as type/subtype.")),
        };
        self.parts.only_plain()?;
        let content = body.read(settings).await?;
        Ok(SentDocument { content_type: content_type.to_owned(), content, at_most: settings.max_xapi_body.as_u64() })
    }
}

/// Carries out the request.
pub async fn answer(
    app: &App,
    settings: &ReceivingSettings,
    requested: &DocumentRequest<'_>,
    body: Body<'_>,
) -> Result<DocumentAnswer, Problem> {
    requested.caller.may(requested.wanted())?;
    requested.check_parameters()?;
    let belonging = requested.belonging()?;
    let name = requested.parts.parameter(requested.name_of_names());
    let preconditions = requested.preconditions();
    let refused = |error| problem(error, settings);
    match (requested.method, name) {
        (Method::Get, Some(name)) => {
            let found = app.document(&belonging, name).await.map_err(DocumentError::from).map_err(refused)?;
            let document = found.ok_or_else(|| {
                Problem::not_found(
                    "No such document is stored for this platform. Names and agents are compared exactly.",
                )
            })?;
            if preconditions.hold(Some(&document.digest)) {
                Ok(DocumentAnswer::Content(document))
            } else if preconditions.if_none_match.is_some() {
                Ok(DocumentAnswer::NotModified(document))
            } else {
                Err(problem(DocumentError::PreconditionFailed, settings))
            }
        }
        (Method::Get, None) => {
            let names = app.document_names(&belonging, requested.since()?).await;
            Ok(DocumentAnswer::Names(names.map_err(DocumentError::from).map_err(refused)?))
        }
        (Method::Delete, None) if requested.resource == Resource::State => {
            app.remove_documents(&belonging).await.map_err(DocumentError::from).map_err(refused)?;
            Ok(DocumentAnswer::Done(None))
        }
        (Method::Delete, _) => {
            let name = requested.parts.required(requested.name_of_names())?;
            app.remove_document(&belonging, name, &preconditions).await.map_err(refused)?;
            Ok(DocumentAnswer::Done(None))
        }
        (method, _) => {
            let name = requested.parts.required(requested.name_of_names())?;
            let writing = if method == Method::Put { Writing::Put } else { Writing::Post };
            let document = requested.document(settings, body).await?;
            let version = requested.caller.version;
            let digest = app.write_document(&belonging, name, writing, version, &preconditions, document).await;
            Ok(DocumentAnswer::Done(Some(digest.map_err(refused)?)))
        }
    }
}

fn problem(error: DocumentError, settings: &ReceivingSettings) -> Problem {
    match &error {
        DocumentError::PreconditionFailed => Problem::new(
            Status::PreconditionFailed,
            "precondition-failed",
            "The document is another",
            format!("Nothing is changed: {error}. Get the document, and send its ETag as If-Match."),
        ),
        DocumentError::SaysNotWhat => Problem::conflict(
            "no-precondition",
            format!(
                "Nothing is changed: {error}. Get the document, and send its ETag as If-Match; or send \
                 If-None-Match: * for what must not exist yet."
            ),
        ),
        DocumentError::NotJson(_) | DocumentError::NotMerged(_) => Problem::bad_request(format!(
            "Nothing is changed: {error}. Send a JSON object, or replace the document by PUT."
        )),
        DocumentError::TooLong => Problem::payload_too_large(settings.max_xapi_body.as_u64()),
        DocumentError::Contended => Problem::unavailable(1).with_cause(&error),
        DocumentError::Store(_) => Problem::unavailable(5).with_cause(&error),
    }
}

/// A document, names of documents, or an empty success.
#[derive(Debug, Clone)]
pub enum DocumentAnswer {
    Content(Document),
    NotModified(Document),
    Names(Vec<String>),
    /// With the digest of what is stored now.
    Done(Option<Vec<u8>>),
}

/// What a browser may do with a document: nothing. Its content is the platform's, and its media type is not to be
/// trusted.
const INERT: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

impl<'r> Responder<'r, 'static> for DocumentAnswer {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let etag = |digest: &[u8]| Header::new("etag", format!("\"{}\"", hex::encode(digest)));
        let mut response = Response::build();
        match self {
            Self::Content(document) => {
                response
                    .raw_header("content-type", document.content_type)
                    .header(etag(&document.digest))
                    .header(last_modified(document.stored_at))
                    .raw_header("content-security-policy", INERT)
                    .sized_body(document.content.len(), Cursor::new(document.content));
            }
            Self::NotModified(document) => {
                response
                    .status(Status::NotModified)
                    .header(etag(&document.digest))
                    .header(last_modified(document.stored_at));
            }
            Self::Names(names) => {
                let body = serde_json::to_vec(&names).map_err(|_| Status::InternalServerError)?;
                response.raw_header("content-type", "application/json").sized_body(body.len(), Cursor::new(body));
            }
            Self::Done(digest) => {
                response.status(Status::NoContent);
                if let Some(digest) = digest {
                    response.header(etag(&digest));
                }
            }
        }
        response.ok()
    }
}

/// RFC 9110, section 5.6.7.
fn last_modified(at: DateTime<Utc>) -> Header<'static> {
    Header::new("last-modified", at.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}
