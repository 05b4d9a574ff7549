//! `/xapi/statements`: statements in and out (Communication 2.1.1 to 2.1.3).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rocket::data::Data;
use rocket::http::Status;
use rocket::response::status::NoContent;
use rocket::serde::json::Json;
use rocket::{State, get, post, put};
use uuid::Uuid;

use super::answers::StatementsAnswer;
use super::caller::PlatformCaller;
use super::documents::parameter_fault;
use super::request_parts::{Body, RequestParts};
use crate::app::App;
use crate::app::operating::metrics::DeliveryOutcome;
use crate::app::receiving::receive::{Receiving, place_in_array, place_in_body};
use crate::app::xapi::documents::parameters;
use crate::app::xapi::find::{More, StatementQuery, StoredStatement, read_query};
use crate::app::xapi::receive::{Statements, StatementsError, StoredStatements, is_multipart};
use crate::app::xapi::scopes::Use;
use crate::config::ReceivingSettings;
use crate::domain::platform_health::Counted;
use crate::domain::receiving::Received;
use crate::http::problem::Problem;

/// `POST /xapi/statements`: one statement, or an array of them, accepted or refused as a whole.
#[post("/statements", data = "<data>")]
pub async fn store(
    app: &State<App>,
    receiving: &State<Arc<Receiving>>,
    settings: &State<ReceivingSettings>,
    caller: PlatformCaller,
    parts: RequestParts<'_>,
    data: Data<'_>,
) -> Result<Json<Vec<Uuid>>, Problem> {
    post(app, receiving, settings, &caller, &parts, Body::Coming(data)).await
}

pub(super) async fn post(
    app: &App,
    receiving: &Receiving,
    settings: &ReceivingSettings,
    caller: &PlatformCaller,
    parts: &RequestParts<'_>,
    body: Body<'_>,
) -> Result<Json<Vec<Uuid>>, Problem> {
    caller.may(Use::WriteStatements)?;
    parts.only(&[])?;
    let stored = store_statements(app, receiving, settings, caller, parts, None, body).await?;
    Ok(Json(stored.ids))
}

/// `PUT /xapi/statements?statementId=…`: one statement under its id.
#[put("/statements", data = "<data>")]
pub async fn store_one(
    app: &State<App>,
    receiving: &State<Arc<Receiving>>,
    settings: &State<ReceivingSettings>,
    caller: PlatformCaller,
    parts: RequestParts<'_>,
    data: Data<'_>,
) -> Result<NoContent, Problem> {
    put_one(app, receiving, settings, &caller, &parts, Body::Coming(data)).await
}

pub(super) async fn put_one(
    app: &App,
    receiving: &Receiving,
    settings: &ReceivingSettings,
    caller: &PlatformCaller,
    parts: &RequestParts<'_>,
    body: Body<'_>,
) -> Result<NoContent, Problem> {
    caller.may(Use::WriteStatements)?;
    parts.only(&["statementId"])?;
    let put = parts.parameter("statementId").ok_or_else(|| {
        Problem::bad_request("The parameter statementId is missing. Send the UUID under which the statement is stored.")
    })?;
    let put = parameters::uuid(put).map_err(|fault| parameter_fault("statementId", &fault))?;
    store_statements(app, receiving, settings, caller, parts, Some(put), body).await?;
    Ok(NoContent)
}

/// `GET /xapi/statements`: one by its id, or a page of those that match.
#[get("/statements")]
pub async fn find(
    app: &State<App>,
    caller: PlatformCaller,
    parts: RequestParts<'_>,
) -> Result<StatementsAnswer, Problem> {
    get(app, &caller, &parts).await
}

pub(super) async fn get(
    app: &App,
    caller: &PlatformCaller,
    parts: &RequestParts<'_>,
) -> Result<StatementsAnswer, Problem> {
    answer(app, caller, parts.parameters.clone(), None, parts.accept_language).await
}

/// `GET /xapi/statements/more/…`: the page that another page named as its next.
#[get("/statements/more/<token>")]
pub async fn find_more(
    app: &State<App>,
    caller: PlatformCaller,
    parts: RequestParts<'_>,
    token: &str,
) -> Result<StatementsAnswer, Problem> {
    get_more(app, &caller, &parts, token).await
}

pub(super) async fn get_more(
    app: &App,
    caller: &PlatformCaller,
    parts: &RequestParts<'_>,
    token: &str,
) -> Result<StatementsAnswer, Problem> {
    parts.only(&[])?;
    let more = More::read(token).ok_or_else(|| {
        Problem::bad_request("This address is not the next page of any page of statements. Start with the first page.")
    })?;
    answer(app, caller, more.query, Some(more.after), parts.accept_language).await
}

async fn answer(
    app: &App,
    caller: &PlatformCaller,
    query: Vec<(String, String)>,
    after: Option<i64>,
    accept_language: &str,
) -> Result<StatementsAnswer, Problem> {
    caller.may(Use::ReadStatements)?;
    let parameters = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let parsed = read_query(parameters, caller.version)
        .map_err(|fault| Problem::bad_request(format!("The query is not understood: {fault}.")))?;
    let (platform, version) = (&caller.credential.platform, caller.version);
    match parsed {
        StatementQuery::One(one) => {
            let consistent_through = app.consistent_through().await.map_err(unavailable)?;
            let found = app.find_statement(platform, &one).await.map_err(unavailable)?;
            let found = found.ok_or_else(|| {
                let state = if one.voided { "and is voided" } else { "and is not voided" };
                Problem::not_found(format!("No statement {} is stored for this platform {state}.", one.id))
            })?;
            let body = app
                .render_statement(platform, &found, (one.format, version), accept_language)
                .await
                .map_err(unavailable)?;
            let last_modified = Some(found.stored);
            written(app, caller, body, &[found], one.attachments, last_modified, consistent_through).await
        }
        StatementQuery::Many(many) => {
            let page = app.find_statements(platform, &many, after).await.map_err(unavailable)?;
            let mut statements = Vec::with_capacity(page.statements.len());
            for found in &page.statements {
                let form = (many.format, version);
                statements
                    .push(app.render_statement(platform, found, form, accept_language).await.map_err(unavailable)?);
            }
            let more = match page.next {
                Some(after) => format!("/xapi/statements/more/{}", More { query, after }.token()),
                None => String::new(),
            };
            // Statements are JSON already, with the digits that were sent; the rest needs no escaping.
            let body = format!(r#"{{"statements":[{}],"more":"{more}"}}"#, statements.join(","));
            written(app, caller, body, &page.statements, many.attachments, None, page.consistent_through).await
        }
    }
}

/// The body alone, or followed by the contents of attachments.
async fn written(
    app: &App,
    caller: &PlatformCaller,
    body: String,
    statements: &[StoredStatement],
    attachments: bool,
    last_modified: Option<DateTime<Utc>>,
    consistent_through: DateTime<Utc>,
) -> Result<StatementsAnswer, Problem> {
    let (body, content_type) = if attachments {
        let platform = &caller.credential.platform;
        let written = app.with_attachments(platform, statements, &body).await.map_err(unavailable)?;
        (written.body, written.content_type)
    } else {
        (body.into_bytes(), "application/json".to_owned())
    };
    Ok(StatementsAnswer { body, content_type, last_modified, consistent_through })
}

fn unavailable(error: impl std::error::Error) -> Problem {
    Problem::unavailable(5).with_cause(&error)
}

async fn store_statements(
    app: &App,
    receiving: &Receiving,
    settings: &ReceivingSettings,
    caller: &PlatformCaller,
    parts: &RequestParts<'_>,
    put: Option<Uuid>,
    body: Body<'_>,
) -> Result<StoredStatements, Problem> {
    let stored = take(receiving, settings, caller, parts, put, body).await;
    let outcome = match &stored {
        Ok(StoredStatements { received: Received::Duplicate { .. }, .. }) => DeliveryOutcome::Duplicate,
        Ok(StoredStatements { received: Received::Ignored, .. }) => DeliveryOutcome::Ignored,
        Ok(_) => DeliveryOutcome::Accepted,
        Err(problem) if problem.members.contains_key("delivery_id") => DeliveryOutcome::Quarantined,
        Err(problem) if problem.status == 409 => DeliveryOutcome::Conflict,
        Err(_) => DeliveryOutcome::Refused,
    };
    app.metrics.delivery_answered(outcome, parts.arrived_at.elapsed());
    let counted = match (outcome, &stored) {
        (DeliveryOutcome::Duplicate, _) => Some(Counted::Duplicate),
        (DeliveryOutcome::Conflict, _) => Some(Counted::Conflict),
        (_, Err(problem)) if problem.status == 429 => Some(Counted::RateLimited),
        _ => None,
    };
    if let Some(counted) = counted {
        app.platform_counts.count(&caller.credential.platform.code, counted, app.now());
    }
    stored
}

async fn take(
    receiving: &Receiving,
    settings: &ReceivingSettings,
    caller: &PlatformCaller,
    parts: &RequestParts<'_>,
    put: Option<Uuid>,
    body: Body<'_>,
) -> Result<StoredStatements, Problem> {
    let content_type = match (&body, parts.content_type) {
        // A form that does not say what its content is can only contain JSON.
        (Body::Here(_), "") => "application/json",
        (_, content_type) => content_type,
    };
    if !is_json(content_type) && !is_multipart(content_type) {
        // Communication 3.2 lists the codes that exist, and 415 is not among them.
        return Err(Problem::bad_request(
            "The body's media type is not one for statements. Send them as application/json, or as multipart/mixed with \
             attachments.",
        ));
    }
    parts.only_plain()?;
    let body = body.read(settings).await?;
    let statements = Statements { caller: &caller.credential, version: caller.version, content_type, put, body };
    Ok(receiving.receive_statements(statements).await?)
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

impl From<StatementsError> for Problem {
    fn from(error: StatementsError) -> Self {
        match error {
            StatementsError::NotUnderstood { pointer, problem, delivery } => {
                let place = place_in_body(&pointer);
                let detail = format!(
                    "None of it is stored: {place} {problem}. The request is in quarantine, and can be replayed."
                );
                let problem =
                    Self::new(Status::BadRequest, "not-a-statement", "Not xAPI", detail)
                        .with_pointer(&pointer)
                        .with_member("delivery_id", delivery);
                place_in_array(&pointer).into_iter().fold(problem, |problem, index| problem.with_member("index", index))
            }
            StatementsError::Conflict(id) => Self::conflict(
                "statement-conflict",
                format!("The statement {id} is stored already and says something else: that one stays. None of this is stored. Send what is new under a new id."),
            )
            .with_member("statement_id", id.to_string()),
            StatementsError::Receive(error) => error.into(),
        }
    }
}
