//! The parameters of resources other than statements, each read strictly. A fault is worded to follow the
//! parameter's name.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::agent::Actor;
use super::fault::{Fault, Refusal};
use super::version::Version;
use super::{batch, forms};
use crate::iri::is_iri;

/// Why a parameter is not what belongs there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterFault {
    #[error("{0}")]
    Form(#[from] Fault),
    /// With the place within the JSON of the parameter.
    #[error("is no agent: {0}")]
    NoActor(#[from] Refusal),
    #[error("is an anonymous group, which identifies nobody: send an Agent or an identified Group")]
    Anonymous,
    #[error("is a Group: send an Agent")]
    NoAgent,
}

/// An IRI with its scheme (RFC 3987).
pub fn iri(text: &str) -> Result<String, ParameterFault> {
    if is_iri(text) { Ok(text.to_owned()) } else { Err(Fault::NotAnIri.into()) }
}

/// A UUID in its standard form (RFC 4122).
pub fn uuid(text: &str) -> Result<Uuid, ParameterFault> {
    forms::uuid(text).ok_or_else(|| Fault::NotAUuid.into())
}

pub fn instant(text: &str, version: Version) -> Result<DateTime<Utc>, ParameterFault> {
    Ok(forms::timestamp(text, version)?)
}

/// An agent or an identified group as JSON.
pub fn actor(text: &str, version: Version) -> Result<Actor<'_>, ParameterFault> {
    let actor = batch::read_actor(text, version)?;
    if actor.identifier().is_some() { Ok(actor) } else { Err(ParameterFault::Anonymous) }
}

/// A media type (RFC 2045), as a document has it.
#[must_use]
pub fn is_media_type(text: &str) -> bool {
    forms::is_media_type(text)
}
