//! Made-up rows and reports for the tests of this folder.

use chrono::{DateTime, NaiveDate, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::domain::compliance::Status;
use crate::domain::directory::EmploymentForm;
use crate::domain::ids::{AdministrationCode, EmployeeNumber, EventId, QuizId, RequirementCode};
use crate::domain::platform_health::{ResultSilence, SilenceAlarm};
use crate::domain::report::linked_share::{LinkedCount, LinkedShare, SharePeriods};
use crate::domain::report::{
    AdministrationFigures, CityQuality, Counts, DataQuality, DuePeriod, ExportRow, Figures, LinkedShares,
    OnboardingReport, PlatformSilence, StatementsWithoutResult,
};
use crate::domain::training::Target;

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// A person who has done the training.
pub fn row() -> ExportRow {
    ExportRow {
        administration: AdministrationCode::parse("SEF").expect("a code"),
        administration_name: "Serviceförvaltningen".to_owned(),
        unit: "Måltid norr".to_owned(),
        employee_number: EmployeeNumber::parse("104233").expect("a number"),
        given_name: "Åsa".to_owned(),
        family_name: "Öberg".to_owned(),
        email: "asa.oberg@example.org".to_owned(),
        employment_form: EmploymentForm::Permanent,
        starts_on: day("2026-01-12"),
        requirement: RequirementCode::parse("infosec-onboarding").expect("a code"),
        status: Status::Compliant,
        due_on: Some(day("2026-02-11")),
        satisfied_on: Some(day("2026-01-20")),
        valid_until: Some(day("2027-01-19")),
        best_score_percent: Some(Decimal::new(875, 1)),
        attempts: 2,
        last_attempt_on: Some(day("2026-01-20")),
        evidence_event_id: Some(EventId::parse("msg_01").expect("an id")),
        as_of: day("2026-02-26"),
    }
}

/// Rows with any text in every cell that outside text can reach.
pub fn any_row() -> impl Strategy<Value = ExportRow> {
    let text = || prop_oneof!["[åÄö a-z=+@;,\"'\t\r\n-]{0,8}", any::<String>()];
    let id = "[=+@'a-z0-9;,\" åäö-]{1,8}".prop_filter_map("an id", |id| EventId::parse(&id).ok());
    (
        (text(), text(), text(), text(), text(), id),
        proptest::sample::select(Status::ALL.to_vec()),
        proptest::sample::select(EmploymentForm::ALL.to_vec()),
        proptest::option::of((0_u64..40_000).prop_map(|days| day("1970-01-01") + chrono::Days::new(days))),
        proptest::option::of((-1000_i64..=1000).prop_map(|tenths| Decimal::new(tenths, 1))),
        any::<u32>(),
    )
        .prop_map(|(texts, status, employment_form, day, best_score_percent, attempts)| {
            let (administration_name, unit, given_name, family_name, email, id) = texts;
            ExportRow {
                administration: AdministrationCode::parse(id.as_str()).expect("a code"),
                administration_name,
                unit,
                employee_number: EmployeeNumber::parse(id.as_str()).expect("a number"),
                given_name,
                family_name,
                email,
                employment_form,
                status,
                due_on: day,
                satisfied_on: day,
                valid_until: day,
                best_score_percent,
                attempts,
                last_attempt_on: day,
                evidence_event_id: Some(id),
                ..row()
            }
        })
}

/// Shares of which one has fallen.
fn linked_shares() -> LinkedShares {
    let share = |now: (u64, u64), before: (u64, u64)| LinkedShare {
        now: LinkedCount { linked: now.0, waiting: now.1 },
        before: LinkedCount { linked: before.0, waiting: before.1 },
    };
    LinkedShares {
        periods: SharePeriods::up_to(day("2026-02-26")),
        overall: share((1490, 10), (1500, 12)),
        platforms: vec![
            ("larportal".to_owned(), share((1475, 0), (1460, 10))),
            ("moodle".to_owned(), share((15, 10), (40, 2))),
        ],
    }
}

/// The results of a platform that was added when the year began.
fn result_silence(last_result_at: Option<&str>) -> ResultSilence {
    let at = |text: &str| -> DateTime<Utc> { text.parse().expect("an instant") };
    let last_result_at = last_result_at.map(at);
    let since = last_result_at.unwrap_or_else(|| at("2026-01-01T00:00:00Z"));
    ResultSilence { last_result_at, alarm: SilenceAlarm::of(at("2026-02-26T12:00:00Z"), since, None, &[]) }
}

/// A city of two administrations, one of them without anybody in scope.
pub fn report() -> OnboardingReport {
    let counts = Counts { compliant: 180, expiring: 12, pending: 9, overdue: 7, expired: 3, exempt: 2, on_leave: 5 };
    let figures = Figures { counts, due: 103, on_time: 91, could_be_done: 4 };
    let administration = |code: &str, name: &str, figures| AdministrationFigures {
        code: AdministrationCode::parse(code).expect("a code"),
        name: name.to_owned(),
        figures,
    };
    OnboardingReport {
        requirement: RequirementCode::parse("infosec-onboarding").expect("a code"),
        as_of: day("2026-02-26"),
        known_at: "2026-02-26T12:00:00Z".parse().expect("an instant"),
        due: DuePeriod::year_to(day("2026-02-26")),
        version: Some(2),
        city: Some(figures),
        administrations: vec![
            administration("AVF", "Arbetsmarknads- och vuxenutbildningsförvaltningen", figures),
            administration("SEF", "Serviceförvaltningen", Figures::default()),
        ],
        data_quality: DataQuality {
            unlinked_results: 12,
            city: Some(CityQuality {
                dismissed_results: 3,
                linked: linked_shares(),
                quarantined_deliveries: 1,
                platforms: vec![
                    PlatformSilence {
                        platform: "larportal".to_owned(),
                        silent_since: Some("2026-02-26T11:58:03.25Z".parse().expect("an instant")),
                        results: result_silence(Some("2026-02-26T09:12:44Z")),
                    },
                    PlatformSilence {
                        platform: "moodle".to_owned(),
                        silent_since: None,
                        results: result_silence(None),
                    },
                ],
                without_result: vec![StatementsWithoutResult {
                    platform: "moodle".to_owned(),
                    target: Target::Quiz(
                        QuizId::parse("https://larportal.example.org/mod/quiz/view.php?id=1").expect("an id"),
                    ),
                    statements: 214,
                    verb: "http://adlnet.gov/expapi/verbs/completed".to_owned(),
                    reason: "completion_alone".to_owned(),
                    because: "it says that it was completed, without a score and without pass or fail".to_owned(),
                }],
            }),
        },
    }
}
