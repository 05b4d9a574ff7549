//! What the running service answers, how long that takes, and how much memory it needs for it.

use std::time::{Duration, Instant};

use crate::support::Failure;
use crate::support::service::Service;

/// Somebody who asks the service over HTTP, with a token.
#[derive(Debug)]
pub struct Asking<'a> {
    pub service: &'a Service,
    pub client: reqwest::Client,
    pub token: String,
}

/// An answer that was read to its end.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    pub took: Duration,
    pub bytes: usize,
    pub lines: usize,
}

impl Asking<'_> {
    /// Asks, and reads the answer without keeping it.
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

/// The most memory that a process has had at a time since it was last asked to forget, in MiB.
pub fn peak_memory(service: &Service) -> Result<f64, Failure> {
    memory(service, "VmHWM:")
}

/// The memory that a process has now, in MiB; its peak is forgotten.
pub fn memory_from_now(service: &Service) -> Result<f64, Failure> {
    std::fs::write(format!("/proc/{}/clear_refs", service.child.id()), "5")?;
    memory(service, "VmRSS:")
}

fn memory(service: &Service, name: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line in /proc")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
