//! Requests: the caller, the parameters, the conditions, the body.

use rocket::Request;
use rocket::data::{Data, FromData, Outcome as DataOutcome, ToByteUnit};
use rocket::request::{FromRequest, Outcome};
use serde_json::Value;

use super::answers::ScimProblem;
use crate::app::scim::{ListText, MOST_PAYLOAD_BYTES, Precondition, Wanted};
use crate::http::problem::Problem;

/// The parameters of RFC 7644 and RFC 9865. Others are ignored, because some providers send more.
#[derive(Debug)]
pub struct Parameters(ListText);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Parameters {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let text = |name: &str| {
            let mut fields = request.query_fields();
            fields.find(|field| field.name.as_name() == name).map(|field| field.value.to_owned())
        };
        Outcome::Success(Self(ListText {
            filter: text("filter"),
            sort_by: text("sortBy"),
            sort_order: text("sortOrder"),
            start_index: text("startIndex"),
            count: text("count"),
            cursor: text("cursor"),
            attributes: text("attributes"),
            excluded_attributes: text("excludedAttributes"),
        }))
    }
}

impl Parameters {
    #[must_use]
    pub const fn list(&self) -> &ListText {
        &self.0
    }

    #[must_use]
    pub fn wanted(&self) -> Wanted<'_> {
        let given = |text: &'_ Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        Wanted {
            attributes: self.0.attributes.as_deref().filter(|_| given(&self.0.attributes)),
            excluded_attributes: self.0.excluded_attributes.as_deref().filter(|_| given(&self.0.excluded_attributes)),
        }
    }
}

/// `If-Match` and `If-None-Match`.
#[derive(Debug)]
pub struct Conditions<'r> {
    if_match: Option<&'r str>,
    if_none_match: Option<&'r str>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Conditions<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let headers = request.headers();
        Outcome::Success(Self {
            if_match: headers.get_one("if-match"),
            if_none_match: headers.get_one("if-none-match"),
        })
    }
}

impl Conditions<'_> {
    /// Which version of the resource the client overwrites.
    #[must_use]
    pub const fn seen(&self) -> Precondition<'_> {
        Precondition(self.if_match)
    }

    /// Whether the client has this version already.
    #[must_use]
    pub fn has(&self, version: &str) -> bool {
        self.if_none_match.is_some_and(|known| Precondition(Some(known)).holds(version))
    }
}

/// A JSON body.
#[derive(Debug)]
pub struct ScimBody(pub Value);

#[rocket::async_trait]
impl<'r> FromData<'r> for ScimBody {
    type Error = ScimProblem;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> DataOutcome<'r, Self> {
        match read(request, data).await {
            Ok(body) => DataOutcome::Success(Self(body)),
            Err(problem) => DataOutcome::Error((problem.status(), problem)),
        }
    }
}

async fn read(request: &Request<'_>, data: Data<'_>) -> Result<Value, ScimProblem> {
    let is_json = |kind: &rocket::http::ContentType| {
        kind.top() == "application" && (kind.sub() == "scim+json" || kind.sub() == "json")
    };
    if !request.content_type().is_some_and(is_json) {
        return Err(Problem::unsupported_media_type("application/scim+json or application/json").into());
    }
    let body = data.open(MOST_PAYLOAD_BYTES.bytes()).into_bytes().await;
    let body = body.map_err(|_| Problem::bad_request("The body ended before its end. Send it again."))?;
    if !body.is_complete() {
        return Err(Problem::payload_too_large(MOST_PAYLOAD_BYTES).into());
    }
    serde_json::from_slice(&body).map_err(|error| {
        let problem = Problem::bad_request(format!("The body is not JSON: {error}."));
        ScimProblem::from(problem).with_scim_type("invalidSyntax")
    })
}
