//! TOML into how a platform signs.

use chrono::TimeDelta;

use super::fault::ProfileFault;
use super::model::{Encoding, HmacSigning, SignedPart, SignedTime, Signing};
use super::parse::{Table, Value};
use super::parse_fields::header;
use crate::toml::TomlFault;

const SCHEMES: [&str; 4] = ["standard-webhooks", "hmac-sha256", "shared-secret", "basic"];
const HMAC_KEYS: [&str; 9] = [
    "scheme",
    "header",
    "prefix",
    "encoding",
    "key",
    "signed",
    "timestamp_header",
    "timestamp_unit",
    "tolerance_seconds",
];
const SHARED_SECRET_KEYS: [&str; 3] = ["scheme", "header", "prefix"];

const TIMESTAMP: &str = "{timestamp}";
const BODY: &str = "{body}";
/// As long as for Standard Webhooks, and at the most a day.
const DEFAULT_TOLERANCE_SECONDS: u32 = 300;
const MAX_TOLERANCE_SECONDS: u32 = 86_400;

pub(super) fn signing(table: &Table<'_>) -> Option<Signing> {
    let scheme = table.required("scheme", |value| value.word(&SCHEMES))?;
    let keys: &[&'static str] = match scheme {
        "hmac-sha256" => &HMAC_KEYS,
        "shared-secret" => &SHARED_SECRET_KEYS,
        _ => &["scheme"],
    };
    table.only_or(keys, |name, known| {
        if HMAC_KEYS.contains(&name) {
            ProfileFault::NotOfScheme { scheme }
        } else {
            TomlFault::UnknownKey(known).into()
        }
    });
    match scheme {
        "standard-webhooks" => Some(Signing::StandardWebhooks),
        "basic" => Some(Signing::Basic),
        "shared-secret" => {
            let header = table.required("header", header);
            let prefix = table.optional_or("prefix", "", |value| value.text());
            Some(Signing::SharedSecret { header: header?, prefix: prefix?.to_owned() })
        }
        _ => hmac(table).map(Signing::Hmac),
    }
}

fn hmac(table: &Table<'_>) -> Option<HmacSigning> {
    let header_name = table.required("header", header);
    let prefix = table.optional_or("prefix", "", |value| value.text());
    let encoding = table.required("encoding", |value| value.word(&["hex", "base64"]));
    let key = table.optional_or("key", "text", |value| value.word(&["text", "base64"]));
    let timestamp = signed_time(table);
    let signed =
        table.optional_or("signed", vec![SignedPart::Body], |value| template(value, table.has("timestamp_header")));
    let (timestamp, signed) = (timestamp?, signed?);
    if timestamp.is_some() && !signed.contains(&SignedPart::Timestamp) {
        // A time that is not signed is whatever who sends a delivery again says.
        return table.note_key("timestamp_header", ProfileFault::TimestampNotSigned);
    }
    Some(HmacSigning {
        header: header_name?,
        prefix: prefix?.to_owned(),
        encoding: if encoding? == "hex" { Encoding::Hex } else { Encoding::Base64 },
        key_is_decoded: key? == "base64",
        signed,
        timestamp,
    })
}

fn signed_time(table: &Table<'_>) -> Option<Option<SignedTime>> {
    let of_time = ["timestamp_unit", "tolerance_seconds"];
    if !table.has("timestamp_header") && of_time.into_iter().any(|name| table.has(name)) {
        return table.missing("timestamp_header");
    }
    table.optional("timestamp_header", |value| {
        let header = header(value);
        let unit = table.optional_or("timestamp_unit", "seconds", |value| value.word(&["seconds", "milliseconds"]));
        let tolerance = table.optional_or("tolerance_seconds", DEFAULT_TOLERANCE_SECONDS, |value| {
            value.number(1, MAX_TOLERANCE_SECONDS)
        });
        let tolerance = TimeDelta::seconds(i64::from(tolerance?));
        Some(SignedTime { header: header?, in_milliseconds: unit? == "milliseconds", tolerance })
    })
}

fn template(value: Value<'_>, has_timestamp: bool) -> Option<Vec<SignedPart>> {
    let parts = parts(value.text()?);
    let times = parts.iter().filter(|part| **part == SignedPart::Timestamp).count();
    let bodies = parts.iter().filter(|part| **part == SignedPart::Body).count();
    if bodies != 1 || (times > 0 && !has_timestamp) { value.note(ProfileFault::NotATemplate) } else { Some(parts) }
}

/// A template in its parts.
fn parts(template: &str) -> Vec<SignedPart> {
    let mut parts = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let next = [(TIMESTAMP, SignedPart::Timestamp), (BODY, SignedPart::Body)]
            .into_iter()
            .filter_map(|(mark, part)| rest.find(mark).map(|at| (at, mark, part)))
            .min_by_key(|(at, _, _)| *at);
        let Some((at, mark, part)) = next else {
            parts.push(SignedPart::Literal(rest.to_owned()));
            break;
        };
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            parts.push(SignedPart::Literal(before.to_owned()));
        }
        parts.push(part);
        rest = after.strip_prefix(mark).unwrap_or_default();
    }
    parts
}
