//! Statements come in: read to the letter, understood as results, and kept before anybody is told that they are.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::app::receiving::receive::{ReceiveError, Receiving};
use crate::domain::ids::EventId;
use crate::domain::training::ReportedResult;
use crate::intake::json::{Document, Value};
pub use crate::intake::xapi::Version;
pub use crate::intake::xapi::multipart::is_multipart;
use crate::intake::xapi::multipart::{self, Multipart, MultipartFault, Part};
use crate::intake::xapi::results::{self, Arrival, Extracted, ResultFault};
use crate::intake::xapi::signature::{self, SignatureFault};
use crate::intake::xapi::verb_mapping::VerbMapping;
use crate::intake::xapi::{Object, Refusal, Statement, Statements as Sent, equality, read_body};
use crate::store::credentials::Credential;
use crate::store::receiving::{Cmi5Progress, Content, Delivery, NewAttachment, NewStatement, Received};

/// Statements as they came through the door, whose sender has proved who it is.
#[derive(Debug)]
pub struct Statements<'a> {
    pub caller: &'a Credential,
    pub version: Version,
    pub content_type: &'a str,
    /// The id that a `PUT` names.
    pub put: Option<Uuid>,
    pub body: Vec<u8>,
}

/// Statements that are kept, or were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStatements {
    /// Their ids, in the order in which they came.
    pub ids: Vec<Uuid>,
    /// What became of the delivery.
    pub received: Received,
}

/// Why statements were refused; one refuses all that came with it.
#[derive(Debug, thiserror::Error)]
pub enum StatementsError {
    /// It is kept in quarantine under the delivery's number.
    #[error("{}", refusal.problem)]
    NotUnderstood { refusal: Unread, delivery: i64 },
    #[error("the statement {0} is kept and says something else: that one stays; send what is new under a new id")]
    Conflict(EventId),
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}

/// What could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Which statement of an array.
    pub index: Option<usize>,
    /// Where in the body (RFC 6901).
    pub pointer: String,
    pub problem: String,
}

/// What is wrong with a body that `PUT` brings and that is no single statement.
const NOT_ONE: &str = "is not one statement: PUT takes one, and POST an array of them";

impl Unread {
    /// What is kept of a body that says this.
    pub(in crate::app) fn content(&self) -> Content {
        Content::NotUnderstood { pointer: self.pointer.clone(), problem: self.problem.clone() }
    }

    fn whole(problem: &str) -> Self {
        Self { index: None, pointer: String::new(), problem: problem.to_owned() }
    }
}

impl From<MultipartFault> for Unread {
    fn from(fault: MultipartFault) -> Self {
        Self::whole(&format!("is not understood: {fault}"))
    }
}

impl From<Refusal> for Unread {
    fn from(refusal: Refusal) -> Self {
        Self { index: refusal.index, problem: refusal.fault.to_string(), pointer: refusal.pointer }
    }
}

/// A body that was read: the ids of its statements, and what is kept of them.
#[derive(Debug)]
pub(in crate::app) struct Read {
    pub(in crate::app) ids: Vec<Uuid>,
    pub(in crate::app) content: Content,
}

impl Receiving {
    /// Receives statements; when this returns `Ok`, they are durable.
    pub async fn receive_statements(&self, sent: Statements<'_>) -> Result<StoredStatements, StatementsError> {
        let platform = &sent.caller.platform;
        self.app().rate_limits.platform_sends(&platform.code).map_err(ReceiveError::from)?;
        let form = Form { version: sent.version, put: sent.put };
        let key = EventId::of_uuid(Uuid::now_v7());
        let arrival = Arrival::at(self.app().now());
        let came = RawRequest { key: &key, form, content_type: sent.content_type, body: &sent.body, arrival };
        let (mapping, read_by) = self.verb_mapping(platform.id).await.map_err(ReceiveError::from)?;
        let read = read(&came, &mapping);
        let (ids, content, unread) = match read {
            Ok(Read { ids, content }) => (ids, content, None),
            Err(unread) => {
                let content = unread.content();
                (Vec::new(), content, Some(unread))
            }
        };
        let delivery = Delivery {
            platform: platform.id,
            linking_keys: platform.linking_keys.as_slice().into(),
            key,
            content_type: sent.content_type.to_owned(),
            headers: form.stored(),
            is_pulled: false,
            read_by,
            body: sent.body,
            content,
        };
        let received = self.enqueue(delivery).await?;
        match (received, unread) {
            (Received::Quarantined { delivery, .. }, Some(refusal)) => {
                Err(StatementsError::NotUnderstood { refusal, delivery })
            }
            (Received::EventConflict(id), _) => Err(StatementsError::Conflict(id)),
            (received, _) => Ok(StoredStatements { ids, received }),
        }
    }
}

/// What the door knew of a body beside its bytes, as the delivery keeps it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::app) struct Form {
    #[serde(serialize_with = "version_text", deserialize_with = "version_of")]
    pub(super) version: Version,
    put: Option<Uuid>,
}

fn version_text<S: Serializer>(version: &Version, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(version.header())
}

fn version_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
    let text = String::deserialize(deserializer)?;
    Version::parse(&text).map_err(serde::de::Error::custom)
}

impl Form {
    /// What a delivery kept.
    pub(super) fn read(stored: &str) -> Self {
        serde_json::from_str(stored).unwrap_or(Self { version: Version::V1_0_3, put: None })
    }

    /// Of statements that another store answered.
    pub(in crate::app) const fn of_answer(version: Version) -> Self {
        Self { version, put: None }
    }

    pub(in crate::app) fn stored(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A request for statements as its delivery kept it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredRequest<'a> {
    /// The delivery's key.
    pub key: &'a EventId,
    pub content_type: &'a str,
    pub headers: &'a str,
    pub body: &'a [u8],
    pub arrival: Arrival,
}

/// What a kept delivery of statements says, read again as what came when it came.
pub(crate) fn understand_again(stored: &StoredRequest<'_>, mapping: &VerbMapping) -> Content {
    let StoredRequest { key, content_type, headers, body, arrival } = *stored;
    let came = RawRequest { key, form: Form::read(headers), content_type, body, arrival };
    match read(&came, mapping) {
        Ok(read) => read.content,
        Err(unread) => unread.content(),
    }
}

/// A request for statements as it came.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct RawRequest<'a> {
    /// The delivery's key: nobody else's.
    pub(in crate::app) key: &'a EventId,
    pub(in crate::app) form: Form,
    pub(in crate::app) content_type: &'a str,
    pub(in crate::app) body: &'a [u8],
    pub(in crate::app) arrival: Arrival,
}

impl<'a> RawRequest<'a> {
    /// The statements' bytes, and the contents of attachments where the body has several parts.
    fn parts(&self) -> Result<(&'a [u8], Vec<Part<'a>>), MultipartFault> {
        if is_multipart(self.content_type) {
            let Multipart { statements, attachments } = multipart::parse(self.content_type, self.body)?;
            Ok((statements, attachments))
        } else {
            Ok((self.body, Vec::new()))
        }
    }

    /// Where a part begins in the body.
    fn offset_of(&self, part: &[u8]) -> usize {
        part.as_ptr().addr().saturating_sub(self.body.as_ptr().addr())
    }

    /// That the statement which `PUT` brings is one, and the one that the address names.
    fn check_put(&self, sent: &Sent<'_>) -> Result<(), Unread> {
        let Some(put) = self.form.put else { return Ok(()) };
        match sent.statements.as_slice() {
            [single] if !sent.is_array => match single.id {
                Some(id) if id != put => {
                    let problem =
                        format!("is not the statementId {put} of the address: send the same, or leave it out");
                    Err(Unread { index: None, pointer: "/id".to_owned(), problem })
                }
                _ => Ok(()),
            },
            _ => Err(Unread::whole(NOT_ONE)),
        }
    }
}

/// Checks the attachments of statements: each has its content, and each signature signs its statement.
fn check_attachments(sent: &Sent<'_>, parts: &[Part<'_>], version: Version) -> Result<(), Unread> {
    multipart::check(&sent.statements, parts).map_err(|fault| match &fault {
        MultipartFault::NoContent { pointer, index } | MultipartFault::WrongLength { pointer, index, .. } => {
            // The fault names its place, which stands before the problem wherever both are shown.
            let text = fault.to_string();
            let problem = text.strip_prefix(pointer.as_str()).unwrap_or(&text).trim_start().to_owned();
            let pointer = if sent.is_array { format!("/{index}{pointer}") } else { pointer.clone() };
            Unread { index: sent.is_array.then_some(*index), pointer, problem }
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
                    Unread { index: sent.is_array.then_some(index), pointer, problem: fault.to_string() }
                },
            )?;
        }
    }
    Ok(())
}

/// Reads a body, names its statements, and says what they tell.
pub(in crate::app) fn read(came: &RawRequest<'_>, mapping: &VerbMapping) -> Result<Read, Unread> {
    let form = came.form;
    let (json, parts) = came.parts()?;
    let body = read_body(json, form.version)?;
    came.check_put(&body)?;
    check_attachments(&body, &parts, form.version)?;
    let base = came.offset_of(json);
    let (mut ids, mut statements, mut extracted) = (Vec::new(), Vec::with_capacity(body.statements.len()), Vec::new());
    for (index, statement) in body.statements.iter().enumerate() {
        let id = statement.id.or(form.put).unwrap_or_else(|| id_of_its_own(came.key, index));
        let index = body.is_array.then_some(index);
        ids.push(id);
        statements.push(new_statement(statement, id, (came.arrival, base, index), mapping, &mut extracted)?);
    }
    let attachments = parts.iter().map(|part| NewAttachment {
        sha2: part.sha2.clone(),
        content_type: part.content_type.unwrap_or("application/octet-stream").to_owned(),
        offset: came.offset_of(part.content),
        length: part.content.len(),
    });
    let attachments = attachments.collect();
    Ok(Read { ids, content: Content::Statements { statements, results: extracted, attachments } })
}

/// What is kept of a statement; the results that it tells are added to `extracted`.
///
/// * `base`: where the text that it stands in begins in the delivery's body; `index`: which one of an array it is.
fn new_statement(
    statement: &Statement<'_>,
    id: Uuid,
    (arrival, base, index): (Arrival, usize, Option<usize>),
    mapping: &VerbMapping,
    extracted: &mut Vec<ReportedResult>,
) -> Result<NewStatement, Unread> {
    let of_statement = results::extract(statement, id, arrival, mapping).map_err(|fault: ResultFault| Unread {
        index,
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
        progress: progress.map(|progress| match progress {
            results::Cmi5Progress::Done(registration) => Cmi5Progress::Done(registration),
            results::Cmi5Progress::Satisfied(registration) => Cmi5Progress::Satisfied(registration),
        }),
        without,
        results: first..extracted.len(),
    })
}

/// One statement of a kept batch, read by itself: what is kept of it and what it tells, or why it is not understood.
pub(crate) type ReadAlone = Result<(NewStatement, Vec<ReportedResult>), Unread>;

/// Reads each statement of a kept batch by itself; nothing where the body is no array of statements, or comes in parts.
///
/// Those without an id get the ids that they get when the batch is read whole, so that a replay adds none of them again.
pub(crate) fn read_each(stored: &StoredRequest<'_>, mapping: &VerbMapping) -> Option<Vec<ReadAlone>> {
    let form = Form::read(stored.headers);
    if is_multipart(stored.content_type) || form.put.is_some() {
        return None;
    }
    let document = Document::from_bytes(stored.body).ok()?;
    let mut met: HashSet<Uuid> = HashSet::new();
    let read = |(index, sent): (usize, Value<'_, '_>)| {
        let within = |unread: Unread| Unread {
            index: Some(index),
            pointer: format!("/{index}{}", unread.pointer),
            problem: unread.problem,
        };
        let body = read_body(sent.raw().as_bytes(), form.version).map_err(|refusal| within(refusal.into()))?;
        check_attachments(&body, &[], form.version).map_err(within)?;
        let [statement] = body.statements.as_slice() else { return Err(within(Unread::whole(NOT_ONE))) };
        let id = statement.id.unwrap_or_else(|| id_of_its_own(stored.key, index));
        if !met.insert(id) {
            return Err(within(Unread::whole("has the id of another statement of the batch")));
        }
        let mut extracted = Vec::new();
        let place = (stored.arrival, sent.offset(), Some(index));
        let statement = new_statement(statement, id, place, mapping, &mut extracted)?;
        Ok((statement, extracted))
    };
    Some(document.root().elements()?.enumerate().map(read).collect())
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
