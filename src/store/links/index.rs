//! Who is known by which identity: a part of the directory, or all of it as known at an instant.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{ClaimRow, DecisionRow, NumberRow, Of, identity_of};
use crate::domain::calendar::{CityCalendar, DaySet, Stretch};
use crate::domain::directory::merge::Merges;
use crate::domain::ids::{EmployeeId, PlatformId};
use crate::domain::linking::holding::{Claim, Decided, Holding, Moment, perhaps_from, resolved};
use crate::domain::linking::{ByHand, Identity, LearnerKeys, Link, LinkingKey, depends_on_the_day, link};
use crate::domain::receiving::Linker;
use crate::store::entities::{employment_fact, identity_claim};
use crate::store::merges::merges;
use crate::store::rows::question::read;
use crate::store::sql::IN_AT_ONCE;
use crate::store::{StoreError, instant};

/// Who is known by which identity.
#[derive(Debug, Default)]
pub struct LinkIndex {
    numbers: HashMap<String, EmployeeId>,
    claims: HashMap<Identity, Vec<StoredClaim>>,
    resolved: HashMap<Identity, Vec<Claim>>,
    decisions: HashMap<Identity, Vec<(PlatformId, Decided)>>,
    /// The employed days of the people who share an identity with another person.
    employed: HashMap<EmployeeId, DaySet>,
    /// A merged duplicate fits as the number that is kept.
    merges: Merges,
}

/// A claim while it is prepared, and whether an employment gives it.
#[derive(Debug)]
struct StoredClaim {
    claim: Claim,
    is_of_employments: bool,
}

/// What else is known of the people who share an identity with another person.
#[derive(Debug, Default)]
struct Background {
    /// By person and address: the last days of the employments that gave it, and until when HR reported them.
    carriers: HashMap<(EmployeeId, Identity), Vec<Carrier>>,
    /// By person: what HR recorded of them, by key and value.
    said: HashMap<EmployeeId, Vec<(Identity, Claim)>>,
}

#[derive(Debug, Clone, Copy)]
struct Carrier {
    ends_on: Option<NaiveDate>,
    superseded_at: Option<i64>,
}

impl Linker for LinkIndex {
    fn link(&self, platform: PlatformId, order: &[LinkingKey], keys: &LearnerKeys, day: NaiveDate) -> Link {
        self.link(platform, order, keys, day)
    }

    fn depends_on_the_day(&self, platform: PlatformId, keys: &LearnerKeys) -> bool {
        self.depends_on_the_day(platform, keys)
    }
}

impl LinkIndex {
    /// An empty index, in which some duplicates are merged.
    pub(super) fn knowing(merges: Merges) -> Self {
        Self { merges, ..Self::default() }
    }

    /// Whose an identity is on a platform, for every day.
    #[must_use]
    pub fn holding(&self, platform: PlatformId, identity: &Identity) -> Holding {
        let is_a_number = identity.key == LinkingKey::EmployeeNumber;
        let claims = self.resolved.get(identity).into_iter().flatten();
        let decisions = self.decisions.get(identity).into_iter().flatten();
        Holding {
            always: self.numbers.get(&identity.value).copied().filter(|_| is_a_number),
            claims: claims.filter(|claim| claim.platform.is_none_or(|of| of == platform)).cloned().collect(),
            decisions: decisions.filter(|(of, _)| *of == platform).map(|(_, decided)| *decided).collect(),
        }
    }

    fn is_employed_on(&self, employee: EmployeeId, day: NaiveDate) -> bool {
        self.employed.get(&employee).is_some_and(|days| days.contains(day))
    }

    /// Links a learner of a platform on a day.
    #[must_use]
    pub fn link(&self, platform: PlatformId, order: &[LinkingKey], keys: &LearnerKeys, day: NaiveDate) -> Link {
        link(
            keys,
            order,
            day,
            |identity| self.holding(platform, identity).on(day),
            |employee, day| self.is_employed_on(employee, day),
        )
    }

    /// Whether a learner's link can differ between days.
    #[must_use]
    pub fn depends_on_the_day(&self, platform: PlatformId, keys: &LearnerKeys) -> bool {
        depends_on_the_day(keys, |identity| self.holding(platform, identity))
    }

    /// Adds a row that a query found.
    pub(in crate::store) fn add_found(
        &mut self,
        of: Of,
        found: &str,
        calendar: CityCalendar,
    ) -> Result<(), StoreError> {
        match of {
            Of::Number => {
                let NumberRow { id, number } = read(found)?;
                self.add_number(EmployeeId(id), number);
                Ok(())
            }
            Of::Claim => self.add_claim(read(found)?, calendar),
            Of::Decision => self.add_decision(read(found)?),
        }
    }

    pub(super) fn add_number(&mut self, employee: EmployeeId, number: String) {
        self.numbers.insert(number, self.merges.person(employee));
    }

    pub(super) fn add_claim(&mut self, row: ClaimRow, calendar: CityCalendar) -> Result<(), StoreError> {
        let (identity, stored) = self.claim_of(row, calendar)?;
        self.claims.entry(identity).or_default().push(stored);
        Ok(())
    }

    fn claim_of(&self, row: ClaimRow, calendar: CityCalendar) -> Result<(Identity, StoredClaim), StoreError> {
        let moment = |stored: i64| {
            let at = instant::read(stored);
            Moment { at, day: calendar.day_of(at) }
        };
        let is_of_employments = row.is_of_employments();
        let claim = Claim {
            holder: self.merges.person(EmployeeId(row.person_id)),
            platform: row.platform_id.map(PlatformId),
            recorded: moment(row.recorded_at),
            taken: row.superseded_at.map(moment),
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            undone: row.undone,
            continues: row.continues.map(instant::read),
            carried_to: None,
            perhaps_from: None,
        };
        let identity = identity_of(&row.key, row.value, row.home_page, "identity_claim")?;
        Ok((identity, StoredClaim { claim, is_of_employments }))
    }

    pub(super) fn add_decision(&mut self, row: DecisionRow) -> Result<(), StoreError> {
        let identity = identity_of(&row.key, row.value, row.home_page, "link_decision")?;
        let is = |id| ByHand::Is(self.merges.person(EmployeeId(id)));
        let by_hand = row.person_id.map_or(ByHand::Dismissed, is);
        let (id, decided_at) = (row.id, row.recorded_at);
        let decided = Decided { id, decided_at, from: row.valid_from, to: row.valid_to, by_hand };
        self.decisions.entry(identity).or_default().push((PlatformId(row.platform_id), decided));
        Ok(())
    }

    /// Adds a decision by hand about an identity, without recording it.
    pub fn decide(&mut self, platform: PlatformId, identity: &Identity, decided: Decided) {
        let by_hand = match decided.by_hand {
            ByHand::Is(employee) => ByHand::Is(self.merges.person(employee)),
            ByHand::Dismissed => ByHand::Dismissed,
        };
        self.decisions.entry(identity.clone()).or_default().push((platform, Decided { by_hand, ..decided }));
    }

    /// Removes a decision about an identity, without undoing it.
    pub fn take_back(&mut self, identity: &Identity, id: i64) {
        if let Some(decisions) = self.decisions.get_mut(identity) {
            decisions.retain(|(_, decided)| decided.id != id);
        }
    }

    /// Reads what decides between people who share an identity. Before this, no claim is applied.
    pub(in crate::store) async fn complete(
        &mut self,
        connection: &impl ConnectionTrait,
        calendar: CityCalendar,
    ) -> Result<(), StoreError> {
        self.refresh();
        if self.sharing().is_empty() {
            return Ok(());
        }
        self.merges = merges(connection, None).await?;
        self.read_background(connection, None, calendar, false).await
    }

    /// Applies the claims, without those of undone imports.
    pub(super) fn refresh(&mut self) {
        let claims = |stored: &Vec<StoredClaim>| stored.iter().map(|stored| stored.claim.clone()).collect();
        self.resolved =
            self.claims.iter().map(|(identity, stored)| (identity.clone(), resolved(claims(stored)))).collect();
    }

    /// Everybody who shares some identity with another person.
    fn sharing(&self) -> BTreeSet<EmployeeId> {
        let by_claims = self.resolved.iter().map(|(identity, claims)| {
            let number = (identity.key == LinkingKey::EmployeeNumber).then(|| self.numbers.get(&identity.value));
            let everybody = claims.iter().map(|claim| claim.holder).chain(number.flatten().copied());
            everybody.collect::<BTreeSet<_>>()
        });
        by_claims.filter(|everybody| everybody.len() > 1).flatten().collect()
    }

    /// The ids under which facts of some people are stored: their own and their duplicates'.
    fn numbers_of(&self, people: &BTreeSet<EmployeeId>) -> Vec<i64> {
        let duplicates = self.merges.iter().filter(|(_, kept)| people.contains(kept)).map(|(duplicate, _)| duplicate);
        people.iter().copied().chain(duplicates).map(|id| id.0).collect()
    }

    /// Reads what else is known, at an instant (`None`: now), of the people who share an identity: the days of their
    /// employments, what these give, and what else HR recorded of them. `has_all`: the claims of everybody are there already.
    pub(super) async fn read_background(
        &mut self,
        connection: &impl ConnectionTrait,
        at: Option<DateTime<Utc>>,
        calendar: CityCalendar,
        has_all: bool,
    ) -> Result<(), StoreError> {
        let sharing = self.sharing();
        let at = at.map(instant::stored);
        let mut background = Background::default();
        let mut stretches: BTreeMap<EmployeeId, Vec<Stretch>> = BTreeMap::new();
        let mut others: HashMap<Identity, Vec<Claim>> = HashMap::new();
        for ids in self.numbers_of(&sharing).chunks(IN_AT_ONCE) {
            use employment_fact::Column;
            let known = at.map(|at| Column::RecordedAt.lte(at));
            let rows = employment_fact::Entity::find()
                .filter(sea_orm::Condition::all().add_option(known))
                .filter(Column::EmployeeId.is_in(ids.iter().copied()));
            for row in rows.all(connection).await? {
                let person = self.merges.person(EmployeeId(row.employee_id));
                let superseded_at = row.superseded_at.filter(|superseded| at.is_none_or(|at| *superseded <= at));
                if superseded_at.is_none() {
                    let days = Stretch::inclusive(row.starts_on, row.ends_on);
                    stretches.entry(person).or_default().extend(days);
                }
                for identity in addresses_of(&row) {
                    let carrier = Carrier { ends_on: row.ends_on, superseded_at };
                    background.carriers.entry((person, identity)).or_default().push(carrier);
                }
            }
            if !has_all {
                let theirs = identity_claim::Column::EmployeeId.is_in(ids.iter().copied());
                for row in identity_claim::Entity::find().filter(theirs).all(connection).await? {
                    let (identity, stored) = self.claim_of(ClaimRow::as_known(row, at), calendar)?;
                    others.entry(identity).or_default().push(stored.claim);
                }
            }
        }
        let said = if has_all {
            self.resolved
                .iter()
                .flat_map(|(identity, claims)| claims.iter().map(move |claim| (identity.clone(), claim.clone())))
                .collect()
        } else {
            let all = others.into_iter().flat_map(|(identity, claims)| {
                resolved(claims).into_iter().map(move |claim| (identity.clone(), claim)).collect::<Vec<_>>()
            });
            all.collect::<Vec<_>>()
        };
        for (identity, claim) in said {
            if sharing.contains(&claim.holder) {
                background.said.entry(claim.holder).or_default().push((identity, claim));
            }
        }
        self.employed = stretches.into_iter().map(|(person, days)| (person, DaySet::union_of(days))).collect();
        self.fill_in(&background);
        Ok(())
    }

    /// Completes the claims of people who share an identity with the data of employments and other claims.
    fn fill_in(&mut self, background: &Background) {
        let of_employments: BTreeSet<(&Identity, EmployeeId)> = self
            .claims
            .iter()
            .flat_map(|(identity, stored)| stored.iter().map(move |stored| (identity, stored)))
            .filter(|(_, stored)| stored.is_of_employments)
            .map(|(identity, stored)| (identity, stored.claim.holder))
            .collect();
        let nowhere = DaySet::default();
        for (identity, claims) in &mut self.resolved {
            let alone = claims.first().is_none_or(|first| claims.iter().all(|claim| claim.holder == first.holder));
            if alone && identity.key != LinkingKey::EmployeeNumber {
                continue;
            }
            for claim in claims.iter_mut() {
                let is_of_employments = claim.platform.is_none() && of_employments.contains(&(identity, claim.holder));
                let carriers = background.carriers.get(&(claim.holder, identity.clone()));
                if is_of_employments {
                    claim.carried_to = carried_to(claim, carriers.map_or(&[], Vec::as_slice));
                }
                if claim.valid_from.is_none() {
                    let said = background.said.get(&claim.holder).into_iter().flatten();
                    let otherwise = said.filter(|(other, of)| {
                        other.key == identity.key && of.platform == claim.platform && other != identity
                    });
                    let own = background.said.get(&claim.holder).into_iter().flatten();
                    let own = own.filter(|(other, of)| {
                        other == identity && of.recorded.day < claim.recorded.day && of.taken.is_some()
                    });
                    let days = otherwise.chain(own).map(|(_, of)| (of.recorded.day, of.taken.map(|taken| taken.day)));
                    let employed = self.employed.get(&claim.holder).unwrap_or(&nowhere);
                    claim.perhaps_from = perhaps_from(claim.recorded.day, employed, days);
                }
            }
        }
    }
}

/// The last day of the employments that give an address up to the end of a claim; `None` if one of them is open.
fn carried_to(claim: &Claim, carriers: &[Carrier]) -> Option<NaiveDate> {
    let taken_at = claim.taken.map(|taken| instant::stored(taken.at));
    let giving = || carriers.iter().filter(|carrier| carrier.superseded_at == taken_at);
    if giving().any(|carrier| carrier.ends_on.is_none()) {
        return None;
    }
    giving().filter_map(|carrier| carrier.ends_on).max()
}

/// The addresses that an employment gives.
pub(in crate::store) fn addresses_of(row: &employment_fact::Model) -> impl Iterator<Item = Identity> {
    addresses(row.email.as_deref(), row.username.as_deref())
}

/// An address and a user name as identities.
pub(in crate::store) fn addresses(
    email: Option<&str>,
    username: Option<&str>,
) -> impl Iterator<Item = Identity> + use<> {
    let email = email.and_then(|said| Identity::new(LinkingKey::Email, said, ""));
    let username = username.and_then(|said| Identity::new(LinkingKey::Username, said, ""));
    email.into_iter().chain(username)
}
