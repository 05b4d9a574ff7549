//! The effect of a stored delivery: if it has none, the response says so, and why.

use crate::app::receiving::receive::Receiving;
use crate::domain::compliance::effect::{Effect, NoEffect, effect_of};
use crate::domain::ids::{EventId, PlatformId};
use crate::domain::receiving::Received;
use crate::store::Unscoped;
use crate::store::revocations::around;

impl Receiving {
    /// Looks up the effect of a stored delivery's results, if it is doubtful.
    ///
    /// Returns what became of it, and why it has no effect if it has none. It is stored in any case.
    pub(in crate::app) async fn look_at_effect(
        &self,
        platform: PlatformId,
        events: &[EventId],
        received: Received,
    ) -> (Received, Option<NoEffect>) {
        if !matches!(
            received,
            Received::Accepted { is_doubtful: true, .. } | Received::Duplicate { is_doubtful: true, .. }
        ) {
            return (received, None);
        }
        let connection = self.app().store.connection(Unscoped::Receiving);
        let mut none = None;
        for event_id in events {
            let around = match around(connection, (platform, event_id), self.app().calendar).await {
                Ok(around) => around,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the effect of a delivery was not looked up"
                    );
                    return (received, None);
                }
            };
            match around.and_then(|around| effect_of(&around.results, (platform, event_id))) {
                Some(Effect::None(why)) => none = none.or(Some(why)),
                // Reported again after it was withdrawn.
                Some(Effect::Some { is_anew: true })
                    if matches!(received, Received::Duplicate { is_stored: true, .. }) =>
                {
                    let linked = matches!(received, Received::Duplicate { linked: true, .. });
                    return (Received::Accepted { new: 1, linked, is_doubtful: true }, None);
                }
                Some(Effect::Some { .. } | Effect::Repeats) | None => return (received, None),
            }
        }
        (received, none)
    }
}
