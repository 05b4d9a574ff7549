//! The service as an operator runs it: `kurskoll serve`, a process of its own, its log in a file.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Failure;
use super::databases::Database;

/// A running service; dropping it ends it.
#[derive(Debug)]
pub struct Service {
    pub child: Child,
    /// `127.0.0.1:PORT`
    pub address: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        // What it answered is durable: it need not stop cleanly.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Service {
    /// Starts the service on a database, and returns when it listens.
    pub async fn start(database: &Database, folder: &Path) -> Result<Self, Failure> {
        let log = folder.join("serve.log");
        let child = Command::new(env!("CARGO_BIN_EXE_kurskoll"))
            .arg("serve")
            .current_dir(folder)
            .env("ROCKET_DATABASE_URL", &database.url)
            .env("ROCKET_PORT", "0")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut service = Self { child, address: String::new() };
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            let text = std::fs::read_to_string(&log)?;
            let listening = text.lines().find(|line| line.contains("\"listening\""));
            let port = listening.and_then(|line| line.split("\"port\":").nth(1));
            let port = port.map(|rest| rest.split(|c: char| !c.is_ascii_digit()));
            if let Some(port) = port.and_then(|mut parts| parts.next()).filter(|port| !port.is_empty() && *port != "0")
            {
                service.address = format!("127.0.0.1:{port}");
                return Ok(service);
            }
            if service.child.try_wait()?.is_some() {
                return Err(format!("the service ended at once: {text}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("the service does not listen after a minute".into())
    }
}
