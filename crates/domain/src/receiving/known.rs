//! What the register holds that a batch of deliveries could meet.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::content::StatementDigest;
use super::duplicates::{DuplicateKey, DuplicateKeyOfPerson, LearnerName};
use crate::ids::{EmployeeId, PlatformId};
use crate::linking::{LearnerKeys, Link, LinkingKey, Unlinked};
use crate::training::ReportedResult;

/// What the register holds that a batch could meet.
#[derive(Debug, Default)]
pub struct Known {
    /// Stored deliveries with keys of the batch.
    pub deliveries: HashMap<(PlatformId, String), KnownDelivery>,
    /// Stored events with event ids of the batch.
    pub events: HashMap<(PlatformId, String), KnownEvent>,
    pub learners: HashMap<LearnerName, KnownLearner>,
    /// What was reported of these learners at the instants of the batch's results.
    pub reported: HashSet<DuplicateKey>,
    /// What was reported of these learners' people at these instants, under any key.
    pub of_people: HashSet<DuplicateKeyOfPerson>,
    /// The people of the events that the batch revokes, and of those that a revoked revocation names, and so on.
    pub owners: HashMap<(PlatformId, String), BTreeSet<EmployeeId>>,
    /// The event ids of the batch that a revocation or a decision by hand names.
    pub named: HashSet<(PlatformId, String)>,
    /// The learners of the batch of which, or of whose employee, something was ever revoked.
    pub revoked: HashSet<LearnerName>,
    /// The stored statements with ids of the batch.
    pub statements: HashMap<(PlatformId, Uuid), StatementDigest>,
}

/// Links learners by the directory.
pub trait Linker {
    /// Whose a set of keys is on a day.
    fn link(&self, platform: PlatformId, order: &[LinkingKey], keys: &LearnerKeys, day: NaiveDate) -> Link;

    /// Whether that differs from day to day.
    fn depends_on_the_day(&self, platform: PlatformId, keys: &LearnerKeys) -> bool;
}

/// A stored delivery.
#[derive(Debug)]
pub struct KnownDelivery {
    pub id: i64,
    pub body: Vec<u8>,
    pub is_quarantined: bool,
    /// Whether it has results and every one of them is linked.
    pub linked: bool,
}

/// A stored event, to be compared with a result of the same id.
#[derive(Debug)]
pub struct KnownEvent {
    pub reported: DuplicateKey,
    pub keys: LearnerKeys,
    pub is_linked: bool,
}

impl KnownEvent {
    /// Whether a result says the same: of the same learner as far as both name a key, and within the same second, since an
    /// export of a platform's history may be cut to seconds.
    #[must_use]
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

/// A stored learner and its link.
#[derive(Debug, Clone, Copy)]
pub struct KnownLearner {
    pub id: i64,
    pub depends_on_day: bool,
    pub employee: Option<EmployeeId>,
    pub unlinked: Option<Unlinked>,
}

/// A stored result that waits until something is done in its registration.
#[derive(Debug)]
pub struct PendingResult {
    pub id: i64,
    pub platform: PlatformId,
    pub registration: Uuid,
    /// The delivery that reported it.
    pub delivery: i64,
    pub result: ReportedResult,
}

/// What the register holds of the registrations of a batch.
#[derive(Debug, Default)]
pub struct Pending {
    pub results: Vec<PendingResult>,
    /// The registrations of the batch in which something was done.
    pub done: HashSet<(PlatformId, Uuid)>,
}

impl Pending {
    /// How many ids its results may take: a learner and an event each.
    #[must_use]
    pub fn ids(&self) -> i64 {
        i64::try_from(2 * self.results.len()).unwrap_or(i64::MAX)
    }

    /// The results that wait in a registration.
    pub fn waiting_for(&self, platform: PlatformId, registration: Uuid) -> impl Iterator<Item = &PendingResult> {
        self.results.iter().filter(move |pending| pending.platform == platform && pending.registration == registration)
    }
}
