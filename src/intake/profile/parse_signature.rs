//! TOML into how a platform signs.

use chrono::TimeDelta;

use super::fault::ProfileFault;
use super::model::{Encoding, HmacSigning, SignedPart, SignedTime, Signing};
use super::parse::{Reader, Section};

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

impl<'t> Reader<'t> {
    pub(super) fn signing(&mut self, section: Section<'_, 't>) -> Option<Signing> {
        let scheme = match section.get("scheme") {
            Some(value) => self.word(value, "signature.scheme", &SCHEMES)?,
            None => self.missing(section, "scheme")?,
        };
        let keys: &[&'static str] = match scheme {
            "hmac-sha256" => &HMAC_KEYS,
            "shared-secret" => &SHARED_SECRET_KEYS,
            _ => &["scheme"],
        };
        for name in section.table.keys().filter(|name| !keys.contains(&name.get_ref().as_ref())) {
            let is_of_another = HMAC_KEYS.contains(&name.get_ref().as_ref());
            let fault = if is_of_another {
                ProfileFault::NotOfScheme { scheme }
            } else {
                ProfileFault::UnknownKey { known: keys.to_vec() }
            };
            self.note::<()>(name.span().start, &section.name_of(name.get_ref()), fault);
        }
        match scheme {
            "standard-webhooks" => Some(Signing::StandardWebhooks),
            "basic" => Some(Signing::Basic),
            "shared-secret" => {
                let header = self.required_header(section);
                let prefix = self.prefix(section)?;
                Some(Signing::SharedSecret { header: header?, prefix })
            }
            _ => self.hmac(section).map(Signing::Hmac),
        }
    }

    fn required_header(&mut self, section: Section<'_, 't>) -> Option<String> {
        match section.get("header") {
            Some(value) => self.header(value, "signature.header"),
            None => self.missing(section, "header"),
        }
    }

    fn prefix(&mut self, section: Section<'_, 't>) -> Option<String> {
        section.get("prefix").map_or(Some(String::new()), |value| self.text(value, "signature.prefix"))
    }

    fn hmac(&mut self, section: Section<'_, 't>) -> Option<HmacSigning> {
        let header = self.required_header(section);
        let prefix = self.prefix(section);
        let encoding = match section.get("encoding") {
            Some(value) => self.word(value, "signature.encoding", &["hex", "base64"]),
            None => self.missing(section, "encoding"),
        };
        let key =
            section.get("key").map_or(Some("text"), |value| self.word(value, "signature.key", &["text", "base64"]));
        let timestamp = match section.get("timestamp_header") {
            None => {
                for name in ["timestamp_unit", "tolerance_seconds"] {
                    if section.get(name).is_some() {
                        self.missing::<()>(section, "timestamp_header");
                    }
                }
                Some(None)
            }
            Some(value) => self.header(value, "signature.timestamp_header").and_then(|header| {
                let unit = section.get("timestamp_unit").map_or(Some("seconds"), |value| {
                    self.word(value, "signature.timestamp_unit", &["seconds", "milliseconds"])
                })?;
                let tolerance = section.get("tolerance_seconds").map_or(Some(DEFAULT_TOLERANCE_SECONDS), |value| {
                    self.number(value, "signature.tolerance_seconds", 1, MAX_TOLERANCE_SECONDS)
                })?;
                let tolerance = TimeDelta::seconds(i64::from(tolerance));
                Some(Some(SignedTime { header, in_milliseconds: unit == "milliseconds", tolerance }))
            }),
        };
        let signed = match section.get("signed") {
            None => Some(vec![SignedPart::Body]),
            Some(value) => {
                let template = self.text(value, "signature.signed")?;
                let parts = parts(&template);
                let times = parts.iter().filter(|part| **part == SignedPart::Timestamp).count();
                let bodies = parts.iter().filter(|part| **part == SignedPart::Body).count();
                if bodies != 1 || (times > 0 && section.get("timestamp_header").is_none()) {
                    self.note(value.span().start, "signature.signed", ProfileFault::NotATemplate)
                } else {
                    Some(parts)
                }
            }
        };
        let (timestamp, signed) = (timestamp?, signed?);
        if timestamp.is_some() && !signed.contains(&SignedPart::Timestamp) {
            // A time that is not signed is whatever who sends a delivery again says.
            return self.note(section.at, "signature.timestamp_header", ProfileFault::TimestampNotSigned);
        }
        Some(HmacSigning {
            header: header?,
            prefix: prefix?,
            encoding: if encoding? == "hex" { Encoding::Hex } else { Encoding::Base64 },
            key_is_decoded: key? == "base64",
            signed,
            timestamp,
        })
    }
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
