//! Decisions by hand: links, dismissals, and taking them back.

use chrono::{DateTime, Utc};
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::link_identity::{LinkAnswer, LinkError, LinkRequest};
use crate::app::{App, Asker};
use crate::domain::ids::{EmployeeNumber, PlatformCode};
use crate::domain::linking::{Identity, LinkingKey};
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// What to link: an identity of a platform to an employee, or to nobody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    #[schema(example = "larportal")]
    pub(super) platform: String,
    /// `employee_number`, `email`, `username` or `account`.
    #[schema(example = "email")]
    pub(super) key: String,
    #[schema(example = "anna.andersson@example.org")]
    pub(super) value: String,
    /// The home page of an account; left out for the other keys.
    #[serde(default)]
    pub(super) home_page: Option<String>,
    /// Whose the identity is; null: nobody's, whoever the directory knows by it. What waits for it is then dismissed.
    #[schema(example = "104233")]
    pub(super) employee_number: Option<String>,
    #[schema(example = "new address after marriage, asked by phone")]
    pub(super) reason: String,
}

/// What is wrong with a body, and in which of its members.
#[derive(Debug, thiserror::Error)]
#[error("{name} {why}")]
pub(super) struct WrongMember {
    pub name: &'static str,
    why: String,
}

impl LinkBody {
    /// What it asks for.
    pub(super) fn read(&self) -> Result<LinkRequest, WrongMember> {
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
            reason: self.reason.trim().to_owned(),
        })
    }
}

/// A decision by hand: a link, or a dismissal.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    id: i64,
    platform: String,
    key: &'static str,
    value: String,
    home_page: Option<String>,
    /// Null: the identity is nobody's, and what waits for it is dismissed.
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
    let request = body.read().map_err(|fault| {
        Problem::unprocessable("not-understood", fault.to_string()).with_pointer(&format!("/{}", fault.name))
    })?;
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
