//! Deliveries as they were received: listed, and shown down to their bytes.

use crate::app::directory::import::digest_of;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::{EventId, PlatformCode};
use crate::domain::report::protection::ReadText;
use crate::intake::webhook::encoding;
use crate::store::deliveries::{self, DeliveryFilter};
use crate::store::{Act, Connection, StoreError, platforms, protection};

pub use crate::store::deliveries::StoredDelivery;

/// Which deliveries are requested.
#[derive(Debug, Clone, Default)]
pub struct DeliveriesRequest {
    /// `accepted`, `ignored` or `quarantined`.
    pub outcome: Option<String>,
    pub platform: Option<PlatformCode>,
    /// The sender's id of the delivery, or of one of its events.
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
        caller: &Caller,
        request: &DeliveriesRequest,
    ) -> Result<Vec<StoredDelivery>, ShowDeliveriesError> {
        let grant = caller.grant(Action::ReadDeliveries)?;
        let reading = self.begin_read(caller, &grant, Act { action: "deliveries.read", object: "deliveries" }).await?;
        let connection = reading.connection();
        let platform = match &request.platform {
            None => None,
            Some(code) => {
                let platform = platforms::by_code(connection, code).await?;
                Some(platform.ok_or_else(|| ShowDeliveriesError::UnknownPlatform(code.clone()))?.id)
            }
        };
        let DeliveriesRequest { outcome, sent_as, before, .. } = request.clone();
        let filter = DeliveryFilter { outcome, platform, sent_as, before };
        Ok(deliveries::list(connection, reading.scope(), &filter, request.at_most).await?)
    }

    /// One delivery with its bytes; without them where they speak of somebody with protected personal data.
    pub async fn show_delivery(
        &self,
        caller: &Caller,
        id: i64,
    ) -> Result<(StoredDelivery, ShownBody), ShowDeliveriesError> {
        let grant = caller.grant(Action::ReadDeliveries)?;
        let object = format!("delivery {id}");
        let reading = self.begin_read(caller, &grant, Act { action: "delivery.read", object: &object }).await?;
        let connection = reading.connection();
        let found = deliveries::by_id(connection, reading.scope(), id).await?;
        let (stored, body) = found.ok_or(ShowDeliveriesError::UnknownDelivery(id))?;
        let shown = match self.speaks_of_protected(connection, id, &body).await? {
            true => ShownBody::Withheld { digest: digest_of(&body) },
            false => ShownBody::Whole(body),
        };
        Ok((stored, shown))
    }

    /// Whether a delivery speaks of somebody whose personal data are protected now: some result of it is theirs, or the
    /// body has what they are called or known by. Whoever nobody knows to be protected cannot be found.
    async fn speaks_of_protected(
        &self,
        connection: &impl Connection,
        id: i64,
        body: &[u8],
    ) -> Result<bool, StoreError> {
        let verb_mapping = protection::protected_words(connection).await?;
        if verb_mapping.is_empty() {
            return Ok(false);
        }
        let owners = deliveries::owners(connection, id).await?;
        if !protection::protected_among(connection, &owners).await?.is_empty() {
            return Ok(true);
        }
        let plain = encoding::plain(body).unwrap_or_default();
        let text = ReadText::of(&String::from_utf8_lossy(&plain));
        Ok(verb_mapping.iter().any(|verb_mapping| verb_mapping.are_in(&text)))
    }
}

/// What is shown of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShownBody {
    Whole(Vec<u8>),
    /// It speaks of somebody with protected personal data, and is shown to nobody.
    Withheld {
        /// SHA-256 of the bytes, to compare them.
        digest: String,
    },
}
