//! Platform profiles: those that come with Kurskoll, and what any of them would make of a sample.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app::platforms::check_profile::{
    CheckError, CheckRequest, EventReading, FieldReading, Meaning, Misread, Reading, RuleReading, ShippedProfile,
};
use crate::app::{App, Caller};
use crate::domain::training::{ReportedResult, ResultKind, Target};
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// The profiles that come with Kurskoll.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfilesView {
    items: Vec<ProfileView>,
}

/// A profile that comes with Kurskoll.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfileView {
    /// What `platform add --adapter` accepts.
    #[schema(example = "docebo")]
    name: &'static str,
    #[schema(example = "Docebo webhooks")]
    title: &'static str,
    /// How deliveries are authenticated: `standard-webhooks`, `hmac-sha256`, `shared-secret` or `basic`.
    #[schema(example = "basic")]
    signature: &'static str,
}

/// A profile that comes with Kurskoll, with its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfileTextView {
    #[serde(flatten)]
    profile: ProfileView,
    /// The profile in TOML, to copy and change.
    toml: &'static str,
}

impl From<ShippedProfile> for ProfileView {
    fn from(profile: ShippedProfile) -> Self {
        Self { name: profile.name, title: profile.title, signature: profile.scheme }
    }
}

/// A profile, and a sample of what a platform sends. Nothing of it is stored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckBody {
    /// The name of a profile that comes with Kurskoll, or a profile in TOML.
    #[schema(example = "docebo")]
    profile: String,
    /// The body that the platform sends: as a text, or as JSON.
    #[schema(value_type = serde_json::Value)]
    sample: Box<RawValue>,
    /// The body's media type; guessed by default.
    #[schema(example = "application/json")]
    content_type: Option<String>,
    /// Headers of the request, if the profile reads some.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The platform's time zone; the city's by default.
    #[schema(value_type = Option<String>, example = "Europe/Stockholm")]
    time_zone: Option<chrono_tz::Tz>,
}

/// What a profile makes of a sample.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckView {
    /// Whether all of it is understood; what is to be ignored is understood too.
    understood: bool,
    /// The first thing that is not.
    problem: Option<CheckProblemView>,
    /// How many results it would add if nothing of it is known.
    results: usize,
    events: Vec<CheckedEventView>,
}

/// What is not understood, and where in the sample.
#[derive(Debug, Serialize, ToSchema)]
struct CheckProblemView {
    /// A JSON pointer (RFC 6901); empty for the sample as a whole.
    #[schema(example = "/payload/completion_date")]
    pointer: String,
    detail: String,
}

/// One event of a sample.
#[derive(Debug, Serialize, ToSchema)]
struct CheckedEventView {
    #[schema(example = "/payload")]
    pointer: String,
    r#type: Option<String>,
    /// `completion`, `attempt`, `revocation`, several joined by `and`, or `ignore`.
    #[schema(example = "completion")]
    taken_for: String,
    /// The rules of the profile up to the one that fits.
    rules: Vec<CheckedRuleView>,
    fields: Vec<CheckedFieldView>,
    /// What would be stored of it.
    results: Vec<CheckedResultView>,
    problem: Option<CheckProblemView>,
}

/// A result that an event would add.
#[derive(Debug, Serialize, ToSchema)]
struct CheckedResultView {
    event_id: String,
    /// `completion`, `attempt` or `revocation`.
    #[schema(example = "attempt")]
    kind: &'static str,
    course: Option<String>,
    quiz: Option<String>,
    occurred_at: DateTime<Utc>,
    attempt: Option<u32>,
    /// `17/20`: the points, and those of a full score.
    #[schema(example = "17/20")]
    score: Option<String>,
    passed: Option<bool>,
    revoked_event_id: Option<String>,
    /// Of a revocation: `event` (the one that it names), `up_to` (all up to then) or `recent` (what was done on its own
    /// day or the day before).
    revokes: Option<&'static str>,
}

impl From<&ReportedResult> for CheckedResultView {
    fn from(result: &ReportedResult) -> Self {
        let (course, quiz) = match &result.target {
            Target::Course(course) => (Some(course.to_string()), None),
            Target::Quiz(quiz) => (None, Some(quiz.to_string())),
        };
        let mut view = Self {
            event_id: result.event_id.to_string(),
            kind: "completion",
            course,
            quiz,
            occurred_at: result.occurred_at,
            attempt: None,
            score: None,
            passed: None,
            revoked_event_id: None,
            revokes: None,
        };
        match &result.kind {
            ResultKind::Completion => {}
            ResultKind::Attempt { number, score, passed, .. } => {
                view.kind = "attempt";
                view.attempt = *number;
                view.score = score.map(|score| format!("{}/{}", score.points(), score.of()));
                view.passed = *passed;
            }
            ResultKind::Revocation(revokes) => {
                view.kind = "revocation";
                view.revoked_event_id = revokes.event_id().map(ToString::to_string);
                view.revokes = Some(revokes.as_str());
            }
        }
        view
    }
}

/// Whether a rule fits.
#[derive(Debug, Serialize, ToSchema)]
struct CheckedRuleView {
    /// Its place in the profile, from 1.
    number: usize,
    is: String,
    fits: bool,
    why_not: Option<String>,
}

/// What became of a field.
#[derive(Debug, Serialize, ToSchema)]
struct CheckedFieldView {
    #[schema(example = "occurred_at")]
    field: &'static str,
    /// Where the profile found it, or all places where it looked.
    #[schema(example = "$.completion_date")]
    looked_at: String,
    /// Where it is in the sample.
    #[schema(example = "/payload/completion_date")]
    pointer: Option<String>,
    /// The value there.
    #[schema(example = "2026-03-02 07:14:58")]
    sent: Option<String>,
    /// What it is understood as; null if it means nothing.
    #[schema(example = "2026-03-02T07:14:58+00:00")]
    meaning: Option<String>,
    problem: Option<String>,
}

impl From<&Misread> for CheckProblemView {
    fn from(misread: &Misread) -> Self {
        Self { pointer: misread.pointer.clone(), detail: misread.to_string() }
    }
}

impl From<RuleReading> for CheckedRuleView {
    fn from(rule: RuleReading) -> Self {
        Self { number: rule.number, is: rule.meaning, fits: rule.why_not.is_none(), why_not: rule.why_not }
    }
}

impl From<FieldReading> for CheckedFieldView {
    fn from(reading: FieldReading) -> Self {
        let (meaning, problem) = match reading.meaning {
            Meaning::Is(meaning) => (Some(meaning), None),
            Meaning::Nothing => (None, None),
            Meaning::NotUnderstood(problem) => (None, Some(problem)),
        };
        let (looked_at, pointer, sent) = (reading.looked_at, reading.pointer, reading.sent);
        Self { field: reading.field.as_str(), looked_at, pointer, sent, meaning, problem }
    }
}

impl From<EventReading> for CheckedEventView {
    fn from(event: EventReading) -> Self {
        let (results, problem) = match &event.results {
            Ok(results) => (results.iter().map(CheckedResultView::from).collect(), None),
            Err(misread) => (Vec::new(), Some(misread.into())),
        };
        Self {
            pointer: event.pointer,
            r#type: event.event_type,
            taken_for: event.taken_for.unwrap_or_else(|| "ignore".to_owned()),
            rules: event.rules.into_iter().map(CheckedRuleView::from).collect(),
            fields: event.fields.into_iter().map(CheckedFieldView::from).collect(),
            results,
            problem,
        }
    }
}

impl From<Reading> for CheckView {
    fn from(reading: Reading) -> Self {
        Self {
            understood: reading.results.is_ok(),
            problem: reading.results.as_ref().err().map(CheckProblemView::from),
            results: reading.results.map(|results| results.len()).unwrap_or_default(),
            events: reading.events.into_iter().map(CheckedEventView::from).collect(),
        }
    }
}

/// The profiles that come with Kurskoll, by name
#[utoipa::path(
    get, path = "/api/v1/profiles", operation_id = "list_profiles", tag = "profiles", security(("bearer" = [])),
    responses(
        (status = 200, description = "The profiles", body = ProfilesView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
    ),
)]
#[get("/profiles")]
pub async fn list(app: &State<App>, caller: Caller, query: Query) -> Result<Json<ProfilesView>, Problem> {
    query.only(&[])?;
    let items = app.shipped_profiles(&caller)?;
    Ok(Json(ProfilesView { items: items.into_iter().map(ProfileView::from).collect() }))
}

/// A profile that comes with Kurskoll, with its text
#[utoipa::path(
    get, path = "/api/v1/profiles/{name}", operation_id = "show_profile", tag = "profiles", security(("bearer" = [])),
    params(("name" = String, Path, description = "The profile's name", example = "docebo")),
    responses(
        (status = 200, description = "The profile", body = ProfileTextView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/profiles/<name>")]
pub async fn show(
    app: &State<App>,
    caller: Caller,
    query: Query,
    name: &str,
) -> Result<Json<ProfileTextView>, Problem> {
    query.only(&[])?;
    let profile = app.shipped_profile(&caller, name).map_err(|error| match error {
        CheckError::UnknownProfile(_) => Problem::not_found(error.to_string()),
        other => other.into(),
    })?;
    Ok(Json(ProfileTextView { profile: profile.into(), toml: profile.text }))
}

/// What a profile would make of a sample, field by field, and why not
///
/// Answers `200` also if the sample is not understood; `understood` says which. Nothing is stored, and nobody is looked
/// up.
#[utoipa::path(
    post, path = "/api/v1/profiles/check", operation_id = "check_profile", tag = "profiles", security(("bearer" = [])),
    request_body(content = CheckBody, content_type = "application/json"),
    responses(
        (status = 200, description = "What would be understood", body = CheckView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/profiles/check", data = "<body>")]
pub async fn check(
    app: &State<App>,
    caller: Caller,
    query: Query,
    body: JsonBody<CheckBody>,
) -> Result<Json<CheckView>, Problem> {
    query.only(&[])?;
    let CheckBody { profile, sample, content_type, headers, time_zone } = body.0;
    let text: Option<String> = serde_json::from_str(sample.get()).ok();
    let headers = headers.into_iter().map(|(name, value)| (name, Some(value))).collect();
    let request = CheckRequest {
        profile: &profile,
        sample: text.as_deref().unwrap_or(sample.get()).as_bytes(),
        content_type: content_type.as_deref(),
        headers: &headers,
        time_zone,
    };
    Ok(Json(app.check_profile(&caller, &request)?.into()))
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Self {
        match &error {
            CheckError::Refused(refused) => Self::forbidden(refused.to_string()),
            CheckError::UnknownProfile(_) => Self::unprocessable("not-understood", error.to_string()),
            CheckError::Profile(problems) => {
                let reported: Vec<serde_json::Value> = problems
                    .0
                    .iter()
                    .map(|problem| {
                        serde_json::json!({
                            "line": problem.line, "key": problem.place.path(), "detail": problem.fault.to_string()
                        })
                    })
                    .collect();
                Self::unprocessable("profile-cannot-be-used", error.to_string()).with_member("problems", reported)
            }
        }
    }
}
