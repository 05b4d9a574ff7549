//! What a statement is about without giving a result of it. The author of a requirement that names it sees that it does
//! not count.

use super::nothing::Nothing;
use super::results::{Extracted, Sort, quiz_of_attempt};
use super::verb_mapping::VerbMapping;
use super::{Object, Statement};
use kurskoll_domain::ids::CourseId;
use kurskoll_domain::training::{Lacks, ReportedResult, Target, WithoutResult};

/// It says that something was completed, and nothing of how it went.
const COMPLETION_ALONE: &str = "completion_alone";
/// It says how an attempt went, and not that anything was completed.
const ATTEMPT_ALONE: &str = "attempt_alone";

/// The last part of verbs that report no outcome, in any vocabulary. There are many such statements about everything
/// that a requirement names, and they are not expected to count.
const NO_OUTCOME: [&str; 51] = [
    "abstained",
    "accessed",
    "annotated",
    "answered",
    "asked",
    "attempted",
    "bookmarked",
    "clicked",
    "closed",
    "commented",
    "created",
    "deleted",
    "downloaded",
    "edited",
    "enrolled",
    "experienced",
    "exited",
    "favorited",
    "hinted",
    "imported",
    "initialized",
    "interacted",
    "launched",
    "liked",
    "logged-in",
    "logged-out",
    "loggedin",
    "loggedout",
    "opened",
    "paused",
    "played",
    "preferred",
    "printed",
    "progressed",
    "rated",
    "receive",
    "registered",
    "removed",
    "responded",
    "resumed",
    "seeked",
    "searched",
    "selected",
    "shared",
    "skipped",
    "started",
    "suspended",
    "terminated",
    "updated",
    "uploaded",
    "viewed",
];

/// Whether a verb reports no outcome.
fn is_no_outcome(verb: &str) -> bool {
    let last = verb.trim_end_matches('/').rsplit(['/', '#', ':']).next().unwrap_or_default();
    NO_OUTCOME.contains(&last.to_ascii_lowercase().as_str())
}

/// What a statement is about and gives no result of, if a requirement may name that as what it gives no result of.
pub(super) fn without(
    statement: &Statement<'_>,
    extracted: &Extracted,
    mapping: &VerbMapping,
) -> Option<WithoutResult> {
    let Object::Activity(object) = &statement.object else { return None };
    if mapping.verb(&statement.verb.id).is_none() && is_no_outcome(&statement.verb.id) {
        return None;
    }
    let about = match mapping.sort(object) {
        Sort::Attempt | Sort::Part => quiz_of_attempt(statement.context.as_ref(), mapping)?,
        Sort::Course | Sort::Quiz | Sort::Either => object,
    };
    // A requirement names nothing that cannot be an id in it.
    let id = CourseId::parse(&about.id).ok()?.to_string();
    let (lacks, reason) = match extracted.nothing {
        Some(nothing) => (Lacks::Both, nothing.code()),
        None => lacking(&id, &extracted.results)?,
    };
    Some(WithoutResult::new(id, lacks, reason, &statement.verb.id))
}

/// Which kind of result is missing, if there is one of the other kind.
fn lacking(id: &str, results: &[ReportedResult]) -> Option<(Lacks, &'static str)> {
    let has = |wanted: fn(&Target) -> Option<String>| {
        results.iter().any(|result| wanted(&result.target).as_deref() == Some(id))
    };
    let of_course = has(|target| if let Target::Course(id) = target { Some(id.to_string()) } else { None });
    let of_quiz = has(|target| if let Target::Quiz(id) = target { Some(id.to_string()) } else { None });
    let is_attempt_itself = results.iter().any(|result| result.kind.attempt_name().is_some());
    match (of_course, of_quiz) {
        _ if results.iter().any(|result| result.kind.is_revocation()) => None,
        (true, false) => Some((Lacks::Quiz, COMPLETION_ALONE)),
        (false, true) if !is_attempt_itself => Some((Lacks::Course, ATTEMPT_ALONE)),
        _ => None,
    }
}

/// What a code says, worded to follow "because".
#[must_use]
pub fn sentence(code: &str) -> String {
    match code {
        COMPLETION_ALONE => "it says that it was completed, without a score and without pass or fail".to_owned(),
        ATTEMPT_ALONE => "it says how an attempt went, and not that it was completed".to_owned(),
        _ => {
            let known = Nothing::ALL.into_iter().find(|nothing| nothing.code() == code);
            known.map_or_else(|| format!("of a reason of another version ({code})"), |nothing| nothing.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_reason_has_a_code_and_a_sentence_of_its_own() {
        let codes: BTreeSet<&str> =
            Nothing::ALL.into_iter().map(Nothing::code).chain([COMPLETION_ALONE, ATTEMPT_ALONE]).collect();
        assert_eq!(codes.len(), Nothing::ALL.len() + 2);
        let sentences: BTreeSet<String> = codes.iter().map(|code| sentence(code)).collect();
        assert_eq!(sentences.len(), codes.len());
        assert!(sentence("of_tomorrow").contains("of_tomorrow"));
    }

    #[test]
    fn verbs_of_no_outcome_are_known_by_their_last_word() {
        for verb in [
            "http://id.tincanapi.com/verb/viewed",
            "http://adlnet.gov/expapi/verbs/launched",
            "http://activitystrea.ms/schema/1.0/receive",
            "https://w3id.org/xapi/adl/verbs/logged-in",
            "https://portal.example.org/verbs#Opened",
        ] {
            assert!(is_no_outcome(verb), "{verb}");
        }
        for verb in ["http://id.tincanapi.com/verb/earned", "https://portal.example.org/verbs/finished", "urn:x:done"] {
            assert!(!is_no_outcome(verb), "{verb}");
        }
    }
}
