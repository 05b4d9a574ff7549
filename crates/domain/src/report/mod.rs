//! Figures: how people are counted, how rates are rounded, and what a report and an export contain.

pub mod comparison;
pub mod linked_share;
pub mod protection;
pub mod sort;
pub mod trend;
pub mod waiting;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

pub use linked_share::LinkedShares;

use super::calendar::day_after;
use super::compliance::Status;
use super::directory::EmploymentForm;
use super::ids::{AdministrationCode, EmployeeNumber, EventId, RequirementCode};
use super::platform_health::ResultSilence;
use super::rate::rate;
use super::training::Target;

/// How many people have each status; a person counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub compliant: u64,
    pub expiring: u64,
    pub pending: u64,
    pub overdue: u64,
    pub expired: u64,
    pub exempt: u64,
    pub on_leave: u64,
}

impl Counts {
    /// Counts that many more people of a status.
    pub fn add(&mut self, status: Status, people: u64) {
        let counter = match status {
            Status::Compliant => &mut self.compliant,
            Status::Expiring => &mut self.expiring,
            Status::Pending => &mut self.pending,
            Status::Overdue => &mut self.overdue,
            Status::Expired => &mut self.expired,
            Status::Exempt => &mut self.exempt,
            Status::OnLeave => &mut self.on_leave,
        };
        *counter += people;
    }

    /// All but the exempt and those on leave.
    #[must_use]
    pub const fn in_scope(&self) -> u64 {
        self.done() + self.pending + self.overdue + self.expired
    }

    /// The compliant and the expiring.
    #[must_use]
    pub const fn done(&self) -> u64 {
        self.compliant + self.expiring
    }
}

/// The period of due days for the on-time rate, both days included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuePeriod {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl DuePeriod {
    /// The twelve months up to and including a day.
    #[must_use]
    pub fn year_to(as_of: NaiveDate) -> Self {
        let year_before = as_of.checked_sub_months(chrono::Months::new(12)).unwrap_or(as_of);
        Self { from: day_after(year_before), to: as_of }
    }

    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }
}

/// The figures of one administration, or of the city.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub counts: Counts,
    /// People in scope whose due day lies in the period.
    pub due: u64,
    /// Those of them who were on time.
    pub on_time: u64,
    /// How many more would be done if all waiting results that could satisfy a person did.
    pub could_be_done: u64,
}

impl Figures {
    #[must_use]
    pub fn completion_rate(&self) -> Option<Decimal> {
        rate(self.counts.done(), self.counts.in_scope())
    }

    #[must_use]
    pub fn on_time_rate(&self) -> Option<Decimal> {
        rate(self.on_time, self.due)
    }

    /// The completion rate if none, and if all, of the waiting results that could satisfy someone in scope did.
    #[must_use]
    pub fn completion_rate_range(&self) -> Option<(Decimal, Decimal)> {
        let scope = self.counts.in_scope();
        let most = (self.counts.done() + self.could_be_done).min(scope);
        rate(self.counts.done(), scope).zip(rate(most, scope))
    }
}

/// How far a figure can be trusted (DESIGN, "Data quality is part of the figure").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataQuality {
    /// Results that wait for a link; for an administration only those that can only be its own people's.
    pub unlinked_results: u64,
    /// The figures that cover the whole city; `None` for a caller that may not see it.
    pub city: Option<CityQuality>,
}

/// How far a figure can be trusted, for the whole city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CityQuality {
    /// Results that were dismissed by hand: stored, and counted nowhere else.
    pub dismissed_results: u64,
    pub linked: LinkedShares,
    pub quarantined_deliveries: u64,
    pub platforms: Vec<PlatformSilence>,
    /// Statements about a course or quiz that the requirement names, which give no result of it; most first.
    pub without_result: Vec<StatementsWithoutResult>,
}

/// Statements of one platform about one course or quiz that give no result of it, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementsWithoutResult {
    pub platform: String,
    pub target: Target,
    pub statements: u64,
    /// The statements' verb: an IRI.
    pub verb: String,
    /// For programs.
    pub reason: String,
    /// For people: worded to follow "because".
    pub because: String,
}

/// Since when a platform has been silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformSilence {
    pub platform: String,
    /// The instant of its last delivery; `None` if it never sent one.
    pub silent_since: Option<DateTime<Utc>>,
    pub results: ResultSilence,
}

/// The report of one requirement on one day, as known at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnboardingReport {
    pub requirement: RequirementCode,
    pub as_of: NaiveDate,
    pub known_at: DateTime<Utc>,
    pub due: DuePeriod,
    /// The version that judged; `None` if none was in effect.
    pub version: Option<u32>,
    /// The whole city, each person once; `None` for a caller that may not see it.
    pub city: Option<Figures>,
    /// By code.
    pub administrations: Vec<AdministrationFigures>,
    pub data_quality: DataQuality,
}

/// The figures of one administration in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdministrationFigures {
    pub code: AdministrationCode,
    pub name: String,
    pub figures: Figures,
}

/// One row of an export: a person and a requirement in an administration (DESIGN, section 3, "Doors").
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportRow {
    pub administration: AdministrationCode,
    pub administration_name: String,
    pub unit: String,
    pub employee_number: EmployeeNumber,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    pub employment_form: EmploymentForm,
    pub starts_on: NaiveDate,
    pub requirement: RequirementCode,
    pub status: Status,
    pub due_on: Option<NaiveDate>,
    pub satisfied_on: Option<NaiveDate>,
    pub valid_until: Option<NaiveDate>,
    pub best_score_percent: Option<Decimal>,
    pub attempts: u32,
    pub last_attempt_on: Option<NaiveDate>,
    pub evidence_event_id: Option<EventId>,
    pub as_of: NaiveDate,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn the_default_period_is_the_twelve_months_up_to_and_including_the_day() {
        assert_eq!(DuePeriod::year_to(day("2026-02-26")), DuePeriod { from: day("2025-02-27"), to: day("2026-02-26") });
        assert_eq!(DuePeriod::year_to(day("2028-02-29")), DuePeriod { from: day("2027-03-01"), to: day("2028-02-29") });
    }

    #[test]
    fn the_exempt_and_those_on_leave_are_not_in_scope() {
        let mut counts = Counts::default();
        for (status, people) in [
            (Status::Compliant, 3),
            (Status::Expiring, 1),
            (Status::Pending, 2),
            (Status::Overdue, 1),
            (Status::Expired, 1),
            (Status::Exempt, 7),
            (Status::OnLeave, 5),
        ] {
            counts.add(status, people);
        }
        let figures = Figures { counts, could_be_done: 10, ..Figures::default() };
        assert_eq!(counts.in_scope(), 8);
        assert_eq!(figures.completion_rate().map(|r| r.to_string()).as_deref(), Some("50.0"));
        assert_eq!(figures.completion_rate_range().map(|(_, most)| most.to_string()).as_deref(), Some("100.0"));
        assert_eq!(figures.on_time_rate(), None);
    }
}
