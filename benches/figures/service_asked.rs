//! What the running service answers, how long it takes, and how much memory it needs.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::Failure;
use crate::support::databases::Database;
use crate::support::service::Service;

/// A client of the service, with a token.
#[derive(Debug)]
pub struct Asking<'a> {
    pub service: &'a Service,
    pub client: reqwest::Client,
    pub token: String,
}

/// An answer that was read to the end.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    pub took: Duration,
    pub bytes: usize,
    pub lines: usize,
}

impl Asking<'_> {
    /// Sends a request, and reads the answer without storing it.
    pub async fn get(&self, path: &str) -> Result<Answered, Failure> {
        let begun = Instant::now();
        let url = format!("http://{}{path}", self.service.address);
        let mut answer = self.client.get(url).bearer_auth(&self.token).send().await?;
        if answer.status() != 200 {
            return Err(format!("{path} is answered {}: {}", answer.status(), answer.text().await?).into());
        }
        let (mut bytes, mut lines) = (0, 0);
        while let Some(piece) = answer.chunk().await? {
            bytes += piece.len();
            lines += piece.iter().filter(|byte| **byte == b'\n').count();
        }
        Ok(Answered { took: begun.elapsed(), bytes, lines })
    }

    /// The fastest of several times.
    pub async fn fastest(&self, times: usize, path: &str) -> Result<Answered, Failure> {
        let mut fastest = self.get(path).await?;
        for _ in 1..times {
            let again = self.get(path).await?;
            if again.took < fastest.took {
                fastest = again;
            }
        }
        Ok(fastest)
    }
}

/// The most memory that a process used at once since its peak was last reset, in MiB.
pub fn peak_memory(service: &Service) -> Result<f64, Failure> {
    memory(service, "VmHWM:")
}

/// The memory that a process uses now, in MiB. This resets its peak.
pub fn memory_from_now(service: &Service) -> Result<f64, Failure> {
    std::fs::write(format!("/proc/{}/clear_refs", service.child.id()), "5")?;
    memory(service, "VmRSS:")
}

/// A `kurskoll verify` that ran to its end.
#[derive(Debug)]
pub struct Verified {
    pub took: Duration,
    /// The most memory that it used, in MiB.
    pub peak: f64,
    /// Its last line.
    pub said: String,
}

/// Runs `kurskoll verify` while the service runs; fails if it finds a difference.
pub async fn verify(database: &Database, folder: &Path) -> Result<Verified, Failure> {
    let begun = Instant::now();
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_kurskoll"))
        .arg("verify")
        .current_dir(folder)
        .env("ROCKET_DATABASE_URL", &database.url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let id = child.id().ok_or("it has ended")?;
    let mut peak = 0.0;
    while child.try_wait()?.is_none() {
        // If it ends in the meantime, the last figure counts.
        peak = memory_of(id, "VmHWM:").unwrap_or(peak);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = begun.elapsed();
    let output = child.wait_with_output().await?;
    let said = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    if !output.status.success() {
        return Err(format!("verify: {said}\n{}", String::from_utf8_lossy(&output.stdout)).into());
    }
    Ok(Verified { took, peak, said })
}

fn memory(service: &Service, name: &str) -> Result<f64, Failure> {
    memory_of(service.child.id(), name)
}

fn memory_of(process: u32, name: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line in /proc")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
