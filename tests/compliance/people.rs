//! An administration's people, page by page.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{REQUIREMENT, completed, small_city};

const PEOPLE: &str = "/api/v1/administrations/SEF/compliance";

/// The small city with a second requirement, namesakes, and a protected person.
async fn busy_city(app: &TestApp) {
    small_city(app).await;
    app.apply(&REQUIREMENT.replace("infosec-onboarding", "gdpr").replace("new_hire_days = 30", "new_hire_days = 3"))
        .await;
    let more = employments(&[
        "2001,Adam,Ek,,,1,SEF,Ängen,permanent,2026-01-01,,,",
        "2002,Adam,Ek,,,1,SEF,Ängen,permanent,2026-01-01,,,",
        "2003,Hemlig,Person,hemlig@example.org,,1,SEF,Ängen,permanent,2026-01-01,,,true",
    ]);
    app.import(HrFiles { employments: &more, ..HrFiles::default() }).await;
    let secret = app.platform("larportal").await;
    let body = completed(json!({"employee_number": "2002"}), "infosec-basics-2023", "2026-01-20T10:00:00Z");
    app.deliver("larportal", &secret, "e-1", &body).await.ok();
}

/// Every item of all pages.
async fn walk(app: &TestApp, token: &str, query: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("{PEOPLE}?limit={limit}{query}{after}"), Some(token)).await.ok();
        let found = page["items"].as_array().expect("items").clone();
        assert!(found.len() <= limit, "{page}");
        items.extend(found);
        let Some(next) = page["next"].as_str() else { return items };
        after = format!("&after={next}");
    }
}

/// The rows of an export in the form of the page's items: by column, an empty cell for a missing value.
fn as_rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.records().map(|row| row.expect("a row").iter().map(ToOwned::to_owned).collect()).collect()
}

fn as_cells(items: &[Value]) -> Vec<Vec<String>> {
    const COLUMNS: [&str; 19] = [
        "administration",
        "administration_name",
        "unit",
        "employee_number",
        "given_name",
        "family_name",
        "email",
        "employment_form",
        "starts_on",
        "requirement",
        "status",
        "due_on",
        "satisfied_on",
        "valid_until",
        "best_score_percent",
        "attempts",
        "last_attempt_on",
        "evidence_event_id",
        "as_of",
    ];
    let cell = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let row = |item: &Value| {
        assert_eq!(item.as_object().map(serde_json::Map::len), Some(COLUMNS.len()), "{item}");
        COLUMNS.iter().map(|column| cell(&item[*column])).collect()
    };
    items.iter().map(row).collect()
}

fn numbers(items: &[Value]) -> Vec<String> {
    items
        .iter()
        .map(|item| {
            format!(
                "{} {}",
                item["employee_number"].as_str().expect("a number"),
                item["requirement"].as_str().expect("a code")
            )
        })
        .collect()
}

both_databases! {
    async fn all_pages_together_are_the_export(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        busy_city(&app).await;
        let token = app.token(Role::Administration, &["SEF"]).await;
        for refreshed in [false, true] {
            if refreshed {
                app.refresh().await;
            }
            let export = as_rows(&app.get("/api/v1/administrations/SEF/export.csv", Some(&token)).await.body);
            assert_eq!(export.len(), 12);
            for limit in [1, 2, 3, 12, 1000] {
                assert_eq!(as_cells(&walk(&app, &token, "", limit).await), export, "{limit} at a time");
            }
            let one: Vec<_> = export.iter().filter(|row| row[9] == "gdpr").cloned().collect();
            assert_eq!(as_cells(&walk(&app, &token, "&requirement=gdpr", 2).await), one);
        }
    }

    async fn all_pages_as_known_then_are_the_export_as_known_then(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        busy_city(&app).await;
        let token = app.token(Role::City, &[]).await;
        let report = app.get("/api/v1/reports/onboarding?requirement=gdpr", Some(&token)).await.ok();
        let then = format!("known_at={}&as_of=2026-02-20", report["known_at"].as_str().expect("an instant"));
        let export = as_rows(&app.get(&format!("/api/v1/administrations/SEF/export.csv?{then}"), Some(&token)).await.body);
        app.import_full(HrFiles { employments: &employments(&["2001,Adam,Ny,,,1,SEF,Kajen,permanent,2026-01-01,,,"]), ..HrFiles::default() }).await;
        for limit in [1, 5] {
            assert_eq!(as_cells(&walk(&app, &token, &format!("&{then}"), limit).await), export);
        }
    }

    async fn a_status_and_a_unit_filter_the_rows_and_a_unit_leaves_out_the_protected(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        busy_city(&app).await;
        let token = app.token(Role::City, &[]).await;
        for refreshed in [false, true] {
            if refreshed {
                app.refresh().await;
            }
            let compliant = walk(&app, &token, "&status=compliant", 1).await;
            assert_eq!(numbers(&compliant), ["2002 gdpr", "2002 infosec-onboarding"]);
            let overdue = walk(&app, &token, "&status=overdue&requirement=gdpr", 2).await;
            assert_eq!(numbers(&overdue), ["2003 gdpr", "1002 gdpr", "1003 gdpr", "2001 gdpr"]);
            let meadow = walk(&app, &token, "&unit=%C3%84ngen&requirement=gdpr", 1).await;
            assert_eq!(numbers(&meadow), ["2001 gdpr", "2002 gdpr"]);
            assert_eq!(walk(&app, &token, "&unit=Ingenstans", 1).await, [Value::Null; 0]);
        }
    }

    async fn the_rows_of_the_protected_are_blank(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        busy_city(&app).await;
        let token = app.token(Role::City, &[]).await;
        let page = app.get(&format!("{PEOPLE}?requirement=gdpr&limit=1"), Some(&token)).await.ok();
        insta::allow_duplicates!(insta::assert_json_snapshot!(page["items"][0], @r#"
        {
          "administration": "SEF",
          "administration_name": "Serviceförvaltningen",
          "as_of": "2026-02-26",
          "attempts": 0,
          "best_score_percent": null,
          "due_on": "2026-01-04",
          "email": "",
          "employee_number": "2003",
          "employment_form": "permanent",
          "evidence_event_id": null,
          "family_name": "",
          "given_name": "",
          "last_attempt_on": null,
          "requirement": "gdpr",
          "satisfied_on": null,
          "starts_on": "2026-01-01",
          "status": "overdue",
          "unit": "",
          "valid_until": null
        }
        "#));
        // The cursor's content must not reveal them either.
        assert!(!page["next"].as_str().expect("more").is_empty());
    }

    async fn a_wrong_query_parameter_is_refused_with_the_reason(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        busy_city(&app).await;
        let token = app.token(Role::City, &[]).await;
        let mut reported = Vec::new();
        for query in [
            "after=nonsense!",
            "after=bm9uc2Vuc2U",
            "limit=0",
            "limit=1001",
            "limit=many",
            "status=late",
            "page=2",
            "unit=a&unit=b",
        ] {
            reported.push(app.get(&format!("{PEOPLE}?{query}"), Some(&token)).await.problem(400));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        after is not the `next` of an earlier answer
        after is not the `next` of an earlier answer
        limit=0 is not a number from 1 to 1000
        limit=1001 is not a number from 1 to 1000
        limit=many is not a number from 1 to 1000
        status=late is not a status; these are: compliant, expiring, pending, overdue, expired, exempt, on_leave
        page is not a parameter here; these are: requirement, status, unit, as_of, known_at, limit, after
        unit is given twice; give it once
        "));
    }

    async fn each_page_leaves_an_audit_entry(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        busy_city(&app).await;
        let token = app.token(Role::City, &[]).await;
        let before = app.rows_in("audit_entry").await;
        let pages = walk(&app, &token, "", 5).await.len().div_ceil(5);
        assert_eq!(app.rows_in("audit_entry").await, before + i64::try_from(pages).expect("few"));
    }
}
