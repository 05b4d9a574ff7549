//! The queue of unlinked results: why they wait, what they could count for, and who might be meant.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest, Sha256};

use crate::app::compliance::judge::Requirements;
use crate::app::compliance::refresh::all_requirements;
use crate::app::linking::own_waiting::answers_for;
use crate::app::linking::suggest::SuggestionAnswer;
use crate::app::reports::as_known::targets_of;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::calendar::CityCalendar;
use crate::domain::compliance::requirement::in_effect_on;
use crate::domain::compliance::state::held_items_on;
use crate::domain::ids::{EmployeeId, PlatformCode, PlatformId, RequirementCode};
use crate::domain::linking::queue::{KeyVerdict, Named, Verdict, entries, everybody, verdicts};
use crate::domain::linking::{Fit, Identity, LearnerKeys, LinkingKey, Unlinked};
use crate::domain::training::{LinkedResult, ResultKind, Target};
use crate::store::decisions::{Decision, dismissals};
use crate::store::links::{LinkIndex, LinkOrders, index_for};
use crate::store::merges::merges;
use crate::store::platforms::Platform;
use crate::store::stored_results::StoredResult;
use crate::store::waiting::{WaitingLearner, unlinked};
use crate::store::whose::Whose;
use crate::store::{
    Act, Connection, Reading, Scope, StoreError, Unscoped, employees, people, platforms, protection, settings,
    stored_results,
};

/// How a page of the queue is sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QueueOrder {
    /// The most waiting results first; ties by how long they have waited.
    #[default]
    Most,
    /// The longest waiting first.
    Oldest,
}

impl QueueOrder {
    pub const ALL: [Self; 2] = [Self::Most, Self::Oldest];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Most => "most",
            Self::Oldest => "oldest",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == text)
    }
}

/// The filters of the queue; `None` is everything.
#[derive(Debug, Clone, Default)]
pub struct QueueRequest {
    pub order: QueueOrder,
    pub platform: Option<PlatformCode>,
    pub why: Option<Unlinked>,
    /// Only entries some of whose results count towards this requirement today.
    pub requirement: Option<RequirementCode>,
    /// Dismissed entries instead of those that wait.
    pub dismissed: bool,
}

/// The place of an entry in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuePlace {
    /// The number of waiting results, negated: the most come first. 0 if the order ignores it.
    pub fewer: i64,
    pub first_recorded_at: DateTime<Utc>,
    /// Separates entries of one instant, in an order that reveals nothing.
    pub tie: i64,
}

/// A requirement towards which some of an entry's results count today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountsTowards {
    pub requirement: RequirementCode,
    /// Whether they meet it by themselves, without any results that the employee already has.
    pub whole: bool,
}

/// A key of an entry, with the employee numbers of the employees it fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAnswer {
    pub key: KeyVerdict,
    /// The employees whom it fits, in order.
    pub employees: Vec<String>,
    /// The employee whom the event's own number names instead.
    pub contradicted_by: Option<String>,
}

/// An entry of the queue, as the caller may see it: the learners whom one decision about one identity resolves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlinkedAnswer {
    pub platform: String,
    /// The identity to decide about.
    pub identity: Identity,
    /// Whether addresses, user names and accounts are withheld, and suggestions too: some key fits an employee with
    /// protected personal data.
    pub is_withheld: bool,
    pub why: Unlinked,
    /// Results that wait; repeated reports of the same count once.
    pub results: u64,
    pub first_recorded_at: DateTime<Utc>,
    pub last_recorded_at: DateTime<Utc>,
    /// Each set of keys by which the platform names the learner.
    pub learners: Vec<LearnerKeys>,
    pub keys: Vec<KeyAnswer>,
    pub courses: Vec<String>,
    pub quizzes: Vec<String>,
    pub counts_towards: Vec<CountsTowards>,
    /// The employee numbers of all whom some key fits, in order.
    pub candidates: Vec<String>,
    pub suggestions: Vec<SuggestionAnswer>,
    /// The decision that dismissed it.
    pub dismissed: Option<Decision>,
}

impl UnlinkedAnswer {
    /// The same without the platform's names for the learner, except employee numbers: an address next to the number of
    /// an employee with protected personal data would reveal that employee's address.
    fn without_addresses(mut self) -> Self {
        self.identity = concealed(self.identity);
        for learner in &mut self.learners {
            *learner = LearnerKeys { employee_number: learner.employee_number.take(), ..LearnerKeys::default() };
        }
        for answer in &mut self.keys {
            answer.key.identity = answer.key.identity.take().map(concealed);
        }
        self
    }
}

/// An identity whose value is not shown, unless it is an employee number.
pub(in crate::app) fn concealed(identity: Identity) -> Identity {
    match identity.key {
        LinkingKey::EmployeeNumber => identity,
        key => Identity { key, value: String::new(), home_page: String::new() },
    }
}

/// A page of the queue, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuePage {
    pub entries: Vec<UnlinkedAnswer>,
    pub next: Option<QueuePlace>,
}

/// Why the queue was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ListUnlinkedError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error("no requirement {0} is known")]
    UnknownRequirement(RequirementCode),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the key of the queue's cursors if there is none yet.
pub(in crate::app) async fn make_cursor_key(app: &App) -> Result<(), StoreError> {
    if settings::read(app.store.connection(Unscoped::Configuration), settings::CURSOR_KEY).await?.is_some() {
        return Ok(());
    }
    let key: [u64; 4] = rand::random();
    let change = app.store.change(Unscoped::Configuration, app.now()).await?;
    settings::write(&change, settings::CURSOR_KEY, &key.map(|part| format!("{part:016x}")).concat()).await?;
    change.commit().await
}

/// How many entries a file holds at most.
pub const EXPORTED_AT_MOST: usize = 100_000;

/// How many entries are resolved at a time.
const AT_ONCE: usize = 500;

/// Learners that form one entry.
struct Group {
    platform: PlatformId,
    identity: Identity,
    learners: Vec<WaitingLearner>,
}

impl Group {
    fn results(&self) -> u64 {
        self.learners.iter().map(|learner| learner.results).sum()
    }

    fn first(&self) -> DateTime<Utc> {
        self.learners.iter().map(|learner| learner.first_recorded_at).min().unwrap_or_default()
    }

    fn place(&self, (order, key): (QueueOrder, &str)) -> QueuePlace {
        let fewer = match order {
            QueueOrder::Most => -i64::try_from(self.results()).unwrap_or(i64::MAX),
            QueueOrder::Oldest => 0,
        };
        let learner = self.learners.iter().map(|learner| learner.id).min().unwrap_or_default();
        let digest = Sha256::digest(format!("{key} {learner}"));
        let tie = digest.first_chunk().map(|bytes| i64::from_be_bytes(*bytes)).unwrap_or_default();
        QueuePlace { fewer, first_recorded_at: self.first(), tie }
    }

    /// Why it waits: of several reasons the one that needs the most thought.
    fn why(&self) -> Unlinked {
        self.learners.iter().map(|learner| learner.why).max().unwrap_or(Unlinked::Unknown)
    }

    fn identities(&self) -> BTreeSet<Identity> {
        self.learners.iter().flat_map(|learner| learner.keys.identities()).collect()
    }

    /// The first and the last day of its results.
    fn days(&self, calendar: CityCalendar) -> (NaiveDate, NaiveDate) {
        let first = self.learners.iter().map(|learner| learner.happened.0).min().unwrap_or_default();
        let last = self.learners.iter().map(|learner| learner.happened.1).max().unwrap_or_default();
        (calendar.day_of(first), calendar.day_of(last))
    }

    /// The decision that dismissed an identity of theirs; of several the first.
    fn dismissed_by<'d>(&self, decisions: &'d [Decision], calendar: CityCalendar) -> Option<&'d Decision> {
        let (identities, (first, last)) = (self.identities(), self.days(calendar));
        decisions.iter().find(|decision| {
            decision.platform == self.platform
                && identities.contains(&decision.identity)
                && decision.days.from.is_none_or(|from| from <= last)
                && decision.days.to.is_none_or(|to| first <= to)
        })
    }

    /// The employees whom an identity fits on these days.
    fn fit(&self, index: &LinkIndex, identity: &Identity, calendar: CityCalendar) -> Fit {
        let (first, last) = self.days(calendar);
        index.holding(self.platform, identity).within(first, last)
    }

    /// Every employee whom some key fits on these days.
    fn candidates(&self, index: &LinkIndex, calendar: CityCalendar) -> BTreeSet<EmployeeId> {
        self.identities().iter().flat_map(|identity| everybody(&self.fit(index, identity, calendar))).collect()
    }
}

impl App {
    /// A page of the queue, from a place on; the read is audited.
    ///
    /// A caller that sees the whole city gets all of the queue. An administration gets entries where some key fits an
    /// employee, and every employee whom a key fits is its own: any other might be another administration's.
    pub async fn list_unlinked(
        &self,
        caller: &Caller,
        request: &QueueRequest,
        after: Option<QueuePlace>,
        at_most: usize,
    ) -> Result<QueuePage, ListUnlinkedError> {
        let grant = caller.grant(Action::ReadUnlinked)?;
        let reading =
            self.begin_read(caller, &grant, Act { action: "unlinked.read", object: "unlinked results" }).await?;
        self.page(&reading, request, after, at_most).await
    }

    /// The whole queue, for a file; the export is audited.
    pub async fn export_unlinked(
        &self,
        caller: &Caller,
        request: &QueueRequest,
    ) -> Result<Vec<UnlinkedAnswer>, ListUnlinkedError> {
        let grant = caller.grant(Action::ReadUnlinked)?;
        let reading =
            self.begin_read(caller, &grant, Act { action: "unlinked.export", object: "unlinked results" }).await?;
        Ok(self.page(&reading, request, None, EXPORTED_AT_MOST).await?.entries)
    }

    async fn page(
        &self,
        reading: &Reading,
        request: &QueueRequest,
        after: Option<QueuePlace>,
        at_most: usize,
    ) -> Result<QueuePage, ListUnlinkedError> {
        let connection = reading.connection();
        let platforms = platforms::list(connection).await?;
        let platform = request.platform.as_ref().map(|code| {
            let found = platforms.iter().find(|platform| platform.code == *code);
            found.ok_or_else(|| ListUnlinkedError::UnknownPlatform(code.clone()))
        });
        let platform = platform.transpose()?.map(|platform| platform.id);
        let requirements = all_requirements(reading).await?;
        if let Some(unknown) = request.requirement.as_ref().filter(|code| !requirements.contains_key(*code)) {
            return Err(ListUnlinkedError::UnknownRequirement(unknown.clone()));
        }
        let dismissals = if request.dismissed { dismissals(connection).await? } else { Vec::new() };
        let learners = unlinked(connection, platform, request.dismissed).await?;
        let mut groups = grouped(learners, &platforms);
        groups.retain(|group| request.why.is_none_or(|why| group.why() == why));
        let key = settings::read(connection, settings::CURSOR_KEY).await?.unwrap_or_default();
        let order = (request.order, key.as_str());
        groups.sort_by_cached_key(|group| group.place(order));
        let begin = groups.partition_point(|group| after.is_some_and(|after| group.place(order) <= after));
        let mut page = QueuePage { entries: Vec::new(), next: None };
        let mut last = None;
        let dismissed = request.dismissed;
        let look_up = LookUp { reading, platforms: &platforms, requirements: &requirements, dismissed };
        for groups in groups.get(begin..).unwrap_or_default().chunks(AT_ONCE.min(at_most + 1)) {
            for (group, entry) in groups.iter().zip(self.answers(&look_up, groups).await?) {
                let Some(mut entry) = entry else { continue };
                let counts = |code: &RequirementCode| entry.counts_towards.iter().any(|c| c.requirement == *code);
                if !request.requirement.as_ref().is_none_or(counts) {
                    continue;
                }
                if page.entries.len() == at_most {
                    page.next = last;
                    return Ok(page);
                }
                entry.dismissed = group.dismissed_by(&dismissals, self.calendar).cloned();
                last = Some(group.place(order));
                page.entries.push(entry);
            }
        }
        Ok(page)
    }

    /// The entries of some groups; `None` for one that the caller may not see.
    async fn answers(&self, look_up: &LookUp<'_>, groups: &[Group]) -> Result<Vec<Option<UnlinkedAnswer>>, StoreError> {
        let connection = look_up.reading.connection();
        let identities: BTreeSet<Identity> = groups.iter().flat_map(Group::identities).collect();
        let index = index_for(connection, &identities, self.calendar).await?;
        let fits: Vec<BTreeSet<EmployeeId>> =
            groups.iter().map(|group| group.candidates(&index, self.calendar)).collect();
        let everybody: BTreeSet<EmployeeId> = fits.iter().flatten().copied().collect();
        let numbers = people::numbers_of(connection, &everybody).await?;
        let protected = protection::protected_among(connection, &everybody).await?;
        let own = self.own_among(connection, look_up.reading.scope(), &everybody).await?;
        let scope = look_up.reading.scope();
        let is_seen = |fits: &BTreeSet<EmployeeId>| scope.is_all() || (!fits.is_empty() && fits.is_subset(&own));
        let seen = groups.iter().zip(&fits).filter(|(_, fits)| is_seen(fits)).map(|(group, _)| group);
        let learners: Vec<i64> = seen.flat_map(|group| group.learners.iter().map(|learner| learner.id)).collect();
        let mut done: BTreeMap<i64, Vec<LinkedResult>> = BTreeMap::new();
        for StoredResult { learner, owner, why, result } in
            stored_results::unlinked_of(connection, &learners, self.calendar).await?
        {
            if owner.is_none() && (why == Some(Unlinked::Dismissed)) == look_up.dismissed {
                done.entry(learner).or_default().push(result);
            }
        }
        let namesakes = self.namesakes(look_up.reading).await?;
        let number = |id: &EmployeeId| numbers.get(id).cloned();
        let answer = |(group, fits): (&Group, &BTreeSet<EmployeeId>)| {
            if !is_seen(fits) {
                return None;
            }
            let keys: Vec<LearnerKeys> = group.learners.iter().map(|learner| learner.keys.clone()).collect();
            let results: Vec<LinkedResult> =
                group.learners.iter().flat_map(|learner| done.get(&learner.id)).flatten().cloned().collect();
            let (courses, quizzes) = targets(&results);
            let platform = look_up.platforms.iter().find(|platform| platform.id == group.platform)?;
            let said = verdicts(&keys.iter().collect::<Vec<_>>(), &platform.linking_keys, |identity| {
                group.fit(&index, identity, self.calendar)
            });
            let is_withheld = !fits.is_disjoint(&protected);
            let suggestions = match is_withheld {
                true => Vec::new(),
                false => self.suggestions(&namesakes, scope, group.platform, &keys),
            };
            let answer = UnlinkedAnswer {
                is_withheld,
                platform: platform.code.to_string(),
                identity: group.identity.clone(),
                why: group.why(),
                results: group.results(),
                first_recorded_at: group.first(),
                last_recorded_at: group.learners.iter().map(|l| l.last_recorded_at).max().unwrap_or_default(),
                keys: said.into_iter().map(|key| numbered(key, number)).collect(),
                courses,
                quizzes,
                counts_towards: self.counts_towards(look_up.requirements, &results),
                candidates: in_order(fits, number),
                suggestions,
                learners: keys,
                dismissed: None,
            };
            Some(if is_withheld { answer.without_addresses() } else { answer })
        };
        Ok(groups.iter().zip(&fits).map(answer).collect())
    }

    fn counts_towards(&self, requirements: &Requirements, results: &[LinkedResult]) -> Vec<CountsTowards> {
        let today = self.today();
        let towards = requirements.iter().filter_map(|(code, versions)| {
            let version = in_effect_on(versions, today)?;
            let targets = targets_of(std::slice::from_ref(version));
            if !results.iter().any(|result| targets.contains(&result.target)) {
                return None;
            }
            let held = held_items_on(results, version, today);
            let whole = version.requirement.alternatives_by_items().iter().any(|whole| held & whole == *whole);
            (held != 0).then(|| CountsTowards { requirement: code.clone(), whole })
        });
        towards.collect()
    }

    /// Those employees for whom the caller's administrations answer today, including those who have not started yet and
    /// those who have left.
    pub(in crate::app) async fn own_among(
        &self,
        connection: &impl Connection,
        scope: &Scope,
        employees: &BTreeSet<EmployeeId>,
    ) -> Result<BTreeSet<EmployeeId>, StoreError> {
        if scope.is_all() {
            return Ok(employees.clone());
        }
        // A link by hand may name a merged duplicate.
        let merges = merges(connection, None).await?;
        let mut ids: Vec<EmployeeId> = employees.iter().map(|employee| merges.person(*employee)).collect();
        if ids.is_empty() {
            // One query in either case, so that the time shows no difference between no employee and a hidden one.
            ids.push(EmployeeId::NOBODY);
        }
        let known = employees::known(connection, &Unscoped::RestsOnEverybody.scope(), Whose::Only(&ids), None).await?;
        let own = known.into_values().filter(|employee| answers_for(scope, employee, self.today()));
        let own: BTreeSet<EmployeeId> = own.map(|employee| employee.id).collect();
        Ok(employees.iter().copied().filter(|employee| own.contains(&merges.person(*employee))).collect())
    }
}

/// What the entries of a page are made from.
struct LookUp<'a> {
    reading: &'a Reading,
    platforms: &'a [Platform],
    requirements: &'a Requirements,
    /// Whether the entries are dismissed ones.
    dismissed: bool,
}

fn grouped(learners: Vec<WaitingLearner>, platforms: &[Platform]) -> Vec<Group> {
    let orders: LinkOrders = platforms.iter().map(|platform| (platform.id, platform.linking_keys.clone())).collect();
    let named: Vec<Named<'_>> =
        learners.iter().map(|learner| Named { platform: learner.platform, keys: &learner.keys }).collect();
    let entries = entries(&named, |platform| orders.get(&platform).cloned().unwrap_or_default());
    let mut learners: Vec<Option<WaitingLearner>> = learners.into_iter().map(Some).collect();
    let group = |(identity, places): (Identity, Vec<usize>)| {
        let members = places.into_iter().filter_map(|place| learners.get_mut(place).and_then(Option::take));
        let members: Vec<WaitingLearner> = members.collect();
        let platform = members.first()?.platform;
        Some(Group { platform, identity, learners: members })
    };
    entries.into_iter().filter_map(group).collect()
}

/// The courses and quizzes that results are about, each once, in order.
fn targets(results: &[LinkedResult]) -> (Vec<String>, Vec<String>) {
    let (mut courses, mut quizzes) = (BTreeSet::new(), BTreeSet::new());
    for result in results.iter().filter(|result| !matches!(result.kind, ResultKind::Revocation { .. })) {
        match &result.target {
            Target::Course(course) => courses.insert(course.to_string()),
            Target::Quiz(quiz) => quizzes.insert(quiz.to_string()),
        };
    }
    (courses.into_iter().collect(), quizzes.into_iter().collect())
}

fn in_order(employees: &BTreeSet<EmployeeId>, number: impl Fn(&EmployeeId) -> Option<String>) -> Vec<String> {
    employees.iter().filter_map(number).collect::<BTreeSet<_>>().into_iter().collect()
}

fn numbered(key: KeyVerdict, number: impl Fn(&EmployeeId) -> Option<String>) -> KeyAnswer {
    let (employees, contradicted_by) = match &key.verdict {
        Verdict::NotGiven | Verdict::Unknown | Verdict::Dismissed => (Vec::new(), None),
        Verdict::Ambiguous(several) => (in_order(several, number), None),
        Verdict::Contradicted { employee, number_names } => {
            (number(employee).into_iter().collect(), number(number_names))
        }
        Verdict::NotLinkedBy(employee) | Verdict::Fits(employee) => (number(employee).into_iter().collect(), None),
    };
    KeyAnswer { key, employees, contradicted_by }
}
