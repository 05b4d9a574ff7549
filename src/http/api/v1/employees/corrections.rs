//! Corrections by hand of what is known about one employee.

use chrono::{DateTime, NaiveDate, Utc};
use rocket::serde::json::Json;
use rocket::{State, post};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::app::employees::correct::{CorrectError, CorrectionAnswer, CorrectionRequest};
use crate::app::employees::merge::StatusChanges;
use crate::app::{App, Caller};
use crate::domain::compliance::Status;
use crate::domain::directory::EmploymentForm;
use crate::domain::directory::plan::correct::{
    AbsenceCorrection, Correction, EmploymentCorrection, EmploymentPatch, Part, PersonPatch,
};
use crate::domain::directory::records::EmploymentRecord;
use crate::domain::ids::{AdministrationCode, EmployeeNumber, EmploymentId, InvalidId, MAX_LENGTH, RequirementCode};
use crate::http::api::v1::employees::history::ChangedView;
use crate::http::guards::json::JsonBody;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// The correct values, and the reason. A field that is left out stays as it is; null empties it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectionBody {
    #[schema(example = "left at the end of January, reported late")]
    reason: String,
    /// Only report what would change.
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    person: PersonBody,
    #[serde(default)]
    employments: Vec<EmploymentBody>,
    #[serde(default)]
    absences: Vec<AbsenceBody>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonBody {
    given_name: Option<String>,
    family_name: Option<String>,
    /// Protected personal data: no name, address or unit is shown.
    protected: Option<bool>,
}

/// An employment that is added, changed, or withdrawn because it never was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EmploymentBody {
    #[schema(inline)]
    act: ActBody,
    #[schema(example = "1")]
    employment_id: String,
    /// Needed to add one, as are `form` and `starts_on`.
    #[schema(example = "SEF")]
    administration: Option<String>,
    unit: Option<String>,
    /// `permanent`, `fixed_term`, `hourly`, `consultant` or `trainee`.
    form: Option<String>,
    starts_on: Option<NaiveDate>,
    /// The last day at work; null: open.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<NaiveDate>)]
    ends_on: Option<Option<NaiveDate>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    manager_employee_number: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    username: Option<Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActBody {
    Add,
    Change,
    Withdraw,
}

/// An absence that is added, changed, or withdrawn because it never was; known by its first day.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AbsenceBody {
    #[schema(inline)]
    act: ActBody,
    starts_on: NaiveDate,
    /// The correct first day, if it was wrong.
    new_starts_on: Option<NaiveDate>,
    /// The last day; null: open.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<NaiveDate>)]
    ends_on: Option<Option<NaiveDate>>,
}

/// Distinguishes null from a field that is left out.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What a correction changed, or would change.
#[derive(Debug, Serialize, ToSchema)]
pub struct CorrectionView {
    #[schema(example = "104233")]
    employee_number: String,
    dry_run: bool,
    /// From when on it is known; null in a dry run.
    known_at: Option<DateTime<Utc>>,
    changes: Vec<ChangedView>,
    /// The day of the statuses: today.
    as_of: NaiveDate,
    /// Every requirement that bound the employee before, or does now.
    statuses: Vec<StatusChangeView>,
}

/// The employee's status before and now.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::api::v1) struct StatusChangeView {
    #[schema(example = "infosec-onboarding")]
    requirement: String,
    /// Null: the requirement did not bind the employee.
    #[schema(example = "overdue")]
    before: Option<&'static str>,
    /// Null: the requirement does not bind the employee.
    now: Option<&'static str>,
}

/// Statuses of today that changed, or stayed.
pub(in crate::http::api::v1) fn status_changes(changes: StatusChanges) -> Vec<StatusChangeView> {
    let change = |(requirement, (before, now)): (RequirementCode, (Option<Status>, Option<Status>))| StatusChangeView {
        requirement: requirement.into(),
        before: before.map(Status::as_str),
        now: now.map(Status::as_str),
    };
    changes.into_iter().map(change).collect()
}

impl From<CorrectionAnswer> for CorrectionView {
    fn from(answer: CorrectionAnswer) -> Self {
        Self {
            employee_number: answer.number.into(),
            dry_run: answer.is_dry_run,
            known_at: (!answer.is_dry_run).then_some(answer.known_at),
            changes: answer.changes.into_iter().map(ChangedView::from).collect(),
            as_of: answer.as_of,
            statuses: status_changes(answer.statuses),
        }
    }
}

pub(in crate::http::api::v1) fn wrong(pointer: &str, why: impl std::fmt::Display) -> Problem {
    Problem::unprocessable("not-understood", format!("{pointer} {why}")).with_pointer(pointer)
}

/// A reason: some text on one line.
pub(in crate::http::api::v1) fn reason(text: &str) -> Result<String, Problem> {
    one_line("/reason", text, "is empty; say why, for those who read the history")
}

fn one_line(pointer: &str, text: &str, if_empty: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(wrong(pointer, if_empty));
    }
    short(pointer, text)
}

fn short(pointer: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > MAX_LENGTH || text.chars().any(char::is_control) {
        return Err(wrong(pointer, format!("is longer than {MAX_LENGTH} characters, or not on one line")));
    }
    Ok(text.to_owned())
}

fn parsed<T>(pointer: &str, text: &str, parse: impl Fn(&str) -> Result<T, InvalidId>) -> Result<T, Problem> {
    parse(text).map_err(|why| wrong(pointer, why))
}

impl PersonBody {
    fn patch(self) -> Result<PersonPatch, Problem> {
        let name = |field: &str, name: Option<String>| {
            name.map(|name| one_line(&format!("/person/{field}"), &name, "is empty; leave it out to keep it"))
                .transpose()
        };
        Ok(PersonPatch {
            given_name: name("given_name", self.given_name)?,
            family_name: name("family_name", self.family_name)?,
            protected: self.protected,
        })
    }
}

impl EmploymentBody {
    fn patch(&self, at: impl Fn(&str) -> String) -> Result<EmploymentPatch, Problem> {
        let unknown_form = || {
            let forms = EmploymentForm::ALL.map(EmploymentForm::as_str).join(", ");
            wrong(&at("form"), format!("is not a form of employment; these are: {forms}"))
        };
        let address = |field: &str, address: &Option<Option<String>>| {
            let short = |text: &String| short(&at(field), text);
            let address = address.as_ref().map(|text| text.as_ref().map(short).transpose()).transpose()?;
            Ok::<_, Problem>(address.map(|text| text.filter(|text| !text.is_empty())))
        };
        let administration = self.administration.as_deref();
        let manager = self.manager_employee_number.as_ref().map(|number| {
            let number = number.as_deref().filter(|number| !number.trim().is_empty());
            number.map(|n| parsed(&at("manager_employee_number"), n, EmployeeNumber::parse)).transpose()
        });
        Ok(EmploymentPatch {
            administration: administration
                .map(|code| parsed(&at("administration"), code, AdministrationCode::parse))
                .transpose()?,
            unit: self.unit.as_deref().map(|unit| short(&at("unit"), unit)).transpose()?,
            form: self.form.as_deref().map(|form| EmploymentForm::parse(form).ok_or_else(unknown_form)).transpose()?,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            manager: manager.transpose()?,
            email: address("email", &self.email)?,
            username: address("username", &self.username)?,
        })
    }

    fn correction(&self, place: usize, number: &EmployeeNumber) -> Result<EmploymentCorrection, Problem> {
        let at = |field: &str| format!("/employments/{place}/{field}");
        let id = parsed(&at("employment_id"), &self.employment_id, EmploymentId::parse)?;
        let patch = self.patch(at)?;
        match self.act {
            ActBody::Change => Ok(EmploymentCorrection::Change(id, patch)),
            ActBody::Withdraw if patch == EmploymentPatch::default() => Ok(EmploymentCorrection::Withdraw(id)),
            ActBody::Withdraw => {
                Err(wrong(&at("act"), "withdraws the employment whole: leave everything but its id out"))
            }
            ActBody::Add => {
                let missing = |field: &str| wrong(&at(field), "is missing; an employment that is added needs it");
                Ok(EmploymentCorrection::Add(EmploymentRecord {
                    earlier: Vec::new(),
                    employee_number: number.clone(),
                    employment_id: id,
                    administration: patch.administration.ok_or_else(|| missing("administration"))?,
                    unit: patch.unit.unwrap_or_default(),
                    form: patch.form.ok_or_else(|| missing("form"))?,
                    starts_on: patch.starts_on.ok_or_else(|| missing("starts_on"))?,
                    ends_on: patch.ends_on.flatten(),
                    manager: patch.manager.flatten(),
                    email: patch.email.flatten(),
                    username: patch.username.flatten(),
                }))
            }
        }
    }
}

impl AbsenceBody {
    fn correction(&self, place: usize) -> Result<AbsenceCorrection, Problem> {
        let Self { act, starts_on, new_starts_on, ends_on } = *self;
        let needless =
            |field: &str| wrong(&format!("/absences/{place}/{field}"), "has no meaning with this act; leave it out");
        match act {
            ActBody::Change => Ok(AbsenceCorrection::Change { starts_on, new_starts_on, ends_on }),
            _ if new_starts_on.is_some() => Err(needless("new_starts_on")),
            ActBody::Add => Ok(AbsenceCorrection::Add { starts_on, ends_on: ends_on.flatten() }),
            ActBody::Withdraw if ends_on.is_some() => Err(needless("ends_on")),
            ActBody::Withdraw => Ok(AbsenceCorrection::Withdraw { starts_on }),
        }
    }
}

/// Corrects what is known of an employee: new facts, known from now on
///
/// A transfer is an employment that ends and another that is added. Today's figures are right at once; a report with an
/// earlier `known_at` says what was known then. A later file from HR with other values changes it back.
#[utoipa::path(
    post, path = "/api/v1/employees/{employee_number}/corrections", operation_id = "correct_employee", tag = "employees", security(("bearer" = [])),
    params(("employee_number" = String, Path, description = "HR's number", example = "104233")),
    request_body = CorrectionBody,
    responses(
        (status = 200, description = "What changed, or would change", body = CorrectionView),
        (status = 400, response = crate::http::openapi::MalformedParameter),
        (status = 401, response = crate::http::openapi::Unauthenticated),
        (status = 403, response = crate::http::openapi::Forbidden),
        (status = 404, response = crate::http::openapi::NotFound),
        (status = 413, response = crate::http::openapi::TooLarge),
        (status = 415, response = crate::http::openapi::WrongMediaType),
        (status = 422, response = crate::http::openapi::NotUnderstood),
    ),
)]
#[post("/employees/<employee_number>/corrections", data = "<body>")]
pub async fn make(
    app: &State<App>,
    caller: Caller,
    employee_number: &str,
    query: Query,
    body: Result<JsonBody<CorrectionBody>, Problem>,
) -> Result<Json<CorrectionView>, Problem> {
    query.only(&[])?;
    let JsonBody(body) = body?;
    let number = EmployeeNumber::parse(employee_number)
        .map_err(|why| Problem::not_found(format!("the employee number {why}")))?;
    let employments = body.employments.iter().enumerate();
    let absences = body.absences.iter().enumerate();
    let request = CorrectionRequest {
        correction: Correction {
            employments: employments.map(|(place, part)| part.correction(place, &number)).collect::<Result<_, _>>()?,
            absences: absences.map(|(place, part)| part.correction(place)).collect::<Result<_, _>>()?,
            person: body.person.patch()?,
        },
        number,
        reason: reason(&body.reason)?,
        dry_run: body.dry_run,
    };
    Ok(Json(app.correct_employee(&caller, &request).await?.into()))
}

impl From<CorrectError> for Problem {
    fn from(error: CorrectError) -> Self {
        match error {
            CorrectError::Refused(refused) => Self::forbidden(refused.to_string()),
            CorrectError::UnknownEmployee(_) => Self::not_found(error.to_string()),
            CorrectError::Cannot(cannot) => {
                let problem = Self::unprocessable("cannot-be-corrected", cannot.to_string());
                match cannot.part {
                    Part::Whole => problem,
                    Part::Employment(place, field) => problem.with_pointer(&format!("/employments/{place}/{field}")),
                    Part::Absence(place, field) => problem.with_pointer(&format!("/absences/{place}/{field}")),
                }
            }
            CorrectError::Store(error) => Self::internal(&error),
        }
    }
}
