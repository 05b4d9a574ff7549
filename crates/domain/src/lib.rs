//! The rules only: pure functions over plain types. No database, no clock, no HTTP.
//!
//! All decisions are made here: when a training expires (`compliance`), which employee a learner is (`linking`), what a
//! caller may see (`access`), how a figure is rounded (`rate`). Other layers call these rules and decide nothing. Start
//! at `compliance::state`: one person, one requirement, one day.

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
pub mod receiving;
pub mod report;
pub mod training;
