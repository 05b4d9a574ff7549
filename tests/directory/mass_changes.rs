//! A file that changes many people at once needs a confirmation, through the command, on both databases.

use crate::support::app::{HrFiles, TestApp};
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{EMPLOYMENTS, REQUIREMENT, small_city};

const HEADER: &str = "employee_number,given_name,family_name,email,username,employment_id,administration,form,starts_on,unit,ends_on,manager_employee_number\n";

/// Twelve employees of SEF; `change` alters a row.
fn file(change: impl Fn(u32, &mut [String])) -> String {
    let row = |n: u32| {
        let mut cells: Vec<String> = [
            format!("01{n:03}"),
            format!("Given{n}"),
            format!("Family{n}"),
            format!("p{n}@example.org"),
            format!("p{n}"),
            "1".to_owned(),
            "SEF".to_owned(),
            "permanent".to_owned(),
            format!("2020-01-{:02}", n + 1),
        ]
        .into();
        change(n, &mut cells);
        cells.join(",") + ",,,\n"
    };
    HEADER.to_owned() + &(0..12).map(row).collect::<String>()
}

async fn twelve(database: &TestDatabase) -> (TestApp, CommandLine) {
    let app = TestApp::start(database).await;
    app.apply(REQUIREMENT).await;
    let line = CommandLine::on(database);
    line.write("adm.csv", "code,name\nSEF,Serviceförvaltningen\nFGK,Gatukontoret\n");
    line.write("first.csv", file(|_, _| {}));
    line.ok("directory import --administrations adm.csv --employments first.csv --full");
    (app, line)
}

both_databases! {
    async fn each_kind_is_refused_with_its_own_option_and_shown_by_a_dry_run(database: TestDatabase) {
        let (app, line) = twelve(&database).await;
        type Makes = fn(u32, &mut [String]);
        let kinds: [(&str, &str, Makes); 6] = [
            ("--allow-mass-start-changes", "change the first day of 11 of 12 employments", |n, row| {
                // Day and month swapped: the first of January is the same either way.
                row[8] = format!("2020-{:02}-01", n + 1);
            }),
            ("--allow-mass-moves", "12 of 12 employments, more than a tenth (for example 01000/1: SEF → FGK", |_, row| row[6] = "FGK".to_owned()),
            ("--allow-mass-key-changes", "change or take away the address or user name of 12 of 12 people", |n, row| {
                // A column that slipped by one row.
                row[3] = format!("p{}@example.org", (n + 1) % 12);
            }),
            ("--allow-mass-name-changes", "change the name of 12 of 12 people, more than a tenth (for example 01000: Given0 Family0 → Family0 Given0", |_, row| row.swap(1, 2)),
            ("--allow-mass-form-changes", "change the form of 12 of 12 employments", |_, row| row[7] = "hourly".to_owned()),
            ("--allow-mass-ending", "end 12 of 12 employments", |_, row| row[5] = "2".to_owned()),
        ];
        for (option, said, change) in kinds {
            line.write("emp.csv", file(change));
            let import = "directory import --employments emp.csv --full";
            let refused = line.run(import);
            refused.assert_failed(option);
            assert!(refused.err.contains(said), "{}", refused.err);
            let dry = line.ok(&format!("{import} --dry-run"));
            assert!(dry.err.contains("It would be refused: the files would ") && dry.err.contains(option), "{}", dry.err);
            assert!(!dry.out.is_empty(), "the differences are shown as well");
            let dry = line.ok(&format!("{import} --dry-run {option} --format json")).json();
            assert_eq!(dry["refused"], serde_json::Value::Null, "{option} allows it");
            assert_eq!(app.rows_in("import_report").await, 1, "nothing was imported");
        }
        line.write("emp.csv", file(|_, row| row[6] = "FGK".to_owned()));
        line.ok("directory import --employments emp.csv --full --allow-mass-moves");
        assert_eq!(app.rows_in("import_report").await, 2);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_new_number_for_someone_whose_employment_ends_is_refused_without_the_option(database: TestDatabase) {
        let (app, line) = twelve(&database).await;
        line.write("emp.csv", file(|n, row| if n == 3 { "1003".clone_into(&mut row[0]) }));
        let import = "directory import --employments emp.csv --full --allow-mass-ending";
        let refused = line.run(import);
        refused.assert_failed("1 new person who seems to be known under another number: 1003 for 01003 (the same digits, address, user name, employment_id, name, first day)");
        assert!(refused.err.contains("--new-person 1003") && refused.err.contains("POST /api/v1/employees/1003/merge"), "{}", refused.err);
        let dry = line.ok(&format!("{import} --dry-run --format json")).json();
        assert_eq!(dry["refused"]["renumberings"][0]["old"], "01003");
        line.run(&format!("{import} --new-person 1004")).assert_failed("1003 for 01003");
        line.ok(&format!("{import} --new-person 1003"));
        // All at once: a spreadsheet removed the leading zeros.
        line.write("emp.csv", file(|_, row| row[0] = row[0].trim_start_matches('0').to_owned()));
        let refused = line.run(import);
        refused.assert_failed("11 new people who seem to be known under another number");
        line.ok(&format!("{import} --allow-mass-renumbering"));
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn one_address_for_several_people_is_a_warning(database: TestDatabase) {
        let (_app, line) = twelve(&database).await;
        line.write("emp.csv", file(|n, row| if n == 3 { "P4@Example.org".clone_into(&mut row[3]) }));
        let did = line.ok("directory import --employments emp.csv --full");
        assert!(did.err.contains("Warning: 1 address is given to several people at once, 2 in all (for example 01003, 01004)"), "{}", did.err);
    }

    async fn an_older_file_is_reported_to_undo_what_was_recorded_since(database: TestDatabase) {
        let (_app, line) = twelve(&database).await;
        line.write("emp.csv", file(|n, row| if n == 3 { "Ny".clone_into(&mut row[2]) }));
        line.ok("directory import --employments emp.csv --full");
        line.write("adm2.csv", "code,name\nSEF,Serviceförvaltningen\nFGK,Gatukontoret\n");
        let dry = line.ok("directory import --administrations adm2.csv --employments first.csv --full --dry-run");
        assert!(dry.err.contains("(import 1); they undo what was recorded since."), "{}", dry.err);
    }

    async fn a_number_that_a_spreadsheet_changed_is_refused_with_the_original(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let line = CommandLine::on(&database);
        line.write("emp.csv", EMPLOYMENTS.replace("\n1002,", "\n1002.0,"));
        let refused = line.run("directory import --employments emp.csv --partial");
        assert!(refused.err.contains("column employee_number: the value has decimals, as a spreadsheet makes them of a number; it was probably 1002; write it as HR does"), "{}", refused.err);
        line.write("abs.csv", "employee_number,starts_on\n=1002,45000\n");
        let refused = line.run("directory import --absences abs.csv --partial");
        assert!(refused.err.contains("is a formula, as a spreadsheet keeps a number's zeros; it was probably 1002"), "{}", refused.err);
        assert!(refused.err.contains("\"45000\" is a spreadsheet's number for the day 2023-03-15"), "{}", refused.err);
        let before = app.rows_in("employee").await;
        let files = HrFiles { employments: EMPLOYMENTS, ..HrFiles::default() };
        app.import(files).await;
        assert_eq!(app.rows_in("employee").await, before);
    }

    async fn a_workbook_is_imported_like_a_file_of_text(database: TestDatabase) {
        let (app, line) = twelve(&database).await;
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        for (row, text) in (0..).zip(file(|n, row| if n == 3 { "Ny".clone_into(&mut row[2]) }).lines()) {
            for (column, cell) in (0..).zip(text.split(',')) {
                sheet.write_string(row, column, cell).expect("a cell");
            }
        }
        line.write("emp.xlsx", workbook.save_to_buffer().expect("a workbook"));
        let did = line.ok("directory import --employments emp.xlsx --full --format csv");
        assert_eq!(did.out, "kind,act,key,field,before,after\r\nperson,changed,01003,family_name,Family3,Ny\r\n");
        line.write("emp.csv", "<html><body>Logga in</body></html>");
        let refused = line.run("directory import --employments emp.csv --full");
        assert!(refused.err.starts_with("employments: the file begins with \"<html><body>Logga in</body></html>\" and is a web page or XML"), "{}", refused.err);
        assert!(refused.err.ends_with("kurskoll: nothing was imported: 1 problem\n"), "{}", refused.err);
        assert_eq!(app.differences().await, [""; 0]);
    }
}
