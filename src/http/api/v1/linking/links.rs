//! Decisions by hand: links, dismissals, and undoing them.

use chrono::{DateTime, NaiveDate, Utc};
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::app::linking::link::{DecidedAnswer, DecisionDays, LinkAnswer, LinkError, LinkRequest};
use crate::app::linking::moves::{LinkMoves, MovedPerson};
use crate::app::{App, Caller};
use crate::domain::ids::{EmployeeNumber, PlatformCode};
use crate::domain::linking::{Identity, LinkingKey};
use crate::domain::training::{LinkedResult, Target};
use crate::http::api::v1::employees::corrections::{StatusChangeView, status_changes};
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// What to link: an identity of a platform to an employee, or to nobody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    #[schema(example = "larportal")]
    pub(in crate::http::api::v1) platform: String,
    /// `employee_number`, `email`, `username` or `account`.
    #[schema(example = "email")]
    pub(in crate::http::api::v1) key: String,
    #[schema(example = "anna.andersson@example.org")]
    pub(in crate::http::api::v1) value: String,
    /// The home page of an account; left out for the other keys.
    #[serde(default)]
    pub(in crate::http::api::v1) home_page: Option<String>,
    /// The employee whom the identity belongs to; null: none, even if the directory knows one by it. What waits for it
    /// is then dismissed.
    #[schema(example = "104233")]
    pub(in crate::http::api::v1) employee_number: Option<String>,
    /// The first day of which results are linked; null: from the beginning. Left out with `to`: the days of the results
    /// that wait.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "2026-03-01")]
    pub(in crate::http::api::v1) from: Option<Option<String>>,
    /// The last such day; null: without an end.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "2026-03-31")]
    pub(in crate::http::api::v1) to: Option<Option<String>>,
    #[schema(example = "new address after marriage, asked by phone")]
    pub(in crate::http::api::v1) reason: String,
    /// Whether it may take results from the employees they are linked to now. Without it, such a link is refused, and
    /// the answer says from whom.
    #[serde(default)]
    pub(in crate::http::api::v1) move_results: bool,
    /// Only report what it would move.
    #[serde(default)]
    pub(in crate::http::api::v1) dry_run: bool,
}

/// A member that is there, null or not.
pub(in crate::http::api::v1) fn given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What is wrong with a body, and in which of its members.
#[derive(Debug, thiserror::Error)]
#[error("{name} {why}")]
pub(in crate::http::api::v1) struct WrongMember {
    pub name: &'static str,
    why: String,
}

impl LinkBody {
    /// The requested link.
    pub(in crate::http::api::v1) fn read(&self) -> Result<LinkRequest, WrongMember> {
        let wrong = |name, why: String| WrongMember { name, why };
        let key = LinkingKey::parse(&self.key).ok_or_else(|| {
            let keys = LinkingKey::DEFAULT_ORDER.map(LinkingKey::as_str).join(", ");
            wrong("key", format!("{} is none of {keys}", self.key))
        })?;
        if self.reason.trim().is_empty() {
            return Err(wrong("reason", "is empty; say how you know".to_owned()));
        }
        let home_page = self.home_page.as_deref().unwrap_or_default();
        let identity =
            Identity::new(key, &self.value, home_page).ok_or_else(|| wrong("value", "is empty".to_owned()))?;
        let employee = self.employee_number.as_deref().map(EmployeeNumber::parse).transpose();
        Ok(LinkRequest {
            platform: PlatformCode::parse(&self.platform).map_err(|why| wrong("platform", why.to_string()))?,
            identity,
            employee: employee.map_err(|why| wrong("employee_number", why.to_string()))?,
            days: self.days()?,
            reason: self.reason.trim().to_owned(),
            moves_results: self.move_results,
            is_dry_run: self.dry_run,
        })
    }

    /// The days that it names; nothing if it names none.
    fn days(&self) -> Result<Option<DecisionDays>, WrongMember> {
        if self.from.is_none() && self.to.is_none() {
            return Ok(None);
        }
        let read = |name, given: &Option<Option<String>>| {
            let day = given.as_ref().and_then(Option::as_deref).map(str::parse::<NaiveDate>).transpose();
            day.map_err(|_| WrongMember { name, why: "is not a day such as 2026-02-26".to_owned() })
        };
        let (from, to) = (read("from", &self.from)?, read("to", &self.to)?);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(WrongMember {
                name: "to",
                why: "is before from; the last day cannot come before the first".to_owned(),
            });
        }
        Ok(Some(DecisionDays { from, to }))
    }
}

/// A decision by hand: a link, or a dismissal.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    id: i64,
    platform: String,
    key: &'static str,
    /// Null if it is withheld: it belongs to, or fits, an employee with protected personal data.
    value: Option<String>,
    home_page: Option<String>,
    /// Null: the identity belongs to no employee, and what waits for it is dismissed.
    employee_number: Option<String>,
    /// The first day of which results are linked; null: from the beginning.
    from: Option<NaiveDate>,
    /// The last such day; null: without an end.
    to: Option<NaiveDate>,
    reason: String,
    decided_by: String,
    decided_at: DateTime<Utc>,
    /// Null while it is in effect.
    undone_at: Option<DateTime<Utc>>,
}

impl From<LinkAnswer> for LinkView {
    fn from(answer: LinkAnswer) -> Self {
        let decision = answer.decision;
        Self {
            id: decision.id,
            platform: answer.platform,
            key: decision.identity.key.as_str(),
            value: Some(decision.identity.value).filter(|value| !value.is_empty()),
            home_page: Some(decision.identity.home_page).filter(|home_page| !home_page.is_empty()),
            employee_number: answer.employee_number,
            from: decision.days.from,
            to: decision.days.to,
            reason: decision.reason,
            decided_by: decision.decided_by,
            decided_at: decision.decided_at,
            undone_at: decision.undone_at,
        }
    }
}

/// How many results of one person are listed.
const LISTED_AT_MOST: usize = 100;

/// Somebody who gains or loses results by a decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovedPersonView {
    #[schema(example = "104233")]
    employee_number: String,
    /// How many results become the person's.
    #[schema(example = 1)]
    gains: usize,
    /// How many are no longer the person's.
    #[schema(example = 0)]
    loses: usize,
    /// The first hundred of either.
    results: Vec<MovedResultView>,
    /// Today's statuses that change.
    statuses: Vec<StatusChangeView>,
}

/// A result that moves.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovedResultView {
    #[schema(example = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")]
    event_id: String,
    #[schema(example = "infosec-basics")]
    course: Option<String>,
    quiz: Option<String>,
    /// The city's day on which it happened.
    occurred_on: NaiveDate,
    /// Whether the person gains it, or loses it.
    #[schema(example = true)]
    gained: bool,
}

impl From<MovedPerson> for MovedPersonView {
    fn from(person: MovedPerson) -> Self {
        let view = |gained| {
            move |result: &LinkedResult| {
                let (course, quiz) = match &result.target {
                    Target::Course(course) => (Some(course.to_string()), None),
                    Target::Quiz(quiz) => (None, Some(quiz.to_string())),
                };
                MovedResultView { event_id: result.event_id.to_string(), course, quiz, occurred_on: result.day, gained }
            }
        };
        let results = person.gains.iter().map(view(true)).chain(person.loses.iter().map(view(false)));
        Self {
            gains: person.gains.len(),
            loses: person.loses.len(),
            results: results.take(LISTED_AT_MOST).collect(),
            employee_number: person.employee_number,
            statuses: status_changes(person.statuses),
        }
    }
}

/// A decision that was made or undone, or would be, and what it moves.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecidedLinkView {
    /// Null in a dry run.
    id: Option<i64>,
    platform: String,
    key: &'static str,
    /// Null if it is withheld: it belongs to, or fits, an employee with protected personal data.
    value: Option<String>,
    home_page: Option<String>,
    /// Null: the identity belongs to no employee, and what waits for it is dismissed.
    employee_number: Option<String>,
    /// The first day of which results are linked; null: from the beginning.
    from: Option<NaiveDate>,
    /// The last such day; null: without an end.
    to: Option<NaiveDate>,
    reason: String,
    decided_by: String,
    decided_at: DateTime<Utc>,
    /// Null while it is in effect.
    undone_at: Option<DateTime<Utc>>,
    dry_run: bool,
    /// Everybody who gains or loses results by it, by number.
    moves: Vec<MovedPersonView>,
}

impl From<DecidedAnswer> for DecidedLinkView {
    fn from(answer: DecidedAnswer) -> Self {
        let link = LinkView::from(answer.link);
        // A decision of a dry run cannot be undone.
        let is_stored = !answer.is_dry_run || link.undone_at.is_some();
        Self {
            id: Some(link.id).filter(|_| is_stored),
            platform: link.platform,
            key: link.key,
            value: link.value,
            home_page: link.home_page,
            employee_number: link.employee_number,
            from: link.from,
            to: link.to,
            reason: link.reason,
            decided_by: link.decided_by,
            decided_at: link.decided_at,
            undone_at: link.undone_at,
            dry_run: answer.is_dry_run,
            moves: moved(answer.moves),
        }
    }
}

/// Who gains or loses results.
pub(in crate::http::api::v1) fn moved(moves: LinkMoves) -> Vec<MovedPersonView> {
    moves.people.into_iter().map(MovedPersonView::from).collect()
}

/// Links by hand, newest first, undone ones included
#[utoipa::path(
    get, path = "/api/v1/links", operation_id = "list_links", tag = "linking", security(("bearer" = [])),
    params(("before" = Option<i64>, Query, description = "The id of the last one in the page before")),
    responses(
        (status = 200, description = "Links by hand", body = Vec<LinkView>),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/links")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<Vec<LinkView>>, Problem> {
    let query = query.only(&["before"])?;
    let found = app.list_links(&caller, query.row("before")?).await?;
    Ok(Json(found.into_iter().map(LinkView::from).collect()))
}

/// Links an identity by hand, for some days; results of these days link the same way from then on
///
/// Without `from` and `to` it is for the days of the results that wait. A link that would take results from an employee
/// is refused with their `moves`, unless `move_results` says that it shall; `dry_run` says what any link would move,
/// and changes nothing. Of several links of an identity, the newest that covers a day applies on it. An administration
/// links to its own people only, and only identities that it sees in its queue.
#[utoipa::path(
    post, path = "/api/v1/links", operation_id = "make_link", tag = "linking", security(("bearer" = [])),
    request_body = LinkBody,
    responses(
        (status = 200, description = "The link, and what it moves", body = DecidedLinkView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 409, response = crate::http::openapi::MovesResults),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/links", data = "<body>")]
pub async fn make(
    app: &State<App>,
    caller: Caller,
    query: Query,
    body: Result<JsonBody<LinkBody>, Problem>,
) -> Result<Json<DecidedLinkView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    let request = body.read().map_err(|fault| {
        Problem::unprocessable("not-understood", fault.to_string()).with_pointer(&format!("/{}", fault.name))
    })?;
    Ok(Json(app.link_identity(&caller, &request).await?.into()))
}

/// Undoes a link by hand; what it linked is linked by the directory again, or waits
#[utoipa::path(
    post, path = "/api/v1/links/{id}/undo", operation_id = "undo_link", tag = "linking", security(("bearer" = [])),
    params(
        ("id" = i64, Path, description = "The link's id"),
        ("dry_run" = Option<bool>, Query, description = "Only report what it would move"),
    ),
    responses(
        (status = 200, description = "The link, undone, and what that moves", body = DecidedLinkView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[post("/links/<id>/undo")]
pub async fn undo(app: &State<App>, caller: Caller, query: Query, id: &str) -> Result<Json<DecidedLinkView>, Problem> {
    let query = query.only(&["dry_run"])?;
    let is_dry_run = query.word("dry_run", &["false", "true"])? == Some("true");
    let id = id.parse().map_err(|_| Problem::not_found(format!("no link with the id {id} is in force")))?;
    Ok(Json(app.undo_link(&caller, id, is_dry_run).await?.into()))
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Refused(refused) => Self::forbidden(refused.to_string()),
            LinkError::UnknownPlatform(_)
            | LinkError::UnknownEmployee(_)
            | LinkError::NotWaiting
            | LinkError::UnknownLink(_) => Self::not_found(error.to_string()),
            LinkError::SayTheDays => Self::unprocessable("days-missing", error.to_string()).with_pointer("/from"),
            LinkError::TakesResults(moves) => moves_results(*moves),
            LinkError::Store(error) => Self::internal(&error),
        }
    }
}

/// The problem of a link that would take results from an employee.
pub(in crate::http) fn moves_results(moves: LinkMoves) -> Problem {
    let detail = LinkError::TakesResults(Box::new(moves.clone())).to_string();
    Problem::conflict("moves-results", detail).with_member("moves", json!(moved(moves)))
}
