//! Requirement files (DESIGN, "Requirements"): TOML into requirements, or everything that is wrong with it.
//!
//! A field that is not known is refused, not passed over: a misspelt `valid_month` would otherwise hold for ever.

use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use toml::{Table, Value};

use crate::domain::calendar::{AnnualDay, NotAnAnnualDay};
use crate::domain::compliance::requirement::MAX_ITEMS;
use crate::domain::compliance::{Audience, Item, Requirement};
use crate::domain::directory::EmploymentForm;
use crate::domain::ids::{AdministrationCode, CourseId, InvalidId, MAX_LENGTH, QuizId, RequirementCode};
use crate::domain::training::{InvalidDecimal, PassMark, decimal_from_text};

const DEFAULT_NEW_HIRE_DAYS: u32 = 30;
const DEFAULT_RENEWAL_DAYS: u32 = 60;
/// A hundred years, in months and in days: more is a slip of the finger.
const MAX_MONTHS: u32 = 1200;
const MAX_DAYS: u32 = 36_600;

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

/// Why a requirement file cannot be taken. Each text goes on from the field's name and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementFault {
    #[error("is not TOML: line {line}: {message}")]
    NotToml { line: usize, message: String },
    #[error("has no [[requirement]]; write at least one")]
    NoRequirement,
    #[error("is not a known field; the fields here are {}", known.join(", "))]
    UnknownField { known: &'static [&'static str] },
    #[error("is missing; write it")]
    Missing,
    #[error("is empty; fill it in, or leave the field out where it may be missing")]
    Empty,
    #[error("must be {0}")]
    WrongType(&'static str),
    #[error("{0}")]
    Invalid(InvalidId),
    #[error("must be a whole number from {min} to {max}")]
    OutOfRange { min: u32, max: u32 },
    #[error("is a number with a point, which TOML cannot keep exactly; write it in quotes, as \"0.8\"")]
    FloatIsInexact,
    #[error("{0}")]
    InvalidPassMark(InvalidDecimal),
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
    #[error("{0}")]
    NotAnAnnualDay(NotAnAnnualDay),
    #[error("and valid_months say two things; write one of them")]
    TwoValidities,
    #[error("is the code of requirement {first} in the file already; each code once")]
    DuplicateCode { first: usize },
}

/// One thing that is wrong with a requirement file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementProblem {
    /// Which requirement of the file, 1 for the first; `None` where the file as a whole is meant.
    pub number: Option<usize>,
    /// Its code, where that can be read.
    pub code: Option<RequirementCode>,
    /// The field, as `alternatives[0][1].pass_mark` (lists count from 0); empty for the requirement or the file as a whole.
    pub field: String,
    pub fault: RequirementFault,
}

impl fmt::Display for RequirementProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.number, &self.code) {
            (Some(number), Some(code)) => write!(f, "requirement {number} ({code})")?,
            (Some(number), None) => write!(f, "requirement {number}")?,
            (None, _) => f.write_str("the file")?,
        }
        if self.field.is_empty() { write!(f, " {}", self.fault) } else { write!(f, ": {} {}", self.field, self.fault) }
    }
}

/// Reads all requirements of a file, in its order; or says everything that is wrong.
pub fn read(text: &str) -> Result<Vec<Requirement>, Vec<RequirementProblem>> {
    let whole_file =
        |field: &str, fault| RequirementProblem { number: None, code: None, field: field.to_owned(), fault };
    let table: Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        vec![whole_file("", RequirementFault::NotToml { line, message: error.message().to_owned() })]
    })?;

    let mut problems: Vec<RequirementProblem> = table
        .keys()
        .filter(|key| *key != "requirement")
        .map(|key| whole_file(key, RequirementFault::UnknownField { known: &["requirement"] }))
        .collect();
    let entries = match table.get("requirement") {
        None => &[],
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(_) => {
            problems.push(whole_file("requirement", RequirementFault::WrongType("written as [[requirement]]")));
            return Err(problems);
        }
    };
    if entries.is_empty() {
        problems.push(whole_file("", RequirementFault::NoRequirement));
    }
    let mut requirements: Vec<Requirement> = Vec::with_capacity(entries.len());
    let mut codes: Vec<Option<RequirementCode>> = Vec::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        let mut notes = Notes::default();
        let code = entry.get("code").and_then(Value::as_str).and_then(|code| RequirementCode::parse(code).ok());
        let requirement = match entry {
            Value::Table(fields) => read_requirement(&Fields { table: fields, path: String::new() }, &mut notes),
            _ => notes.note("", RequirementFault::WrongType("written as [[requirement]]")),
        };
        if let Some(first) = code.as_ref().and_then(|code| codes.iter().position(|known| known.as_ref() == Some(code)))
        {
            notes.note::<()>("code", RequirementFault::DuplicateCode { first: first + 1 });
        }
        requirements.extend(requirement);
        let in_this = |(field, fault)| RequirementProblem { number: Some(at + 1), code: code.clone(), field, fault };
        problems.extend(notes.0.into_iter().map(in_this));
        codes.push(code);
    }
    if problems.is_empty() { Ok(requirements) } else { Err(problems) }
}

/// What is wrong with one requirement: fields and faults.
#[derive(Default)]
struct Notes(Vec<(String, RequirementFault)>);

impl Notes {
    /// Notes a fault, and gives the `None` that stands for the value.
    fn note<T>(&mut self, field: impl Into<String>, fault: RequirementFault) -> Option<T> {
        self.0.push((field.into(), fault));
        None
    }
}

/// A table, and what its fields' names begin with.
struct Fields<'a> {
    table: &'a Table,
    path: String,
}

impl<'a> Fields<'a> {
    fn name(&self, field: &str) -> String {
        format!("{}{field}", self.path)
    }

    fn refuse_others_than(&self, known: &'static [&'static str], notes: &mut Notes) {
        for field in self.table.keys().filter(|field| !known.contains(&field.as_str())) {
            notes.note::<()>(self.name(field), RequirementFault::UnknownField { known });
        }
    }

    /// Reads a field that may be missing. The outer `None` means that a fault was noted.
    fn optional<T>(
        &self,
        field: &str,
        notes: &mut Notes,
        read: impl FnOnce(&'a Value) -> Result<T, RequirementFault>,
    ) -> Option<Option<T>> {
        let Some(value) = self.table.get(field) else { return Some(None) };
        match read(value) {
            Ok(value) => Some(Some(value)),
            Err(fault) => notes.note(self.name(field), fault),
        }
    }

    fn required<T>(
        &self,
        field: &str,
        notes: &mut Notes,
        read: impl FnOnce(&'a Value) -> Result<T, RequirementFault>,
    ) -> Option<T> {
        match self.optional(field, notes, read)? {
            None => notes.note(self.name(field), RequirementFault::Missing),
            read => read,
        }
    }

    /// Reads each entry of a list; a missing list is empty.
    fn list<T: Ord>(
        &self,
        field: &str,
        notes: &mut Notes,
        read: impl Fn(&Value) -> Result<T, RequirementFault>,
    ) -> Option<BTreeSet<T>> {
        let entries = self.optional(field, notes, array)?.unwrap_or_default();
        let mut values = BTreeSet::new();
        let mut is_whole = true;
        for (at, entry) in entries.iter().enumerate() {
            match read(entry) {
                Ok(value) => {
                    values.insert(value);
                }
                Err(fault) => {
                    is_whole = false;
                    notes.note::<()>(format!("{}[{at}]", self.name(field)), fault);
                }
            }
        }
        is_whole.then_some(values)
    }
}

fn read_requirement(fields: &Fields<'_>, notes: &mut Notes) -> Option<Requirement> {
    fields.refuse_others_than(&FIELDS, notes);
    let code = fields.required("code", notes, |value| id(value, RequirementCode::parse));
    let title_sv = fields.required("title_sv", notes, text);
    let title_en = fields.required("title_en", notes, text);
    let effective_from = fields.required("effective_from", notes, day);
    let effective_to = fields.optional("effective_to", notes, day);
    let existing_staff_due_on = fields.optional("existing_staff_due_on", notes, day);
    for (field, later) in [("effective_to", effective_to), ("existing_staff_due_on", existing_staff_due_on)] {
        if later.flatten().zip(effective_from).is_some_and(|(later, from)| later < from) {
            notes.note::<()>(field, RequirementFault::BeforeItTakesEffect);
        }
    }
    let new_hire_days = fields.optional("new_hire_days", notes, |value| whole(value, 0, MAX_DAYS));
    let valid_months = fields.optional("valid_months", notes, |value| whole(value, 1, MAX_MONTHS));
    let valid_until = fields.optional("valid_until", notes, annual_day);
    if valid_months.flatten().is_some() && valid_until.flatten().is_some() {
        notes.note::<()>("valid_until", RequirementFault::TwoValidities);
    }
    let counts_from = fields.optional("counts_from", notes, day);
    if counts_from.flatten().zip(effective_to.flatten()).is_some_and(|(from, last)| last < from) {
        notes.note::<()>("counts_from", RequirementFault::AfterItHasEnded);
    }
    let renewal_days = fields.optional("renewal_days", notes, |value| whole(value, 0, MAX_DAYS));
    let audience = read_audience(fields, notes);
    let alternatives = read_alternatives(fields, notes);
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
        found if found > MAX_ITEMS => notes.note("alternatives", RequirementFault::TooManyItems { found }),
        _ => Some(requirement),
    }
}

fn read_audience(fields: &Fields<'_>, notes: &mut Notes) -> Option<Audience> {
    let Some(table) = fields.optional("audience", notes, table)? else { return Some(Audience::default()) };
    let audience = Fields { table, path: fields.name("audience.") };
    audience.refuse_others_than(&AUDIENCE_FIELDS, notes);
    let administrations = audience.list("administrations", notes, |value| id(value, AdministrationCode::parse));
    let forms = audience
        .list("forms", notes, |value| EmploymentForm::parse(string(value)?).ok_or(RequirementFault::UnknownForm));
    let units = audience.list("units", notes, text);
    Some(Audience { administrations: administrations?, forms: forms?, units: units? })
}

fn read_alternatives(fields: &Fields<'_>, notes: &mut Notes) -> Option<Vec<Vec<Item>>> {
    let lists = fields.required("alternatives", notes, filled_array)?;
    let mut alternatives = Vec::with_capacity(lists.len());
    let mut is_whole = true;
    for (at, list) in lists.iter().enumerate() {
        let path = format!("{}[{at}]", fields.name("alternatives"));
        let items = match filled_array(list) {
            Ok(items) => items,
            Err(fault) => {
                is_whole = false;
                notes.note::<()>(path, fault);
                continue;
            }
        };
        // Not collected into an Option: that would stop at the first bad item.
        let read: Vec<Option<Item>> =
            items.iter().enumerate().map(|(at, item)| read_item(item, format!("{path}[{at}]"), notes)).collect();
        is_whole &= read.iter().all(Option::is_some);
        alternatives.push(read.into_iter().flatten().collect());
    }
    is_whole.then_some(alternatives)
}

fn read_item(item: &Value, path: String, notes: &mut Notes) -> Option<Item> {
    let table = match table(item) {
        Ok(table) => table,
        Err(fault) => return notes.note(path, fault),
    };
    let fields = Fields { table, path: format!("{path}.") };
    fields.refuse_others_than(&ITEM_FIELDS, notes);
    match (table.contains_key("course"), table.contains_key("quiz")) {
        (true, false) => {
            let course = fields.required("course", notes, |value| id(value, CourseId::parse));
            if table.contains_key("pass_mark") {
                return notes.note(fields.name("pass_mark"), RequirementFault::PassMarkOfACourse);
            }
            Some(Item::Course(course?))
        }
        (false, true) => {
            let quiz = fields.required("quiz", notes, |value| id(value, QuizId::parse));
            let pass_mark = fields.required("pass_mark", notes, pass_mark);
            Some(Item::Quiz { quiz: quiz?, pass_mark: pass_mark? })
        }
        _ => notes.note(path, RequirementFault::NeitherCourseNorQuiz),
    }
}

fn string(value: &Value) -> Result<&str, RequirementFault> {
    value.as_str().ok_or(RequirementFault::WrongType("text in quotes"))
}

fn id<T>(value: &Value, parse: impl FnOnce(&str) -> Result<T, InvalidId>) -> Result<T, RequirementFault> {
    parse(string(value)?).map_err(RequirementFault::Invalid)
}

/// Text on one line, trimmed.
fn text(value: &Value) -> Result<String, RequirementFault> {
    let text = string(value)?.trim();
    if text.is_empty() {
        Err(RequirementFault::Empty)
    } else if text.chars().count() > MAX_LENGTH {
        Err(RequirementFault::Invalid(InvalidId::TooLong))
    } else if text.chars().any(char::is_control) {
        Err(RequirementFault::Invalid(InvalidId::ControlCharacter))
    } else {
        Ok(text.to_owned())
    }
}

fn table(value: &Value) -> Result<&Table, RequirementFault> {
    value.as_table().ok_or(RequirementFault::WrongType("a table in braces"))
}

fn array(value: &Value) -> Result<&[Value], RequirementFault> {
    value.as_array().map(Vec::as_slice).ok_or(RequirementFault::WrongType("a list in brackets"))
}

fn filled_array(value: &Value) -> Result<&[Value], RequirementFault> {
    let entries = array(value)?;
    if entries.is_empty() { Err(RequirementFault::Empty) } else { Ok(entries) }
}

fn whole(value: &Value, min: u32, max: u32) -> Result<u32, RequirementFault> {
    let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| (min..=max).contains(number)).ok_or(RequirementFault::OutOfRange { min, max })
}

fn day(value: &Value) -> Result<NaiveDate, RequirementFault> {
    let day = value.as_datetime().filter(|moment| moment.time.is_none() && moment.offset.is_none());
    day.and_then(|moment| moment.date)
        .and_then(|date| NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into()))
        .ok_or(RequirementFault::WrongType("a day without quotes, as 2026-01-01"))
}

fn annual_day(value: &Value) -> Result<AnnualDay, RequirementFault> {
    let text = value.as_str().ok_or(RequirementFault::NotAnAnnualDay(NotAnAnnualDay))?;
    AnnualDay::parse(text.trim()).map_err(RequirementFault::NotAnAnnualDay)
}

fn pass_mark(value: &Value) -> Result<PassMark, RequirementFault> {
    let share = match value {
        Value::String(digits) => decimal_from_text(digits),
        Value::Integer(whole) => Ok(Decimal::from(*whole)),
        Value::Float(_) => return Err(RequirementFault::FloatIsInexact),
        _ => return Err(RequirementFault::WrongType("a share in quotes, as \"0.8\"")),
    };
    share.and_then(PassMark::new).map_err(RequirementFault::InvalidPassMark)
}

#[cfg(test)]
mod tests;
