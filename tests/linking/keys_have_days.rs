//! An address or user name belongs, on each day, to its holder of that day: what HR gave, removed, mixed up and corrected.

use kurskoll::app::directory::import::ImportError;
use kurskoll::domain::access::Role;
use kurskoll::domain::directory::plan::Extent;
use kurskoll::domain::linking::LinkingKey;
use kurskoll::intake::webhook::signature::WebhookSecret;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::directory::files::employments;
use crate::linking::by_keys::{complete, waiting_events};
use crate::reports::report::report;
use crate::support::app::{HrFiles, TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, REQUIREMENT, completed};

/// A city with one requirement and a platform; its clock stands at noon of a day.
async fn city_on(database: &TestDatabase, day: &str) -> (TestApp, WebhookSecret) {
    let clock = TestClock::frozen();
    clock.set(&format!("{day}T11:00:00Z"));
    let app = TestApp::start_with(database, clock, |settings| settings).await;
    app.apply(REQUIREMENT).await;
    app.import(HrFiles { administrations: ADMINISTRATIONS, ..HrFiles::default() }).await;
    let secret = app.platform("larportal").await;
    (app, secret)
}

fn on(app: &TestApp, day: &str) {
    app.clock.set(&format!("{day}T11:00:00Z"));
}

/// Imports some rows of the employments file.
async fn import_rows(app: &TestApp, rows: &[&str]) {
    app.import(HrFiles { employments: &employments(rows), ..HrFiles::default() }).await;
}

/// A row of the employments file.
fn row(number: &str, email: &str, starts_on: &str, ends_on: &str) -> String {
    format!("{number},Given,Family{number},{email},,1,SEF,Kök,permanent,{starts_on},{ends_on},,")
}

async fn done(app: &TestApp, secret: &WebhookSecret, id: &str, email: &str, day: &str) {
    complete(app, secret, id, json!({"email": email}), &format!("{day}T10:00:00Z")).await;
}

/// The owner of each result, by event id: `e-1 1001`, or why it has none.
async fn owners(app: &TestApp) -> Vec<String> {
    let connection = app.app.store.connection(kurskoll::store::Unscoped::Operating);
    let sql = "SELECT v.event_id AS id, COALESCE(e.number, v.unlinked) AS whose FROM event v
               LEFT JOIN employee e ON e.id = v.employee_id ORDER BY v.event_id";
    let question = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(question).await.expect("rows");
    let text = |row: &sea_orm::QueryResult, name: &str| row.try_get::<String>("", name).expect("text");
    assert_eq!(app.differences().await, [""; 0], "the stored rows are what the facts give");
    rows.iter().map(|row| format!("{} {}", text(row, "id"), text(row, "whose"))).collect()
}

/// How many are compliant, and how many results wait, as known at an instant.
async fn figures(app: &TestApp, known_at: &str) -> (Value, Value) {
    let report = report(app, &format!("&as_of=2026-03-01&known_at={known_at}")).await;
    (report["city"]["counts"]["compliant"].clone(), report["data_quality"]["unlinked_results"].clone())
}

async fn now(app: &TestApp) -> String {
    report(app, "").await["known_at"].as_str().expect("an instant").to_owned()
}

both_databases! {
    async fn a_column_that_was_mixed_up_for_a_day_leaves_no_address_behind(database: TestDatabase) {
        for corrected_on in ["2026-03-02", "2026-03-03"] {
            let database = database.another().await;
            let (app, secret) = city_on(&database, "2026-01-10").await;
            let rows = |emails: [&str; 3]| {
                let numbered = ["1001", "1002", "1003"].into_iter().zip(emails);
                numbered.map(|(number, email)| row(number, email, "2020-01-01", "")).collect::<Vec<_>>()
            };
            let reported_rows = async |emails| {
                let rows = rows(emails);
                import_rows(&app, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await;
            };
            let right = ["a@example.org", "b@example.org", "c@example.org"];
            reported_rows(right).await;
            on(&app, "2026-02-02");
            done(&app, &secret, "before", "a@example.org", "2026-02-01").await;
            let known = now(&app).await;
            on(&app, "2026-03-02");
            reported_rows(["b@example.org", "c@example.org", "a@example.org"]).await;
            done(&app, &secret, "late", "b@example.org", "2025-11-01").await;
            done(&app, &secret, "between", "c@example.org", "2026-03-02").await;
            assert_eq!(owners(&app).await, ["before 1001", "between 1002", "late 1002"]);
            let mixed_up = now(&app).await;
            let reported = figures(&app, &mixed_up).await;
            on(&app, corrected_on);
            reported_rows(right).await;
            done(&app, &secret, "after", "a@example.org", "2026-03-02").await;
            assert_eq!(owners(&app).await, ["after 1001", "before 1001", "between 1003", "late 1002"]);
            assert_eq!(waiting_events(&app).await, 0);
            assert_eq!(app.get_as_city("/api/v1/unlinked").await.ok()["items"], json!([]));
            // Earlier reports are the same.
            assert_eq!(figures(&app, &mixed_up).await, reported);
            assert_eq!(figures(&app, &known).await, (json!(1), json!(0)));
        }
    }

    async fn a_new_colleague_has_the_address_from_the_day_on_which_hr_gives_it(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2024-01-10").await;
        import_rows(&app, &[&row("1001", "anna.svensson@example.org", "2020-01-01", "")]).await;
        done(&app, &secret, "early", "anna.svensson@example.org", "2019-05-01").await;
        done(&app, &secret, "then", "anna.svensson@example.org", "2024-01-09").await;
        // She leaves; her row still contains her old address.
        on(&app, "2025-06-01");
        import_rows(&app, &[&row("1001", "anna.svensson@example.org", "2020-01-01", "2025-05-31")]).await;
        on(&app, "2026-03-01");
        import_rows(&app, &[&row("1002", "Anna.Svensson@example.org", "2026-03-01", "")]).await;
        on(&app, "2026-05-01");
        for (id, day) in [("late", "2024-05-01"), ("gap", "2025-09-01"), ("now", "2026-04-01")] {
            done(&app, &secret, id, "anna.svensson@example.org", day).await;
        }
        assert_eq!(owners(&app).await, ["early 1001", "gap 1001", "late 1001", "now 1002", "then 1001"]);
        // Before HR gave it to the new colleague, everything belonged to Anna.
        assert_eq!(figures(&app, "2026-02-01T00:00:00Z").await.1, json!(0));
    }

    async fn an_employee_who_changes_names_keeps_results_under_the_old_address(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2024-01-10").await;
        import_rows(&app, &[&row("1001", "anna.svensson@example.org", "2020-01-01", "")]).await;
        on(&app, "2025-06-01");
        import_rows(&app, &[&row("1001", "anna.ek@example.org", "2020-01-01", "")]).await;
        done(&app, &secret, "gap", "anna.svensson@example.org", "2025-05-20").await;
        on(&app, "2026-03-01");
        import_rows(&app, &[&row("1002", "anna.svensson@example.org", "2026-03-01", "")]).await;
        done(&app, &secret, "late", "anna.svensson@example.org", "2025-08-20").await;
        done(&app, &secret, "now", "anna.svensson@example.org", "2026-03-01").await;
        assert_eq!(owners(&app).await, ["gap 1001", "late 1001", "now 1002"]);
    }

    async fn an_address_that_hr_removed_and_gave_to_no_one_still_links(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2024-01-10").await;
        import_rows(&app, &[&row("1001", "anna@example.org", "2020-01-01", "")]).await;
        on(&app, "2025-06-01");
        import_rows(&app, &[&row("1001", "", "2020-01-01", "2025-05-31")]).await;
        on(&app, "2025-09-02");
        done(&app, &secret, "late", "anna@example.org", "2025-09-01").await;
        done(&app, &secret, "years before", "anna@example.org", "2012-09-01").await;
        assert_eq!(owners(&app).await, ["late 1001", "years before 1001"]);
        // A typing error that is corrected the next day never was a valid address.
        on(&app, "2026-01-10");
        import_rows(&app, &[&row("1002", "bo@exmaple.org", "2026-01-01", "")]).await;
        on(&app, "2026-01-11");
        import_rows(&app, &[&row("1002", "bo@example.org", "2026-01-01", "")]).await;
        done(&app, &secret, "typed", "bo@exmaple.org", "2026-01-10").await;
        done(&app, &secret, "right", "bo@example.org", "2026-01-10").await;
        assert_eq!(owners(&app).await, ["late 1001", "right 1002", "typed unknown", "years before 1001"]);
    }

    async fn an_employee_from_before_the_first_file_may_have_had_the_address(database: TestDatabase) {
        for (last_of_anna, in_february) in [("2025-12-31", "1002"), ("", "ambiguous")] {
            let database = database.another().await;
            let (app, secret) = city_on(&database, "2024-01-10").await;
            import_rows(&app, &[&row("1001", "anna@example.org", "2020-01-01", last_of_anna)]).await;
            // No address at first, since it was not yet in HR's system.
            on(&app, "2026-02-10");
            import_rows(&app, &[&row("1002", "", "2026-02-01", "")]).await;
            on(&app, "2026-02-16");
            done(&app, &secret, "february", "anna@example.org", "2026-02-15").await;
            assert_eq!(owners(&app).await, ["february 1001"], "no other employee has it");
            on(&app, "2026-03-01");
            if last_of_anna.is_empty() {
                import_rows(&app, &[&row("1001", "anna.ek@example.org", "2020-01-01", "")]).await;
            }
            import_rows(&app, &[&row("1002", "anna@example.org", "2026-02-01", "")]).await;
            done(&app, &secret, "january", "anna@example.org", "2026-01-31").await;
            done(&app, &secret, "march", "anna@example.org", "2026-03-01").await;
            let february = format!("february {in_february}");
            assert_eq!(owners(&app).await, [february.as_str(), "january 1001", "march 1002"]);
        }
    }

    async fn an_older_colleague_who_gets_an_address_takes_no_earlier_results_under_it(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2024-01-10").await;
        import_rows(&app, &[
            &row("1001", "anna@example.org", "2020-01-01", ""),
            &row("1002", "bo@example.org", "2020-01-01", ""),
        ]).await;
        done(&app, &secret, "then", "anna@example.org", "2024-01-09").await;
        // They exchange their addresses.
        on(&app, "2026-03-01");
        import_rows(&app, &[
            &row("1001", "bo@example.org", "2020-01-01", ""),
            &row("1002", "anna@example.org", "2020-01-01", ""),
        ]).await;
        for (id, email, day) in [
            ("anna late", "anna@example.org", "2026-02-28"),
            ("anna now", "anna@example.org", "2026-03-01"),
            ("bo late", "bo@example.org", "2026-02-28"),
            ("bo now", "bo@example.org", "2026-03-01"),
        ] {
            done(&app, &secret, id, email, day).await;
        }
        let expected = ["anna late 1001", "anna now 1002", "bo late 1002", "bo now 1001", "then 1001"];
        assert_eq!(owners(&app).await, expected);
    }

    async fn an_address_of_two_at_once_belongs_to_the_one_who_is_employed(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2025-01-10").await;
        import_rows(&app, &[&row("1001", "kok@example.org", "2020-01-01", "")]).await;
        on(&app, "2026-01-10");
        import_rows(&app, &[&row("1002", "kok@example.org", "2026-01-10", "")]).await;
        on(&app, "2026-02-02");
        for (id, day) in [("before", "2025-12-01"), ("both", "2026-02-01")] {
            done(&app, &secret, id, "kok@example.org", day).await;
        }
        assert_eq!(owners(&app).await, ["before 1001", "both ambiguous"]);
        // HR records when the first of them left: the owner is derived again.
        import_rows(&app, &[&row("1001", "kok@example.org", "2020-01-01", "2026-01-15")]).await;
        assert_eq!(owners(&app).await, ["before 1001", "both 1002"]);
    }

    async fn the_order_of_a_days_imports_does_not_matter(database: TestDatabase) {
        let mut ends = Vec::new();
        for turned in [false, true] {
            let database = database.another().await;
            let (app, secret) = city_on(&database, "2026-01-10").await;
            done(&app, &secret, "first", "kok@example.org", "2025-12-01").await;
            let mut rows = [
                row("1001", "kok@example.org", "2020-01-01", "2025-12-31"),
                row("1002", "kok@example.org", "2025-06-01", ""),
                row("1003", "x@example.org", "2020-01-01", ""),
            ];
            if turned {
                rows.reverse();
            }
            for one in &rows {
                import_rows(&app, &[one]).await;
                app.clock.advance(chrono::Duration::hours(2));
            }
            done(&app, &secret, "second", "kok@example.org", "2026-01-05").await;
            done(&app, &secret, "third", "kok@example.org", "2024-01-05").await;
            ends.push(owners(&app).await);
        }
        assert_eq!(ends[0], ends[1]);
        assert_eq!(ends[0], ["first ambiguous", "second 1002", "third 1001"]);
    }

    async fn the_days_of_an_identities_file_hold_exactly(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2026-06-10").await;
        import_rows(&app, &[&row("1001", "", "2020-01-01", ""), &row("1002", "", "2020-01-01", "")]).await;
        let header = "employee_number,platform,key,value,home_page,valid_from,valid_to\n";
        let identities = format!(
            "{header}1001,larportal,account,17,https://l.example.org,,2026-02-28\n\
             1002,larportal,account,17,https://l.example.org,2026-03-01,2026-05-31\n\
             1001,larportal,username,vikarie,,2026-03-01,\n1002,larportal,username,vikarie,,2026-05-01,\n"
        );
        app.import(HrFiles { identities: &identities, ..HrFiles::default() }).await;
        let account = json!({"account": {"home_page": "https://l.example.org", "name": "17"}});
        for (nth, day) in ["2015-01-01", "2026-02-28", "2026-03-01", "2026-05-31", "2026-06-01"].into_iter().enumerate() {
            complete(&app, &secret, &format!("account {nth}"), account.clone(), &format!("{day}T10:00:00Z")).await;
        }
        for (nth, day) in ["2026-02-28", "2026-04-30", "2026-05-01"].into_iter().enumerate() {
            let vikarie = json!({"username": "Vikarie"});
            complete(&app, &secret, &format!("user {nth}"), vikarie, &format!("{day}T10:00:00Z")).await;
        }
        assert_eq!(owners(&app).await, [
            "account 0 1001", "account 1 1001", "account 2 1002", "account 3 1002", "account 4 unknown",
            "user 0 unknown", "user 1 1001", "user 2 1002",
        ]);
        // Corrected days replace the wrong ones.
        let corrected = format!("{header}1002,larportal,account,17,https://l.example.org,2026-03-01,2026-06-30\n");
        on(&app, "2026-07-10");
        app.import(HrFiles { identities: &corrected, ..HrFiles::default() }).await;
        assert!(owners(&app).await.contains(&"account 4 1002".to_owned()));
        let plan = app.import(HrFiles { identities: &corrected, ..HrFiles::default() }).await;
        assert!(plan.is_empty(), "the same again changes nothing");
    }

    async fn identities_with_contradictory_days_are_refused_by_row(database: TestDatabase) {
        let (app, _) = city_on(&database, "2026-06-10").await;
        import_rows(&app, &[&row("1001", "", "2020-01-01", ""), &row("1002", "", "2020-01-01", "")]).await;
        let header = "employee_number,platform,key,value,home_page,valid_from,valid_to\n";
        let refused = async |rows: &str| {
            let identities = format!("{header}{rows}");
            let files = HrFiles { identities: &identities, ..HrFiles::default() };
            let refused = app.try_import(files, Extent::Partial).await.expect_err("refused");
            let ImportError::Problems(problems) = refused else { panic!("{refused:?}") };
            problems.listed().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let both = "1001,larportal,username,x,,2026-01-01,2026-06-30\n1002,larportal,username,X,,2026-06-30,\n";
        assert_eq!(
            refused(both).await,
            "identities, line 3, column valid_from: \"2026-06-30\" gives days that line 2 gives to another employee as \
             well; end one before the other begins"
        );
        let first = format!("{header}1001,larportal,username,x,,2026-01-01,2026-06-30\n");
        app.import(HrFiles { identities: &first, ..HrFiles::default() }).await;
        assert_eq!(
            refused("1002,larportal,username,x,,,2026-03-01\n").await,
            "identities, line 2, column valid_to: \"2026-03-01\" gives days that what is known gives to another \
             employee as well; end one before the other begins"
        );
        // A full file removes what it lacks.
        let instead = format!("{header}1002,larportal,username,x,,,2026-03-01\n");
        app.import_full(HrFiles { identities: &instead, ..HrFiles::default() }).await;
    }

    async fn identities_from_an_identity_provider_have_days_as_well(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2024-01-10").await;
        let scim = [("content-type", "application/scim+json")];
        let mut anna = crate::scim::users::user("2001", "Anna", "Svensson", "SEF");
        anna["userName"] = json!("anna.svensson@example.org");
        anna["emails"] = json!([{"value": "anna.svensson@example.org", "primary": true}]);
        let made = app.scim("POST /scim/v2/Users", &scim, Some(&anna)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        on(&app, "2025-06-01");
        let path = format!("PATCH /scim/v2/Users/{}", made.json()["id"].as_str().expect("an id"));
        let renamed = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
            {"op": "replace", "path": "emails[primary eq true].value", "value": "anna.ek@example.org"},
            {"op": "replace", "path": "userName", "value": "anna.ek@example.org"},
        ]});
        assert_eq!(app.scim(&path, &scim, Some(&renamed)).await.status, 200);
        on(&app, "2026-03-01");
        let mut new = crate::scim::users::user("2002", "Anna", "Svensson", "SEF");
        new["userName"] = json!("anna.svensson@example.org");
        new["emails"] = json!([{"value": "anna.svensson@example.org", "primary": true}]);
        assert_eq!(app.scim("POST /scim/v2/Users", &scim, Some(&new)).await.status, 201);
        for (id, day) in [("late", "2025-09-01"), ("now", "2026-03-02")] {
            done(&app, &secret, id, "anna.svensson@example.org", day).await;
        }
        assert_eq!(owners(&app).await, ["late 2001", "now 2002"]);
    }

    async fn a_merged_duplicate_has_the_identities_of_both_numbers(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2024-01-10").await;
        import_rows(&app, &[&row("1001", "anna@example.org", "2020-01-01", "")]).await;
        on(&app, "2026-03-01");
        // Hired again under another number; then a colleague gets the address.
        import_rows(&app, &[&row("1009", "anna@example.org", "2020-01-01", "")]).await;
        done(&app, &secret, "both", "anna@example.org", "2026-03-02").await;
        assert_eq!(owners(&app).await, ["both ambiguous"]);
        let admin = app.token(Role::Admin, &[]).await;
        let merge = json!({"duplicate": "1009", "reason": "hired twice"});
        let merged = app.post("/api/v1/employees/1001/merge", Some(&admin), &merge).await.ok();
        assert_eq!(owners(&app).await, ["both 1001"]);
        on(&app, "2026-04-01");
        import_rows(&app, &[
            &row("1001", "", "2020-01-01", "2026-03-31"),
            &row("1009", "", "2020-01-01", "2026-03-31"),
            &row("1002", "anna@example.org", "2026-04-01", ""),
        ]).await;
        done(&app, &secret, "late", "anna@example.org", "2026-03-20").await;
        done(&app, &secret, "now", "anna@example.org", "2026-04-01").await;
        assert_eq!(owners(&app).await, ["both 1001", "late 1001", "now 1002"]);
        let admin = app.token(Role::Admin, &[]).await;
        let undo = format!("/api/v1/merges/{}/undo", merged["merge"]["id"]);
        app.post(&undo, Some(&admin), &json!({"reason": "two after all"})).await.ok();
        assert_eq!(owners(&app).await, ["both ambiguous", "late ambiguous", "now 1002"]);
    }

    async fn no_weaker_key_links_against_a_number_of_another_employee_on_any_day(database: TestDatabase) {
        let (app, _) = city_on(&database, "2024-01-10").await;
        let secret = app.platform_linking_by("mail", &[LinkingKey::Email]).await;
        import_rows(&app, &[&row("1001", "anna@example.org", "2020-01-01", "2025-12-31")]).await;
        on(&app, "2026-03-01");
        import_rows(&app, &[&row("1002", "anna@example.org", "2026-03-01", "")]).await;
        on(&app, "2026-03-05");
        for (id, number, day) in [
            ("a then", "1001", "2024-05-01"), ("a now", "1001", "2026-03-02"),
            ("b then", "1002", "2024-05-02"), ("b now", "1002", "2026-03-03"),
        ] {
            let learner = json!({"employee_number": number, "email": "anna@example.org"});
            let done = completed(learner, "infosec-basics-2023", &format!("{day}T10:00:00Z"));
            app.deliver("mail", &secret, id, &done).await.ok();
        }
        assert_eq!(owners(&app).await, ["a now contradicted", "a then 1001", "b now 1002", "b then contradicted"]);
    }

    async fn a_link_by_hand_is_for_days_and_moves_results_only_on_request(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2026-01-10").await;
        import_rows(&app, &[
            &row("1001", "kok@example.org", "2020-01-01", ""),
            &row("1002", "kok@example.org", "2026-01-10", ""),
            &row("1003", "", "2026-01-10", ""),
        ]).await;
        done(&app, &secret, "hers", "kok@example.org", "2025-12-01").await;
        on(&app, "2026-02-26");
        done(&app, &secret, "waits", "kok@example.org", "2026-02-01").await;
        done(&app, &secret, "waits too", "kok@example.org", "2026-02-10").await;
        assert_eq!(owners(&app).await, ["hers 1001", "waits ambiguous", "waits too ambiguous"]);
        let city = app.token(Role::City, &[]).await;
        let link = |more: Value| {
            let mut body = json!({"platform": "larportal", "key": "email", "value": "kok@example.org",
                                  "employee_number": "1002", "reason": "asked"});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            body
        };
        let send = async |more: Value| app.post("/api/v1/links", Some(&city), &link(more)).await;

        // The dry run says what it would move, and changes nothing.
        let tried = send(json!({"dry_run": true, "from": null})).await.ok();
        assert_eq!((&tried["id"], &tried["dry_run"]), (&Value::Null, &json!(true)));
        let moves: Vec<String> = tried["moves"].as_array().expect("moves").iter().map(|person| {
            let statuses = person["statuses"].as_array().expect("statuses").iter();
            let statuses: Vec<String> =
                statuses.map(|s| format!("{} → {}", s["before"], s["now"]).replace('"', "")).collect();
            let results = person["results"].as_array().expect("results").iter();
            let results: Vec<&str> = results.map(|result| result["event_id"].as_str().expect("an id")).collect();
            format!("{} +{} -{} {results:?} {statuses:?}", person["employee_number"], person["gains"], person["loses"])
                .replace('"', "")
        }).collect();
        assert_eq!(moves, [
            "1001 +0 -1 [hers] [compliant → pending]",
            "1002 +3 -0 [hers, waits, waits too] [overdue → compliant]",
        ]);
        let refused = send(json!({"from": null})).await;
        assert_eq!(
            refused.problem(409),
            "this would take 1 result of 1001 (infosec-onboarding: compliant → pending) away; look at moves, and send the \
             same with move_results: true if it shall be so"
        );
        assert_eq!(refused.json()["moves"], tried["moves"]);
        assert_eq!(app.rows_in("link_decision").await, 0);
        assert_eq!(owners(&app).await, ["hers 1001", "waits ambiguous", "waits too ambiguous"]);

        // Without days it covers the days of the waiting results, and moves none of hers.
        let made = send(json!({})).await.ok();
        assert_eq!((&made["from"], &made["to"]), (&json!("2026-02-01"), &json!("2026-02-10")));
        assert_eq!(made["moves"].as_array().map(Vec::len), Some(1), "{made}");
        done(&app, &secret, "same days", "kok@example.org", "2026-02-05").await;
        done(&app, &secret, "other day", "kok@example.org", "2026-02-11").await;
        assert_eq!(owners(&app).await, [
            "hers 1001", "other day ambiguous", "same days 1002", "waits 1002", "waits too 1002",
        ]);
        // On other days it may be another employee's; the newer link takes precedence.
        let third = send(json!({"from": "2026-02-11", "to": null, "employee_number": "1003"})).await.ok();
        send(json!({"from": "2026-02-05", "to": "2026-02-05", "employee_number": "1003"})).await.problem(409);
        let newer = json!({"from": "2026-02-05", "to": "2026-02-05", "employee_number": "1003", "move_results": true});
        let newer = send(newer).await.ok();
        assert_eq!(owners(&app).await, [
            "hers 1001", "other day 1003", "same days 1003", "waits 1002", "waits too 1002",
        ]);
        // After the undo, the previous link applies again; a dry run shows that first.
        let undo = |link: &Value, query: &str| format!("/api/v1/links/{}/undo{query}", link["id"]);
        let tried = app.post(&undo(&newer, "?dry_run=true"), Some(&city), &json!({})).await.ok();
        assert_eq!(tried["moves"].as_array().map(Vec::len), Some(2), "{tried}");
        assert_eq!(owners(&app).await[2], "same days 1003");
        app.post(&undo(&newer, ""), Some(&city), &json!({})).await.ok();
        app.post(&undo(&third, ""), Some(&city), &json!({})).await.ok();
        assert_eq!(owners(&app).await, [
            "hers 1001", "other day ambiguous", "same days 1002", "waits 1002", "waits too 1002",
        ]);
        // One for every day replaces them all.
        send(json!({"from": null, "to": null, "move_results": true})).await.ok();
        app.post(&undo(&made, ""), Some(&city), &json!({})).await.problem(404);
    }

    async fn invalid_days_are_refused(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2026-01-10").await;
        import_rows(&app, &[&row("1001", "anna@example.org", "2020-01-01", ""), &row("1002", "", "2020-01-01", "")]).await;
        done(&app, &secret, "hers", "anna@example.org", "2025-12-01").await;
        let city = app.token(Role::City, &[]).await;
        let send = async |from: Value, to: Value| {
            let mut body = json!({"platform": "larportal", "key": "email", "value": "anna@example.org",
                                  "employee_number": "1002", "reason": "asked"});
            if from != json!("absent") {
                body["from"] = from;
                body["to"] = to;
            }
            app.post("/api/v1/links", Some(&city), &body).await
        };
        assert_eq!(send(json!("2026-02-30"), Value::Null).await.problem(422), "from is not a day such as 2026-02-26");
        let turned = send(json!("2026-02-02"), json!("2026-02-01")).await;
        assert_eq!(turned.problem(422), "to is before from; the last day cannot come before the first");
        assert_eq!(turned.json()["pointer"], "/to");
        assert_eq!(
            send(json!("absent"), Value::Null).await.problem(422),
            "no results of this identity wait, so that their days are none; say from and to (null: without an end)"
        );
    }

    async fn a_dismissal_has_days_if_the_key_belongs_to_an_employee(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2026-01-10").await;
        import_rows(&app, &[
            &row("1001", "kok@example.org", "2020-01-01", ""),
            &row("1002", "kok@example.org", "2026-01-10", ""),
        ]).await;
        on(&app, "2026-02-26");
        done(&app, &secret, "hers", "kok@example.org", "2025-12-01").await;
        done(&app, &secret, "test", "kok@example.org", "2026-02-01").await;
        let city = app.token(Role::City, &[]).await;
        let dismiss = json!({"platform": "larportal", "key": "email", "value": "kok@example.org",
                             "employee_number": null, "reason": "a test"});
        let made = app.post("/api/v1/links", Some(&city), &dismiss).await.ok();
        assert_eq!((&made["from"], &made["to"]), (&json!("2026-02-01"), &json!("2026-02-01")));
        done(&app, &secret, "next", "kok@example.org", "2026-02-02").await;
        assert_eq!(owners(&app).await, ["hers 1001", "next ambiguous", "test dismissed"]);
        let halves = async |dismissed: bool| {
            let path = format!("/api/v1/unlinked?dismissed={dismissed}");
            app.get_as_city(&path).await.ok()["items"].as_array().expect("items").iter().map(|item| item["results"].clone()).collect::<Vec<_>>()
        };
        assert_eq!((halves(false).await, halves(true).await), (vec![json!(1)], vec![json!(1)]));
        let known = report(&app, "").await;
        let quality = &known["data_quality"];
        assert_eq!((&quality["unlinked_results"], &quality["dismissed_results"]), (&json!(1), &json!(1)));
        let known_at = known["known_at"].as_str().expect("an instant");
        assert_eq!(report(&app, &format!("&known_at={known_at}")).await, known);
    }

    async fn bulk_links_report_what_they_move_as_well(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2026-01-10").await;
        import_rows(&app, &[&row("1001", "anna@example.org", "2020-01-01", ""), &row("1002", "", "2020-01-01", "")]).await;
        done(&app, &secret, "hers", "anna@example.org", "2025-12-01").await;
        done(&app, &secret, "waits", "x@example.org", "2025-12-01").await;
        let city = app.token(Role::City, &[]).await;
        let link = |value: &str, more: Value| {
            let mut operation = json!({"op": "link", "platform": "larportal", "key": "email", "value": value,
                                       "employee_number": "1002", "reason": "asked"});
            operation.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            operation
        };
        let operations = [link("anna@example.org", json!({"from": null})), link("x@example.org", json!({}))];
        let bulk = async |operations: &[Value], all: bool, dry_run: bool| {
            let body = json!({"all_or_nothing": all, "dry_run": dry_run, "operations": operations});
            app.post("/api/v1/links/bulk", Some(&city), &body).await
        };
        let tried = bulk(&operations, true, true).await.ok();
        assert_eq!((&tried["done"], &tried["dry_run"]), (&json!(2), &json!(true)));
        assert_eq!(tried["operations"][0]["link"]["moves"][0]["loses"], 1, "{tried}");
        assert_eq!(app.rows_in("link_decision").await, 0);
        bulk(&operations, true, false).await.problem(422);
        let some = bulk(&operations, false, false).await.ok();
        assert_eq!((&some["done"], &some["operations"][0]["outcome"]), (&json!(1), &json!("refused")));
        assert_eq!(some["operations"][0]["moves"][0]["employee_number"], "1001", "{some}");
        assert_eq!(owners(&app).await, ["hers 1001", "waits 1002"]);
        bulk(&[link("anna@example.org", json!({"from": null, "move_results": true}))], true, false).await.ok();
        assert_eq!(owners(&app).await, ["hers 1002", "waits 1002"]);
    }

    async fn the_same_result_under_another_key_is_a_duplicate(database: TestDatabase) {
        let (app, secret) = city_on(&database, "2026-01-10").await;
        import_rows(&app, &[&row("1001", "anna@example.org", "2020-01-01", ""), &row("1002", "bo@example.org", "2020-01-01", "")]).await;
        let send = async |id: &str, learner: Value, at: &str| {
            let body = completed(learner, "infosec-basics-2023", at);
            app.deliver("larportal", &secret, id, &body).await.ok()["outcome"].as_str().expect("a word").to_owned()
        };
        let at = "2026-01-09T10:00:00Z";
        let (email, number) = (json!({"email": "anna@example.org"}), json!({"employee_number": "1001"}));
        assert_eq!(send("by-email", email.clone(), at).await, "accepted");
        assert_eq!(send("by-number", number.clone(), at).await, "duplicate");
        assert_eq!(send("by-both", json!({"employee_number": "1001", "email": "anna@example.org"}), at).await, "duplicate");
        assert_eq!(send("another instant", number.clone(), "2026-01-09T10:00:01Z").await, "accepted");
        assert_eq!(send("another person", json!({"email": "bo@example.org"}), at).await, "accepted");
        // By learners who are known now.
        assert_eq!(send("by-email-again", email.clone(), "2026-01-09T10:00:01Z").await, "duplicate");
        let anna = app.get_as_city("/api/v1/employees/1001").await.ok();
        assert_eq!(anna["requirements"][0]["status"], "compliant");
        // In one request, or in a file, as well.
        assert_eq!(owners(&app).await.len(), 6);
        // When the link changes afterwards, each counts for its owner.
        let city = app.token(Role::City, &[]).await;
        let link = json!({"platform": "larportal", "key": "email", "value": "anna@example.org", "employee_number": "1002",
                          "reason": "asked", "from": null, "move_results": true});
        app.post("/api/v1/links", Some(&city), &link).await.ok();
        let moved = owners(&app).await;
        assert!(moved.contains(&"by-email 1002".to_owned()) && moved.contains(&"by-number 1001".to_owned()), "{moved:?}");
        let anna = app.get_as_city("/api/v1/employees/1001").await.ok();
        assert_eq!(anna["requirements"][0]["status"], "compliant", "{anna}");
    }
}
