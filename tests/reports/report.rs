//! The report: figures per administration and for the city, on any day, as known at any instant.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::linking::by_keys::WHOLE;
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{REQUIREMENT, completed, graded, small_city};

const REPORT: &str = "/api/v1/reports/onboarding?requirement=infosec-onboarding";

pub async fn report(app: &TestApp, rest: &str) -> Value {
    app.get_as_city(&format!("{REPORT}{rest}")).await.ok()
}

/// The statuses with a count above zero.
fn counted(figures: &Value) -> String {
    let counts = figures["counts"].as_object().expect("counts").iter();
    let some = counts.filter(|(status, count)| *status != "in_scope" && **count != 0);
    some.map(|(status, count)| format!("{count} {status}")).collect::<Vec<_>>().join(", ")
}

/// A report without its `known_at`, after checking that it exists.
fn timeless(mut report: Value) -> Value {
    let known_at = report["known_at"].take();
    assert!(known_at.as_str().is_some_and(|at| at.ends_with('Z')), "{known_at}");
    report
}

async fn done(app: &TestApp, number: &str, at: &str) {
    let secret = app.platform(&format!("done-{number}")).await;
    let body = completed(json!({"employee_number": number}), WHOLE, at);
    assert_eq!(app.deliver(&format!("done-{number}"), &secret, "e", &body).await.ok()["linked"], true);
}

both_databases! {
    async fn a_report_has_the_figures_of_the_city_and_of_each_administration(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.platform("tyst").await;
        done(&app, "1003", "2026-02-02T10:00:00+01:00").await;
        app.import(HrFiles {
            employments: &employments(&[
                "1006,Ida,Ek,,,1,FGK,Gata,permanent,2026-01-10,,,",
                "1007,Jon,Ek,,,1,FGK,Gata,consultant,2026-01-10,,,",
                "1008,Kaj,Ek,,,1,SEF,Städ,permanent,2025-01-10,,,",
            ]),
            absences: "employee_number,starts_on,ends_on\n1006,2026-02-20,2026-03-31\n",
            exemptions: "employee_number,requirement,starts_on,ends_on,reason\n1008,infosec-onboarding,2026-01-01,,fält\n",
            ..HrFiles::default()
        }).await;
        let report = timeless(report(&app, "").await);
        insta::allow_duplicates!(insta::assert_json_snapshot!(report, @r#"
        {
          "administrations": [
            {
              "code": "FGK",
              "completion_rate": "50.0",
              "completion_rate_range": {
                "highest": "50.0",
                "lowest": "50.0"
              },
              "counts": {
                "compliant": 1,
                "exempt": 0,
                "expired": 0,
                "expiring": 0,
                "in_scope": 2,
                "on_leave": 1,
                "overdue": 1,
                "pending": 0
              },
              "name": "Fastighets- och gatukontoret",
              "on_time_rate": "50.0"
            },
            {
              "code": "SEF",
              "completion_rate": "33.3",
              "completion_rate_range": {
                "highest": "33.3",
                "lowest": "33.3"
              },
              "counts": {
                "compliant": 1,
                "exempt": 1,
                "expired": 0,
                "expiring": 0,
                "in_scope": 3,
                "on_leave": 0,
                "overdue": 0,
                "pending": 2
              },
              "name": "Serviceförvaltningen",
              "on_time_rate": "100.0"
            }
          ],
          "as_of": "2026-02-26",
          "city": {
            "completion_rate": "25.0",
            "completion_rate_range": {
              "highest": "25.0",
              "lowest": "25.0"
            },
            "counts": {
              "compliant": 1,
              "exempt": 1,
              "expired": 0,
              "expiring": 0,
              "in_scope": 4,
              "on_leave": 1,
              "overdue": 1,
              "pending": 2
            },
            "on_time_rate": "50.0"
          },
          "data_quality": {
            "dismissed_results": 0,
            "linked_share": {
              "before_from": "2026-01-02",
              "before_to": "2026-01-29",
              "from": "2026-01-30",
              "overall": {
                "results": 1,
                "results_before": 0,
                "share": "100.0",
                "share_before": null,
                "warning": false
              },
              "platforms": [
                {
                  "platform": "done-1003",
                  "results": 1,
                  "results_before": 0,
                  "share": "100.0",
                  "share_before": null,
                  "warning": false
                }
              ],
              "to": "2026-02-26",
              "warning": false
            },
            "platforms": [
              {
                "last_result_at": "2026-02-26T12:00:00.000007Z",
                "platform": "done-1003",
                "results_silent": false,
                "silent_since": "2026-02-26T12:00:00.000007Z"
              },
              {
                "last_result_at": null,
                "platform": "tyst",
                "results_silent": false,
                "silent_since": null
              }
            ],
            "quarantined_deliveries": 0,
            "unlinked_results": 0
          },
          "due_from": "2025-02-27",
          "due_to": "2026-02-26",
          "known_at": null,
          "requirement": "infosec-onboarding",
          "version": 1
        }
        "#));
    }

    async fn the_city_is_not_the_sum_of_its_administrations(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        for refreshed in [false, true] {
            if refreshed {
                app.refresh().await;
            }
            let report = report(&app, "").await;
            assert_eq!(report["city"]["counts"]["in_scope"], 4, "Cecilia works in both: {report}");
            let administrations = report["administrations"].as_array().expect("administrations");
            let each: Vec<&Value> = administrations.iter().map(|a| &a["counts"]["in_scope"]).collect();
            assert_eq!(each, [2, 3]);
        }
    }

    async fn a_person_with_two_employments_in_an_administration_counts_once_there(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let second = employments(&["1002,Bo,Öberg,bo@example.org,bo,2,SEF,Städ,hourly,2026-02-20,,,"]);
        app.import(HrFiles { employments: &second, ..HrFiles::default() }).await;
        for refreshed in [false, true] {
            if refreshed {
                app.refresh().await;
            }
            let report = report(&app, "").await;
            assert_eq!(report["administrations"][1]["counts"]["in_scope"], 3, "{report}");
            assert_eq!(report["city"]["counts"]["in_scope"], 4);
        }
    }

    async fn a_report_can_be_about_any_day(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        done(&app, "1001", "2026-02-10T10:00:00+01:00").await;
        for refreshed in [false, true] {
            if refreshed {
                app.refresh().await;
            }
            let mut reported = Vec::new();
            for (as_of, why) in [
                ("2025-12-31", "before the requirement took effect"),
                ("2026-01-01", "only Anna is there"),
                ("2026-02-04", "the last day on which Cecilia and David are in time"),
                ("2026-02-05", "the day after"),
                ("2026-02-09", "Anna has done nothing yet"),
                ("2026-02-10", "Anna has done the course, and Bo has come"),
                ("2026-03-13", "Bo is late"),
                ("2026-12-10", "Anna's evidence holds for another sixty-one days"),
                ("2026-12-11", "and now for sixty"),
                ("2027-02-10", "Anna's evidence has run out"),
            ] {
                let report = report(&app, &format!("&as_of={as_of}")).await;
                assert_eq!(report["as_of"], as_of);
                reported.push(format!("{as_of} v{} {} ({why})", report["version"], counted(&report["city"])));
            }
                            insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
                            2025-12-31 vnull  (before the requirement took effect)
                            2026-01-01 v1 1 pending (only Anna is there)
                            2026-02-04 v1 3 pending (the last day on which Cecilia and David are in time)
                            2026-02-05 v1 2 overdue, 1 pending (the day after)
                            2026-02-09 v1 2 overdue, 1 pending (Anna has done nothing yet)
                            2026-02-10 v1 1 compliant, 2 overdue, 1 pending (Anna has done the course, and Bo has come)
                            2026-03-13 v1 1 compliant, 3 overdue (Bo is late)
                            2026-12-10 v1 1 compliant, 3 overdue (Anna's evidence holds for another sixty-one days)
                            2026-12-11 v1 1 expiring, 3 overdue (and now for sixty)
                            2027-02-10 v1 1 expired, 3 overdue (Anna's evidence has run out)
                            "));
        }
    }

    async fn the_on_time_rate_covers_those_whose_due_day_is_in_the_period(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        done(&app, "1003", "2026-02-04T10:00:00+01:00").await;
        // David was late.
        done(&app, "1004", "2026-02-05T10:00:00+01:00").await;
        for refreshed in [false, true] {
            if refreshed {
                app.refresh().await;
            }
            let mut reported = Vec::new();
            for period in [
                "",
                "&due_from=2026-02-04&due_to=2026-02-04",
                "&due_from=2026-02-05",
                "&due_from=2026-02-05&due_to=2026-12-31",
                "&due_from=2026-03-12&due_to=2026-03-12",
                "&due_from=2000-01-01&due_to=2026-02-03",
            ] {
                let report = report(&app, period).await;
                reported.push(format!(
                    "{}..{} city {} FGK {} SEF {}",
                    report["due_from"].as_str().expect("a day"),
                    report["due_to"].as_str().expect("a day"),
                    report["city"]["on_time_rate"],
                    report["administrations"][0]["on_time_rate"],
                    report["administrations"][1]["on_time_rate"],
                ));
            }
                            insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r#"
                            2025-02-27..2026-02-26 city "50.0" FGK "50.0" SEF "100.0"
                            2026-02-04..2026-02-04 city "50.0" FGK "50.0" SEF "100.0"
                            2026-02-05..2026-02-26 city null FGK null SEF null
                            2026-02-05..2026-12-31 city "0.0" FGK null SEF "0.0"
                            2026-03-12..2026-03-12 city "0.0" FGK null SEF "0.0"
                            2000-01-01..2026-02-03 city null FGK null SEF null
                            "#));
        }
    }

    async fn rates_are_absent_when_no_one_is_in_scope(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.apply(&REQUIREMENT.replace("infosec-onboarding", "trainees").replace(
            r#"forms = ["permanent", "fixed_term", "hourly"]"#,
            r#"forms = ["trainee"]"#,
        )).await;
        let report = app.get_as_city("/api/v1/reports/onboarding?requirement=trainees").await.ok();
        for figures in [&report["city"], &report["administrations"][0], &report["administrations"][1]] {
            assert_eq!(counted(figures), "");
            for rate in ["completion_rate", "on_time_rate", "completion_rate_range"] {
                assert_eq!(figures[rate], Value::Null, "{rate} of {figures}");
            }
        }
    }

    async fn only_the_version_in_effect_on_the_day_applies(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        done(&app, "1001", "2026-01-15T10:00:00+01:00").await;
        // From March on, the old course is not enough any more.
        let second = REQUIREMENT
            .replace("effective_from = 2026-01-01", "effective_from = 2026-03-01\neffective_to = 2026-08-31")
            .replace("  [ { course = \"infosec-basics-2023\" } ],\n", "");
        app.apply(&second).await;
        for refreshed in [false, true] {
            if refreshed {
                app.refresh().await;
            }
            let mut reported = Vec::new();
            for as_of in ["2025-12-31", "2026-02-28", "2026-03-01", "2026-08-31", "2026-09-01"] {
                let report = report(&app, &format!("&as_of={as_of}")).await;
                reported.push(format!("{as_of} v{} {}", report["version"], counted(&report["city"])));
            }
                            insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
                            2025-12-31 vnull 
                            2026-02-28 v1 1 compliant, 2 overdue, 1 pending
                            2026-03-01 v2 4 pending
                            2026-08-31 v2 4 overdue
                            2026-09-01 vnull
                            "));
        }
    }

    async fn a_correction_with_the_same_first_day_changes_the_past_from_its_recording(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let before = report(&app, "&as_of=2026-02-10").await;
        app.apply(&REQUIREMENT.replace("new_hire_days = 30", "new_hire_days = 60")).await;
        let corrected = report(&app, "&as_of=2026-02-10").await;
        assert_eq!((before["version"].clone(), corrected["version"].clone()), (json!(1), json!(2)));
        assert_eq!(counted(&before["city"]), "2 overdue, 2 pending");
        assert_eq!(counted(&corrected["city"]), "4 pending");
        let known_at = before["known_at"].as_str().expect("an instant");
        assert_eq!(report(&app, &format!("&as_of=2026-02-10&known_at={known_at}")).await, before);
        // Content that is in force already makes no version.
        app.apply(&REQUIREMENT.replace("new_hire_days = 30", "new_hire_days = 60")).await;
        assert_eq!(report(&app, "").await["version"], 2);
    }

    async fn an_officer_sees_the_figures_of_the_own_administration_only(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let whole = report(&app, "").await;
        let sef = app.token(Role::Administration, &["SEF"]).await;
        for refreshed in [false, true] {
            if refreshed {
                app.refresh().await;
            }
            let seen = app.get(REPORT, Some(&sef)).await.ok();
            assert_eq!(seen["city"], Value::Null);
            assert_eq!(seen["administrations"], json!([whole["administrations"][1]]));
        }
        let nothing = app.token(Role::Administration, &["HVO"]).await;
        assert_eq!(app.get(REPORT, Some(&nothing)).await.ok()["administrations"], json!([]));
        let scim = app.token(Role::Scim, &[]).await;
        app.get(REPORT, Some(&scim)).await.problem(403);
        app.get(REPORT, None).await.problem(401);
    }

    async fn a_wrong_query_parameter_is_refused_with_the_reason(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let city = app.token(Role::City, &[]).await;
        let code = "requirement=infosec-onboarding";
        let mut reported = Vec::new();
        for (status, query) in [
            (400, String::new()),
            (400, "requirement=".to_owned()),
            (400, "requirement=No%20Code".to_owned()),
            (400, format!("{code}&asof=2026-02-26")),
            (400, format!("{code}&as_of=2026-02-26&as_of=2026-02-27")),
            (400, format!("{code}&as_of=26/2")),
            (400, format!("{code}&as_of=2026-02-30")),
            (400, format!("{code}&known_at=yesterday")),
            (400, format!("{code}&known_at=2026-02-26T12:00:01Z")),
            (400, format!("{code}&due_from=2026-02-02&due_to=2026-02-01")),
            (400, format!("{code}&due_from=2027-01-01")),
            (404, "requirement=gdpr".to_owned()),
            (404, format!("{code}&known_at=2026-02-26T11:59:59Z")),
        ] {
            let answer = app.get(&format!("/api/v1/reports/onboarding?{query}"), Some(&city)).await;
            reported.push(format!("{query}: {}", answer.problem(status)));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        : requirement is missing; give it as ?requirement=…
        requirement=: requirement is empty; give it a value, or leave it out
        requirement=No%20Code: requirement may only contain lower-case letters a to z, digits and hyphens
        requirement=infosec-onboarding&asof=2026-02-26: asof is not a parameter here; these are: requirement, as_of, known_at, compare_known_at, due_from, due_to
        requirement=infosec-onboarding&as_of=2026-02-26&as_of=2026-02-27: as_of is given twice; give it once
        requirement=infosec-onboarding&as_of=26/2: as_of=26/2 is not a day such as 2026-02-26
        requirement=infosec-onboarding&as_of=2026-02-30: as_of=2026-02-30 is not a day such as 2026-02-26
        requirement=infosec-onboarding&known_at=yesterday: known_at=yesterday is not an instant such as 2026-02-26T12:00:00Z (RFC 3339)
        requirement=infosec-onboarding&known_at=2026-02-26T12:00:01Z: known_at lies in the future: what is known then can only be said when it has passed; leave it out for now
        requirement=infosec-onboarding&due_from=2026-02-02&due_to=2026-02-01: due_from 2026-02-02 lies after due_to 2026-02-01
        requirement=infosec-onboarding&due_from=2027-01-01: due_from 2027-01-01 lies after due_to 2026-02-26
        requirement=gdpr: no requirement gdpr was known then
        requirement=infosec-onboarding&known_at=2026-02-26T11:59:59Z: no requirement infosec-onboarding was known then
        "));
        // An unescaped plus sign is still read as part of an instant.
        let plus = app.get(&format!("{REPORT}&known_at=2026-02-26T13:00:00.000004+01:00"), Some(&city)).await;
        assert_eq!(plus.ok()["known_at"], "2026-02-26T12:00:00.000004Z");
    }

    async fn a_report_is_the_same_before_and_after_a_refresh_and_from_the_facts(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let anna = json!({"employee_number": "1001"});
        for (id, body) in [
            ("e-1", completed(anna.clone(), "infosec-basics", "2026-02-01T10:00:00Z")),
            ("e-2", graded(anna, "infosec-basics-quiz", 1, "17", "2026-02-03T10:00:00Z")),
            ("e-3", completed(json!({"username": "x"}), WHOLE, "2026-02-03T10:00:00Z")),
        ] {
            app.deliver("larportal", &secret, id, &body).await.ok();
        }
        assert!(app.rows_in("stale").await > 0);
        let stale = report(&app, "").await;
        app.refresh().await;
        assert_eq!(app.rows_in("stale").await, 0);
        let refreshed = report(&app, "").await;
        let known_at = stale["known_at"].as_str().expect("an instant");
        assert_eq!(report(&app, &format!("&known_at={known_at}")).await, stale);
        assert_eq!(timeless(refreshed), timeless(stale));
    }

    async fn each_read_of_a_report_leaves_an_audit_entry_with_its_scope(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let sef = app.token(Role::Administration, &["SEF"]).await;
        app.get(REPORT, Some(&sef)).await.ok();
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit?limit=2", Some(&auditor)).await.ok();
        let entry = &trail["items"][1];
        assert_eq!(entry["action"], "report.read", "{trail}");
        assert_eq!(entry["object"], "requirement infosec-onboarding");
        assert_eq!((entry["subject"].clone(), entry["scope"].clone()), (json!("test administration"), json!("SEF")));
    }
}
