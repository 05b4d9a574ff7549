//! One employee: statuses and their evidence.

use chrono::{DateTime, NaiveDate, Utc};
use rocket::serde::json::Json;
use rocket::{State, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::employees::show::{Contact, EmployeeAnswer, EvidenceAnswer, RequirementAnswer, ShowEmployeeError};
use crate::app::reports::clocks::Clocks;
use crate::app::{App, Caller};
use crate::domain::compliance::Item;
use crate::domain::directory::Employment;
use crate::domain::ids::EmployeeNumber;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// An employee. With protected personal data, it has the number and the statuses, and no name, address or unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmployeeView {
    #[schema(example = "104233")]
    employee_number: String,
    given_name: String,
    family_name: String,
    protected: bool,
    /// Other numbers of the same human that are merged into this one. A request for one of these returns this employee.
    merged_numbers: Vec<String>,
    as_of: NaiveDate,
    known_at: DateTime<Utc>,
    /// Those in administrations that the caller may see, by first day.
    employments: Vec<EmploymentView>,
    absences: Vec<PeriodView>,
    requirements: Vec<RequirementView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct EmploymentView {
    employment_id: String,
    #[schema(example = "SEF")]
    administration: String,
    unit: String,
    #[schema(example = "permanent")]
    form: &'static str,
    starts_on: NaiveDate,
    /// The last day at work; null: open.
    ends_on: Option<NaiveDate>,
    email: Option<String>,
    username: Option<String>,
    manager_employee_number: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PeriodView {
    starts_on: NaiveDate,
    /// The last day; null: open.
    ends_on: Option<NaiveDate>,
}

/// The status in one requirement, and its evidence.
#[derive(Debug, Serialize, ToSchema)]
struct RequirementView {
    #[schema(example = "infosec-onboarding")]
    requirement: String,
    title_sv: String,
    title_en: String,
    version: u32,
    #[schema(example = "compliant")]
    status: &'static str,
    /// The day on which the assignment's clock started.
    clock_starts_on: NaiveDate,
    due_on: Option<NaiveDate>,
    on_time: bool,
    satisfied_on: Option<NaiveDate>,
    valid_until: Option<NaiveDate>,
    evidence_event_id: Option<String>,
    #[schema(example = "85.0")]
    best_score_percent: Option<String>,
    attempts: u32,
    last_attempt_on: Option<NaiveDate>,
    evidence: Vec<EvidenceView>,
}

/// A result that counts towards an item.
#[derive(Debug, Serialize, ToSchema)]
struct EvidenceView {
    /// The course or the quiz that it counts for; the other is null.
    course: Option<String>,
    quiz: Option<String>,
    /// Null for recognised prior training: its `event_id` is `prior:` and its id.
    platform: Option<String>,
    event_id: String,
    occurred_at: Option<DateTime<Utc>>,
    /// The first and the last day on which it holds; null: for ever.
    holds_from: NaiveDate,
    holds_to: Option<NaiveDate>,
}

impl From<(Employment, Contact)> for EmploymentView {
    fn from((employment, contact): (Employment, Contact)) -> Self {
        Self {
            employment_id: employment.id.to_string(),
            administration: employment.administration.to_string(),
            unit: employment.unit,
            form: employment.form.as_str(),
            starts_on: employment.starts_on,
            ends_on: employment.ends_on,
            email: contact.email,
            username: contact.username,
            manager_employee_number: contact.manager.map(String::from),
        }
    }
}

impl From<RequirementAnswer> for RequirementView {
    fn from(answer: RequirementAnswer) -> Self {
        let state = answer.state;
        Self {
            requirement: answer.requirement.to_string(),
            title_sv: answer.title_sv,
            title_en: answer.title_en,
            version: answer.version,
            status: state.status.as_str(),
            clock_starts_on: state.clock,
            due_on: state.due_on,
            on_time: state.on_time,
            satisfied_on: state.satisfied_on,
            valid_until: state.valid_until,
            evidence_event_id: state.evidence_event_id.map(String::from),
            best_score_percent: state.best_score_percent.map(|score| score.to_string()),
            attempts: state.attempts,
            last_attempt_on: state.last_attempt_on,
            evidence: answer.evidence.into_iter().map(EvidenceView::from).collect(),
        }
    }
}

impl From<EvidenceAnswer> for EvidenceView {
    fn from(answer: EvidenceAnswer) -> Self {
        let (course, quiz) = match answer.item {
            Item::Course(course) => (Some(course.into()), None),
            Item::Quiz { quiz, .. } => (None, Some(quiz.into())),
        };
        Self {
            course,
            quiz,
            platform: answer.platform,
            event_id: answer.event_id.into(),
            occurred_at: answer.occurred_at,
            holds_from: answer.from,
            holds_to: answer.until.map(crate::domain::calendar::day_before),
        }
    }
}

impl From<EmployeeAnswer> for EmployeeView {
    fn from(answer: EmployeeAnswer) -> Self {
        let period = |absence: crate::domain::directory::Absence| PeriodView {
            starts_on: absence.starts_on,
            ends_on: absence.ends_on,
        };
        Self {
            employee_number: answer.number.into(),
            given_name: answer.given_name,
            family_name: answer.family_name,
            protected: answer.protected,
            merged_numbers: answer.merged_numbers.into_iter().map(String::from).collect(),
            as_of: answer.as_of,
            known_at: answer.known_at,
            employments: answer.employments.into_iter().map(EmploymentView::from).collect(),
            absences: answer.absences.into_iter().map(period).collect(),
            requirements: answer.requirements.into_iter().map(RequirementView::from).collect(),
        }
    }
}

/// An employee's employments, and for each requirement the status and its evidence
///
/// A caller whose scope is some administrations sees only those who are employed in one of them on `as_of`, and only
/// their employments in it.
#[utoipa::path(
    get, path = "/api/v1/employees/{employee_number}", operation_id = "show_employee", tag = "employees", security(("bearer" = [])),
    params(
        ("employee_number" = String, Path, description = "HR's number", example = "104233"),
        ("as_of" = Option<NaiveDate>, Query, description = "The day; today by default"),
        ("known_at" = Option<DateTime<Utc>>, Query, description = "The instant of knowledge; now by default"),
    ),
    responses(
        (status = 200, description = "The employee", body = EmployeeView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
    ),
)]
#[get("/employees/<employee_number>")]
pub async fn show(
    app: &State<App>,
    caller: Caller,
    employee_number: &str,
    query: Query,
) -> Result<Json<EmployeeView>, Problem> {
    let query = query.only(&["as_of", "known_at"])?;
    let clocks: Clocks = query.clocks()?;
    let number = EmployeeNumber::parse(employee_number)
        .map_err(|why| Problem::not_found(format!("the employee number {why}")))?;
    Ok(Json(app.show_employee(&caller, &number, clocks).await?.into()))
}

impl From<ShowEmployeeError> for Problem {
    fn from(error: ShowEmployeeError) -> Self {
        match error {
            ShowEmployeeError::Refused(refused) => Self::forbidden(refused.to_string()),
            ShowEmployeeError::UnknownEmployee(_) => Self::not_found(error.to_string()),
            ShowEmployeeError::FutureKnownAt(error) => Self::bad_request(error.to_string()),
            ShowEmployeeError::Store(error) => Self::internal(&error),
        }
    }
}
