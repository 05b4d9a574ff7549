//! The command line for a new user: lists with headers, empty lists that say so, the files written, and Ctrl-C.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Database};

use crate::support::app::TestApp;
use crate::support::commands::CommandLine;
use crate::support::postgres::{Backend, TestDatabase, both_databases};
use crate::support::small_city::small_city;

const ADMINISTRATIONS: &str = "code,name,board\nSEF,Serviceförvaltningen,\n";

fn requirement(audience: &str) -> String {
    format!(
        "[[requirement]]\ncode = \"infosec\"\ntitle_sv = \"Infosäk\"\ntitle_en = \"Infosec\"\neffective_from = 2026-01-01\n\
         new_hire_days = 30\nrenewal_days = 30\n{audience}alternatives = [[{{ course = \"infosec-basics\" }}]]\n"
    )
}

#[test]
fn an_empty_list_says_so_and_prints_nothing() {
    let here = CommandLine::new();
    here.ok("migrate");
    for (list, said) in [
        ("platform list", "There is no platform yet: `kurskoll platform add CODE` adds one.\n"),
        ("quarantine list", "No such delivery is in quarantine.\n"),
        ("quarantine list --groups", "No such delivery is in quarantine.\n"),
        ("quarantine list --dismissed", "No such delivery is in quarantine.\n"),
        ("directory imports", "Nothing has been imported yet.\n"),
    ] {
        let ran = here.ok(list);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", said), "{list}");
    }
}

#[test]
fn the_report_fits_the_available_width() {
    let here = CommandLine::new();
    here.write("administrations.csv", ADMINISTRATIONS);
    here.write("requirements.toml", requirement(""));
    here.ok("requirements apply requirements.toml");
    here.ok("directory import --administrations administrations.csv --partial");
    for (columns, has_names_beside) in [("80", false), ("60", false), ("130", true)] {
        let here = here.like().with("COLUMNS", columns);
        let out = here.ok("report --requirement infosec --as-of 2026-02-01").out;
        let width: usize = columns.parse().expect("a number");
        let longest = out.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        // The table itself has a minimum width.
        assert!(longest <= width.max(80), "{longest} > {width}:\n{out}");
        assert_eq!(
            out.lines().any(|line| line.starts_with("Code") && line.contains("Administration")),
            has_names_beside
        );
        assert!(out.contains("Serviceförvaltningen"), "{out}");
        let trend = here.ok("report --requirement infosec --trend-from 2025-01-31 --trend-to 2026-12-31").out;
        assert!(trend.lines().all(|line| line.chars().count() <= width.max(80)), "{trend}");
        assert_eq!(trend.matches("2026-12-31").count(), 1, "{trend}");
    }
}

#[test]
fn an_unknown_audience_is_warned_about_and_applied() {
    let here = CommandLine::new();
    here.write("administrations.csv", ADMINISTRATIONS);
    here.ok("migrate");
    here.ok("directory import --administrations administrations.csv --partial");
    let audience = "audience = { administrations = [\"SEF\", \"SFE\"], units = [\"Gata\"] }\n";
    here.write("requirements.toml", requirement(audience));
    let ran = here.ok("requirements apply requirements.toml");
    let warning = "Warning: infosec: its audience names the administration SFE and the unit Gata, which the directory does not know; \
                   that binds nobody until HR's files have it.\n";
    assert!(ran.err.contains(warning) && ran.err.contains("version 1 applied"), "{}", ran.err);
    here.write("requirements.toml", requirement("audience = { administrations = [\"SEF\"] }\n"));
    assert!(!here.ok("requirements apply requirements.toml").err.contains("Warning"));
}

#[test]
fn headers_of_another_system_are_shown_and_a_mapping_is_offered() {
    let here = CommandLine::new();
    here.ok("migrate");
    for (header, shown) in [
        (
            "Anställningsnummer;Förnamn;Efternamn\n",
            "begins with \"Anställningsnummer;Förnamn;Efternamn\", which names no column",
        ),
        (
            "Anställningsnummer\tFörnamn\tEfternamn\n",
            "begins with \"Anställningsnummer;Förnamn;Efternamn\", which names no column",
        ),
        ("sep=;\nAnst.nr;Förnamn\n", "begins with \"Anst.nr;Förnamn\", which names no column"),
        ("employee_number;Förnamn;Efternamn\n", "is missing from the header, which has Förnamn, Efternamn besides"),
    ] {
        here.write("employments.csv", header);
        let ran = here.run("directory import --employments employments.csv --partial");
        assert_eq!(ran.code, Some(1), "{header}");
        assert!(ran.err.contains(shown) && ran.err.contains("--mapping"), "{header}: {}", ran.err);
    }
}

#[test]
fn a_personal_identity_number_is_refused_and_not_repeated() {
    let here = CommandLine::new();
    here.write("administrations.csv", ADMINISTRATIONS);
    here.ok("migrate");
    // A made-up number with a wrong check digit, too.
    for number in
        ["850101 2382", "850101\u{2013}2382", "'8501012382", "SE850101238201", "1985-01-01-2382", "850101-2380"]
    {
        here.write(
            "employments.csv",
            format!(
                "employee_number,given_name,family_name,employment_id,administration,form,starts_on\n\
             {number},Anna,Ask,1,SEF,permanent,2026-01-05\n"
            ),
        );
        let ran =
            here.run("directory import --administrations administrations.csv --employments employments.csv --partial");
        assert_eq!(ran.code, Some(1), "{number}");
        assert!(ran.err.contains("personal identity number"), "{number}: {}", ran.err);
        assert!(!ran.err.contains("2382") && !ran.err.contains("850101"), "{}", ran.err);
    }
    let ran = here.run("directory import --administrations administrations.csv --partial --new-person 850101-2382");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("--new-person is a Swedish personal identity number"), "{}", ran.err);
    assert!(!ran.err.contains("2382"), "{}", ran.err);
}

both_databases! {
    async fn an_export_reports_what_it_wrote_and_why_it_has_no_rows(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let here = CommandLine::on(&database);
        let export = "export --administration SEF --as-of 2026-02-26 --output";
        for (file, rows) in [("sef.csv", "3 rows"), ("sef.xlsx", "3 rows")] {
            let ran = here.ok(&format!("{export} {file}"));
            assert!(ran.err.starts_with(&format!("Wrote {rows} of SEF to {file}, as of 2026-02-26, as known at ")), "{}", ran.err);
            here.run(&format!("{export} {file}")).assert_failed("exists already; nothing is overwritten without --force");
            here.ok(&format!("{export} {file} --force"));
        }
        let ran = here.ok("export --administration SEF --as-of 2019-01-01 --output empty.csv");
        assert!(ran.err.contains("Wrote 0 rows of SEF to empty.csv"), "{}", ran.err);
        assert!(ran.err.contains("There is no row: on 2019-01-01 nobody works in SEF whom any requirement binds."), "{}", ran.err);
    }
}

/// Sends a signal as soon as the process catches it.
fn interrupt(child: &Child) {
    let caught = |status: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        // SIGINT is signal 2.
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 0b10 != 0)
    };
    let started = Instant::now();
    while !std::fs::read_to_string(format!("/proc/{}/status", child.id())).is_ok_and(|status| caught(&status)) {
        assert!(started.elapsed() < Duration::from_secs(60), "it never began its work");
        std::thread::yield_now();
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
}

#[rocket::async_test]
async fn long_work_that_is_interrupted_reports_what_was_not_done() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let here = CommandLine::on(&database);
    here.write("administrations.csv", ADMINISTRATIONS);
    here.ok("migrate");
    // Another connection locks the register, so the import is waiting for its turn when it is interrupted.
    let other = Database::connect(&database.url).await.expect("the database is there");
    let mut import = here.command("directory import --administrations administrations.csv --partial");
    let lock = sea_orm::TransactionTrait::begin(&other).await.expect("a transaction");
    lock.execute_unprepared("UPDATE transaction_clock SET at = at").await.expect("locked");
    let mut import = import.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    interrupt(&import);
    let code = import.wait().expect("it ends").code();
    lock.rollback().await.expect("released");
    let mut said = String::new();
    import.stderr.take().expect("its output").read_to_string(&mut said).expect("read");
    assert_eq!(code, Some(130), "{said}");
    assert!(said.starts_with("kurskoll: interrupted: nothing was imported; run the command again"), "{said}");
    assert_eq!(here.ok("directory imports").out, "");
    here.ok("directory import --administrations administrations.csv --partial");
}
