//! A PostgreSQL server of a test's own, which the test may stop, freeze, start again and fill with connections.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tempfile::TempDir;

use super::process::is_root;

/// The server; ends with the test.
#[derive(Debug)]
pub struct FrailPostgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// Further arguments for `postgres`, as `-c max_connections=12`.
    settings: String,
}

impl FrailPostgres {
    /// Makes a server and starts it.
    pub fn start(settings: &str) -> Self {
        let programs = programs().expect("a PostgreSQL server is installed");
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let server = Self { programs, folder, port, settings: settings.to_owned() };
        if is_root() {
            let owner = server.folder.path().to_string_lossy().into_owned();
            succeeded(Command::new("chown").args([SERVER_USER, &owner]).output());
        }
        let data = format!("--pgdata={}", server.data().display());
        let make = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", &data];
        succeeded(server.program("initdb", &make).output());
        server.start_again();
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of the server's programs, run as another user than root, which the server refuses.
    fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", SERVER_USER, "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).current_dir("/").stdin(std::process::Stdio::null());
        command
    }

    fn control(&self, arguments: &[&str]) {
        let data = format!("--pgdata={}", self.data().display());
        let log = format!("--log={}", self.folder.path().join("data/log").display());
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--silent", &data, &log]).collect();
        succeeded(self.program("pg_ctl", &arguments).output());
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns when it accepts connections.
    pub fn start_again(&self) {
        let options = format!(
            "--options=-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c shared_buffers=8MB {}",
            self.port, self.settings
        );
        self.control(&["start", "--wait", &options]);
    }

    /// Stops it as a crash does, without a clean shutdown.
    pub fn crash(&self) {
        self.control(&["stop", "--mode=immediate", "--wait"]);
    }

    /// Freezes every process of the server (SIGSTOP).
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let main = std::fs::read_to_string(self.data().join("postmaster.pid")).expect("it runs");
        let main = main.lines().next().expect("a process").trim().to_owned();
        // The children first: the main process would start others.
        let children = Command::new("pgrep").args(["-P", &main]).output().expect("pgrep");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        succeeded(Command::new("kill").args([signal, &main]).output());
        // Those that have ended meanwhile need no signal.
        drop(Command::new("kill").arg(signal).args(children.split_whitespace()).output());
    }

    /// Connections for statements of the test.
    pub async fn connections(&self, at_most: u32) -> DatabaseConnection {
        let mut options = ConnectOptions::new(self.url());
        options.max_connections(at_most).sqlx_logging(false);
        Database::connect(options).await.expect("the server answers")
    }
}

impl Drop for FrailPostgres {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.thaw();
            self.crash();
        }
    }
}

const SERVER_USER: &str = "postgres";

fn succeeded(output: std::io::Result<Output>) {
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The folder of the newest server on this machine.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.sort();
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect::<Vec<_>>());
    found.into_iter().rev().find(|folder| folder.join("initdb").exists() && Path::join(folder, "pg_ctl").exists())
}

/// How long until a condition holds, checked repeatedly; fails after the limit.
pub async fn holds_within(limit: Duration, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < limit, "not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    started.elapsed()
}
