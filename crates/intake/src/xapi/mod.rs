//! What xAPI statements say, read to the letter of the standard: 1.0.3, and 2.0 (IEEE 9274.1.1-2023).
//!
//! [`read_body`] takes a request's body to [`Statements`], or to the first fault with its place. A batch is accepted or
//! refused whole. Each [`Statement`] keeps its own bytes as they were sent.
//!
//! Sections are cited as `Data 4.1` and `Communication 1.3`: parts two and three of the specification of 1.0.3
//! (<https://github.com/adlnet/xAPI-Spec>, `xAPI-Data.md` and `xAPI-Communication.md`). Differences in 2.0 are noted.

pub mod activity;
pub mod agent;
pub mod answer;
pub mod attachment;
mod batch;
pub mod context;
pub mod equality;
pub mod fault;
mod forms;
mod input;
pub mod language;
pub mod merging;
pub mod multipart;
mod nothing;
pub mod object;
pub mod outcome;
pub mod parameters;
pub mod person;
mod places;
pub mod query;
pub mod results;
pub mod signature;
pub mod statement;
pub mod statement_result;
pub mod terms;
pub mod text;
pub mod verb_mapping;
pub mod version;
mod without;

pub use without::sentence as without_result_because;

pub use activity::{Activity, Component, Definition, Interaction, InteractionType};
pub use agent::{Account, Actor, Agent, Group, Identifier};
pub use attachment::Attachment;
pub use batch::{Statements, read_actor, read_body};
pub use context::{Context, ContextActivities, ContextAgent, ContextGroup};
pub use fault::{Expected, Fault, Refusal};
pub use object::{Object, StatementRef, SubStatement};
pub use outcome::{Outcome, Score};
pub use statement::{Statement, Verb};
pub use terms::{Reach, Term};
pub use text::{Duration, Extensions, LanguageMap};
pub use version::{InvalidVersion, StatementVersion, Version};

#[cfg(test)]
mod tests;
