//! Platforms with their own payload formats: from their webhook to the report, by a profile.

use std::io::Write as _;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use kurskoll::app::Caller;
use kurskoll::app::platforms::add::NewPlatform;
use kurskoll::app::platforms::give_profile::ProfileError;
use kurskoll::domain::access::Role;
use kurskoll::domain::ids::PlatformCode;
use kurskoll::domain::linking::LinkingKey;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::app::{Answer, TestApp};
use crate::support::commands::CommandLine;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

const FORM: &str = "application/x-www-form-urlencoded";

/// A profile of a platform that signs with HMAC in hexadecimal and sends no ids.
pub const HMAC: &str = r#"
title = "Signed with HMAC"
[signature]
scheme = "hmac-sha256"
header = "X-Signature"
encoding = "hex"
prefix = "sha256="
[fields]
type = "$.event"
email = "$.user.email"
course = "$.course"
quiz = "$.quiz"
score_raw = "$.score"
score_max = { constant = "20" }
occurred_at = "$.at"
[[events]]
type = "completed"
is = "completion"
[[events]]
type = "graded"
is = "attempt"
[[events]]
type = "withdrawn"
is = "revocation"
[events.fields]
quiz = []
"#;

fn code(code: &str) -> PlatformCode {
    PlatformCode::parse(code).expect("a code")
}

fn sample(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/platforms").join(name);
    std::fs::read_to_string(path).expect("a sample")
}

fn new(platform: &str, adapter: &str) -> NewPlatform {
    NewPlatform {
        code: code(platform),
        adapter: adapter.to_owned(),
        linking_keys: LinkingKey::DEFAULT_ORDER.to_vec(),
        time_zone: chrono_tz::Europe::Stockholm,
    }
}

/// Adds a platform that a profile reads; returns its secret.
pub async fn add(app: &TestApp, platform: &str, adapter: &str, profile: Option<&str>) -> String {
    let added = app.app.add_webhook_platform(&Caller::operator(), &new(platform, adapter), profile, None).await;
    added.expect("a platform").reveal()
}

pub async fn give(app: &TestApp, platform: &str, profile: &str) -> u32 {
    app.app.give_profile(&Caller::operator(), &code(platform), profile).await.expect("a profile").version
}

async fn send(app: &TestApp, platform: &str, header: (&str, &str), content_type: &str, body: &str) -> Answer {
    let request = app.client.post(format!("{}/webhooks/{platform}", app.address));
    let request = request.header("content-type", content_type).header(header.0, header.1).body(body.to_owned());
    Answer::to(request).await.expect("an answer")
}

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(secret))
}

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

pub async fn send_signed(app: &TestApp, platform: &str, secret: &str, body: &Value) -> Answer {
    let body = body.to_string();
    send(app, platform, ("X-Signature", &signed(secret, &body)), "application/json", &body).await
}

fn completed(course: &str, at: &str) -> Value {
    json!({"event": "completed", "user": {"email": "anna@example.org"}, "course": course, "at": at})
}

/// The samples of the platforms are from March.
fn in_march(app: &TestApp) {
    app.clock.set("2026-03-10T12:00:00Z");
}

async fn admin(app: &TestApp) -> String {
    app.token(Role::Admin, &[]).await
}

both_databases! {
    async fn a_delivery_with_an_hmac_in_hex_shows_up_in_the_report(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = add(&app, "kursen", "profile", Some(HMAC)).await;
        assert!(secret.starts_with("whsec_"));
        let answer = send_signed(&app, "kursen", &secret, &completed("infosec-basics", "2026-02-01T10:00:00")).await.ok();
        assert_eq!((&answer["outcome"], &answer["linked"]), (&json!("accepted"), &json!(true)));
        let graded = json!({"event": "graded", "user": {"email": "ANNA@example.org"}, "quiz": "infosec-basics-quiz",
                            "score": 16.0, "at": "2026-02-02T10:00:00+01:00"});
        let attempt = send_signed(&app, "kursen", &secret, &graded).await.ok();
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["best_score_percent"].as_str()), ("compliant", "80.0"));
        assert_eq!(row["evidence_event_id"], attempt["event_id"].as_str().expect("an id"));
        app.verified_events().await;
    }

    async fn a_delivery_with_a_wrong_signature_is_not_stored(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = add(&app, "kursen", "profile", Some(HMAC)).await;
        add(&app, "akademin", "docebo", None).await;
        let body = completed("infosec-basics", "2026-02-01T10:00:00").to_string();
        let (good, other) = (signed(&secret, &body), signed("another", &body));
        for (header, value) in [("X-Signature", other.as_str()), ("X-Signature", "sha256=00"), ("X-Other", &good)] {
            let problem = send(&app, "kursen", (header, value), "application/json", &body).await.refused(401);
            assert_eq!(problem["type"], "/problems/signature-does-not-hold");
        }
        let changed = send(&app, "kursen", ("X-Signature", &good), "application/json", &format!("{body} ")).await;
        changed.refused(401);
        for value in [basic("a:b"), basic(&secret), "Bearer x".to_owned()] {
            let answer = send(&app, "akademin", ("Authorization", &value), "application/json", "{}").await;
            assert_eq!(answer.headers["www-authenticate"], r#"Basic realm="kurskoll", charset="UTF-8""#);
            answer.refused(401);
        }
        assert_eq!(app.stored_deliveries().await.len(), 0);
    }

    async fn basic_authentication_and_several_events_in_a_body(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        in_march(&app);
        let secret = add(&app, "akademin", "docebo", None).await;
        assert!(secret.contains(':'));
        let value = basic(&secret);
        let authorization = ("Authorization", value.as_str());
        let body = sample("docebo/enrollments-completed-grouped.json");
        let answer = send(&app, "akademin", authorization, "application/json", &body).await.ok();
        assert_eq!((&answer["outcome"], &answer["linked"]), (&json!("accepted"), &json!(true)));
        assert_eq!(app.rows_in("event").await, 2);
        let again = send(&app, "akademin", authorization, "application/json", &body).await.ok();
        assert_eq!((&again["outcome"], &again["event_id"]), (&json!("duplicate"), &answer["event_id"]));
        let ignored = sample("docebo/enrollment-updated.json");
        let answer = send(&app, "akademin", authorization, "application/json", &ignored).await.ok();
        assert_eq!(answer["outcome"], "ignored");
        assert_eq!(app.rows_in("event").await, 2);
        // No secret is stored with the delivery that it authenticated.
        for stored in app.stored_deliveries().await {
            let shown = app.get_as_auditor(&format!("/api/v1/deliveries/{}", stored.id)).await;
            assert!(!shown.body.contains("uthorization") && !shown.body.contains(&value), "{}", shown.body);
        }
        app.verified_events().await;
    }

    async fn a_shared_header_and_a_form(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        in_march(&app);
        let secret = add(&app, "moodle", "moodle", None).await;
        let bearer = format!("Bearer {secret}");
        let authorization = ("Authorization", bearer.as_str());
        let form = sample("moodle/course-completed.form");
        let answer = send(&app, "moodle", authorization, FORM, &form).await.ok();
        assert_eq!((&answer["outcome"], &answer["linked"]), (&json!("accepted"), &json!(true)));
        // The same as JSON adds nothing: its id is made from its content.
        let json = sample("moodle/course-completed.json");
        let again = send(&app, "moodle", authorization, "application/json", &json).await.ok();
        assert_eq!((&again["outcome"], &again["event_id"]), (&json!("duplicate"), &answer["event_id"]));
        send(&app, "moodle", authorization, FORM, &sample("moodle/quiz-graded.form")).await.ok();
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["best_score_percent"].as_str()), ("compliant", "87.5"));
        assert_eq!(app.rows_in("event").await, 2);
        send(&app, "moodle", authorization, "text/plain", &form).await.refused(415);
        // A platform with native payloads must send JSON.
        app.platform("larportal").await;
        send(&app, "larportal", authorization, FORM, &form).await.refused(415);
        app.verified_events().await;
    }

    async fn an_unknown_type_is_stored_and_ignored(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = add(&app, "kursen", "profile", Some(HMAC)).await;
        let answer = send_signed(&app, "kursen", &secret, &json!({"event": "ping"})).await.ok();
        assert_eq!((&answer["outcome"], &answer["linked"]), (&json!("ignored"), &json!(false)));
        assert_eq!(app.stored_deliveries().await[0].outcome, "ignored");
    }

    async fn a_delivery_that_is_not_understood_counts_once_its_profile_is_corrected_and_it_is_replayed(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let broken = HMAC.replace("\"$.at\"", "{ path = \"$.at\", formats = [\"%d/%m/%Y\"] }");
        let secret = add(&app, "kursen", "profile", Some(&broken)).await;
        let body = completed("infosec-basics-2023", "2026-02-01T10:00:00");
        let mut problem = send_signed(&app, "kursen", &secret, &body).await.refused(422);
        let id = problem["delivery_id"].take();
        assert_eq!(problem["pointer"], "/at");
        assert_eq!(
            problem["detail"],
            "The delivery is in quarantine: /at says \"2026-02-01T10:00:00\", which is no time in any of the profile's \
             formats: add its format to formats"
        );
        assert_eq!(app.report("infosec-onboarding").await["data_quality"]["quarantined_deliveries"], 1);
        assert_eq!(give(&app, "kursen", HMAC).await, 2);
        assert_eq!(give(&app, "kursen", HMAC).await, 2, "the same profile again makes no version");
        let token = admin(&app).await;
        let replayed = app.post(&format!("/api/v1/deliveries/{id}/replay"), Some(&token), &json!({})).await.ok();
        assert_eq!((&replayed["outcome"], &replayed["linked"]), (&json!("accepted"), &json!(true)));
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["status"].as_str(), row["satisfied_on"].as_str()), ("compliant", "2026-02-01"));
        // Another process reads with the newest profile, and knows what has arrived.
        let other = TestApp::start_with(&database, app.clock.clone(), |settings| settings).await;
        let resent = send_signed(&other, "kursen", &secret, &body).await.ok();
        assert_eq!((&resent["outcome"], &resent["linked"]), (&json!("duplicate"), &json!(true)));
        let later = send_signed(&other, "kursen", &secret, &completed("infosec-basics-2023", "2026-02-03T10:00:00")).await;
        assert_eq!(later.ok()["outcome"], "accepted");
        app.verified_events().await;
    }

    async fn a_resend_without_an_id_adds_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = add(&app, "kursen", "profile", Some(HMAC)).await;
        let body = completed("infosec-basics", "2026-02-01T10:00:00");
        let mut resent = body.clone();
        resent["sent"] = json!(2);
        let first = send_signed(&app, "kursen", &secret, &body).await.ok();
        let (again, other) =
            (send_signed(&app, "kursen", &secret, &body).await.ok(), send_signed(&app, "kursen", &secret, &resent).await.ok());
        for answer in [again, other] {
            assert_eq!((&answer["outcome"], &answer["event_id"]), (&json!("duplicate"), &first["event_id"]));
        }
        assert_eq!(app.rows_in("event").await, 1);
        // A later withdrawal has effect, once.
        let mut withdrawn = completed("infosec-basics", "2026-02-05T10:00:00");
        withdrawn["event"] = json!("withdrawn");
        assert_eq!(send_signed(&app, "kursen", &secret, &withdrawn).await.ok()["outcome"], "accepted");
        assert_eq!(app.rows_in("event").await, 2);
        app.verified_events().await;
    }

    async fn an_event_that_is_sent_again_among_others_adds_only_the_others(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let profile = HMAC.replace("[fields]", "[body]\neach = \"$.events[*]\"\n[fields]\nevent_id = \"$.id\"");
        let secret = add(&app, "kursen", "profile", Some(&profile)).await;
        let event = |id: &str, day: u32| {
            let mut event = completed("infosec-basics", &format!("2026-02-{day:02}T10:00:00"));
            event["id"] = json!(id);
            event
        };
        let several = |events: &[Value]| json!({"events": events});
        let single = send_signed(&app, "kursen", &secret, &event("a", 1)).await.ok();
        assert_eq!((&single["event_id"], &single["outcome"]), (&json!("a"), &json!("accepted")));
        let both = several(&[event("a", 1), event("b", 2)]);
        assert_eq!(send_signed(&app, "kursen", &secret, &both).await.ok()["outcome"], "accepted");
        assert_eq!(app.rows_in("event").await, 2);
        let turned = several(&[event("b", 2), event("a", 1)]);
        assert_eq!(send_signed(&app, "kursen", &secret, &turned).await.ok()["outcome"], "duplicate");
        let single = send_signed(&app, "kursen", &secret, &several(&[event("b", 2)])).await.ok();
        assert_eq!((&single["event_id"], &single["outcome"]), (&json!("b"), &json!("duplicate")));
        assert_eq!(app.rows_in("event").await, 2);
        // Other content under a known id is refused, and so is the rest of the delivery.
        let problem = send_signed(&app, "kursen", &secret, &several(&[event("c", 3), event("b", 4)])).await.refused(409);
        assert_eq!(problem["event_id"], "b");
        assert_eq!(app.rows_in("event").await, 2);
        app.verified_events().await;
    }

    async fn the_same_events_at_the_same_time_are_stored_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let profile = HMAC.replace("[fields]", "[body]\neach = \"$.events[*]\"\n[fields]\nevent_id = \"$.id\"");
        let secret = add(&app, "kursen", "profile", Some(&profile)).await;
        let bodies: Vec<Value> = (0..20)
            .map(|sent| {
                let events = (0..3).map(|place| {
                    let mut event = completed("infosec-basics", &format!("2026-02-{:02}T10:00:00", 1 + (sent + place) % 4));
                    event["id"] = json!(format!("e-{}", (sent + place) % 4));
                    event
                });
                json!({"sent": sent, "events": events.collect::<Vec<_>>()})
            })
            .collect();
        let sent = bodies.iter().map(|body| send_signed(&app, "kursen", &secret, body));
        for answer in futures::future::join_all(sent).await {
            answer.ok();
        }
        assert_eq!(app.rows_in("event").await, 4);
        assert_eq!(app.stored_deliveries().await.len(), 20);
        app.verified_events().await;
    }

    async fn a_new_secret_is_of_the_profiles_kind_and_the_old_one_is_accepted_for_a_day(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let old = add(&app, "akademin", "docebo", None).await;
        let ping = json!({"event": "ping"}).to_string();
        let sent = async |secret: &str| {
            send(&app, "akademin", ("Authorization", &basic(secret)), "application/json", &ping).await.status
        };
        assert_eq!(sent(&old).await, 200);
        let new = app.app.rotate_fitting_secret(&Caller::operator(), &code("akademin"), None, kurskoll::app::platforms::add::OldSecrets::HoldOn).await.expect("a secret").reveal();
        assert!(new.contains(':') && new != old);
        assert_eq!((sent(&new).await, sent(&old).await), (200, 200));
        app.platform("larportal").await;
        let native = app.app.rotate_fitting_secret(&Caller::operator(), &code("larportal"), None, kurskoll::app::platforms::add::OldSecrets::HoldOn).await.expect("a secret");
        assert!(native.reveal().starts_with("whsec_"));
    }

    async fn a_secret_that_the_platform_made_itself_is_accepted(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let (caller, own) = (Caller::operator(), "a secret of the platform's own\n");
        let added = app.app.add_webhook_platform(&caller, &new("kursen", "profile"), Some(HMAC), Some(own)).await;
        added.expect("a platform");
        let ping = json!({"event": "ping"});
        assert_eq!(send_signed(&app, "kursen", own.trim(), &ping).await.ok()["outcome"], "ignored");
        let mut reported = Vec::new();
        for (adapter, secret) in [("docebo", "no colon in this one"), ("moodle", "short"), ("moodle", "two lines\nof a secret")] {
            let refused = app.app.add_webhook_platform(&caller, &new("b", adapter), None, Some(secret)).await;
            reported.push(refused.expect_err("no secret").to_string());
        }
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        the secret is not of the kind that basic takes: KEY:SECRET for basic, whsec_ and Base64 for standard-webhooks, Base64 where the profile's key is
        the secret has less than 16 or more than 512 bytes: let the platform make another
        the secret has a line break or another control character in it: give it alone
        "));
    }

    async fn a_profile_that_makes_no_sense_is_given_to_no_platform(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let caller = Caller::operator();
        app.platform("larportal").await;
        add(&app, "akademin", "docebo", None).await;
        let mut reported = Vec::new();
        let mut note = |error: ProfileError| reported.push(error.to_string());
        note(app.app.give_profile(&caller, &code("akademin"), "titel = 1").await.expect_err("no profile"));
        note(app.app.give_profile(&caller, &code("nobody"), HMAC).await.expect_err("unknown"));
        note(app.app.add_webhook_platform(&caller, &new("b", "profile"), None, None).await.expect_err("none"));
        note(app.app.add_webhook_platform(&caller, &new("b", "xapi"), None, None).await.expect_err("statements"));
        note(app.app.add_webhook_platform(&caller, &new("akademin", "docebo"), None, None).await.expect_err("there"));
        insta::allow_duplicates!(insta::assert_snapshot!(reported.join("\n"), @r"
        profile, line 1: titel is not known here; did you mean title? Known are title, documented, signature, body, defaults, fields, events
        profile, line 1: title is missing; write it
        profile, line 1: signature is missing; write it
        profile, line 1: events is missing; write it
        no platform has the code nobody; `kurskoll platform list` shows those that there are
        the adapter profile needs a profile: give its file with --profile FILE.toml
        the adapter xapi sends no webhooks: choose --adapter profile, or a shipped one
        platform akademin exists already; give it a new secret with `kurskoll platform rotate-secret akademin`
        "));
        // A shipped profile may be replaced by one's own. An HMAC key may be any text, but not a basic name and password.
        let given = app.app.give_profile(&caller, &code("akademin"), HMAC).await.expect("given");
        assert_eq!((given.version, given.wants_another_secret), (1, false));
        let (signature, rest) = HMAC.split_once("[fields]").expect("two parts");
        let by_basic = format!("title = \"x\"\n[signature]\nscheme = \"basic\"\n[fields]{rest}");
        assert!(signature.contains("hmac-sha256"));
        add(&app, "kursen", "profile", Some(HMAC)).await;
        let given = app.app.give_profile(&caller, &code("kursen"), &by_basic).await.expect("given");
        assert_eq!((given.version, given.wants_another_secret), (2, true));
    }

    async fn a_native_platform_may_be_given_a_profile_and_what_it_sent_before_stays_known(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let completed_in = |course: Value, more: &str| {
            json!({"type": "course.completed", "timestamp": "2026-02-01T10:00:00Z",
                "data": {"learner": {"employee_number": "1001"}, "course": course, "more": more}})
        };
        let native = completed_in(json!({"id": "infosec-basics"}), "");
        assert_eq!(app.deliver("larportal", &secret, "msg-1", &native).await.ok()["outcome"], "accepted");
        let other = completed_in(json!({"code": "infosec-basics"}), "");
        let refused = app.deliver("larportal", &secret, "msg-2", &other).await;
        refused.problem(422);
        let id = refused.json()["delivery_id"].clone();
        // It names its courses otherwise since it was upgraded.
        let text = kurskoll::intake::profile::shipped::text("native").expect("a text");
        let own = text.replace(r#"course = "$.data.course.id""#, r#"course = ["$.data.course.code", "$.data.course.id"]"#);
        assert_eq!(give(&app, "larportal", &own).await, 1);
        let replayed = app.post(&format!("/api/v1/deliveries/{id}/replay"), Some(&admin(&app).await), &json!({})).await.ok();
        assert_eq!(replayed["outcome"], "duplicate", "it says the same as msg-1: {replayed}");
        // Another process reads with the newest profile.
        let later = TestApp::start_with(&database, app.clock.clone(), |settings| settings).await;
        let again = later.deliver("larportal", &secret, "msg-1", &native).await.ok();
        assert_eq!((&again["outcome"], &again["event_id"]), (&json!("duplicate"), &json!("msg-1")));
        let otherwise = completed_in(json!({"code": "infosec-quiz"}), "under an id that is taken");
        later.deliver("larportal", &secret, "msg-1", &otherwise).await.problem(409);
        assert_eq!(app.differences().await, [""; 0]);
    }

    async fn a_client_can_check_what_a_profile_makes_of_a_sample(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        in_march(&app);
        let token = admin(&app).await;
        let check = async |body: Value| app.post("/api/v1/profiles/check", Some(&token), &body).await;
        let listed = app.get("/api/v1/profiles", Some(&token)).await.ok();
        let names: Vec<&str> = listed["items"].as_array().expect("items").iter().filter_map(|p| p["name"].as_str()).collect();
        assert_eq!(
            names,
            ["canvas", "docebo", "h5p", "learndash", "learnupon", "moodle", "native", "openedx", "scorm-cloud", "talentlms", "totara"]
        );
        let shown = app.get("/api/v1/profiles/docebo", Some(&token)).await.ok();
        let toml = shown["toml"].as_str().expect("a text");
        let sample: Value = serde_json::from_str(&sample("docebo/enrollment-completed.json")).expect("JSON");
        let by_name = check(json!({"profile": "docebo", "sample": sample})).await.ok();
        assert_eq!(by_name, check(json!({"profile": toml, "sample": sample.to_string()})).await.ok());
        assert_eq!((&by_name["understood"], &by_name["results"]), (&json!(true), &json!(1)));
        let fields = by_name["events"][0]["fields"].as_array().expect("fields");
        let time = fields.iter().find(|field| field["field"] == "occurred_at").expect("a time");
        insta::allow_duplicates!(insta::assert_json_snapshot!(time, @r#"
        {
          "field": "occurred_at",
          "looked_at": "$.completion_date",
          "meaning": "2026-03-02T07:14:58+00:00",
          "pointer": "/payload/completion_date",
          "problem": null,
          "sent": "2026-03-02 07:14:58"
        }
        "#));
        let not = check(json!({"profile": "docebo", "sample": {"event": "course.enrollment.completed", "payload": {}}})).await.ok();
        insta::allow_duplicates!(insta::assert_json_snapshot!(not["events"][0]["problem"], @r#"
        {
          "detail": "/payload gives no key that names the learner, looked for at $.extra_data.employee_number, $.email, $.extra_data.email, $.username, $.user_id: send one of them, or mend the profile",
          "pointer": "/payload"
        }
        "#));
        let mut problem = check(json!({"profile": "titel = 1", "sample": {}})).await.refused(422);
        assert_eq!(problem["type"], "/problems/profile-cannot-be-used");
        insta::allow_duplicates!(insta::assert_json_snapshot!(problem["problems"][0].take(), @r#"
        {
          "detail": "is not known here; did you mean title? Known are title, documented, signature, body, defaults, fields, events",
          "key": "titel",
          "line": 1
        }
        "#));
        check(json!({"profile": "no-such", "sample": {}})).await.refused(422);
        app.get("/api/v1/profiles/no-such", Some(&token)).await.refused(404);
        assert_eq!(app.stored_deliveries().await.len(), 0);
    }

    async fn the_commands_add_correct_list_and_rotate(database: TestDatabase) {
        let here = CommandLine::on(&database);
        here.write("kursen.toml", HMAC);
        here.write("bad.toml", "titel = 1\n");
        let basic = here.ok("platform add akademin --adapter docebo --linking-keys email");
        assert!(basic.out.trim_end().split_once(':').is_some_and(|(key, secret)| key.len() == 16 && secret.len() == 48));
        let hmac = here.ok("platform add kursen --adapter profile --profile kursen.toml");
        assert!(hmac.out.starts_with("whsec_") && hmac.out.lines().count() == 1);
        let given = here.ok("platform profile akademin kursen.toml");
        assert_eq!(given.out, "");
        insta::allow_duplicates!(insta::assert_snapshot!(given.err, @"Platform akademin is read by version 1 of its profile from now on."));
        assert!(here.ok("platform rotate-secret akademin").out.starts_with("whsec_"));
        here.write("secret.txt", "of the platform's own\n");
        assert_eq!(here.ok("platform rotate-secret kursen --secret-file secret.txt").out, "");
        here.run("platform add x --adapter profile --profile bad.toml").assert_failed("profile, line 1: titel is not known here");
        here.run("platform add x --adapter profile --profile none.toml").assert_failed("none.toml cannot be read");
        here.run("platform profile nobody kursen.toml").assert_failed("no platform has the code nobody");
        for wrong in ["platform add x --adapter profile", "platform add x --adapter mooodle"] {
            assert_eq!(here.run(wrong).code, Some(2), "{wrong}");
        }
        insta::allow_duplicates!(insta::assert_snapshot!(here.ok("platform list").out, @r"
        platform	adapter	linking keys	time zone	profile version
        akademin	docebo	email	Europe/Stockholm	1
        kursen	profile	employee_number,email,username,account	Europe/Stockholm	1
        "));
        // If the service makes the secret, a given one is refused, and not ignored.
        here.ok("platform add statements --adapter xapi");
        for command in [
            "platform rotate-secret statements --secret-file secret.txt",
            "platform add other --adapter xapi --secret-file secret.txt",
            "platform add other --secret-file secret.txt",
        ] {
            let refused = here.run(command);
            assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{command}");
        }
    }
}

#[test]
fn a_check_shows_field_by_field_what_would_be_understood_and_why_not() {
    let here = CommandLine::new();
    here.write("good.json", sample("learnupon/exam-completion.json"));
    here.write("bad.json", sample("moodle/no-learner.json"));
    here.write("kursen.toml", HMAC);
    // What comes compressed is shown as what it holds.
    let mut compressed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    compressed.write_all(sample("learnupon/exam-completion.json").as_bytes()).expect("memory");
    here.write("good.json.gz", compressed.finish().expect("memory"));
    assert_eq!(here.ok("platform check learnupon good.json.gz").out, here.ok("platform check learnupon good.json").out);
    insta::assert_snapshot!(here.ok("platform check learnupon good.json").out, @r"
    Event at the body, type exam_completion: taken for attempt
      not rule 1 (completion): the type is not course_completion
      quiz 77 attempt 2, 87.5 of 100, passed, at 2026-03-02T07:14:58Z, as event sha256-3787db8d0501f16a690038803da94824e427d72c72d0e37abeb8a292d58b193c
     field            looked at                  found at                   sent                  means
    ------------------------------------------------------------------------------------------------------------------------
     type             $.header.webhookType       /header/webhookType        exam_completion       exam_completion
     email            $.user.email               /user/email                anna@example.org      anna@example.org
     username         $.user.username                                                             nothing
     employee_number  $.user.customData.employe  /user/customData/employee  1001                  1001
                      e_number                   _number
     quiz             $.examId                   /examId                    77                    77
     attempt          $.attemptNumber            /attemptNumber             2                     2
     score_percent    $.examScore                /examScore                 87.50                 87.5
     passed           $.status                   /status                    passed                true
     occurred_at      $.dateCompleted            /dateCompleted             2026-03-02T07:14:58Z  2026-03-02T07:14:58+00:00

    Understood: 1 result.
    ");
    let failed = here.run("platform check moodle bad.json --format json");
    assert_eq!(failed.code, Some(1));
    assert_eq!(failed.json()["understood"], false);
    assert!(
        failed.err.starts_with("kurskoll: the sample is not understood: the body gives no key that names the learner")
    );
    here.run("platform check kursen.toml none.json").assert_failed("none.json cannot be read");
    here.run("platform check no-such good.json").assert_failed("no-such is neither a shipped profile nor a file");
    assert!(!here.path("data").exists(), "no register is created or read");
}
