//! The verb mapping of a platform's statements: which verbs and activity types report courses and quizzes, and what an
//! account's name is. [`VerbMapping::default`] takes those of ADL, cmi5, Moodle's xAPI log store and Open edX as they
//! are.

use std::collections::BTreeMap;

use crate::iri::is_iri;
use crate::profile::{MAX_BYTES, ProfileFault, ProfileProblems, StatementFields, Table, Value, read_toml};
use crate::toml::each;
use crate::withdraws::Withdraws;
use kurskoll_domain::linking::LinkingKey;

const KEYS: [&str; 7] = ["title", "documented", "verbs", "types", "reading", "fields", "events"];
/// The verbs that report nothing, whatever the defaults say of them.
const IGNORED: &str = "ignored";
const VERB_KEYS: [&str; 9] =
    ["completed", "attended", "passed", "failed", "scored", "satisfied", "waived", "uncompleted", IGNORED];
const TYPE_KEYS: [&str; 4] = ["courses", "quizzes", "attempts", "parts"];
const READING_KEYS: [&str; 4] = ["course_from", "account_name_is", "scaled_from_minus_one", "uncompleted_withdraws"];
const ACCOUNT_NAMES: [&str; 4] = ["employee_number", "email", "username", "account"];
/// The most items in a list of this file: as many as the file has room for.
const MAX_ITEMS: usize = MAX_BYTES;

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

impl CoursePlace {
    /// The values that a profile may have.
    const WORDS: [&str; 3] = ["object", "parent", "grouping"];

    /// What a profile's value means.
    fn parse(word: &str) -> Option<Self> {
        match word {
            "object" => Some(Self::Object),
            "parent" => Some(Self::Parent),
            "grouping" => Some(Self::Grouping),
            _ => None,
        }
    }
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
    /// Whether `scaled` goes from -1 to 1 over the range from `min` to `max`, as Moodle's log store has it; else from
    /// 0.
    pub scaled_from_minus_one: bool,
    /// What an *un-completed* withdraws.
    pub uncompleted_withdraws: Withdraws,
    /// Where the learner, the course, the quiz, the attempt and the time stand, of some verbs or all.
    pub fields: StatementFields,
}

impl VerbMapping {
    /// Whether a verb reports a result.
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

    /// Reads a profile, or names everything that is wrong with it. What it names goes before what is known by itself.
    pub fn parse(text: &str) -> Result<Self, ProfileProblems> {
        read_toml(text, |file| Self::read(&file, text))
    }

    fn read(file: &Table<'_>, text: &str) -> Option<Self> {
        file.only(&KEYS);
        file.optional("title", |value| value.text());
        file.optional("documented", |value| value.text());
        let mut mapping = Self::default();
        let mut named = Named::new();
        let verbs = file.optional_or("verbs", (), |value| lists(&value.table()?, &VERB_KEYS, &mut named));
        let types = file.optional_or("types", (), |value| lists(&value.table()?, &TYPE_KEYS, &mut named));
        mapping.add(&named);
        let reading = file.optional_or("reading", (), |value| mapping.say_how(&value.table()?));
        // If a list of verbs cannot be read, it may have those of `events`.
        let fields = StatementFields::read(file, text, |iri| verbs.is_none() || mapping.names_verb(iri));
        verbs.and(types).and(reading)?;
        Some(Self { fields: fields?, ..mapping })
    }

    /// Adds what a profile names. It is no longer what it was known as.
    fn add(&mut self, named: &Named) {
        for (name, known) in [
            ("completed", &mut self.completed),
            ("attended", &mut self.attended),
            ("passed", &mut self.passed),
            ("failed", &mut self.failed),
            ("scored", &mut self.scored),
            ("satisfied", &mut self.satisfied),
            ("waived", &mut self.waived),
            ("uncompleted", &mut self.uncompleted),
            ("courses", &mut self.courses),
            ("quizzes", &mut self.quizzes),
            ("attempts", &mut self.attempts),
            ("parts", &mut self.parts),
        ] {
            known.retain(|iri| !named.values().flatten().any(|taken| taken == iri));
            known.extend(named.get(name).into_iter().flatten().cloned());
        }
    }

    /// Reads `[reading]`.
    fn say_how(&mut self, table: &Table<'_>) -> Option<()> {
        table.only(&READING_KEYS);
        let course_from = table.optional("course_from", |value| {
            each(value.filled_list(MAX_ITEMS)?, |item| item.word(&CoursePlace::WORDS).and_then(CoursePlace::parse))
        });
        let account_name_is =
            table.optional("account_name_is", |value| value.word(&ACCOUNT_NAMES).and_then(LinkingKey::parse));
        let scaled_from_minus_one = table.optional_or("scaled_from_minus_one", false, |value| value.flag());
        let uncompleted_withdraws = table.optional_or("uncompleted_withdraws", Withdraws::default(), |value| {
            value.word(&Withdraws::WORDS).and_then(Withdraws::parse)
        });
        if let Some(course_from) = course_from? {
            self.course_from = course_from;
        }
        self.account_name_is = account_name_is?;
        self.scaled_from_minus_one = scaled_from_minus_one?;
        self.uncompleted_withdraws = uncompleted_withdraws?;
        Some(())
    }
}

/// What a profile names, by the keys of `[verbs]` and `[types]`.
type Named = BTreeMap<&'static str, Vec<String>>;

/// Reads a table of lists into what is named.
fn lists(table: &Table<'_>, keys: &[&'static str], named: &mut Named) -> Option<()> {
    table.only(keys);
    let mut done = Some(());
    for key in keys {
        match table.optional_or(key, Vec::new(), |value| list(&value, *key != IGNORED)) {
            Some(list) => {
                named.insert(key, list);
            }
            None => done = None,
        }
    }
    done
}

/// A list of IRIs. One that is none is noted and stays in the list, so that an event which names it is no second
/// problem.
fn list(value: &Value<'_>, must_be_iris: bool) -> Option<Vec<String>> {
    each(value.list(MAX_ITEMS)?, |item| {
        let text = item.text()?;
        if must_be_iris && !is_iri(text) {
            item.note::<()>(ProfileFault::NotAnIri);
        }
        Some(text.to_owned())
    })
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

    /// What is said of a profile that is refused.
    fn refusal(text: &str) -> String {
        VerbMapping::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn what_is_no_profile_says_where() {
        for (text, problem) in [
            ("[verb]\n", "line 1: verb is not known here; did you mean verbs?"),
            ("title = 1\n", "line 1: title must be a text in quotes"),
            ("[verbs]\ncompleted = \"urn:done\"\n", "line 2: verbs.completed must be a list in brackets"),
            ("[verbs]\ncompleted = [\"urn:done\", \"finished\"]\n", "line 2: verbs.completed[1] is no IRI"),
            ("[verbs]\nignored = [1]\n", "line 2: verbs.ignored[0] must be a text in quotes"),
            ("[types]\nquizes = []\n", "line 2: types.quizes is not known here; did you mean quizzes?"),
            ("[reading]\ncourse_from = []\n", "line 2: reading.course_from is empty"),
            (
                "[reading]\ncourse_from = [\"child\"]\n",
                "reading.course_from[0] must be one of object, parent, grouping",
            ),
            (
                "[reading]\naccount_name_is = \"name\"\n",
                "reading.account_name_is must be one of employee_number, email",
            ),
            ("[reading]\nscaled_from_minus_one = 1\n", "reading.scaled_from_minus_one must be true or false"),
            (
                "[reading]\nuncompleted_withdraws = \"some\"\n",
                "uncompleted_withdraws must be one of recent, all, nothing",
            ),
            ("[verbs\n", "line 1: the file is not TOML"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(problem) && refusal.lines().count() == 1, "{text}\n{refusal}");
        }
        assert!(refusal(&"#".repeat(MAX_BYTES + 1)).contains("is larger than"));
    }

    #[test]
    fn every_problem_of_a_profile_is_named_with_its_line_and_its_place() {
        let text = r#"
[verbs]
completd = ["https://portal.example.org/verbs/finished"]
passed = ["done", "https://portal.example.org/verbs/passed", "klar"]
[types]
courses = "course"
[reading]
course_from = ["object", "around"]
[fields]
course = "contxt"
[[events]]
verb = ["done", "https://portal.example.org/verbs/passed", "reset"]
fields = { learner = "actor", score = "result.score" }
"#;
        insta::assert_snapshot!(refusal(text), @r#"
        profile, line 3: verbs.completd is not known here; did you mean completed? Known are completed, attended, passed, failed, scored, satisfied, waived, uncompleted, ignored
        profile, line 4: verbs.passed[0] is no IRI with its scheme; write it as the statements have it
        profile, line 4: verbs.passed[2] is no IRI with its scheme; write it as the statements have it
        profile, line 6: types.courses must be a list in brackets
        profile, line 8: reading.course_from[1] must be one of object, parent, grouping
        profile, line 10: fields.course looks for what no statement has; did you mean context? Known are id, actor, verb, object, result, context, timestamp, stored, authority, version, attachments
        profile, line 12: events[0].verb[2] gives "reset", which is neither completed, attended, passed, failed, scored, satisfied, waived, uncompleted nor a verb that the profile reads; list it under verbs first
        profile, line 13: events[0].fields.score is not known here; known are learner, employee_number, email, username, account_home_page, account_name, course, quiz, attempt, occurred_at
        "#);
    }

    #[test]
    fn verbs_that_cannot_be_read_make_no_second_problem() {
        let event = "[[events]]\nverb = \"urn:done\"\nfields = { learner = \"actor\" }\n";
        let refusal = refusal(&format!("[verbs]\ncompleted = \"urn:done\"\n{event}"));
        assert_eq!(refusal.lines().count(), 1, "{refusal}");
    }

    #[test]
    fn ignored_words_need_not_be_iris_and_a_named_verb_is_not_ignored() {
        let mapping = VerbMapping::parse("[verbs]\nignored = [\"seen\", \"urn:done\"]\npassed = [\"urn:done\"]\n");
        assert!(mapping.expect("a profile").passed.contains(&"urn:done".to_owned()));
    }
}
