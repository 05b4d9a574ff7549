//! Deliveries as they were received: listed, and shown down to their bytes.

use super::context::Act;
use super::{App, Asker};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::{EventId, PlatformCode};
use crate::intake::webhook::encoding;
use crate::store::deliveries::{self, DeliveryFilter};
use crate::store::{StoreError, platforms};

pub use crate::store::deliveries::KeptDelivery;

/// Which deliveries somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct DeliveriesRequest {
    /// `accepted`, `ignored` or `quarantined`.
    pub outcome: Option<String>,
    pub platform: Option<PlatformCode>,
    /// The sender's id of the delivery, or of an event that it told.
    pub sent_as: Option<EventId>,
    pub before: Option<i64>,
    pub at_most: u64,
}

/// Why no delivery was shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowDeliveriesError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error("no delivery has the id {0}")]
    UnknownDelivery(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A body as text, inflated where it came compressed; nothing where it is no text.
#[must_use]
pub fn text_of(body: &[u8]) -> Option<String> {
    String::from_utf8(encoding::plain(body).ok()?.into_owned()).ok()
}

impl App {
    /// Deliveries from the newest on.
    pub async fn list_deliveries(
        &self,
        asker: &Asker,
        request: &DeliveriesRequest,
    ) -> Result<Vec<KeptDelivery>, ShowDeliveriesError> {
        let grant = asker.grant(Action::ReadDeliveries)?;
        let connection = self.store.connection();
        let platform = match &request.platform {
            None => None,
            Some(code) => {
                let platform = platforms::by_code(connection, code).await?;
                Some(platform.ok_or_else(|| ShowDeliveriesError::UnknownPlatform(code.clone()))?.id)
            }
        };
        let DeliveriesRequest { outcome, sent_as, before, .. } = request.clone();
        let filter = DeliveryFilter { outcome, platform, sent_as, before };
        let found = deliveries::list(connection, &filter, request.at_most).await?;
        self.look(asker, &grant, Act { action: "deliveries.read", object: "deliveries" }).await?;
        Ok(found)
    }

    /// One delivery with its bytes.
    pub async fn show_delivery(&self, asker: &Asker, id: i64) -> Result<(KeptDelivery, Vec<u8>), ShowDeliveriesError> {
        let grant = asker.grant(Action::ReadDeliveries)?;
        let found = deliveries::by_id(self.store.connection(), id).await?;
        let found = found.ok_or(ShowDeliveriesError::UnknownDelivery(id))?;
        self.look(asker, &grant, Act { action: "delivery.read", object: &format!("delivery {id}") }).await?;
        Ok(found)
    }
}
