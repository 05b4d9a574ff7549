//! Native deliveries: a body, plain or compressed. After it may follow the three headers of its signature, and a text
//! that may be a secret.

use chrono_tz::Europe::Stockholm;
use kurskoll_domain::ids::EventId;
use kurskoll_domain::training::ReportedResult;
use kurskoll_intake::webhook::native::{Understood, interpret};
use kurskoll_intake::webhook::signature::{SignatureHeaders, WebhookSecret, sign, verify};
use kurskoll_intake::webhook::{compose, encoding, excerpt};

use super::{check_results, now, parts, text};

pub fn read(bytes: &[u8]) {
    // Compressed bytes may contain the separator.
    let (body, headers) = match parts(bytes)[..] {
        [body, id, timestamp, signature, secret] => (body, Some([id, timestamp, signature, secret].map(text))),
        _ => (bytes, None),
    };
    if let Some(headers) = headers {
        prove(body, headers);
    }
    match encoding::plain(body) {
        Ok(plain) => {
            assert!(plain.len() as u64 <= encoding::MAX_INFLATED || plain.len() == body.len());
            understand(&plain);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn prove(body: &[u8], [id, timestamp, signature, secret]: [&str; 4]) {
    let own = WebhookSecret::generate([7; 32]);
    let headers = SignatureHeaders { id: Some(id), timestamp: Some(timestamp), signature: Some(signature) };
    assert!(verify(std::slice::from_ref(&own), &headers, body, now()).is_err(), "forged");
    let (at, sent_at) = (now().timestamp(), now().timestamp().to_string());
    let signed = sign(&own, id, at, body);
    let headers = SignatureHeaders { timestamp: Some(&sent_at), signature: Some(&signed), ..headers };
    assert_eq!(verify(&[own], &headers, body, now()).is_ok(), EventId::parse(id).is_ok());
    if let Ok(secret) = WebhookSecret::parse(secret) {
        let again = WebhookSecret::parse(&secret.reveal()).map(|again| again.reveal());
        assert_eq!(again, Ok(secret.reveal()));
    }
    let _ = encoding::is_taken(signature);
}

fn understand(body: &[u8]) {
    let Ok(id) = EventId::parse("e-1") else { panic!("an id") };
    match interpret(&id, body, Stockholm, now()) {
        Ok(Understood::Result(result)) => {
            check_results(std::slice::from_ref(&result));
            let composed = compose::compose(&result, now());
            // It is reported now, whenever it was first reported. A revocation's own time is the time up to which it
            // withdraws.
            let reported_at = (!result.kind.is_revocation()).then(now);
            let reported_now = ReportedResult { reported_at, ..result };
            assert_eq!(interpret(&id, &composed, Stockholm, now()), Ok(Understood::Result(reported_now)));
        }
        Ok(Understood::Ignored { event_type }) => assert!(!event_type.is_empty()),
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            let shown = excerpt::excerpt(body, &fault.pointer);
            assert!(shown.offset <= shown.place && shown.place <= body.len());
        }
    }
}
