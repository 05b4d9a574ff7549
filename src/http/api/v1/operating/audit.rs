//! The audit trail.

use chrono::{DateTime, Utc};
use rocket::serde::json::Json;
use rocket::{State, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::operating::read_audit::{AuditEntry, ReadAuditError};
use crate::app::{App, Caller};
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// A page of the audit trail, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPageView {
    items: Vec<AuditEntryView>,
    /// The `before` of the next request; null: no more.
    next: Option<String>,
}

/// Who did what, when, and to which scope.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEntryView {
    id: i64,
    at: DateTime<Utc>,
    /// The token's subject, or `operator` at the command line.
    subject: String,
    #[schema(example = "administration.export")]
    action: String,
    #[schema(example = "administration SEF, infosec-onboarding")]
    object: String,
    /// `city`, or the codes of the administrations.
    #[schema(example = "SEF")]
    scope: String,
    request_id: String,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, at, subject, action, object, scope, request_id } = entry;
        Self { id, at, subject, action, object, scope, request_id }
    }
}

/// The audit trail, newest first; reading it leaves an entry too
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "list_audit", tag = "audit", security(("bearer" = [])),
    params(
        ("limit" = Option<u32>, Query, description = "How many, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("before" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of entries", body = AuditPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/audit")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<AuditPageView>, Problem> {
    let query = query.only(&["limit", "before"])?;
    let limit = query.limit(100, 500)?;
    let found = app.read_audit(&caller, query.row("before")?, limit as u64).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.id.to_string());
    Ok(Json(AuditPageView { items: found.into_iter().map(AuditEntryView::from).collect(), next }))
}

impl From<ReadAuditError> for Problem {
    fn from(error: ReadAuditError) -> Self {
        match error {
            ReadAuditError::Refused(refused) => Self::forbidden(refused.to_string()),
            ReadAuditError::Store(error) => Self::internal(&error),
        }
    }
}
