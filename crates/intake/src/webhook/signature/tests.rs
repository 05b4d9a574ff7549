use proptest::prelude::*;

use super::*;

/// 2026-03-02T08:15:00Z.
const SENT_AT: i64 = 1_772_439_300;
const BODY: &[u8] = br#"{"type": "course.completed"}"#;

fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::generate([byte; 32])
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 999_999_999).expect("an instant")
}

/// Verifies a delivery of [`BODY`] that was sent at [`SENT_AT`] and comes at once.
fn verify_with(secrets: &[WebhookSecret], signature: &str) -> Result<EventId, SignatureError> {
    let timestamp = SENT_AT.to_string();
    let headers = SignatureHeaders { id: Some("msg_7"), timestamp: Some(&timestamp), signature: Some(signature) };
    verify(secrets, &headers, BODY, at(SENT_AT))
}

fn msg_7() -> Result<EventId, SignatureError> {
    Ok(EventId::parse("msg_7").expect("an event id"))
}

#[test]
fn the_standards_own_example_is_signed_the_same() {
    let secret = WebhookSecret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").expect("a secret");
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    let signature = sign(&secret, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
    assert_eq!(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

#[test]
fn a_signature_under_any_active_secret_holds() {
    let signature = sign(&secret(2), "msg_7", SENT_AT, BODY);
    assert_eq!(verify_with(&[secret(1), secret(2)], &signature), msg_7());
    assert_eq!(verify_with(&[secret(2), secret(1)], &signature), msg_7());
}

#[test]
fn any_of_several_signatures_may_hold() {
    let (old, new) = (sign(&secret(1), "msg_7", SENT_AT, BODY), sign(&secret(2), "msg_7", SENT_AT, BODY));
    for secrets in [[secret(1)], [secret(2)]] {
        assert_eq!(verify_with(&secrets, &format!("{old} {new}")), msg_7());
        assert_eq!(verify_with(&secrets, &format!("v1a,AAAA v2,x  {new} v1,%%% {old}")), msg_7());
    }
}

#[test]
fn a_signature_under_another_secret_does_not_hold() {
    let signature = sign(&secret(2), "msg_7", SENT_AT, BODY);
    assert_eq!(verify_with(&[secret(1)], &signature), Err(SignatureError::Mismatch));
    assert_eq!(verify_with(&[], &signature), Err(SignatureError::Mismatch));
}

#[test]
fn a_signature_of_anything_else_does_not_hold() {
    let secrets = [secret(1)];
    for signature in [
        sign(&secret(1), "msg_7", SENT_AT, br#"{"type":"course.completed"}"#),
        sign(&secret(1), "msg_8", SENT_AT, BODY),
        sign(&secret(1), "msg_7", SENT_AT + 1, BODY),
    ] {
        assert_eq!(verify_with(&secrets, &signature), Err(SignatureError::Mismatch));
    }
}

#[test]
fn a_part_of_a_signature_does_not_hold() {
    let whole = sign(&secret(1), "msg_7", SENT_AT, BODY);
    for end in 3..whole.len() {
        assert_eq!(verify_with(&[secret(1)], &whole[..end]), Err(SignatureError::Mismatch), "{end}");
    }
}

#[test]
fn signatures_of_other_versions_are_passed_over() {
    let code = sign(&secret(1), "msg_7", SENT_AT, BODY).split_off("v1,".len());
    for header in [format!("v1a,{code}"), format!("v2,{code}"), format!("V1,{code}"), code, String::new()] {
        assert_eq!(verify_with(&[secret(1)], &header), Err(SignatureError::NoKnownSignature), "{header}");
    }
}

#[test]
fn no_more_signatures_are_looked_at_than_the_limit() {
    let (wrong, right) = (sign(&secret(2), "msg_7", SENT_AT, BODY), sign(&secret(1), "msg_7", SENT_AT, BODY));
    let after = |count: usize| format!("{}{right}", format!("{wrong} ").repeat(count));
    assert_eq!(verify_with(&[secret(1)], &after(MAX_SIGNATURES - 1)), msg_7());
    assert_eq!(verify_with(&[secret(1)], &after(MAX_SIGNATURES)), Err(SignatureError::Mismatch));
}

#[test]
fn a_delivery_holds_for_five_minutes_to_either_side() {
    let secrets = [secret(1)];
    let signature = sign(&secrets[0], "msg_7", SENT_AT, BODY);
    let timestamp = SENT_AT.to_string();
    let headers = SignatureHeaders { id: Some("msg_7"), timestamp: Some(&timestamp), signature: Some(&signature) };
    for (late, expected) in [
        (300, msg_7()),
        (301, Err(SignatureError::TooOld { seconds: 301 })),
        (-300, msg_7()),
        (-301, Err(SignatureError::TooNew { seconds: 301 })),
    ] {
        assert_eq!(verify(&secrets, &headers, BODY, at(SENT_AT + late)), expected, "{late}");
    }
}

#[test]
fn a_missing_header_is_named() {
    let whole = SignatureHeaders { id: Some("msg_7"), timestamp: Some("1772439300"), signature: Some("v1,x") };
    for (headers, name) in [
        (SignatureHeaders { id: None, ..whole }, ID_HEADER),
        (SignatureHeaders { timestamp: None, ..whole }, TIMESTAMP_HEADER),
        (SignatureHeaders { signature: None, ..whole }, SIGNATURE_HEADER),
    ] {
        let refused = verify(&[secret(1)], &headers, BODY, at(SENT_AT));
        assert_eq!(refused, Err(SignatureError::MissingHeader { name }));
    }
}

#[test]
fn a_malformed_id_or_timestamp_is_refused() {
    let with = |id: &str, timestamp: &str| {
        let headers = SignatureHeaders { id: Some(id), timestamp: Some(timestamp), signature: Some("v1,x") };
        verify(&[secret(1)], &headers, BODY, at(SENT_AT))
    };
    assert_eq!(with(" ", "1772439300"), Err(SignatureError::InvalidId(InvalidId::Empty)));
    assert_eq!(with(&"x".repeat(513), "1772439300"), Err(SignatureError::InvalidId(InvalidId::TooLong)));
    for timestamp in ["", "-1", "+1772439300", "1772439300.5", "2026-03-02T08:15:00Z", "99999999999999999999", "١"] {
        assert_eq!(with("msg_7", timestamp), Err(SignatureError::MalformedTimestamp), "{timestamp}");
    }
    assert!(matches!(with("msg_7", "9223372036854775807"), Err(SignatureError::TooNew { .. })));
}

#[test]
fn a_secret_reads_back_as_it_was_printed_and_is_not_printed_otherwise() {
    let text = secret(7).reveal();
    assert!(text.starts_with("whsec_"));
    let read = WebhookSecret::parse(&format!(" {text}\n")).expect("a secret");
    assert_eq!(read.reveal(), text);
    assert_eq!(format!("{read:?}"), "WebhookSecret(hidden)");
}

#[test]
fn what_is_no_secret_is_refused_without_repeating_it() {
    let of_bytes = |count: usize| format!("whsec_{}", STANDARD.encode(vec![1; count]));
    for (text, expected) in [
        ("C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned(), InvalidSecret::NoPrefix),
        ("whsec_not base64".to_owned(), InvalidSecret::NotBase64),
        (of_bytes(23), InvalidSecret::Length { bytes: 23 }),
        (of_bytes(65), InvalidSecret::Length { bytes: 65 }),
    ] {
        let refused = WebhookSecret::parse(&text).expect_err("no secret");
        assert_eq!(refused, expected);
        assert!(!refused.to_string().contains(&text));
    }
    assert!(WebhookSecret::parse(&of_bytes(24)).is_ok() && WebhookSecret::parse(&of_bytes(64)).is_ok());
}

#[test]
fn a_refusal_says_what_is_wrong_and_what_to_do() {
    let said: Vec<String> = [
        SignatureError::MissingHeader { name: ID_HEADER },
        SignatureError::InvalidId(InvalidId::Empty),
        SignatureError::MalformedTimestamp,
        SignatureError::TooOld { seconds: 301 },
        SignatureError::TooNew { seconds: 301 },
        SignatureError::NoKnownSignature,
        SignatureError::Mismatch,
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    the header webhook-id is missing: sign deliveries as Standard Webhooks says
    the header webhook-id is empty: send an id that is the event's own, the same in every retry
    the header webhook-timestamp is not a time in whole seconds since 1970, such as 1772439300
    the delivery was signed 301 seconds ago, and the limit is 300: set the sender's clock right, and let each retry be signed anew
    the delivery was signed 301 seconds in the future, and the limit is 300: set the sender's clock right
    the header webhook-signature has no part that begins with v1, : sign with HMAC-SHA256
    no signature fits: use this platform's current secret, and sign id, timestamp and the body's bytes exactly as they are sent
    ");
}

/// The reference takes the time from the system, and so must who speaks with it.
#[expect(clippy::disallowed_methods, reason = "the reference implementation compares with the system's clock")]
fn system_time() -> DateTime<Utc> {
    Utc::now()
}

fn any_secret() -> impl Strategy<Value = WebhookSecret> {
    prop::collection::vec(any::<u8>(), MIN_SECRET_BYTES..=MAX_SECRET_BYTES).prop_map(WebhookSecret)
}

proptest! {
    #[test]
    fn what_one_signs_the_reference_verifies_and_the_other_way_round(
        secret in any_secret(),
        id in "[!-~]{1,64}",
        body in any::<String>(),
    ) {
        let reference = standardwebhooks::Webhook::new(&secret.reveal()).expect("a secret");
        let now = system_time();
        let (timestamp, seconds) = (now.timestamp().to_string(), now.timestamp());

        let ours = sign(&secret, &id, seconds, body.as_bytes());
        let mut headers = http::HeaderMap::new();
        for (name, value) in [(ID_HEADER, &id), (TIMESTAMP_HEADER, &timestamp), (SIGNATURE_HEADER, &ours)] {
            headers.insert(name, value.parse().expect("a header value"));
        }
        prop_assert!(reference.verify(body.as_bytes(), &headers).is_ok());

        let theirs = reference.sign(&id, seconds, body.as_bytes()).expect("a signature");
        let headers = SignatureHeaders { id: Some(&id), timestamp: Some(&timestamp), signature: Some(&theirs) };
        prop_assert_eq!(verify(&[secret], &headers, body.as_bytes(), now), Ok(EventId::parse(&id).expect("an id")));
    }

    #[test]
    fn a_body_with_one_byte_changed_does_not_hold(
        secret in any_secret(),
        body in prop::collection::vec(any::<u8>(), 1..256),
        at_index in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let signature = sign(&secret, "msg_7", SENT_AT, &body);
        let timestamp = SENT_AT.to_string();
        let headers = SignatureHeaders { id: Some("msg_7"), timestamp: Some(&timestamp), signature: Some(&signature) };
        let mut tampered = body.clone();
        tampered[at_index.index(body.len())] ^= flip;
        let secrets = [secret];
        prop_assert!(verify(&secrets, &headers, &body, at(SENT_AT)).is_ok());
        prop_assert_eq!(verify(&secrets, &headers, &tampered, at(SENT_AT)), Err(SignatureError::Mismatch));
    }

    #[test]
    fn garbage_never_holds_and_never_panics(
        id in any::<Option<String>>(),
        timestamp in prop::option::of(prop_oneof![any::<String>(), any::<i64>().prop_map(|t| t.to_string()), Just(SENT_AT.to_string())]),
        signature in prop::option::of(prop_oneof![any::<String>(), "(v1|v1a|v2)?,?[A-Za-z0-9+/=]{0,60}( v1,[ -~]{0,60}){0,3}"]),
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let headers =
            SignatureHeaders { id: id.as_deref(), timestamp: timestamp.as_deref(), signature: signature.as_deref() };
        prop_assert!(verify(&[secret(1)], &headers, &body, at(SENT_AT)).is_err());
    }
}
