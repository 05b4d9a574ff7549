//! Platforms are queried for what they failed to send: a Learning Record Store, and Moodle's web service.

use chrono::{DateTime, Duration, Utc};
use kurskoll::app::Caller;
use kurskoll::app::platforms::pull::{NamedBy, NewPull, NewSource, PullError};
use kurskoll::domain::ids::PlatformCode;
use kurskoll::domain::pulling::{Brought, LOOK_BACK};
use kurskoll::intake::xapi::Version;
use serde_json::{Value, json};

use crate::support::app::{HrFiles, TestApp};
use crate::support::commands::CommandLine;
use crate::support::elsewhere::{Elsewhere, TOKEN, Taking};
use crate::support::postgres::{Backend, TestDatabase, both_databases};
use crate::support::process::Installation;
use crate::support::small_city::{ADMINISTRATIONS, EMPLOYMENTS, small_city};
use crate::support::xapi::{XapiSender, account, course_completed, quiz_attempt};
use crate::xapi::{city_with_moodle, status_of};

fn code(text: &str) -> PlatformCode {
    PlatformCode::parse(text).expect("a code")
}

/// A Learning Record Store: another Kurskoll, with its own xAPI endpoints.
struct Store {
    app: TestApp,
    sender: XapiSender,
    _database: TestDatabase,
}

impl Store {
    async fn start() -> Self {
        let database = TestDatabase::empty(Backend::Sqlite).await;
        let app = TestApp::start(&database).await;
        let sender = app.xapi_platform("forwarding").await;
        Self { app, sender, _database: database }
    }

    async fn add(&self, statements: &Value) -> Vec<String> {
        self.app.send_statements(&self.sender, statements).await
    }

    fn address(&self) -> String {
        format!("{}/xapi", self.app.address)
    }

    fn key_and_secret(&self) -> (String, String) {
        let (key, secret) = self.sender.credential.split_once(':').expect("a key and a secret");
        (key.to_owned(), secret.to_owned())
    }

    fn as_source(&self) -> NewSource {
        let (key, secret) = self.key_and_secret();
        NewSource::Xapi { address: self.address(), key, secret, version: Version::V1_0_3, look_back: LOOK_BACK }
    }
}

async fn set(app: &TestApp, platform: &str, source: NewSource) {
    let new = NewPull { source, every: Duration::hours(1), since: None };
    app.app.set_pull(&Caller::operator(), &code(platform), &new).await.expect("it is set up");
}

async fn pull(app: &TestApp, platform: &str) -> Result<Brought, PullError> {
    app.receiving.pull_now(&Caller::operator(), &code(platform), None).await
}

async fn pulled(app: &TestApp, platform: &str) -> [u64; 5] {
    let Brought { returned, found, refused, contradicting, undated } = pull(app, platform).await.expect("it is pulled");
    [returned, found, refused, contradicting, undated]
}

async fn health(app: &TestApp, platform: &str) -> Value {
    app.get_as_city(&format!("/api/v1/platforms/{platform}/health")).await.ok()
}

/// Statements with ids of their own, as in an LRS.
fn with_ids(statements: Vec<Value>) -> Value {
    let named = |(place, mut statement): (usize, Value)| {
        statement["id"] = json!(format!("5e8c9f3a-0b1d-4c55-9a51-{place:012}"));
        statement
    };
    statements.into_iter().enumerate().map(named).collect()
}

fn of_anna() -> Value {
    with_ids(vec![
        course_completed(account("17"), "2026-02-01T10:00:00.000Z"),
        quiz_attempt(account("17"), 5, 16.0, "2026-02-02T10:00:00.000Z"),
        course_completed(account("18"), "2026-02-03T10:00:00.000Z"),
    ])
}

both_databases! {
    async fn what_a_platform_failed_to_send_is_found_at_its_store(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let store = Store::start().await;
        store.add(&of_anna()).await;
        // The first one arrived; the others were lost on the way.
        app.send_statements(&sender, &of_anna()[0]).await;
        assert_eq!(status_of(&app, "1001").await, "pending");
        set(&app, "moodle", store.as_source()).await;
        assert_eq!(pulled(&app, "moodle").await, [3, 2, 0, 0, 0]);
        assert_eq!(status_of(&app, "1001").await, "compliant");
        // A known statement is pulled again without a trace.
        let deliveries = app.rows_in("delivery").await;
        assert_eq!(pulled(&app, "moodle").await, [3, 0, 0, 0, 0]);
        assert_eq!((app.rows_in("delivery").await, app.rows_in("statement").await), (deliveries, 3));
        // What the platform sends later is known as well, and what is stored later is found.
        app.send_statements(&sender, &of_anna()).await;
        assert_eq!(app.rows_in("delivery").await, deliveries);
        store.app.clock.advance(Duration::hours(2));
        store.add(&quiz_attempt(account("18"), 6, 17.0, "2026-02-04T10:00:00.000Z")).await;
        assert_eq!(pulled(&app, "moodle").await, [4, 1, 0, 0, 0]);
        assert_eq!(status_of(&app, "1002").await, "compliant");
        assert_eq!(app.differences().await, [""; 0]);
        let shown = app.get_as_auditor("/api/v1/deliveries").await.ok();
        let pulled_ones = shown["items"].as_array().expect("items").iter().filter(|one| one["is_pulled"] == true);
        assert_eq!((pulled_ones.count(), &shown["items"][2]["is_pulled"]), (2, &json!(false)));
        let reported = health(&app, "moodle").await;
        assert_eq!((&reported["pull"]["found"], &reported["pull"]["last"]["found"]), (&json!(3), &json!(1)));
        assert_eq!((&reported["pull"]["is_late"], &reported["pull"]["problem"]), (&json!(false), &Value::Null));
        // Ten minutes before the newest one received.
        let since = reported["pull"]["since"].as_str().expect("an instant");
        assert!(since.starts_with("2026-02-26T13:50:00"), "{since}");
    }

    async fn statements_that_the_store_named_itself_arrive_twice_and_count_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let store = Store::start().await;
        // As Moodle's log store sends them, without ids: to both.
        let both = json!([
            course_completed(account("17"), "2026-02-01T10:00:00.000Z"),
            quiz_attempt(account("17"), 5, 16.0, "2026-02-02T10:00:00.000Z")
        ]);
        app.send_statements(&sender, &both).await;
        store.add(&both).await;
        set(&app, "moodle", store.as_source()).await;
        assert_eq!(pulled(&app, "moodle").await, [2, 0, 0, 0, 0]);
        assert_eq!(app.export_row("SEF", "1001").await["attempts"], "1");
        assert_eq!(health(&app, "moodle").await["pull"]["found"], 0);
    }

    async fn many_pages_are_read_to_their_end_and_the_next_pull_begins_there(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_moodle(&app).await;
        let store = Store::start().await;
        let many = (0..1100).map(|second: i64| {
            let at = "2026-02-01T10:00:00Z".parse::<DateTime<Utc>>().expect("an instant") + Duration::seconds(second);
            quiz_attempt(account("17"), u32::try_from(second).expect("a number") + 1, 16.0, &at.to_rfc3339())
        });
        for some in many.collect::<Vec<_>>().chunks(550) {
            store.add(&some.iter().cloned().collect()).await;
            store.app.clock.advance(Duration::hours(1));
        }
        set(&app, "moodle", store.as_source()).await;
        assert_eq!(pulled(&app, "moodle").await, [1100, 1100, 0, 0, 0]);
        assert_eq!(app.export_row("SEF", "1001").await["attempts"], "1100");
        // The second half was stored within ten minutes.
        assert_eq!(pulled(&app, "moodle").await, [550, 0, 0, 0, 0]);
        // Set up again with the same address, it continues; with an instant, it begins there.
        set(&app, "moodle", store.as_source()).await;
        assert_eq!(pulled(&app, "moodle").await[0], 550);
        let from_the_start = Some("2026-01-01T00:00:00Z".parse().expect("an instant"));
        let all = app.receiving.pull_now(&Caller::operator(), &code("moodle"), from_the_start).await.expect("pulled");
        assert_eq!((all.returned, all.found), (1100, 0));
        // An instant after the newest one received skips nothing in between.
        let from_later = Some("2026-06-01T00:00:00Z".parse().expect("an instant"));
        let from_there = app.receiving.pull_now(&Caller::operator(), &code("moodle"), from_later).await.expect("pulled");
        assert_eq!(from_there.returned, 550);
    }

    async fn a_store_that_filters_by_when_things_happened_is_queried_from_further_back(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_moodle(&app).await;
        let store = Store::start().await;
        let statements = of_anna();
        store.add(&statements[0]).await;
        let mut source = store.as_source();
        if let NewSource::Xapi { look_back, .. } = &mut source {
            *look_back = Duration::days(40);
        }
        set(&app, "moodle", source).await;
        assert_eq!(pulled(&app, "moodle").await, [1, 1, 0, 0, 0]);
        let since = health(&app, "moodle").await["pull"]["since"].as_str().expect("an instant").to_owned();
        assert!(since.starts_with("2026-01-17T12:00:00"), "{since}");
    }

    async fn one_statement_that_is_not_understood_waits_alone(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_moodle(&app).await;
        let store = Store::start().await;
        store.app.clock.advance(Duration::days(30));
        let mut statements = of_anna();
        // The profile reads the time from a place that the store does not validate.
        let profile = async |text: &str| {
            let code = kurskoll::domain::ids::PlatformCode::parse("moodle").expect("a code");
            app.app.give_profile(&kurskoll::app::Caller::operator(), &code, text).await.expect("a profile");
        };
        let done = "https://portal.example.org/ext/done";
        profile(&format!("[fields]\noccurred_at = [{{ extension = \"{done}\", in = \"result\" }}, \"timestamp\"]\n")).await;
        statements[1]["result"]["extensions"][done] = json!("soon");
        store.add(&statements).await;
        set(&app, "moodle", store.as_source()).await;
        assert_eq!(pulled(&app, "moodle").await, [3, 2, 1, 0, 0]);
        let list = app.get_as_auditor("/api/v1/quarantine").await.ok();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
        assert!(list["items"][0]["pointer"].as_str().is_some_and(|place| place.starts_with("/0/result/extensions")), "{list}");
        // It is pulled again, and waits once.
        assert_eq!(pulled(&app, "moodle").await, [3, 0, 1, 0, 0]);
        assert_eq!(app.rows_in("delivery").await, 2);
        // When the profile is corrected, it is accepted.
        profile("[verbs]\ncompleted = []\n").await;
        app.clock.advance(Duration::days(30));
        // A process caches a profile for a second of its own clock: another one reads it.
        let fresh = TestApp::start_with(&database, app.clock.clone(), |settings| settings).await;
        assert_eq!(pulled(&fresh, "moodle").await, [3, 1, 0, 0, 0]);
        assert_eq!((app.rows_in("event").await, status_of(&app, "1001").await.as_str()), (3, "compliant"));
    }

    async fn a_statement_that_contradicts_a_stored_one_is_counted_and_stops_no_other(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let store = Store::start().await;
        store.add(&of_anna()).await;
        let mut other = of_anna()[1].clone();
        other["result"]["score"]["raw"] = json!(3);
        app.send_statements(&sender, &other).await;
        set(&app, "moodle", store.as_source()).await;
        assert_eq!(pulled(&app, "moodle").await, [3, 2, 0, 1, 0]);
        assert_eq!(app.export_row("SEF", "1001").await["best_score_percent"], "15.0");
    }

    async fn a_statement_is_pulled_with_the_contents_of_its_attachments(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let store = Store::start().await;
        let content = b"%PDF-1.7 a certificate";
        let sha2 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content));
        let mut statements = of_anna();
        statements[0]["attachments"] = json!([{
            "usageType": "https://example.org/certificate", "display": {"sv": "Intyg"}, "contentType": "application/pdf",
            "length": content.len(), "sha2": sha2,
        }]);
        let body = [
            b"--limit\r\ncontent-type: application/json\r\n\r\n".as_slice(),
            statements.to_string().as_bytes(),
            b"\r\n--limit\r\ncontent-type: application/pdf\r\ncontent-transfer-encoding: binary\r\nx-experience-api-hash: ",
            sha2.as_bytes(),
            b"\r\n\r\n",
            content,
            b"\r\n--limit--\r\n",
        ]
        .concat();
        let request = store.app.client.post(format!("{}/statements", store.address()));
        let request = request.header("authorization", store.sender.authorization());
        let request = request.header("x-experience-api-version", "1.0.3");
        let request = request.header("content-type", "multipart/mixed; boundary=limit").body(body);
        assert_eq!(request.send().await.expect("an answer").status(), 200);
        set(&app, "moodle", store.as_source()).await;
        assert_eq!(pulled(&app, "moodle").await, [3, 3, 0, 0, 0]);
        let found = app.xapi(&sender, "GET /statements?attachments=true", None).await;
        assert!(found.body.contains("%PDF-1.7 a certificate"), "{}", found.body);
    }

    async fn a_pull_starts_at_its_time_and_after_a_failure_sooner(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_moodle(&app).await;
        let store = Store::start().await;
        store.add(&of_anna()).await;
        let (key, _) = store.key_and_secret();
        let wrong = NewSource::Xapi { address: store.address(), key, secret: "wrong".to_owned(), version: Version::V1_0_3, look_back: LOOK_BACK };
        set(&app, "moodle", wrong).await;
        let due = async || app.receiving.pull_due("test").await.expect("the due pulls");
        assert_eq!((due().await, due().await), (1, 0));
        let reported = health(&app, "moodle").await;
        let problem = reported["pull"]["problem"].as_str().expect("a problem");
        assert!(problem.contains("does not accept the key or the secret"), "{problem}");
        assert!(!reported.to_string().contains("wrong"));
        assert_eq!((&reported["pull"]["failures"], &reported["pull"]["due_at"]), (&json!(1), &json!("2026-02-26T12:01:00Z")));
        app.clock.advance(Duration::minutes(1));
        assert_eq!((due().await, due().await), (1, 0));
        app.clock.advance(Duration::hours(4));
        assert_eq!(health(&app, "moodle").await["pull"]["is_late"], true);
        set(&app, "moodle", store.as_source()).await;
        assert_eq!((due().await, due().await), (1, 0));
        let reported = health(&app, "moodle").await;
        assert_eq!((&reported["pull"]["failures"], &reported["pull"]["problem"]), (&json!(0), &Value::Null));
        assert_eq!((&reported["pull"]["is_late"], &reported["pull"]["found"]), (&json!(false), &json!(3)));
        app.clock.advance(Duration::minutes(59));
        assert_eq!(due().await, 0);
        app.clock.advance(Duration::minutes(1));
        assert_eq!(due().await, 1);
        app.app.watch_silence().await.expect("watched");
        let metrics = app.get("/metrics", Some(&app.token(kurskoll::domain::access::Role::Admin, &[]).await)).await.body;
        for line in [
            r#"kurskoll_pulls_total{outcome="failed",platform="moodle"} 2"#,
            r#"kurskoll_pulls_total{outcome="succeeded",platform="moodle"} 2"#,
            r#"kurskoll_pulled_results_total{platform="moodle"} 3"#,
            r#"kurskoll_pull_late{platform="moodle"} 0"#,
        ] {
            assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
        }
    }

    async fn a_platform_is_pulled_by_one_process_at_a_time(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_moodle(&app).await;
        let store = Store::start().await;
        set(&app, "moodle", store.as_source()).await;
        let platforms = app.app.list_platforms(&Caller::operator()).await.expect("platforms");
        let until = app.clock.now() + Duration::minutes(10);
        let reserved = app.app.store.hold_pull(platforms[0].id, "another", app.clock.now(), until).await;
        assert!(reserved.expect("the register answers").is_some());
        let refused = pull(&app, "moodle").await.expect_err("under way");
        assert!(matches!(refused, PullError::UnderWay(_)), "{refused}");
        assert_eq!(app.receiving.pull_due("test").await.expect("the due pulls"), 0);
        assert_eq!(health(&app, "moodle").await["pull"]["is_under_way"], true);
        // The other process is presumed dead.
        app.clock.advance(Duration::minutes(11));
        assert_eq!(app.receiving.pull_due("test").await.expect("the due pulls"), 1);
        // A process that stops releases its pulls at once.
        app.app.store.hold_pull(platforms[0].id, "third", app.clock.now(), until).await.expect("reserved");
        app.receiving.release_pulls("third").await.expect("released");
        assert_eq!(pulled(&app, "moodle").await[0], 0);
    }

    async fn pulled_results_do_not_end_a_silence(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        let store = Store::start().await;
        let statements = of_anna();
        app.send_statements(&sender, &statements[0]).await;
        store.add(&statements).await;
        set(&app, "moodle", store.as_source()).await;
        app.clock.advance(Duration::hours(80));
        assert_eq!(pulled(&app, "moodle").await[1], 2);
        let reported = health(&app, "moodle").await;
        let last = reported["silence"]["last_delivery_at"].as_str().expect("an instant");
        assert!(reported["silence"]["alarm"] == true && last.starts_with("2026-02-26T12:00:00"), "{last}");
        // For a platform that never sends by itself, a pull counts as a sign of life.
        app.xapi_platform("quiet").await;
        set(&app, "quiet", store.as_source()).await;
        assert_eq!(pulled(&app, "quiet").await[1], 3);
        app.clock.advance(Duration::hours(3));
        let reported = health(&app, "quiet").await;
        assert_eq!((&reported["silence"]["alarm"], &reported["silence"]["silence_seconds"]), (&json!(false), &json!(10_799)));
    }
}

#[rocket::async_test]
async fn a_store_with_a_wrong_answer_is_reported() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    city_with_moodle(&app).await;
    let elsewhere = Elsewhere::start().await;
    for (path, why) in [
        ("circle", "127.0.0.1: the address that it gives for more is one that it gave before"),
        ("afar", "127.0.0.1 refers to another host for more, where the key and the secret would not be safe"),
        (
            "moved",
            "127.0.0.1 redirects to https://example.org/xapi/statements: set the pull up again with the address that answers",
        ),
        ("page", "127.0.0.1: the answer is not JSON from line 1, column 1 on: send one JSON document"),
        ("broken", "127.0.0.1 answered 503"),
        ("nothing", "127.0.0.1 has nothing at the address (it answered 404): set the pull up again with the right one"),
    ] {
        let address = format!("{}/{path}", elsewhere.address);
        let (key, secret) = ("key".to_owned(), "a-secret".to_owned());
        set(&app, "moodle", NewSource::Xapi { address, key, secret, version: Version::V1_0_3, look_back: LOOK_BACK })
            .await;
        let refused = pull(&app, "moodle").await.expect_err(path);
        assert_eq!(refused.to_string(), why);
        assert_eq!(health(&app, "moodle").await["pull"]["problem"], why);
    }
}

#[rocket::async_test]
async fn a_statement_whose_attachments_are_not_understood_waits_alone() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    city_with_moodle(&app).await;
    let elsewhere = Elsewhere::start().await;
    let address = format!("{}/parts", elsewhere.address);
    let (key, secret) = ("key".to_owned(), "a-secret".to_owned());
    set(&app, "moodle", NewSource::Xapi { address, key, secret, version: Version::V1_0_3, look_back: LOOK_BACK }).await;
    assert_eq!(pulled(&app, "moodle").await, [2, 1, 1, 0, 0]);
}

#[rocket::async_test]
async fn a_store_that_filters_by_when_things_happened_is_noticed() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    city_with_moodle(&app).await;
    let elsewhere = Elsewhere::start().await;
    let source = |look_back| NewSource::Xapi {
        address: format!("{}/by-timestamp", elsewhere.address),
        key: "key".to_owned(),
        secret: "a-secret".to_owned(),
        version: Version::V1_0_3,
        look_back,
    };
    set(&app, "moodle", source(LOOK_BACK)).await;
    assert_eq!(pulled(&app, "moodle").await[0], 1);
    let noticed = pull(&app, "moodle").await.expect_err("it answers nothing").to_string();
    assert!(noticed.contains("--look-back"), "{noticed}");
    // From far enough back, it answers; the pull continues from what it received.
    set(&app, "moodle", source(Duration::days(500))).await;
    assert_eq!((pulled(&app, "moodle").await[0], pulled(&app, "moodle").await[0]), (1, 1));
}

#[rocket::async_test]
async fn an_address_or_a_platform_that_cannot_be_queried_is_refused_at_once() {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    let app = TestApp::start(&database).await;
    small_city(&app).await;
    app.xapi_platform("moodle").await;
    app.platform("larportal").await;
    let lrs = |address: &str, secret: &str| NewSource::Xapi {
        address: address.to_owned(),
        key: "key".to_owned(),
        secret: secret.to_owned(),
        version: Version::V1_0_3,
        look_back: LOOK_BACK,
    };
    let site = |courses: &[&str]| NewSource::Moodle {
        address: "https://larportal.example.org".to_owned(),
        token: TOKEN.to_owned(),
        courses: courses.iter().map(|course| course.parse().expect("a course")).collect(),
        named_by: NamedBy::UserId,
    };
    let hour = Duration::hours(1);
    let good = "https://lrs.example.org/xapi";
    for (platform, source, every, why) in [
        ("nobody", lrs(good, "s"), hour, "no platform has the code nobody"),
        (
            "larportal",
            lrs(good, "s"),
            hour,
            "has the adapter native: a store's statements are read for platforms with the adapter xapi",
        ),
        ("larportal", site(&["2"]), hour, "has the adapter native: Moodle is pulled for platforms"),
        ("moodle", lrs("http://lrs.example.org", "s"), hour, "the address is not secure"),
        ("moodle", lrs("https://u:p@lrs.example.org", "s"), hour, "the address has a name or a password in it"),
        ("moodle", lrs(good, " \n"), hour, "the secret is empty"),
        ("moodle", site(&[]), hour, "no course is named"),
        ("moodle", lrs(good, "s"), Duration::seconds(59), "every minute at the most"),
        ("moodle", lrs(good, "s"), Duration::days(32), "every 31 days at the least"),
    ] {
        let new = NewPull { source, every, since: None };
        let refused = app.app.set_pull(&Caller::operator(), &code(platform), &new).await.expect_err(why);
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let refused = pull(&app, "moodle").await.expect_err("not set up");
    assert!(refused.to_string().contains("is not pulled from"), "{refused}");
    assert_eq!(app.rows_in("platform_pull").await, 0);
}

/// 2 March 2026 at noon in UTC, and some days from then.
fn noon(days: i64) -> i64 {
    1_772_452_800 + days * 86_400
}

fn taking(username: &'static str, idnumber: &'static str, criteria: &[Option<i64>]) -> Taking {
    Taking {
        username,
        email: "",
        idnumber,
        criteria: criteria.to_vec(),
        completed: criteria.iter().all(Option::is_some),
        takes_part: true,
    }
}

/// Anna completed it on 6 February, Bo is under way, Cia's completion has no time, and 31 is a teacher.
fn class() -> Vec<(u64, Taking)> {
    vec![
        (17, taking("anna", "1001", &[Some(noon(-25)), Some(noon(-24))])),
        (18, taking("bo", "1002", &[Some(noon(-25)), None])),
        (19, taking("cia", "1003", &[])),
        (31, Taking { takes_part: false, ..taking("larare", "", &[Some(noon(-100))]) }),
    ]
}

fn as_moodle(elsewhere: &Elsewhere, course: &str, named_by: NamedBy) -> NewSource {
    NewSource::Moodle {
        address: elsewhere.address.clone(),
        token: TOKEN.to_owned(),
        courses: vec![course.parse().expect("a course")],
        named_by,
    }
}

async fn classroom() -> Elsewhere {
    let elsewhere = Elsewhere::start().await;
    elsewhere.moodle.users.lock().expect("a lock").extend(class());
    elsewhere
}

const BY_PROFILE: &str = r#"
[[requirement]]
code = "infosec-onboarding"
title_sv = "Informationssäkerhet"
title_en = "Information security"
effective_from = 2026-01-01
existing_staff_due_on = 2026-06-30
valid_months = 12
audience = {}
alternatives = [ [ { course = "INFOSEC" } ] ]
"#;

both_databases! {
    async fn a_lost_moodle_statement_is_found_at_its_web_service(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let sender = city_with_moodle(&app).await;
        app.clock.advance(Duration::days(10));
        let elsewhere = classroom().await;
        set(&app, "moodle", as_moodle(&elsewhere, "2", NamedBy::UserId)).await;
        app.send_statements(&sender, &quiz_attempt(account("17"), 5, 16.0, "2026-02-05T10:00:00.000Z")).await;
        assert_eq!(status_of(&app, "1001").await, "pending");
        assert_eq!(pulled(&app, "moodle").await, [2, 1, 0, 0, 1]);
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["satisfied_on"].as_str()), ("compliant", "2026-02-06"));
        assert_eq!(status_of(&app, "1002").await, "pending");
        let calls = elsewhere.moodle.calls.lock().expect("a lock").clone();
        assert_eq!(calls.iter().filter(|call| call.contains("completion_status")).count(), 4, "{calls:?}");
        assert_eq!(pulled(&app, "moodle").await, [2, 0, 0, 0, 1]);
        // A completion that was reported is not reported again, though the platform noticed it hours later.
        app.send_statements(&sender, &course_completed(account("18"), "2026-02-07T19:00:00.000Z")).await;
        elsewhere.moodle.users.lock().expect("a lock").insert(18, taking("bo", "1002", &[Some(noon(-23))]));
        assert_eq!(pulled(&app, "moodle").await, [3, 0, 0, 0, 1]);
        assert_eq!(app.rows_in("event").await, 3);
        // If the platform noticed it after midnight, the completion's own day is found.
        app.send_statements(&sender, &quiz_attempt(account("18"), 6, 16.0, "2026-02-01T10:00:00.000Z")).await;
        elsewhere.moodle.users.lock().expect("a lock").insert(18, taking("bo", "1002", &[Some(noon(-24))]));
        assert_eq!(pulled(&app, "moodle").await, [3, 1, 0, 0, 1]);
        assert_eq!(app.export_row("SEF", "1002").await["satisfied_on"], "2026-02-06");
        assert_eq!(pulled(&app, "moodle").await, [3, 0, 0, 0, 1]);
        // A completion of the next year is found again.
        elsewhere.moodle.users.lock().expect("a lock").insert(18, taking("bo", "1002", &[Some(noon(2))]));
        assert_eq!(pulled(&app, "moodle").await, [3, 1, 0, 0, 1]);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_lost_moodle_webhook_is_found_and_read_by_the_platforms_profile(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.apply(BY_PROFILE).await;
        app.import(HrFiles { administrations: ADMINISTRATIONS, employments: EMPLOYMENTS, ..HrFiles::default() }).await;
        app.clock.advance(Duration::days(10));
        let new = kurskoll::app::platforms::add::NewPlatform {
            code: code("moodle"),
            adapter: "moodle".to_owned(),
            linking_keys: kurskoll::domain::linking::LinkingKey::DEFAULT_ORDER.to_vec(),
            time_zone: chrono_tz::Europe::Stockholm,
        };
        let secret = app.app.add_webhook_platform(&Caller::operator(), &new, None, None).await.expect("added").reveal();
        let elsewhere = classroom().await;
        elsewhere.moodle.users.lock().expect("a lock").insert(18, taking("bo", "1002", &[Some(noon(-20))]));
        // Bo's completion arrived by webhook, half an hour after the last of his criteria.
        let webhook = json!({
            "eventname": r"\core\event\course_completed", "timecreated": (noon(-20) + 1800).to_string(),
            "site": crate::support::xapi::MOODLE, "relateduserid": "18", "courseid": "2", "user_idnumber": "1002",
            "user_email": "", "user_username": "bo", "course_idnumber": "", "course_shortname": "INFOSEC",
        });
        let authorization = format!("Bearer {secret}");
        app.deliver_raw("moodle", &[("authorization", &authorization)], 0, webhook.to_string().into_bytes()).await.ok();
        assert_eq!(status_of(&app, "1002").await, "compliant");
        set(&app, "moodle", as_moodle(&elsewhere, "shortname:INFOSEC", NamedBy::UserId)).await;
        assert_eq!(pulled(&app, "moodle").await, [3, 1, 0, 0, 1]);
        assert_eq!((status_of(&app, "1001").await.as_str(), app.rows_in("event").await), ("compliant", 2));
        assert_eq!(pulled(&app, "moodle").await, [3, 0, 0, 0, 1]);
        assert_eq!(app.rows_in("delivery").await, 2);
    }

    async fn a_refusal_by_moodle_is_reported(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_moodle(&app).await;
        let elsewhere = classroom().await;
        let refused = async |source| {
            set(&app, "moodle", source).await;
            pull(&app, "moodle").await.expect_err("refused").to_string()
        };
        let unknown = refused(as_moodle(&elsewhere, "idnumber:OTHER", NamedBy::UserId)).await;
        assert_eq!(unknown, "127.0.0.1 has no course idnumber:OTHER, or the token's user may not see it");
        let NewSource::Moodle { address, courses, named_by, .. } = as_moodle(&elsewhere, "2", NamedBy::UserId) else {
            panic!("a Moodle");
        };
        let token = "another-token".to_owned();
        let wrong = refused(NewSource::Moodle { address, token, courses, named_by }).await;
        assert_eq!(wrong, "127.0.0.1: Moodle refused: Invalid token - token not found (invalidtoken)");
        // No learner here has an address.
        set(&app, "moodle", as_moodle(&elsewhere, "2", NamedBy::Email)).await;
        assert_eq!(pulled(&app, "moodle").await, [2, 0, 1, 0, 1]);
    }

    async fn the_operator_sets_up_shows_and_stops_a_pull_and_the_service_carries_it_out(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        city_with_moodle(&app).await;
        let store = Store::start().await;
        store.add(&of_anna()).await;
        let (key, secret) = store.key_and_secret();
        let line = CommandLine::on(&database);
        line.write("secret.txt", format!("{secret}\n"));
        let set = format!("platform pull set moodle --lrs {}/statements --key {key} --secret-file secret.txt", store.address());
        let ran = line.run(&format!("{set} --every 15m"));
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
        assert!(ran.err.contains("is pulled from every 15 min"), "{}", ran.err);
        let shown = line.run("platform pull show moodle").out;
        assert!(shown.contains(&format!("Learning Record Store at {}\n", store.address())), "{shown}");
        assert!(shown.contains("last success        never\n") && !shown.contains(&secret), "{shown}");

        let installation = Installation::new(&database.url);
        let serving = installation.serve().await;
        let mut shown = String::new();
        while !shown.contains("found               3\n") || shown.contains("never") {
            shown = installation.run(&["platform", "pull", "show", "moodle"]).await;
            assert!(!shown.contains("problem"), "{shown}");
        }
        assert!(serving.stop().await.success());
        assert_eq!(line.run("platform pull now moodle").out, "returned            3\nfound               0\n");
        assert!(line.run("platform health moodle").out.contains("found by pulling    3\n"));
        assert!(line.run("platform pull stop moodle").err.contains("is no longer pulled from"));
        let ran = line.run("platform pull now moodle");
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains("is not pulled from"), "{}", ran.err);
        for (wrong, why) in [
            ("platform pull set moodle --secret-file secret.txt", "--lrs"),
            ("platform pull set moodle --lrs https://lrs.example.org --secret-file secret.txt", "--key"),
            ("platform pull set moodle --moodle https://m.example.org --secret-file secret.txt", "--course"),
            ("platform pull set moodle --moodle https://m.example.org --course x --secret-file secret.txt", "idnumber:INFOSEC"),
            ("platform pull set moodle --lrs https://l.example.org --key k --secret-file secret.txt --every 1w", "15m, 1h or 1d"),
        ] {
            let ran = line.run(wrong);
            assert!(ran.code == Some(2) && ran.err.contains(why), "{wrong}: {}", ran.err);
        }
        let audit = app.get_as_auditor("/api/v1/audit").await.ok().to_string();
        for action in ["platform.pull.set", "platform.pull\"", "platform.pull.stop"] {
            assert!(audit.contains(action), "{action} {audit}");
        }
        assert!(!audit.contains(&secret));
    }
}
