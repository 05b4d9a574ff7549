//! An import that is undone leaves no effect except in past reports; later changes by others stay.

use kurskoll::app::Caller;
use kurskoll::app::directory::import::ImportRequest;
use kurskoll::app::directory::undo_import::UndoImportRequest;
use kurskoll::domain::access::Role;
use kurskoll::domain::directory::plan::{Allowed, Extent};
use kurskoll::intake::webhook::signature::WebhookSecret;
use serde_json::{Value, json};

use crate::support::app::{Answer, HrFiles, TestApp};
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{ADMINISTRATIONS, EMPLOYMENTS, completed, small_city};

const HEADER: &str = "employee_number,given_name,family_name,email,username,employment_id,administration,unit,form,\
                      starts_on,ends_on,manager_employee_number,protected\n";

const IDENTITIES: &str = "employee_number,platform,key,value,home_page\n";

/// Everyone whom any file here names.
const NUMBERS: [&str; 8] = ["1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008"];

/// Everything that the API says of people now: report, exports, each person, queue, and a provider's users.
async fn said(app: &TestApp) -> Vec<(String, u16, Value)> {
    let mut paths = vec![
        "/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-26".to_owned(),
        "/api/v1/administrations/SEF/export.csv?as_of=2026-02-26".to_owned(),
        "/api/v1/administrations/FGK/export.csv?as_of=2026-02-26".to_owned(),
        "/api/v1/unlinked".to_owned(),
        "/api/v1/administrations".to_owned(),
    ];
    paths.extend(NUMBERS.iter().map(|number| format!("/api/v1/employees/{number}?as_of=2026-02-26")));
    let mut said = Vec::new();
    for path in paths {
        let answer = app.get_as_city(&path).await;
        let mut body: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| json!(answer.body));
        without(&mut body, &["known_at", "request_id", "instance"]);
        said.push((path, answer.status, body));
    }
    said
}

/// Removes what differs between two answers.
fn without(body: &mut Value, names: &[&str]) {
    match body {
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(&name.as_str()));
            members.values_mut().for_each(|value| without(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| without(value, names)),
        _ => {}
    }
}

/// Imports with `force`; returns the import's id.
async fn import(app: &TestApp, files: HrFiles<'_>, extent: Extent) -> i64 {
    let request = ImportRequest { extent, dry_run: false, allowed: Allowed::everything() };
    let sources = kurskoll::domain::directory::imports::Sources::default();
    let imported = app.app.import_files(&Caller::operator(), &files.read(), &sources, request, &|_| {}).await;
    imported.expect("imported").report.expect("it changes something")
}

async fn undo(app: &TestApp, import: i64) -> Answer {
    let admin = app.token(Role::Admin, &[]).await;
    app.post(&format!("/api/v1/imports/{import}/undo"), Some(&admin), &json!({"reason": "an old file"})).await
}

/// A city with results under numbers and addresses, some of people who are not known yet.
async fn city(database: &TestDatabase) -> (TestApp, WebhookSecret) {
    let app = TestApp::start(database).await;
    small_city(&app).await;
    let secret = app.platform("larportal").await;
    for (id, learner) in [
        ("e-1", json!({"employee_number": "1001"})),
        ("e-2", json!({"email": "bo@example.org"})),
        ("e-3", json!({"employee_number": "1005"})),
        ("e-4", json!({"email": "new.6@example.org"})),
        ("e-5", json!({"username": "u7"})),
        ("e-6", json!({"account": {"home_page": "https://l.example.org", "name": "17"}})),
        ("e-7", json!({"email": "anna@example.org", "employee_number": "1008"})),
    ] {
        let body = completed(learner, "infosec-basics-2023", "2026-02-11T10:00:00+01:00");
        app.deliver("larportal", &secret, id, &body).await.ok();
    }
    app.refresh().await;
    (app, secret)
}

/// A reproducible pseudo-random sequence.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("a place")]
    }
}

/// The files of a random import: employments, absences and identities.
fn arbitrary(chance: &mut Chance) -> [String; 3] {
    let (mut employments, mut absences, mut identities) =
        (HEADER.to_owned(), "employee_number,starts_on,ends_on\n".to_owned(), IDENTITIES.to_owned());
    for (place, number) in NUMBERS.iter().enumerate() {
        if chance.below(4) == 0 {
            continue;
        }
        let name = chance.of(&["Anna,Andersson", "Bo,Öberg", "Cecilia,Berg"]);
        let email = chance.of(&["", "new.6@example.org", "bo@example.org", "anna@example.org", "x@example.org"]);
        let username = chance.of(&["", "u7", "anna", "bo"]);
        let administration = chance.of(&["SEF", "FGK"]);
        let starts_on = chance.of(&["2020-01-01", "2026-02-10", "2026-04-01"]);
        let ends_on = chance.of(&["", "2026-06-30"]);
        let protected = chance.of(&["", "", "yes"]);
        employments += &format!(
            "{number},{name},{email},{username},1,{administration},Enhet,permanent,{starts_on},{ends_on},,{protected}\n"
        );
        if chance.below(3) == 0 {
            absences += &format!("{number},2026-02-01,{}\n", chance.of(&["", "2026-03-31"]));
        }
        if chance.below(3) == 0 {
            identities += &format!("{number},larportal,account,{},https://l.example.org\n", 17 + place % 2);
        }
    }
    [employments, absences, identities]
}

both_databases! {
    async fn any_import_that_is_undone_leaves_nothing(database: TestDatabase) {
        let (app, _) = city(&database).await;
        let mut chance = Chance(20_260_226);
        for round in 0..12 {
            let [employments, absences, identities] = arbitrary(&mut chance);
            let files = HrFiles { employments: &employments, absences: &absences, identities: &identities, ..HrFiles::default() };
            let extent = if round % 3 == 0 { Extent::Partial } else { Extent::Full };
            let before = said(&app).await;
            let id = import(&app, files, extent).await;
            app.refresh().await;
            let during = said(&app).await;
            let undone = undo(&app, id).await.ok();
            assert_eq!(undone["left"], json!([]), "{round}: {employments}");
            app.refresh().await;
            let after = said(&app).await;
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before, after, "{round} {extent:?}\n{employments}{absences}{identities}");
            }
            assert_eq!(app.differences().await, [""; 0], "{round}");
            // Undoing the undo restores the import; every second round continues from there.
            let back = undone["import"].as_i64().expect("an import");
            undo(&app, back).await.ok();
            app.refresh().await;
            assert_eq!(said(&app).await, during, "{round}: undone twice");
            assert_eq!(app.differences().await, [""; 0], "{round}: undone twice");
        }
    }

    async fn an_undone_import_is_right_in_valid_time_and_transaction_time(database: TestDatabase) {
        let (app, _) = city(&database).await;
        let report = "/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-26";
        let before = app.get_as_city(report).await.ok();
        let part = format!("{HEADER}1005,Eva,Falk,eva@example.org,eva,1,SEF,Kök,permanent,2020-01-01,,,\n\
                            1002,Bo,Öberg,other@example.org,bo,1,FGK,Gata,permanent,2026-02-10,,1001,\n");
        let id = import(&app, HrFiles { employments: &part, ..HrFiles::default() }, Extent::Partial).await;
        let between = app.get_as_city(report).await.ok();
        let known_at = between["known_at"].as_str().expect("an instant").to_owned();
        let eva = format!("/api/v1/employees/1005?as_of=2026-02-26&known_at={known_at}");
        let eva_between = app.get_as_city(&eva).await.ok();
        assert_ne!(between["city"], before["city"]);
        app.clock.advance(chrono::Duration::days(7));
        undo(&app, id).await.ok();
        let now = app.get_as_city(report).await.ok();
        assert_eq!(now["city"], before["city"]);
        assert_eq!(app.get_as_city("/api/v1/employees/1005?as_of=2026-02-26").await.status, 404);
        // What was reported in between is reported the same again.
        let again = app.get_as_city(&format!("{report}&known_at={known_at}")).await.ok();
        assert_eq!(again["city"], between["city"]);
        assert_eq!(app.get_as_city(&eva).await.ok(), eva_between);
        let first = before["known_at"].as_str().expect("an instant");
        assert_eq!(app.get_as_city(&format!("{report}&known_at={first}")).await.ok()["city"], before["city"]);
        // The reports of both imports say so, and so does the audit trail.
        let shown = app.get_as_city(&format!("/api/v1/imports/{id}")).await.ok();
        assert_eq!((&shown["undone"]["import"], &shown["undone"]["by"], &shown["undone"]["because"]), (&json!(id + 1), &json!("test admin"), &json!("an old file")));
        let undoing = app.get_as_city(&format!("/api/v1/imports/{}", id + 1)).await.ok();
        assert_eq!((&undoing["undoes"], &undoing["reason"], &undoing["undone"]), (&json!(id), &json!("an old file"), &Value::Null));
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit?limit=50", Some(&auditor)).await.body;
        assert!(trail.contains("directory.undo"), "{trail}");
        assert!(undo(&app, id).await.problem(409).starts_with(&format!("import {id} is undone already, by test admin")));
        // HR reports the person anew: known again, under the same number.
        let id = import(&app, HrFiles { employments: &part, ..HrFiles::default() }, Extent::Partial).await;
        assert_eq!(app.get_as_city("/api/v1/employees/1005?as_of=2026-02-26").await.ok()["given_name"], "Eva");
        undo(&app, id).await.ok();
        assert_eq!(app.get_as_city(report).await.ok()["city"], before["city"]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn later_changes_are_named_and_not_undone(database: TestDatabase) {
        let (app, _) = city(&database).await;
        let part = format!("{HEADER}1005,Eva,Falk,eva@example.org,eva,1,SEF,Kök,permanent,2020-01-01,,,\n\
                            1006,Nils,Ny,new.6@example.org,,1,SEF,Kök,permanent,2020-01-01,,,\n\
                            1002,Bo,Öberg,bo@example.org,bo,1,FGK,Gata,permanent,2026-02-10,,1001,\n\
                            1003,Cecilia,Berg,cecilia@example.org,cecilia,2,SEF,Annan,hourly,2026-01-07,,,\n");
        let id = import(&app, HrFiles { employments: &part, ..HrFiles::default() }, Extent::Partial).await;
        let admin = app.token(Role::Admin, &[]).await;
        let later = format!("{HEADER}1002,Bo,Öberg,bo@example.org,bo,1,FGK,Park,permanent,2026-02-10,,1001,\n");
        import(&app, HrFiles { employments: &later, ..HrFiles::default() }, Extent::Partial).await;
        let by_hand = json!({"platform": "larportal", "key": "username", "value": "u7", "employee_number": "1006", "reason": "asked"});
        let linked = app.post("/api/v1/links", Some(&admin), &by_hand).await;
        assert!(linked.status < 300, "{}", linked.body);
        let line = CommandLine::on(&database);
        let dry = line.ok(&format!("directory imports undo {id} --dry-run"));
        insta::allow_duplicates!(insta::assert_snapshot!(dry.out, @r"
        person 1005: withdrawn
        employment 1003/2: unit Annan → Måltid
        employment 1005/1: withdrawn
        employment 1006/1: withdrawn
        left: employment 1002/1: changed since
        left: person 1006: something else refers to it
        "));
        assert_eq!(app.rows_in("import_report").await, id + 1, "a dry run changes nothing");
        let undone = line.ok(&format!("directory imports undo {id} --reason again"));
        assert!(undone.err.starts_with("Undone: persons 1 withdrawn; employments 1 changed, 2 withdrawn; 2 left as they are"), "{}", undone.err);
        let bo = app.get_as_city("/api/v1/administrations/FGK/export.csv?as_of=2026-02-26").await.body;
        assert!(bo.contains("FGK,Fastighets- och gatukontoret,Park,1002"), "{bo}");
        assert_eq!(app.get_as_city("/api/v1/employees/1005?as_of=2026-02-26").await.status, 404);
        let page = line.ok(&format!("directory imports {id}")).out;
        assert!(page.contains("undone by operator on ") && page.contains("because again"), "{page}");
        assert!(line.ok("directory imports").out.contains(&format!("(undoes {id})")));
        line.run(&format!("directory imports undo {id}")).assert_failed("is undone already");
        line.run("directory imports undo 99").assert_failed("no import has the id 99");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn an_address_that_only_an_undone_import_gave_belongs_to_no_employee(database: TestDatabase) {
        let (app, secret) = city(&database).await;
        // A column that slipped by one row: everyone has another person's address.
        let shifted = EMPLOYMENTS
            .replace("anna@example.org,anna", "x@example.org,x")
            .replace("bo@example.org,bo", "anna@example.org,anna");
        let id = import(&app, HrFiles { administrations: ADMINISTRATIONS, employments: &shifted, ..HrFiles::default() }, Extent::Full).await;
        app.clock.advance(chrono::Duration::days(7));
        undo(&app, id).await.ok();
        let body = completed(json!({"email": "anna@example.org"}), "infosec-basics", "2026-02-20T10:00:00+01:00");
        assert_eq!(app.deliver("larportal", &secret, "late", &body).await.ok()["linked"], true, "it belongs to Anna only");
        let stranger = completed(json!({"email": "x@example.org"}), "infosec-basics", "2026-02-20T10:00:00+01:00");
        assert_eq!(app.deliver("larportal", &secret, "x", &stranger).await.ok()["linked"], false);
        let queue = app.get_as_city("/api/v1/unlinked").await.body;
        assert!(!queue.contains("known_formerly"), "{queue}");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_provider_finds_no_user_of_an_undone_import(database: TestDatabase) {
        let (app, _) = city(&database).await;
        let part = format!("{HEADER}1005,Eva,Falk,eva@example.org,eva,1,SEF,Kök,permanent,2020-01-01,,,\n");
        let id = import(&app, HrFiles { employments: &part, ..HrFiles::default() }, Extent::Partial).await;
        let request = UndoImportRequest { import: id, reason: String::new(), dry_run: false };
        app.app.undo_import(&Caller::operator(), &request, &|_| {}).await.expect("undone");
        let found = app.scim("GET /scim/v2/Users?filter=userName%20eq%20%221005%22", &[], None).await.body;
        assert!(found.contains("\"totalResults\":0"), "{found}");
        assert_eq!(app.differences().await, [""; 0]);
    }
}
