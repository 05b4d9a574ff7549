//! Whom the directory knows by which identity, as `domain::linking` asks it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use super::entities::{employee, employment_fact, identity_claim, learner, link_decision};
use super::merges::{merges, person_now};
use super::people::parsed;
use super::rows::IN_AT_ONCE;
use super::rows_of_json::{self, Column, Kind, Question, ask, each, read};
use super::{StoreError, instant};
use crate::domain::directory::merge::Merges;
use crate::domain::ids::{EmployeeId, EmployeeNumber, PlatformId};
use crate::domain::linking::{Account, ByHand, Fit, Identity, LearnerKeys, Link, LinkingKey, depends_on_the_day, link};

/// Who is known by what: a part of the directory, or all of it as known at an instant.
#[derive(Debug, Default)]
pub struct LinkIndex {
    numbers: HashMap<String, EmployeeId>,
    claims: HashMap<Identity, BTreeSet<(Option<i64>, EmployeeId)>>,
    decisions: HashMap<(PlatformId, Identity), ByHand>,
    /// First and last day of each employment of those who share an identity with somebody.
    employments: HashMap<EmployeeId, Vec<(NaiveDate, Option<NaiveDate>)>>,
    /// Whoever is a merged duplicate fits as the one that is kept.
    merges: Merges,
}

impl LinkIndex {
    /// Whom an identity fits on a platform.
    #[must_use]
    pub fn fit(&self, platform: PlatformId, identity: &Identity) -> Fit {
        let mut employees: BTreeSet<EmployeeId> = BTreeSet::new();
        if identity.key == LinkingKey::EmployeeNumber {
            employees.extend(self.numbers.get(&identity.value));
        }
        let claims = self.claims.get(identity).into_iter().flatten();
        employees.extend(claims.filter(|(of, _)| of.is_none_or(|of| of == platform.0)).map(|(_, employee)| *employee));
        Fit {
            employees: employees.into_iter().collect(),
            by_hand: self.decisions.get(&(platform, identity.clone())).copied(),
        }
    }

    fn is_employed_on(&self, employee: EmployeeId, day: NaiveDate) -> bool {
        self.employments
            .get(&employee)
            .is_some_and(|days| days.iter().any(|(first, last)| *first <= day && last.is_none_or(|last| day <= last)))
    }

    /// Links a learner of a platform on a day.
    #[must_use]
    pub fn link(&self, platform: PlatformId, order: &[LinkingKey], keys: &LearnerKeys, day: NaiveDate) -> Link {
        link(
            keys,
            order,
            day,
            |identity| self.fit(platform, identity),
            |employee, day| self.is_employed_on(employee, day),
        )
    }

    /// Whether a learner's link can differ between days.
    #[must_use]
    pub fn depends_on_the_day(&self, platform: PlatformId, keys: &LearnerKeys) -> bool {
        depends_on_the_day(keys, |identity| self.fit(platform, identity))
    }
}

/// The keys of a learner's row.
pub(super) fn keys_of(row: &learner::Model) -> Result<LearnerKeys, StoreError> {
    let number = row.employee_number.as_deref().map(EmployeeNumber::parse).transpose();
    let account = row
        .account_name
        .clone()
        .map(|name| Account { home_page: row.account_home_page.clone().unwrap_or_default(), name });
    Ok(LearnerKeys {
        employee_number: parsed(number, "learner", "employee_number")?,
        email: row.email.clone(),
        username: row.username.clone(),
        account,
    })
}

fn identity_of(key: &str, value: String, home_page: String, table: &'static str) -> Result<Identity, StoreError> {
    let key = LinkingKey::parse(key).ok_or(StoreError::Unreadable { table, column: "key" })?;
    Ok(Identity { key, value, home_page })
}

/// The part of the directory, as it is known now, that some identities ask for.
pub async fn index_for(
    connection: &impl ConnectionTrait,
    identities: &BTreeSet<Identity>,
) -> Result<LinkIndex, StoreError> {
    let mut index = LinkIndex::default();
    let questions = questions(connection, identities)?;
    let (of, questions): (Vec<Of>, Vec<Question>) = questions.into_iter().unzip();
    for (question, found) in ask(connection, questions).await? {
        if let Some(of) = of.get(question) {
            index.add_found(*of, &found)?;
        }
    }
    index.complete(connection).await?;
    Ok(index)
}

/// What a question about identities finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Number,
    Claim,
    Decision,
}

/// What is to be asked about identities; the answers go into [`LinkIndex::add_found`].
pub(super) fn questions(
    connection: &impl ConnectionTrait,
    identities: &BTreeSet<Identity>,
) -> Result<[(Of, Question); 3], StoreError> {
    const STILL: &str = "f.value = w.value AND f.superseded_at IS NULL";
    let values: BTreeSet<&str> = identities.iter().map(|identity| identity.value.as_str()).collect();
    let values: Vec<ValueRow<'_>> = values.into_iter().map(|value| ValueRow { value }).collect();
    let asked = rows_of_json::parameter(&values)?;
    let question = |columns, found: &str, table: &str, condition: &str| Question {
        columns,
        sql: format!("SELECT {found} FROM {{w}} {}", each(connection, table, "f", condition)),
        about: VALUE,
        asked: asked.clone(),
    };
    let found = format!(
        "{} AS employee_id, f.platform_id AS platform_id, f.key AS key, f.value AS value, f.home_page AS home_page",
        person_now("f.employee_id")
    );
    let numbers = question(
        &[("id", Kind::Integer), ("number", Kind::Text)],
        &format!("{} AS id, f.number AS number", person_now("f.id")),
        "employee",
        "f.number = w.value",
    );
    Ok([
        (Of::Number, numbers),
        (Of::Claim, question(CLAIM, &found, "identity_claim", STILL)),
        (Of::Decision, question(CLAIM, &found, "link_decision", STILL)),
    ])
}

/// What identities say, as a statement is asked about it.
#[derive(Debug, Serialize)]
struct ValueRow<'a> {
    value: &'a str,
}

const VALUE: &[Column] = &[("value", Kind::Text)];

#[derive(Debug, Deserialize)]
struct NumberRow {
    id: i64,
    number: String,
}

/// Whose an identity is said to be, by a claim of the directory or by hand.
#[derive(Debug, Deserialize)]
struct ClaimRow {
    employee_id: Option<i64>,
    platform_id: Option<i64>,
    key: String,
    value: String,
    home_page: String,
}

const CLAIM: &[Column] = &[
    ("employee_id", Kind::Integer),
    ("platform_id", Kind::Integer),
    ("key", Kind::Text),
    ("value", Kind::Text),
    ("home_page", Kind::Text),
];

impl From<identity_claim::Model> for ClaimRow {
    fn from(row: identity_claim::Model) -> Self {
        let identity_claim::Model { employee_id, platform_id, key, value, home_page, .. } = row;
        Self { employee_id: Some(employee_id), platform_id, key, value, home_page }
    }
}

impl From<link_decision::Model> for ClaimRow {
    fn from(row: link_decision::Model) -> Self {
        let link_decision::Model { employee_id, platform_id, key, value, home_page, .. } = row;
        Self { employee_id, platform_id: Some(platform_id), key, value, home_page }
    }
}

/// The whole directory as it was known at an instant.
pub async fn index_as_known(connection: &impl ConnectionTrait, at: DateTime<Utc>) -> Result<LinkIndex, StoreError> {
    let mut index = LinkIndex { merges: merges(connection, Some(at)).await?, ..LinkIndex::default() };
    let at = instant::kept(at);
    let numbers = employee::Entity::find().filter(employee::Column::RecordedAt.lte(at));
    let claims = {
        use identity_claim::Column;
        let still = Column::SupersededAt.is_null().or(Column::SupersededAt.gt(at));
        identity_claim::Entity::find().filter(Condition::all().add(Column::RecordedAt.lte(at)).add(still))
    };
    let decisions = {
        use link_decision::Column;
        let still = Column::SupersededAt.is_null().or(Column::SupersededAt.gt(at));
        link_decision::Entity::find().filter(Condition::all().add(Column::RecordedAt.lte(at)).add(still))
    };
    index.add(numbers.all(connection).await?, claims.all(connection).await?, decisions.all(connection).await?)?;
    for ids in index.numbers_of(index.sharing()).chunks(IN_AT_ONCE) {
        use employment_fact::Column;
        let still = Column::SupersededAt.is_null().or(Column::SupersededAt.gt(at));
        let rows = employment_fact::Entity::find()
            .filter(Column::EmployeeId.is_in(ids.iter().copied()))
            .filter(Condition::all().add(Column::RecordedAt.lte(at)).add(still));
        index.add_employments(rows.all(connection).await?);
    }
    Ok(index)
}

impl LinkIndex {
    fn add(
        &mut self,
        employees: Vec<employee::Model>,
        claims: Vec<identity_claim::Model>,
        decisions: Vec<link_decision::Model>,
    ) -> Result<(), StoreError> {
        let merges = &self.merges;
        self.numbers.extend(employees.into_iter().map(|row| (row.number, merges.person(EmployeeId(row.id)))));
        claims.into_iter().try_for_each(|row| self.add_claim(row.into()))?;
        decisions.into_iter().try_for_each(|row| self.add_decision(row.into()))
    }

    /// Takes in a row that a question found.
    pub(super) fn add_found(&mut self, of: Of, found: &str) -> Result<(), StoreError> {
        match of {
            Of::Number => {
                let NumberRow { id, number } = read(found)?;
                self.numbers.insert(number, EmployeeId(id));
                Ok(())
            }
            Of::Claim => self.add_claim(read(found)?),
            Of::Decision => self.add_decision(read(found)?),
        }
    }

    /// Reads what decides between those who share an identity.
    pub(super) async fn complete(&mut self, connection: &impl ConnectionTrait) -> Result<(), StoreError> {
        let sharing = self.sharing();
        if sharing.is_empty() {
            return Ok(());
        }
        self.merges = merges(connection, None).await?;
        for ids in self.numbers_of(sharing).chunks(IN_AT_ONCE) {
            use employment_fact::Column;
            let rows = employment_fact::Entity::find()
                .filter(Column::EmployeeId.is_in(ids.iter().copied()))
                .filter(Column::SupersededAt.is_null());
            self.add_employments(rows.all(connection).await?);
        }
        Ok(())
    }

    fn add_claim(&mut self, row: ClaimRow) -> Result<(), StoreError> {
        const TABLE: &str = "identity_claim";
        let identity = identity_of(&row.key, row.value, row.home_page, TABLE)?;
        let unreadable = StoreError::Unreadable { table: TABLE, column: "employee_id" };
        let employee = self.merges.person(EmployeeId(row.employee_id.ok_or(unreadable)?));
        self.claims.entry(identity).or_default().insert((row.platform_id, employee));
        Ok(())
    }

    fn add_decision(&mut self, row: ClaimRow) -> Result<(), StoreError> {
        const TABLE: &str = "link_decision";
        let identity = identity_of(&row.key, row.value, row.home_page, TABLE)?;
        let unreadable = StoreError::Unreadable { table: TABLE, column: "platform_id" };
        let platform = PlatformId(row.platform_id.ok_or(unreadable)?);
        let decision = row.employee_id.map_or(ByHand::Nobody, |id| ByHand::Is(self.merges.person(EmployeeId(id))));
        self.decisions.insert((platform, identity), decision);
        Ok(())
    }

    fn add_employments(&mut self, rows: Vec<employment_fact::Model>) {
        for row in rows {
            let employee = self.merges.person(EmployeeId(row.employee_id));
            self.employments.entry(employee).or_default().push((row.starts_on, row.ends_on));
        }
    }

    /// The ids under which facts of some people are kept: their own and their duplicates'.
    fn numbers_of(&self, people: BTreeSet<EmployeeId>) -> Vec<i64> {
        let duplicates = self.merges.iter().filter(|(_, kept)| people.contains(kept)).map(|(duplicate, _)| duplicate);
        people.iter().copied().chain(duplicates).map(|id| id.0).collect()
    }

    /// Everybody who shares some identity with somebody else.
    fn sharing(&self) -> BTreeSet<EmployeeId> {
        let by_claims = self.claims.iter().map(|(identity, claims)| {
            let number = (identity.key == LinkingKey::EmployeeNumber).then(|| self.numbers.get(&identity.value));
            let everybody = claims.iter().map(|(_, employee)| *employee).chain(number.flatten().copied());
            everybody.collect::<BTreeSet<_>>()
        });
        by_claims.filter(|everybody| everybody.len() > 1).flatten().collect()
    }
}

/// The linking keys of every platform, by its id.
pub type LinkOrders = BTreeMap<PlatformId, Vec<LinkingKey>>;
