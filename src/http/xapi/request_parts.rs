//! The parts of a request at the xAPI endpoint, besides the caller: headers, parameters and a body, in either syntax.

use rocket::Request;
use rocket::data::Data;
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};

use super::alternate;
use crate::config::ReceivingSettings;
use crate::http::problem::Problem;
use crate::http::request_id::arrived_at;
use crate::http::webhooks::read_body;

/// The headers of a request, when it arrived, and the parameters of its query.
#[derive(Debug)]
pub struct RequestParts<'r> {
    pub content_type: &'r str,
    pub content_encoding: &'r str,
    pub arrived_at: std::time::Instant,
    pub accept_language: &'r str,
    pub if_match: Option<&'r str>,
    pub if_none_match: Option<&'r str>,
    pub parameters: Vec<(String, String)>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for RequestParts<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let parameters = match alternate::form_of(request) {
            Some(form) => form.parameters.clone(),
            None => parameters(request),
        };
        Outcome::Success(Self {
            content_type: alternate::header(request, "content-type").unwrap_or_default(),
            content_encoding: request.headers().get_one("content-encoding").unwrap_or_default(),
            arrived_at: arrived_at(request),
            accept_language: alternate::header(request, "accept-language").unwrap_or_default(),
            if_match: alternate::header(request, "if-match"),
            if_none_match: alternate::header(request, "if-none-match"),
            parameters,
        })
    }
}

/// The query's parameters, decoded: Rocket would split a name at its dots and brackets.
pub fn parameters(request: &Request<'_>) -> Vec<(String, String)> {
    let query = request.uri().query().map(|query| query.as_str()).unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

impl RequestParts<'_> {
    /// Refuses parameters that the resource does not have, and repeated ones: a client that misspells one would get
    /// less than it requested.
    pub fn only(&self, known: &[&str]) -> Result<(), Problem> {
        for (place, (name, _)) in self.parameters.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Problem::bad_request(format!(
                    "There is no parameter {name:.40?} here. The parameters, which are case-sensitive: {}.",
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                )));
            }
            if self.parameters.iter().take(place).any(|(earlier, _)| earlier == name) {
                return Err(Problem::bad_request(format!("The parameter {name} comes twice. Send it once.")));
            }
        }
        Ok(())
    }

    /// Refuses compressed bodies: the bytes themselves are stored.
    pub fn only_plain(&self) -> Result<(), Problem> {
        if matches!(self.content_encoding.trim(), "" | "identity") {
            return Ok(());
        }
        Err(Problem::new(
            Status::UnsupportedMediaType,
            "unsupported-content-encoding",
            "The content encoding is not accepted",
            "This endpoint does not accept compressed bodies. Send it uncompressed.",
        ))
    }

    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A required parameter.
    pub fn required(&self, name: &str) -> Result<&str, Problem> {
        self.parameter(name).ok_or_else(|| Problem::bad_request(format!("The parameter {name} is missing. Send it.")))
    }
}

/// A body that is still to be read, or was read already.
#[expect(clippy::large_enum_variant, reason = "one for each request, read at once; a box would only be in the way")]
pub enum Body<'r> {
    Coming(Data<'r>),
    Here(Vec<u8>),
}

impl Body<'_> {
    /// The bytes, within the limits of size and time.
    pub async fn read(self, settings: &ReceivingSettings) -> Result<Vec<u8>, Problem> {
        match self {
            Self::Coming(data) => read_body(data, settings.max_xapi_body).await,
            Self::Here(bytes) => Ok(bytes),
        }
    }
}
