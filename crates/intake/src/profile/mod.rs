//! Platform profiles: TOML that says how a foreign platform's webhooks are signed, where things are in them, and what
//! its words mean. A new platform is a new profile, and no code.
//!
//! [`Profile::parse`] reads one, or names everything that is wrong with it; [`Signing::verify`] checks whether a
//! delivery is authentic; [`StatementFields`] does for xAPI statements what its places are for; [`read`] understands a
//! body, field by field, and [`interpret`] does the same for its results alone. [`shipped`] has those that come with
//! Kurskoll. docs/platforms.md describes the format.

mod document;
mod event_id;
mod fault;
mod model;
mod months;
mod parse;
mod parse_fields;
mod parse_signature;
mod path;
mod reading;
mod score;
pub mod shipped;
mod signing;
mod statements;
mod time;

#[cfg(test)]
mod tests;

pub use document::is_form;
pub use event_id::delivery_key;
pub use fault::{Misread, ProfileFault, ProfileProblems, ReadingFault};
pub use model::{Field, Profile, Signing};
pub use parse::{MAX_BYTES, Table, Value, read_toml};
pub use path::InvalidPath;
pub use reading::{EventReading, FieldReading, Meaning, Reading, RuleReading, interpret, read};
pub use signing::{InvalidGivenSecret, NotAuthentic, PlatformSecret};
pub use statements::{FIELDS, Sought, StatementDocument, StatementFields, Thing, VERBS, Verb as StatementVerb};
