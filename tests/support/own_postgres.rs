//! A PostgreSQL server of a test's own, on which the test can cause faults: see `scripts/postgres.sh`.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A server; dropping it stops it and removes its files.
#[derive(Debug)]
pub struct OwnPostgres {
    state: PathBuf,
    variables: Vec<(&'static str, String)>,
    /// The URL of its database `postgres`.
    pub url: String,
    _folder: TempDir,
}

fn script(state: &Path, variables: &[(&str, String)], arguments: &[&str]) -> String {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres.sh"));
    command
        .args(arguments)
        .env("KURSKOLL_POSTGRES_STATE", state)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let output = command.output().expect("the script runs");
    assert!(output.status.success(), "postgres.sh {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A folder in which the server's user may create its own.
fn open_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("kurskoll-own-postgres-").tempdir().expect("a folder");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("its mode");
    }
    folder
}

impl OwnPostgres {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// * `variables`: the server's environment, such as that of `Faults`; only the server gets `LD_PRELOAD`.
    pub fn start_with(variables: &[(&'static str, String)]) -> Self {
        let folder = open_folder();
        let state = folder.path().join("state");
        let own: Vec<(&'static str, String)> = variables
            .iter()
            .map(|(name, value)| {
                (if *name == "LD_PRELOAD" { "KURSKOLL_POSTGRES_PRELOAD" } else { name }, value.clone())
            })
            .collect();
        let watched = std::process::id().to_string();
        let url = script(&state, &own, &["start", &watched]);
        Self { state, variables: own, url, _folder: folder }
    }

    /// A synchronous standby of it.
    pub fn standby(&self) -> Self {
        let folder = open_folder();
        let state = folder.path().join("state");
        let url = script(&self.state, &[], &["standby", &state.display().to_string()]);
        Self { state, variables: Vec::new(), url, _folder: folder }
    }

    /// `crash`, `again`, `freeze`, `thaw` or `promote`.
    pub fn let_happen(&self, what: &str) {
        script(&self.state, &self.variables, &[what]);
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        let (_, rest) = self.url.split_once('@').expect("a user");
        rest.split('/').next().expect("an address").to_owned()
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        let stop = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres.sh"))
            .arg("stop")
            .env("KURSKOLL_POSTGRES_STATE", &self.state)
            .status();
        if !stop.is_ok_and(|status| status.success()) {
            eprintln!("the server in {} stays behind", self.state.display());
        }
    }
}
