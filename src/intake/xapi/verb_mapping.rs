//! The words by which a platform's statements tell of courses and quizzes: verbs, kinds of activities, and what an
//! account's name is. [`VerbMapping::default`] takes those of ADL, cmi5, Moodle's xAPI log store and Open edX as they are.

use serde::Deserialize;

use crate::domain::linking::LinkingKey;
use crate::intake::iri::is_iri;
use crate::intake::profile::{ProfileProblems, StatementFields};
use crate::intake::withdraws::Withdraws;

/// Where the course stands that somebody completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoursePlace {
    /// The statement's object.
    Object,
    /// The first activity of a course's kind among `contextActivities.parent`.
    Parent,
    /// The same in `contextActivities.grouping`.
    Grouping,
}

/// What a platform's statements are read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerbMapping {
    /// The IRIs of verbs.
    pub completed: Vec<String>,
    /// Somebody was there, and the result says whether for all of it.
    pub attended: Vec<String>,
    pub passed: Vec<String>,
    pub failed: Vec<String>,
    pub scored: Vec<String>,
    pub satisfied: Vec<String>,
    pub waived: Vec<String>,
    pub uncompleted: Vec<String>,
    /// The IRIs of kinds of activities. What is of none of them may be a course or a quiz.
    pub courses: Vec<String>,
    pub quizzes: Vec<String>,
    /// One try at a quiz, which stands in its context.
    pub attempts: Vec<String>,
    /// A part of such a try, which is graded by itself.
    pub parts: Vec<String>,
    /// Where the course is looked for, first to last.
    pub course_from: Vec<CoursePlace>,
    /// Which key an account's name is, beside being an account's.
    pub account_name_is: Option<LinkingKey>,
    /// Whether `scaled` goes from -1 to 1 over the range from `min` to `max`, as Moodle's log store has it; else from 0.
    pub scaled_from_minus_one: bool,
    /// What an *un-completed* withdraws.
    pub uncompleted_withdraws: Withdraws,
    /// Where the learner, the course, the quiz, the attempt and the time stand, of some verbs or all.
    pub fields: StatementFields,
}

/// Why a profile of statements is none: with its place, as TOML names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVerbMapping {
    #[error("the profile is not understood: {0}")]
    Malformed(String),
    #[error("{table}.{name}: {word:?} is no IRI with its scheme: send what the statements carry")]
    NotAnIri { table: &'static str, name: &'static str, word: String },
    #[error("reading.course_from is empty: leave it out, or say where the course stands")]
    Nowhere,
    #[error("{0}")]
    Fields(#[from] ProfileProblems),
}

/// A profile as it is written: what it names is added to what is known.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    verbs: WrittenVerbs,
    types: WrittenTypes,
    reading: Reading,
    /// Where things stand: read by `StatementFields`, with the lines of what is wrong.
    fields: Option<toml::Value>,
    events: Option<toml::Value>,
    title: Option<String>,
    documented: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenVerbs {
    completed: Vec<String>,
    attended: Vec<String>,
    passed: Vec<String>,
    failed: Vec<String>,
    scored: Vec<String>,
    satisfied: Vec<String>,
    waived: Vec<String>,
    uncompleted: Vec<String>,
    /// Those that tell of nothing, whatever is known of them.
    ignored: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenTypes {
    courses: Vec<String>,
    quizzes: Vec<String>,
    attempts: Vec<String>,
    parts: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Reading {
    course_from: Option<Vec<CoursePlace>>,
    account_name_is: Option<LinkingKey>,
    scaled_from_minus_one: bool,
    uncompleted_withdraws: Withdraws,
}

impl VerbMapping {
    /// Whether a verb tells of a result.
    fn names_verb(&self, iri: &str) -> bool {
        let all = [
            &self.completed,
            &self.attended,
            &self.passed,
            &self.failed,
            &self.scored,
            &self.satisfied,
            &self.waived,
            &self.uncompleted,
        ];
        all.into_iter().flatten().any(|verb| verb == iri)
    }

    /// Reads a profile (TOML): what it names goes before what is known by itself.
    pub fn parse(text: &str) -> Result<Self, InvalidVerbMapping> {
        let Written { verbs, types, reading, fields: _, events: _, title: _, documented: _ } = toml::from_str(text)
            .map_err(|error| InvalidVerbMapping::Malformed(error.to_string().trim_end().to_owned()))?;
        let mut mapping = Self::default();
        let named = [
            ("verbs", "completed", verbs.completed, &mut mapping.completed),
            ("verbs", "attended", verbs.attended, &mut mapping.attended),
            ("verbs", "passed", verbs.passed, &mut mapping.passed),
            ("verbs", "failed", verbs.failed, &mut mapping.failed),
            ("verbs", "scored", verbs.scored, &mut mapping.scored),
            ("verbs", "satisfied", verbs.satisfied, &mut mapping.satisfied),
            ("verbs", "waived", verbs.waived, &mut mapping.waived),
            ("verbs", "uncompleted", verbs.uncompleted, &mut mapping.uncompleted),
            ("types", "courses", types.courses, &mut mapping.courses),
            ("types", "quizzes", types.quizzes, &mut mapping.quizzes),
            ("types", "attempts", types.attempts, &mut mapping.attempts),
            ("types", "parts", types.parts, &mut mapping.parts),
        ];
        let mut taken: Vec<String> = verbs.ignored;
        for (table, name, added, _) in &named {
            if let Some(word) = added.iter().find(|word| !is_iri(word)) {
                return Err(InvalidVerbMapping::NotAnIri { table, name, word: word.clone() });
            }
            taken.extend(added.iter().cloned());
        }
        for (_, _, added, known) in named {
            known.retain(|word| !taken.contains(word));
            known.extend(added);
        }
        if let Some(course_from) = reading.course_from {
            if course_from.is_empty() {
                return Err(InvalidVerbMapping::Nowhere);
            }
            mapping.course_from = course_from;
        }
        mapping.account_name_is = reading.account_name_is;
        mapping.scaled_from_minus_one = reading.scaled_from_minus_one;
        mapping.uncompleted_withdraws = reading.uncompleted_withdraws;
        mapping.fields = StatementFields::parse(text, |verb| mapping.names_verb(verb))?;
        Ok(mapping)
    }
}

fn owned(mapping: &[&str]) -> Vec<String> {
    mapping.iter().map(|word| (*word).to_owned()).collect()
}

impl Default for VerbMapping {
    fn default() -> Self {
        Self {
            completed: owned(&[
                "http://adlnet.gov/expapi/verbs/completed",
                "http://activitystrea.ms/schema/1.0/complete",
            ]),
            attended: owned(&["http://adlnet.gov/expapi/verbs/attended"]),
            passed: owned(&["http://adlnet.gov/expapi/verbs/passed"]),
            failed: owned(&["http://adlnet.gov/expapi/verbs/failed"]),
            scored: owned(&[
                "http://adlnet.gov/expapi/verbs/scored",
                // Open edX, of a subsection that was graded, with its points.
                "http://id.tincanapi.com/verb/earned",
            ]),
            satisfied: owned(&[
                "https://w3id.org/xapi/adl/verbs/satisfied",
                "http://adlnet.gov/expapi/verbs/satisfied",
            ]),
            waived: owned(&["https://w3id.org/xapi/adl/verbs/waived", "http://adlnet.gov/expapi/verbs/waived"]),
            uncompleted: owned(&["https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted"]),
            courses: owned(&[
                "https://w3id.org/xapi/cmi5/activitytype/course",
                "https://w3id.org/xapi/cmi5/activitytype/block",
                "http://adlnet.gov/expapi/activities/course",
            ]),
            quizzes: owned(&[
                "http://adlnet.gov/expapi/activities/assessment",
                // SCORM 1.2 has one word for completion and success; log stores tell whatever it was as `completed`.
                "https://xapi.edlm/profiles/edlm-lms/concepts/activity-types/scorm-content-object",
            ]),
            attempts: owned(&["http://adlnet.gov/expapi/activities/attempt"]),
            // Moodle's log store, of a question that a teacher graded: its points, and not those of the attempt.
            parts: owned(&["http://activitystrea.ms/schema/1.0/review#slot"]),
            course_from: vec![CoursePlace::Object],
            account_name_is: None,
            scaled_from_minus_one: false,
            uncompleted_withdraws: Withdraws::Recent,
            fields: StatementFields::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_profile_names_goes_before_what_is_known() {
        let mapping = VerbMapping::parse(
            r#"
            [verbs]
            completed = ["https://portal.example.org/verbs/finished"]
            ignored = ["http://adlnet.gov/expapi/verbs/scored"]
            [types]
            quizzes = ["http://adlnet.gov/expapi/activities/course"]
            [reading]
            course_from = ["parent", "object"]
            account_name_is = "username"
            "#,
        );
        let mapping = mapping.expect("a profile");
        assert!(mapping.completed.contains(&"https://portal.example.org/verbs/finished".to_owned()));
        assert!(mapping.completed.contains(&"http://adlnet.gov/expapi/verbs/completed".to_owned()));
        assert_eq!(mapping.scored, ["http://id.tincanapi.com/verb/earned"]);
        assert!(!mapping.courses.contains(&"http://adlnet.gov/expapi/activities/course".to_owned()));
        assert!(mapping.quizzes.contains(&"http://adlnet.gov/expapi/activities/course".to_owned()));
        assert_eq!(mapping.course_from, [CoursePlace::Parent, CoursePlace::Object]);
        assert_eq!(mapping.account_name_is, Some(LinkingKey::Username));
        assert_eq!(VerbMapping::parse(""), Ok(VerbMapping::default()));
    }

    #[test]
    fn a_profile_may_say_where_things_stand_and_without_it_nothing_is_looked_for() {
        assert!(VerbMapping::default().fields.is_empty());
        let mapping = VerbMapping::parse(
            r#"
            [fields]
            course = { path = "context.contextActivities.grouping", type = ["course", "https://portal.example.org/types/program"] }
            [[events]]
            verb = ["uncompleted", "http://adlnet.gov/expapi/verbs/failed"]
            [events.fields]
            learner = ["context.team", "$.context.instructor"]
            "#,
        );
        assert!(!mapping.expect("a profile").fields.is_empty());
        let several =
            VerbMapping::parse("[fields]\ncourse = \"contxt\"\nquiz = \"objct.id\"\n").expect_err("two faults");
        assert_eq!(several.to_string().lines().count(), 2, "{several}");
    }

    #[test]
    fn what_is_no_profile_says_where() {
        for (text, place) in [
            ("[verb]\n", "verb"),
            ("[verbs]\ncompleted = [\"finished\"]\n", "verbs.completed"),
            ("[reading]\ncourse_from = []\n", "reading.course_from"),
            ("[reading]\naccount_name_is = \"name\"\n", "account_name_is"),
        ] {
            let fault = VerbMapping::parse(text).expect_err("none").to_string();
            assert!(fault.contains(place), "{fault}");
        }
    }
}
