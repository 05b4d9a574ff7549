//! SQLite on a disk that fails.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tempfile::TempDir;

use super::trial::Trial;
use super::tries_all;
use crate::support::commands::CommandLine;
use crate::support::faults::{EINTR, EIO, ENOSPC, Fault, Faults, KILL, OPEN, READ, SHORT_WRITE, SYNC, TRUNCATE, WRITE};

/// The name of the register's file; the names of its journals begin with it.
const FILE: &str = "kurskoll.db";

/// A prepared register that others are copied from.
struct Template {
    folder: TempDir,
    prepared: Trial,
}

fn url_in(folder: &Path) -> String {
    format!("sqlite:{}", folder.join(FILE).display())
}

impl Template {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let prepared = Trial::prepare(&url_in(folder.path()));
        Self { folder, prepared }
    }

    /// A copy in a folder, not yet served.
    fn copy_to(&self, folder: &Path) -> Trial {
        // A command leaves its newest commits in the journal when it ends.
        for name in [FILE.to_owned(), format!("{FILE}-wal")] {
            let from = self.folder.path().join(&name);
            if from.exists() {
                std::fs::copy(from, folder.join(&name)).expect("copied");
            }
        }
        Trial::of(&url_in(folder), CommandLine::new(), self.prepared.secret().clone())
    }
}

/// A fault: calls, error, and how many of these calls a test goes through.
const FAULTS: [(i64, i64, i64); 12] = [
    (WRITE, ENOSPC, 40),
    (WRITE, EIO, 40),
    (WRITE, EINTR, 20),
    (WRITE, SHORT_WRITE, 20),
    (SYNC, EIO, 12),
    (SYNC, ENOSPC, 8),
    (SYNC, EINTR, 8),
    (OPEN, EIO, 4),
    (OPEN, ENOSPC, 4),
    (TRUNCATE, EIO, 4),
    (READ, EIO, 20),
    (READ, EINTR, 8),
];

/// Every number up to the last, or a sample of them.
fn numbers(last: i64) -> Vec<i64> {
    let all = 1..=last;
    if tries_all() { all.collect() } else { all.filter(|number| matches!(number, 1 | 2 | 5 | 13)).collect() }
}

/// Sends until the armed faults have happened, or no matching call is made; then lifts the faults.
async fn let_happen(trial: &mut Trial, faults: &Faults, armed: &[Fault]) {
    for _ in 0..12 {
        trial.send_new().await;
        let is_over = |(plan, fault): (usize, &Fault)| fault.times > 0 && faults.failed(plan) >= fault.times;
        if armed.iter().enumerate().all(is_over) {
            break;
        }
    }
    for plan in 0..armed.len() {
        faults.lift(plan);
    }
}

/// Applies faults to one service, one after another, and checks the result after each.
async fn happen_in_turn(series: impl IntoIterator<Item = Vec<Fault>>) {
    let template = Template::new();
    let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut trial = template.copy_to(folder.path());
    let faults = Faults::none();
    trial.serve_with(&faults.variables(FILE)).await;
    let connection = trial.connect().await;
    trial.send_new().await;
    let mut happened = 0;
    for armed in series {
        let after = format!("{armed:?}");
        for (plan, fault) in armed.iter().enumerate() {
            faults.arm(plan, *fault);
        }
        let_happen(&mut trial, &faults, &armed).await;
        happened += armed.iter().enumerate().map(|(plan, _)| faults.failed(plan)).sum::<i64>();
        trial.recover(&after).await;
        trial.assert_stored(&connection, &after).await;
        trial.assert_reported(&after).await;
    }
    assert!(happened > 0, "nothing failed");
    connection.close().await.expect("closed");
    trial.assert_whole(template.copy_to(other.path()), "all of them").await;
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_whichever_call_fails() {
    let series = FAULTS.into_iter().flat_map(|(kinds, how, last)| {
        numbers(last).into_iter().flat_map(move |from| [1, 3].map(|times| vec![Fault { kinds, from, times, how }]))
    });
    happen_in_turn(series).await;
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_when_two_calls_fail() {
    let firsts = [(WRITE, ENOSPC), (WRITE, EIO), (SYNC, EIO), (READ, EIO)];
    let seconds = [(WRITE, EIO), (SYNC, EIO), (OPEN, EIO), (READ, EIO), (TRUNCATE, EIO)];
    let last = if tries_all() { 12 } else { 2 };
    let series = firsts.into_iter().flat_map(move |(kinds, how)| {
        let first = move |from| Fault { kinds, from, times: 1, how };
        seconds.into_iter().flat_map(move |(kinds, how)| {
            (1..=last).flat_map(move |from| {
                let second = move |from| Fault { kinds, from, times: 1, how };
                let further = if tries_all() { vec![1, 2, 3, 5, 8] } else { vec![1 + from] };
                further.into_iter().map(move |other| vec![first(from), second(other)])
            })
        })
    });
    happen_in_turn(series).await;
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_while_nothing_can_be_written_for_a_while() {
    let series = [(WRITE, ENOSPC), (WRITE, EIO), (SYNC, EIO), (WRITE + SYNC + OPEN + TRUNCATE, ENOSPC), (READ, EIO)];
    happen_in_turn(
        series.into_iter().flat_map(|(kinds, how)| [1, 7].map(|from| vec![Fault { kinds, from, times: 0, how }])),
    )
    .await;
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_wherever_the_process_is_killed() {
    let template = Template::new();
    let folder = tempfile::tempdir().expect("a folder");
    let mut trial = template.copy_to(folder.path());
    let faults = Faults::none();
    let variables = faults.variables(FILE);
    for (kinds, last) in [(WRITE, 40), (SYNC, 10), (TRUNCATE, 2)] {
        let numbers = if tries_all() { numbers(last) } else { vec![2, 5] };
        for from in numbers {
            trial.serve_with(&variables).await;
            faults.arm(0, Fault { kinds, from, times: 1, how: KILL });
            for _ in 0..40 {
                trial.send_new().await;
                if faults.failed(0) > 0 {
                    break;
                }
            }
            let has_killed = faults.failed(0) > 0;
            faults.lift(0);
            if has_killed {
                trial.killed_itself().await;
            } else {
                trial.kill().await;
            }
            let after = format!("killed at {kinds} {from}");
            let connection = trial.connect().await;
            trial.assert_stored(&connection, &after).await;
            connection.close().await.expect("closed");
        }
    }
    trial.serve().await;
    let other = tempfile::tempdir().expect("a folder");
    trial.assert_whole(template.copy_to(other.path()), "every kill").await;
}

/// A small disk of its own.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` if this machine does not allow a mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "kurskoll"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder)),
            refused => {
                eprintln!("left out, since no tmpfs can be mounted here (it takes root): {refused:?}");
                None
            }
        }
    }

    /// Uses all free space.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.path().join("filler")).expect("a file");
        while file.write_all(&[1; 4096]).is_ok() {}
        while file.write_all(&[1]).is_ok() {}
    }

    fn free_space(&self) {
        std::fs::remove_file(self.0.path().join("filler")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(self.0.path()).status());
    }
}

#[rocket::async_test]
async fn an_answered_delivery_is_stored_while_the_disk_is_full() {
    let Some(disk) = SmallDisk::mount() else { return };
    let template = Template::new();
    let mut trial = template.copy_to(disk.0.path());
    trial.serve_with(&[]).await;
    let connection = trial.connect().await;
    for round in 0..if tries_all() { 12 } else { 3 } {
        let after = format!("full {round}");
        trial.send_new().await;
        disk.fill();
        // Pages that the journal already has may still accept some.
        let mut refused = 0;
        for _ in 0..40 {
            refused += usize::from(trial.send_new().await == 0);
            if refused > round {
                break;
            }
        }
        assert!(refused > 0, "the disk was not full");
        disk.free_space();
        trial.recover(&after).await;
        trial.assert_stored(&connection, &after).await;
        trial.assert_reported(&after).await;
    }
    connection.close().await.expect("closed");
    let other = tempfile::tempdir().expect("a folder");
    trial.assert_whole(template.copy_to(other.path()), "a full disk").await;
}

#[rocket::async_test]
async fn what_a_command_reports_as_done_is_done() {
    let template = Template::new();
    let folder = tempfile::tempdir().expect("a folder");
    let trial = template.copy_to(folder.path());
    let faults = Faults::none();
    let faulty =
        faults.variables(FILE).into_iter().fold(trial.here.like(), |here, (name, value)| here.with(name, &value));
    let connection = trial.connect().await;
    let header = "employee_number,given_name,family_name,employment_id,administration,form,starts_on";
    let mut failures = 0;
    for (kinds, how) in [(WRITE, ENOSPC), (WRITE, EIO), (SYNC, EIO), (READ, EIO)] {
        for from in if tries_all() { numbers(30) } else { vec![2, 9] } {
            let number = format!("{}", 20_000 + kinds * 2000 + how * 40 + from);
            let name = format!("{number}.csv");
            trial
                .here
                .write(&name, format!("{header}\n{number},Ny,Person {number},a-{number},SEF,permanent,2026-01-01\n"));
            faults.arm(0, Fault { kinds, from, times: 1, how });
            let line = format!("directory import --employments {name} --partial");
            let ran = faulty.run(&line);
            faults.lift(0);
            let known = format!("SELECT number FROM employee WHERE number = '{number}'");
            let count = async || {
                let rows = connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, known.clone())).await;
                rows.expect("rows").len()
            };
            if ran.code == Some(0) {
                assert_eq!(count().await, 1, "{line} reported that it was done: {}", ran.err);
            } else {
                failures += 1;
                assert_eq!(ran.code, Some(1), "{line}: {}", ran.err);
            }
            trial.here.ok(&line);
            assert_eq!(count().await, 1, "{line}");
        }
    }
    assert!(failures > 0, "nothing failed");
    connection.close().await.expect("closed");
    trial.here.ok("verify");
}
