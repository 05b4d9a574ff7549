//! When two results say the same thing, and when they say it of the same learner.

use sha2::{Digest, Sha256};

use crate::ids::{EmployeeId, PlatformId};
use crate::linking::LearnerKeys;
use crate::training::{ReportedResult, ResultKind, Score, Target};

/// The learner that a set of keys names: a platform, and the keys' fingerprint.
pub type LearnerName = (PlatformId, Vec<u8>);

/// A digest of a learner's keys: the same keys have the same one.
#[must_use]
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

/// What was reported of a person on a platform; the learner in it is none.
pub type DuplicateKeyOfPerson = (EmployeeId, PlatformId, DuplicateKey);

/// What makes two results duplicates: the same learner, instant and content.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DuplicateKey {
    pub learner: i64,
    pub kind: &'static str,
    pub course: Option<String>,
    pub quiz: Option<String>,
    pub attempt: Option<i32>,
    pub attempt_name: Option<String>,
    /// In microseconds since 1970.
    pub occurred_at: i64,
    pub score: Option<(String, String)>,
    pub passed: Option<bool>,
    pub revokes: Option<String>,
    /// What a revocation withdraws, as it is stored.
    pub how: Option<&'static str>,
}

impl DuplicateKey {
    /// What a result says of a learner.
    #[must_use]
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
            occurred_at: result.occurred_at.timestamp_micros(),
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

    /// The same, whichever learner of the person it was reported of.
    #[must_use]
    pub fn of_person(&self, person: EmployeeId, platform: PlatformId) -> DuplicateKeyOfPerson {
        (person, platform, Self { learner: 0, ..self.clone() })
    }
}

fn stored_score(score: &Score) -> (String, String) {
    (score.points().normalize().to_string(), score.of().normalize().to_string())
}
