//! `/xapi/statements`: statements in (Communication 2.1.1 and 2.1.2).

use std::sync::Arc;

use rocket::data::Data;
use rocket::request::{FromRequest, Outcome};
use rocket::serde::json::Json;
use rocket::{Request, State, post, put};
use uuid::Uuid;

use super::caller::Caller;
use crate::app::App;
use crate::app::metrics::DeliveryOutcome;
use crate::app::receive_delivery::{Received, Receiving, place_in_body};
use crate::app::xapi::receive::{KeptStatements, Statements, StatementsError};
use crate::config::ReceivingSettings;
use crate::http::problem::Problem;
use crate::http::request_id::arrived_at;
use crate::http::webhooks::read_body;

/// The media type of a request, when it arrived, and what its query has.
#[derive(Debug)]
pub struct Sent<'r> {
    content_type: &'r str,
    arrived_at: std::time::Instant,
    parameters: Vec<(&'r str, &'r str)>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Sent<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self {
            content_type: request.headers().get_one("content-type").unwrap_or_default(),
            arrived_at: arrived_at(request),
            parameters: request.query_fields().map(|field| (field.name.as_name().as_str(), field.value)).collect(),
        })
    }
}

impl Sent<'_> {
    /// Refuses parameters that the resource does not have: a client that misspells one would be told less than it asked.
    fn only(&self, known: &[&str]) -> Result<(), Problem> {
        match self.parameters.iter().find(|(name, _)| !known.contains(name)) {
            None => Ok(()),
            Some((name, _)) => Err(Problem::bad_request(format!(
                "There is no parameter {name:.40?} here. Those that there are, in their own case: {}.",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            ))),
        }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// `POST /xapi/statements`: one statement, or an array of them, taken or refused whole.
#[post("/statements", data = "<data>")]
pub async fn store(
    app: &State<App>,
    receiving: &State<Arc<Receiving>>,
    settings: &State<ReceivingSettings>,
    caller: Caller,
    sent: Sent<'_>,
    data: Data<'_>,
) -> Result<Json<Vec<Uuid>>, Problem> {
    sent.only(&[])?;
    let kept = keep(app, receiving, settings, &caller, &sent, None, data).await?;
    Ok(Json(kept.ids))
}

/// `PUT /xapi/statements?statementId=…`: one statement under its id.
#[put("/statements", data = "<data>")]
pub async fn store_one(
    app: &State<App>,
    receiving: &State<Arc<Receiving>>,
    settings: &State<ReceivingSettings>,
    caller: Caller,
    sent: Sent<'_>,
    data: Data<'_>,
) -> Result<rocket::response::status::NoContent, Problem> {
    sent.only(&["statementId"])?;
    let put = sent.parameter("statementId").ok_or_else(|| {
        Problem::bad_request("The parameter statementId is missing. Send the UUID under which the statement is kept.")
    })?;
    let put = Uuid::try_parse(put)
        .map_err(|_| Problem::bad_request("The parameter statementId is no UUID. Send one in its standard form."))?;
    keep(app, receiving, settings, &caller, &sent, Some(put), data).await?;
    Ok(rocket::response::status::NoContent)
}

async fn keep(
    app: &App,
    receiving: &Receiving,
    settings: &ReceivingSettings,
    caller: &Caller,
    sent: &Sent<'_>,
    put: Option<Uuid>,
    data: Data<'_>,
) -> Result<KeptStatements, Problem> {
    let kept = take(receiving, settings, caller, sent, put, data).await;
    let outcome = match &kept {
        Ok(KeptStatements { received: Received::Duplicate { .. }, .. }) => DeliveryOutcome::Duplicate,
        Ok(KeptStatements { received: Received::Ignored, .. }) => DeliveryOutcome::Ignored,
        Ok(_) => DeliveryOutcome::Accepted,
        Err(problem) if problem.members.contains_key("delivery_id") => DeliveryOutcome::Quarantined,
        Err(problem) if problem.status == 409 => DeliveryOutcome::Conflict,
        Err(_) => DeliveryOutcome::Refused,
    };
    app.metrics.delivery_answered(outcome, sent.arrived_at.elapsed());
    kept
}

async fn take(
    receiving: &Receiving,
    settings: &ReceivingSettings,
    caller: &Caller,
    sent: &Sent<'_>,
    put: Option<Uuid>,
    data: Data<'_>,
) -> Result<KeptStatements, Problem> {
    if !is_json(sent.content_type) {
        return Err(Problem::unsupported_media_type("application/json"));
    }
    let body = read_body(data, settings.max_xapi_body, settings.body_timeout_seconds).await?;
    let statements =
        Statements { caller: &caller.credential, version: caller.version, content_type: sent.content_type, put, body };
    Ok(receiving.receive_statements(statements).await?)
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

impl From<StatementsError> for Problem {
    fn from(error: StatementsError) -> Self {
        match error {
            StatementsError::NotUnderstood { refusal, delivery } => {
                let place = place_in_body(&refusal.pointer);
                let detail = format!(
                    "None of it is stored: {place} {}. The request is kept in quarantine, and can be replayed.",
                    refusal.problem
                );
                let problem =
                    Self::new(rocket::http::Status::BadRequest, "not-a-statement", "Not xAPI", detail)
                        .with_pointer(&refusal.pointer)
                        .with_member("delivery_id", delivery);
                refusal.index.into_iter().fold(problem, |problem, index| problem.with_member("index", index))
            }
            StatementsError::Conflict(id) => Self::conflict(
                "statement-conflict",
                format!("The statement {id} is kept and says something else: that one stays. None of this is stored. Send what is new under a new id."),
            )
            .with_member("statement_id", id.to_string()),
            StatementsError::Receive(error) => error.into(),
        }
    }
}
