//! Requirement files (DESIGN, "Requirements"): TOML into requirements, or everything that is wrong with it.
//!
//! The TOML itself is read by `intake::toml`.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::toml::{self, Problems, Scalar, TomlFault, each};
use kurskoll_domain::calendar::{AnnualDay, NotAnAnnualDay};
use kurskoll_domain::compliance::requirement::MAX_ITEMS;
use kurskoll_domain::compliance::{Audience, Item, Requirement};
use kurskoll_domain::directory::EmploymentForm;
use kurskoll_domain::ids::{AdministrationCode, CourseId, InvalidId, MAX_LENGTH, QuizId, RequirementCode};
use kurskoll_domain::training::{InvalidDecimal, PassMark, decimal_from_text};

const DEFAULT_NEW_HIRE_DAYS: u32 = 30;
const DEFAULT_RENEWAL_DAYS: u32 = 60;
/// A hundred years, in months and in days: more is a slip of the finger.
const MAX_MONTHS: u32 = 1200;
const MAX_DAYS: u32 = 36_600;
/// Lists may have any length.
const ANY_LENGTH: usize = usize::MAX;

const FIELDS: [&str; 13] = [
    "code",
    "title_sv",
    "title_en",
    "audience",
    "alternatives",
    "new_hire_days",
    "existing_staff_due_on",
    "valid_months",
    "valid_until",
    "counts_from",
    "renewal_days",
    "effective_from",
    "effective_to",
];
const AUDIENCE_FIELDS: [&str; 3] = ["administrations", "forms", "units"];
const ITEM_FIELDS: [&str; 3] = ["course", "quiz", "pass_mark"];

/// Why a requirement file cannot be taken. Each text follows the field's name and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementFault {
    #[error(transparent)]
    Toml(#[from] TomlFault),
    #[error("has no [[requirement]]; write at least one")]
    NoRequirement,
    #[error(transparent)]
    Invalid(#[from] InvalidId),
    #[error("is a number with a point, which TOML cannot represent exactly; write it in quotes, as \"0.8\"")]
    FloatIsInexact,
    #[error(transparent)]
    InvalidPassMark(#[from] InvalidDecimal),
    #[error("is not a form of employment; use {}", EmploymentForm::ALL.map(EmploymentForm::as_str).join(", "))]
    UnknownForm,
    #[error("must name either a course or a quiz")]
    NeitherCourseNorQuiz,
    #[error("belongs to a quiz; a course has none")]
    PassMarkOfACourse,
    #[error("names {found} different items; {MAX_ITEMS} are the most")]
    TooManyItems { found: usize },
    #[error("is before effective_from")]
    BeforeItTakesEffect,
    #[error("is after effective_to; no training could count while the requirement is in effect")]
    AfterItHasEnded,
    #[error(transparent)]
    NotAnAnnualDay(#[from] NotAnAnnualDay),
    #[error("and valid_months say two things; write one of them")]
    TwoValidities,
    #[error("is the code of the requirement on line {line} already; each code once")]
    DuplicateCode { line: usize },
}

/// All that is wrong with a requirement file.
pub type RequirementProblems = Problems<RequirementFault>;
type Table<'v> = toml::Table<'v, RequirementFault>;
type Value<'v> = toml::Value<'v, RequirementFault>;

/// Reads all requirements of a file, in its order; or says everything that is wrong.
pub fn read(text: &str) -> Result<Vec<Requirement>, RequirementProblems> {
    toml::read("requirements", text.as_bytes(), requirements)
}

fn requirements(file: Table<'_>) -> Option<Vec<Requirement>> {
    file.only(&["requirement"]);
    let entries = file.optional_or("requirement", Vec::new(), |value| value.tables(ANY_LENGTH))?;
    if entries.is_empty() {
        return file.note(RequirementFault::NoRequirement);
    }
    let mut codes: Vec<(RequirementCode, usize)> = Vec::with_capacity(entries.len());
    each(entries, |entry| {
        let line = entry.line();
        let fields = entry.table()?;
        let code = fields.get("code").and_then(|code| RequirementCode::parse(code.as_text()?).ok());
        let Some(code) = code else { return requirement(&fields) };
        let fields = fields.called(code.to_string());
        match codes.iter().find(|(known, _)| *known == code) {
            Some((_, line)) => fields.note_key("code", RequirementFault::DuplicateCode { line: *line }),
            None => {
                codes.push((code, line));
                Some(())
            }
        };
        requirement(&fields)
    })
}

fn requirement(fields: &Table<'_>) -> Option<Requirement> {
    fields.only(&FIELDS);
    let code = fields.required("code", |value| id(value, RequirementCode::parse));
    let title_sv = fields.required("title_sv", line_of_text);
    let title_en = fields.required("title_en", line_of_text);
    let day = |value: Value<'_>| value.day();
    let effective_from = fields.required("effective_from", day);
    let effective_to = fields.optional("effective_to", day);
    let existing_staff_due_on = fields.optional("existing_staff_due_on", day);
    for (field, later) in [("effective_to", effective_to), ("existing_staff_due_on", existing_staff_due_on)] {
        if later.flatten().zip(effective_from).is_some_and(|(later, from)| later < from) {
            fields.note_key::<()>(field, RequirementFault::BeforeItTakesEffect);
        }
    }
    let new_hire_days = fields.optional("new_hire_days", |value| value.number(0, MAX_DAYS));
    let valid_months = fields.optional("valid_months", |value| value.number(1, MAX_MONTHS));
    let valid_until = fields.optional("valid_until", annual_day);
    if valid_months.flatten().is_some() && valid_until.flatten().is_some() {
        fields.note_key::<()>("valid_until", RequirementFault::TwoValidities);
    }
    let counts_from = fields.optional("counts_from", day);
    if counts_from.flatten().zip(effective_to.flatten()).is_some_and(|(from, last)| last < from) {
        fields.note_key::<()>("counts_from", RequirementFault::AfterItHasEnded);
    }
    let renewal_days = fields.optional("renewal_days", |value| value.number(0, MAX_DAYS));
    let audience = fields.optional_or("audience", Audience::default(), audience);
    let alternatives = fields.required("alternatives", alternatives);
    let requirement = Requirement {
        code: code?,
        title_sv: title_sv?,
        title_en: title_en?,
        audience: audience?,
        alternatives: alternatives?,
        new_hire_days: new_hire_days?.unwrap_or(DEFAULT_NEW_HIRE_DAYS),
        existing_staff_due_on: existing_staff_due_on?,
        valid_months: valid_months?,
        valid_until: valid_until?,
        counts_from: counts_from?,
        renewal_days: renewal_days?.unwrap_or(DEFAULT_RENEWAL_DAYS),
        effective_from: effective_from?,
        effective_to: effective_to?,
    };
    match requirement.items().len() {
        found if found > MAX_ITEMS => fields.note_key("alternatives", RequirementFault::TooManyItems { found }),
        _ => Some(requirement),
    }
}

fn audience(value: Value<'_>) -> Option<Audience> {
    let fields = value.table()?;
    fields.only(&AUDIENCE_FIELDS);
    let administrations = set(&fields, "administrations", |value| id(value, AdministrationCode::parse));
    let forms = set(&fields, "forms", |value| {
        value.accept(EmploymentForm::parse(value.text()?).ok_or(RequirementFault::UnknownForm))
    });
    let units = set(&fields, "units", line_of_text);
    Some(Audience { administrations: administrations?, forms: forms?, units: units? })
}

/// The entries of a list; a missing list is empty.
fn set<T: Ord>(fields: &Table<'_>, name: &str, read: impl Fn(Value<'_>) -> Option<T>) -> Option<BTreeSet<T>> {
    fields.optional_or(name, BTreeSet::new(), |value| Some(each(value.list(ANY_LENGTH)?, read)?.into_iter().collect()))
}

fn alternatives(value: Value<'_>) -> Option<Vec<Vec<Item>>> {
    each(value.filled_list(ANY_LENGTH)?, |alternative| each(alternative.filled_list(ANY_LENGTH)?, item))
}

fn item(value: Value<'_>) -> Option<Item> {
    let fields = value.table()?;
    fields.only(&ITEM_FIELDS);
    match (fields.has("course"), fields.has("quiz")) {
        (true, false) => {
            let course = fields.required("course", |value| id(value, CourseId::parse));
            if fields.has("pass_mark") {
                return fields.note_key("pass_mark", RequirementFault::PassMarkOfACourse);
            }
            course.map(Item::Course)
        }
        (false, true) => {
            let quiz = fields.required("quiz", |value| id(value, QuizId::parse));
            let pass_mark = fields.required("pass_mark", pass_mark);
            Some(Item::Quiz { quiz: quiz?, pass_mark: pass_mark? })
        }
        _ => fields.note(RequirementFault::NeitherCourseNorQuiz),
    }
}

fn id<T>(value: Value<'_>, parse: impl FnOnce(&str) -> Result<T, InvalidId>) -> Option<T> {
    value.accept(parse(value.text()?))
}

/// Text on one line, trimmed.
fn line_of_text(value: Value<'_>) -> Option<String> {
    let text = value.text()?.trim();
    if text.is_empty() {
        value.note(TomlFault::Empty)
    } else if text.chars().count() > MAX_LENGTH {
        value.note(InvalidId::TooLong)
    } else if text.chars().any(char::is_control) {
        value.note(InvalidId::ControlCharacter)
    } else {
        Some(text.to_owned())
    }
}

fn annual_day(value: Value<'_>) -> Option<AnnualDay> {
    value.accept(value.as_text().ok_or(NotAnAnnualDay).and_then(|text| AnnualDay::parse(text.trim())))
}

fn pass_mark(value: Value<'_>) -> Option<PassMark> {
    let share = match value.scalar() {
        Scalar::Text(digits) => decimal_from_text(digits),
        Scalar::Whole(whole) => Ok(Decimal::from(whole)),
        Scalar::Float => return value.note(RequirementFault::FloatIsInexact),
        Scalar::Other => return value.must_be("a share in quotes, as \"0.8\""),
    };
    value.accept(share.and_then(PassMark::new))
}

#[cfg(test)]
mod tests;
