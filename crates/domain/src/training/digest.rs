//! A result's content in 128 bits: the id of a result without an id from its platform.

use sha2::{Digest, Sha256};

use super::{ReportedResult, ResultKind, Revokes, Target};
use crate::ids::{EventId, InvalidId};

impl ReportedResult {
    /// A digest of all but its id: two results with the same digest say the same about the same learner.
    #[must_use]
    pub fn content_digest(&self) -> [u8; 16] {
        let mut parts: Vec<String> = Vec::new();
        for identity in self.learner.identities() {
            parts.extend([identity.key.as_str().to_owned(), identity.value, identity.home_page]);
        }
        let (kind_of_target, target) = match &self.target {
            Target::Course(course) => ("course", course.as_str()),
            Target::Quiz(quiz) => ("quiz", quiz.as_str()),
        };
        parts.extend([kind_of_target.to_owned(), target.to_owned(), self.occurred_at.timestamp_micros().to_string()]);
        match &self.kind {
            ResultKind::Completion => parts.push("completion".to_owned()),
            ResultKind::Attempt { name, number, score, passed } => {
                let score = score.map(|score| format!("{} of {}", score.points().normalize(), score.of().normalize()));
                parts.extend([
                    "attempt".to_owned(),
                    format!("{number:?}"),
                    format!("{score:?}"),
                    format!("{passed:?}"),
                ]);
                // Ids that were made before attempts had names must not change.
                parts.extend(name.as_ref().map(ToString::to_string));
            }
            ResultKind::Revocation(revokes) => {
                parts
                    .extend(["revocation".to_owned(), revokes.event_id().map(ToString::to_string).unwrap_or_default()]);
                // A reset is not the same as a revocation of all before.
                parts.extend(matches!(revokes, Revokes::Recent).then(|| revokes.as_str().to_owned()));
            }
        }
        let mut digest = Sha256::new();
        for part in parts {
            // The lengths distinguish "a", "bc" from "ab", "c".
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut short = [0; 16];
        short.copy_from_slice(&digest.finalize()[..16]);
        short
    }

    /// The id of a result without one from its platform: the same for the same content, however often it is sent.
    ///
    /// # Errors
    /// None in practice: the id always has a valid form.
    pub fn derived_id(&self) -> Result<EventId, InvalidId> {
        let digits: String = self.content_digest().iter().map(|byte| format!("{byte:02x}")).collect();
        EventId::parse(&format!("content:{digits}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CourseId, EmployeeNumber, QuizId};
    use crate::linking::LearnerKeys;
    use crate::training::{Score, decimal_from_text};

    fn result(event_id: &str, number: &str, kind: ResultKind, target: Target) -> ReportedResult {
        ReportedResult {
            event_id: EventId::parse(event_id).expect("an id"),
            learner: LearnerKeys {
                employee_number: Some(EmployeeNumber::parse(number).expect("a number")),
                email: None,
                username: None,
                account: None,
            },
            target,
            kind,
            occurred_at: chrono::DateTime::UNIX_EPOCH,
            reported_at: None,
            reason: None,
        }
    }

    fn course(id: &str) -> Target {
        Target::Course(CourseId::parse(id).expect("a course"))
    }

    fn attempt(raw: &str) -> ResultKind {
        let [points, of] = [raw, "20"].map(|text| decimal_from_text(text).expect("a number"));
        ResultKind::Attempt { name: None, number: None, score: Score::new(points, of).ok(), passed: None }
    }

    #[test]
    fn the_id_does_not_change_what_a_result_says() {
        let first = result("1", "104233", ResultKind::Completion, course("c"));
        let second = result("2", "104233", ResultKind::Completion, course("c"));
        assert_eq!(first.content_digest(), second.content_digest());
        assert_eq!(first.derived_id().map(|id| id.as_str().len()), Ok("content:".len() + 32));
    }

    #[test]
    fn whatever_else_differs_makes_another_result() {
        let quiz = Target::Quiz(QuizId::parse("c").expect("a quiz"));
        let reported = [
            result("1", "104233", ResultKind::Completion, course("c")),
            result("1", "104234", ResultKind::Completion, course("c")),
            result("1", "104233", ResultKind::Completion, course("d")),
            result("1", "104233", attempt("17"), quiz.clone()),
            result("1", "104233", attempt("17.5"), quiz.clone()),
        ];
        let distinct: std::collections::BTreeSet<_> = reported.iter().map(ReportedResult::content_digest).collect();
        assert_eq!(distinct.len(), reported.len());
        // 17 and 17.0 points are the same score.
        assert_eq!(reported[3].content_digest(), result("1", "104233", attempt("17.0"), quiz).content_digest());
    }
}
