//! A platform's history as a file: stored as evidence, linked like a delivery's results, all or nothing.

use kurskoll::domain::access::Role;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};

const HISTORY: &str = "event_id;type;employee_number;email;username;course_id;quiz_id;occurred_at;score_raw;score_max;passed\n\
    h-1;course.completed;1001;;;infosec-basics-2023;;2026-01-20 23:30;;;\n\
    ;quiz.graded;;BO@example.org;;infosec-basics;infosec-basics-quiz;2026-01-21;17,5;20;\n\
    h-3;course.completed;;;nobody;infosec-basics;;2026-01-22T08:00:00+01:00;;;\n";

async fn import(app: &TestApp, query: &str, file: impl Into<Vec<u8>>) -> Answer {
    let token = app.token(Role::Admin, &[]).await;
    import_as(app, &token, query, file).await
}

async fn import_as(app: &TestApp, token: &str, query: &str, file: impl Into<Vec<u8>>) -> Answer {
    let request = app.client.post(format!("{}/api/v1/platforms/larportal/results{query}", app.address));
    let request = request.bearer_auth(token).header("content-type", "text/csv; charset=utf-8").body(file.into());
    Answer::to(request).await.expect("an answer")
}

/// How many results are new, linked, waiting and known.
fn figures(answer: &Value) -> [u64; 4] {
    ["new", "linked", "waiting", "known"].map(|name| answer[name].as_u64().expect("a number"))
}

async fn status(app: &TestApp, number: &str) -> String {
    app.export_row("SEF", number).await["status"].clone()
}

both_databases! {
    async fn history_counts_as_if_the_platform_had_sent_it(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.platform("larportal").await;
        assert_eq!(status(&app, "1001").await, "pending");
        let before = app.report("infosec-onboarding").await;
        let answer = import(&app, "", HISTORY).await.ok();
        assert_eq!(figures(&answer), [3, 2, 1, 0]);
        let row = app.export_row("SEF", "1001").await;
        // Half past eleven in the evening in the platform's own zone.
        assert_eq!((row["status"].as_str(), row["satisfied_on"].as_str()), ("compliant", "2026-01-20"));
        assert_eq!(row["evidence_event_id"], "h-1");
        assert_eq!(app.export_row("SEF", "1002").await["best_score_percent"], "87.5");
        let waiting = app.get_as_city("/api/v1/unlinked").await.ok();
        assert_eq!(waiting["items"].as_array().map(Vec::len), Some(1));

        // It is evidence: the deliveries show the file with each result, and who imported it.
        let shown = app.get_as_auditor(&format!("/api/v1/deliveries/{}", answer["delivery"])).await.ok();
        assert_eq!(shown["body_text"], HISTORY);
        assert_eq!((&shown["content_type"], &shown["outcome"]), (&json!("text/csv"), &json!("accepted")));
        assert_eq!(shown["headers"], json!({"file": "results.csv", "imported_by": "test admin"}));
        let found = app.get_as_auditor("/api/v1/deliveries?platform=larportal&event_id=h-1").await.ok();
        assert_eq!(found["items"][0]["id"], answer["delivery"]);
        assert_eq!(found["items"][0]["size"], HISTORY.len());
        let audit = app.get_as_auditor("/api/v1/audit?limit=50").await.ok();
        let entries = audit["items"].as_array().expect("entries");
        let entry = entries.iter().find(|entry| entry["action"] == "results.import").expect("an entry");
        assert_eq!(entry["object"], format!("delivery {} of larportal, 3 results, 3 new", answer["delivery"]));

        // The platform itself has sent nothing, and an earlier report is the same again.
        let after = app.report("infosec-onboarding").await;
        assert_eq!(after["data_quality"]["platforms"][0]["silent_since"], Value::Null);
        let known_at = before["known_at"].as_str().expect("an instant");
        let path = format!("/api/v1/reports/onboarding?requirement=infosec-onboarding&known_at={known_at}");
        assert_eq!(app.get_as_city(&path).await.ok(), before);
        app.verified_events().await;
    }

    async fn the_same_file_again_adds_nothing_and_a_longer_one_what_is_new(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.platform("larportal").await;
        let first = import(&app, "", HISTORY).await.ok();
        let audited = app.rows_in("audit_entry").await;
        let again = import(&app, "", HISTORY).await.ok();
        assert_eq!((figures(&again), &again["delivery"]), ([0, 0, 0, 3], &first["delivery"]));
        assert!(again["same_file_at"].is_string());
        // One entry is the token's.
        assert_eq!(app.rows_in("audit_entry").await, audited + 1);

        let longer = format!("{HISTORY}h-4;course.completed;1002;;;infosec-basics;;2026-01-23;;;\n");
        let answer = import(&app, "", longer.clone()).await.ok();
        assert_eq!(figures(&answer), [1, 1, 0, 3]);
        assert_eq!(app.rows_in("event").await, 4);
        // The same results in other bytes add nothing, and each is stored once.
        assert_eq!(figures(&import(&app, "", longer.replace(';', ",").replace("17,5", "17.5")).await.ok()), [0, 0, 0, 4]);
        assert_eq!(app.rows_in("event").await, 4);
        app.verified_events().await;
    }

    async fn a_dry_run_says_what_would_change_and_changes_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.platform("larportal").await;
        let twice = format!("{HISTORY}h-9;course.completed;1001;;;infosec-basics-2023;;2026-01-20 23:30;;;\n");
        let preview = import(&app, "?dry_run=true", twice.clone()).await.ok();
        // The same result under another id is already known in the dry run.
        assert_eq!((figures(&preview), &preview["delivery"]), ([3, 2, 1, 1], &Value::Null));
        assert_eq!((app.rows_in("event").await, app.rows_in("delivery").await), (0, 0));
        assert_eq!(figures(&import(&app, "", twice).await.ok()), figures(&preview));
        app.verified_events().await;
    }

    async fn a_file_with_a_bad_row_changes_nothing_and_each_is_named(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.platform("larportal").await;
        let bad = format!("{HISTORY}x-1;completion;1001;;;;;2026-01-20;;;\nx-2;quiz;1001;;;;q;2027-01-20;x;20;\n");
        for query in ["", "?dry_run=true"] {
            let problem = import(&app, query, bad.clone()).await.refused(422);
            let problems: Vec<String> = problem["problems"].as_array().expect("problems").iter().map(|problem| {
                format!("{} {} {} {}", problem["line"], problem["column"], problem["value"], problem["reason"])
            }).collect();
            insta::allow_duplicates!(insta::assert_snapshot!(problems.join("\n"), @r#"
            5 "course_id" null "is empty; fill it in"
            6 "occurred_at" "2027-01-20" "lies in the future; correct it, or give it with its offset where the platform's clock is another"
            6 "score_raw" "x" "is not a decimal number such as 17 or \"17.5\""
            "#));
            assert_eq!(problem["total_problems"], 3);
        }
        assert_eq!((app.rows_in("event").await, app.rows_in("delivery").await), (0, 0));
    }

    async fn a_row_with_the_id_of_another_result_refuses_the_file(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let other = completed(json!({"employee_number": "1001"}), "infosec-basics", "2026-01-20T10:00:00+01:00");
        app.deliver("larportal", &secret, "h-1", &other).await.ok();
        for query in ["", "?dry_run=true"] {
            let problem = import(&app, query, HISTORY).await.refused(422);
            assert_eq!(problem["problems"][0]["line"], 2);
            assert_eq!(problem["problems"][0]["column"], "event_id");
        }
        assert_eq!((app.rows_in("event").await, app.rows_in("delivery").await), (1, 1));
        app.verified_events().await;
    }

    async fn a_result_that_the_platform_sends_later_adds_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        import(&app, "", HISTORY).await.ok();
        // Under the same id, with more keys and more decimals of a second than an export has.
        let same = completed(json!({"employee_number": "1001", "username": "anna"}), "infosec-basics-2023",
            "2026-01-20T23:30:00.250+01:00");
        for outcome in ["duplicate", "duplicate"] {
            let answer = app.deliver("larportal", &secret, "h-1", &same).await.ok();
            assert_eq!(answer, json!({"event_id": "h-1", "outcome": outcome, "linked": true}));
        }
        // Under another id, with the same content.
        let again = completed(json!({"employee_number": "1001"}), "infosec-basics-2023", "2026-01-20T23:30:00+01:00");
        assert_eq!(app.deliver("larportal", &secret, "e-1", &again).await.ok()["outcome"], "duplicate");
        // Under the same id, something else: the first stays.
        let other = completed(json!({"employee_number": "1002"}), "infosec-basics-2023", "2026-01-20T23:30:00+01:00");
        app.deliver("larportal", &secret, "h-1", &other).await.refused(409);
        let graded = graded(json!({"employee_number": "1001"}), "infosec-basics-quiz", 1, "3", "2026-01-20T23:30:00+01:00");
        app.deliver("larportal", &secret, "h-3", &graded).await.refused(409);
        assert_eq!(app.export_row("SEF", "1001").await["status"], "compliant");
        app.verified_events().await;
    }

    async fn a_result_that_the_platform_sent_before_is_known_to_the_file(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let same = completed(json!({"employee_number": "1001", "account": {"home_page": "https://l.example.org", "name": "7"}}),
            "infosec-basics-2023", "2026-01-20T23:30:00+01:00");
        app.deliver("larportal", &secret, "h-1", &same).await.ok();
        assert_eq!(figures(&import(&app, "", HISTORY).await.ok()), [2, 1, 1, 1]);
        app.verified_events().await;
    }

    async fn a_result_of_history_can_be_withdrawn_by_its_id(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        import(&app, "", HISTORY).await.ok();
        let withdrawn = json!({"type": "completion.revoked", "timestamp": "2026-02-20T10:00:00Z",
            "data": {"learner": {"employee_number": "1001"}, "course": {"id": "infosec-basics-2023"}, "event_id": "h-1"}});
        app.deliver("larportal", &secret, "r-1", &withdrawn).await.ok();
        assert_eq!(status(&app, "1001").await, "pending");
        app.verified_events().await;
    }

    async fn only_an_operator_imports_and_only_a_file_of_a_known_platform(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let admin = app.token(Role::Admin, &[]).await;
        import(&app, "", HISTORY).await.refused(404);
        app.platform("larportal").await;
        for role in [Role::City, Role::Auditor, Role::Scim] {
            let token = app.token(role, &[]).await;
            import_as(&app, &token, "", HISTORY).await.refused(403);
        }
        app.post("/api/v1/platforms/larportal/results", Some(&admin), &json!({})).await.refused(415);
        import(&app, "?dry_run=perhaps", HISTORY).await.refused(400);
        import(&app, "", "").await.refused(422);
        let empty = import(&app, "", HISTORY.lines().next().expect("a header")).await.ok();
        assert_eq!((&empty["results"], &empty["delivery"]), (&json!(0), &Value::Null));
    }

    async fn the_command_imports_the_same(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.platform("larportal").await;
        let machine = CommandLine::on(&database);
        machine.write("history.csv", HISTORY);
        machine.write("bad.csv", format!("{HISTORY}x-1;completion;1001;;;;;2026-01-20;;;\n"));
        let ran = machine.run("results import --platform larportal bad.csv");
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains("results, line 5, column course_id: the value is empty; fill it in"), "{}", ran.err);
        let preview = machine.ok("results import --platform larportal history.csv --dry-run --format json").json();
        assert_eq!(figures(&preview), [3, 2, 1, 0]);
        let ran = machine.ok("results import --platform larportal history.csv");
        insta::allow_duplicates!(insta::assert_snapshot!(ran.out, @r"
        results            3
        new                3
          linked           2
          waiting          1
        known              0
        "));
        assert!(ran.err.contains("Imported, and stored as delivery"), "{}", ran.err);
        assert!(machine.ok("results import --platform larportal history.csv").err.contains("Nothing changes"));
        assert_eq!(status(&app, "1001").await, "compliant");
        machine.run("results import --platform moodle history.csv").assert_failed("no platform has the code moodle");
        app.verified_events().await;
    }

    async fn a_sheet_of_a_workbook_is_imported_and_verified_like_a_file_of_text(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.platform("larportal").await;
        let mut workbook = rust_xlsxwriter::Workbook::new();
        workbook.add_worksheet().set_name("About").expect("a name").write_string(0, 0, "History").expect("a cell");
        let sheet = workbook.add_worksheet().set_name("Results").expect("a name");
        for (row, text) in (0..).zip(HISTORY.lines()) {
            for (column, cell) in (0..).zip(text.split(';')) {
                sheet.write_string(row, column, cell).expect("a cell");
            }
        }
        let line = CommandLine::on(&database);
        line.write("history.xlsx", workbook.save_to_buffer().expect("a workbook"));
        let import = "results import --platform larportal history.xlsx";
        assert!(line.run(import).err.contains("sheet"), "a workbook of two sheets needs the name of one");
        let imported = line.ok(&format!("{import} --sheet Results --format json"));
        assert_eq!(figures(&serde_json::from_str(&imported.out).expect("JSON")), [3, 2, 1, 0]);
        assert_eq!(status(&app, "1001").await, "compliant");
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_file_with_the_platforms_own_columns_is_read_by_a_profile(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        app.platform("larportal").await;
        let line = CommandLine::on(&database);
        line.write("export.toml", EXPORT_PROFILE);
        line.write("export.csv", EXPORT);
        let import = "results import --platform larportal export.csv --profile export.toml";
        let preview = line.run(&format!("{import} --dry-run --format json"));
        assert_eq!(preview.code, Some(0), "{}", preview.err);
        let preview: Value = serde_json::from_str(&preview.out).expect("JSON");
        assert_eq!((figures(&preview), &preview["skipped"]), ([3, 2, 1, 0], &json!(1)));
        let ran = line.run(import);
        assert!(ran.code == Some(0) && ran.err.contains("rows that the profile ignores: 1"), "{}", ran.err);
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["satisfied_on"].as_str()), ("compliant", "2026-01-20"));
        assert_eq!(app.export_row("SEF", "1002").await["best_score_percent"], "87.5");
        assert!(line.run(import).err.contains("the same file was imported"));
        // A corrected profile reads what the first one ignored.
        line.write("export.toml", EXPORT_PROFILE.replace("is = \"ignore\"", "is = \"completion\""));
        let mended = line.run(&format!("{import} --format json"));
        let mended: Value = serde_json::from_str(&mended.out).expect("JSON");
        assert_eq!(figures(&mended), [1, 1, 0, 3]);
        // Nothing of a file with a bad row is imported, and each is named.
        line.write("export.csv", format!("{EXPORT}1003;;kurs;infosec-basics;i går;;\n"));
        let refused = line.run(import);
        assert!(refused.code == Some(1) && refused.err.contains("line 6") && refused.err.contains("Datum"), "{}", refused.err);
        line.write("export.toml", "title = \"x\"\n");
        let refused = line.run(import);
        assert!(refused.code == Some(1) && refused.err.contains("events is missing"), "{}", refused.err);
        assert_eq!(app.differences().await, [""; 0]);
    }
}

const EXPORT: &str = "Anstnr;E-post;Typ;Kurs;Datum;Poäng;Utfall\n\
    1001;;kurs;infosec-basics-2023;20.01.2026 23:30;;\n\
    ;BO@example.org;prov;infosec-basics-quiz;21.01.2026;\"17,5\";Godkänd\n\
    ;nobody@example.org;kurs;infosec-basics;22.01.2026;;\n\
    1002;;forum;infosec-basics;23.01.2026;;\n";

const EXPORT_PROFILE: &str = r#"
title = "Export"
[fields]
type = "$.Typ"
employee_number = "$.Anstnr"
email = "$['E-post']"
course = "$.Kurs"
quiz = "$.Kurs"
score_raw = { path = "$.Poäng", decimal_comma = true }
score_max = { constant = "20" }
passed = { path = "$.Utfall", values = { "Godkänd" = "true", "Underkänd" = "false" } }
occurred_at = { path = "$.Datum", formats = ["%d.%m.%Y %H:%M", "%d.%m.%Y"] }
[[events]]
type = "kurs"
is = "completion"
[[events]]
type = "prov"
is = "attempt"
[[events]]
type = "forum"
is = "ignore"
"#;
