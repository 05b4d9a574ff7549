//! Pages of the database's file that were overwritten: `verify` notices them, and `backup` does not copy them silently.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database};

use super::bending::register_with_everything;
use crate::support::app::TestApp;
use crate::support::commands::{CommandLine, Ran};
use crate::support::postgres::{Backend, TestDatabase};

/// SQLite's page size.
const PAGE: u64 = 4096;

/// Reproducible pseudo-random numbers.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// Overwrites that many pages of a file, but none without which it is not a database.
fn overwrite_pages(file: &Path, pages: usize, chance: &mut Chance) {
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(file).expect("the file");
    let length = file.metadata().expect("its length").len() / PAGE;
    for _ in 0..pages {
        let page = 1 + chance.next() % (length - 1);
        let bytes: Vec<u8> = (0..PAGE).map(|_| chance.next().to_le_bytes()[0]).collect();
        file.seek(SeekFrom::Start(page * PAGE)).expect("a place");
        file.write_all(&bytes).expect("written");
    }
}

fn assert_said(ran: &Ran, trial: usize) {
    assert_eq!(ran.code, Some(1), "trial {trial}: {ran:?}");
    assert!(!ran.err.contains("panicked"), "trial {trial}: {}", ran.err);
    assert!(!ran.err.contains("all is as it was recorded"), "trial {trial}: {}", ran.err);
    assert!(ran.err.lines().last().is_some_and(|last| last.starts_with("kurskoll: ")), "trial {trial}: {}", ran.err);
}

/// A register in a file that no process has open.
async fn closed_register() -> (TestDatabase, std::path::PathBuf) {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    register_with_everything(&app).await;
    app.stop().await;
    let connection = Database::connect(ConnectOptions::new(&database.url)).await.expect("the database is there");
    connection.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.expect("one file");
    connection.close().await.expect("closed");
    let file = database.url.trim_start_matches("sqlite://").split('?').next().expect("a path").into();
    (database, file)
}

fn at(file: &Path) -> CommandLine {
    CommandLine::new().with("ROCKET_DATABASE_URL", &format!("sqlite://{}", file.display()))
}

#[rocket::async_test]
async fn overwritten_pages_are_noticed_and_not_copied() {
    let (_database, sound) = closed_register().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut chance = Chance(20_260_226);
    for trial in 0..12 {
        let bent = folder.path().join(format!("{trial}.db"));
        std::fs::copy(&sound, &bent).expect("a copy");
        overwrite_pages(&bent, 25, &mut chance);
        let here = at(&bent);
        assert_said(&here.run("verify"), trial);
        let ran = here.run("backup copy.db");
        assert_said(&ran, trial);
        assert!(!here.path("copy.db").exists(), "trial {trial}: {}", ran.err);
    }
    at(&sound).ok("verify");
    at(&sound).ok("backup copy.db");
}

#[rocket::async_test]
async fn an_index_that_lacks_a_row_is_noticed_though_the_copy_would_have_it() {
    let (database, file) = closed_register().await;
    // The index of events by course is left as it is while the table changes: SQLite takes it for another's.
    let mut options = ConnectOptions::new(&database.url);
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.expect("the database is there");
    for sql in [
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'event (course_id)', 'event (quiz_id)') WHERE name = 'event_course'",
        "PRAGMA writable_schema = RESET",
    ] {
        connection.execute_unprepared(sql).await.expect("a schema that lies");
    }
    connection.close().await.expect("closed");
    let here = at(&file);
    let ran = here.run("verify");
    assert_said(&ran, 0);
    assert!(ran.out.contains("the database's file should be sound, and is not: "), "{}", ran.out);
    let ran = here.run("backup copy.db");
    assert_said(&ran, 0);
    assert!(ran.err.contains("event_course"), "{}", ran.err);
    assert!(!here.path("copy.db").exists());
    let ran = here.run("backup copy.db --even-if-damaged");
    assert_said(&ran, 0);
    assert!(here.path("copy.db").exists());
}

#[rocket::async_test]
async fn a_changed_byte_of_a_body_is_noticed_though_the_pages_are_sound() {
    let (_database, sound) = closed_register().await;
    let mut bytes = Vec::new();
    std::fs::File::open(&sound).expect("the file").read_to_end(&mut bytes).expect("read");
    let body = b"\"course\":{\"id\":\"infosec-basics-2023\"}";
    // A free page may contain it, too.
    let places: Vec<usize> = (0..bytes.len() - body.len()).filter(|at| bytes[*at..].starts_with(body)).collect();
    assert!(!places.is_empty(), "a body in the file");
    for place in places {
        bytes[place + body.len() - 3] = b'4';
    }
    let folder = tempfile::tempdir().expect("a folder");
    let bent = folder.path().join("bent.db");
    std::fs::write(&bent, bytes).expect("written");
    let ran = at(&bent).run("verify");
    assert_said(&ran, 0);
    assert!(ran.out.contains("delivery ") && ran.out.contains("body should be what has the digest "), "{}", ran.out);
    assert!(ran.out.contains("its signature should be over "), "{}", ran.out);
}
