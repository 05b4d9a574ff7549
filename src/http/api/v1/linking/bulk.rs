//! Many decisions by hand at once.

use rocket::serde::json::Json;
use rocket::{State, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::app::linking::bulk::{BulkError, BulkFault, LinkOperation, OperationError};
use crate::app::linking::link::{DecidedAnswer, LinkError};
use crate::app::{App, Caller};
use crate::http::api::v1::linking::links::{DecidedLinkView, LinkBody, MovedPersonView, WrongMember, given, moved};
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// The most operations in one request.
const AT_MOST: usize = 200;

/// Many operations at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkBody {
    /// Whether one that cannot be done leaves all undone; else each is done or not by itself.
    #[serde(default)]
    all_or_nothing: bool,
    /// Only report what each would move.
    #[serde(default)]
    dry_run: bool,
    /// From 1 to 200.
    #[schema(min_items = 1, max_items = 200)]
    operations: Vec<OperationBody>,
}

/// One of many: the member `op` says which.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum OperationBody {
    /// The identity belongs to this employee, on the named days, or on those of the waiting results.
    Link {
        platform: String,
        key: String,
        value: String,
        #[serde(default)]
        home_page: Option<String>,
        employee_number: String,
        #[serde(default, deserialize_with = "given")]
        #[schema(value_type = Option<String>)]
        from: Option<Option<String>>,
        #[serde(default, deserialize_with = "given")]
        #[schema(value_type = Option<String>)]
        to: Option<Option<String>>,
        reason: String,
        #[serde(default)]
        move_results: bool,
    },
    /// The identity belongs to no employee: a test account, or a person from outside.
    Dismiss {
        platform: String,
        key: String,
        value: String,
        #[serde(default)]
        home_page: Option<String>,
        #[serde(default, deserialize_with = "given")]
        #[schema(value_type = Option<String>)]
        from: Option<Option<String>>,
        #[serde(default, deserialize_with = "given")]
        #[schema(value_type = Option<String>)]
        to: Option<Option<String>>,
        reason: String,
        #[serde(default)]
        move_results: bool,
    },
    /// A link or dismissal is undone.
    Undo { id: i64 },
}

impl OperationBody {
    fn read(self, dry_run: bool) -> Result<LinkOperation, WrongMember> {
        let body = match self {
            Self::Undo { id } => return Ok(LinkOperation::Undo(id)),
            Self::Link { platform, key, value, home_page, employee_number, from, to, reason, move_results } => {
                LinkBody {
                    platform,
                    key,
                    value,
                    home_page,
                    employee_number: Some(employee_number),
                    from,
                    to,
                    reason,
                    move_results,
                    dry_run,
                }
            }
            Self::Dismiss { platform, key, value, home_page, from, to, reason, move_results } => LinkBody {
                platform,
                key,
                value,
                home_page,
                employee_number: None,
                from,
                to,
                reason,
                move_results,
                dry_run,
            },
        };
        body.read().map(LinkOperation::Decide)
    }
}

/// What became of each operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkView {
    /// How many were done.
    #[schema(example = 1)]
    done: usize,
    /// Whether nothing was done, and `done` counts what would be.
    #[schema(example = false)]
    dry_run: bool,
    /// In the order in which they were sent.
    operations: Vec<OperationView>,
}

/// What became of one operation.
#[derive(Debug, Serialize, ToSchema)]
struct OperationView {
    /// `done` or `refused`.
    #[schema(example = "done")]
    outcome: &'static str,
    /// The decision as it is now; null if it was refused.
    link: Option<DecidedLinkView>,
    /// If it was refused because it would take results from an employee: who gains or loses results.
    moves: Vec<MovedPersonView>,
    /// Why it was refused, and what to do; null if it was done.
    detail: Option<String>,
    /// Where in the request the fault is; null if it was done.
    pointer: Option<String>,
}

impl OperationView {
    fn of(place: usize, answer: Result<DecidedAnswer, BulkFault<WrongMember>>, dry_run: bool) -> Self {
        match answer {
            Ok(answer) => Self {
                outcome: "done",
                link: Some(DecidedAnswer { is_dry_run: dry_run, ..answer }.into()),
                moves: Vec::new(),
                detail: None,
                pointer: None,
            },
            Err(fault) => {
                let (pointer, detail) = reported(place, &fault);
                let moves = match fault {
                    BulkFault::NotDone(OperationError::Link(LinkError::TakesResults(moves))) => moved(*moves),
                    BulkFault::NotDone(_) | BulkFault::NotUnderstood(_) => Vec::new(),
                };
                Self { outcome: "refused", link: None, moves, detail: Some(detail), pointer: Some(pointer) }
            }
        }
    }
}

fn reported(place: usize, fault: &BulkFault<WrongMember>) -> (String, String) {
    match fault {
        BulkFault::NotUnderstood(wrong) => (format!("/operations/{place}/{}", wrong.name), wrong.to_string()),
        BulkFault::NotDone(error) => (format!("/operations/{place}"), error.to_string()),
    }
}

/// Links, dismisses and undoes many at once
///
/// All within one change, each with its own scope and audit entry. Each is answered in its place; with
/// `all_or_nothing`, one that cannot be done leaves all undone, and the problem's `operations` says which and why. One
/// that would take results from an employee cannot be done, unless its `move_results` says so; `dry_run` says what each
/// would move, and does none.
#[utoipa::path(
    post, path = "/api/v1/links/bulk", operation_id = "link_in_bulk", tag = "linking", security(("bearer" = [])),
    request_body = BulkBody,
    responses(
        (status = 200, description = "What became of each", body = BulkView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotAllCanBeDone),
    ),
)]
#[post("/links/bulk", data = "<body>")]
pub async fn bulk(
    app: &State<App>,
    caller: Caller,
    query: Query,
    body: Result<JsonBody<BulkBody>, Problem>,
) -> Result<Json<BulkView>, Problem> {
    query.only(&[])?;
    let JsonBody(BulkBody { all_or_nothing, dry_run, operations }) = body?;
    if !(1..=AT_MOST).contains(&operations.len()) {
        let detail = format!("operations has {} items; send 1 to {AT_MOST} at once", operations.len());
        return Err(Problem::unprocessable("not-understood", detail).with_pointer("/operations"));
    }
    let operations = operations.into_iter().map(|operation| operation.read(dry_run)).collect();
    let answers = app.link_in_bulk(&caller, operations, (all_or_nothing, dry_run)).await?;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    let operations = answers.into_iter().enumerate().map(|(place, answer)| OperationView::of(place, answer, dry_run));
    Ok(Json(BulkView { done, dry_run, operations: operations.collect() }))
}

/// The problem of operations of which some cannot be done, so that none was.
pub(in crate::http) fn not_all(faults: &[(String, String)]) -> Problem {
    let (pointer, why) = faults.first().map_or(("/operations", ""), |(pointer, why)| (pointer, why));
    let detail = format!("{} of the operations cannot be done, so none was; the first: {why}", faults.len());
    let operations: Vec<_> =
        faults.iter().map(|(pointer, detail)| json!({"pointer": pointer, "detail": detail})).collect();
    Problem::unprocessable("not-all-can-be-done", detail).with_pointer(pointer).with_member("operations", operations)
}

impl From<BulkError<WrongMember>> for Problem {
    fn from(error: BulkError<WrongMember>) -> Self {
        match error {
            BulkError::Refused(refused) => Self::forbidden(refused.to_string()),
            BulkError::NotAll(faults) => {
                not_all(&faults.iter().map(|(place, fault)| reported(*place, fault)).collect::<Vec<_>>())
            }
            BulkError::Store(error) => Self::internal(&error),
        }
    }
}
