//! The other systems that Kurskoll queries: a Moodle's web service, and stores with wrong answers. Both on real HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rocket::fairing::AdHoc;
use rocket::http::{ContentType, Status};
use rocket::response::Redirect;
use rocket::response::content::RawJson;
use rocket::{Shutdown, State, get, post, routes};
use serde_json::{Value, json};

use super::xapi::MOODLE;

/// The token that the made-up Moodle accepts.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A server on a port of its own, which stops when it is dropped.
pub struct Elsewhere {
    pub address: String,
    pub moodle: Arc<Moodle>,
    shutdown: Shutdown,
}

impl Elsewhere {
    pub async fn start() -> Self {
        let moodle = Arc::new(Moodle::default());
        let (reported, listening) = tokio::sync::oneshot::channel();
        let reported = Mutex::new(Some(reported));
        let figment = rocket::Config::figment()
            .merge(("port", 0))
            .merge(("log_level", "off"))
            .merge(("shutdown.grace", 0))
            .merge(("shutdown.mercy", 0))
            .merge(("shutdown.ctrlc", false));
        let rocket = rocket::custom(figment)
            .mount("/", routes![web_service, circle, afar, moved, by_timestamp, parts, page, broken])
            .manage(moodle.clone())
            .attach(AdHoc::on_liftoff("port", move |rocket| {
                Box::pin(async move {
                    let reported = reported.lock().expect("a lock").take().expect("sent once");
                    reported.send(rocket.config().port).expect("the test listens");
                })
            }));
        let rocket = rocket.ignite().await.expect("it ignites");
        let shutdown = rocket.shutdown();
        tokio::spawn(async move { drop(rocket.launch().await) });
        let address = format!("http://127.0.0.1:{}", listening.await.expect("it listens"));
        Self { address, moodle, shutdown }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
    }
}

/// The users of the made-up Moodle's one course, which is called INFOSEC there and has the number 2.
#[derive(Default)]
pub struct Moodle {
    /// By the user's number.
    pub users: Mutex<BTreeMap<u64, Taking>>,
    /// The functions that were called, with the user if there was one.
    pub calls: Mutex<Vec<String>>,
}

/// One user's progress in the course.
#[derive(Clone)]
pub struct Taking {
    pub username: &'static str,
    pub email: &'static str,
    pub idnumber: &'static str,
    /// When its criteria were completed, in seconds; `None` for one that was not.
    pub criteria: Vec<Option<i64>>,
    /// Whether Moodle says that the course is completed.
    pub completed: bool,
    /// A teacher does not take part.
    pub takes_part: bool,
}

fn refusal(code: &str, message: &str) -> Value {
    json!({"exception": "moodle_exception", "errorcode": code, "message": message})
}

impl Moodle {
    fn answer(&self, form: &BTreeMap<String, String>) -> Value {
        let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if given("wstoken") != TOKEN {
            return refusal("invalidtoken", "Invalid token - token not found");
        }
        let user: Option<u64> = given("userid").parse().ok();
        let call = format!("{} {}", given("wsfunction"), user.map(|user| user.to_string()).unwrap_or_default());
        self.calls.lock().expect("a lock").push(call.trim().to_owned());
        let users = self.users.lock().expect("a lock");
        match given("wsfunction") {
            "core_webservice_get_site_info" => json!({"sitename": "Lärportalen", "siteurl": MOODLE, "userid": 4}),
            "core_course_get_courses_by_field" => {
                let is_meant = matches!((given("field"), given("value")), ("id", "2") | ("shortname", "INFOSEC"));
                let course =
                    json!({"id": 2, "shortname": "INFOSEC", "idnumber": "", "fullname": "Informationssäkerhet"});
                json!({"courses": if is_meant { vec![course] } else { vec![] }, "warnings": []})
            }
            "core_enrol_get_enrolled_users" => {
                let from: usize = given("options[1][value]").parse().expect("a number");
                let count: usize = given("options[2][value]").parse().expect("a number");
                let shown = |(id, taking): (&u64, &Taking)| json!({"id": id, "username": taking.username, "email": taking.email, "idnumber": taking.idnumber});
                users.iter().skip(from).take(count).map(shown).collect()
            }
            "core_completion_get_course_completion_status" => {
                let taking = user.and_then(|user| users.get(&user)).expect("a user of the course");
                if !taking.takes_part {
                    return refusal("usernotenroled", "User is not enrolled");
                }
                let criterion = |at: &Option<i64>| {
                    json!({"type": 4, "title": "Aktivitet", "status": "", "complete": at.is_some(), "timecompleted": at,
                           "details": {"type": "", "criteria": "", "requirement": "", "status": ""}})
                };
                let criteria: Vec<Value> = taking.criteria.iter().map(criterion).collect();
                json!({"completionstatus": {"completed": taking.completed, "aggregation": 1, "completions": criteria},
                       "warnings": []})
            }
            _ => refusal("accessexception", "Access control exception"),
        }
    }
}

#[post("/webservice/rest/server.php", data = "<form>")]
fn web_service(form: &str, moodle: &State<Arc<Moodle>>) -> RawJson<String> {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    RawJson(moodle.answer(&form).to_string())
}

#[get("/circle/statements")]
fn circle() -> RawJson<&'static str> {
    RawJson(r#"{"statements": [], "more": "/circle/statements"}"#)
}

#[get("/afar/statements")]
fn afar() -> RawJson<&'static str> {
    RawJson(r#"{"statements": [], "more": "https://example.org/xapi/statements?more=1"}"#)
}

#[get("/moved/statements")]
fn moved() -> Redirect {
    Redirect::permanent("https://example.org/xapi/statements?ticket=secret-ticket")
}

/// A store that takes "since" as when things happened, which was long ago.
#[get("/by-timestamp/statements?<since>")]
fn by_timestamp(since: Option<&str>) -> RawJson<String> {
    let old = json!({
        "id": "5e8c9f3a-0b1d-4c55-9a51-000000000001", "actor": {"mbox": "mailto:anna@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"}, "object": {"id": "https://example.org/c"},
        "timestamp": "2025-02-01T10:00:00Z", "stored": "2026-02-26T11:00:00Z",
    });
    let since = since.unwrap_or("2000");
    RawJson(json!({"statements": if since < "2025-02-01T10:00:00Z" { vec![old] } else { vec![] }}).to_string())
}

/// A store that sends a statement's certificate in parts that cannot be understood, and another statement after it.
#[get("/parts/statements?<statementId>")]
#[expect(non_snake_case, reason = "xAPI's own name")]
fn parts(statementId: Option<&str>) -> (ContentType, String) {
    if statementId.is_some() {
        return (ContentType::new("multipart", "mixed").with_params(("boundary", "b")), "no parts".to_owned());
    }
    let reported = |number: u8, attachments: Value| {
        let mut reported = super::xapi::course_completed(super::xapi::account("17"), "2026-02-01T10:00:00.000Z");
        reported["id"] = json!(format!("5e8c9f3a-0b1d-4c55-9a51-00000000000{number}"));
        reported["stored"] = json!("2026-02-01T10:00:01Z");
        reported["attachments"] = attachments;
        reported
    };
    let certificate = json!([{
        "usageType": "https://example.org/certificate", "display": {"sv": "Intyg"}, "contentType": "application/pdf",
        "length": 3, "sha2": "0".repeat(64),
    }]);
    let mut plain = reported(2, json!([]));
    plain.as_object_mut().expect("a statement").remove("attachments");
    (ContentType::JSON, json!({"statements": [reported(1, certificate), plain]}).to_string())
}

#[get("/page/statements")]
fn page() -> (ContentType, &'static str) {
    (ContentType::HTML, "<html>Sign in</html>")
}

#[get("/broken/statements")]
fn broken() -> Status {
    Status::ServiceUnavailable
}
