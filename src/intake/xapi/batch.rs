//! A request's body: one statement, or a list of them (Communication 2.1.2).

use super::fault::{Fault, Refusal};
use super::statement::Statement;
use super::version::Version;
use crate::intake::json::{Document, Kind};

/// The statements of one request, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statements<'a> {
    /// Whether they came as an array, even of one.
    pub is_array: bool,
    pub statements: Vec<Statement<'a>>,
}

/// Reads a body whole, or gives the first fault in it.
pub fn read_body(body: &[u8], version: Version) -> Result<Statements<'_>, Refusal> {
    let document = Document::from_bytes(body).map_err(|malformed| Refusal {
        index: None,
        pointer: String::new(),
        fault: Fault::Malformed(malformed),
    })?;
    let _ = version;
    Ok(Statements { is_array: document.root().kind() == Kind::Array, statements: Vec::new() })
}
