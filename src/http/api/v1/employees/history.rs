//! The history of one employee: what changed, from what to what, who said so, and when.

use chrono::{DateTime, Utc};
use rocket::serde::json::Json;
use rocket::{State, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::employees::history::{AttributedEntry, HistoryAnswer, HistoryRequest, ShowHistoryError};
use crate::app::{App, Caller};
use crate::domain::history::{Entry, FieldChange, Kind, Place};
use crate::domain::ids::EmployeeNumber;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// A page of a history, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPageView {
    #[schema(example = "104233")]
    employee_number: String,
    items: Vec<HistoryEntryView>,
    /// The `after` of the next request; null: no more.
    next: Option<String>,
}

/// One thing that became known.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryEntryView {
    /// When it became known: a report with an earlier `known_at` does not use it.
    known_at: DateTime<Utc>,
    /// Who said so: a token's subject, `operator`, or `platform` and its code; null if it was not recorded.
    #[schema(example = "hr-admin")]
    by: Option<String>,
    /// `import`, `correction`, `scim`, `link`, `exemption`, `prior_training`, `delivery`, `merge` or `other`.
    #[schema(example = "correction")]
    how: &'static str,
    #[serde(flatten)]
    changed: ChangedView,
    reason: Option<String>,
    /// The number of the merged duplicate that it was reported for; null: this number.
    merged_number: Option<String>,
}

/// What changed in one record.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedView {
    /// `person`, `employment`, `absence`, `exemption`, `prior_training`, `identity`, `link`, `result` or `merge`.
    #[schema(example = "employment")]
    kind: &'static str,
    /// Which of the kind: an employment's id, an absence's first day, an event's id …
    #[schema(example = "1")]
    of: String,
    /// `added`, `changed`, `withdrawn`, `proposed` or `rejected`.
    #[schema(example = "changed")]
    happened: &'static str,
    changes: Vec<FieldChangeView>,
    /// Whether protected personal data are withheld: `before` and `after` of some fields are then null.
    hidden: bool,
}

/// One field, from what to what.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldChangeView {
    #[schema(example = "ends_on")]
    field: &'static str,
    /// Null: empty, or not there before.
    before: Option<String>,
    /// Null: empty, or not there any more.
    #[schema(example = "2026-01-31")]
    after: Option<String>,
}

impl From<FieldChange> for FieldChangeView {
    fn from(change: FieldChange) -> Self {
        Self { field: change.field, before: change.before, after: change.after }
    }
}

impl From<Entry> for ChangedView {
    fn from(entry: Entry) -> Self {
        Self {
            kind: entry.kind.as_str(),
            of: entry.of,
            happened: entry.happened.as_str(),
            changes: entry.changes.into_iter().map(FieldChangeView::from).collect(),
            hidden: entry.is_hidden,
        }
    }
}

impl From<AttributedEntry> for HistoryEntryView {
    fn from(reported: AttributedEntry) -> Self {
        let AttributedEntry { mut entry, by, how } = reported;
        let (reason, merged_number) = (entry.reason.take(), entry.merged_number.take().map(String::from));
        Self { known_at: entry.known_at, by, how: how.as_str(), changed: entry.into(), reason, merged_number }
    }
}

impl From<HistoryAnswer> for HistoryPageView {
    fn from(answer: HistoryAnswer) -> Self {
        Self {
            employee_number: answer.number.into(),
            items: answer.entries.into_iter().map(HistoryEntryView::from).collect(),
            next: answer.next.map(|Place { micros, nth }| format!("{micros}.{nth}")),
        }
    }
}

/// What became known of an employee, in order: what changed, from what to what, who said so, and when
///
/// A caller whose scope is some administrations sees only those who are employed in one of them today: their
/// employments in it, and everything else from the instant on at which the register knew of one; results from their
/// beginning.
#[utoipa::path(
    get, path = "/api/v1/employees/{employee_number}/history", operation_id = "show_history", tag = "employees", security(("bearer" = [])),
    params(
        ("employee_number" = String, Path, description = "HR's number", example = "104233"),
        ("kind" = Option<String>, Query, description = "Entries of one kind only"),
        ("limit" = Option<u32>, Query, description = "How many entries, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("after" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of the history", body = HistoryPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/employees/<employee_number>/history")]
pub async fn show(
    app: &State<App>,
    caller: Caller,
    employee_number: &str,
    query: Query,
) -> Result<Json<HistoryPageView>, Problem> {
    let query = query.only(&["kind", "limit", "after"])?;
    let kind = query.text("kind").map(|text| {
        let words = Kind::ALL.map(Kind::as_str).join(", ");
        Kind::parse(text).ok_or_else(|| Problem::bad_request(format!("kind={text} is none of: {words}")))
    });
    let after = query.text("after").map(|text| {
        let place = text
            .split_once('.')
            .and_then(|(micros, nth)| Some(Place { micros: micros.parse().ok()?, nth: nth.parse().ok()? }));
        place.ok_or_else(|| Problem::bad_request(format!("after={text} is not what an answer gave as next")))
    });
    let request =
        HistoryRequest { after: after.transpose()?, kind: kind.transpose()?, at_most: query.limit(100, 500)? };
    let number = EmployeeNumber::parse(employee_number)
        .map_err(|why| Problem::not_found(format!("the employee number {why}")))?;
    Ok(Json(app.show_history(&caller, &number, request).await?.into()))
}

impl From<ShowHistoryError> for Problem {
    fn from(error: ShowHistoryError) -> Self {
        match error {
            ShowHistoryError::Refused(refused) => Self::forbidden(refused.to_string()),
            ShowHistoryError::UnknownEmployee(_) => Self::not_found(error.to_string()),
            ShowHistoryError::Store(error) => Self::internal(&error),
        }
    }
}
