//! Changes one thing after another in a register that the service itself made; each change must be found.

use kurskoll::app::Caller;
use kurskoll::app::directory::import::ImportRequest;
use kurskoll::app::platforms::pull::{NewPull, NewSource};
use kurskoll::domain::access::Role;
use kurskoll::domain::directory::plan::Allowed;
use kurskoll::domain::directory::plan::Extent;
use kurskoll::domain::ids::PlatformCode;
use kurskoll::domain::pulling::LOOK_BACK;
use kurskoll::intake::xapi::Version;
use kurskoll::store::chain::coverage::TABLES;
use kurskoll::store::chain::table::{Table, name_of};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend};
use serde_json::{Value, json};

use super::texts;
use crate::directory::imports::import_employments;
use crate::platforms::profiles::{HMAC, add, give, send_signed};
use crate::scim::users::{create, patch, patch_of, user};
use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{EMPLOYMENTS, completed, graded};
use crate::support::xapi::{account, course_completed};
use crate::xapi::{attachments, city_with_moodle, cmi5};

const TYPO: &str = r#"{"type": "course.completed", "timestamp": "2026-02-01T10:00:00Z",
                       "data": {"learner": {"employee_number": "1001"}, "cuorse": {"id": "infosec-basics"}}}"#;

async fn post(app: &TestApp, path: &str, body: Value) -> Answer {
    let admin = app.token(Role::Admin, &[]).await;
    app.post(&format!("/api/v1/{path}"), Some(&admin), &body).await
}

/// A register with rows in every table of facts; of each kind that can end, one has ended.
pub async fn register_with_everything(app: &TestApp) {
    let sender = city_with_moodle(app).await;
    app.apply(crate::support::small_city::REQUIREMENT).await;
    app.clock.advance(chrono::Duration::minutes(1));
    results_of_every_way(app, &sender).await;
    let code = |code: &str| PlatformCode::parse(code).expect("a code");
    let source = NewSource::Xapi {
        address: "https://lrs.example.org/xapi".to_owned(),
        key: "key".to_owned(),
        secret: "secret".to_owned(),
        version: Version::V1_0_3,
        look_back: LOOK_BACK,
    };
    let pull = NewPull { source, every: chrono::Duration::hours(1), since: None };
    app.app.set_pull(&Caller::operator(), &code("moodle"), &pull).await.expect("a pull");
    app.app.rotate_secret(&Caller::operator(), &code("larportal")).await.expect("another secret");
    directory_of_every_way(app).await;
    // Last: the running service reloads its keys, but this one does not.
    app.app.rotate_key(&Caller::operator(), false).await.expect("another key");
    app.refresh().await;
    app.app.seal_all().await.expect("sealed");
}

async fn results_of_every_way(app: &TestApp, sender: &crate::support::xapi::XapiSender) {
    let secret = app.platform("larportal").await;
    let anna = json!({"employee_number": "1001"});
    let at = "2026-02-02T10:00:00+01:00";
    app.deliver("larportal", &secret, "e-1", &completed(anna.clone(), "infosec-basics-2023", at)).await.ok();
    app.deliver("larportal", &secret, "e-2", &graded(anna.clone(), "infosec-basics-quiz", 1, "12", at)).await.ok();
    app.deliver("larportal", &secret, "e-3", &completed(json!({"username": "x"}), "infosec-basics", at)).await.ok();
    let revoked = json!({"type": "completion.revoked", "timestamp": at,
        "data": {"learner": anna, "course": {"id": "infosec-basics-2023"}, "event_id": "e-1", "reason": "cheated"}});
    app.deliver("larportal", &secret, "e-4", &revoked).await.ok();
    app.deliver("larportal", &secret, "e-5", &json!({"type": "course.viewed", "timestamp": at, "data": {}})).await.ok();
    app.deliver_bytes("larportal", &secret, "t-1", TYPO.as_bytes()).await.refused(422);
    let ahead = completed(json!({"employee_number": "1002"}), "infosec-basics-2023", "2026-03-01T13:00:00Z");
    app.deliver("larportal", &secret, "f-1", &ahead).await.refused(422);
    let waiting = app.get_as_auditor("/api/v1/quarantine").await.ok();
    let ids: Vec<Value> = waiting["items"].as_array().expect("items").iter().map(|item| item["id"].clone()).collect();
    post(app, "quarantine/dismiss", json!({"ids": [ids[0]], "reason": "seen"})).await.ok();
    post(app, &format!("quarantine/{}/undo-dismissal", ids[0]), json!({"reason": "not yet"})).await.ok();
    app.clock.advance(chrono::Duration::days(4));
    app.app
        .replay(&Caller::operator(), ids.iter().filter_map(Value::as_i64).max().expect("an id"))
        .await
        .expect("read again");
    let withdrawn = json!({"event_id": "e-2", "decision": "withdraw", "reason": "cheated"});
    post(app, "results/decisions", withdrawn).await.ok();
    let restored = json!({"event_id": "e-2", "decision": "restore", "reason": "did not"});
    post(app, "results/decisions", restored).await.ok();
    let own = add(app, "annan", "profile", Some(HMAC)).await;
    let reported = json!({"event": "graded", "user": {"email": "bo@example.org"}, "quiz": "infosec-basics-quiz", "score": "18", "at": "2026-02-12T10:00:00Z"});
    send_signed(app, "annan", &own, &reported).await.ok();
    give(app, "annan", &HMAC.replace("constant = \"20\"", "constant = \"25\"")).await;
    post(app, "platforms/annan/reread", json!({})).await.ok();
    let history = "event_id;type;employee_number;email;username;course_id;quiz_id;occurred_at;score_raw;score_max;passed\n\
        h-1;course.completed;1001;;;infosec-basics-2023;;2026-01-20 23:30;;;\n";
    let admin = app.token(Role::Admin, &[]).await;
    let request = app.client.post(format!("{}/api/v1/platforms/larportal/results", app.address));
    let request = request.bearer_auth(admin).header("content-type", "text/csv; charset=utf-8").body(history);
    Answer::to(request).await.expect("an answer").ok();
    app.send_statements(sender, &course_completed(account("17"), "2026-02-01T10:00:00.000Z")).await;
    let batch =
        json!([course_completed(account("17"), "2026-02-04T10:00:00Z"), course_completed(account("18"), "soon")]);
    app.xapi(sender, "POST /statements", Some(&batch)).await.refused(400);
    let refused = app.app.quarantined(&Caller::operator()).await.expect("a list");
    let refused = refused.last().expect("the batch");
    post(app, &format!("quarantine/{refused}/take"), json!({})).await.ok();
    let content = b"diploma";
    attachments::send(app, sender, &attachments::with_content(content).to_string(), &[content]).await.ok();
    app.send_statements(sender, &cmi5::satisfied("17", "0e1f7d1e-51f5-4b29-9a2e-0c1f0f6f5a11")).await;
    app.send_statements(sender, &cmi5::satisfied("18", "0e1f7d1e-51f5-4b29-9a2e-0c1f0f6f5a12")).await;
    app.send_statements(sender, &cmi5::done("18", "passed", "0e1f7d1e-51f5-4b29-9a2e-0c1f0f6f5a12")).await;
}

/// A provider's group from which a member was removed, and a user who waits.
async fn groups_of_every_way(app: &TestApp) {
    let waits =
        create(app, &json!({"userName": "maja", "emails": [{"value": "maja@example.org", "type": "work"}]})).await;
    let group = json!({"displayName": "IT", "externalId": "it", "members": [{"value": waits["id"]}]});
    assert_eq!(app.scim("POST /scim/v2/Groups", &[], Some(&group)).await.status, 201);
    let leave = patch_of("remove", "members", Value::Null);
    assert_eq!(app.scim("PATCH /scim/v2/Groups/group-1", &[], Some(&leave)).await.status, 204);
    let join = patch_of("add", "members", json!([{"value": waits["id"]}]));
    assert_eq!(app.scim("PATCH /scim/v2/Groups/group-1", &[], Some(&join)).await.status, 204);
}

async fn directory_of_every_way(app: &TestApp) {
    let moved = EMPLOYMENTS.replace("Måltid", "Kök").replace("Bo,Öberg,bo@example.org", "Bo,Berg,bo.berg@example.org");
    let absences = |last: &str| format!("employee_number,starts_on,ends_on\n1003,2026-02-01,{last}\n");
    let exempt = |last: &str| {
        format!(
            "employee_number,requirement,starts_on,ends_on,reason\n1004,infosec-onboarding,2026-01-05,{last},field\n"
        )
    };
    for last in ["2026-02-10", "2026-02-11"] {
        let (absences, exemptions) = (absences(last), exempt(last));
        app.import(HrFiles { employments: &moved, absences: &absences, exemptions: &exemptions, ..HrFiles::default() })
            .await;
    }
    let renamed = "code,name,board\nSEF,Service,Servicenämnden\n";
    app.import(HrFiles { administrations: renamed, ..HrFiles::default() }).await;
    let last = moved.replace("Lokalvård", "Kök");
    let request = ImportRequest { extent: Extent::Partial, dry_run: false, allowed: Allowed::everything() };
    import_employments(app, &last, request).await;
    let correction = json!({"reason": "reported late", "absences": [{"act": "add", "starts_on": "2026-01-07", "ends_on": "2026-01-09"}]});
    post(app, "employees/1002/corrections", correction).await.ok();
    groups_of_every_way(app).await;
    let link =
        json!({"platform": "larportal", "key": "username", "value": "x", "employee_number": "1002", "reason": "asked"});
    let made = post(app, "links", link).await.ok();
    post(app, &format!("links/{}/undo", made["id"]), json!({})).await.ok();
    post(app, "employees/1003/merge", json!({"duplicate": "1004", "reason": "hired twice"})).await.ok();
    let merges = app.get("/api/v1/merges", Some(&app.token(Role::Admin, &[]).await)).await.ok();
    post(app, &format!("merges/{}/undo", merges["items"][0]["id"]), json!({"reason": "two after all"})).await.ok();
    let exemption = json!({"employee_number": "1003", "requirement": "infosec-onboarding", "starts_on": "2026-01-05",
                           "ends_on": "2026-03-31", "reason": "works in the field"});
    let made = post(app, "exemptions", exemption).await.ok();
    post(app, &format!("exemptions/{}/withdraw", made["id"]), json!({"reason": "back indoors"})).await.ok();
    let prior = json!({"employee_number": "1003", "course": "infosec-basics-2023", "completed_on": "2026-01-12", "reason": "seen"});
    post(app, "prior-training", prior).await.ok();
    let opens = json!({"on_day": "2026-04-01", "reason": "decided", "opens": [{"code": "NY", "name": "Nya"}],
                       "moves": [{"from": "FGK", "to": "NY"}]});
    let made = post(app, "reorganisations", opens).await.ok();
    post(app, &format!("reorganisations/{}/undo", made["id"]), json!({"reason": "postponed"})).await.ok();
    let made = create(app, &user("1005", "Eva", "Ek", "SEF")).await;
    let deactivated = patch(app, &made["id"], &patch_of("replace", "active", json!(false))).await;
    assert_eq!(deactivated.status, 200, "{}", deactivated.body);
}

/// A connection without constraints.
struct Bender {
    connection: DatabaseConnection,
    is_postgres: bool,
}

impl Bender {
    async fn on(database: &TestDatabase) -> Self {
        let mut options = ConnectOptions::new(&database.url);
        options.max_connections(1).sqlx_logging(false);
        let connection = Database::connect(options).await.expect("the database is there");
        let is_postgres = connection.get_database_backend() == DbBackend::Postgres;
        let bender = Self { connection, is_postgres };
        if is_postgres {
            let constraints = "SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || quote_ident(conname)
                               FROM pg_constraint WHERE contype IN ('f', 'c') AND connamespace = 'public'::regnamespace";
            for drop in texts(&bender.connection, constraints).await {
                bender.run(&drop).await.expect("a constraint less");
            }
            let nullable = "SELECT 'ALTER TABLE ' || table_name || ' ALTER COLUMN ' || column_name || ' DROP NOT NULL'
                            FROM information_schema.columns c WHERE table_schema = 'public' AND is_nullable = 'NO'
                            AND NOT EXISTS (SELECT 1 FROM information_schema.key_column_usage k
                                            WHERE k.table_name = c.table_name AND k.column_name = c.column_name)";
            for loosen in texts(&bender.connection, nullable).await {
                bender.run(&loosen).await.expect("a column that may be empty");
            }
        } else {
            for pragma in ["PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON"] {
                bender.run(pragma).await.expect("a pragma");
            }
        }
        bender
    }

    /// How many rows a statement changed; `None` if the database refused it.
    async fn run(&self, sql: &str) -> Option<u64> {
        self.connection.execute_unprepared(sql).await.ok().map(|done| done.rows_affected())
    }

    async fn save(&self, table: &str) {
        self.run(&format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}")).await.expect("a copy");
    }

    async fn restore(&self, table: &str) {
        self.run(&format!("DELETE FROM {table}")).await.expect("emptied");
        self.run(&format!("INSERT INTO {table} SELECT * FROM saved_{table}")).await.expect("as it was");
    }

    /// The columns of a table with their types.
    async fn columns(&self, table: &str) -> Vec<(String, String)> {
        let sql = if self.is_postgres {
            format!(
                "SELECT column_name || ' ' || data_type FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name || ' ' || lower(type) FROM pragma_table_info('{table}') ORDER BY cid")
        };
        let columns = texts(&self.connection, &sql).await;
        columns
            .iter()
            .filter_map(|column| column.split_once(' '))
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
            .collect()
    }

    /// An expression for a value other than the column's.
    fn another(&self, column: &str, kind: &str) -> String {
        match kind {
            "boolean" => format!("NOT COALESCE({column}, (1 = 0))"),
            "date" if self.is_postgres => format!("COALESCE({column} + 1, DATE '2026-02-02')"),
            "date" => format!("COALESCE(date({column}, '+1 day'), '2026-02-02')"),
            "bytea" => format!("COALESCE({column} || '\\x00'::bytea, '\\x00'::bytea)"),
            "blob" => format!("COALESCE(CAST({column} || x'00' AS BLOB), x'00')"),
            "text" => format!("COALESCE({column} || 'x', 'x')"),
            _ => format!("COALESCE({column} + 1000003, 7)"),
        }
    }
}

/// The key that identifies a row of a table.
fn key_of(table: &Table) -> &'static str {
    table.mutable.filter(|_| !table.has_facts()).map_or_else(|| table.key.trim_start_matches("t."), |stored| stored.key)
}

/// The differences that verify finds, as sentences.
async fn reported(app: &TestApp) -> Vec<String> {
    app.differences().await
}

/// Whether a sentence shows both the expected and the actual value.
fn shows_both(sentence: &str) -> bool {
    sentence.contains(" should ") && (sentence.contains("and is") || sentence.contains("and has"))
        || sentence.contains("says that it was recorded")
        || sentence.contains("is not possible with")
}

/// A statement that changes something, and the column that it changes; `None` if it adds or removes rows.
struct Planting {
    sql: String,
    column: Option<String>,
}

/// All changes of a table: each column, in a row that has ended and in one that has not; rows removed, rows added.
async fn plantings(bender: &Bender, table: &Table) -> Vec<Planting> {
    let (name, key) = (table.name, key_of(table));
    let columns = bender.columns(name).await;
    let mut plantings = Vec::new();
    let late = table.late.iter().flat_map(|late| late.columns.iter().map(move |spec| (*spec, Some(late.instant))));
    let stored = table.mutable.iter().flat_map(|stored| stored.columns.iter().map(|spec| (*spec, None)));
    let must = table.must.iter().map(|(column, _)| (*column, None));
    for (spec, instant) in table.columns.iter().map(|spec| (*spec, None)).chain(late).chain(stored).chain(must) {
        let column = name_of(spec);
        let Some((_, kind)) = columns.iter().find(|(name, _)| name == column) else { continue };
        let is_stored = table.mutable.filter(|stored| table.has_facts() && stored.columns.contains(&spec));
        let whiches = match (instant, is_stored) {
            // The rows in which it is set, and those in which it is not.
            (Some(instant), _) => vec![format!("{instant} IS NOT NULL"), format!("{instant} IS NULL")],
            (None, Some(stored)) => vec![stored.only.trim_start_matches("t.").to_owned()],
            (None, None) => vec!["1 = 1".to_owned()],
        };
        for which in whiches {
            let row = format!("{key} = (SELECT MIN({key}) FROM {name} WHERE {which})");
            let mut bent = vec![bender.another(column, kind)];
            bent.extend((instant == Some(column) && which.ends_with("NOT NULL")).then(|| "NULL".to_owned()));
            for bent in bent {
                let sql = format!("UPDATE {name} SET {column} = {bent} WHERE {row}");
                plantings.push(Planting { sql, column: Some(column.to_owned()).filter(|column| column != key) });
            }
        }
    }
    let copied = |all: bool| {
        let copied = columns.iter().map(|(column, kind)| {
            let is_text = kind == "text" || kind == "blob" || kind == "bytea";
            if column == key || (all && is_text) { bender.another(column, kind) } else { column.clone() }
        });
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        format!(
            "INSERT INTO {name} ({}) SELECT {} FROM {name} WHERE {key} = (SELECT MIN({key}) FROM {name})",
            names.join(", "),
            copied.collect::<Vec<_>>().join(", ")
        )
    };
    let rows = [
        format!("DELETE FROM {name} WHERE {key} = (SELECT MIN({key}) FROM {name})"),
        format!("DELETE FROM {name} WHERE {key} = (SELECT MAX({key}) FROM {name})"),
        format!("DELETE FROM {name}"),
        copied(false),
        copied(true),
    ];
    plantings.extend(rows.map(|sql| Planting { sql, column: None }));
    plantings
}

/// Changes one thing in each of some tables at a time, until all is changed. Returns what was changed and what was not named.
async fn bend_all(app: &TestApp, bender: &Bender, tables: &[&Table]) -> (usize, Vec<String>) {
    let mut all = Vec::new();
    for table in tables {
        assert_ne!(app.rows_in(table.name).await, 0, "{} has no row to change: add one to the register", table.name);
        bender.save(table.name).await;
        all.push((*table, plantings(bender, table).await));
    }
    let (mut bent, mut missed) = (0, Vec::new());
    for round in 0..all.iter().map(|(_, plantings)| plantings.len()).max().unwrap_or_default() {
        let mut planted = Vec::new();
        for (table, plantings) in &all {
            let Some(planting) = plantings.get(round) else { continue };
            // The database itself refuses some changes, such as two rows with one name.
            if matches!(bender.run(&planting.sql).await, Some(1..)) {
                planted.push((table.name, planting));
            }
        }
        bent += planted.len();
        let reported = reported(app).await;
        for (name, planting) in planted {
            let mut of_it = reported.iter().filter(|sentence| sentence.contains(name) && shows_both(sentence));
            // A row whose key was changed is gone, and another is there.
            let is_named = match &planting.column {
                Some(column) => of_it.any(|sentence| sentence.contains(column.as_str())),
                None => of_it.next().is_some(),
            };
            if !is_named {
                missed.push(planting.sql.clone());
            }
            bender.restore(name).await;
        }
        // What was derived from the changed rows is rebuilt.
        for again in [
            "DELETE FROM statement_term",
            "UPDATE statement_index SET through = 0",
            "INSERT INTO stale (employee_id) SELECT id FROM employee",
        ] {
            bender.run(again).await.expect("to be made anew");
        }
        assert_eq!(app.differences().await, [""; 0], "everything is restored after round {round}");
    }
    (bent, missed)
}

both_databases! {
    async fn any_change_past_the_service_is_found_and_named(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        register_with_everything(&app).await;
        assert_eq!(reported(&app).await, [""; 0]);
        let bender = Bender::on(&database).await;
        let covered = TABLES.iter().filter(|table| table.uncovered.is_none());
        // Without the notes about rows that change in place, the changed column cannot be known.
        let (noted, others): (Vec<&Table>, Vec<&Table>) = covered.partition(|table| table.name == "alteration");
        let mut all = 0;
        for tables in [others, noted] {
            let (bent, missed) = bend_all(&app, &bender, &tables).await;
            assert!(missed.is_empty(), "{} of {bent} were not named:\n{}", missed.len(), missed.join("\n"));
            all += bent;
        }
        assert!(all >= 250, "only {all} could be changed");
    }

    async fn the_chain_itself_is_under_its_digests(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        register_with_everything(&app).await;
        app.clock.advance(chrono::Duration::hours(1));
        app.apply(&crate::support::small_city::REQUIREMENT.replace("valid_months = 12", "valid_months = 13")).await;
        assert_eq!(reported(&app).await, [""; 0]);
        let bender = Bender::on(&database).await;
        for name in ["chain_link", "chain_leaf"] {
            bender.save(name).await;
            for (column, kind) in bender.columns(name).await {
                let first = if name == "chain_link" { "number = 1" } else { "link = 1 AND facet = 'event' AND part = 0" };
                let sql = format!("UPDATE {name} SET {column} = {} WHERE {first}", bender.another(&column, &kind));
                assert_eq!(bender.run(&sql).await, Some(1), "{sql}");
                let reported = reported(&app).await;
                assert!(reported.iter().any(|sentence| sentence.contains("link ")), "{sql}: {reported:#?}");
                bender.restore(name).await;
            }
            for gone in ["1 = 1", if name == "chain_link" { "number = 1" } else { "facet = 'event'" }] {
                if name == "chain_link" && gone == "1 = 1" {
                    continue;
                }
                bender.run(&format!("DELETE FROM {name} WHERE {gone}")).await.expect("deleted");
                assert!(!reported(&app).await.is_empty(), "{name} without {gone}");
                bender.restore(name).await;
            }
            assert_eq!(reported(&app).await, [""; 0]);
        }
    }
}
