//! A delivery that a profile reads: whether it is authentic, and what it says.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use crate::app::receiving::receive::{ReceiveError, Receiving, Request, Stored, Trusted};
use crate::domain::ids::EventId;
use crate::domain::training::ReportedResult;
use crate::intake::profile::{NotAuthentic, Profile, RawRequest, Signing, delivery_key, interpret, read};
use crate::intake::webhook::encoding::{self, InflateError};
use crate::intake::webhook::headers::Headers;
use crate::store::platforms::Platform;
use crate::store::receiving::{Content, Delivery};

impl Receiving {
    /// Receives a delivery of a platform that a profile reads; `fresh` where its secrets were read just now.
    pub(in crate::app) async fn receive_foreign(
        &self,
        request: Request<'_>,
        trusted: &Trusted,
        profile: &Profile,
        fresh: bool,
    ) -> Result<Stored, ReceiveError> {
        let now = self.app().now();
        let signing = profile.signing();
        let mut verified = signing.verify(&trusted.stored_secrets, &request.headers, &request.body, now);
        if !fresh && verified.as_ref().is_err_and(|error| error.is_of_the_secret()) {
            // The secret may have been made since.
            let newer = self.read(request.platform).await?;
            verified = signing.verify(&newer.stored_secrets, &request.headers, &request.body, now);
        }
        let off = verified.as_ref().err().and_then(NotAuthentic::seconds_off);
        let holds_at = |now| signing.verify(&trusted.stored_secrets, &request.headers, &request.body, now).is_ok();
        self.heard_time(request.platform, off, holds_at);
        verified.map_err(|error| match signing {
            Signing::Basic => ReceiveError::WrongCredentials(error),
            Signing::StandardWebhooks | Signing::Hmac(_) | Signing::SharedSecret { .. } => {
                ReceiveError::NotAuthentic(error)
            }
        })?;
        self.app().rate_limits.platform_sends(request.platform)?;
        if encoding::plain(&request.body) == Err(InflateError::TooLarge) {
            return Err(ReceiveError::InflatesTooFar);
        }
        let key = delivery_key(&request.body).map_err(|_| ReceiveError::WrongAdapter(request.platform.clone()))?;
        let raw = RawRequest {
            platform: trusted.platform.code.as_str(),
            headers: request.headers.clone(),
            content_type: request.content_type,
            body: &request.body,
            zone: trusted.platform.time_zone,
            received_at: now,
        };
        let content = understand(profile, &raw);
        // Whoever is answered knows an event by its own id, where there is one.
        let event_id = match &content {
            Content::Results(results) if results.len() == 1 => results.first().map(|result| result.event_id.clone()),
            _ => None,
        };
        let delivery = Delivery {
            platform: trusted.platform.id,
            linking_keys: trusted.platform.linking_keys.as_slice().into(),
            key: key.clone(),
            content_type: request.content_type.to_owned(),
            headers: stored_headers(profile, &request.headers),
            is_pulled: false,
            read_by: trusted.profile_version,
            body: request.body,
            content,
        };
        let (platform, events) = (delivery.platform, delivery.content.event_ids());
        let received = self.enqueue(delivery).await?;
        let (received, no_effect) = self.look_at_effect(platform, &events, received).await;
        Ok(Stored { event_id: event_id.unwrap_or(key), received, no_effect })
    }
}

pub(in crate::app) fn understand(profile: &Profile, raw: &RawRequest<'_>) -> Content {
    let body = match encoding::plain(raw.body) {
        Ok(body) => body,
        Err(problem) => return Content::NotUnderstood { pointer: String::new(), problem: problem.to_string() },
    };
    match interpret(profile, &RawRequest { body: &body, ..raw.clone() }) {
        Ok(results) if results.is_empty() => Content::Nothing,
        Ok(results) => Content::Results(results),
        Err(misread) => Content::NotUnderstood { pointer: misread.pointer, problem: misread.fault.to_string() },
    }
}

/// What a kept delivery says, by a profile that may be newer than it.
pub(in crate::app) fn understand_again(
    profile: &Profile,
    platform: &Platform,
    (content_type, headers, body): (&str, &str, &[u8]),
    received_at: DateTime<Utc>,
) -> Content {
    let stored: BTreeMap<String, Option<String>> = serde_json::from_str(headers).unwrap_or_default();
    let raw = RawRequest {
        platform: platform.code.as_str(),
        headers: Headers::stored(&stored),
        content_type,
        body,
        zone: platform.time_zone,
        received_at,
    };
    understand(profile, &raw)
}

/// What each event of a kept delivery says by itself, with its place in the body.
pub(in crate::app) fn understand_each(
    profile: &Profile,
    platform: &Platform,
    (content_type, headers, body): (&str, &str, &[u8]),
    received_at: DateTime<Utc>,
) -> Vec<(String, Result<Vec<ReportedResult>, String>)> {
    let stored: BTreeMap<String, Option<String>> = serde_json::from_str(headers).unwrap_or_default();
    let Ok(body) = encoding::plain(body) else { return Vec::new() };
    let raw = RawRequest {
        platform: platform.code.as_str(),
        headers: Headers::stored(&stored),
        content_type,
        body: &body,
        zone: platform.time_zone,
        received_at,
    };
    let mut met: HashSet<EventId> = HashSet::new();
    let each = read(profile, &raw).events.into_iter().map(|event| {
        let said = event.results.map_err(|misread| misread.fault.to_string());
        let said = said.and_then(|results| {
            let is_repeated = results.iter().any(|result| !met.insert(result.event_id.clone()));
            if is_repeated { Err("has the id of another event of the body".to_owned()) } else { Ok(results) }
        });
        (event.pointer, said)
    });
    each.collect()
}

/// The headers that proved something or that were read, as JSON; never one with a secret in it.
fn stored_headers(profile: &Profile, headers: &Headers<'_>) -> String {
    let secret = profile.signing().secret_header();
    let names = profile.signing().headers_stored().into_iter().chain(profile.headers_read());
    let names = names.filter(|name| !secret.is_some_and(|secret| secret.eq_ignore_ascii_case(name)));
    let stored: BTreeMap<String, Option<&str>> =
        names.map(|name| (name.to_ascii_lowercase(), headers.get(name))).collect();
    serde_json::to_string(&stored).unwrap_or_else(|_| "{}".to_owned())
}
