//! A report.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::decimal;
use crate::domain::report::linked_share::LinkedShare;
use crate::domain::report::{
    AdministrationFigures, Counts, DataQuality, Figures, LinkedShares, OnboardingReport, PlatformSilence,
    StatementsWithoutResult,
};
use crate::domain::training::Target;

/// The report of one requirement on one day, as known at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportView {
    /// The requirement's code.
    #[schema(example = "infosec-onboarding")]
    pub requirement: String,
    /// The day that the report is about, in the city's calendar.
    #[schema(example = "2026-02-26")]
    pub as_of: NaiveDate,
    /// The instant of knowledge: the same two give the same report again.
    #[schema(example = "2026-02-26T12:00:00Z")]
    pub known_at: DateTime<Utc>,
    /// The requirement's version that judged; null if none was in effect.
    #[schema(example = 1)]
    pub version: Option<u32>,
    /// The first due day that the on-time rate looks at.
    #[schema(example = "2025-02-27")]
    pub due_from: NaiveDate,
    /// The last due day that the on-time rate looks at.
    #[schema(example = "2026-02-26")]
    pub due_to: NaiveDate,
    /// The whole city, each person once; null for a caller who may not see it.
    pub city: Option<FiguresView>,
    /// The administrations that the caller may see, by code. The city is not their sum: a person may work in several.
    pub administrations: Vec<AdministrationView>,
    pub data_quality: DataQualityView,
}

/// People counted by status, and the rates that follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FiguresView {
    pub counts: CountsView,
    /// The compliant and the expiring, in percent of those in scope; null if nobody is.
    #[schema(example = "94.2")]
    pub completion_rate: Option<String>,
    /// Those on time, in percent of those in scope whose due day lies in the period; null if there are none.
    #[schema(example = "88.3")]
    pub on_time_rate: Option<String>,
    /// The range of the completion rate, whoever the waiting results belong to: of those that the caller may see; null
    /// if nobody is in scope.
    pub completion_rate_range: Option<RateRangeView>,
}

/// How many people have each status; a person counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct CountsView {
    /// All but the exempt and those on leave.
    #[schema(example = 1240)]
    pub in_scope: u64,
    #[schema(example = 1120)]
    pub compliant: u64,
    #[schema(example = 48)]
    pub expiring: u64,
    #[schema(example = 31)]
    pub pending: u64,
    #[schema(example = 29)]
    pub overdue: u64,
    #[schema(example = 12)]
    pub expired: u64,
    #[schema(example = 6)]
    pub exempt: u64,
    #[schema(example = 17)]
    pub on_leave: u64,
}

/// The completion rate if none, and if all, of the waiting results that could satisfy someone in scope did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RateRangeView {
    #[schema(example = "94.2")]
    pub lowest: String,
    #[schema(example = "95.1")]
    pub highest: String,
}

/// One administration's figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdministrationView {
    #[schema(example = "SEF")]
    pub code: String,
    #[schema(example = "Serviceförvaltningen")]
    pub name: String,
    #[serde(flatten)]
    pub figures: FiguresView,
}

/// How far the figures can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DataQualityView {
    /// Unlinked results, without dismissed ones. For an administration those where some key fits an employee and all
    /// employees whom a key fits are its own.
    #[schema(example = 12)]
    pub unlinked_results: u64,
    /// Dismissed results: stored, and counted nowhere else. Null, as all that follows, for a caller who may not see the
    /// city: dismissed results belong to no administration.
    #[schema(example = 3)]
    pub dismissed_results: Option<u64>,
    pub linked_share: Option<LinkedSharesView>,
    /// Deliveries that were authentic and not understood.
    #[schema(example = 1)]
    pub quarantined_deliveries: Option<u64>,
    pub platforms: Option<Vec<PlatformSilenceView>>,
    /// xAPI statements about something that the requirement names, which give no result of it and so count for nobody;
    /// most first. Statements with a verb that reports no outcome, such as *viewed*, are not counted. Left out if there
    /// are none, and for a caller who may not see the city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statements_without_result: Option<Vec<StatementsWithoutResultView>>,
}

/// Statements of one platform about one course or quiz that give no result of it, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatementsWithoutResultView {
    #[schema(example = "moodle")]
    pub platform: String,
    /// The course that the requirement names; null if it is a quiz.
    pub course: Option<String>,
    /// The quiz that the requirement names; null if it is a course.
    #[schema(example = "https://larportal.example.org/mod/quiz/view.php?id=1")]
    pub quiz: Option<String>,
    #[schema(example = 214)]
    pub statements: u64,
    /// Their verb.
    #[schema(example = "http://adlnet.gov/expapi/verbs/completed")]
    pub verb: String,
    /// Why they give none, for programs.
    #[schema(example = "completion_alone")]
    pub reason: String,
    /// Why they give none, for people.
    #[schema(example = "it says that it was completed, without a score and without pass or fail")]
    pub because: String,
}

/// How many of the results of the last 28 days are linked to an employee, and how many of the 28 days before were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LinkedSharesView {
    /// The first of the last 28 days.
    #[schema(example = "2026-01-30")]
    pub from: NaiveDate,
    /// The last of them: the report's day.
    #[schema(example = "2026-02-26")]
    pub to: NaiveDate,
    /// The first of the 28 days before.
    #[schema(example = "2026-01-02")]
    pub before_from: NaiveDate,
    /// The last of these.
    #[schema(example = "2026-01-29")]
    pub before_to: NaiveDate,
    /// Whether some share, of a platform or of all, has fallen.
    #[schema(example = false)]
    pub warning: bool,
    pub overall: LinkedShareView,
    /// Of each platform with results in the 56 days, by code.
    pub platforms: Vec<PlatformLinkedShareView>,
}

/// A share of results that are linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LinkedShareView {
    /// In percent; null if there are no results.
    #[schema(example = "98.2")]
    pub share: Option<String>,
    /// The same of the 28 days before.
    #[schema(example = "98.9")]
    pub share_before: Option<String>,
    /// Whether it lies at least five percentage points below the one before, with at least 20 results in either.
    #[schema(example = false)]
    pub warning: bool,
    /// How many results, dismissed ones left out.
    #[schema(example = 1480)]
    pub results: u64,
    /// The same of the 28 days before.
    #[schema(example = 1512)]
    pub results_before: u64,
}

/// One platform's share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlatformLinkedShareView {
    /// The platform's code.
    #[schema(example = "larportal")]
    pub platform: String,
    #[serde(flatten)]
    pub share: LinkedShareView,
}

/// Since when a platform has been silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlatformSilenceView {
    /// The platform's code.
    #[schema(example = "larportal")]
    pub platform: String,
    /// The instant of its last delivery; null if it never sent one.
    #[schema(example = "2026-02-26T11:58:03Z")]
    pub silent_since: Option<DateTime<Utc>>,
    /// When it last reported a result, a completion or a graded attempt; null if it never reported one.
    #[schema(example = "2026-02-26T09:12:44Z")]
    pub last_result_at: Option<DateTime<Utc>>,
    /// Whether that is longer ago than is usual for it, or than the operator allows, whatever else it sends.
    #[schema(example = false)]
    pub results_silent: bool,
}

impl From<&OnboardingReport> for ReportView {
    fn from(report: &OnboardingReport) -> Self {
        Self {
            requirement: report.requirement.to_string(),
            as_of: report.as_of,
            known_at: report.known_at,
            version: report.version,
            due_from: report.due.from,
            due_to: report.due.to,
            city: report.city.as_ref().map(FiguresView::from),
            administrations: report.administrations.iter().map(AdministrationView::from).collect(),
            data_quality: DataQualityView::from(&report.data_quality),
        }
    }
}

impl From<&Figures> for FiguresView {
    fn from(figures: &Figures) -> Self {
        Self {
            counts: CountsView::from(figures.counts),
            completion_rate: decimal(figures.completion_rate()),
            on_time_rate: decimal(figures.on_time_rate()),
            completion_rate_range: figures
                .completion_rate_range()
                .map(|(lowest, highest)| RateRangeView { lowest: lowest.to_string(), highest: highest.to_string() }),
        }
    }
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        let in_scope = counts.in_scope();
        let Counts { compliant, expiring, pending, overdue, expired, exempt, on_leave } = counts;
        Self { in_scope, compliant, expiring, pending, overdue, expired, exempt, on_leave }
    }
}

impl From<&AdministrationFigures> for AdministrationView {
    fn from(administration: &AdministrationFigures) -> Self {
        Self {
            code: administration.code.to_string(),
            name: administration.name.clone(),
            figures: FiguresView::from(&administration.figures),
        }
    }
}

impl From<&DataQuality> for DataQualityView {
    fn from(quality: &DataQuality) -> Self {
        Self {
            unlinked_results: quality.unlinked_results,
            dismissed_results: quality.city.as_ref().map(|city| city.dismissed_results),
            linked_share: quality.city.as_ref().map(|city| LinkedSharesView::from(&city.linked)),
            quarantined_deliveries: quality.city.as_ref().map(|city| city.quarantined_deliveries),
            platforms: quality.city.as_ref().map(|city| city.platforms.iter().map(PlatformSilenceView::from).collect()),
            statements_without_result: quality
                .city
                .as_ref()
                .filter(|city| !city.without_result.is_empty())
                .map(|city| city.without_result.iter().map(StatementsWithoutResultView::from).collect()),
        }
    }
}

impl From<&StatementsWithoutResult> for StatementsWithoutResultView {
    fn from(found: &StatementsWithoutResult) -> Self {
        let (course, quiz) = match &found.target {
            Target::Course(course) => (Some(course.to_string()), None),
            Target::Quiz(quiz) => (None, Some(quiz.to_string())),
        };
        Self {
            platform: found.platform.clone(),
            course,
            quiz,
            statements: found.statements,
            verb: found.verb.clone(),
            reason: found.reason.clone(),
            because: found.because.clone(),
        }
    }
}

impl From<&LinkedShares> for LinkedSharesView {
    fn from(shares: &LinkedShares) -> Self {
        let view = |share: &LinkedShare| LinkedShareView {
            share: decimal(share.now.share()),
            share_before: decimal(share.before.share()),
            warning: share.has_fallen(),
            results: share.now.results(),
            results_before: share.before.results(),
        };
        let platform = |(code, share): &(String, LinkedShare)| PlatformLinkedShareView {
            platform: code.clone(),
            share: view(share),
        };
        Self {
            from: shares.periods.from,
            to: shares.periods.to,
            before_from: shares.periods.before_from,
            before_to: shares.periods.before_to(),
            warning: shares.warns(),
            overall: view(&shares.overall),
            platforms: shares.platforms.iter().map(platform).collect(),
        }
    }
}

impl From<&PlatformSilence> for PlatformSilenceView {
    fn from(silence: &PlatformSilence) -> Self {
        Self {
            platform: silence.platform.clone(),
            silent_since: silence.silent_since,
            last_result_at: silence.results.last_result_at,
            results_silent: silence.results.alarm.rings(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::render::fixtures::report;

    fn json(value: &impl Serialize) -> Value {
        serde_json::to_value(value).expect("JSON")
    }

    #[test]
    fn a_report_in_json() {
        let text = serde_json::to_string_pretty(&ReportView::from(&report())).expect("JSON");
        insta::assert_snapshot!(text, @r#"
        {
          "requirement": "infosec-onboarding",
          "as_of": "2026-02-26",
          "known_at": "2026-02-26T12:00:00Z",
          "version": 2,
          "due_from": "2025-02-27",
          "due_to": "2026-02-26",
          "city": {
            "counts": {
              "in_scope": 211,
              "compliant": 180,
              "expiring": 12,
              "pending": 9,
              "overdue": 7,
              "expired": 3,
              "exempt": 2,
              "on_leave": 5
            },
            "completion_rate": "91.0",
            "on_time_rate": "88.3",
            "completion_rate_range": {
              "lowest": "91.0",
              "highest": "92.9"
            }
          },
          "administrations": [
            {
              "code": "AVF",
              "name": "Arbetsmarknads- och vuxenutbildningsförvaltningen",
              "counts": {
                "in_scope": 211,
                "compliant": 180,
                "expiring": 12,
                "pending": 9,
                "overdue": 7,
                "expired": 3,
                "exempt": 2,
                "on_leave": 5
              },
              "completion_rate": "91.0",
              "on_time_rate": "88.3",
              "completion_rate_range": {
                "lowest": "91.0",
                "highest": "92.9"
              }
            },
            {
              "code": "SEF",
              "name": "Serviceförvaltningen",
              "counts": {
                "in_scope": 0,
                "compliant": 0,
                "expiring": 0,
                "pending": 0,
                "overdue": 0,
                "expired": 0,
                "exempt": 0,
                "on_leave": 0
              },
              "completion_rate": null,
              "on_time_rate": null,
              "completion_rate_range": null
            }
          ],
          "data_quality": {
            "unlinked_results": 12,
            "dismissed_results": 3,
            "linked_share": {
              "from": "2026-01-30",
              "to": "2026-02-26",
              "before_from": "2026-01-02",
              "before_to": "2026-01-29",
              "warning": true,
              "overall": {
                "share": "99.3",
                "share_before": "99.2",
                "warning": false,
                "results": 1500,
                "results_before": 1512
              },
              "platforms": [
                {
                  "platform": "larportal",
                  "share": "100.0",
                  "share_before": "99.3",
                  "warning": false,
                  "results": 1475,
                  "results_before": 1470
                },
                {
                  "platform": "moodle",
                  "share": "60.0",
                  "share_before": "95.2",
                  "warning": true,
                  "results": 25,
                  "results_before": 42
                }
              ]
            },
            "quarantined_deliveries": 1,
            "platforms": [
              {
                "platform": "larportal",
                "silent_since": "2026-02-26T11:58:03.250Z",
                "last_result_at": "2026-02-26T09:12:44Z",
                "results_silent": false
              },
              {
                "platform": "moodle",
                "silent_since": null,
                "last_result_at": null,
                "results_silent": true
              }
            ],
            "statements_without_result": [
              {
                "platform": "moodle",
                "course": null,
                "quiz": "https://larportal.example.org/mod/quiz/view.php?id=1",
                "statements": 214,
                "verb": "http://adlnet.gov/expapi/verbs/completed",
                "reason": "completion_alone",
                "because": "it says that it was completed, without a score and without pass or fail"
              }
            ]
          }
        }
        "#);
    }

    #[test]
    fn somebody_who_may_not_see_the_city_gets_null() {
        let own = OnboardingReport { city: None, ..report() };
        assert_eq!(json(&ReportView::from(&own))["city"], Value::Null);
    }

    #[test]
    fn an_instant_is_in_utc_with_the_precision_that_it_has() {
        for text in ["2026-02-26T12:00:00Z", "2026-02-26T12:00:00.000001Z", "2026-02-26T12:00:00.250Z"] {
            let report = OnboardingReport { known_at: text.parse().expect("an instant"), ..report() };
            assert_eq!(json(&ReportView::from(&report))["known_at"], text);
        }
    }
}
