//! The chain of digests: any change past the service is found and named, and nothing else is.
//!
//! The changes are made from the list of what is covered and from the schema: a new table or column is included by itself.

mod bending;
mod damage;

use std::collections::BTreeSet;

use kurskoll::app::Caller;
use kurskoll::app::operating::verify::{KnownHead, Part, Verified, VerifyRequest};
use kurskoll::store::chain::coverage::TABLES;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};

pub async fn texts(connection: &impl ConnectionTrait, sql: &str) -> Vec<String> {
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.try_get_by_index::<Option<String>>(0).expect("a text").unwrap_or_default()).collect()
}

/// Every column of the schema, as `table.column`.
async fn schema(connection: &impl ConnectionTrait) -> BTreeSet<String> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT table_name::text || '.' || column_name::text FROM information_schema.columns WHERE table_schema = 'public'"
        }
        _ => {
            "SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        }
    };
    texts(connection, sql).await.into_iter().collect()
}

async fn verify(app: &TestApp, request: VerifyRequest) -> Verified {
    app.app.verify_some(&Caller::operator(), request, |_| {}).await.expect("verified")
}

both_databases! {
    async fn every_table_and_column_of_the_schema_is_on_the_list(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let schema = schema(app.app.store.connection(kurskoll::store::Unscoped::Operating)).await;
        let mut listed = BTreeSet::new();
        for table in TABLES {
            if table.uncovered.is_some() {
                let prefix = format!("{}.", table.name);
                listed.extend(schema.iter().filter(|column| column.starts_with(&prefix)).cloned());
            }
            listed.extend(table.named_columns().iter().map(|column| format!("{}.{column}", table.name)));
        }
        let unlisted: Vec<&String> = schema.difference(&listed).collect();
        let gone: Vec<&String> = listed.difference(&schema).collect();
        assert!(unlisted.is_empty(), "add these to TABLES in src/store/chain/coverage.rs, which says how: {unlisted:?}");
        assert!(gone.is_empty(), "TABLES in src/store/chain/coverage.rs names what the schema lacks: {gone:?}");
    }

    async fn a_changed_score_is_found_though_a_result_waits(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let anna = json!({"employee_number": "1001"});
        app.deliver("larportal", &secret, "e-1", &completed(anna.clone(), "infosec-basics", "2026-02-01T10:00:00+01:00")).await.ok();
        app.deliver("larportal", &secret, "e-2", &graded(anna, "infosec-basics-quiz", 1, "10", "2026-02-02T10:00:00+01:00")).await.ok();
        app.refresh().await;
        assert_eq!(app.differences().await, [""; 0]);
        for is_sealed_before in [true, false] {
            if !is_sealed_before {
                // Also if nothing had been sealed: the delivery's bytes still contain the original.
                app.tamper("DELETE FROM chain_leaf").await;
                app.tamper("DELETE FROM chain_link").await;
            }
            app.tamper("UPDATE event SET score_points = '20' WHERE event_id = 'e-2'").await;
            app.tamper("INSERT INTO stale (employee_id) SELECT id FROM employee WHERE number = '1001'").await;
            assert_eq!(app.export_row("SEF", "1001").await["status"], "compliant");
            let reported = app.differences().await.join("\n");
            assert!(reported.contains("event e-2: score_points should be 10 as its delivery "), "{reported}");
            assert!(reported.contains("says, and is 20"), "{reported}");
            app.tamper("UPDATE event SET score_points = '10' WHERE event_id = 'e-2'").await;
            app.tamper("INSERT INTO stale (employee_id) SELECT id FROM employee WHERE number = '1001'").await;
        }
    }

    async fn a_clock_that_was_set_back_is_named(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        assert_eq!(app.differences().await, [""; 0]);
        app.tamper("UPDATE transaction_clock SET at = at - 3600000000").await;
        let reported = app.differences().await.join("\n");
        assert!(reported.contains("transaction_clock: at should be 2026-02-26T12:00:00") && reported.contains("and is 2026-02-26T11:00:00"), "{reported}");
        app.tamper("UPDATE transaction_clock SET at = at + 3600000000, next_id = 1").await;
        let reported = app.differences().await.join("\n");
        assert!(reported.contains("transaction_clock: next_id should be ") || reported.is_empty(), "{reported}");
    }

    async fn a_chain_that_was_rebuilt_is_noticed_with_a_recorded_head(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let head = verify(&app, VerifyRequest::default()).await.head.expect("a head");
        let known: KnownHead = head.to_string().parse().expect("a head");
        let with_head = VerifyRequest { head: Some(known), ..VerifyRequest::default() };
        app.clock.advance(chrono::Duration::hours(1));
        app.apply(&crate::support::small_city::REQUIREMENT.replace("new_hire_days = 30", "new_hire_days = 31")).await;
        assert_eq!(verify(&app, with_head).await.differences, [""; 0]);
        // Someone with write access to the database changes a fact and lets the service rebuild the chain.
        app.tamper("DELETE FROM chain_leaf").await;
        app.tamper("DELETE FROM chain_link").await;
        app.tamper("UPDATE employment_fact SET starts_on = '2026-02-11' WHERE starts_on = '2026-02-10'").await;
        app.tamper("INSERT INTO stale (employee_id) SELECT id FROM employee").await;
        assert_eq!(verify(&app, VerifyRequest::default()).await.differences, [""; 0]);
        let reported = verify(&app, with_head).await.differences.join("\n");
        assert!(reported.contains("no link of the chain ends at ") || reported.contains("the chain was made anew"), "{reported}");
    }

    async fn each_night_checks_a_part_and_all_nights_check_everything(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        for id in 1..=3 {
            let learner = json!({"employee_number": format!("100{id}")});
            app.deliver("larportal", &secret, &format!("e-{id}"), &completed(learner, "infosec-basics", "2026-02-01T10:00:00+01:00")).await.ok();
        }
        let whole = verify(&app, VerifyRequest::default()).await;
        assert_eq!(whole.differences, [""; 0]);
        let (mut deliveries, mut events, mut employees) = (0, 0, 0);
        for number in 1..=7 {
            let part = verify(&app, VerifyRequest { part: Part { number, of: 7 }, head: None }).await;
            assert_eq!(part.differences, [""; 0], "{number}");
            // The newest links are checked every night.
            assert_eq!(part.rows, whole.rows, "{number}");
            deliveries += part.deliveries;
            events += part.events;
            employees += part.employees;
        }
        assert_eq!((deliveries, events, employees), (whole.deliveries, whole.events, whole.employees));
    }

    async fn two_processes_seal_one_chain(database: TestDatabase) {
        let (one, other) = (TestApp::start(&database).await, TestApp::start(&database).await);
        small_city(&one).await;
        let secret = one.platform("larportal").await;
        for round in 0..5 {
            let body = completed(json!({"employee_number": "1001"}), &format!("course-{round}"), "2026-02-01T10:00:00+01:00");
            other.deliver("larportal", &secret, &format!("e-{round}"), &body).await.ok();
            let (first, second) = tokio::join!(one.app.seal_all(), other.app.seal_all());
            assert_eq!(first.expect("sealed"), second.expect("sealed"));
        }
        assert_eq!(one.differences().await, [""; 0]);
        assert_eq!(other.differences().await, [""; 0]);
    }
}
