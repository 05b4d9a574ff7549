//! Reports of imports, and what each import changed: the facts that were recorded or superseded at its instant.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};

use super::act::Scope;
use super::clock::Change;
use super::entities::{
    absence_fact, administration_fact, employee, employee_fact, employment_fact, exemption_fact, identity_claim,
    import_file, import_report,
};
use super::facts::{self, FROM_IDENTITIES};
use super::parsed::parsed;
use super::sql::{IN_AT_ONCE, padded};
use super::{StoreError, instant, protection};
use crate::domain::directory::imports::{FileSource, ImportReport, MappingSource, Sources, Undoes, Undone, taken_back};
use crate::domain::directory::plan::{self, Act, Extent, Plan, Summary};
use crate::domain::directory::problem::FileKind;
use crate::domain::directory::records::IdentityRecord;
use crate::domain::ids::{EmployeeId, EmployeeNumber};

/// Stores the report of the import that a change makes; returns its id.
pub async fn insert(
    change: &Change,
    subject: &str,
    day: chrono::NaiveDate,
    extent: Extent,
    sources: &Sources,
    summary: &Summary,
    undoes: Option<&Undoes>,
) -> Result<i64, StoreError> {
    let unwritable = StoreError::Unreadable { table: "import_report", column: "summary" };
    let row = import_report::ActiveModel {
        at: Set(change.at()),
        subject: Set(subject.to_owned()),
        day: Set(day),
        extent: Set(extent.as_str().to_owned()),
        mapping_name: Set(sources.mapping.as_ref().map(|mapping| mapping.name.clone())),
        mapping_digest: Set(sources.mapping.as_ref().map(|mapping| mapping.digest.clone())),
        files_key: Set(sources.key().unwrap_or_default()),
        summary: Set(serde_json::to_string(summary).map_err(|_| unwritable)?),
        undoes: Set(undoes.map(|undoes| undoes.import)),
        reason: Set(undoes.map(|undoes| undoes.reason.clone())),
        ..Default::default()
    };
    let id = import_report::Entity::insert(row).exec(change.connection()).await?.last_insert_id;
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    for file in &sources.files {
        let row = import_file::ActiveModel {
            import_id: Set(id),
            kind: Set(file.kind.as_str().to_owned()),
            name: Set(file.name.clone()),
            digest: Set(file.digest.clone()),
            bytes: Set(count(file.bytes)),
            records: Set(count(file.records)),
            skipped: Set(count(file.skipped)),
        };
        import_file::Entity::insert(row).exec_without_returning(change.connection()).await?;
    }
    Ok(id)
}

/// Reports, newest first; `before` is the id of the last one that was seen.
pub async fn list(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    before: Option<i64>,
    at_most: u64,
) -> Result<Vec<ImportReport>, StoreError> {
    if !scope.is_all() {
        return Ok(Vec::new());
    }
    use import_report::{Column, Entity};
    let mut found = Entity::find().order_by_desc(Column::Id).limit(at_most);
    if let Some(before) = before {
        found = found.filter(Column::Id.lt(before));
    }
    with_files(connection, found.all(connection).await?).await
}

pub async fn by_id(
    connection: &impl ConnectionTrait,
    scope: &Scope,
    id: i64,
) -> Result<Option<ImportReport>, StoreError> {
    if !scope.is_all() {
        return Ok(None);
    }
    let row = import_report::Entity::find_by_id(id).one(connection).await?;
    Ok(with_files(connection, row.into_iter().collect()).await?.pop())
}

/// The newest import of files with these contents.
pub async fn latest_of(connection: &impl ConnectionTrait, files_key: &str) -> Result<Option<ImportReport>, StoreError> {
    use import_report::{Column, Entity};
    let found = Entity::find().filter(Column::FilesKey.eq(files_key)).order_by_desc(Column::Id).one(connection).await?;
    Ok(with_files(connection, found.into_iter().collect()).await?.pop())
}

async fn with_files(
    connection: &impl ConnectionTrait,
    rows: Vec<import_report::Model>,
) -> Result<Vec<ImportReport>, StoreError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut files: HashMap<i64, Vec<FileSource>> = HashMap::new();
    for ids in ids.chunks(IN_AT_ONCE) {
        let found = import_file::Entity::find().filter(import_file::Column::ImportId.is_in(padded(ids)));
        for row in found.all(connection).await? {
            let kind = FileKind::parse(&row.kind);
            let unreadable = StoreError::Unreadable { table: "import_file", column: "kind" };
            files.entry(row.import_id).or_default().push(FileSource {
                kind: kind.ok_or(unreadable)?,
                name: row.name,
                digest: row.digest,
                bytes: row.bytes.unsigned_abs(),
                records: row.records.unsigned_abs(),
                skipped: row.skipped.unsigned_abs(),
            });
        }
    }
    let undoings = undoings(connection).await?;
    rows.into_iter().map(|row| report_of(row, &mut files, &undoings)).collect()
}

/// The undoings in force, by the import that each undoes. There are few.
async fn undoings(connection: &impl ConnectionTrait) -> Result<BTreeMap<i64, Undone>, StoreError> {
    let mut rows: BTreeMap<i64, import_report::Model> = BTreeMap::new();
    let found = import_report::Entity::find().filter(import_report::Column::Undoes.is_not_null());
    rows.extend(found.all(connection).await?.into_iter().map(|row| (row.id, row)));
    let pairs = rows.values().filter_map(|row| Some((row.id, row.undoes?)));
    let undone = |(import, undoing): (i64, i64)| {
        let row = rows.get(&undoing)?;
        let because = row.reason.clone().unwrap_or_default();
        Some((import, Undone { import: undoing, by: row.subject.clone(), at: instant::read(row.at), because }))
    };
    Ok(taken_back(pairs).into_iter().filter_map(undone).collect())
}

/// The instants of all undone imports: what was recorded only at these counts as never recorded.
pub(super) async fn instants_taken_back(connection: &impl ConnectionTrait) -> Result<BTreeSet<i64>, StoreError> {
    let ids: Vec<i64> = undoings(connection).await?.into_keys().collect();
    let mut instants = BTreeSet::new();
    for ids in ids.chunks(IN_AT_ONCE) {
        let found = import_report::Entity::find().filter(import_report::Column::Id.is_in(padded(ids)));
        instants.extend(found.all(connection).await?.into_iter().map(|row| row.at));
    }
    Ok(instants)
}

fn report_of(
    row: import_report::Model,
    files: &mut HashMap<i64, Vec<FileSource>>,
    undoings: &BTreeMap<i64, Undone>,
) -> Result<ImportReport, StoreError> {
    let unreadable = |column| StoreError::Unreadable { table: "import_report", column };
    let mut files = files.remove(&row.id).unwrap_or_default();
    files.sort_by_key(|file| file.kind);
    let mapping = row.mapping_name.zip(row.mapping_digest).map(|(name, digest)| MappingSource { name, digest });
    Ok(ImportReport {
        id: row.id,
        at: instant::read(row.at),
        subject: row.subject,
        day: row.day,
        extent: Extent::parse(&row.extent).ok_or_else(|| unreadable("extent"))?,
        sources: Sources { files, mapping },
        summary: serde_json::from_str(&row.summary).map_err(|_| unreadable("summary"))?,
        undoes: row.undoes.map(|import| Undoes { import, reason: row.reason.unwrap_or_default() }),
        undone: undoings.get(&row.id).cloned(),
    })
}

/// What an import changed, derived from the facts: no other change has its instant. People who have protected personal
/// data now, or had it then, are shown by number only.
pub async fn carried_out(connection: &impl ConnectionTrait, report: &ImportReport) -> Result<Plan, StoreError> {
    let at = instant::stored(report.at);
    let mut acts: Vec<plan::Change> = Vec::new();
    macro_rules! touched {
        ($table:ident) => {{
            use $table::{Column, Entity};
            Entity::find().filter(Column::RecordedAt.eq(at).or(Column::SupersededAt.eq(at)))
        }};
    }
    let mut found = Found::new();
    for row in touched!(administration_fact).all(connection).await? {
        let is_after = row.recorded_at == at;
        let record = facts::administration(row)?;
        found.add(record.code.clone(), record, is_after);
    }
    acts.extend(found.acts().map(plan::Change::Administration));

    let persons = touched!(employee_fact).all(connection).await?;
    let employments = touched!(employment_fact).all(connection).await?;
    let absences = touched!(absence_fact).all(connection).await?;
    let exemptions = touched!(exemption_fact).all(connection).await?;
    let identities = touched!(identity_claim).filter(identity_claim::Column::Source.eq(FROM_IDENTITIES));
    let identities = identities.all(connection).await?;
    let employees: BTreeSet<i64> = (persons.iter().map(|row| row.employee_id))
        .chain(employments.iter().map(|row| row.employee_id))
        .chain(absences.iter().map(|row| row.employee_id))
        .chain(exemptions.iter().map(|row| row.employee_id))
        .chain(identities.iter().map(|row| row.employee_id))
        .collect();
    let numbers = Numbers::of(connection, employees).await?;

    let mut found = Found::new();
    for row in persons {
        let is_after = row.recorded_at == at;
        let record = facts::person(numbers.of_employee(row.employee_id)?, row);
        found.add(record.employee_number.clone(), record, is_after);
    }
    acts.extend(found.acts().map(plan::Change::Person));
    let mut found = Found::new();
    for row in employments {
        let is_after = row.recorded_at == at;
        let record = facts::employment(numbers.of_employee(row.employee_id)?, row)?;
        found.add((record.employee_number.clone(), record.employment_id.clone()), record, is_after);
    }
    acts.extend(found.acts().map(plan::Change::Employment));
    let mut found = Found::new();
    for row in absences {
        let is_after = row.recorded_at == at;
        let record = facts::absence(numbers.of_employee(row.employee_id)?, row);
        found.add((record.employee_number.clone(), record.starts_on), record, is_after);
    }
    acts.extend(found.acts().map(plan::Change::Absence));
    let mut found = Found::new();
    for row in exemptions {
        let is_after = row.recorded_at == at;
        let record = facts::exemption(numbers.of_employee(row.employee_id)?, row)?;
        found.add((record.employee_number.clone(), record.requirement.clone(), record.starts_on), record, is_after);
    }
    acts.extend(found.acts().map(plan::Change::Exemption));
    let platforms = facts::platforms(connection).await?;
    let mut found = Found::new();
    for row in identities {
        let is_after = row.recorded_at == at;
        let record = facts::identity(numbers.of_employee(row.employee_id)?, row, &platforms)?;
        let key = IdentityRecord { valid_to: None, ..record.clone() };
        found.add(key, record, is_after);
    }
    acts.extend(found.acts().map(plan::Change::Identity));
    let protected = protected(connection, at, &numbers).await?;
    Ok(Plan::carried_out(acts, report.extent, report.day, protected))
}

/// Everybody who has protected personal data now, or had it up to or from an instant.
async fn protected(
    connection: &impl ConnectionTrait,
    at: i64,
    numbers: &Numbers,
) -> Result<BTreeSet<EmployeeNumber>, StoreError> {
    use employee_fact::{Column, Entity};
    let then = Condition::all().add(Column::RecordedAt.lte(at)).add(Column::SupersededAt.gte(at));
    let facts = Entity::find()
        // Written exactly as in the partial index: a planner does not match a parameter with it.
        .filter(Expr::cust("protected"))
        .filter(Condition::any().add(Column::SupersededAt.is_null()).add(then));
    let rows = facts.all(connection).await?;
    // Also people who are protected under another number.
    let touched: BTreeSet<EmployeeId> = numbers.0.keys().copied().map(EmployeeId).collect();
    let otherwise = protection::protected_among(connection, &touched).await?.into_iter().map(|id| id.0);
    let protected = rows.iter().map(|row| row.employee_id).chain(otherwise);
    Ok(protected.filter_map(|id| numbers.0.get(&id).cloned()).collect())
}

/// The records of one kind as they were before and after, by key.
struct Found<K, T>(BTreeMap<K, (Option<T>, Option<T>)>);

impl<K: Ord, T> Found<K, T> {
    const fn new() -> Self {
        Self(BTreeMap::new())
    }

    fn add(&mut self, key: K, record: T, is_after: bool) {
        let (before, after) = self.0.entry(key).or_insert((None, None));
        *(if is_after { after } else { before }) = Some(record);
    }

    fn acts(self) -> impl Iterator<Item = Act<T>> {
        self.0.into_values().filter_map(|pair| match pair {
            (None, Some(after)) => Some(Act::Added(after)),
            (Some(before), Some(after)) => Some(Act::Changed { before, after }),
            (Some(before), None) => Some(Act::Withdrawn(before)),
            (None, None) => None,
        })
    }
}

/// Employees' numbers, by their keys.
struct Numbers(HashMap<i64, EmployeeNumber>);

impl Numbers {
    async fn of(connection: &impl ConnectionTrait, employees: BTreeSet<i64>) -> Result<Self, StoreError> {
        let ids: Vec<i64> = employees.into_iter().collect();
        let mut numbers = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(IN_AT_ONCE) {
            let found = employee::Entity::find().filter(employee::Column::Id.is_in(padded(ids)));
            for row in found.all(connection).await? {
                numbers.insert(row.id, parsed(EmployeeNumber::parse(&row.number), "employee", "number")?);
            }
        }
        Ok(Self(numbers))
    }

    fn of_employee(&self, id: i64) -> Result<EmployeeNumber, StoreError> {
        self.0.get(&id).cloned().ok_or(StoreError::Unreadable { table: "employee", column: "id" })
    }
}
