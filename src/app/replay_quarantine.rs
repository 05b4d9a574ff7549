//! A delivery in quarantine is read again: its kept bytes, with what Kurskoll understands today.

use super::context::Act;
use super::give_profile::profile_of;
use super::receive_delivery::understand;
use super::receive_foreign;
use super::xapi::credentials::XAPI;
use super::xapi::receive::understand_again;
use super::{App, Asker};
use crate::domain::access::{Action, Refused};
use crate::store::receiving::{Delivery, Received};
use crate::store::{StoreError, deliveries, platforms};

/// Why a delivery was not read again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no delivery {0} is in quarantine")]
    NotInQuarantine(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Reads one delivery again; it leaves quarantine where it is understood now.
    pub async fn replay(&self, asker: &Asker, id: i64) -> Result<Received, ReplayError> {
        let grant = asker.grant(Action::Replay)?;
        let connection = self.store.connection();
        let Some((kept, body)) = deliveries::by_id(connection, id).await? else {
            return Err(ReplayError::NotInQuarantine(id));
        };
        if kept.outcome != "quarantined" {
            return Err(ReplayError::NotInQuarantine(id));
        }
        let platforms = platforms::list(connection).await?;
        let platform = platforms.into_iter().find(|platform| platform.id == kept.platform);
        let platform = platform.ok_or(StoreError::Unreadable { table: "delivery", column: "platform_id" })?;
        let now = self.now();
        let content = match profile_of(connection, &platform).await? {
            Some(profile) => {
                receive_foreign::understand_again(&profile, &platform, (&kept.content_type, &kept.headers, &body), now)
            }
            None if platform.adapter == XAPI => understand_again(&kept, &body, &platform.code, self.calendar),
            None => understand(&kept.key, &body, platform.time_zone, now),
        };
        let delivery = Delivery {
            platform: kept.platform,
            linking_keys: platform.linking_keys.as_slice().into(),
            content,
            key: kept.key,
            content_type: kept.content_type,
            headers: kept.headers,
            body,
        };
        let received = self.store.receive(&[delivery], self.calendar, now).await?.pop();
        let received = received.ok_or(StoreError::Unreadable { table: "delivery", column: "id" })?;
        self.look(asker, &grant, Act { action: "delivery.replay", object: &format!("delivery {id}") }).await?;
        Ok(received)
    }

    /// The ids of all deliveries in quarantine, oldest first.
    pub async fn quarantined(&self, asker: &Asker) -> Result<Vec<i64>, ReplayError> {
        asker.grant(Action::Replay)?;
        Ok(deliveries::quarantined(self.store.connection()).await?)
    }
}
