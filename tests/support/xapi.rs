//! A platform that sends xAPI statements, and statements in the forms of real platforms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kurskoll::app::Caller;
use kurskoll::app::platforms::add::NewPlatform;
use kurskoll::app::xapi::credentials::XAPI;
use kurskoll::domain::ids::PlatformCode;
use kurskoll::domain::linking::LinkingKey;
use serde_json::{Value, json};

use super::app::{Answer, TestApp};

/// The address of the made-up Moodle.
pub const MOODLE: &str = "https://larportal.example.org";

/// A sender with its key and secret.
#[derive(Debug, Clone)]
pub struct XapiSender {
    pub credential: String,
}

impl XapiSender {
    pub fn authorization(&self) -> String {
        format!("Basic {}", STANDARD.encode(&self.credential))
    }
}

impl TestApp {
    /// Adds a platform that sends statements.
    pub async fn xapi_platform(&self, code: &str) -> XapiSender {
        let new = NewPlatform {
            code: PlatformCode::parse(code).expect("a code"),
            adapter: XAPI.to_owned(),
            linking_keys: LinkingKey::DEFAULT_ORDER.to_vec(),
            time_zone: chrono_tz::Europe::Stockholm,
        };
        let made = self.app.add_xapi_platform(&Caller::operator(), &new).await.expect("a platform");
        XapiSender { credential: made.reveal() }
    }

    /// A request to the xAPI endpoint, in version 1.0.3.
    pub async fn xapi(&self, sender: &XapiSender, request: &str, body: Option<&Value>) -> Answer {
        let authorization = sender.authorization();
        let headers = [
            ("authorization", authorization.as_str()),
            ("x-experience-api-version", "1.0.3"),
            ("content-type", "application/json"),
        ];
        self.ask(&request.replacen(' ', " /xapi", 1), None, &headers, body).await
    }

    /// Sends statements, which are accepted.
    pub async fn send_statements(&self, sender: &XapiSender, statements: &Value) -> Vec<String> {
        let ids = self.xapi(sender, "POST /statements", Some(statements)).await.ok();
        ids.as_array().expect("ids").iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
    }
}

/// A learner by their account at the made-up Moodle.
pub fn account(name: &str) -> Value {
    json!({"account": {"homePage": MOODLE, "name": name}, "name": "Namn Namnsson"})
}

fn around(parents: &[(&str, &str)]) -> Value {
    let parents: Vec<Value> = parents
        .iter()
        .map(|(path, kind)| json!({"id": format!("{MOODLE}{path}"), "definition": {"type": kind}, "objectType": "Activity"}))
        .collect();
    json!({
        "contextActivities": {
            "category": [{"id": MOODLE, "definition": {"type": "http://id.tincanapi.com/activitytype/lms"}, "objectType": "Activity"}],
            "parent": parents,
        },
        "extensions": {"http://lrs.learninglocker.net/define/extensions/info": {"event_name": "\\core\\event"}},
        "language": "sv",
    })
}

pub const COURSE: &str = "https://w3id.org/xapi/cmi5/activitytype/course";
pub const ASSESSMENT: &str = "http://adlnet.gov/expapi/activities/assessment";
pub const ATTEMPT: &str = "http://adlnet.gov/expapi/activities/attempt";

/// A statement of Moodle's log store: actor, verb, page and time.
pub fn moodle(actor: Value, verb: &str, (path, kind): (&str, &str), at: &str) -> Value {
    let verb = if verb.contains("//") { verb.to_owned() } else { format!("http://adlnet.gov/expapi/verbs/{verb}") };
    json!({
        "actor": actor,
        "verb": {"id": verb, "display": {"en": "Did"}},
        "object": {"id": format!("{MOODLE}{path}"), "definition": {"type": kind, "name": {"sv": "Namn"}}, "objectType": "Activity"},
        "context": around(&[("/course/view.php?id=2", COURSE)]),
        "timestamp": at,
    })
}

/// A learner completed course 2.
pub fn course_completed(actor: Value, at: &str) -> Value {
    moodle(actor, "completed", ("/course/view.php?id=2", COURSE), at)
}

/// A learner handed in an attempt at quiz 1, with the score scaled as Moodle's log store does.
pub fn quiz_attempt(actor: Value, attempt: u32, raw: f64, at: &str) -> Value {
    let mut statement =
        moodle(actor, "completed", (&format!("/mod/quiz/attempt.php?attempt={attempt}&cmid=1"), ATTEMPT), at);
    statement["context"] = around(&[("/mod/quiz/view.php?id=1", ASSESSMENT), ("/course/view.php?id=2", COURSE)]);
    statement["result"] = json!({
        "completion": true, "duration": "PT1S", "success": true,
        "score": {"max": 20, "min": 0, "raw": raw, "scaled": raw / 10.0 - 1.0},
    });
    statement
}
