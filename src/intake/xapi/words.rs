//! The words by which a platform's statements tell of courses and quizzes: verbs, kinds of activities, and what an
//! account's name is. [`Words::default`] takes those of ADL, cmi5, Moodle's xAPI log store and Open edX as they are.

use crate::domain::linking::LinkingKey;

/// Where the course stands that somebody completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
pub struct Words {
    /// The IRIs of verbs.
    pub completed: Vec<String>,
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
    /// Where the course is looked for, first to last.
    pub course_from: Vec<CoursePlace>,
    /// Which key an account's name is, beside being an account's.
    pub account_name_is: Option<LinkingKey>,
    /// Whether `scaled` goes from -1 to 1 over the range from `min` to `max`, as Moodle's log store has it; else from 0.
    pub scaled_from_minus_one: bool,
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Default for Words {
    fn default() -> Self {
        Self {
            completed: owned(&[
                "http://adlnet.gov/expapi/verbs/completed",
                "http://activitystrea.ms/schema/1.0/complete",
            ]),
            passed: owned(&["http://adlnet.gov/expapi/verbs/passed"]),
            failed: owned(&["http://adlnet.gov/expapi/verbs/failed"]),
            scored: owned(&["http://adlnet.gov/expapi/verbs/scored"]),
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
            course_from: vec![CoursePlace::Object],
            account_name_is: None,
            scaled_from_minus_one: false,
        }
    }
}
