//! The statements of a busy Moodle: of twenty, twelve say that a page was seen, six that a question was answered, one
//! that an attempt was handed in, one that a course was completed.

use serde_json::{Value, json};
use uuid::Uuid;

const HOME: &str = "https://larportal.example.org";

/// How many people, courses and quizzes the statements are about.
pub const PEOPLE: usize = 10_000;
pub const COURSES: usize = 500;

pub const COMPLETED: &str = "http://adlnet.gov/expapi/verbs/completed";

pub fn person(number: usize) -> Value {
    json!({"account": {"homePage": HOME, "name": format!("{}", 1 + number % PEOPLE)}, "name": "Förnamn Efternamn"})
}

pub fn course(number: usize) -> String {
    format!("{HOME}/course/view.php?id={}", 1 + number % COURSES)
}

fn activity(id: &str, kind: &str, name: &str) -> Value {
    json!({"id": id, "definition": {"type": kind, "name": {"sv": name}}, "objectType": "Activity"})
}

/// One statement of the feed; each number gives another.
pub fn statement(number: usize) -> Value {
    let course_activity = activity(&course(number), "https://w3id.org/xapi/cmi5/activitytype/course", "En kurs");
    let quiz = activity(
        &format!("{HOME}/mod/quiz/view.php?id={}", 1 + number % COURSES),
        "http://adlnet.gov/expapi/activities/assessment",
        "Ett kunskapsprov",
    );
    let (verb, object, parents, result) = match number % 20 {
        0 => (COMPLETED, course_activity.clone(), json!([]), None),
        1 => {
            let attempt = format!("{HOME}/mod/quiz/attempt.php?attempt={}&cmid=1", number + 1);
            let score = json!({"score": {"raw": number % 21, "min": 0, "max": 20, "scaled": 0.5}, "completion": true,
                               "success": true, "duration": "PT213S"});
            let object = activity(&attempt, "http://adlnet.gov/expapi/activities/attempt", "Försök");
            (COMPLETED, object, json!([quiz, course_activity]), Some(score))
        }
        2..=7 => {
            let question = format!("{HOME}/question/question.php?cmid=1&id={}", number % 97);
            let object = activity(&question, "http://adlnet.gov/expapi/activities/cmi.interaction", "En fråga");
            let answered = json!({"response": "ett svar", "success": true, "completion": true});
            ("http://adlnet.gov/expapi/verbs/answered", object, json!([quiz, course_activity]), Some(answered))
        }
        _ => {
            let page = format!("{HOME}/mod/page/view.php?id={}", number % 5_003);
            let object = activity(&page, "http://id.tincanapi.com/activitytype/resource", "En sida");
            ("http://id.tincanapi.com/verb/viewed", object, json!([course_activity]), None)
        }
    };
    let mut statement = json!({
        "actor": person(number),
        "verb": {"id": verb, "display": {"en": "Did"}},
        "object": object,
        "context": {
            "contextActivities": {
                "category": [activity(HOME, "http://id.tincanapi.com/activitytype/lms", "Lärportalen")],
                "parent": parents,
            },
            "extensions": {"http://lrs.learninglocker.net/define/extensions/info": {
                "event_name": "\\core\\event\\something", "event_function": "\\src\\transformer\\events\\core\\something",
                "http://moodle.org": "4.5.0"}},
            "language": "sv",
            "platform": "Moodle",
            "registration": Uuid::from_u128(0x0199_f5a0_7cc1_4cc1_8000_0000_0000_0000 + (number / 40) as u128),
        },
        "timestamp": format!("2026-02-{:02}T{:02}:{:02}:{:02}.{:03}Z", 1 + number % 20, number % 24, number % 60, number / 7 % 60, number / 60 % 1000),
    });
    if let Some(result) = result {
        statement["result"] = result;
    }
    statement
}

/// A request's body with this many statements, starting at a number.
pub fn body(first: usize, count: usize) -> Vec<u8> {
    let statements: Vec<Value> = (first..first + count).map(statement).collect();
    Value::Array(statements).to_string().into_bytes()
}
