//! `kurskoll serve` as a process of its own, which can be stopped or killed.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rocket::tokio::io::{AsyncBufReadExt, BufReader, Lines};
use rocket::tokio::process::{Child, ChildStderr, Command};
use serde_json::Value;
use tempfile::TempDir;

use kurskoll::intake::webhook::signature::WebhookSecret;

/// A folder to run in, and the database that its commands use.
#[derive(Debug)]
pub struct Installation {
    folder: TempDir,
    database_url: String,
    variables: Vec<(String, String)>,
    /// Whether its commands have only the rights to files that their modes give, also if the tests run as root.
    is_bound_by_modes: bool,
}

/// The user of such an installation's commands if the tests run as root.
const NOBODY: u32 = 65534;

impl Installation {
    pub fn new(database_url: &str) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            database_url: database_url.to_owned(),
            variables: Vec::new(),
            is_bound_by_modes: false,
        }
    }

    /// The same, but files are read-only to its commands if their modes say so, including a database file in its folder.
    pub fn bound_by_modes(self) -> Self {
        let installation = Self { is_bound_by_modes: true, ..self };
        if is_root() {
            // The tests' own folder may be accessible to root only.
            let (built, own) = (Path::new(env!("CARGO_BIN_EXE_kurskoll")), installation.folder().join("kurskoll"));
            std::fs::hard_link(built, &own).or_else(|_| std::fs::copy(built, &own).map(drop)).expect("the binary");
            std::os::unix::fs::chown(installation.folder(), Some(NOBODY), Some(NOBODY)).expect("its folder");
        }
        installation
    }

    /// Lets the commands write a file, or only read it.
    pub fn may_write(&self, file: &Path, may: bool) {
        if is_root() {
            std::os::unix::fs::chown(file, Some(if may { NOBODY } else { 0 }), None).expect("its owner");
            std::fs::set_permissions(file, PermissionsExt::from_mode(0o644)).expect("its mode");
        } else {
            std::fs::set_permissions(file, PermissionsExt::from_mode(if may { 0o600 } else { 0o400 }))
                .expect("its mode");
        }
    }

    /// The same with variables of the environment.
    pub fn with_variables(self, variables: &[(&str, String)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Self { variables, ..self }
    }

    /// Writes a file into the working folder.
    pub fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder().join(name), content).expect("written");
    }

    /// The built binary with arguments, and none of the machine's configuration.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = if self.is_bound_by_modes && is_root() {
            let mut command = Command::new("setpriv");
            let nobody = NOBODY.to_string();
            command
                .args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"])
                .arg(self.folder().join("kurskoll"));
            command
        } else {
            Command::new(env!("CARGO_BIN_EXE_kurskoll"))
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ROCKET_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder()).env("ROCKET_DATABASE_URL", &self.database_url);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Runs a command to its end; returns its output.
    pub async fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().await.expect("the binary runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs a command that fails with exit code 1; returns its error.
    pub async fn fails(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().await.expect("the binary runs");
        let reported = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {reported}");
        reported
    }

    /// Adds a platform; returns its secret.
    pub async fn platform(&self, code: &str) -> WebhookSecret {
        let printed = self.run(&["platform", "add", code]).await;
        WebhookSecret::parse(printed.lines().last().expect("a last line")).expect("a secret")
    }

    /// Starts the service on a free port, and returns when it listens.
    pub async fn serve(&self) -> Serving {
        self.serve_with(&[]).await
    }

    /// The same with variables of its own.
    pub async fn serve_with(&self, variables: &[(&str, String)]) -> Serving {
        let mut command = self.command(&["serve"]);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        // Rocket waits that grace before it checks whether the last connection is closed.
        command.env("ROCKET_PORT", "0").env("ROCKET_SHUTDOWN", "{grace=1,mercy=1}");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut log = BufReader::new(child.stderr.take().expect("its log")).lines();
        let port = port_of(&mut log).await.expect("it listens");
        // The rest is read too: a full pipe would block the service.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Serving { child, address: format!("http://127.0.0.1:{port}") }
    }
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The port on which the service listens, from its log; the log, if it ends before that.
async fn port_of(log: &mut Lines<BufReader<ChildStderr>>) -> Result<u64, String> {
    let mut reported = String::new();
    while let Some(line) = log.next_line().await.expect("a log") {
        let entry: Value = serde_json::from_str(&line).unwrap_or_default();
        if entry["message"] == "listening"
            && let Some(port) = entry["port"].as_u64()
        {
            return Ok(port);
        }
        reported.push_str(&line);
    }
    Err(reported)
}

/// A service that runs.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    pub address: String,
}

impl Serving {
    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.expect("it ends")
    }

    /// Kills it at once (SIGKILL).
    pub async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends it a signal, as `STOP`.
    pub async fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([format!("-{signal}"), self.id().to_string()]).status().await;
        assert!(sent.expect("kill runs").success());
    }

    /// Asks it to stop (SIGTERM), and returns when it has.
    pub async fn stop(mut self) -> ExitStatus {
        let id = self.child.id().expect("it runs").to_string();
        let requested = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status().await.expect("a shell");
        assert!(requested.success());
        self.child.wait().await.expect("it ends")
    }
}
