//! Only their owner can read the register's files; nothing is overwritten, and a command that needs a register creates none.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::commands::{small_city_of_files, with_files};
use crate::support::commands::CommandLine;
use crate::support::postgres::{Backend, TestDatabase};
use crate::support::process::Installation;

fn mode(file: &Path) -> u32 {
    let metadata = file.metadata().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    metadata.permissions().mode() & 0o777
}

/// Runs a command with a umask that lets everyone read and write new files.
fn with_open_umask(here: &CommandLine, line: &str) -> Output {
    let command = here.command(line);
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 000 && exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    shell.current_dir(here.path(".")).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.output().expect("a shell");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn only_the_owner_can_read_what_a_command_writes_whatever_the_umask() {
    let here = small_city_of_files();
    std::fs::remove_dir_all(here.path("data")).expect("away");
    for line in [
        "migrate",
        "requirements apply requirements.toml",
        "directory import --administrations adm.csv --employments emp.csv --full",
        "export --administration SEF --output sef.csv",
        "export --administration SEF --output sef.xlsx",
        "backup copy.db",
    ] {
        with_open_umask(&here, line);
    }
    assert_eq!(mode(&here.path("data")), 0o700);
    for name in ["data/kurskoll.db", "sef.csv", "sef.xlsx", "copy.db"] {
        assert_eq!(mode(&here.path(name)), 0o600, "{name}");
    }
}

#[rocket::async_test]
async fn the_journals_of_a_running_service_are_private_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kurskoll.db");
    // An earlier version, or a copy by hand, left it open to all.
    std::fs::write(&file, "").expect("a file");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).expect("its mode");
    let installation = Installation::new(&format!("sqlite:{}", file.display()));
    let serving = installation.serve().await;
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&folder.path().join(format!("kurskoll.db{suffix}"))), 0o600, "{suffix}");
    }
    serving.kill().await;
}

#[test]
fn a_register_that_is_open_to_others_is_closed_to_them() {
    let here = small_city_of_files();
    let file = here.path("data/kurskoll.db");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).expect("its mode");
    let ran = here.ok("platform list");
    assert!(ran.err.contains("data/kurskoll.db was open to others") && ran.err.contains("(644)"), "{}", ran.err);
    assert_eq!(mode(&file), 0o600);
    let ran = here.ok("platform list");
    assert!(!ran.err.contains("was open to others"), "{}", ran.err);
}

#[test]
fn a_file_is_replaced_only_on_request() {
    let here = small_city_of_files();
    for line in ["export --administration SEF --output taken.csv", "backup taken.csv"] {
        here.write("taken.csv", "somebody's");
        here.run(line).assert_failed("taken.csv exists already; nothing is overwritten without --force");
        assert_eq!(std::fs::read(here.path("taken.csv")).expect("the file"), b"somebody's");
        here.ok(&format!("{line} --force"));
        assert_ne!(std::fs::read(here.path("taken.csv")).expect("the file"), b"somebody's");
        assert_eq!(mode(&here.path("taken.csv")), 0o600);
    }
    // Neither is the target of a link.
    std::os::unix::fs::symlink(here.path("emp.csv"), here.path("link.csv")).expect("a link");
    here.run("export --administration SEF --output link.csv").assert_failed("exists already");
}

#[test]
fn the_demo_removes_only_its_own_files() {
    let here = CommandLine::new();
    std::fs::create_dir_all(here.path("data/demo")).expect("a folder");
    here.write("data/demo/notes.txt", "somebody's");
    here.run("demo --people 50 --exit").assert_failed("notes.txt is not the demo's");
    assert_eq!(std::fs::read(here.path("data/demo/notes.txt")).expect("the file"), b"somebody's");
}

/// Commands that are useless on an empty register.
const NEED_A_REGISTER: [&str; 18] = [
    "report --requirement infosec-onboarding",
    "export --administration SEF --output sef.csv",
    "verify",
    "backup copy.db",
    "platform list",
    "platform health",
    "platform rotate-secret larportal",
    "platform profile larportal profile.toml",
    "platform pull now larportal",
    "quarantine list",
    "quarantine show 1",
    "quarantine replay --all",
    "quarantine dismiss 1 --reason settled",
    "results import --platform larportal results.csv",
    "directory imports",
    "directory imports 1",
    "token issue --role city",
    "token rotate-key",
];

#[test]
fn a_command_that_finds_no_register_says_where_it_searched_and_creates_none() {
    let here = CommandLine::new();
    here.write("profile.toml", "");
    here.write("results.csv", "event_id,type,employee_number,course_id,occurred_at\n");
    let place = here.path("data/kurskoll.db");
    for line in NEED_A_REGISTER {
        let ran = here.run(line);
        ran.assert_failed("there is no register at ");
        assert!(ran.err.contains(place.file_name().expect("a name").to_str().expect("text")), "{line}: {}", ran.err);
        assert!(ran.err.contains("kurskoll migrate") && ran.err.contains("/data/kurskoll.db"), "{line}: {}", ran.err);
        assert!(!here.path("data").exists(), "{line} made a register");
    }
    assert!(!here.path("sef.csv").exists() && !here.path("copy.db").exists());
}

#[test]
fn a_file_without_tables_is_no_register() {
    let here = CommandLine::new();
    std::fs::create_dir(here.path("data")).expect("a folder");
    here.write("data/kurskoll.db", "");
    std::fs::set_permissions(here.path("data/kurskoll.db"), PermissionsExt::from_mode(0o600)).expect("its mode");
    here.run("verify").assert_failed("there is no register at ");
    here.ok("migrate");
    here.ok("verify");
}

#[rocket::async_test]
async fn a_postgres_database_without_tables_is_no_register() {
    let database = TestDatabase::empty(Backend::Postgres).await;
    let here = CommandLine::on(&database);
    for line in ["verify", "report --requirement infosec-onboarding"] {
        here.run(line).assert_failed("there is no register at postgres");
    }
    // A password in the URL is not shown.
    let with_password = database.url.replace("postgres@", "postgres:geheim@");
    let ran = here.like().with("ROCKET_DATABASE_URL", &with_password).run("verify");
    ran.assert_failed("there is no register at postgres");
    assert!(!ran.err.contains("geheim"), "{}", ran.err);
    with_files(here).ok("verify");
}

#[test]
fn the_first_commands_of_a_new_user_create_the_register() {
    let files = small_city_of_files();
    for line in [
        "migrate",
        "platform add larportal",
        "requirements apply requirements.toml",
        "directory import --administrations adm.csv --employments emp.csv --full",
    ] {
        std::fs::remove_dir_all(files.path("data")).expect("away");
        files.ok(line);
        assert_eq!(mode(&files.path("data/kurskoll.db")), 0o600, "{line}");
    }
}
