//! What is good in a batch that waits in quarantine because of something that is not: taken out, all or some of it.
//!
//! A batch of which one statement or event is not understood is refused whole. The platform may mend it and send it
//! again, or never. What is taken out has the ids that it has when the whole batch is read, so a replay adds nothing
//! twice; when the batch is sent again, its results say the same and count once.

use std::collections::BTreeSet;

use crate::app::receiving::readers::{PlatformReader, StoredRequest};
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::EventId;
use crate::domain::receiving::{Again, Content, NewStatement, Received};
use crate::intake::adapter::{Part as ReadPart, PartContent};
use crate::intake::request::{Arrival, StoredHeaders};
use crate::store::quarantine::{self, Waiting};
use crate::store::{Act, StoreError, Unscoped, platforms, receiving};

/// What is to be taken out of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeRequest {
    /// The delivery's id.
    pub delivery: i64,
    /// Which of its statements or events, counted from 0; all that are good where it is empty.
    pub only: Vec<usize>,
    /// Only say what would change.
    pub dry_run: bool,
}

/// A statement or event of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Counted from 0.
    pub number: usize,
    /// Where it stands in the body, or what is wrong there (RFC 6901).
    pub pointer: String,
    pub state: PartState,
}

/// What becomes of a statement or event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartState {
    Taken,
    /// It was taken before.
    TakenBefore,
    /// It is good, and was not requested.
    Left,
    /// Why it cannot be taken.
    NotUnderstood(String),
}

/// What was taken out of a delivery, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub parts: Vec<Part>,
    /// Results that were not known before, and how many of them are linked.
    pub new: u64,
    pub linked: u64,
}

/// Why nothing was taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no delivery {0} is in quarantine")]
    NotInQuarantine(i64),
    #[error(
        "delivery {0} is no batch of several statements or events that can be read one by one; replay it when its profile is mended"
    )]
    NoBatch(i64),
    #[error("delivery {delivery} has no statement or event number {number} that can be taken")]
    NotThere { delivery: i64, number: usize },
    #[error("nothing of delivery {0} can be taken")]
    NothingGood(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Takes what is good out of a delivery in quarantine; the rest stays there.
    pub async fn take_from_quarantine(&self, caller: &Caller, request: &TakeRequest) -> Result<Taken, TakeError> {
        let grant = caller.grant(Action::Replay)?;
        let id = request.delivery;
        let connection = self.store.connection(Unscoped::Receiving);
        let waiting = quarantine::by_ids(connection, &[id]).await?.pop().ok_or(TakeError::NotInQuarantine(id))?;
        let platform = platforms::list(connection).await?.into_iter().find(|known| known.id == waiting.platform);
        let platform = platform.ok_or(TakeError::NotInQuarantine(id))?;
        let reader = PlatformReader::of(connection, platform).await?;
        let Waiting { key, content_type, headers, body, received_at, pointer, problem, .. } = waiting;
        let stored = StoredRequest { key, content_type, headers, body };
        let stored_headers = StoredHeaders::parse(&stored.headers);
        let arrival = Arrival { received_at, read_at: self.now() };
        let read = reader.reader.understand_each(&reader.raw_of(&stored, &stored_headers, arrival));
        let read = read.ok_or(TakeError::NoBatch(id))?;
        let before = quarantine::taken_of(connection, id).await?;
        let mut parts = parts_of(&read, &before, &request.only);
        if let Some(number) = request
            .only
            .iter()
            .find(|number| !parts.iter().any(|part| part.number == **number && part.state == PartState::Taken))
        {
            return Err(TakeError::NotThere { delivery: id, number: *number });
        }
        // One that contradicts what is stored is left, and the others are tried again.
        loop {
            let wanted: Vec<&Part> = parts.iter().filter(|part| part.state == PartState::Taken).collect();
            if wanted.is_empty() {
                return Err(TakeError::NothingGood(id));
            }
            let delivery = reader.delivery(stored.clone(), content_of(&read, &parts, (&pointer, &problem)));
            let batch = std::slice::from_ref(&delivery);
            let snapshot = self.store.snapshot(Unscoped::Receiving).await?;
            let again = receiving::preview_again(snapshot.connection(), batch, self.calendar).await?.pop();
            drop(snapshot);
            let again = again.ok_or(TakeError::NotInQuarantine(id))?;
            if let Received::EventConflict(taken) = &again.received {
                let known = parts.iter_mut().find(|part| reports(&read, part, taken));
                let known = known.ok_or(TakeError::NothingGood(id))?;
                known.state =
                    PartState::NotUnderstood(format!("has the id {taken} of a stored one that says something else"));
                continue;
            }
            let taken = |again: Again| Taken { parts: parts.clone(), new: again.new, linked: again.linked };
            let object = format!("{} of delivery {id}", listed(&parts));
            if request.dry_run {
                self.audited_read(caller, &grant, Act { action: "delivery.preview", object: &object }).await?;
                return Ok(taken(again));
            }
            let pointers: Vec<String> = wanted.iter().map(|part| place(&read, part)).collect();
            let change = self.store.begin_change_for(caller.author(&grant), (self.now(), self.calendar), batch).await?;
            // Somebody else may have taken it, or replayed it, meanwhile.
            if quarantine::by_ids(change.connection(), &[id]).await?.is_empty()
                || quarantine::taken_of(change.connection(), id).await? != before
            {
                return Err(TakeError::NotInQuarantine(id));
            }
            let again = receiving::receive_again(&change, batch, self.calendar).await?.pop();
            let again = again.ok_or(TakeError::NotInQuarantine(id))?;
            if matches!(again.received, Received::EventConflict(_) | Received::Conflict) {
                change.roll_back().await?;
                continue;
            }
            quarantine::note_taken(&change, id, &pointers, grant.subject()).await?;
            change.commit(Act { action: "delivery.take", object: &object }).await?;
            return Ok(taken(again));
        }
    }
}

/// Where a part is in the body.
fn place(read: &[ReadPart], part: &Part) -> String {
    read.get(part.number).map(|read| read.pointer.clone()).unwrap_or_default()
}

fn parts_of(read: &[ReadPart], before: &BTreeSet<String>, only: &[usize]) -> Vec<Part> {
    let part = |(number, read): (usize, &ReadPart)| {
        let state = match &read.content {
            Err(problem) => PartState::NotUnderstood(problem.clone()),
            Ok(_) if before.contains(&read.pointer) => PartState::TakenBefore,
            Ok(_) if only.is_empty() || only.contains(&number) => PartState::Taken,
            Ok(_) => PartState::Left,
        };
        Part { number, pointer: read.pointer.clone(), state }
    };
    read.iter().enumerate().map(part).collect()
}

/// Whether a part reports the event of an id.
fn reports(read: &[ReadPart], part: &Part, event_id: &EventId) -> bool {
    match read.get(part.number).map(|read| &read.content) {
        Some(Ok(PartContent::Statement(statement, results))) => {
            EventId::of_uuid(statement.id) == *event_id || results.iter().any(|result| result.event_id == *event_id)
        }
        Some(Ok(PartContent::Results(results))) => results.iter().any(|result| result.event_id == *event_id),
        Some(Err(_)) | None => false,
    }
}

/// What is taken of a delivery, and why the rest of it stays in quarantine.
fn content_of(read: &[ReadPart], parts: &[Part], (pointer, problem): (&str, &str)) -> Content {
    let (mut statements, mut results) = (Vec::new(), Vec::new());
    for part in parts.iter().filter(|part| part.state == PartState::Taken) {
        match read.get(part.number).map(|read| &read.content) {
            Some(Ok(PartContent::Statement(statement, reported))) => {
                let first = results.len();
                results.extend(reported.iter().cloned());
                statements.push(NewStatement { results: first..results.len(), ..(**statement).clone() });
            }
            Some(Ok(PartContent::Results(reported))) => results.extend(reported.iter().cloned()),
            Some(Err(_)) | None => {}
        }
    }
    let taken = if statements.is_empty() {
        Content::Results(results)
    } else {
        Content::Statements { statements, results, attachments: Vec::new() }
    };
    let left = parts.iter().find_map(|part| match &part.state {
        PartState::NotUnderstood(problem) => Some((part.pointer.clone(), problem.clone())),
        _ => None,
    });
    // What waits may be good by now, by a mended profile: then it waits for a replay, with its old problem.
    let (pointer, problem) = left.unwrap_or_else(|| (pointer.to_owned(), problem.to_owned()));
    Content::Part { taken: Box::new(taken), pointer, problem }
}

/// The numbers of what is taken, as an audit entry says them.
fn listed(parts: &[Part]) -> String {
    let taken = parts.iter().filter(|part| part.state == PartState::Taken);
    let numbers: Vec<String> = taken.map(|part| part.number.to_string()).collect();
    match numbers.as_slice() {
        [one] => format!("number {one}"),
        [first, .., last] => format!("{} from number {first} to {last}", numbers.len()),
        [] => "nothing".to_owned(),
    }
}
