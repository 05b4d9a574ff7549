//! The built binary, run in a folder of its own as an operator runs it: through a pipe.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

use super::postgres::TestDatabase;

/// A folder, and the variables of its commands. The register is in the folder unless a variable says otherwise.
#[derive(Debug, Clone)]
pub struct CommandLine {
    folder: Arc<TempDir>,
    variables: Vec<(String, String)>,
}

/// The result of a command.
#[derive(Debug)]
pub struct Ran {
    pub line: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl CommandLine {
    pub fn new() -> Self {
        Self { folder: Arc::new(tempfile::tempdir().expect("a folder can be made")), variables: Vec::new() }
    }

    /// On a database that others may use.
    pub fn on(database: &TestDatabase) -> Self {
        Self::new().with("ROCKET_DATABASE_URL", &database.url)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another in the same folder, whose variables may differ.
    pub fn like(&self) -> Self {
        self.clone()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file can be written");
    }

    /// A command with these arguments, ready to run: it gets nothing of the tests' own environment.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kurskoll"));
        command.args(line.split_whitespace()).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("COLUMNS", "100");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command; its arguments are separated by spaces.
    pub fn run(&self, line: &str) -> Ran {
        let output = self.command(line).output().expect("the binary runs");
        let ran = Ran {
            line: line.to_owned(),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        };
        let is_quiet = !ran.err.contains(['\r', '\u{1b}']) && !ran.out.contains('\u{1b}');
        assert!(is_quiet, "{line} draws in a pipe: {:?} {:?}", ran.out, ran.err);
        ran
    }

    /// Runs a command that succeeds.
    pub fn ok(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.err);
        ran
    }
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}: not JSON: {}", self.line, self.out))
    }

    /// Asserts exit code 1 and only an error sentence that contains this.
    pub fn assert_failed(&self, wanted: &str) {
        let Self { line, code, out, err } = self;
        assert_eq!((*code, out.as_str()), (Some(1), ""), "{line}: {err}");
        let sentence = err.strip_suffix('\n').unwrap_or(err);
        let is_one = !sentence.contains('\n') && sentence.starts_with("kurskoll: ") && sentence.contains(wanted);
        assert!(is_one, "{line} does not say {wanted:?} in one sentence: {err}");
    }
}
