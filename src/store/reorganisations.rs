//! Reorganisations: what happened to administrations on which day, as known at an instant.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, Set};

use super::act::Scope;
use super::clock::Change;
use super::entities::reorganisation::{ActiveModel, Column, Entity, Model};
use super::entities::{administration_fact, reorganisation_step};
use super::known_at::known_at;
use super::merges::person_now;
use super::parsed::parsed;
use super::sql::{placeholders, statement};
use super::{StoreError, instant, settings};
use crate::domain::directory::succession::{Reorganisation, Step, Successions, Undone};
use crate::domain::ids::AdministrationCode;

const TABLE: &str = "reorganisation_step";

fn step_of(row: reorganisation_step::Model) -> Result<Step, StoreError> {
    let unreadable = |column| StoreError::Unreadable { table: TABLE, column };
    let code = |code: Option<String>, column| {
        parsed(AdministrationCode::parse(&code.ok_or(unreadable(column))?), TABLE, column)
    };
    match row.kind.as_str() {
        "moves" => Ok(Step::Moves {
            from: code(row.from_code, "from_code")?,
            to: code(row.to_code, "to_code")?,
            unit: row.unit,
        }),
        "opens" => Ok(Step::Opens(code(row.to_code, "to_code")?)),
        "closes" => Ok(Step::Closes(code(row.from_code, "from_code")?)),
        _ => Err(unreadable("kind")),
    }
}

async fn with_steps(connection: &impl ConnectionTrait, rows: Vec<Model>) -> Result<Vec<Reorganisation>, StoreError> {
    // Before the first reorganisation, reading people needs one more query, not two.
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut steps: BTreeMap<i64, Vec<Step>> = BTreeMap::new();
    let of = rows.iter().map(|row| row.id);
    let found = reorganisation_step::Entity::find()
        .filter(reorganisation_step::Column::ReorganisationId.is_in(of))
        .order_by_asc(reorganisation_step::Column::Id);
    for row in found.all(connection).await? {
        steps.entry(row.reorganisation_id).or_default().push(step_of(row)?);
    }
    let reorganisation = |row: Model| Reorganisation {
        id: row.id,
        on_day: row.on_day,
        steps: steps.remove(&row.id).unwrap_or_default(),
        reason: row.reason,
        made_by: row.made_by,
        recorded_at: instant::read(row.recorded_at),
        undone: row.undone_by.zip(row.superseded_at).map(|(by, at)| Undone {
            by,
            at: instant::read(at),
            because: row.undone_because.unwrap_or_default(),
        }),
    };
    Ok(rows.into_iter().map(reorganisation).collect())
}

/// All that were ever recorded, the newest first, undone ones included.
pub async fn list(connection: &impl ConnectionTrait, scope: &Scope) -> Result<Vec<Reorganisation>, StoreError> {
    if !scope.is_all() {
        return Ok(Vec::new());
    }
    let rows = Entity::find().order_by_desc(Column::Id).all(connection).await?;
    with_steps(connection, rows).await
}

/// Those in force at an instant (`None`: now).
pub async fn in_force(
    connection: &impl ConnectionTrait,
    at: Option<DateTime<Utc>>,
) -> Result<Vec<Reorganisation>, StoreError> {
    let known = known_at(Column::RecordedAt, Column::SupersededAt, at);
    let rows = Entity::find().filter(known).order_by_asc(Column::Id).all(connection).await?;
    with_steps(connection, rows).await
}

/// The trees of all days, as known at an instant (`None`: now).
pub async fn successions(
    connection: &impl ConnectionTrait,
    at: Option<DateTime<Utc>>,
) -> Result<Successions, StoreError> {
    let known = in_force(connection, at).await?;
    let steps = known.iter().flat_map(|known| known.steps.iter().map(|step| (known.on_day, step)));
    // They were valid together when they were recorded.
    parsed(Successions::of(steps), TABLE, "to_code")
}

/// Stores a reorganisation; it counts from now on.
pub async fn insert(
    change: &Change,
    on_day: NaiveDate,
    steps: &[Step],
    (by, reason): (&str, &str),
) -> Result<i64, StoreError> {
    let connection = change.connection();
    let row = ActiveModel {
        on_day: Set(on_day),
        reason: Set(reason.to_owned()),
        made_by: Set(by.to_owned()),
        recorded_at: Set(change.at()),
        ..Default::default()
    };
    let id = Entity::insert(row).exec_with_returning(connection).await?.id;
    let rows = steps.iter().map(|step| {
        let (kind, from, to, unit) = match step {
            Step::Moves { from, to, unit } => ("moves", Some(from), Some(to), unit.clone()),
            Step::Opens(code) => ("opens", None, Some(code), None),
            Step::Closes(code) => ("closes", Some(code), None, None),
        };
        reorganisation_step::ActiveModel {
            reorganisation_id: Set(id),
            kind: Set(kind.to_owned()),
            from_code: Set(from.map(ToString::to_string)),
            to_code: Set(to.map(ToString::to_string)),
            unit: Set(unit),
            ..Default::default()
        }
    });
    reorganisation_step::Entity::insert_many(rows).exec_without_returning(connection).await?;
    settings::write(change, settings::DIRECTORY_CHANGED_AT, &change.at().to_string()).await?;
    Ok(id)
}

/// Undoes a reorganisation, and removes the administrations that became known by it and have no employments.
pub async fn undo(change: &Change, undone: &Reorganisation, (by, because): (&str, &str)) -> Result<(), StoreError> {
    let connection = change.connection();
    let row = ActiveModel {
        undone_by: Set(Some(by.to_owned())),
        undone_because: Set(Some(because.to_owned())),
        superseded_at: Set(Some(change.at())),
        ..Default::default()
    };
    Entity::update_many().set(row).filter(Column::Id.eq(undone.id)).exec(connection).await?;
    let sql = "UPDATE administration_fact SET superseded_at = $1
               WHERE recorded_at = $2 AND superseded_at IS NULL AND code NOT IN (SELECT administration FROM employment_fact WHERE superseded_at IS NULL)";
    let values = [change.at().into(), instant::stored(undone.recorded_at).into()];
    connection.execute_raw(statement(connection, sql, values)).await?;
    settings::write(change, settings::DIRECTORY_CHANGED_AT, &change.at().to_string()).await
}

/// Whether an administration was known already when a reorganisation that opens it was recorded.
pub async fn was_known_before(
    connection: &impl ConnectionTrait,
    code: &AdministrationCode,
    recorded_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    use administration_fact::{Column, Entity};
    let recorded_at = instant::stored(recorded_at);
    let known = Entity::find()
        .filter(Column::Code.eq(code.as_str()))
        .filter(Column::RecordedAt.lt(recorded_at))
        .filter(Column::SupersededAt.is_null().or(Column::SupersededAt.gte(recorded_at)));
    Ok(known.one(connection).await?.is_some())
}

/// Makes known an administration that a reorganisation opens.
pub async fn open_administration(
    change: &Change,
    code: &AdministrationCode,
    (name, board): (&str, &str),
) -> Result<(), StoreError> {
    let row = administration_fact::ActiveModel {
        code: Set(code.to_string()),
        name: Set(name.to_owned()),
        board: Set(board.to_owned()),
        recorded_at: Set(change.at()),
        ..Default::default()
    };
    administration_fact::Entity::insert(row).exec_without_returning(change.connection()).await?;
    Ok(())
}

/// Marks everybody with an employment in some administrations as stale: in one statement, for any number of
/// administrations.
pub async fn mark_stale(change: &Change, recorded_in: &BTreeSet<&AdministrationCode>) -> Result<(), StoreError> {
    if recorded_in.is_empty() {
        return Ok(());
    }
    let connection = change.connection();
    let sql = format!(
        "INSERT INTO stale (employee_id) SELECT DISTINCT {} AS employee_id FROM employment_fact f
         WHERE f.superseded_at IS NULL AND f.administration IN ({}) ORDER BY employee_id",
        person_now("f.employee_id"),
        placeholders(1, recorded_in.len())
    );
    let codes = recorded_in.iter().map(|code| code.as_str().into());
    connection.execute_raw(statement(connection, &sql, codes)).await?;
    Ok(())
}
