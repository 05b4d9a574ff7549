//! Ids of events and deliveries that the platform gives none.

use sha2::{Digest as _, Sha256};

use chrono::{DateTime, Utc};
use kurskoll_domain::ids::{EventId, InvalidId};
use kurskoll_domain::linking::LearnerKeys;
use kurskoll_domain::training::{ResultKind, Target};

/// How ids begin that are made of what they name.
const PREFIX: &str = "sha256-";

/// The key of a delivery: by its bytes alone, so that a resend is known whatever its profile says by then.
///
/// No event has it as its id, for a platform's own ids are looked for among the events and derived ones are of other
/// content; so every event id of these deliveries is looked up before it is taken (`foreign_event_ids` in the store).
pub fn delivery_key(body: &[u8]) -> Result<EventId, InvalidId> {
    EventId::parse(&format!("body-{PREFIX}{}", hex::encode(Sha256::digest(body))))
}

/// The id of an event that has none: of platform, learner, kind, target, attempt, instant and what it says.
pub(super) fn derived(
    platform: &str,
    learner: &LearnerKeys,
    target: &Target,
    kind: &ResultKind,
    occurred_at: DateTime<Utc>,
) -> String {
    let mut digest = Sha256::new();
    let mut add = |part: &str| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    };
    add(platform);
    for identity in learner.identities() {
        for part in [identity.key.as_str(), &identity.value, &identity.home_page] {
            add(part);
        }
    }
    match target {
        Target::Course(course) => [add("course"), add(course.as_str())],
        Target::Quiz(quiz) => [add("quiz"), add(quiz.as_str())],
    };
    add(&occurred_at.timestamp_micros().to_string());
    match kind {
        ResultKind::Completion => add("completion"),
        ResultKind::Attempt { number, score, passed, name: _ } => {
            add("attempt");
            add(&number.map(|number| number.to_string()).unwrap_or_default());
            let score = score.map(|score| (score.points().normalize(), score.of().normalize()));
            add(&score.map(|(points, of)| format!("{points}/{of}")).unwrap_or_default());
            add(match passed {
                None => "",
                Some(true) => "passed",
                Some(false) => "failed",
            });
        }
        ResultKind::Revocation(revokes) => {
            add("revocation");
            add(revokes.event_id().map_or("", EventId::as_str));
        }
    }
    format!("{PREFIX}{}", hex::encode(digest.finalize()))
}

/// Whether an id looks like the key of a delivery, which no event may have.
pub(super) fn is_delivery_key(id: &str) -> bool {
    id.starts_with("body-") && id.strip_prefix("body-").is_some_and(|rest| rest.starts_with(PREFIX))
}
