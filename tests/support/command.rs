//! The built binary, run as an operator runs it.

use std::path::Path;
use std::process::Command;

use super::postgres::TestDatabase;

/// The result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `kurskoll` in a folder, on a database, without any configuration file or variable of the machine's.
pub fn kurskoll(database: &TestDatabase, folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kurskoll"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROCKET_")) {
        command.env_remove(name);
    }
    let output = command
        .current_dir(folder)
        .env("ROCKET_DATABASE_URL", &database.url)
        .args(arguments)
        .output()
        .expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
