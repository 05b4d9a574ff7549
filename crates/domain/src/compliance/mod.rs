//! When is a person trained? Requirements, evidence, timelines, assignments and the status of a day.
//!
//! DESIGN, section 2, as pure functions. [`state::Case::on`] judges one person, one requirement and one day and is the
//! only place that decides a status; [`span`] cuts a person's days into spans on which the judgement stays the same.

pub mod assignment;
pub mod definition;
pub mod effect;
pub mod evidence;
pub mod requirement;
pub mod span;
pub mod state;
pub mod withdrawal;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub use requirement::{Audience, Item, Requirement, RequirementVersion};
pub use span::{ScopeSpan, StateSpan};
pub use state::{ComplianceState, Person, Status};
