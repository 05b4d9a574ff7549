//! What a token proves, and what makes it invalid.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::*;
use crate::auth::keys::SigningKey;

const ISSUED_AT: i64 = 1_772_100_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("an instant")
}

fn settings() -> TokenSettings {
    TokenSettings { issuer: "https://kurskoll.example".to_owned(), audience: "kurskoll".to_owned() }
}

fn key() -> SigningKey {
    SigningKey::generate().expect("a key")
}

fn ring() -> KeyRing {
    KeyRing::new(key(), [])
}

fn codes(codes: &[&str]) -> BTreeSet<AdministrationCode> {
    codes.iter().map(|code| AdministrationCode::parse(code).expect("a code")).collect()
}

fn officer(ring: &KeyRing) -> String {
    let roles = BTreeSet::from([Role::Administration]);
    issue(ring, &settings(), "officer", &roles, &codes(&["SEF"]), at(ISSUED_AT), Duration::from_secs(3600))
        .expect("a token")
}

fn claims() -> Value {
    json!({"sub": "officer", "iss": "https://kurskoll.example", "aud": "kurskoll", "exp": ISSUED_AT + 3600,
           "iat": ISSUED_AT, "roles": ["administration"], "administrations": ["SEF"]})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

/// Signs any claims with the ring's newest key, as a register with a fault might.
fn signed(ring: &KeyRing, claims: &Value) -> String {
    let header = Header { kid: Some(ring.newest().kid().to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, ring.newest().private()).expect("a token")
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn outcome(ring: &KeyRing, token: &str) -> Result<Principal, TokenError> {
    verify(ring, &settings(), token, at(ISSUED_AT + 1))
}

#[test]
fn a_token_says_who_is_asking() {
    let ring = ring();
    let expected = Principal::with_token("officer".to_owned(), BTreeSet::from([Role::Administration]), codes(&["SEF"]));
    assert_eq!(outcome(&ring, &officer(&ring)), Ok(expected.clone()));
    assert_eq!(outcome(&ring, &signed(&ring, &claims())), Ok(expected));
}

#[test]
fn the_wire_form_is_a_jwt_with_the_claims_of_the_design() {
    let ring = ring();
    let token = officer(&ring);
    let parts: Vec<Value> = token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON"))
        .collect();
    assert_eq!(parts[0], json!({"typ": "JWT", "alg": "EdDSA", "kid": ring.newest().kid()}));
    assert_eq!(parts[1], claims());
}

#[test]
fn every_role_goes_through_a_token_and_comes_back() {
    let ring = ring();
    for role in Role::ALL.into_iter().filter(|role| role.is_by_token()) {
        let own = if role == Role::Administration { codes(&["SEF", "Äldre"]) } else { BTreeSet::new() };
        let roles = BTreeSet::from([role]);
        let token = issue(&ring, &settings(), "somebody", &roles, &own, at(ISSUED_AT), Duration::from_secs(60));
        let principal = outcome(&ring, &token.expect("a token")).expect("a principal");
        assert_eq!((principal.roles, principal.administrations), (roles, own));
    }
}

#[test]
fn a_token_is_not_issued_for_what_does_not_go_together() {
    let ring = ring();
    let refused = |subject: &str, roles: &[Role], own: &[&str], ttl: Duration| {
        let roles = roles.iter().copied().collect();
        issue(&ring, &settings(), subject, &roles, &codes(own), at(ISSUED_AT), ttl).err()
    };
    let hour = Duration::from_secs(3600);
    assert_eq!(refused("s", &[], &[], hour), Some(IssueError::Scope(ScopeError::NoRole)));
    for by_sign_in in [Role::Manager, Role::Employee] {
        assert_eq!(refused("s", &[by_sign_in], &[], hour), Some(IssueError::Scope(ScopeError::RoleBySignIn)));
    }
    assert_eq!(
        refused("s", &[Role::Administration, Role::City], &[], hour),
        Some(IssueError::Scope(ScopeError::NoAdministration))
    );
    assert_eq!(
        refused("s", &[Role::City], &["SEF"], hour),
        Some(IssueError::Scope(ScopeError::AdministrationsWithoutTheirRole))
    );
    assert_eq!(refused(" ", &[Role::City], &[], hour), Some(IssueError::Subject));
    assert_eq!(refused("a\nb", &[Role::City], &[], hour), Some(IssueError::Subject));
    assert_eq!(refused(&"s".repeat(256), &[Role::City], &[], hour), Some(IssueError::Subject));
    assert_eq!(refused("s", &[Role::City], &[], Duration::ZERO), Some(IssueError::Ttl(InvalidTtl::TooShort)));
    assert_eq!(refused("s", &[Role::City], &[], Duration::MAX), Some(IssueError::Ttl(InvalidTtl::TooLong)));
    assert_eq!(refused("s", &[Role::Administration, Role::City], &["SEF"], hour), None);
}

#[test]
fn a_token_holds_until_it_expires_give_or_take_half_a_minute() {
    let ring = ring();
    let token = officer(&ring);
    let expires = ISSUED_AT + 3600;
    for (now, expected) in [
        (ISSUED_AT - 31, Some(TokenError::NotYetValid)),
        (ISSUED_AT - 30, None),
        (expires, None),
        (expires + 29, None),
        (expires + 30, Some(TokenError::Expired)),
    ] {
        assert_eq!(verify(&ring, &settings(), &token, at(now)).err(), expected, "at {}", now - ISSUED_AT);
    }
    let just_expired = at(expires + 30) - TimeDelta::nanoseconds(1);
    assert_eq!(verify(&ring, &settings(), &token, just_expired).err(), None);
}

#[test]
fn a_token_does_not_hold_before_its_not_before() {
    let ring = ring();
    let token = signed(&ring, &with("nbf", json!(ISSUED_AT + 100)));
    for (now, expected) in [(ISSUED_AT + 69, Some(TokenError::NotYetValid)), (ISSUED_AT + 70, None)] {
        assert_eq!(verify(&ring, &settings(), &token, at(now)).err(), expected);
    }
}

#[test]
fn times_at_the_edge_of_what_a_number_holds_do_not_overflow() {
    let ring = ring();
    for (name, value, expected) in [
        ("exp", i64::MAX, None),
        ("exp", i64::MIN, Some(TokenError::Expired)),
        ("nbf", i64::MAX, Some(TokenError::NotYetValid)),
        ("nbf", i64::MIN, None),
        ("iat", i64::MIN, None),
    ] {
        assert_eq!(outcome(&ring, &signed(&ring, &with(name, json!(value)))).err(), expected, "{name} {value}");
    }
}

#[test]
fn issuer_and_audience_must_be_ours() {
    let ring = ring();
    for (claims, expected) in [
        (with("iss", json!("https://other.example")), Some(TokenError::WrongIssuer)),
        (with("iss", json!("https://kurskoll.example/")), Some(TokenError::WrongIssuer)),
        (with("aud", json!("other")), Some(TokenError::WrongAudience)),
        (with("aud", json!([])), Some(TokenError::WrongAudience)),
        (with("aud", json!(["other", "kurskoll"])), None),
        (without("iss"), Some(TokenError::Malformed)),
        (without("aud"), Some(TokenError::Malformed)),
        (with("aud", json!(7)), Some(TokenError::Malformed)),
    ] {
        assert_eq!(outcome(&ring, &signed(&ring, &claims)).err(), expected, "{claims}");
    }
}

#[test]
fn claims_that_are_signed_but_not_understood_are_refused() {
    let ring = ring();
    for (claims, expected) in [
        (without("exp"), TokenError::Malformed),
        (with("exp", json!("1772103600")), TokenError::Malformed),
        (with("exp", json!(1.5)), TokenError::Malformed),
        (with("exp", Value::Null), TokenError::Malformed),
        (without("sub"), TokenError::Malformed),
        (with("sub", json!("")), TokenError::Malformed),
        (with("administrations", json!([""])), TokenError::Malformed),
        (with("administrations", json!("SEF")), TokenError::Malformed),
        (with("roles", json!("administration")), TokenError::Malformed),
        (with("roles", json!(["administration", "emperor"])), TokenError::UnknownRole),
        (with("roles", json!(["Administration"])), TokenError::UnknownRole),
        (with("roles", json!([])), TokenError::Scope(ScopeError::NoRole)),
        (without("roles"), TokenError::Scope(ScopeError::NoRole)),
        (without("administrations"), TokenError::Scope(ScopeError::NoAdministration)),
        (with("roles", json!(["city"])), TokenError::Scope(ScopeError::AdministrationsWithoutTheirRole)),
        (json!("officer"), TokenError::Malformed),
        (json!([]), TokenError::Malformed),
    ] {
        assert_eq!(outcome(&ring, &signed(&ring, &claims)), Err(expected), "{claims}");
    }
}

#[test]
fn a_claim_given_twice_is_refused() {
    let ring = ring();
    let twice = claims().to_string().replacen('{', r#"{"roles":["admin"],"#, 1);
    let header = json!({"alg": "EdDSA", "kid": ring.newest().kid()});
    let message = format!("{}.{}", part(&header), URL_SAFE_NO_PAD.encode(twice));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), ring.newest().private(), Algorithm::EdDSA);
    let token = format!("{message}.{}", signature.expect("a signature"));
    assert_eq!(outcome(&ring, &token), Err(TokenError::Malformed));
}

#[test]
fn a_changed_token_is_refused_whichever_character_changed() {
    let ring = ring();
    let token = officer(&ring);
    for position in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("text");
        assert!(outcome(&ring, &changed).is_err(), "a change at {position}");
    }
}

#[test]
fn claims_under_the_signature_of_others_are_refused() {
    let ring = ring();
    let token = officer(&ring);
    let signature = token.rsplit('.').next().expect("a signature");
    let header = token.split('.').next().expect("a header");
    let forged = format!("{header}.{}.{signature}", part(&with("roles", json!(["admin", "administration"]))));
    assert_eq!(outcome(&ring, &forged), Err(TokenError::BadSignature));
    assert_eq!(outcome(&ring, &format!("{header}.{}.", part(&claims()))), Err(TokenError::BadSignature));
}

#[test]
fn no_other_algorithm_is_taken() {
    let ring = ring();
    let kid = ring.newest().kid();
    for name in ["none", "None", "NONE", "", "EDDSA", "Ed25519"] {
        let unsigned = format!("{}.{}.", part(&json!({"alg": name, "kid": kid})), part(&claims()));
        assert_eq!(outcome(&ring, &unsigned), Err(TokenError::Malformed), "{name}");
    }
    // The public key is no secret: a token that uses it as the secret of an HMAC must not pass.
    let public = ring.newest().to_stored().public;
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
        let forged = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(&public)).expect("a token");
        assert_eq!(outcome(&ring, &forged), Err(TokenError::WrongAlgorithm));
    }
    let rsa = format!("{}.{}.c2ln", part(&json!({"alg": "RS256", "kid": kid})), part(&claims()));
    assert_eq!(outcome(&ring, &rsa), Err(TokenError::WrongAlgorithm));
}

#[test]
fn the_key_must_be_named_and_known() {
    let ring = ring();
    let anonymous = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims(), ring.newest().private());
    assert_eq!(outcome(&ring, &anonymous.expect("a token")), Err(TokenError::UnknownKey));
    assert_eq!(outcome(&ring, &officer(&self::ring())), Err(TokenError::UnknownKey));
    // Another key under the name of ours.
    let stranger = SigningKey::from_stored(&crate::auth::keys::StoredKey {
        kid: ring.newest().kid().to_owned(),
        ..key().to_stored()
    });
    let stranger = KeyRing::new(stranger.expect("a key"), []);
    assert_eq!(outcome(&ring, &officer(&stranger)), Err(TokenError::BadSignature));
}

#[test]
fn a_key_that_the_token_brings_along_is_not_believed() {
    let (ring, stranger) = (ring(), key());
    let x = URL_SAFE_NO_PAD.encode(&stranger.to_stored().public);
    let header = json!({"alg": "EdDSA", "kid": ring.newest().kid(), "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}});
    let message = format!("{}.{}", part(&header), part(&claims()));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), stranger.private(), Algorithm::EdDSA);
    let token = format!("{message}.{}", signature.expect("a signature"));
    assert_eq!(outcome(&ring, &token), Err(TokenError::BadSignature));
}

#[test]
fn a_header_that_demands_what_is_not_understood_is_refused() {
    let ring = ring();
    let header = Header {
        kid: Some(ring.newest().kid().to_owned()),
        crit: Some(vec!["b64".to_owned()]),
        ..Header::new(Algorithm::EdDSA)
    };
    let token = jsonwebtoken::encode(&header, &claims(), ring.newest().private()).expect("a token");
    assert_eq!(outcome(&ring, &token), Err(TokenError::Malformed));
}

#[test]
fn a_retired_key_verifies_until_it_is_removed_and_the_newest_signs() {
    let (old, new) = (key(), key());
    let before = officer(&KeyRing::new(old.clone(), []));
    let rotated = KeyRing::new(new.clone(), [old.verifying_key()]);
    assert!(outcome(&rotated, &before).is_ok(), "the retired key verifies");
    let after = officer(&rotated);
    assert_eq!(outcome(&KeyRing::new(old, []), &after), Err(TokenError::UnknownKey), "the newest key signs");
    let removed = KeyRing::new(new, []);
    assert_eq!(outcome(&removed, &before), Err(TokenError::UnknownKey));
    assert!(outcome(&removed, &after).is_ok());
}

#[test]
fn what_is_no_token_at_all_is_refused() {
    let ring = ring();
    assert_eq!(outcome(&ring, ""), Err(TokenError::Missing));
    let long = "a".repeat(MAX_TOKEN_BYTES + 1);
    for text in ["x", "..", "a.b", "a.b.c.d", "åäö.åäö.åäö", " ", "\u{0}", long.as_str()] {
        assert_eq!(outcome(&ring, text), Err(TokenError::Malformed), "{text:.20}");
    }
}
