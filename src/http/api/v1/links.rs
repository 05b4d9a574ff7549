//! Results that wait for somebody to be theirs, and links by hand.

use chrono::{DateTime, Utc};
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::link_identity::{LinkAnswer, LinkError, LinkRequest};
use crate::app::list_unlinked::{ListUnlinkedError, UnlinkedAnswer};
use crate::app::{App, Asker};
use crate::domain::ids::{EmployeeNumber, PlatformCode};
use crate::domain::linking::{Identity, LearnerKeys, LinkingKey};
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// The queue of the unrecognised, a learner an item.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnlinkedPageView {
    items: Vec<UnlinkedView>,
    /// The `after` of the next request; null: no more.
    next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UnlinkedView {
    #[schema(example = "larportal")]
    platform: String,
    /// The keys by which the platform names the learner.
    learner: LearnerView,
    /// `unknown`, `ambiguous` or `contradicted`.
    #[schema(example = "ambiguous")]
    why: &'static str,
    /// How many results wait.
    results: u64,
    first_recorded_at: DateTime<Utc>,
    last_recorded_at: DateTime<Utc>,
    /// The employee numbers of those whom some key fits.
    candidates: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LearnerView {
    employee_number: Option<String>,
    email: Option<String>,
    username: Option<String>,
    account: Option<AccountView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AccountView {
    home_page: String,
    name: String,
}

impl From<LearnerKeys> for LearnerView {
    fn from(keys: LearnerKeys) -> Self {
        Self {
            employee_number: keys.employee_number.map(String::from),
            email: keys.email,
            username: keys.username,
            account: keys.account.map(|account| AccountView { home_page: account.home_page, name: account.name }),
        }
    }
}

impl From<UnlinkedAnswer> for UnlinkedView {
    fn from(answer: UnlinkedAnswer) -> Self {
        Self {
            platform: answer.platform,
            why: answer.learner.why.as_str(),
            results: answer.learner.results,
            first_recorded_at: answer.learner.first_recorded_at,
            last_recorded_at: answer.learner.last_recorded_at,
            candidates: answer.candidates,
            learner: answer.learner.keys.into(),
        }
    }
}

/// What to link: an identity of a platform to an employee, or to nobody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    #[schema(example = "larportal")]
    platform: String,
    /// `employee_number`, `email`, `username` or `account`.
    #[schema(example = "email")]
    key: String,
    #[schema(example = "anna.andersson@example.org")]
    value: String,
    /// The home page of an account; left out for the other keys.
    #[serde(default)]
    home_page: Option<String>,
    /// Whose the identity is; null: nobody's, whoever the directory knows by it.
    #[schema(example = "104233")]
    employee_number: Option<String>,
    #[schema(example = "new address after marriage, asked by phone")]
    reason: String,
}

/// A link by hand.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    id: i64,
    platform: String,
    key: &'static str,
    value: String,
    home_page: Option<String>,
    /// Null: the identity links to nobody.
    employee_number: Option<String>,
    reason: String,
    decided_by: String,
    decided_at: DateTime<Utc>,
    /// Null while it stands.
    undone_at: Option<DateTime<Utc>>,
}

impl From<LinkAnswer> for LinkView {
    fn from(answer: LinkAnswer) -> Self {
        let decision = answer.decision;
        Self {
            id: decision.id,
            platform: answer.platform,
            key: decision.identity.key.as_str(),
            value: decision.identity.value,
            home_page: Some(decision.identity.home_page).filter(|home_page| !home_page.is_empty()),
            employee_number: answer.employee_number,
            reason: decision.reason,
            decided_by: decision.decided_by,
            decided_at: decision.decided_at,
            undone_at: decision.undone_at,
        }
    }
}

/// Learners whose results wait unlinked
///
/// They are linked by themselves as soon as the directory knows a key. An administration sees those whom some key fits,
/// where everybody whom a key fits is its own.
#[utoipa::path(
    get, path = "/api/v1/unlinked", operation_id = "list_unlinked", tag = "linking", security(("bearer" = [])),
    params(
        ("limit" = Option<u32>, Query, description = "How many learners, 1 to 500; 100 where it is left out", minimum = 1, maximum = 500),
        ("after" = Option<String>, Query, description = "`next` of the answer before"),
    ),
    responses(
        (status = 200, description = "A page of the queue", body = UnlinkedPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/unlinked")]
pub async fn unlinked(app: &State<App>, asker: Asker, query: Query) -> Result<Json<UnlinkedPageView>, Problem> {
    let query = query.only(&["limit", "after"])?;
    let limit = query.limit(100, 500)?;
    let found = app.list_unlinked(&asker, query.row("after")?, limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.learner.id.to_string());
    Ok(Json(UnlinkedPageView { items: found.into_iter().map(UnlinkedView::from).collect(), next }))
}

/// Links by hand from the newest on, undone ones included
#[utoipa::path(
    get, path = "/api/v1/links", operation_id = "list_links", tag = "linking", security(("bearer" = [])),
    params(("before" = Option<i64>, Query, description = "The id of the last one that was seen")),
    responses(
        (status = 200, description = "Links by hand", body = Vec<LinkView>),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/links")]
pub async fn list(app: &State<App>, asker: Asker, query: Query) -> Result<Json<Vec<LinkView>>, Problem> {
    let query = query.only(&["before"])?;
    let found = app.list_links(&asker, query.row("before")?).await?;
    Ok(Json(found.into_iter().map(LinkView::from).collect()))
}

/// Links an identity by hand; it links the same way from then on
///
/// What was decided for the identity before is superseded. An administration links to its own people only, and only
/// identities that it sees in its queue.
#[utoipa::path(
    post, path = "/api/v1/links", operation_id = "make_link", tag = "linking", security(("bearer" = [])),
    request_body = LinkBody,
    responses(
        (status = 200, description = "The link", body = LinkView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/links", data = "<body>")]
pub async fn make(
    app: &State<App>,
    asker: Asker,
    query: Query,
    body: Result<JsonBody<LinkBody>, Problem>,
) -> Result<Json<LinkView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    let wrong = |name: &str, why: String| {
        Problem::unprocessable("not-understood", format!("{name} {why}")).with_pointer(&format!("/{name}"))
    };
    let key = LinkingKey::parse(&body.key).ok_or_else(|| {
        wrong(
            "key",
            format!("{} is none of {}", body.key, LinkingKey::DEFAULT_ORDER.map(LinkingKey::as_str).join(", ")),
        )
    })?;
    if body.reason.trim().is_empty() {
        return Err(wrong("reason", "is empty; say how you know".to_owned()));
    }
    let home_page = body.home_page.as_deref().unwrap_or_default();
    let identity = Identity::new(key, &body.value, home_page).ok_or_else(|| wrong("value", "is empty".to_owned()))?;
    let employee = body.employee_number.as_deref().map(EmployeeNumber::parse).transpose();
    let request = LinkRequest {
        platform: PlatformCode::parse(&body.platform).map_err(|why| wrong("platform", why.to_string()))?,
        identity,
        employee: employee.map_err(|why| wrong("employee_number", why.to_string()))?,
        reason: body.reason.trim().to_owned(),
    };
    Ok(Json(app.link_identity(&asker, &request).await?.into()))
}

/// Takes a link by hand back; what it linked is linked by the directory again, or waits
#[utoipa::path(
    post, path = "/api/v1/links/{id}/undo", operation_id = "undo_link", tag = "linking", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The link's id")),
    responses(
        (status = 200, description = "The link, undone", body = LinkView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[post("/links/<id>/undo")]
pub async fn undo(app: &State<App>, asker: Asker, query: Query, id: &str) -> Result<Json<LinkView>, Problem> {
    query.only(&[])?;
    let id = id.parse().map_err(|_| Problem::not_found(format!("no link with the id {id} stands")))?;
    Ok(Json(app.undo_link(&asker, id).await?.into()))
}

impl From<ListUnlinkedError> for Problem {
    fn from(error: ListUnlinkedError) -> Self {
        match error {
            ListUnlinkedError::Refused(refused) => Self::forbidden(refused.to_string()),
            ListUnlinkedError::Store(error) => Self::internal(&error),
        }
    }
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Refused(refused) => Self::forbidden(refused.to_string()),
            LinkError::UnknownPlatform(_)
            | LinkError::UnknownEmployee(_)
            | LinkError::NotWaiting
            | LinkError::UnknownLink(_) => Self::not_found(error.to_string()),
            LinkError::Store(error) => Self::internal(&error),
        }
    }
}
