use serde_json::{Value as Json, json};

use super::*;
use crate::xapi::multipart;
use crate::xapi::tests::{statement, with};

const SIGNED: &str = include_str!("../../../../../fixtures/xapi/signed/statement.json");
const RS256: &str = include_str!("../../../../../fixtures/xapi/signed/rs256.jws");
const RS384: &str = include_str!("../../../../../fixtures/xapi/signed/rs384.jws");
const RS512: &str = include_str!("../../../../../fixtures/xapi/signed/rs512.jws");
const WITHOUT_CERTIFICATE: &str = include_str!("../../../../../fixtures/xapi/signed/without_certificate.jws");
const OF_ANOTHER_KEY: &str = include_str!("../../../../../fixtures/xapi/signed/certificate_of_another_key.jws");
const ANOTHER_ALGORITHM: &str = include_str!("../../../../../fixtures/xapi/signed/another_algorithm_than_said.jws");

fn verified(body: &str, content: &str) -> Result<Signed, SignatureFault> {
    let statement = statement(body, Version::V1_0_3);
    let attachment = signatures(&statement).next().expect("a signature");
    verify(&statement, attachment, content.as_bytes(), Version::V1_0_3)
}

/// A signature by no one's key.
fn forged(header: &Json, payload: &str) -> String {
    [header.to_string().as_str(), payload, "x"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

fn payload() -> String {
    with(SIGNED, "/attachments", None)
}

#[test]
fn a_signature_that_fits_its_certificate_is_verified() {
    for (content, algorithm) in [(RS256, Algorithm::Rs256), (RS384, Algorithm::Rs384), (RS512, Algorithm::Rs512)] {
        assert_eq!(verified(SIGNED, content), Ok(Signed { algorithm, is_verified: true }));
    }
}

#[test]
fn the_signature_is_the_content_that_the_attachment_tells_of() {
    let statement = statement(SIGNED, Version::V1_0_3);
    let part = multipart::Part {
        sha2: statement.attachments[0].sha2.clone(),
        content_type: Some(CONTENT_TYPE),
        content: RS256.as_bytes(),
    };
    assert_eq!(multipart::check(&[statement], &[part]), Ok(()));
}

#[test]
fn what_an_lrs_sets_and_how_it_is_written_does_not_break_a_signature() {
    let mut body = SIGNED.to_owned();
    for (pointer, value) in [
        ("/id", json!("6690e6c9-3ef0-4ed3-8b37-7f3964730bee")),
        ("/timestamp", json!("2026-03-02T08:15:00Z")),
        ("/stored", json!("2026-03-02T08:15:00Z")),
        ("/version", json!("1.0.0")),
        ("/authority", json!({"mbox": "mailto:lrs@example.org"})),
        ("/verb/display", json!({"en": "completed"})),
    ] {
        body = with(&body, pointer, Some(value));
        assert!(verified(&body, RS256).is_ok(), "{pointer}");
    }
}

#[test]
fn a_signature_of_another_statement_is_refused() {
    for (pointer, value) in [
        ("/result/success", json!(false)),
        ("/result/score/scaled", json!(1)),
        ("/actor/mbox", json!("mailto:omar.lind@example.org")),
        ("/verb/id", json!("http://adlnet.gov/expapi/verbs/passed")),
    ] {
        let body = with(SIGNED, pointer, Some(value));
        assert_eq!(verified(&body, RS256), Err(SignatureFault::AnotherStatement), "{pointer}");
    }
}

#[test]
fn without_a_certificate_a_signature_is_taken_but_not_verified() {
    let taken = Ok(Signed { algorithm: Algorithm::Rs256, is_verified: false });
    assert_eq!(verified(SIGNED, WITHOUT_CERTIFICATE), taken);
    assert_eq!(verified(SIGNED, &forged(&json!({"alg": "RS256"}), &payload())), taken);
}

#[test]
fn a_signature_that_does_not_fit_its_certificate_is_refused() {
    for content in [OF_ANOTHER_KEY, ANOTHER_ALGORITHM] {
        assert_eq!(verified(SIGNED, content), Err(SignatureFault::Mismatch));
    }
    let (signed, _) = RS256.rsplit_once('.').expect("three parts");
    let (_, signature) = WITHOUT_CERTIFICATE.rsplit_once('.').expect("three parts");
    assert_eq!(verified(SIGNED, &format!("{signed}.{signature}")), Err(SignatureFault::Mismatch));
}

/// Each line is a content of the signature's attachment, and why it is refused.
#[test]
fn what_is_no_signature_is_refused() {
    use SignatureFault as F;
    let payload = payload();
    let array = format!("[{payload}]");
    let no_der = STANDARD.encode("no DER");
    for (content, fault) in [
        (String::new(), F::NotCompact),
        ("a.b".to_owned(), F::NotCompact),
        ("a.b.c.d".to_owned(), F::NotCompact),
        ("!.!.!".to_owned(), F::NotCompact),
        ("..".to_owned(), F::NotCompact),
        (format!("{RS256}="), F::NotCompact),
        (forged(&json!([]), &payload), F::Header),
        (forged(&json!({}), &payload), F::Header),
        (forged(&json!({"alg": 256}), &payload), F::Header),
        (forged(&json!({"alg": "none"}), &payload), F::Algorithm),
        (forged(&json!({"alg": "HS256"}), &payload), F::Algorithm),
        (forged(&json!({"alg": "ES256"}), &payload), F::Algorithm),
        (forged(&json!({"alg": "PS256"}), &payload), F::Algorithm),
        (forged(&json!({"alg": "RS256", "crit": ["exp"]}), &payload), F::Critical),
        (forged(&json!({"alg": "RS256"}), &array), F::NotOne),
        (forged(&json!({"alg": "RS256", "x5c": []}), &payload), F::CertificateList),
        (forged(&json!({"alg": "RS256", "x5c": "MII"}), &payload), F::CertificateList),
        (forged(&json!({"alg": "RS256", "x5c": vec![&no_der; 17]}), &payload), F::CertificateList),
        (forged(&json!({"alg": "RS256", "x5c": [no_der]}), &payload), F::Certificate { number: 1 }),
        (forged(&json!({"alg": "RS256", "x5c": [7]}), &payload), F::Certificate { number: 1 }),
    ] {
        assert_eq!(verified(SIGNED, &content), Err(fault), "{content}");
    }
    let content = forged(&json!({"alg": "RS256"}), r#"{"actor": {}}"#);
    assert!(matches!(verified(SIGNED, &content), Err(F::Payload(refusal)) if refusal.pointer == "/actor"));
}

#[test]
fn the_attachment_of_a_signature_has_its_own_type() {
    let body = with(SIGNED, "/attachments/0/contentType", Some(json!("application/jose")));
    assert_eq!(verified(&body, RS256), Err(SignatureFault::ContentType));
}
