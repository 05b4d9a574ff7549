//! Quarantine as a workbench: what waits and why, read again by the hundred, and dismissed if it is resolved in another
//! way.

use chrono::{DateTime, Utc};
use rocket::http::Status;
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::quarantine::dismiss::{DISMISSED_AT_MOST, DismissError};
use crate::app::quarantine::replay::{ReplayRequest, Replayed, ReplayedDelivery, Which};
use crate::app::quarantine::show::{QuarantineRequest, QuarantinedDelivery, ShowQuarantineError};
use crate::app::quarantine::take_out::{Part, PartState, TakeError, TakeRequest};
use crate::app::{App, Caller};
use crate::domain::ids::PlatformCode;
use crate::domain::quarantine::Group;
use crate::domain::receiving::Received;
use crate::http::api::v1::employees::corrections::{reason, wrong};
use crate::http::api::v1::employees::proposals::ReasonBody;
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// A page of what waits, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantinePageView {
    items: Vec<QuarantinedView>,
    /// The `before` of the next request; null: no more.
    next: Option<String>,
}

/// A delivery that is authentic and not understood.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantinedView {
    id: i64,
    #[schema(example = "larportal")]
    platform: String,
    /// The sender's id of it.
    delivery_id: String,
    received_at: DateTime<Utc>,
    size: u64,
    /// Why it was not understood.
    problem: String,
    /// Where in the body (RFC 6901).
    #[schema(example = "/data/course")]
    pointer: String,
    excerpt: ExcerptView,
    /// Why nobody needs to look at it any more; null while it waits.
    dismissal: Option<QuarantineDismissalView>,
}

/// The part of a body around the place.
#[derive(Debug, Serialize, ToSchema)]
struct ExcerptView {
    /// What is not UTF-8 shows as U+FFFD.
    text: String,
    /// How many bytes of the body are before the text.
    offset: usize,
    /// How many bytes of the body are before the place, or before the object that lacks it.
    place: usize,
    /// Whether the body has more.
    is_cut: bool,
}

/// A dismissal: who, when and why.
#[derive(Debug, Serialize, ToSchema)]
struct QuarantineDismissalView {
    reason: String,
    by: String,
    at: DateTime<Utc>,
}

/// A page of what waits by problem; the one with most deliveries first.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantineGroupsPageView {
    items: Vec<QuarantineGroupView>,
    /// All that wait by this filter, on every page.
    deliveries: u64,
    /// The `after` of the next request; null: no more.
    next: Option<String>,
}

/// Deliveries of a platform that wait for the same reason in the same place.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantineGroupView {
    platform: String,
    /// Where in the body (RFC 6901).
    pointer: String,
    /// `…` stands for what differs from one to the next. Give it as `problem` to list or replay these.
    problem: String,
    deliveries: u64,
    oldest: DateTime<Utc>,
    newest: DateTime<Utc>,
    /// The id of the newest of them.
    example: i64,
}

/// What to read again: some ids, or all that a filter fits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    /// These, at most 1000; left out for all that the filter fits.
    #[schema(min_items = 1, max_items = 1000)]
    ids: Option<Vec<i64>>,
    /// All that wait, as far as the filter goes.
    #[serde(default)]
    all: bool,
    platform: Option<String>,
    /// As a group has it; `…` stands for any text.
    problem: Option<String>,
    since: Option<DateTime<Utc>>,
    /// Those that were dismissed, instead of those that were not.
    #[serde(default)]
    dismissed: bool,
    /// Only report what would change.
    #[serde(default)]
    dry_run: bool,
    /// How many at most, 1 to 1000; 500 by default.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next` of the previous answer.
    after: Option<i64>,
}

/// What became of deliveries that were read again, or would become of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedView {
    dry_run: bool,
    /// How many were read again.
    deliveries: usize,
    accepted: usize,
    /// Those that add nothing to what is known.
    duplicate: usize,
    ignored: usize,
    /// Those that stay in quarantine.
    quarantined: usize,
    /// New results.
    new_results: u64,
    /// The new ones that are linked to an employee.
    linked_results: u64,
    /// The new ones that wait to be linked.
    waiting_results: u64,
    /// Oldest first.
    items: Vec<ReplayedDeliveryView>,
    /// The `after` of the next request, which goes on; null: all is done.
    next: Option<i64>,
}

/// What became of one of them.
#[derive(Debug, Serialize, ToSchema)]
struct ReplayedDeliveryView {
    id: i64,
    platform: String,
    /// `accepted`, `duplicate`, `ignored` or `quarantined`.
    outcome: &'static str,
    new_results: u64,
    linked_results: u64,
    /// Why it stays in quarantine.
    problem: Option<String>,
    pointer: Option<String>,
}

/// Which deliveries are dismissed, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissBody {
    #[schema(min_items = 1, max_items = 1000)]
    ids: Vec<i64>,
    #[schema(example = "sent again by hand under new ids, ticket 4711")]
    reason: String,
}

/// How many deliveries are dismissed, or wait again.
#[derive(Debug, Serialize, ToSchema)]
pub struct DismissedView {
    deliveries: usize,
}

impl From<QuarantinedDelivery> for QuarantinedView {
    fn from(waiting: QuarantinedDelivery) -> Self {
        let excerpt = waiting.excerpt;
        Self {
            id: waiting.id,
            platform: waiting.platform.into(),
            delivery_id: waiting.sent_as,
            received_at: waiting.received_at,
            size: waiting.size,
            problem: waiting.problem,
            pointer: waiting.pointer,
            excerpt: ExcerptView {
                text: excerpt.text,
                offset: excerpt.offset,
                place: excerpt.place,
                is_cut: excerpt.is_cut,
            },
            dismissal: waiting.dismissal.map(|dismissal| QuarantineDismissalView {
                reason: dismissal.reason,
                by: dismissal.by,
                at: dismissal.at,
            }),
        }
    }
}

impl From<Group> for QuarantineGroupView {
    fn from(group: Group) -> Self {
        Self {
            platform: group.platform.into(),
            pointer: group.pointer,
            problem: group.problem,
            deliveries: group.deliveries,
            oldest: group.oldest,
            newest: group.newest,
            example: group.example,
        }
    }
}

impl From<ReplayedDelivery> for ReplayedDeliveryView {
    fn from(replayed: ReplayedDelivery) -> Self {
        let (outcome, problem, pointer) = match replayed.again.received {
            Received::Accepted { .. } => ("accepted", None, None),
            Received::Duplicate { .. } => ("duplicate", None, None),
            Received::Ignored => ("ignored", None, None),
            Received::Conflict | Received::EventConflict(_) => {
                ("quarantined", Some("another delivery reported an event with the same id".to_owned()), None)
            }
            Received::Quarantined { pointer, problem, .. } => ("quarantined", Some(problem), Some(pointer)),
        };
        Self {
            id: replayed.id,
            platform: replayed.platform.into(),
            outcome,
            new_results: replayed.again.new,
            linked_results: replayed.again.linked,
            problem,
            pointer,
        }
    }
}

impl ReplayedView {
    fn of(replayed: Replayed, dry_run: bool) -> Self {
        let items: Vec<ReplayedDeliveryView> = replayed.deliveries.into_iter().map(Into::into).collect();
        let count = |outcome: &str| items.iter().filter(|item| item.outcome == outcome).count();
        let new_results: u64 = items.iter().map(|item| item.new_results).sum();
        let linked_results: u64 = items.iter().map(|item| item.linked_results).sum();
        Self {
            dry_run,
            deliveries: items.len(),
            accepted: count("accepted"),
            duplicate: count("duplicate"),
            ignored: count("ignored"),
            quarantined: count("quarantined"),
            new_results,
            linked_results,
            waiting_results: new_results.saturating_sub(linked_results),
            items,
            next: replayed.next,
        }
    }
}

const FILTER: [&str; 4] = ["platform", "problem", "since", "dismissed"];

fn wanted(query: &Query) -> Result<QuarantineRequest, Problem> {
    Ok(QuarantineRequest {
        platform: query.id("platform", PlatformCode::parse)?,
        problem: query.text("problem").map(ToOwned::to_owned),
        since: query.instant("since")?,
        dismissed: query.word("dismissed", &["false", "true"])? == Some("true"),
    })
}

/// What waits in quarantine, newest first: why, where in the body, and the text there
#[utoipa::path(
    get, path = "/api/v1/quarantine", operation_id = "list_quarantine", tag = "quarantine", security(("bearer" = [])),
    params(
        ("platform" = Option<String>, Query, description = "Only this platform's"),
        ("problem" = Option<String>, Query, description = "Only those with this problem; `…` stands for any text"),
        ("since" = Option<String>, Query, description = "Only those received at this instant or later"),
        ("dismissed" = Option<bool>, Query, description = "Those that were dismissed, instead of those that were not"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 100; 50 by default", minimum = 1, maximum = 100),
        ("before" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of deliveries", body = QuarantinePageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/quarantine")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<QuarantinePageView>, Problem> {
    let query = query.only(&[&FILTER[..], &["limit", "before"]].concat())?;
    let limit = query.limit(50, 100)?;
    let found = app.list_quarantine(&caller, &wanted(&query)?, query.row("before")?, limit as u64).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.id.to_string());
    Ok(Json(QuarantinePageView { items: found.into_iter().map(Into::into).collect(), next }))
}

/// What waits in quarantine by problem; the problem with most deliveries first
#[utoipa::path(
    get, path = "/api/v1/quarantine/groups", operation_id = "group_quarantine", tag = "quarantine", security(("bearer" = [])),
    params(
        ("platform" = Option<String>, Query, description = "Only this platform's"),
        ("problem" = Option<String>, Query, description = "Only those with this problem; `…` stands for any text"),
        ("since" = Option<String>, Query, description = "Only those received at this instant or later"),
        ("dismissed" = Option<bool>, Query, description = "Those that were dismissed, instead of those that were not"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 500; 100 by default", minimum = 1, maximum = 500),
        ("after" = Option<String>, Query, description = "`next` of the previous answer"),
    ),
    responses(
        (status = 200, description = "A page of groups", body = QuarantineGroupsPageView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/quarantine/groups")]
pub async fn groups(app: &State<App>, caller: Caller, query: Query) -> Result<Json<QuarantineGroupsPageView>, Problem> {
    let query = query.only(&[&FILTER[..], &["limit", "after"]].concat())?;
    let limit = query.limit(100, 500)?;
    let after = usize::try_from(query.row("after")?.unwrap_or(0)).unwrap_or(usize::MAX);
    let groups = app.group_quarantine(&caller, &wanted(&query)?).await?;
    let deliveries = groups.iter().map(|group| group.deliveries).sum();
    let has_more = groups.len() > after.saturating_add(limit);
    let items = groups.into_iter().skip(after).take(limit).map(QuarantineGroupView::from);
    let next = has_more.then(|| (after + limit).to_string());
    Ok(Json(QuarantineGroupsPageView { items: items.collect(), deliveries, next }))
}

/// Reads deliveries in quarantine again, some or all; those that are understood now leave it
///
/// Each hundred is a change of its own. An answer with a `next` has more to do: send the same with it as `after`. A dry
/// run says what would change, and changes nothing.
#[utoipa::path(
    post, path = "/api/v1/quarantine/replay", operation_id = "replay_quarantine", tag = "quarantine", security(("bearer" = [])),
    request_body = ReplayBody,
    responses(
        (status = 200, description = "What became of them, or would", body = ReplayedView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/quarantine/replay", data = "<body>")]
pub async fn replay(
    app: &State<App>,
    caller: Caller,
    query: Query,
    body: Result<JsonBody<ReplayBody>, Problem>,
) -> Result<Json<ReplayedView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    let dry_run = body.dry_run;
    let replayed = app.replay_some(&caller, &body.request()?).await?;
    Ok(Json(ReplayedView::of(replayed, dry_run)))
}

impl ReplayBody {
    /// The most deliveries that a request reads again.
    const AT_MOST: usize = 1000;

    fn request(self) -> Result<ReplayRequest, Problem> {
        let platform = self.platform.as_deref().map(PlatformCode::parse).transpose();
        let platform = platform.map_err(|why| wrong("/platform", why))?;
        let filter =
            QuarantineRequest { platform, problem: self.problem, since: self.since, dismissed: self.dismissed };
        let is_filtered = filter != QuarantineRequest::default();
        let which = match (self.ids, self.all) {
            (Some(_), true) => return Err(wrong("/ids", "and all are given; give one of the two")),
            (Some(_), false) if is_filtered => {
                return Err(wrong("/ids", "and a filter are given; give one of the two"));
            }
            (Some(ids), false) if ids.len() > Self::AT_MOST => {
                return Err(wrong("/ids", format!("has more than {} ids; send them in parts", Self::AT_MOST)));
            }
            (Some(ids), false) => Which::Ids(ids),
            (None, true) => Which::All(filter),
            (None, false) => return Err(wrong("/ids", "is missing; give ids, or all: true")),
        };
        let at_most = self.limit.unwrap_or(500);
        if !(1..=Self::AT_MOST).contains(&at_most) {
            return Err(wrong("/limit", format!("is not a number from 1 to {}", Self::AT_MOST)));
        }
        Ok(ReplayRequest { which, after: self.after.unwrap_or(i64::MIN), at_most, dry_run: self.dry_run })
    }
}

/// Dismisses deliveries in quarantine that are resolved in another way, with a reason; all or none of them
///
/// They stay stored and can still be read again, and count in no report's data quality from now on.
#[utoipa::path(
    post, path = "/api/v1/quarantine/dismiss", operation_id = "dismiss_deliveries", tag = "quarantine", security(("bearer" = [])),
    request_body = DismissBody,
    responses(
        (status = 200, description = "They are dismissed", body = DismissedView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 409, response = crate::http::openapi::Conflict),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/quarantine/dismiss", data = "<body>")]
pub async fn dismiss(
    app: &State<App>,
    caller: Caller,
    query: Query,
    body: Result<JsonBody<DismissBody>, Problem>,
) -> Result<Json<DismissedView>, Problem> {
    query.only(&[])?;
    let JsonBody(DismissBody { mut ids, reason: because }) = body?;
    let because = reason(&because)?;
    ids.sort_unstable();
    ids.dedup();
    if !(1..=DISMISSED_AT_MOST).contains(&ids.len()) {
        return Err(wrong("/ids", format!("does not have 1 to {DISMISSED_AT_MOST} ids")));
    }
    app.dismiss_deliveries(&caller, &ids, &because).await?;
    Ok(Json(DismissedView { deliveries: ids.len() }))
}

/// Undoes the dismissal of a delivery, with a reason: it waits again
#[utoipa::path(
    post, path = "/api/v1/quarantine/{id}/undo-dismissal", operation_id = "undo_quarantine_dismissal", tag = "quarantine", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The delivery's id")),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "It waits again", body = DismissedView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/quarantine/<id>/undo-dismissal", data = "<body>")]
pub async fn undo(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
    body: Result<JsonBody<ReasonBody>, Problem>,
) -> Result<Json<DismissedView>, Problem> {
    query.only(&[])?;
    let because = reason(&body?.0.reason)?;
    let id = id.parse().map_err(|_| Problem::not_found(format!("no delivery has the id {id}")))?;
    app.undo_dismissal(&caller, id, &because).await?;
    Ok(Json(DismissedView { deliveries: 1 }))
}

/// Which statements or events to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeBody {
    /// Their numbers in the batch, counted from 0; left out: all that are good.
    #[serde(default)]
    #[schema(example = json!([0, 2]))]
    only: Vec<usize>,
    /// Only report what would change.
    #[serde(default)]
    dry_run: bool,
}

/// A statement or event of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenPartView {
    /// Counted from 0.
    number: usize,
    /// Where it is in the body (RFC 6901); of one that is not understood, what is wrong.
    pointer: String,
    /// `taken`, `taken_before`, `left` (good, and not requested) or `not_understood`.
    #[schema(example = "taken")]
    state: &'static str,
    /// Why it cannot be taken.
    problem: Option<String>,
}

/// What was taken out of a delivery in quarantine, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenView {
    dry_run: bool,
    items: Vec<TakenPartView>,
    /// New results.
    new_results: u64,
    /// Those of them that are linked at once.
    linked_results: u64,
}

impl From<Part> for TakenPartView {
    fn from(part: Part) -> Self {
        let (state, problem) = match part.state {
            PartState::Taken => ("taken", None),
            PartState::TakenBefore => ("taken_before", None),
            PartState::Left => ("left", None),
            PartState::NotUnderstood(problem) => ("not_understood", Some(problem)),
        };
        Self { number: part.number, pointer: part.pointer, state, problem }
    }
}

/// Takes the good statements or events out of a batch in quarantine, some or all; the rest stays there
///
/// When the platform sends the batch again, corrected, what was taken is known, and nothing counts twice. A dry run
/// says what would change.
#[utoipa::path(
    post, path = "/api/v1/quarantine/{id}/take", operation_id = "take_from_quarantine", tag = "quarantine", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The delivery's id")),
    request_body = TakeBody,
    responses(
        (status = 200, description = "What was taken, or would be", body = TakenView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 409, response = crate::http::openapi::Conflict),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/quarantine/<id>/take", data = "<body>")]
pub async fn take(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
    body: Result<JsonBody<TakeBody>, Problem>,
) -> Result<Json<TakenView>, Problem> {
    query.only(&[])?;
    let JsonBody(TakeBody { only, dry_run }) = body?;
    let delivery = id.parse().map_err(|_| Problem::not_found(format!("no delivery has the id {id}")))?;
    let taken = app.take_from_quarantine(&caller, &TakeRequest { delivery, only, dry_run }).await?;
    let items = taken.parts.into_iter().map(TakenPartView::from).collect();
    Ok(Json(TakenView { dry_run, items, new_results: taken.new, linked_results: taken.linked }))
}

impl From<TakeError> for Problem {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Refused(refused) => Self::forbidden(refused.to_string()),
            TakeError::NotInQuarantine(_) => Self::not_found(error.to_string()),
            TakeError::NoBatch(_) | TakeError::NothingGood(_) => Self::conflict("nothing-to-take", error.to_string()),
            TakeError::NotThere { .. } => wrong("/only", error),
            TakeError::Store(error) => Self::internal(&error),
        }
    }
}

impl From<ShowQuarantineError> for Problem {
    fn from(error: ShowQuarantineError) -> Self {
        match error {
            ShowQuarantineError::Refused(refused) => Self::forbidden(refused.to_string()),
            ShowQuarantineError::UnknownPlatform(_) => Self::not_found(error.to_string()),
            ShowQuarantineError::Store(error) => Self::internal(&error),
        }
    }
}

impl From<DismissError> for Problem {
    fn from(error: DismissError) -> Self {
        match error {
            DismissError::Refused(refused) => Self::forbidden(refused.to_string()),
            DismissError::NotInQuarantine(_) | DismissError::NotDismissed(_) => Self::not_found(error.to_string()),
            DismissError::AlreadyDismissed(_) => {
                Self::new(Status::Conflict, "already-dismissed", "It is dismissed already", error.to_string())
            }
            DismissError::Store(error) => Self::internal(&error),
        }
    }
}
