//! A file of results: one delivery with up to hundreds of thousands of them, stored all or nothing.
//!
//! The rules that decide about a webhook's results decide about it in parts, within one change: nobody sees half a file, and
//! nothing remains of one that is refused. A dry run reads from a snapshot and takes no lock.

use std::collections::{BTreeSet, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Set};

use super::known::KnownOfBatch;
use super::writing::Rows;
use crate::domain::calendar::CityCalendar;
use crate::domain::directory::problem::{Fault, FileKind, RowProblem, RowProblems};
use crate::domain::directory::records::Row;
use crate::domain::ids::{EmployeeId, EventId, PlatformId};
use crate::domain::receiving::{Content, DecidedPart, DecidedResult, Delivery, FILE_TYPE, Pending, decide_part};
use crate::domain::training::ReportedResult;
use crate::store::clock::Change;
use crate::store::entities::delivery;
use crate::store::platforms::Platform;
use crate::store::stale::mark_stale;
use crate::store::{Author, Changing, Store, StoreError, instant};

/// How many results are queried and written at a time: parameters of about a megabyte.
const PART: usize = 2000;

/// A platform's history as a file.
#[derive(Debug)]
pub struct ResultsFile<'a> {
    pub platform: &'a Platform,
    /// Made of the file's bytes: the same file is the same delivery.
    pub key: EventId,
    /// What is known of it beside its bytes, as JSON.
    pub headers: String,
    pub body: &'a [u8],
    pub rows: Vec<Row<ReportedResult>>,
}

/// What a file's results amount to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub results: u64,
    /// Those that were not known.
    pub new: u64,
    /// The new ones that are linked at once; the rest of them waits.
    pub linked: u64,
    /// Those that were known, under the same id or another.
    pub known: u64,
}

/// Why a file was not stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreFileError {
    #[error("some results are known and say otherwise")]
    Problems(RowProblems),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Is called with the number of further results that were decided about.
pub type Progress<'a> = &'a (dyn Fn(usize) + Send + Sync);

impl Store {
    /// Begins a caller's change with a file's ids reserved.
    pub async fn begin_change_for_file<'a>(
        &self,
        author: Author<'a>,
        (now, calendar): (chrono::DateTime<chrono::Utc>, CityCalendar),
        file: &ResultsFile<'_>,
    ) -> Result<Changing<'a>, StoreError> {
        // At the most a learner and an event each, and the delivery.
        let ids = i64::try_from(1 + 2 * file.rows.len()).unwrap_or(i64::MAX);
        Ok(Changing::over(self.change_reserving(now, ids).await?, author, calendar))
    }
}

/// The delivery that the very same file was stored as, and when, if it was.
pub async fn stored_before(
    connection: &impl ConnectionTrait,
    file: &ResultsFile<'_>,
) -> Result<Option<(i64, chrono::DateTime<chrono::Utc>)>, StoreError> {
    use delivery::Column;
    let found: Option<(i64, i64)> = delivery::Entity::find()
        .select_only()
        .columns([Column::Id, Column::ReceivedAt])
        .filter(Column::DeliveryKey.eq(file.key.as_str()))
        .filter(Column::PlatformId.eq(file.platform.id.0))
        .into_tuple()
        .one(connection)
        .await?;
    Ok(found.map(|(id, received_at)| (id, instant::read(received_at))))
}

/// Stores a file and all its results within a change; returns the id of its delivery.
pub async fn keep(
    change: &Change,
    file: ResultsFile<'_>,
    calendar: CityCalendar,
    progress: Progress<'_>,
) -> Result<(i64, Tally), StoreFileError> {
    let connection = change.connection();
    let stored_as = change.first_id();
    let row = delivery::ActiveModel {
        id: Set(stored_as),
        platform_id: Set(file.platform.id.0),
        delivery_key: Set(file.key.to_string()),
        content_type: Set(FILE_TYPE.to_owned()),
        headers: Set(file.headers.clone()),
        body: Set(file.body.to_vec()),
        outcome: Set("accepted".to_owned()),
        problem: Set(None),
        problem_pointer: Set(None),
        received_at: Set(change.at()),
        released_at: Set(None),
        is_pulled: Set(false),
    };
    delivery::Entity::insert(row).exec_without_returning(connection).await.map_err(StoreError::from)?;
    // A file has no registrations in which a result could be pending.
    let pending = Pending::default();
    let mut counting = Counting::default();
    let (mut next_id, mut stale) = (stored_as + 1, BTreeSet::new());
    for (part, lines) in Parts::of(&file.platform.clone(), &file.key, file.rows) {
        let KnownOfBatch { known, index } =
            KnownOfBatch::read(connection, std::slice::from_ref(&part), &pending, calendar).await?;
        let DecidedPart { mut recorded, results, next_id: next } =
            decide_part((&part, &pending), stored_as, (known, &index), next_id, calendar);
        next_id = next;
        stale.append(&mut recorded.stale);
        Rows::of(recorded, change.at()).write(change).await?;
        counting.count(&results, &lines);
        progress(lines.len());
    }
    mark_all_stale(connection, stale).await?;
    counting.finish().map(|tally| (stored_as, tally))
}

/// What storing a file would amount to, from what a snapshot holds.
pub async fn preview(
    connection: &impl ConnectionTrait,
    file: ResultsFile<'_>,
    calendar: CityCalendar,
    progress: Progress<'_>,
) -> Result<Tally, StoreFileError> {
    // A file has no registrations in which a result could be pending.
    let pending = Pending::default();
    let mut counting = Counting::default();
    // Nothing is written: what a part reports is not known to the next.
    let mut reported: HashSet<[u8; 16]> = HashSet::with_capacity(file.rows.len());
    for (part, lines) in Parts::of(&file.platform.clone(), &file.key, file.rows) {
        let KnownOfBatch { known, index } =
            KnownOfBatch::read(connection, std::slice::from_ref(&part), &pending, calendar).await?;
        let DecidedPart { mut results, .. } = decide_part((&part, &pending), 0, (known, &index), 1, calendar);
        for (decided, result) in results.iter_mut().zip(part.content.results()) {
            let is_repeated = !reported.insert(result.content_digest());
            if is_repeated && matches!(decided, DecidedResult::New { .. }) {
                *decided = DecidedResult::Known;
            }
        }
        counting.count(&results, &lines);
        progress(lines.len());
    }
    counting.finish()
}

async fn mark_all_stale(connection: &impl ConnectionTrait, stale: BTreeSet<EmployeeId>) -> Result<(), StoreError> {
    let stale: Vec<EmployeeId> = stale.into_iter().collect();
    for some in stale.chunks(10 * PART) {
        mark_stale(connection, some.iter().copied()).await?;
    }
    Ok(())
}

/// A file in parts, each as the delivery that a webhook would have been, with the lines of its results.
struct Parts {
    platform: PlatformId,
    linking_keys: std::sync::Arc<[crate::domain::linking::LinkingKey]>,
    key: EventId,
    rows: std::vec::IntoIter<Row<ReportedResult>>,
}

impl Parts {
    fn of(platform: &Platform, key: &EventId, rows: Vec<Row<ReportedResult>>) -> Self {
        // Not the file's own id: what is known of that would be read with its bytes, for each part.
        let key = EventId::parse(&format!("{key} part")).unwrap_or_else(|_| key.clone());
        Self {
            platform: platform.id,
            linking_keys: platform.linking_keys.as_slice().into(),
            key,
            rows: rows.into_iter(),
        }
    }
}

impl Iterator for Parts {
    type Item = (Delivery, Vec<u64>);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut results, mut lines) = (Vec::with_capacity(PART), Vec::with_capacity(PART));
        for row in self.rows.by_ref().take(PART) {
            results.push(row.record);
            lines.push(row.line);
        }
        let part = Delivery {
            platform: self.platform,
            linking_keys: self.linking_keys.clone(),
            key: self.key.clone(),
            content_type: FILE_TYPE.to_owned(),
            headers: String::new(),
            is_pulled: false,
            read_by: None,
            body: Vec::new(),
            content: Content::Results(results),
        };
        (!lines.is_empty()).then_some((part, lines))
    }
}

/// What has been decided so far.
#[derive(Debug, Default)]
struct Counting {
    tally: Tally,
    problems: RowProblems,
}

impl Counting {
    fn count(&mut self, results: &[DecidedResult], lines: &[u64]) {
        for (result, line) in results.iter().zip(lines) {
            self.tally.results += 1;
            match result {
                DecidedResult::New { is_linked } => {
                    self.tally.new += 1;
                    self.tally.linked += u64::from(*is_linked);
                }
                DecidedResult::Known => self.tally.known += 1,
                DecidedResult::KnownOtherwise => self.problems.push(RowProblem {
                    file: FileKind::Results,
                    line: Some(*line),
                    column: Some("event_id".into()),
                    value: None,
                    fault: Fault::KnownOtherwise,
                }),
            }
        }
    }

    fn finish(self) -> Result<Tally, StoreFileError> {
        if self.problems.is_empty() { Ok(self.tally) } else { Err(StoreFileError::Problems(self.problems)) }
    }
}
