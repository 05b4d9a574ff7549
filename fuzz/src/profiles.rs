//! Other platforms' deliveries, read by the profiles that ship or by the one in front of the body. Headers may follow
//! the body, a line each.

use chrono_tz::Europe::Stockholm;
use kurskoll_domain::ids::EventId;
use kurskoll_intake::profile::{Profile, delivery_key, interpret, read as read_with_trace, shipped};
use kurskoll_intake::request::{Arrival, Headers, RawRequest};
use kurskoll_intake::webhook::excerpt;
use kurskoll_intake::xapi::verb_mapping::VerbMapping;

use super::{check_results, now, parts, text};

const CONTENT_TYPES: [&str; 2] = ["application/json", "application/x-www-form-urlencoded"];
const SECRETS: [&str; 3] =
    ["aVerySecretSecret-0123456789", "key:secret", "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="];

pub fn read(bytes: &[u8]) {
    match parts(bytes)[..] {
        [body] => {
            for name in shipped::NAMES {
                shipped::profile(name).into_iter().for_each(|profile| deliver(profile, body, ""));
            }
        }
        [profile, body, ref headers @ ..] => {
            let written = text(profile);
            if let Err(invalid) = VerbMapping::parse(written) {
                assert!(!invalid.to_string().is_empty());
            }
            match Profile::parse(written) {
                Ok(profile) => deliver(&profile, body, headers.first().map_or("", |headers| text(headers))),
                Err(problems) => assert!(!problems.0.is_empty() && !problems.to_string().is_empty()),
            }
        }
        [] => {}
    }
}

fn deliver(profile: &Profile, body: &[u8], headers: &str) {
    let headers: Headers<'_> = headers.lines().filter_map(|line| line.split_once(": ")).collect();
    let secrets = SECRETS.map(ToOwned::to_owned);
    if let Err(refused) = profile.signing().verify(&secrets, &headers, body, now()) {
        assert!(!refused.to_string().is_empty());
    }
    assert!(profile.stored_headers(&headers).starts_with('{'));
    let key: EventId = delivery_key(body).expect("a digest is a key");
    for content_type in CONTENT_TYPES {
        let reported = RawRequest {
            key: &key,
            platform: "lms",
            headers: headers.clone(),
            content_type,
            body,
            zone: Stockholm,
            arrival: Arrival::at(now()),
        };
        let results = interpret(profile, &reported);
        assert_eq!(read_with_trace(profile, &reported).results, results, "the trace tells otherwise");
        match results {
            Ok(results) => check_results(&results),
            Err(misread) => {
                assert!(!misread.to_string().is_empty());
                let shown = excerpt::excerpt(body, &misread.pointer);
                assert!(shown.offset <= shown.place && shown.place <= body.len());
            }
        }
    }
}
