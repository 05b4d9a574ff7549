//! An administration's people, one row per person and requirement: streamed as a file, or by the page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, NaiveDate, Utc};
use futures::{StreamExt, pin_mut};
use tokio::sync::mpsc;

use crate::app::compliance::judge::Requirements;
use crate::app::reports::as_known::{as_known, targets_of};
use crate::app::reports::clocks::{Clocks, FutureKnownAt, View, ViewError};
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::compliance::Status;
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::domain::report::protection::protect;
use crate::render::export_csv::{CsvExport, Dialect};
use crate::render::export_xlsx::{XlsxExport, XlsxExportError};
use crate::store::export_rows::{PlacedRow, RowsQuery, rows_of};
use crate::store::judged_for::{JudgedFor, judged_for};
use crate::store::people::KnownEmployee;
use crate::store::{Act, Scope, StoreError, directory, employees, requirements};

pub use crate::store::export_rows::RowPlace;

/// A request for an administration's rows.
#[derive(Debug, Clone)]
pub struct RowsRequest {
    pub administration: AdministrationCode,
    pub requirement: Option<RequirementCode>,
    pub clocks: Clocks,
    pub status: Option<Status>,
    pub unit: Option<String>,
}

/// Why there are no rows.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no administration {0} is known here")]
    UnknownAdministration(AdministrationCode),
    #[error("no requirement {0} was known then")]
    UnknownRequirement(RequirementCode),
    #[error(transparent)]
    FutureKnownAt(#[from] FutureKnownAt),
    #[error(transparent)]
    Workbook(#[from] XlsxExportError),
    #[error("the workbook could not be packed; is the disk for temporary files full?")]
    WorkbookNotPacked,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ViewError> for RowsError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::FutureKnownAt(error) => error.into(),
            ViewError::Store(error) => error.into(),
        }
    }
}

/// Rows that are streamed, a few hundred at a time, and their `as_of` and `known_at`.
#[derive(Debug)]
pub struct Rows {
    pub as_of: NaiveDate,
    pub known_at: DateTime<Utc>,
    pub chunks: mpsc::Receiver<Result<Vec<PlacedRow>, StoreError>>,
}

/// A page of rows.
#[derive(Debug)]
pub struct RowsPage {
    pub as_of: NaiveDate,
    pub known_at: DateTime<Utc>,
    pub rows: Vec<PlacedRow>,
    /// The start of the next page, if there is one.
    pub next: Option<RowPlace>,
}

/// How many rows are sent together.
const CHUNK: usize = 256;

impl App {
    /// All rows in the order of an export, streamed; the export is audited.
    pub async fn export_rows(&self, caller: &Caller, request: &RowsRequest) -> Result<Rows, RowsError> {
        let (view, query) = self.ask(caller, request, Action::Export, "administration.export").await?;
        let (as_of, known_at) = (view.as_of, view.known_at);
        let (sender, chunks) = mpsc::channel(4);
        let app = self.clone();
        tokio::spawn(async move {
            if let Err(error) = app.send_rows(&view, &query, &sender).await {
                tracing::error!(error = &error as &dyn std::error::Error, "an export broke off");
                drop(sender.send(Err(error)).await);
            }
        });
        Ok(Rows { as_of, known_at, chunks })
    }

    /// The same as CSV, in chunks.
    pub async fn export_csv(
        &self,
        caller: &Caller,
        request: &RowsRequest,
        dialect: Dialect,
    ) -> Result<mpsc::Receiver<Result<Vec<u8>, StoreError>>, RowsError> {
        Ok(csv_chunks(self.export_rows(caller, request).await?, dialect))
    }

    /// The same as a workbook.
    pub async fn export_xlsx(&self, caller: &Caller, request: &RowsRequest) -> Result<Vec<u8>, RowsError> {
        workbook(self.export_rows(caller, request).await?).await
    }

    /// A page of at most so many rows after a place; the read is audited.
    pub async fn list_compliance(
        &self,
        caller: &Caller,
        request: &RowsRequest,
        after: Option<RowPlace>,
        at_most: usize,
    ) -> Result<RowsPage, RowsError> {
        let (view, query) = self.ask(caller, request, Action::ReadPeople, "administration.read").await?;
        let one_more = u64::try_from(at_most).unwrap_or(u64::MAX).saturating_add(1);
        let query = RowsQuery { after, at_most: Some(one_more), ..query };
        let (sender, mut chunks) = mpsc::channel(4);
        let send = async {
            let sent = self.send_rows(&view, &query, &sender).await;
            drop(sender);
            sent
        };
        let collect = async {
            let mut rows = Vec::new();
            while let Some(Ok(chunk)) = chunks.recv().await {
                rows.extend(chunk);
            }
            rows
        };
        let (sent, mut rows) = futures::join!(send, collect);
        sent?;
        let next = (rows.len() > at_most).then(|| rows.get(at_most.saturating_sub(1)).map(|row| row.place.clone()));
        rows.truncate(at_most);
        Ok(RowsPage { as_of: view.as_of, known_at: view.known_at, rows, next: next.flatten() })
    }

    /// Checks the right to ask, audits, and opens the view.
    async fn ask(
        &self,
        caller: &Caller,
        request: &RowsRequest,
        action: Action,
        act: &'static str,
    ) -> Result<(View, RowsQuery), RowsError> {
        let grant = caller.grant(action)?;
        let unknown = || RowsError::UnknownAdministration(request.administration.clone());
        if !grant.visible().includes(&request.administration) {
            return Err(unknown());
        }
        let about = request.requirement.as_ref().map_or_else(|| "all requirements".to_owned(), ToString::to_string);
        let object = format!("administration {}, {about}{}", request.administration, request.clocks);
        let act = self.audited_read(caller, &grant, Act { action: act, object: &object }).await?;
        let view = self.view(request.clocks, act).await?;
        let connection = view.snapshot.connection();
        let administrations = directory::administrations(connection, view.known_at).await?;
        let name = administrations.get(&request.administration).cloned().ok_or_else(unknown)?;
        if let Some(requirement) = &request.requirement
            && requirements::versions(connection, requirement, Some(view.known_at)).await?.is_empty()
        {
            return Err(RowsError::UnknownRequirement(requirement.clone()));
        }
        let query = RowsQuery {
            administration: request.administration.clone(),
            administration_name: name,
            as_of: view.as_of,
            requirement: request.requirement.clone(),
            status: request.status,
            unit: request.unit.clone(),
            after: None,
            at_most: None,
            judged_for: (!grant.visible().is_all()).then(|| JudgedFor { today: self.today() }),
        };
        Ok((view, query))
    }

    async fn send_rows(
        &self,
        view: &View,
        query: &RowsQuery,
        sender: &mpsc::Sender<Result<Vec<PlacedRow>, StoreError>>,
    ) -> Result<(), StoreError> {
        let (connection, scope) = (view.snapshot.connection(), view.snapshot.scope());
        let mut requirements = Requirements::new();
        for code in requirements::codes(connection).await? {
            if query.requirement.as_ref().is_none_or(|query| *query == code) {
                let versions = requirements::versions(connection, &code, Some(view.known_at)).await?;
                requirements.insert(code, versions);
            }
        }
        let left = query.at_most.and_then(|at_most| usize::try_from(at_most).ok()).unwrap_or(usize::MAX);
        let mut chunk = Outgoing { rows: Vec::with_capacity(CHUNK), left, sender };
        if !view.is_current {
            let targets: Vec<_> = requirements.values().flat_map(|versions| targets_of(versions)).collect();
            let mut known = as_known(&view.snapshot, &targets, view.known_at, self.calendar).await?;
            employees::keep_own(connection, scope, view.known_at, &mut known.employees).await?;
            for row in self.judged_rows(&known.employees, &requirements, query, scope) {
                if !chunk.push(row).await {
                    return Ok(());
                }
            }
            chunk.flush().await;
            return Ok(());
        }
        // People whose derived rows are stale are judged here, and take their places among the others.
        let mut people = self.stale_people(view).await?;
        if let Some(whom) = query.judged_for {
            let own = BTreeSet::from([query.administration.clone()]);
            let ids = judged_for(connection, &own, query.as_of, whom).await?;
            people.extend(self.people_with_results(connection, ids).await?);
        }
        employees::keep_own(connection, scope, view.known_at, &mut people).await?;
        let mut judged = self.judged_rows(&people, &requirements, query, scope).into_iter().peekable();
        let stored = rows_of(connection, query);
        pin_mut!(stored);
        while let Some(row) = stored.next().await {
            let mut row = row?;
            if row.protected {
                protect(&mut row.row);
            }
            while let Some(earlier) = judged.next_if(|judged| is_before(&judged.place, &row.place)) {
                if !chunk.push(earlier).await {
                    return Ok(());
                }
            }
            if !chunk.push(row).await {
                return Ok(());
            }
        }
        for row in judged {
            if !chunk.push(row).await {
                return Ok(());
            }
        }
        chunk.flush().await;
        Ok(())
    }

    /// The rows of people, judged one by one, in the order of an export.
    fn judged_rows(
        &self,
        employees: &BTreeMap<crate::domain::ids::EmployeeId, KnownEmployee>,
        requirements: &Requirements,
        query: &RowsQuery,
        scope: &Scope,
    ) -> Vec<PlacedRow> {
        let name = (&query.administration, query.administration_name.as_str());
        let judged = employees.values().filter_map(|employee| scope.as_judged(employee, query.as_of));
        let rows_of = |employee: &KnownEmployee| -> Vec<PlacedRow> {
            let requirements = requirements.iter();
            let row = |(code, versions): (&RequirementCode, &Vec<_>)| {
                self.row_of(employee, code, versions, name, query.as_of)
            };
            requirements.filter_map(row).collect()
        };
        let mut rows: Vec<PlacedRow> = judged
            .flat_map(|employee| rows_of(&employee))
            .filter(|placed| query.status.is_none_or(|status| placed.row.status == status))
            .filter(|placed| query.unit.as_ref().is_none_or(|unit| !placed.protected && placed.row.unit == *unit))
            .filter(|placed| query.after.as_ref().is_none_or(|after| is_before(after, &placed.place)))
            .collect();
        rows.sort_by(|a, b| order_of(&a.place).cmp(&order_of(&b.place)));
        rows
    }
}

/// Rows as CSV, in chunks; the file's header is in the first.
#[must_use]
pub fn csv_chunks(mut rows: Rows, dialect: Dialect) -> mpsc::Receiver<Result<Vec<u8>, StoreError>> {
    let (sender, pieces) = mpsc::channel(4);
    tokio::spawn(async move {
        let csv = CsvExport::new(dialect);
        let mut piece = Vec::new();
        csv.write_header(&mut piece);
        while let Some(chunk) = rows.chunks.recv().await {
            let written = chunk.map(|chunk| {
                for placed in &chunk {
                    csv.write_row(&mut piece, &placed.row);
                }
                std::mem::take(&mut piece)
            });
            // The receiver is gone: the rest need not be written.
            if sender.send(written).await.is_err() {
                return;
            }
        }
        if !piece.is_empty() {
            drop(sender.send(Ok(piece)).await);
        }
    });
    pieces
}

/// Rows as a workbook.
pub async fn workbook(mut rows: Rows) -> Result<Vec<u8>, RowsError> {
    // Packing a workbook keeps a processor busy, so it runs on a thread that blocks no other request.
    let packing = tokio::task::spawn_blocking(move || {
        let mut workbook = XlsxExport::new(rows.known_at)?;
        while let Some(chunk) = rows.chunks.blocking_recv() {
            for placed in chunk? {
                workbook.write_row(&placed.row)?;
            }
        }
        Ok::<_, RowsError>(workbook.into_bytes()?)
    });
    packing.await.map_err(|_| RowsError::WorkbookNotPacked)?
}

impl Rows {
    /// The same rows, each counted as it passes.
    #[must_use]
    pub fn counted(self, count: Arc<AtomicU64>) -> Self {
        let Self { as_of, known_at, mut chunks } = self;
        let (sender, counted) = mpsc::channel(4);
        tokio::spawn(async move {
            while let Some(chunk) = chunks.recv().await {
                let rows = chunk.as_ref().map_or(0, Vec::len);
                count.fetch_add(rows as u64, Ordering::Relaxed);
                if sender.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        Self { as_of, known_at, chunks: counted }
    }
}

fn order_of(place: &RowPlace) -> (&[u8], &str) {
    (&place.sort_key, &place.requirement)
}

fn is_before(a: &RowPlace, b: &RowPlace) -> bool {
    order_of(a) < order_of(b)
}

/// Rows that are sent together, until there are enough or the receiver is gone.
struct Outgoing<'a> {
    rows: Vec<PlacedRow>,
    left: usize,
    sender: &'a mpsc::Sender<Result<Vec<PlacedRow>, StoreError>>,
}

impl Outgoing<'_> {
    /// Takes a row; returns whether it takes another.
    async fn push(&mut self, row: PlacedRow) -> bool {
        self.rows.push(row);
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.flush().await;
            return false;
        }
        self.rows.len() < CHUNK || self.flush().await
    }

    async fn flush(&mut self) -> bool {
        let rows = std::mem::replace(&mut self.rows, Vec::with_capacity(CHUNK));
        rows.is_empty() || self.sender.send(Ok(rows)).await.is_ok()
    }
}
