//! SCIM and HR's files together: in every order, the directory ends the same.

use std::collections::BTreeSet;

use kurskoll::app::directory::import::ImportError;
use kurskoll::domain::directory::plan::Extent;
use serde_json::{Value, json};

use crate::directory::files::employments as file_of;
use crate::scim::users::{ENTERPRISE, create, employments, empty_city, patch_of, user};
use crate::support::app::{HrFiles, TestApp};
use crate::support::postgres::{Backend, TestDatabase, both_databases};
use crate::support::small_city::ADMINISTRATIONS;

/// One update of the directory.
#[derive(Debug, Clone)]
enum Step {
    /// A provider's user: created, or replaced if it exists.
    User(Value),
    Deactivated(&'static str),
    Deleted(&'static str),
    File(String, Extent),
}

async fn id_of(app: &TestApp, number: &str) -> Option<String> {
    let found = app.scim(&format!("GET /scim/v2/Users?filter=employeeNumber+eq+%22{number}%22"), &[], None).await.ok();
    found["Resources"][0]["id"].as_str().map(ToOwned::to_owned)
}

async fn take(app: &TestApp, step: &Step) {
    match step {
        Step::User(body) => {
            let made = app.scim("POST /scim/v2/Users", &[], Some(body)).await;
            if made.status == 409 {
                let number = body[ENTERPRISE]["employeeNumber"].as_str().expect("a number");
                let id = id_of(app, number).await.expect("a user");
                app.scim(&format!("PUT /scim/v2/Users/{id}"), &[], Some(body)).await.ok();
            } else {
                assert_eq!(made.status, 201, "{}", made.body);
            }
        }
        Step::Deactivated(number) => {
            let id = id_of(app, number).await.expect("a user");
            let body = patch_of("Replace", "active", json!("False"));
            app.scim(&format!("PATCH /scim/v2/Users/{id}"), &[], Some(&body)).await.ok();
        }
        Step::Deleted(number) => {
            if let Some(id) = id_of(app, number).await {
                app.scim(&format!("DELETE /scim/v2/Users/{id}"), &[], None).await;
            }
        }
        Step::File(employments, extent) => {
            let files = HrFiles { employments, ..HrFiles::default() };
            match extent {
                Extent::Full => app.import_full(files).await,
                Extent::Partial => app.import(files).await,
            };
        }
    }
}

/// The directory in lines, without the order in which people became known.
async fn directory(app: &TestApp) -> BTreeSet<String> {
    let (known, _) = kurskoll::store::directory::known(app.app.store.connection(kurskoll::store::Unscoped::Operating))
        .await
        .expect("a directory");
    let persons = known.persons.values().map(|person| format!("{person:?}"));
    let employments = known.employments.values().map(|employment| format!("{employment:?}"));
    persons.chain(employments).collect()
}

/// Every order of some things.
fn orders(steps: &[Step]) -> Vec<Vec<Step>> {
    if steps.is_empty() {
        return vec![Vec::new()];
    }
    (0..steps.len())
        .flat_map(|first| {
            let mut rest = steps.to_vec();
            let chosen = rest.remove(first);
            orders(&rest).into_iter().map(move |mut order| {
                order.insert(0, chosen.clone());
                order
            })
        })
        .collect()
}

fn eva() -> Value {
    user("2001", "Eva", "Ek", "SEF")
}

#[rocket::async_test]
async fn users_and_files_end_the_same_in_every_order_and_repetition() {
    let rows =
        ["2001,Eva,Ek,,,1,SEF,Måltid,permanent,2020-01-01,,,", "2003,Ida,Berg,,,1,FGK,Gata,hourly,2026-01-01,,,"];
    let steps = [
        Step::User(eva()),
        Step::User(user("2002", "Bo", "Öberg", "FGK")),
        Step::File(file_of(&rows), Extent::Full),
        Step::User(user("2003", "Ida", "Berg", "FGK")),
    ];
    let mut ends = BTreeSet::new();
    for (place, order) in orders(&steps).into_iter().enumerate() {
        let database = TestDatabase::empty(Backend::Sqlite).await;
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        for step in &order {
            take(&app, step).await;
            // Every other step is taken twice.
            if place % 2 == 0 {
                take(&app, step).await;
            }
        }
        // Once more from the beginning changes nothing.
        let end = directory(&app).await;
        for step in &order {
            take(&app, step).await;
        }
        assert_eq!(directory(&app).await, end, "{order:?}");
        ends.insert(end.into_iter().collect::<Vec<_>>().join("\n"));
        assert_eq!(app.differences().await, [""; 0]);
    }
    assert_eq!(ends.len(), 1, "{ends:#?}");
}

#[rocket::async_test]
async fn a_leaver_has_left_in_every_order_of_files_and_updates() {
    // The file contains others than the leavers.
    let steps = [
        Step::Deactivated("2001"),
        Step::File(file_of(&["2003,Ida,Berg,,,1,FGK,Gata,hourly,2026-01-01,,,"]), Extent::Full),
        Step::Deleted("2002"),
        Step::User(user("2004", "Mia", "Dahl", "SEF")),
    ];
    let mut ends = BTreeSet::new();
    for order in orders(&steps) {
        let database = TestDatabase::empty(Backend::Sqlite).await;
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        create(&app, &eva()).await;
        create(&app, &user("2002", "Bo", "Öberg", "FGK")).await;
        app.clock.set("2026-03-10T12:00:00Z");
        for step in &order {
            take(&app, step).await;
        }
        ends.insert(directory(&app).await.into_iter().collect::<Vec<_>>().join("\n"));
    }
    assert_eq!(ends.len(), 1, "{ends:#?}");
}

both_databases! {
    async fn a_full_file_ends_no_employment_that_it_cannot_name(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        create(&app, &eva()).await;
        app.clock.set("2026-03-10T12:00:00Z");
        let others = file_of(&["2003,Ida,Berg,,,1,FGK,Gata,hourly,2026-01-01,,,"]);
        let full = HrFiles { employments: &others, ..HrFiles::default() };
        app.try_import(full, Extent::Full).await.expect("nothing ends, so it is no mass ending");
        assert_eq!(employments(&app, "2001").await, ["scim:2026-02-26 SEF 2026-02-26.."]);
        // The administration cannot be removed while a provider's people work there.
        let without_sef: String = ADMINISTRATIONS.lines().filter(|line| !line.starts_with("SEF")).map(|line| format!("{line}\n")).collect();
        let files = HrFiles { administrations: &without_sef, employments: &others, ..HrFiles::default() };
        let refused = app.try_import(files, Extent::Full).await;
        assert!(matches!(refused, Err(ImportError::Problems(_))), "{refused:?}");
        // An employment with HR's id is HR's, whichever source reported it first.
        let mut ida = user("2005", "Ida", "Dahl", "SEF");
        ida[crate::scim::users::KURSKOLL] = json!({"employments": [{"id": "9", "administration": "SEF", "startsOn": "2026-01-01"}]});
        create(&app, &ida).await;
        app.import_full(full).await;
        assert_eq!(employments(&app, "2005").await, ["9 SEF 2026-01-01..2026-03-09"]);
    }

    async fn a_report_from_before_a_correction_is_the_same_again(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        create(&app, &eva()).await;
        let before = app.get_as_city("/api/v1/reports/onboarding?requirement=infosec-onboarding").await.ok();
        app.clock.set("2026-03-10T12:00:00Z");
        take(&app, &Step::Deleted("2001")).await;
        let known_at = before["known_at"].as_str().expect("an instant");
        let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-26&known_at={known_at}");
        assert_eq!(app.get_as_city(&path).await.ok()["city"], before["city"]);
        let after = app.get_as_city("/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-03-11").await.ok();
        assert_eq!((&before["city"]["counts"]["in_scope"], &after["city"]["counts"]["in_scope"]), (&json!(1), &json!(0)));
    }

    async fn an_import_completes_while_a_provider_writes_without_a_pause(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        empty_city(&app).await;
        let id = create(&app, &eva()).await["id"].as_str().expect("an id").to_owned();
        let file = |unit: &str| {
            let row = |n| format!("5{n:04},Ida,Berg,,,1,FGK,{unit},hourly,2026-01-01,,,");
            let rows: Vec<String> = (0..3000).map(row).collect();
            file_of(&rows.iter().map(String::as_str).collect::<Vec<_>>())
        };
        app.import(HrFiles { employments: &file("Gata"), ..HrFiles::default() }).await;
        let file = file("Park");
        let report = async {
            for place in 0.. {
                let body = patch_of("replace", "name.givenName", json!(format!("Eva {place}")));
                app.scim(&format!("PATCH /scim/v2/Users/{id}"), &[], Some(&body)).await.ok();
            }
        };
        let importing = app.try_import(HrFiles { employments: &file, ..HrFiles::default() }, Extent::Full);
        rocket::tokio::select! {
            () = report => unreachable!("it never pauses"),
            imported = importing => assert_eq!(imported.expect("imported").changes.len(), 3000),
        }
    }
}
