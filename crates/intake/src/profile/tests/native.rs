//! The profile `native` against the reader that reads its payloads: one meaning, written twice.

use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{JSON, raw};
use crate::profile::{Misread, Profile, interpret, read, shipped};
use crate::request::{Headers, RawRequest};
use kurskoll_domain::training::ReportedResult;

/// What the reader of native payloads makes of a body, and what its profile's fields do.
fn both(body: &Value) -> [Result<Vec<ReportedResult>, Misread>; 2] {
    let fast = shipped::profile(shipped::NATIVE).expect("shipped");
    let by_fields = Profile::parse(shipped::text(shipped::NATIVE).expect("a text")).expect("a profile");
    let body = body.to_string();
    let headers: Headers<'_> = [("webhook-id", "msg_1")].into_iter().collect();
    let request = RawRequest { headers, ..raw(JSON, body.as_bytes()) };
    assert_eq!(read(fast, &request).results, interpret(fast, &request), "the trace and the reading differ");
    [interpret(fast, &request), interpret(&by_fields, &request)]
}

/// An object of the members that are there.
fn object(members: Vec<(&str, Option<Value>)>) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect::<Map<_, _>>())
}

/// Values as platforms that follow the documentation send them.
mod good {
    use super::*;

    pub fn time() -> impl Strategy<Value = Value> {
        prop::sample::select(vec![
            json!("2026-03-02T08:15:00+01:00"),
            json!("2026-03-02T08:15:00.123456789Z"),
            json!("2026-03-02 08:15:00"),
            json!("2026-03-02T08:15:00"),
        ])
    }

    pub fn id() -> impl Strategy<Value = Value> {
        prop_oneof!["[a-z0-9:/?=.-]{1,20}".prop_map(Value::from), (0..u64::MAX).prop_map(Value::from)]
    }

    pub fn learner() -> impl Strategy<Value = Value> {
        let number = prop_oneof!["[0-9]{1,7}".prop_map(Value::from), (1..9_999_999_u32).prop_map(Value::from)];
        let email = "[ ]?[A-Za-zÅÄÖåäö.]{1,8}@[a-z]{1,8}[.]se[ ]?".prop_map(Value::from);
        let account = (id(), id()).prop_map(|(page, name)| json!({"home_page": page.to_string(), "name": name}));
        (number, option::of(email), option::of(id()), option::of(account)).prop_map(
            |(number, email, username, account)| {
                object(vec![
                    ("employee_number", Some(number)),
                    ("email", email),
                    ("username", username),
                    ("account", account),
                ])
            },
        )
    }

    pub fn number() -> impl Strategy<Value = Value> {
        let decimals = (0..10_000_u32, 0..4_u32).prop_map(|(units, scale)| {
            let text = rust_decimal::Decimal::new(units.into(), scale).to_string();
            [Value::from(text.clone()), serde_json::from_str(&text).expect("a number")]
        });
        (decimals, any::<bool>()).prop_map(|([text, number], as_text)| if as_text { text } else { number })
    }

    pub fn score() -> impl Strategy<Value = Value> {
        let max = (1..1_000_u32).prop_map(Value::from);
        prop_oneof![
            (number(), max).prop_map(|(raw, max)| json!({"raw": raw, "max": max})),
            (0..=100_u32).prop_map(|share| json!({"scaled": f64::from(share) / 100.0})),
            number().prop_map(|percent| json!({"percent": percent})),
        ]
    }

    pub fn payload() -> impl Strategy<Value = Value> {
        let completed = (learner(), id(), option::of(time()), time()).prop_map(|(learner, course, at, timestamp)| {
            let data = object(vec![
                ("learner", Some(learner)),
                ("course", Some(json!({"id": course, "title": "…"}))),
                ("completed_at", at),
            ]);
            json!({"type": "course.completed", "timestamp": timestamp, "data": data})
        });
        let attempt = option::of((1..u32::MAX).prop_map(Value::from));
        let graded = (learner(), id(), option::of(time()), time(), option::of(score()), attempt, any::<bool>());
        let graded = graded.prop_map(|(learner, quiz, at, timestamp, score, attempt, passed)| {
            let data = object(vec![
                ("learner", Some(learner)),
                ("quiz", Some(json!({"id": quiz}))),
                ("graded_at", at),
                ("score", score),
                ("attempt", attempt),
                ("passed", Some(passed.into())),
            ]);
            json!({"type": "quiz.graded", "timestamp": timestamp, "data": data})
        });
        let event_id = option::of("[a-z_0-9]{1,12}".prop_map(Value::from));
        let reason = option::of("[ a-zåäö]{0,30}".prop_map(Value::from));
        let revoked = (learner(), option::of(id()), option::of(id()), event_id, reason, time());
        let revoked = revoked.prop_filter_map("of something", |(learner, course, quiz, event_id, reason, at)| {
            (course.is_some() || quiz.is_some()).then(|| {
                let data = object(vec![
                    ("learner", Some(learner)),
                    ("course", course.map(|id| json!({ "id": id }))),
                    ("quiz", quiz.map(|id| json!({ "id": id }))),
                    ("event_id", event_id),
                    ("reason", reason),
                ]);
                json!({"type": "completion.revoked", "timestamp": at, "data": data})
            })
        });
        prop_oneof![completed, graded, revoked]
    }
}

/// Puts another value into some place of a payload.
fn spoiled() -> impl Strategy<Value = Value> {
    const PLACES: [&str; 17] = [
        "/type",
        "/timestamp",
        "/data/learner/employee_number",
        "/data/learner/email",
        "/data/learner/username",
        "/data/learner/account",
        "/data/learner/account/name",
        "/data/course/id",
        "/data/quiz/id",
        "/data/completed_at",
        "/data/graded_at",
        "/data/attempt",
        "/data/passed",
        "/data/score",
        "/data/score/max",
        "/data/event_id",
        "/data/reason",
    ];
    let values = vec![
        Value::Null,
        json!(""),
        json!("   "),
        json!(0),
        json!(-1),
        json!(true),
        json!([]),
        json!({}),
        json!("198001011234"),
        json!("1970-01-01T00:00:00Z"),
        json!("0001-01-01T00:00:00"),
        json!("2027-03-02T08:15:00Z"),
        json!("Course.Completed"),
        json!("user.created"),
        json!("x".repeat(600)),
        json!(1e300),
    ];
    let spoils = prop::collection::vec((prop::sample::select(&PLACES[..]), prop::sample::select(values)), 1..4);
    (good::payload(), spoils).prop_map(|(mut payload, spoils)| {
        for (place, value) in spoils {
            if let Some(member) = payload.pointer_mut(place) {
                *member = value;
            }
        }
        payload
    })
}

proptest! {
    #[test]
    fn a_good_payload_says_the_same_by_its_profile(payload in good::payload()) {
        let [fast, by_fields] = both(&payload);
        prop_assert!(fast.is_ok(), "{payload}: {fast:?}");
        prop_assert_eq!(fast, by_fields);
    }

    #[test]
    fn where_both_understand_a_payload_they_understand_the_same(payload in spoiled()) {
        if let [Ok(fast), Ok(by_fields)] = both(&payload) {
            prop_assert_eq!(fast, by_fields, "{}", payload);
        }
    }
}
