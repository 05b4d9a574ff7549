//! Reorganisations: administrations that open, close, merge, split or change code on a day.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rocket::http::Status;
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::directory::reorganise::{Moved, ReorganisationAnswer, ReorganisationRequest, ReorganiseError};
use crate::app::{App, Caller};
use crate::domain::directory::succession::{Reorganisation, Step};
use crate::domain::ids::AdministrationCode;
use crate::http::api::v1::employees::corrections::{reason, wrong};
use crate::http::api::v1::employees::proposals::ReasonBody;
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// What happens to administrations on a day; all or nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReorganisationBody {
    /// The first day on which it is so.
    on_day: NaiveDate,
    #[schema(example = "the city council's decision of 12 March")]
    reason: String,
    /// Only report what would move.
    #[serde(default)]
    dry_run: bool,
    /// Administrations that are there from the day on.
    #[serde(default)]
    opens: Vec<OpeningBody>,
    /// Employments that HR reports in one administration and that are in another from the day on.
    #[serde(default)]
    moves: Vec<MoveBody>,
    /// Codes of administrations that have no employments from the day on.
    #[serde(default)]
    closes: Vec<String>,
}

/// An administration that opens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpeningBody {
    #[schema(example = "MF")]
    code: String,
    /// Required if HR's file does not have it yet.
    #[schema(example = "Måltidsförvaltningen")]
    name: Option<String>,
    #[serde(default)]
    board: String,
}

/// A code that changes, a merger (several to one), or a part of a split (one to several, by unit).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveBody {
    #[schema(example = "SEF")]
    from: String,
    #[schema(example = "MF")]
    to: String,
    /// Only those of this unit, as HR writes it; without it, all whose unit no other move from there names.
    #[schema(example = "Måltid")]
    unit: Option<String>,
}

fn code(pointer: &str, text: &str) -> Result<AdministrationCode, Problem> {
    AdministrationCode::parse(text).map_err(|why| wrong(pointer, why))
}

impl ReorganisationBody {
    fn request(self) -> Result<ReorganisationRequest, Problem> {
        let mut steps = Vec::new();
        let mut names: BTreeMap<AdministrationCode, (String, String)> = BTreeMap::new();
        for (place, opening) in self.opens.into_iter().enumerate() {
            let opened = code(&format!("/opens/{place}/code"), &opening.code)?;
            if let Some(name) = opening.name {
                let name = name.trim();
                if name.is_empty() {
                    return Err(wrong(&format!("/opens/{place}/name"), "is empty; say what it is called"));
                }
                names.insert(opened.clone(), (name.to_owned(), opening.board.trim().to_owned()));
            }
            steps.push(Step::Opens(opened));
        }
        for (place, part) in self.moves.iter().enumerate() {
            let unit = part.unit.as_ref().map(|unit| unit.trim().to_owned());
            let from = code(&format!("/moves/{place}/from"), &part.from)?;
            steps.push(Step::Moves { from, to: code(&format!("/moves/{place}/to"), &part.to)?, unit });
        }
        for (place, closed) in self.closes.iter().enumerate() {
            steps.push(Step::Closes(code(&format!("/closes/{place}"), closed)?));
        }
        let reason = reason(&self.reason)?;
        Ok(ReorganisationRequest { on_day: self.on_day, steps, names, reason, dry_run: self.dry_run })
    }
}

/// A reorganisation, who made it, and whether it was undone.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReorganisationView {
    /// Null in the answer to a dry run.
    #[schema(example = 3)]
    id: Option<i64>,
    on_day: NaiveDate,
    reason: String,
    /// Codes of those that open.
    opens: Vec<String>,
    moves: Vec<MoveView>,
    /// Codes of those that close.
    closes: Vec<String>,
    made_by: String,
    /// From when on it is known.
    recorded_at: DateTime<Utc>,
    undone_by: Option<String>,
    undone_at: Option<DateTime<Utc>>,
    undone_because: Option<String>,
}

/// What moves where.
#[derive(Debug, Serialize, ToSchema)]
struct MoveView {
    #[schema(example = "SEF")]
    from: String,
    #[schema(example = "MF")]
    to: String,
    /// Null: all whose unit no other move from there names.
    #[schema(example = "Måltid")]
    unit: Option<String>,
}

/// What a reorganisation moves, or would move.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReorganisedView {
    dry_run: bool,
    #[serde(flatten)]
    reorganisation: ReorganisationView,
    moved: Vec<MovedView>,
    /// Employments that HR names by the new code already. Before the day they are back in the administration that was
    /// named before: HR's system renames the past, the register does not.
    named_before: NamedBeforeView,
    /// Requirements whose audience names an administration that everybody leaves. They bind nobody there from the day
    /// on: apply a version that names the new one.
    requirements_to_change: Vec<RequirementToChangeView>,
}

/// How much moves from one administration to another: what runs on the day, or begins later.
#[derive(Debug, Serialize, ToSchema)]
struct MovedView {
    #[schema(example = "SEF")]
    from: String,
    #[schema(example = "MF")]
    to: String,
    #[schema(example = 412)]
    employments: u64,
    #[schema(example = 405)]
    people: u64,
}

/// How much HR has named by the new code before the reorganisation was recorded.
#[derive(Debug, Serialize, ToSchema)]
struct NamedBeforeView {
    #[schema(example = 3)]
    employments: u64,
    #[schema(example = 3)]
    people: u64,
}

/// A requirement whose audience names an administration that everybody leaves.
#[derive(Debug, Serialize, ToSchema)]
struct RequirementToChangeView {
    #[schema(example = "infosec-onboarding")]
    requirement: String,
    #[schema(example = "SEF")]
    administration: String,
}

/// All reorganisations, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReorganisationsView {
    items: Vec<ReorganisationView>,
}

impl From<Reorganisation> for ReorganisationView {
    fn from(known: Reorganisation) -> Self {
        let (mut opens, mut moves, mut closes) = (Vec::new(), Vec::new(), Vec::new());
        for step in known.steps {
            match step {
                Step::Opens(code) => opens.push(code.into()),
                Step::Moves { from, to, unit } => moves.push(MoveView { from: from.into(), to: to.into(), unit }),
                Step::Closes(code) => closes.push(code.into()),
            }
        }
        Self {
            id: Some(known.id),
            on_day: known.on_day,
            reason: known.reason,
            opens,
            moves,
            closes,
            made_by: known.made_by,
            recorded_at: known.recorded_at,
            undone_at: known.undone.as_ref().map(|undone| undone.at),
            undone_because: known.undone.as_ref().map(|undone| undone.because.clone()),
            undone_by: known.undone.map(|undone| undone.by),
        }
    }
}

impl From<ReorganisationAnswer> for ReorganisedView {
    fn from(answer: ReorganisationAnswer) -> Self {
        let moved = answer.moved.into_iter().map(|((from, to), Moved { employments, people })| MovedView {
            from: from.into(),
            to: to.into(),
            employments,
            people,
        });
        let to_change = answer.requirements.into_iter().map(|(requirement, administration)| RequirementToChangeView {
            requirement: requirement.into(),
            administration: administration.into(),
        });
        Self {
            dry_run: answer.id.is_none(),
            moved: moved.collect(),
            named_before: NamedBeforeView {
                employments: answer.named_before.employments,
                people: answer.named_before.people,
            },
            requirements_to_change: to_change.collect(),
            reorganisation: ReorganisationView { id: answer.id, ..answer.reorganisation.into() },
        }
    }
}

/// Records what happens to administrations on a day; employments follow
///
/// From the day on, what HR reports in `from` is in `to`, also if HR's system still reports the old code. Statuses stay
/// what they are; reports of earlier days keep their tree. All or nothing, and with `dry_run` nothing but the answer.
#[utoipa::path(
    post, path = "/api/v1/reorganisations", operation_id = "reorganise", tag = "reorganisations", security(("bearer" = [])),
    request_body = ReorganisationBody,
    responses(
        (status = 200, description = "What moves, or would move", body = ReorganisedView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/reorganisations", data = "<body>")]
pub async fn make(
    app: &State<App>,
    caller: Caller,
    query: Query,
    body: Result<JsonBody<ReorganisationBody>, Problem>,
) -> Result<Json<ReorganisedView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    Ok(Json(app.reorganise(&caller, &body.request()?).await?.into()))
}

/// Every reorganisation, the newest first; undone ones included
#[utoipa::path(
    get, path = "/api/v1/reorganisations", operation_id = "list_reorganisations", tag = "reorganisations", security(("bearer" = [])),
    responses(
        (status = 200, description = "All of them", body = ReorganisationsView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/reorganisations")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<ReorganisationsView>, Problem> {
    query.only(&[])?;
    let items = app.list_reorganisations(&caller).await?.into_iter().map(ReorganisationView::from);
    Ok(Json(ReorganisationsView { items: items.collect() }))
}

/// Undoes a reorganisation, for a reason; a report with an earlier `known_at` still has it
#[utoipa::path(
    post, path = "/api/v1/reorganisations/{id}/undo", operation_id = "undo_reorganisation", tag = "reorganisations", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Its id")),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "As it is now", body = ReorganisationView),
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
#[post("/reorganisations/<id>/undo", data = "<body>")]
pub async fn undo(
    app: &State<App>,
    caller: Caller,
    query: Query,
    id: &str,
    body: Result<JsonBody<ReasonBody>, Problem>,
) -> Result<Json<ReorganisationView>, Problem> {
    query.only(&[])?;
    let because = reason(&body?.0.reason)?;
    let id = id.parse().map_err(|_| Problem::not_found(format!("no reorganisation {id} is known")))?;
    Ok(Json(app.undo_reorganisation(&caller, id, &because).await?.into()))
}

impl From<ReorganiseError> for Problem {
    fn from(error: ReorganiseError) -> Self {
        match error {
            ReorganiseError::Refused(refused) => Self::forbidden(refused.to_string()),
            ReorganiseError::UnknownReorganisation(_) => Self::not_found(error.to_string()),
            ReorganiseError::Nothing
            | ReorganiseError::UnknownAdministration(_)
            | ReorganiseError::KnownOtherwise(..)
            | ReorganiseError::LeftBehind { .. }
            | ReorganiseError::Unworkable(_) => Self::unprocessable("cannot-be-reorganised", error.to_string()),
            ReorganiseError::AlreadyUndone(_)
            | ReorganiseError::Needed { .. }
            | ReorganiseError::InUse { .. }
            | ReorganiseError::CannotStandWithout(_) => {
                Self::new(Status::Conflict, "cannot-be-undone", "It cannot be undone", error.to_string())
            }
            ReorganiseError::Store(error) => Self::internal(&error),
        }
    }
}
