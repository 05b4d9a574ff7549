//! Whatever comes in, something typed comes out.

use chrono_tz::{Europe::Stockholm, Tz};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

fn read(body: &[u8], zone: Tz) -> Result<Understood, NotUnderstood> {
    let received_at = DateTime::parse_from_rfc3339("2026-03-02T12:00:00Z").expect("an instant").to_utc();
    interpret(&EventId::parse("msg_7").expect("an event id"), body, zone, received_at)
}

/// Every payload that a test may begin from and then bend.
const PAYLOADS: [&str; 4] = [
    include_str!("../../../../../fixtures/webhooks/native/good/course_completed_with_everything.json"),
    include_str!("../../../../../fixtures/webhooks/native/good/quiz_graded_raw_of_max_before_scaled_and_percent.json"),
    include_str!("../../../../../fixtures/webhooks/native/good/completion_revoked_one_event.json"),
    include_str!("../../../../../fixtures/webhooks/native/good/completion_revoked_quiz.json"),
];

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
        // Texts that come near to being something.
        "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,10})?(Z|[+-][0-9]{2}:[0-9]{2})?"
            .prop_map(Json::from),
        "[+-]?[0-9]{0,24}[.,]?[0-9]{0,24}([eE][+-]?[0-9]{1,3})?".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::hash_map(any_name(), inner, 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    let known = [
        "id",
        "raw",
        "max",
        "scaled",
        "percent",
        "email",
        "username",
        "employee_number",
        "account",
        "home_page",
        "name",
    ];
    prop_oneof![prop::sample::select(known.to_vec()).prop_map(str::to_owned), any::<String>()]
}

/// Puts something else in the place of one member, found by counting through them all.
fn replace_nth(json: &mut Json, n: &mut usize, with: &Json) -> bool {
    let Json::Object(members) = json else { return false };
    for value in members.values_mut() {
        if *n == 0 {
            *value = with.clone();
            return true;
        }
        *n -= 1;
        if replace_nth(value, n, with) {
            return true;
        }
    }
    false
}

proptest! {
    #[test]
    fn bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = read(&body, Stockholm);
    }

    #[test]
    fn a_payload_with_bytes_bent_never_panics(
        payload in prop::sample::select(PAYLOADS.to_vec()),
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut body = payload.as_bytes().to_vec();
        for (at, byte) in bends {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let _ = read(&body, Stockholm);
    }

    #[test]
    fn any_json_is_refused_or_ignored_in_words(json in any_json()) {
        if let Err(refused) = read(json.to_string().as_bytes(), Stockholm) {
            prop_assert!(!refused.to_string().is_empty());
        }
    }

    #[test]
    fn a_payload_with_a_member_bent_is_understood_or_names_a_place_in_it(
        payload in prop::sample::select(PAYLOADS.to_vec()),
        nth in 0_usize..24,
        with in any_json(),
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
    ) {
        let mut json: Json = serde_json::from_str(payload).expect("a fixture is JSON");
        replace_nth(&mut json, &mut nth.clone(), &with);
        match read(json.to_string().as_bytes(), zone) {
            Err(refused) => {
                // The place is there, or is missing in a place that is.
                let parent = refused.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                prop_assert!(json.pointer(parent).is_some(), "{}", refused);
            }
            Ok(Understood::Result(result)) => {
                prop_assert!(!result.learner.is_empty());
                prop_assert_eq!(result.occurred_at.timestamp_subsec_nanos() % 1_000, 0);
            }
            Ok(Understood::Ignored { event_type }) => prop_assert!(!event_type.is_empty()),
        }
    }

    #[test]
    fn a_score_keeps_the_digits_of_a_json_number(mantissa in 0..=10_i128.pow(20) - 1, scale in 0..=20_u32, negative: bool) {
        let points = Decimal::from_i128_with_scale(if negative { -mantissa } else { mantissa }, scale);
        let body = format!(
            r#"{{"type": "quiz.graded", "timestamp": "2026-03-02T08:15:00Z",
                "data": {{"learner": {{"username": "x"}}, "quiz": {{"id": "q"}}, "score": {{"raw": {points}, "max": 7}}}}}}"#
        );
        let Ok(Understood::Result(ReportedResult { kind: ResultKind::Attempt { score: Some(score), .. }, .. })) =
            read(body.as_bytes(), Stockholm)
        else {
            return Err(TestCaseError::fail(body));
        };
        prop_assert_eq!(score.points(), points);
    }
}
