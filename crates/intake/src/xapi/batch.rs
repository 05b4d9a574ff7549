//! A request's body: one statement, or a list of them (Communication 2.1.2).

use std::collections::HashSet;

use super::agent::Actor;
use super::fault::{Expected, Fault, Refusal};
use super::input::Input;
use super::statement::Statement;
use super::version::Version;
use crate::json::{Document, Kind, Malformed};

/// The statements of one request, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statements<'a> {
    /// Whether they were sent as an array, even of one.
    pub is_array: bool,
    pub statements: Vec<Statement<'a>>,
}

/// Reads a body whole, or gives the first fault in it.
pub fn read_body(body: &[u8], version: Version) -> Result<Statements<'_>, Refusal> {
    let document = Document::from_bytes(body).map_err(malformed)?;
    let whole = Input::whole(&document, version);
    let is_array = whole.kind() == Kind::Array;
    // A fault within an array belongs to the statement whose number its pointer begins with.
    let numbered = |refusal: Refusal| {
        let number = refusal.pointer.split('/').nth(1).and_then(|number| number.parse().ok());
        Refusal { index: number.filter(|_| is_array), ..refusal }
    };
    Input::check(&document, version).map_err(numbered)?;
    let statements = match whole.kind() {
        Kind::Array => {
            let mut ids = HashSet::new();
            let read = |sent| {
                let statement = Statement::read(sent)?;
                match statement.id {
                    Some(id) if !ids.insert(id) => Err(sent.refuse_member("id", Fault::RepeatedStatement { id })),
                    _ => Ok(statement),
                }
            };
            whole.list(Expected::Array, read).map_err(numbered)?
        }
        Kind::Object => vec![Statement::read(whole)?],
        _ => return Err(whole.refuse(Fault::NoStatements)),
    };
    Ok(Statements { is_array, statements })
}

/// Reads an agent or a group by itself: what the parameter `agent` of a query is (Communication 2.1.3).
pub fn read_actor(json: &str, version: Version) -> Result<Actor<'_>, Refusal> {
    let document = Document::parse(json).map_err(malformed)?;
    Input::check(&document, version)?;
    Actor::read(Input::whole(&document, version))
}

fn malformed(malformed: Malformed) -> Refusal {
    Refusal { index: None, pointer: String::new(), fault: Fault::Malformed(malformed) }
}
