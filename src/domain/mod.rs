//! The rules, and nothing else: pure functions over plain types. No database, no clock, no HTTP.
//!
//! Everything that decides lives here: when a training expires (`compliance`), who a learner is (`linking`),
//! who may see what (`access`), how a figure is rounded (`rate`). Other rooms ask; none decides again.
//! Start at `compliance::state`: one person, one requirement, one day.

pub mod access;
pub mod approval;
pub mod calendar;
pub mod clock_skew;
pub mod compliance;
pub mod directory;
pub mod history;
pub mod ids;
pub mod linking;
pub mod platform_health;
pub mod pulling;
pub mod quarantine;
pub mod rate;
pub mod report;
pub mod training;
