//! What every fuzz target does with bytes, a module for each. It reads them as anyone outside could send them, and
//! checks what must be true of what was read. A panic is a finding.
//!
//! `fuzz_targets/` feeds these functions with bytes that libFuzzer makes up; `tests/fuzz_seeds.rs` includes this very
//! file and feeds them with all seeds and fixtures, on every run of the ordinary tests.

pub mod answers;
pub mod files;
pub mod json;
pub mod multipart;
pub mod profiles;
pub mod query;
pub mod requirements;
pub mod scim;
pub mod signature;
pub mod statements;
pub mod webhooks;

use chrono::{DateTime, Utc};
use kurskoll_domain::training::{ReportedResult, ResultKind};

/// Separates the parts of an input if a target takes several: the record separator, which no format here needs.
const SEPARATOR: u8 = 0x1e;

/// The parts of an input that has several.
fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == SEPARATOR).collect()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// 2026-11-01T12:00:00Z, when everything is received.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_534_400, 0).unwrap_or_default()
}

/// Checks what must hold for every result, from every source.
fn check_results(results: &[ReportedResult]) {
    for result in results {
        assert!(!result.learner.is_empty(), "nobody did it: {result:?}");
        assert!(result.occurred_at <= now() + chrono::TimeDelta::hours(24), "it has not happened yet: {result:?}");
        if let ResultKind::Attempt { score: Some(score), .. } = &result.kind {
            assert!(score.percent().to_string().contains('.'), "one decimal: {score:?}");
        }
    }
}
