//! What has to be known before a batch can be decided about.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::pending::Pending;
use super::statements::{self, KnownStatements};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{EmployeeId, EmployeeNumber, EventId, PlatformId};
use crate::domain::linking::{Account, Identity, LearnerKeys, LinkingKey, Unlinked};
use crate::domain::receiving::Delivery;
use crate::domain::training::{ReportedResult, ResultKind, Score, Target};
use crate::store::entities::event;
use crate::store::learners::unlinked_of;
use crate::store::links::{self, LinkIndex};
use crate::store::parsed::parsed;
use crate::store::rows::question::{Question, ask, each, each_or_none, read};
use crate::store::rows::{Bytes, Row, names, row, selected};
use crate::store::{StoreError, instant};

/// What the register holds that a batch could meet.
#[derive(Debug, Default)]
pub struct Known {
    /// Kept deliveries with the ids of the batch's.
    pub deliveries: HashMap<(PlatformId, String), KnownDelivery>,
    /// The kept events that have event ids of the batch.
    pub events: HashMap<(PlatformId, String), KnownEvent>,
    pub learners: HashMap<LearnerName, KnownLearner>,
    /// What these learners were said to have done at the instants of which the batch speaks.
    pub reported: HashSet<DuplicateKey>,
    /// What these learners' people were said to have done at these instants, under whichever key.
    pub of_people: HashSet<DuplicateKeyOfPerson>,
    /// Whose the events are that the batch revokes, and those that a revoked revocation names, and so on.
    pub owners: HashMap<(PlatformId, String), BTreeSet<EmployeeId>>,
    /// The event ids of the batch that a revocation or a decision by hand names.
    pub named: HashSet<(PlatformId, String)>,
    /// The learners of the batch of whom, or of whose employee, something was ever revoked.
    pub revoked: HashSet<LearnerName>,
    /// The statements of the batch that are kept.
    pub statements: KnownStatements,
    /// The part of the directory that the batch asks for.
    pub index: LinkIndex,
}

/// A delivery that is kept.
#[derive(Debug)]
pub struct KnownDelivery {
    pub id: i64,
    pub body: Vec<u8>,
    pub is_quarantined: bool,
    /// Whether it has results and every one of them is somebody's.
    pub linked: bool,
}

/// An event that is kept, for comparing it with one of the same id.
#[derive(Debug)]
pub struct KnownEvent {
    reported: DuplicateKey,
    keys: LearnerKeys,
    pub is_linked: bool,
}

impl KnownEvent {
    /// Whether a result says the same: of nobody else as far as both name a key, and within the same second, which is what
    /// an export of a platform's history may be cut to.
    pub fn says(&self, result: &ReportedResult) -> bool {
        let reported = DuplicateKey::of(self.reported.learner, result);
        let second = |instant: i64| instant.div_euclid(1_000_000);
        let is_of_another = self
            .keys
            .identities()
            .any(|identity| result.learner.identity(identity.key).is_some_and(|reported| reported != identity));
        let is_another_attempt =
            self.reported.attempt.zip(reported.attempt).is_some_and(|(known, reported)| known != reported);
        // A file has no column for the name.
        let unnamed = |reported: &DuplicateKey| DuplicateKey {
            occurred_at: 0,
            attempt: None,
            attempt_name: None,
            ..reported.clone()
        };
        !is_of_another
            && !is_another_attempt
            && second(self.reported.occurred_at) == second(reported.occurred_at)
            && unnamed(&self.reported) == unnamed(&reported)
    }
}

/// A learner, and whose it is.
#[derive(Debug, Clone, Copy)]
pub struct KnownLearner {
    pub id: i64,
    pub depends_on_day: bool,
    pub employee: Option<EmployeeId>,
    pub unlinked: Option<Unlinked>,
}

/// By which a learner is found: the platform, and the fingerprint of the keys.
pub type LearnerName = (PlatformId, Vec<u8>);

/// By which a set of keys is found again.
pub fn fingerprint(keys: &LearnerKeys) -> Vec<u8> {
    let mut digest = Sha256::new();
    for identity in keys.identities() {
        for part in [identity.key.as_str(), &identity.value, &identity.home_page] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
    }
    digest.finalize()[..16].to_vec()
}

/// What was told of a person on a platform; the learner in it is none.
pub type DuplicateKeyOfPerson = (EmployeeId, PlatformId, DuplicateKey);

/// What makes a result the same thing told twice, down to what it says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DuplicateKey {
    pub learner: i64,
    pub kind: &'static str,
    pub course: Option<String>,
    pub quiz: Option<String>,
    pub attempt: Option<i32>,
    pub attempt_name: Option<String>,
    pub occurred_at: i64,
    pub score: Option<(String, String)>,
    pub passed: Option<bool>,
    pub revokes: Option<String>,
    /// What a revocation withdraws, in the word that is kept.
    pub how: Option<&'static str>,
}

impl DuplicateKey {
    pub fn of(learner: i64, result: &ReportedResult) -> Self {
        let (course, quiz) = match &result.target {
            Target::Course(course) => (Some(course.to_string()), None),
            Target::Quiz(quiz) => (None, Some(quiz.to_string())),
        };
        let mut reported = Self {
            learner,
            kind: "completion",
            course,
            quiz,
            attempt: None,
            attempt_name: None,
            occurred_at: instant::stored(result.occurred_at),
            score: None,
            passed: None,
            revokes: None,
            how: None,
        };
        match &result.kind {
            ResultKind::Completion => {}
            ResultKind::Attempt { name, number, score, passed } => {
                reported.kind = "attempt";
                reported.attempt_name = name.as_ref().map(ToString::to_string);
                reported.attempt = number.and_then(|number| i32::try_from(number).ok());
                reported.score = score.as_ref().map(stored_score);
                reported.passed = *passed;
            }
            ResultKind::Revocation(revokes) => {
                reported.kind = "revocation";
                reported.revokes = revokes.event_id().map(ToString::to_string);
                reported.how = Some(revokes.as_str());
            }
        }
        reported
    }

    /// What a kept event says.
    pub(super) fn of_event(row: &event::Model) -> Self {
        Self {
            learner: row.learner_id,
            kind: kind_of(&row.kind),
            course: row.course_id.clone(),
            quiz: row.quiz_id.clone(),
            attempt: row.attempt,
            attempt_name: row.attempt_name.clone(),
            occurred_at: row.occurred_at,
            score: row.score_points.clone().zip(row.score_of.clone()),
            passed: row.passed,
            revokes: row.revokes_event_id.clone(),
            how: row.revokes.as_deref().and_then(how_of),
        }
    }

    /// The same, whichever learner of a person it was told of.
    pub fn of_person(&self, person: EmployeeId, platform: PlatformId) -> DuplicateKeyOfPerson {
        (person, platform, Self { learner: 0, ..self.clone() })
    }

    /// What a kept event says of a learner; nothing in a row that has no event.
    fn of_row(row: LearnerRow) -> Option<Self> {
        Some(Self {
            learner: row.id,
            kind: kind_of(&row.kind?),
            course: row.course_id,
            quiz: row.quiz_id,
            attempt: row.attempt,
            attempt_name: row.attempt_name,
            occurred_at: row.occurred_at?,
            score: row.score_points.zip(row.score_of),
            passed: row.passed,
            revokes: row.revokes_event_id,
            how: row.revokes.as_deref().and_then(how_of),
        })
    }
}

fn kind_of(word: &str) -> &'static str {
    match word {
        "attempt" => "attempt",
        "revocation" => "revocation",
        _ => "completion",
    }
}

fn how_of(word: &str) -> Option<&'static str> {
    ["event", "statement", "up_to", "recent"].into_iter().find(|known| *known == word)
}

fn stored_score(score: &Score) -> (String, String) {
    (score.points().normalize().to_string(), score.of().normalize().to_string())
}

impl Known {
    /// Reads what a batch could meet. It takes one statement, and another where several people share an identity; whoever passes no transaction has to see to it that nothing changes between them.
    pub async fn read(
        connection: &impl ConnectionTrait,
        batch: &[Delivery],
        held: &Pending,
        calendar: CityCalendar,
    ) -> Result<Self, StoreError> {
        let mut known = Self::default();
        let (mut asking, mut questions) = (Vec::new(), Vec::new());
        for (what, question) in [
            (What::Delivery, deliveries(connection, batch)?),
            (What::Event, events(connection, batch, held)?),
            (What::Learner, learners(connection, batch, held)?),
            (What::OfPerson, of_the_learners_people(connection, batch, held)?),
            (What::Statement, statements::question(connection, batch)?),
            (What::Owner, owners_of_the_revoked(connection, batch)?),
            (What::Naming, naming(connection, batch)?),
        ] {
            if let Some(question) = question {
                asking.push(what);
                questions.push(question);
            }
        }
        // Asked before anybody knows who is new: that is cheap, and another round trip is not.
        let identities: BTreeSet<Identity> =
            results_of(batch, held).flat_map(|(_, result)| result.learner.identities()).collect();
        if !identities.is_empty() {
            for (of, question) in links::questions(connection, &identities)? {
                asking.push(What::Identity(of));
                questions.push(question);
            }
        }
        for (question, found) in ask(connection, questions).await? {
            match asking.get(question) {
                Some(What::Delivery) => known.add_delivery(read(&found)?),
                Some(What::Event) => known.add_event(read(&found)?)?,
                Some(What::Learner) => known.add_learner(read(&found)?),
                Some(What::OfPerson) => known.of_people.extend(DuplicateKeyRow::read(&found)?),
                Some(What::Owner) => known.add_owner(read(&found)?),
                Some(What::Naming) => {
                    let row: NamingRow = read(&found)?;
                    known.named.insert((PlatformId(row.platform_id), row.event_id));
                }
                Some(What::Statement) => {
                    let (name, digest) = read::<statements::KnownRow>(&found)?.read()?;
                    known.statements.insert(name, digest);
                }
                Some(What::Identity(of)) => known.index.add_found(*of, &found, calendar)?,
                None => {}
            }
        }
        let by_the_index = |(platform, result): (PlatformId, &ReportedResult)| {
            let learner = known.learners.get(&(platform, fingerprint(&result.learner)));
            learner.is_none_or(|learner| learner.depends_on_day)
        };
        if results_of(batch, held).any(by_the_index) {
            known.index.complete(connection, calendar).await?;
            known.read_keys_of_new_learners(connection, batch, held, calendar).await?;
        }
        Ok(known)
    }

    /// What was told, at the instants of the batch, of the people to whom learners link that are new, or whose link depends
    /// on the day.
    async fn read_keys_of_new_learners(
        &mut self,
        connection: &impl ConnectionTrait,
        batch: &[Delivery],
        held: &Pending,
        calendar: CityCalendar,
    ) -> Result<(), StoreError> {
        let orders: HashMap<PlatformId, &[LinkingKey]> =
            batch.iter().map(|delivery| (delivery.platform, &*delivery.linking_keys)).collect();
        let mut asked: BTreeSet<(EmployeeId, PlatformId, i64)> = BTreeSet::new();
        for (platform, result) in results_of(batch, held) {
            let learner = self.learners.get(&(platform, fingerprint(&result.learner)));
            let order = orders.get(&platform).copied().filter(|_| learner.is_none_or(|known| known.depends_on_day));
            let Some(order) = order else { continue };
            let day = calendar.day_of(result.occurred_at);
            let person = self.index.link(platform, order, &result.learner, day).employee();
            asked.extend(person.map(|person| (person, platform, instant::stored(result.occurred_at))));
        }
        if asked.is_empty() {
            return Ok(());
        }
        let row = |(person, platform, occurred_at): &(EmployeeId, PlatformId, i64)| PersonLookupKey {
            employee_id: person.0,
            platform_id: platform.0,
            occurred_at: *occurred_at,
        };
        let rows: Vec<PersonLookupKey> = asked.iter().map(row).collect();
        let reported = each(
            connection,
            "event",
            "e",
            "e.employee_id = w.employee_id AND e.occurred_at = w.occurred_at AND e.platform_id + 0 = w.platform_id",
        );
        let sql = format!("SELECT {} FROM {{w}} {reported}", selected::<DuplicateKeyRow>("e"));
        let question = Question::new::<DuplicateKeyRow, _>(&rows, sql)?;
        for (_, found) in ask(connection, vec![question]).await? {
            self.of_people.extend(DuplicateKeyRow::read(&found)?);
        }
        Ok(())
    }

    fn add_delivery(&mut self, row: DeliveryRow) {
        let delivery = KnownDelivery {
            id: row.id,
            body: row.body.0,
            is_quarantined: row.outcome == "quarantined",
            linked: row.linked == 1,
        };
        self.deliveries.insert((PlatformId(row.platform_id), row.delivery_key), delivery);
    }

    fn add_event(&mut self, row: EventRow) -> Result<(), StoreError> {
        let name = (PlatformId(row.platform_id), row.event_id);
        let number = row.employee_number.as_deref().map(EmployeeNumber::parse).transpose();
        let keys = LearnerKeys {
            employee_number: parsed(number, "learner", "employee_number")?,
            email: row.email,
            username: row.username,
            account: row
                .account_name
                .map(|name| Account { home_page: row.account_home_page.unwrap_or_default(), name }),
        };
        let reported = DuplicateKey {
            learner: row.learner_id,
            kind: kind_of(&row.kind),
            course: row.course_id,
            quiz: row.quiz_id,
            attempt: row.attempt,
            attempt_name: row.attempt_name,
            occurred_at: row.occurred_at,
            score: row.score_points.zip(row.score_of),
            passed: row.passed,
            revokes: row.revokes_event_id,
            how: row.revokes.as_deref().and_then(how_of),
        };
        self.events.insert(name, KnownEvent { reported, keys, is_linked: row.employee_id.is_some() });
        Ok(())
    }

    fn add_owner(&mut self, row: OwnerRow) {
        let owners = self.owners.entry((PlatformId(row.platform_id), row.event_id)).or_default();
        owners.extend(row.employee_id.map(EmployeeId));
    }

    fn add_learner(&mut self, row: LearnerRow) {
        let learner = KnownLearner {
            id: row.id,
            depends_on_day: row.depends_on_day,
            employee: row.employee_id.map(EmployeeId),
            unlinked: row.unlinked.as_deref().map(|word| unlinked_of(Some(word))),
        };
        let name = (PlatformId(row.platform_id), row.fingerprint.0.clone());
        if row.revoked {
            self.revoked.insert(name.clone());
        }
        self.learners.insert(name, learner);
        self.reported.extend(DuplicateKey::of_row(row));
    }
}

/// What a question of a batch is about.
#[derive(Debug, Clone, Copy)]
enum What {
    Delivery,
    Event,
    Learner,
    OfPerson,
    Owner,
    Naming,
    Statement,
    Identity(links::Of),
}

/// The results of a batch, and those that it may release.
fn results_of<'a>(
    batch: &'a [Delivery],
    held: &'a Pending,
) -> impl Iterator<Item = (PlatformId, &'a ReportedResult)> + Clone {
    let reported =
        batch.iter().flat_map(|delivery| delivery.content.results().iter().map(|result| (delivery.platform, result)));
    reported.chain(held.results.iter().map(|held| (held.platform, &held.result)))
}

row! {
    /// A name within a platform, as a statement is asked about it.
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    struct Named<'a> {
        platform_id: i64,
        name: &'a str,
    }
}

row! {
    #[derive(Debug, Deserialize)]
    struct DeliveryRow {
        id: i64,
        platform_id: i64,
        delivery_key: String,
        body: Bytes,
        outcome: String,
        /// Whether it has results and every one of them is somebody's.
        linked: i64 = "COALESCE((SELECT MIN(CASE WHEN e.employee_id IS NULL THEN 0 ELSE 1 END) FROM event e
                                 WHERE e.delivery_id = d.id), 0)",
    }
}

fn deliveries(connection: &impl ConnectionTrait, batch: &[Delivery]) -> Result<Option<Question>, StoreError> {
    // With + 0 the key alone finds it. In a new table PostgreSQL would as soon read all that the platform ever sent.
    let stored = each(connection, "delivery", "d", "d.delivery_key = w.name AND d.platform_id + 0 = w.platform_id");
    let sql = format!("SELECT {} FROM {{w}} {stored}", selected::<DeliveryRow>("d"));
    question::<DeliveryRow>(batch.iter().map(|delivery| (delivery.platform, &delivery.key)), sql)
}

/// The rows that `sql` finds of the names, which are the table `w` in it, each once; nothing where there are none.
fn question<'a, F: Row>(
    names: impl Iterator<Item = (PlatformId, &'a EventId)>,
    sql: String,
) -> Result<Option<Question>, StoreError> {
    let names: BTreeSet<Named<'_>> =
        names.map(|(platform, name)| Named { platform_id: platform.0, name: name.as_str() }).collect();
    let names: Vec<Named<'_>> = names.into_iter().collect();
    if names.is_empty() { Ok(None) } else { Question::new::<F, _>(&names, sql).map(Some) }
}

/// The event ids that a batch revokes.
fn revoked_event_ids(batch: &[Delivery]) -> impl Iterator<Item = (PlatformId, &EventId)> {
    let results = batch.iter().flat_map(|d| d.content.results().iter().map(|r| (d.platform, r)));
    results.filter_map(|(platform, result)| result.kind.revoked_event().map(|event_id| (platform, event_id)))
}

row! {
    /// An event, and the keys by which its learner was named.
    #[derive(Debug, Deserialize)]
    struct EventRow {
        platform_id: i64,
        event_id: String,
        learner_id: i64,
        employee_id: Option<i64>,
        kind: String,
        course_id: Option<String>,
        quiz_id: Option<String>,
        attempt: Option<i32>,
        attempt_name: Option<String>,
        occurred_at: i64,
        score_points: Option<String>,
        score_of: Option<String>,
        passed: Option<bool>,
        revokes_event_id: Option<String>,
        revokes: Option<String>,
        employee_number: Option<String> = "l.employee_number",
        email: Option<String> = "l.email",
        username: Option<String> = "l.username",
        account_home_page: Option<String> = "l.account_home_page",
        account_name: Option<String> = "l.account_name",
    }
}

/// The events that have the ids of a batch's. Also where the id is the delivery's own: a file of results may have told it.
fn events(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
    held: &Pending,
) -> Result<Option<Question>, StoreError> {
    let stored = each(connection, "event", "e", "e.platform_id = w.platform_id AND e.event_id = w.name");
    let learner = each(connection, "learner", "l", "l.id = e.learner_id");
    let sql = format!("SELECT {} FROM {{w}} {stored} {learner}", selected::<EventRow>("e"));
    let ids = results_of(batch, held).map(|(platform, result)| (platform, &result.event_id));
    question::<EventRow>(ids, sql)
}

row! {
    #[derive(Debug, Deserialize)]
    struct OwnerRow {
        platform_id: i64,
        event_id: String,
        employee_id: Option<i64>,
    }
}

fn owners_of_the_revoked(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
) -> Result<Option<Question>, StoreError> {
    let named = each(connection, "event", "e", "e.platform_id = w.platform_id AND e.event_id = w.name");
    let named_by_it = each(connection, "event", "e", "e.platform_id = u.platform_id AND e.event_id = u.names");
    // UNION, not UNION ALL: revocations that name each other in a circle end it.
    let sql = format!(
        "WITH RECURSIVE up (platform_id, event_id, names, employee_id) AS (
             SELECT w.platform_id, w.name, e.revokes_event_id, e.employee_id FROM {{w}} {named}
             UNION
             SELECT u.platform_id, u.event_id, e.revokes_event_id, e.employee_id FROM up u {named_by_it}
         )
         SELECT {} FROM up WHERE employee_id IS NOT NULL",
        names::<OwnerRow>()
    );
    question::<OwnerRow>(revoked_event_ids(batch), sql)
}

row! {
    #[derive(Debug, Deserialize)]
    struct NamingRow {
        platform_id: i64,
        event_id: String = "w.name",
    }
}

/// Asks which event ids of a batch a revocation names, or a decision by hand; nearly always none.
fn naming(connection: &impl ConnectionTrait, batch: &[Delivery]) -> Result<Option<Question>, StoreError> {
    let revoking = each(connection, "event", "r", "r.platform_id = w.platform_id AND r.revokes_event_id = w.name");
    let decided = each(connection, "result_decision", "d", "d.event_id = w.name AND d.platform_id = w.platform_id");
    let sql = format!(
        "SELECT {columns} FROM {{w}} {revoking} UNION ALL SELECT {columns} FROM {{w}} {decided}",
        columns = selected::<NamingRow>("w")
    );
    let results = batch.iter().filter(|delivery| delivery.content.statements().is_empty());
    let ids = results.flat_map(|d| d.content.results().iter().map(|result| (d.platform, &result.event_id)));
    question::<NamingRow>(ids, sql)
}

row! {
    /// A learner at an instant, as a statement is asked about it.
    #[derive(Debug, Serialize)]
    struct LookupKey<'a> {
        platform_id: i64,
        fingerprint: Bytes<&'a [u8]>,
        occurred_at: i64,
    }
}

/// What `sql` finds of the learners of a batch, each at every instant of which it speaks; nothing where there are none.
fn question_of_learners<F: Row>(
    batch: &[Delivery],
    held: &Pending,
    sql: String,
) -> Result<Option<Question>, StoreError> {
    let mut asked: BTreeSet<(PlatformId, Vec<u8>, i64)> = BTreeSet::new();
    for (platform, result) in results_of(batch, held) {
        asked.insert((platform, fingerprint(&result.learner), instant::stored(result.occurred_at)));
    }
    if asked.is_empty() {
        return Ok(None);
    }
    let rows: Vec<LookupKey<'_>> = asked
        .iter()
        .map(|(platform, print, occurred_at)| LookupKey {
            platform_id: platform.0,
            fingerprint: Bytes(print),
            occurred_at: *occurred_at,
        })
        .collect();
    Question::new::<F, _>(&rows, sql).map(Some)
}

row! {
    /// A learner, and what was told of it at the instant that was asked about, if anything.
    #[derive(Debug, Deserialize)]
    struct LearnerRow {
        id: i64 = "l.id",
        platform_id: i64 = "l.platform_id",
        fingerprint: Bytes = "l.fingerprint",
        depends_on_day: bool = "l.depends_on_day",
        employee_id: Option<i64> = "l.employee_id",
        unlinked: Option<String> = "l.unlinked",
        /// Whether anything of it, or of its employee, was ever revoked.
        revoked: bool = "(
            (SELECT v.id FROM event v WHERE v.learner_id = l.id AND v.kind = 'revocation' LIMIT 1) IS NOT NULL
            OR (SELECT v.id FROM event v WHERE v.employee_id = l.employee_id AND v.kind = 'revocation' LIMIT 1) IS NOT NULL)",
        kind: Option<String>,
        course_id: Option<String>,
        quiz_id: Option<String>,
        attempt: Option<i32>,
        attempt_name: Option<String>,
        occurred_at: Option<i64>,
        score_points: Option<String>,
        score_of: Option<String>,
        passed: Option<bool>,
        revokes_event_id: Option<String>,
        revokes: Option<String>,
    }
}

fn learners(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
    held: &Pending,
) -> Result<Option<Question>, StoreError> {
    let learner = each(connection, "learner", "l", "l.platform_id = w.platform_id AND l.fingerprint = w.fingerprint");
    let reported = each_or_none(connection, "event", "e", "e.learner_id = l.id AND e.occurred_at = w.occurred_at");
    let sql = format!("SELECT {} FROM {{w}} {learner} {reported}", selected::<LearnerRow>("e"));
    question_of_learners::<LearnerRow>(batch, held, sql)
}

row! {
    /// A person on a platform at an instant, as a statement is asked about it.
    #[derive(Debug, Serialize)]
    struct PersonLookupKey {
        employee_id: i64,
        platform_id: i64,
        occurred_at: i64,
    }
}

row! {
    /// What was told of a person.
    #[derive(Debug, Deserialize)]
    struct DuplicateKeyRow {
        employee_id: i64,
        platform_id: i64,
        kind: String,
        course_id: Option<String>,
        quiz_id: Option<String>,
        attempt: Option<i32>,
        attempt_name: Option<String>,
        occurred_at: i64,
        score_points: Option<String>,
        score_of: Option<String>,
        passed: Option<bool>,
        revokes_event_id: Option<String>,
        revokes: Option<String>,
    }
}

impl DuplicateKeyRow {
    fn read(found: &str) -> Result<Option<DuplicateKeyOfPerson>, StoreError> {
        let row: Self = read(found)?;
        let reported = DuplicateKey {
            learner: 0,
            kind: kind_of(&row.kind),
            course: row.course_id,
            quiz: row.quiz_id,
            attempt: row.attempt,
            attempt_name: row.attempt_name,
            occurred_at: row.occurred_at,
            score: row.score_points.zip(row.score_of),
            passed: row.passed,
            revokes: row.revokes_event_id,
            how: row.revokes.as_deref().and_then(how_of),
        };
        Ok(Some((EmployeeId(row.employee_id), PlatformId(row.platform_id), reported)))
    }
}

/// What was told of the people whose the learners of a batch are, at its instants, under other keys.
fn of_the_learners_people(
    connection: &impl ConnectionTrait,
    batch: &[Delivery],
    held: &Pending,
) -> Result<Option<Question>, StoreError> {
    let learner = each(connection, "learner", "l", "l.platform_id = w.platform_id AND l.fingerprint = w.fingerprint");
    let reported = each(connection, "event", "e", "e.employee_id = l.employee_id AND e.occurred_at = w.occurred_at");
    let sql = format!(
        "SELECT {} FROM {{w}} {learner} {reported} WHERE e.platform_id = l.platform_id AND e.learner_id <> l.id",
        selected::<DuplicateKeyRow>("e")
    );
    question_of_learners::<DuplicateKeyRow>(batch, held, sql)
}
