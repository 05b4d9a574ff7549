//! What Moodle's web service answers about completions, and the same in the form in which the platform itself would
//! have sent it. So the code that reads its deliveries also reads these, and a completion that is reported twice is the
//! same one.
//!
//! Answers are those of Moodle's functions `core_webservice_get_site_info`, `core_course_get_courses_by_field`,
//! `core_enrol_get_enrolled_users` and `core_completion_get_course_completion_status`. A refusal comes with status 200,
//! as an object with `exception` and `errorcode`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoodleFault {
    /// Moodle's own word for it, as `invalidtoken`.
    #[error("Moodle refused: {message} ({code})")]
    Refused { code: String, message: String },
    #[error("the answer is not what Moodle's web service answers: {0}")]
    NotUnderstood(String),
}

impl MoodleFault {
    /// Whether the user does not take the course: a teacher, or someone who left it.
    #[must_use]
    pub fn is_no_participant(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "usernotenroled" || code == "notenroled")
    }
}

#[derive(Deserialize)]
struct Refusal {
    exception: String,
    #[serde(default)]
    errorcode: String,
    #[serde(default)]
    message: String,
}

fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, MoodleFault> {
    if let Ok(refusal) = serde_json::from_slice::<Refusal>(answer) {
        let code = if refusal.errorcode.is_empty() { refusal.exception } else { refusal.errorcode };
        return Err(MoodleFault::Refused { code: shown(&code), message: shown(&refusal.message) });
    }
    // serde_json gives the place, and nothing of what is there: that may be somebody's name.
    serde_json::from_slice(answer)
        .map_err(|error| MoodleFault::NotUnderstood(format!("line {}, column {}", error.line(), error.column())))
}

/// Another system's text for a message.
fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

/// What a site says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Site {
    /// Its own address (`$CFG->wwwroot`).
    #[serde(rename = "siteurl")]
    pub address: String,
}

impl Site {
    pub fn read(answer: &[u8]) -> Result<Self, MoodleFault> {
        let mut site: Self = read(answer)?;
        site.address = site.address.trim_end_matches('/').to_owned();
        Ok(site)
    }
}

/// A course.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Course {
    pub id: u64,
    #[serde(default)]
    pub shortname: String,
    #[serde(default)]
    pub idnumber: String,
}

impl Course {
    /// The courses of an answer.
    pub fn read_all(answer: &[u8]) -> Result<Vec<Self>, MoodleFault> {
        #[derive(Deserialize)]
        struct Found {
            courses: Vec<Course>,
        }
        read::<Found>(answer).map(|found| found.courses)
    }
}

/// An enrolled user; a key that the token's user may not see is empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    pub id: u64,
    #[serde(default)]
    pub username: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub idnumber: String,
}

impl User {
    pub fn read_all(answer: &[u8]) -> Result<Vec<Self>, MoodleFault> {
        read(answer)
    }
}

/// A course's `aggregation` if any of its criteria is enough (Moodle's COMPLETION_AGGREGATION_ANY).
const ANY: i64 = 2;

/// How far a user has come in a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Completed(DateTime<Utc>),
    /// Completed, and Moodle does not say when.
    Undated,
    UnderWay,
}

impl Progress {
    /// Reads an answer. A course is completed when the last of its criteria was, or, if any of them is enough
    /// (`aggregation` 2), when the first was. If Moodle gives the completion's own time, that counts.
    pub fn read(answer: &[u8]) -> Result<Self, MoodleFault> {
        #[derive(Deserialize)]
        struct Answer {
            completionstatus: Status,
        }
        #[derive(Deserialize)]
        struct Status {
            completed: bool,
            /// 1 if all criteria are needed, 2 if any is enough.
            #[serde(default)]
            aggregation: Option<i64>,
            /// Of the course itself. Not in Moodle's own answers so far.
            #[serde(default)]
            timecompleted: Option<i64>,
            #[serde(default)]
            completions: Vec<Criterion>,
        }
        #[derive(Deserialize)]
        struct Criterion {
            #[serde(default)]
            complete: bool,
            /// Seconds since 1970; nothing or 0 if there is none.
            #[serde(default)]
            timecompleted: Option<i64>,
        }
        let Answer { completionstatus: status } = read(answer)?;
        if !status.completed {
            return Ok(Self::UnderWay);
        }
        let times = status.completions.iter().filter(|criterion| criterion.complete);
        let times = times.filter_map(|criterion| criterion.timecompleted).filter(|seconds| *seconds > 0);
        let met = if status.aggregation == Some(ANY) { times.min() } else { times.max() };
        let own = status.timecompleted.filter(|seconds| *seconds > 0);
        Ok(own.or(met).and_then(|seconds| DateTime::from_timestamp(seconds, 0)).map_or(Self::Undated, Self::Completed))
    }
}

/// What the platform's statements use as the name of a learner's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedBy {
    /// Moodle's own number, which is the log store plugin's default.
    UserId,
    Username,
    /// No account, but the address.
    Email,
}

/// A user's completion of a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion<'a> {
    pub site: &'a Site,
    pub course: &'a Course,
    pub user: &'a User,
    pub at: DateTime<Utc>,
}

impl Completion<'_> {
    /// As the template in docs/platforms.md has the plugin *Event trigger* send it: a JSON object of texts.
    #[must_use]
    pub fn as_webhook(&self) -> Vec<u8> {
        let Self { site, course, user, at } = self;
        json!({
            "eventname": r"\core\event\course_completed",
            "timecreated": at.timestamp().to_string(),
            "site": site.address,
            "relateduserid": user.id.to_string(),
            "courseid": course.id.to_string(),
            "user_idnumber": user.idnumber,
            "user_email": user.email,
            "user_username": user.username,
            "course_idnumber": course.idnumber,
            "course_shortname": course.shortname,
        })
        .to_string()
        .into_bytes()
    }

    /// As the log store plugin (logstore_xapi) states it, without an id; nothing if the learner has no such name.
    #[must_use]
    pub fn as_statement(&self, named_by: NamedBy) -> Option<String> {
        let Self { site, course, user, at } = self;
        let account = |name: &str| json!({"account": {"homePage": site.address, "name": name}});
        let actor = match named_by {
            NamedBy::UserId => account(&user.id.to_string()),
            NamedBy::Username if !user.username.is_empty() => account(&user.username),
            NamedBy::Email if !user.email.is_empty() => json!({"mbox": format!("mailto:{}", user.email)}),
            NamedBy::Username | NamedBy::Email => return None,
        };
        let statement = json!({
            "actor": actor,
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
            "object": {
                "id": format!("{}/course/view.php?id={}", site.address, course.id),
                "definition": {"type": "https://w3id.org/xapi/cmi5/activitytype/course"},
            },
            "timestamp": at.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        Some(statement.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_is_completed_when_the_last_of_its_criteria_was() {
        let answer = |completed: bool, rows: serde_json::Value| {
            let status = json!({"completed": completed, "aggregation": 1, "completions": rows});
            json!({"completionstatus": status, "warnings": []}).to_string().into_bytes()
        };
        let row = |complete: bool, at: serde_json::Value| json!({"type": 4, "title": "x", "status": "x", "complete": complete, "timecompleted": at, "details": {}});
        let rows = json!([row(true, json!(1_772_448_000)), row(true, json!(1_772_452_800)), row(false, json!(null))]);
        let at = DateTime::from_timestamp(1_772_452_800, 0).expect("an instant");
        assert_eq!(Progress::read(&answer(true, rows.clone())), Ok(Progress::Completed(at)));
        assert_eq!(Progress::read(&answer(false, rows)), Ok(Progress::UnderWay));
        for undated in [json!([]), json!([row(true, json!(null))]), json!([row(true, json!(0))])] {
            assert_eq!(Progress::read(&answer(true, undated.clone())), Ok(Progress::Undated), "{undated}");
        }
    }

    #[test]
    fn a_course_of_which_any_criterion_is_enough_is_completed_by_the_first() {
        let row = |at: i64| json!({"type": 4, "complete": true, "timecompleted": at});
        let answer = |aggregation: i64, own: serde_json::Value| {
            let rows = json!([row(1_772_452_800), row(1_772_448_000), row(1_780_000_000)]);
            let status =
                json!({"completed": true, "aggregation": aggregation, "timecompleted": own, "completions": rows});
            Progress::read(json!({"completionstatus": status}).to_string().as_bytes())
        };
        let at = |seconds| Ok(Progress::Completed(DateTime::from_timestamp(seconds, 0).expect("an instant")));
        assert_eq!(answer(2, json!(null)), at(1_772_448_000));
        assert_eq!(answer(1, json!(null)), at(1_780_000_000));
        assert_eq!(answer(2, json!(1_772_449_000)), at(1_772_449_000));
        assert_eq!(answer(2, json!(0)), at(1_772_448_000));
    }

    #[test]
    fn a_refusal_is_told_from_an_answer() {
        let refusal = |code: &str| {
            json!({"exception": "moodle_exception", "errorcode": code, "message": "Invalid token – token not found"})
                .to_string()
        };
        let refused = User::read_all(refusal("invalidtoken").as_bytes()).expect_err("refused");
        assert_eq!(refused.to_string(), "Moodle refused: Invalid token – token not found (invalidtoken)");
        assert!(!refused.is_no_participant());
        let teacher = Progress::read(refusal("usernotenroled").as_bytes()).expect_err("refused");
        assert!(teacher.is_no_participant());
        let broken = User::read_all(b"[{\"id\": \"Anna\"}]").expect_err("not understood");
        assert!(!broken.to_string().contains("Anna"), "{broken}");
    }

    #[test]
    fn a_completion_is_told_as_the_platform_would() {
        let site = Site::read(br#"{"siteurl": "https://larportal.example.org/", "sitename": "x"}"#).expect("a site");
        let courses =
            br#"{"courses": [{"id": 7, "shortname": "INFOSEC", "idnumber": "", "fullname": "x"}], "warnings": []}"#;
        let course = Course::read_all(courses).expect("courses").remove(0);
        let users = br#"[{"id": 31, "username": "anna", "email": "", "fullname": "x"}]"#;
        let user = User::read_all(users).expect("users").remove(0);
        let at = DateTime::from_timestamp(1_772_452_800, 0).expect("an instant");
        let completion = Completion { site: &site, course: &course, user: &user, at };
        let webhook: serde_json::Value = serde_json::from_slice(&completion.as_webhook()).expect("JSON");
        assert_eq!(webhook["timecreated"], "1772452800");
        assert_eq!(webhook["course_shortname"], "INFOSEC");
        assert!(webhook.as_object().is_some_and(|members| members.values().all(serde_json::Value::is_string)));
        let statement = |named_by| completion.as_statement(named_by);
        let text = statement(NamedBy::UserId).expect("a statement");
        assert!(text.contains(r#"{"account":{"homePage":"https://larportal.example.org","name":"31"}}"#), "{text}");
        assert!(text.contains("https://larportal.example.org/course/view.php?id=7"), "{text}");
        assert!(text.contains("2026-03-02T12:00:00Z"), "{text}");
        assert!(statement(NamedBy::Username).is_some_and(|text| text.contains(r#""name":"anna""#)));
        assert_eq!(statement(NamedBy::Email), None);
    }
}
