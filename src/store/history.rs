//! Everything that was ever known about one employee, in its versions.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::employments::{earlier_of, employment_of};
use super::entities::{
    absence_fact, audit_entry, employee_fact, employment_fact, event, exemption_fact, identity_claim, link_decision,
    platform, superseded_event,
};
use super::links::identity_of;
use super::parsed::parsed;
use super::results::result_of;
use super::sql::IN_AT_ONCE;
use super::{StoreError, instant, people, revocations};
use crate::domain::calendar::CityCalendar;
use crate::domain::compliance::withdrawal::{State, states};
use crate::domain::directory::plan::Known;
use crate::domain::directory::records::{
    AbsenceRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord,
};
use crate::domain::history::{Link, Received, Version};
use crate::domain::ids::{EmployeeId, EmployeeNumber, EventId, PlatformCode, PlatformId, RequirementCode};
use crate::domain::linking::LinkingKey;
use crate::domain::training::{LinkedResult, ResultDecision};

/// What HR recorded about one employee, in all its versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub persons: Vec<Version<PersonRecord>>,
    pub employments: Vec<Version<EmploymentRecord>>,
    pub absences: Vec<Version<AbsenceRecord>>,
    pub exemptions: Vec<Version<ExemptionRecord>>,
    pub identities: Vec<Version<IdentityRecord>>,
}

impl Facts {
    /// What is known now, in the form that a plan needs; without the administrations.
    #[must_use]
    pub fn known(&self) -> Known {
        fn current<T: Clone>(versions: &[Version<T>]) -> impl Iterator<Item = T> {
            versions.iter().filter(|version| version.superseded_at.is_none()).map(|version| version.record.clone())
        }
        let employments = current(&self.employments);
        let absences = current(&self.absences);
        Known {
            persons: current(&self.persons).map(|record| (record.employee_number.clone(), record)).collect(),
            employments: employments
                .map(|record| ((record.employee_number.clone(), record.employment_id.clone()), record))
                .collect(),
            absences: absences.map(|record| ((record.employee_number.clone(), record.starts_on), record)).collect(),
            ..Known::default()
        }
    }
}

fn version<T>(record: T, recorded_at: i64, superseded_at: Option<i64>) -> Version<T> {
    Version { record, recorded_at: instant::read(recorded_at), superseded_at: superseded_at.map(instant::read) }
}

async fn platform_codes(connection: &impl ConnectionTrait) -> Result<BTreeMap<i64, PlatformCode>, StoreError> {
    let rows = platform::Entity::find().all(connection).await?;
    rows.into_iter().map(|row| Ok((row.id, parsed(PlatformCode::parse(&row.code), "platform", "code")?))).collect()
}

/// Every version of what HR recorded about an employee.
pub async fn facts(
    connection: &impl ConnectionTrait,
    (id, number): (EmployeeId, &EmployeeNumber),
) -> Result<Facts, StoreError> {
    let mut facts = Facts::default();
    for row in employee_fact::Entity::find()
        .filter(employee_fact::Column::EmployeeId.eq(id.0))
        .order_by_asc(employee_fact::Column::Id)
        .all(connection)
        .await?
    {
        let record = PersonRecord {
            employee_number: number.clone(),
            given_name: row.given_name,
            family_name: row.family_name,
            protected: row.protected,
        };
        facts.persons.push(version(record, row.recorded_at, row.superseded_at));
    }
    for row in employment_fact::Entity::find()
        .filter(employment_fact::Column::EmployeeId.eq(id.0))
        .order_by_asc(employment_fact::Column::Id)
        .all(connection)
        .await?
    {
        let employment = employment_of(&row)?;
        let manager = row.manager_number.as_deref().map(EmployeeNumber::parse).transpose();
        let record = EmploymentRecord {
            employee_number: number.clone(),
            employment_id: employment.id,
            administration: employment.administration,
            unit: employment.unit,
            form: employment.form,
            starts_on: employment.starts_on,
            ends_on: employment.ends_on,
            manager: parsed(manager, "employment_fact", "manager_number")?,
            earlier: earlier_of(&row)?,
            email: row.email,
            username: row.username,
        };
        facts.employments.push(version(record, row.recorded_at, row.superseded_at));
    }
    for row in absence_fact::Entity::find()
        .filter(absence_fact::Column::EmployeeId.eq(id.0))
        .order_by_asc(absence_fact::Column::Id)
        .all(connection)
        .await?
    {
        let record = AbsenceRecord { employee_number: number.clone(), starts_on: row.starts_on, ends_on: row.ends_on };
        facts.absences.push(version(record, row.recorded_at, row.superseded_at));
    }
    for row in exemption_fact::Entity::find()
        .filter(exemption_fact::Column::EmployeeId.eq(id.0))
        .order_by_asc(exemption_fact::Column::Id)
        .all(connection)
        .await?
    {
        let record = ExemptionRecord {
            employee_number: number.clone(),
            requirement: parsed(RequirementCode::parse(&row.requirement), "exemption_fact", "requirement")?,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            reason: row.reason,
        };
        facts.exemptions.push(version(record, row.recorded_at, row.superseded_at));
    }
    let platforms = platform_codes(connection).await?;
    for row in identity_claim::Entity::find()
        .filter(identity_claim::Column::EmployeeId.eq(id.0))
        .filter(identity_claim::Column::PlatformId.is_not_null())
        .order_by_asc(identity_claim::Column::Id)
        .all(connection)
        .await?
    {
        let Some(platform) = row.platform_id.and_then(|id| platforms.get(&id)) else { continue };
        let identity = identity_of(&row.key, row.value, row.home_page, "identity_claim")?;
        let record = IdentityRecord {
            employee_number: number.clone(),
            platform: platform.clone(),
            identity,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
        };
        facts.identities.push(version(record, row.recorded_at, row.superseded_at));
    }
    Ok(facts)
}

/// Links by hand to an employee. `others_too`: also those that link an identity of the employee's to another employee,
/// or dismiss it.
pub async fn links(
    connection: &impl ConnectionTrait,
    (id, number): (EmployeeId, &EmployeeNumber),
    others_too: bool,
) -> Result<Vec<Version<Link>>, StoreError> {
    use link_decision::Column;
    let mut chosen = Condition::any().add(Column::EmployeeId.eq(id.0));
    if others_too {
        let claims = identity_claim::Entity::find().filter(identity_claim::Column::EmployeeId.eq(id.0));
        let mut own: BTreeSet<(String, String)> =
            claims.all(connection).await?.into_iter().map(|claim| (claim.key, claim.value)).collect();
        own.insert((LinkingKey::EmployeeNumber.as_str().to_owned(), number.to_string()));
        for (key, value) in own {
            chosen = chosen.add(Condition::all().add(Column::Key.eq(key)).add(Column::Value.eq(value)));
        }
    }
    let rows = link_decision::Entity::find().filter(chosen).order_by_asc(Column::Id).all(connection).await?;
    let employees: BTreeSet<EmployeeId> = rows.iter().filter_map(|row| row.employee_id.map(EmployeeId)).collect();
    let numbers = people::numbers_of(connection, &employees).await?;
    let platforms = platform_codes(connection).await?;
    rows.into_iter()
        .map(|row| {
            let linked = row.employee_id.and_then(|id| numbers.get(&EmployeeId(id)));
            let linked = linked.map(|number| EmployeeNumber::parse(number)).transpose();
            let record = Link {
                platform: platforms.get(&row.platform_id).map(ToString::to_string).unwrap_or_default(),
                identity: identity_of(&row.key, row.value, row.home_page, "link_decision")?,
                employee_number: parsed(linked, "employee", "number")?,
                valid_from: row.valid_from,
                valid_to: row.valid_to,
                reason: row.reason,
            };
            Ok(version(record, row.recorded_at, row.superseded_at))
        })
        .collect()
}

/// The results that are linked to an employee now, and the revocations that name one of them, directly or through other
/// revocations.
async fn rows_of(
    connection: &impl ConnectionTrait,
    id: EmployeeId,
    calendar: CityCalendar,
) -> Result<BTreeMap<i64, event::Model>, StoreError> {
    let own = event::Entity::find().filter(event::Column::EmployeeId.eq(id.0)).all(connection).await?;
    let named: Vec<(i64, LinkedResult)> =
        own.iter().map(|row| Ok((row.id, result_of(row, calendar)?))).collect::<Result<_, StoreError>>()?;
    let mut rows: BTreeMap<i64, event::Model> = BTreeMap::new();
    rows.extend(revocations::naming(connection, &named).await?.into_iter().map(|(_, row)| (row.id, row)));
    rows.extend(own.into_iter().map(|row| (row.id, row)));
    Ok(rows)
}

/// The results that are linked to an employee now, with the revocations that name one of them. Repeats are shown once,
/// except if one counts anew.
pub async fn results(
    connection: &impl ConnectionTrait,
    id: EmployeeId,
    calendar: CityCalendar,
) -> Result<Vec<Version<Received>>, StoreError> {
    let rows = rows_of(connection, id, calendar).await?;
    let linked: Vec<LinkedResult> =
        rows.values().map(|row| result_of(row, calendar)).collect::<Result<_, StoreError>>()?;
    // Of results that say the same, the first is shown. If that is withdrawn, the first that counts anew is shown.
    let counting: HashSet<(PlatformId, &EventId)> = states(&linked)
        .into_iter()
        .filter(|(_, state)| matches!(state, State::Counts(_)))
        .map(|(result, _)| (result.platform, &result.event_id))
        .collect();
    let counts = |result: &LinkedResult| counting.contains(&(result.platform, &result.event_id));
    let says =
        |result: &LinkedResult| (result.platform, result.target.clone(), result.kind.clone(), result.occurred_at);
    let firsts = rows.values().zip(&linked).filter(|(row, result)| !row.repeats && counts(result));
    let mut said: HashSet<_> = firsts.map(|(_, result)| says(result)).collect();
    let mut shown: Vec<&event::Model> = Vec::new();
    // Repeats under several keys of the person are shown once, too: the event that arrived first.
    let mut seen: BTreeSet<Said> = BTreeSet::new();
    for (row, result) in rows.values().zip(&linked) {
        let is_first = !row.repeats && seen.insert(said_by(row));
        if is_first || (counts(result) && said.insert(says(result))) {
            shown.push(row);
        }
    }
    let platforms = platform_codes(connection).await?;
    let shown = shown.into_iter();
    let mut versions = shown.map(|row| received(row.clone(), &platforms, calendar)).collect::<Result<Vec<_>, _>>()?;
    // What was read differently before a reread.
    let learners: BTreeSet<i64> = rows.values().map(|row| row.learner_id).collect();
    let of_employee = Some(superseded_event::Column::EmployeeId.eq(id.0));
    let of_learners = (!learners.is_empty()).then(|| superseded_event::Column::LearnerId.is_in(learners));
    let mut then: BTreeMap<i64, superseded_event::Model> = BTreeMap::new();
    for theirs in of_employee.into_iter().chain(of_learners) {
        let found = superseded_event::Entity::find().filter(theirs).filter(superseded_event::Column::Repeats.eq(false));
        then.extend(found.all(connection).await?.into_iter().map(|row| (row.id, row)));
    }
    for row in then.into_values() {
        let until = instant::read(row.superseded_at);
        let version = received(row.into(), &platforms, calendar)?;
        versions.push(Version { superseded_at: Some(until), ..version });
    }
    versions.sort_by_key(|version| version.recorded_at);
    Ok(versions)
}

/// The decisions and proposals about the results that are linked to an employee now, each with the platform's code.
pub async fn result_decisions(
    connection: &impl ConnectionTrait,
    id: EmployeeId,
) -> Result<Vec<(String, ResultDecision)>, StoreError> {
    let rows = rows_of(connection, id, CityCalendar::default()).await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows.values() {
        events.push((PlatformId(row.platform_id), parsed(EventId::parse(&row.event_id), "event", "event_id")?));
    }
    let platforms = platform_codes(connection).await?;
    let decisions = super::result_decisions::of_events(connection, &events).await?;
    let named = |decision: ResultDecision| {
        (platforms.get(&decision.platform.0).map(ToString::to_string).unwrap_or_default(), decision)
    };
    Ok(decisions.into_iter().map(named).collect())
}

/// The content of an event, independent of the key under which the person was reported.
type Said = (i64, String, [Option<String>; 6], Option<i32>, i64, Option<bool>);

fn said_by(row: &event::Model) -> Said {
    let event::Model { course_id, quiz_id, attempt_name, score_points, score_of, revokes_event_id, .. } = row.clone();
    let words = [course_id, quiz_id, attempt_name, score_points, score_of, revokes_event_id];
    (row.platform_id, row.kind.clone(), words, row.attempt, row.occurred_at, row.passed)
}

fn received(
    row: event::Model,
    platforms: &BTreeMap<i64, PlatformCode>,
    calendar: CityCalendar,
) -> Result<Version<Received>, StoreError> {
    let result = result_of(&row, calendar)?;
    let record = Received {
        event_id: result.event_id,
        platform: platforms.get(&row.platform_id).map(ToString::to_string).unwrap_or_default(),
        target: result.target,
        kind: result.kind,
        occurred_at: result.occurred_at,
        reason: row.reason,
    };
    Ok(version(record, row.recorded_at, None))
}

/// One result by its platform and id, whether it is linked or not.
pub async fn result(
    connection: &impl ConnectionTrait,
    (platform, event_id): (PlatformId, &EventId),
    calendar: CityCalendar,
) -> Result<Option<Version<Received>>, StoreError> {
    let found = event::Entity::find()
        .filter(event::Column::PlatformId.eq(platform.0))
        .filter(event::Column::EventId.eq(event_id.as_str()))
        .one(connection)
        .await?;
    if let Some(row) = found {
        return received(row, &platform_codes(connection).await?, calendar).map(Some);
    }
    // No longer there, because its delivery was reread.
    let then = superseded_event::Entity::find()
        .filter(superseded_event::Column::PlatformId.eq(platform.0))
        .filter(superseded_event::Column::EventId.eq(event_id.as_str()))
        .order_by_desc(superseded_event::Column::SupersededAt)
        .one(connection)
        .await?;
    let Some(row) = then else { return Ok(None) };
    let until = instant::read(row.superseded_at);
    let version = received(row.into(), &platform_codes(connection).await?, calendar)?;
    Ok(Some(Version { superseded_at: Some(until), ..version }))
}

/// Who changed the register at an instant, and by which act: the first entry of a change with several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoDidIt {
    pub subject: String,
    /// `noun.verb`, as in the audit entry.
    pub action: String,
}

/// Who made the changes of some instants, by instant.
pub async fn who_did_it(
    connection: &impl ConnectionTrait,
    instants: &BTreeSet<DateTime<Utc>>,
) -> Result<BTreeMap<DateTime<Utc>, WhoDidIt>, StoreError> {
    let instants: Vec<i64> = instants.iter().map(|at| instant::stored(*at)).collect();
    let mut found = BTreeMap::new();
    for instants in instants.chunks(IN_AT_ONCE) {
        let entries = audit_entry::Entity::find()
            .filter(audit_entry::Column::At.is_in(instants.iter().copied()))
            .order_by_asc(audit_entry::Column::Id);
        for row in entries.all(connection).await? {
            let who = WhoDidIt { subject: row.subject, action: row.action };
            found.entry(instant::read(row.at)).or_insert(who);
        }
    }
    Ok(found)
}
