//! The main job, end to end: a signed webhook shows up in the report and the export.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};

both_databases! {
    async fn a_signed_webhook_shows_up_in_the_report_and_the_export(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let anna = json!({"employee_number": "1001"});
        for (id, body) in [
            ("e-1", completed(anna.clone(), "infosec-basics", "2026-02-01T10:00:00+01:00")),
            ("e-2", graded(anna.clone(), "infosec-basics-quiz", 1, "12", "2026-02-02T10:00:00+01:00")),
            ("e-3", graded(anna.clone(), "infosec-basics-quiz", 2, "17", "2026-02-03T10:00:00+01:00")),
        ] {
            let answer = app.deliver("larportal", &secret, id, &body).await.ok();
            assert_eq!(answer, json!({"event_id": id, "outcome": "accepted", "linked": true}));
        }
        let report = app.get_as_city("/api/v1/reports/onboarding?requirement=infosec-onboarding").await.ok();
        assert_eq!(
            report["city"]["counts"],
            json!({"in_scope": 4, "compliant": 1, "expiring": 0, "pending": 1, "overdue": 2, "expired": 0,
                   "exempt": 0, "on_leave": 0}),
            "{report}"
        );
        assert_eq!(report["city"]["completion_rate"], "25.0");
        let export = app.get_as_city("/api/v1/administrations/SEF/export.csv").await;
        assert_eq!(export.headers["content-type"], "text/csv; charset=utf-8");
        insta::allow_duplicates!(insta::assert_snapshot!(export.body.replace('\r', ""), @r"
        administration,administration_name,unit,employee_number,given_name,family_name,email,employment_form,starts_on,requirement,status,due_on,satisfied_on,valid_until,best_score_percent,attempts,last_attempt_on,evidence_event_id,as_of
        SEF,Serviceförvaltningen,Lokalvård,1002,Bo,Öberg,bo@example.org,permanent,2026-02-10,infosec-onboarding,pending,2026-03-12,,,,0,,,2026-02-26
        SEF,Serviceförvaltningen,Måltid,1001,Anna,Andersson,anna@example.org,permanent,2020-01-01,infosec-onboarding,compliant,2026-06-30,2026-02-03,2027-01-31,85.0,2,2026-02-03,e-3,2026-02-26
        SEF,Serviceförvaltningen,Måltid,1003,Cecilia,Berg,cecilia@example.org,hourly,2026-01-07,infosec-onboarding,overdue,2026-02-04,,,,0,,,2026-02-26
        "));
    }
}
