//! The rules as dated examples (a file for each paragraph of DESIGN, section 2) and as properties.
//!
//! This file has the made-up person that the examples vary: one permanent employment in SEF from 1 March 2026, and a
//! requirement in effect since 1 January 2026 that is done with the course `basics`. Each example also checks the
//! [oracle](super::oracle).

mod assignment;
mod attempts;
mod audience;
mod evidence;
mod export;
mod properties;
mod status;
mod timeline;
mod versions;
mod withdrawals;

use chrono::{DateTime, NaiveDate, Utc};

use super::oracle::Oracle;
use super::requirement::{Audience, Item, Requirement, RequirementVersion};
use super::state::{ComplianceState, Person, Status, state_on};
use crate::calendar::CityCalendar;
use crate::directory::{Absence, Employment, EmploymentForm, Exemption};
use crate::ids::{
    AdministrationCode, AttemptName, CourseId, EmploymentId, EventId, PlatformId, QuizId, RequirementCode,
};
use crate::training::{LinkedResult, PassMark, ResultKind, Revokes, Score, Target, decimal_from_text};

const LARPORTAL: PlatformId = PlatformId(1);

/// Examples end before 2030.
const ORACLE: Oracle = Oracle { last: NaiveDate::from_ymd_opt(2029, 12, 31).unwrap() };

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A day, or an open end.
fn last(text: &str) -> Option<NaiveDate> {
    (text != "open").then(|| day(text))
}

/// Noon UTC of a day, or the instant that the text says.
fn instant(text: &str) -> DateTime<Utc> {
    if text.contains('T') { text.parse().unwrap() } else { day(text).and_hms_opt(12, 0, 0).unwrap().and_utc() }
}

fn code() -> RequirementCode {
    RequirementCode::parse("infosec-onboarding").unwrap()
}

fn course(id: &str) -> Item {
    Item::Course(CourseId::parse(id).unwrap())
}

fn quiz(id: &str, pass_mark: &str) -> Item {
    let pass_mark = PassMark::new(decimal_from_text(pass_mark).unwrap()).unwrap();
    Item::Quiz { quiz: QuizId::parse(id).unwrap(), pass_mark }
}

fn requirement() -> Requirement {
    Requirement {
        code: code(),
        title_sv: "Informationssäkerhet för nyanställda".to_owned(),
        title_en: "Information security for new employees".to_owned(),
        audience: Audience::default(),
        alternatives: vec![vec![course("basics")]],
        new_hire_days: 30,
        existing_staff_due_on: None,
        valid_months: None,
        valid_until: None,
        counts_from: None,
        renewal_days: 60,
        effective_from: day("2026-01-01"),
        effective_to: None,
    }
}

fn employed(id: &str, administration: &str, from: &str, to: &str) -> Employment {
    Employment {
        fact_id: id.bytes().fold(0, |sum, byte| sum * 256 + i64::from(byte)),
        id: EmploymentId::parse(id).unwrap(),
        administration: AdministrationCode::parse(administration).unwrap(),
        unit: "Lokalvård".to_owned(),
        form: EmploymentForm::Permanent,
        starts_on: day(from),
        ends_on: last(to),
        moved: None,
    }
}

fn absent(from: &str, to: &str) -> Absence {
    Absence { starts_on: day(from), ends_on: last(to) }
}

fn exempt(from: &str, to: &str) -> Exemption {
    Exemption { requirement: code(), starts_on: day(from), ends_on: last(to) }
}

fn result(event: &str, target: Target, kind: ResultKind, at: &str) -> LinkedResult {
    let occurred_at = instant(at);
    LinkedResult {
        platform: LARPORTAL,
        event_id: EventId::parse(event).unwrap(),
        target,
        kind,
        occurred_at,
        reported_at: None,
        day: CityCalendar::default().day_of(occurred_at),
    }
}

fn of_course(id: &str) -> Target {
    Target::Course(CourseId::parse(id).unwrap())
}

fn of_quiz(id: &str) -> Target {
    Target::Quiz(QuizId::parse(id).unwrap())
}

fn completed(event: &str, course: &str, at: &str) -> LinkedResult {
    result(event, of_course(course), ResultKind::Completion, at)
}

/// An attempt at a quiz; `score` as `12/15`, or empty for none.
fn attempted(event: &str, quiz: &str, at: &str, score: &str, passed: Option<bool>) -> LinkedResult {
    let score = score
        .split_once('/')
        .map(|(points, of)| Score::new(decimal_from_text(points).unwrap(), decimal_from_text(of).unwrap()).unwrap());
    result(event, of_quiz(quiz), ResultKind::Attempt { name: None, number: None, score, passed }, at)
}

/// The attempt with the number that the platform gave it.
fn numbered(number: u32, mut attempt: LinkedResult) -> LinkedResult {
    if let ResultKind::Attempt { number: unnumbered, .. } = &mut attempt.kind {
        *unnumbered = Some(number);
    }
    attempt
}

/// The attempt under the name by which the platform reports it again.
fn named(name: &str, mut attempt: LinkedResult) -> LinkedResult {
    if let ResultKind::Attempt { name: unnamed, .. } = &mut attempt.kind {
        *unnamed = AttemptName::parse(name).ok();
    }
    attempt
}

fn withdraws_event(event: &str, withdrawn: &str, target: Target, at: &str) -> LinkedResult {
    result(event, target, ResultKind::Revocation(Revokes::Event(EventId::parse(withdrawn).unwrap())), at)
}

fn withdraws_up_to(event: &str, target: Target, at: &str) -> LinkedResult {
    result(event, target, ResultKind::Revocation(Revokes::UpTo), at)
}

/// What a platform reports when it resets a learner's progress.
fn resets(event: &str, target: Target, at: &str) -> LinkedResult {
    result(event, target, ResultKind::Revocation(Revokes::Recent), at)
}

/// A voiding xAPI statement.
fn voids(event: &str, voided: &str, at: &str) -> LinkedResult {
    let kind = ResultKind::Revocation(Revokes::Statement(EventId::parse(voided).unwrap()));
    result(event, of_course("urn:voided"), kind, at)
}

/// An administrator's decision about an event.
fn decided(id: &str, event: &str, counts: bool, at: &str) -> LinkedResult {
    let kind = ResultKind::Revocation(Revokes::ByHand { event_id: EventId::parse(event).unwrap(), counts });
    result(id, of_course("urn:decided"), kind, at)
}

/// The same, reported at another time than when it happened.
fn reported(at: &str, mut result: LinkedResult) -> LinkedResult {
    result.reported_at = Some(instant(at));
    result
}

fn from_platform(platform: i64, mut result: LinkedResult) -> LinkedResult {
    result.platform = PlatformId(platform);
    result
}

/// A person and the versions of one requirement.
#[derive(Debug, Clone)]
struct Given {
    person: Person,
    versions: Vec<RequirementVersion>,
}

/// The made-up person, before an example varies it.
fn given() -> Given {
    let person = Person { employments: vec![employed("1", "SEF", "2026-03-01", "open")], ..Person::default() };
    Given { person, versions: vec![RequirementVersion { version: 1, requirement: requirement() }] }
}

impl Given {
    fn employments(mut self, employments: impl IntoIterator<Item = Employment>) -> Self {
        self.person.employments = employments.into_iter().collect();
        self
    }

    fn absences(mut self, absences: impl IntoIterator<Item = Absence>) -> Self {
        self.person.absences = absences.into_iter().collect();
        self
    }

    fn exemptions(mut self, exemptions: impl IntoIterator<Item = Exemption>) -> Self {
        self.person.exemptions = exemptions.into_iter().collect();
        self
    }

    fn results(mut self, results: impl IntoIterator<Item = LinkedResult>) -> Self {
        self.person.results = results.into_iter().collect();
        self
    }

    /// Changes the only version.
    fn requiring(mut self, change: impl FnOnce(&mut Requirement)) -> Self {
        change(&mut self.versions[0].requirement);
        self
    }

    /// Adds a newer version, changed from the made-up requirement.
    fn then_requiring(mut self, change: impl FnOnce(&mut Requirement)) -> Self {
        let mut requirement = requirement();
        change(&mut requirement);
        let version = self.versions.last().map_or(1, |newest| newest.version + 1);
        self.versions.push(RequirementVersion { version, requirement });
        self
    }

    /// The judgement on a day, on which the code and the oracle agree.
    fn judged(&self, on: &str) -> Option<(u32, ComplianceState)> {
        let judged = state_on(&self.person, &self.versions, day(on));
        assert_eq!(judged, ORACLE.state_on(&self.person, &self.versions, day(on)), "code and oracle differ on {on}");
        judged
    }

    fn on(&self, on: &str) -> ComplianceState {
        self.judged(on).unwrap_or_else(|| panic!("is bound on {on}")).1
    }

    fn status(&self, on: &str) -> Status {
        self.on(on).status
    }

    fn is_bound(&self, on: &str) -> bool {
        self.judged(on).is_some()
    }

    /// Asserts the status of several days.
    fn has(&self, statuses: &[(&str, Status)]) {
        for (on, status) in statuses {
            assert_eq!(self.status(on), *status, "on {on}");
        }
    }
}
