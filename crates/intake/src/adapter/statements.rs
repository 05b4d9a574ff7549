//! xAPI statements of a request: read to the letter, and understood as results.

use std::collections::HashSet;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Part, PartContent};
use crate::json::{Document, Value};
use crate::request::{Arrival, Headers, RawRequest, StoredHeaders};
use crate::xapi::multipart::{self, Multipart, MultipartFault, Part as MultipartPart, is_multipart};
use crate::xapi::results::{self, Extracted, ResultFault};
use crate::xapi::signature::{self, SignatureFault};
use crate::xapi::verb_mapping::VerbMapping;
use crate::xapi::{Object, Refusal, Statement, Statements as Sent, Version, equality, read_body};
use kurskoll_domain::ids::EventId;
use kurskoll_domain::receiving::{Content, NewAttachment, NewStatement};
use kurskoll_domain::training::ReportedResult;

/// The headers under which a delivery of statements stores its form.
const VERSION: &str = "version";
const PUT: &str = "put";

/// What is wrong with a body that `PUT` sends and that is not one statement.
const NOT_ONE: &str = "is not one statement: PUT takes one, and POST an array of them";

/// What the xAPI endpoint knows of a body beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    pub version: Version,
    /// The `statementId` of a `PUT`.
    pub put: Option<Uuid>,
}

impl Form {
    /// From a delivery's headers; what says nothing is version 1.0.3.
    #[must_use]
    pub fn of(headers: &Headers<'_>) -> Self {
        let version = headers.get(VERSION).and_then(|text| Version::parse(text).ok());
        let put = headers.get(PUT).and_then(|text| text.parse().ok());
        Self { version: version.unwrap_or(Version::V1_0_3), put }
    }

    /// From the headers that a delivery stores, in JSON.
    #[must_use]
    pub fn parse(stored: &str) -> Self {
        Self::of(&StoredHeaders::parse(stored).headers())
    }

    /// The same as headers that a delivery stores, in JSON.
    #[must_use]
    pub fn stored(&self) -> String {
        serde_json::json!({ VERSION: self.version.header(), PUT: self.put.map(|id| id.to_string()) }).to_string()
    }
}

/// Which statement of an array a pointer leads to, counted from 0; `None` if it leads to the body itself or into one
/// statement.
#[must_use]
pub fn place_in_array(pointer: &str) -> Option<usize> {
    pointer.split('/').nth(1)?.parse().ok()
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unread {
    /// Where in the body (RFC 6901).
    pointer: String,
    problem: String,
}

impl Unread {
    fn whole(problem: &str) -> Self {
        Self { pointer: String::new(), problem: problem.to_owned() }
    }
}

impl From<MultipartFault> for Unread {
    fn from(fault: MultipartFault) -> Self {
        Self::whole(&format!("is not understood: {fault}"))
    }
}

impl From<Refusal> for Unread {
    fn from(refusal: Refusal) -> Self {
        Self { problem: refusal.fault.to_string(), pointer: refusal.pointer }
    }
}

/// What a request with statements says: all of them, or the first that is not understood.
pub(super) fn understand(request: &RawRequest<'_>, mapping: &VerbMapping) -> Content {
    read(request, mapping).unwrap_or_else(|unread| Content::not_understood(unread.pointer, &unread.problem))
}

fn read(request: &RawRequest<'_>, mapping: &VerbMapping) -> Result<Content, Unread> {
    let form = Form::of(&request.headers);
    let (json, parts) = parts(request)?;
    let body = read_body(json, form.version)?;
    check_put(form, &body)?;
    check_attachments(&body, &parts, form.version)?;
    let base = offset_of(request, json);
    let (mut statements, mut results) = (Vec::with_capacity(body.statements.len()), Vec::new());
    for (index, statement) in body.statements.iter().enumerate() {
        let id = statement.id.or(form.put).unwrap_or_else(|| id_of_its_own(request.key, index));
        let index = body.is_array.then_some(index);
        statements.push(new_statement(statement, id, (request.arrival, base, index), mapping, &mut results)?);
    }
    let attachments = parts.iter().map(|part| NewAttachment {
        sha2: part.sha2.clone(),
        content_type: part.content_type.unwrap_or("application/octet-stream").to_owned(),
        offset: offset_of(request, part.content),
        length: part.content.len(),
    });
    Ok(Content::Statements { statements, results, attachments: attachments.collect() })
}

/// The statements' bytes, and the contents of attachments if the body has several parts.
fn parts<'a>(request: &RawRequest<'a>) -> Result<(&'a [u8], Vec<MultipartPart<'a>>), MultipartFault> {
    if is_multipart(request.content_type) {
        let Multipart { statements, attachments } = multipart::parse(request.content_type, request.body)?;
        Ok((statements, attachments))
    } else {
        Ok((request.body, Vec::new()))
    }
}

/// Where a part begins in the body.
fn offset_of(request: &RawRequest<'_>, part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(request.body.as_ptr().addr())
}

/// That the body of a `PUT` is one statement, and the one that the address names.
fn check_put(form: Form, sent: &Sent<'_>) -> Result<(), Unread> {
    let Some(put) = form.put else { return Ok(()) };
    match sent.statements.as_slice() {
        [single] if !sent.is_array => match single.id {
            Some(id) if id != put => {
                let problem = format!("is not the statementId {put} of the address: send the same, or leave it out");
                Err(Unread { pointer: "/id".to_owned(), problem })
            }
            _ => Ok(()),
        },
        _ => Err(Unread::whole(NOT_ONE)),
    }
}

/// Checks the attachments of statements: each has its content, and each signature signs its statement.
fn check_attachments(sent: &Sent<'_>, parts: &[MultipartPart<'_>], version: Version) -> Result<(), Unread> {
    multipart::check(&sent.statements, parts).map_err(|fault| match &fault {
        MultipartFault::NoContent { pointer, index } | MultipartFault::WrongLength { pointer, index, .. } => {
            // The fault names its place, which stands before the problem wherever both are shown.
            let text = fault.to_string();
            let problem = text.strip_prefix(pointer.as_str()).unwrap_or(&text).trim_start().to_owned();
            let pointer = if sent.is_array { format!("/{index}{pointer}") } else { pointer.clone() };
            Unread { pointer, problem }
        }
        _ => fault.into(),
    })?;
    for (index, statement) in sent.statements.iter().enumerate() {
        for attachment in signature::signatures(statement) {
            let content = parts.iter().find(|part| part.sha2 == attachment.sha2).map(|part| part.content);
            let checked = content.ok_or(SignatureFault::NotCompact);
            checked.and_then(|content| signature::verify(statement, attachment, content, version)).map_err(
                |fault| {
                    let pointer =
                        if sent.is_array { format!("/{index}/attachments") } else { "/attachments".to_owned() };
                    Unread { pointer, problem: fault.to_string() }
                },
            )?;
        }
    }
    Ok(())
}

/// What is stored of a statement; its results are added to `extracted`.
///
/// * `base`: where the text that it stands in begins in the body; `index`: which one of an array it is.
fn new_statement(
    statement: &Statement<'_>,
    id: Uuid,
    (arrival, base, index): (Arrival, usize, Option<usize>),
    mapping: &VerbMapping,
    extracted: &mut Vec<ReportedResult>,
) -> Result<NewStatement, Unread> {
    let of_statement = results::extract(statement, id, arrival, mapping).map_err(|fault: ResultFault| Unread {
        pointer: index.map_or_else(|| fault.pointer().to_owned(), |index| format!("/{index}{}", fault.pointer())),
        problem: fault.to_string(),
    })?;
    let Extracted { results, progress, nothing: _, without } = of_statement;
    let first = extracted.len();
    extracted.extend(results);
    let refers_to = match &statement.object {
        Object::StatementRef(reference) => Some(reference.id),
        _ => None,
    };
    Ok(NewStatement {
        id,
        digest: equality::digest(statement),
        offset: base + statement.offset,
        length: statement.raw.len(),
        occurred_at: statement.timestamp.map(|at| at.timestamp_micros()),
        refers_to,
        voids: statement.voids().is_some(),
        progress,
        without,
        results: first..extracted.len(),
    })
}

/// Each statement of a batch by itself; `None` if the body is no array of statements, or comes in parts.
///
/// Those without an id get the ids that they get when the batch is read whole, so that a replay adds none of them
/// again.
pub(super) fn understand_each(request: &RawRequest<'_>, mapping: &VerbMapping) -> Option<Vec<Part>> {
    let form = Form::of(&request.headers);
    if is_multipart(request.content_type) || form.put.is_some() {
        return None;
    }
    let document = Document::from_bytes(request.body).ok()?;
    let mut met: HashSet<Uuid> = HashSet::new();
    let mut read = |(index, sent): (usize, Value<'_, '_>)| {
        let within =
            |unread: Unread| Unread { pointer: format!("/{index}{}", unread.pointer), problem: unread.problem };
        let body = read_body(sent.raw().as_bytes(), form.version).map_err(|refusal| within(refusal.into()))?;
        check_attachments(&body, &[], form.version).map_err(within)?;
        let [statement] = body.statements.as_slice() else { return Err(within(Unread::whole(NOT_ONE))) };
        let id = statement.id.unwrap_or_else(|| id_of_its_own(request.key, index));
        if !met.insert(id) {
            return Err(within(Unread::whole("has the id of another statement of the batch")));
        }
        let mut extracted = Vec::new();
        let place = (request.arrival, sent.offset(), Some(index));
        let statement = new_statement(statement, id, place, mapping, &mut extracted)?;
        Ok(PartContent::Statement(Box::new(statement), extracted))
    };
    let part = |(index, sent)| match read((index, sent)) {
        Ok(content) => Part { pointer: format!("/{index}"), content: Ok(content) },
        Err(Unread { pointer, problem }) => Part { pointer, content: Err(problem) },
    };
    Some(document.root().elements()?.enumerate().map(part).collect())
}

/// The id of a statement that came without one (Data 2.4.1): its own, also where another says the same in every word.
///
/// It is made of the delivery's key and the statement's place in the body, so that it stays when the delivery is read
/// again. It has the form of version 4 (RFC 9562, section 5.4), for some clients take versions 1 to 5 alone.
fn id_of_its_own(key: &EventId, place: usize) -> Uuid {
    let mut content = Sha256::new();
    content.update(key.as_str());
    content.update([0]);
    content.update(place.to_string());
    let content: [u8; 32] = content.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&content[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_each_delivery_has_an_id_of_its_own_that_stays() {
        let keys = ["018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"];
        let ids = || {
            keys.iter().flat_map(|key| {
                let key = EventId::parse(key).expect("a key");
                (0..3).map(move |place| id_of_its_own(&key, place))
            })
        };
        let distinct: HashSet<Uuid> = ids().collect();
        assert_eq!(distinct.len(), 6);
        assert!(ids().eq(ids()));
        for id in distinct {
            assert_eq!((id.get_version_num(), id.get_variant()), (4, uuid::Variant::RFC4122));
        }
    }
}
