//! Shows what waits in quarantine: why, at which place in the body, and what the body has there.

use chrono::{DateTime, Utc};

use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::PlatformCode;
use crate::domain::quarantine::{Group, grouped};
use crate::intake::webhook::encoding;
use crate::intake::webhook::excerpt::{Excerpt, excerpt};
use crate::store::platforms::{self, Platform};
use crate::store::quarantine::{self, Dismissal, From, QuarantineFilter};
use crate::store::{Act, StoreError, Unscoped};

/// Which deliveries are requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuarantineRequest {
    pub platform: Option<PlatformCode>,
    /// A problem, in which `…` matches any text.
    pub problem: Option<String>,
    /// Received at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Dismissed deliveries instead of the others.
    pub dismissed: bool,
}

/// A delivery that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedDelivery {
    pub id: i64,
    pub platform: PlatformCode,
    /// The sender's id of the delivery.
    pub sent_as: String,
    pub received_at: DateTime<Utc>,
    /// The place in the body (RFC 6901).
    pub pointer: String,
    pub problem: String,
    pub excerpt: Excerpt,
    pub dismissal: Option<Dismissal>,
    pub size: u64,
}

/// Why nothing was shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowQuarantineError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The requested filter; the code as an error if no platform has it.
pub(in crate::app) fn filter_of<'a>(
    wanted: &QuarantineRequest,
    mut platforms: impl Iterator<Item = &'a Platform>,
) -> Result<QuarantineFilter, PlatformCode> {
    let platform = match &wanted.platform {
        None => None,
        Some(code) => {
            let found = platforms.find(|platform| platform.code == *code);
            Some(found.ok_or_else(|| code.clone())?.id)
        }
    };
    let QuarantineRequest { problem, since, dismissed, .. } = wanted.clone();
    Ok(QuarantineFilter { platform, problem, since, dismissed })
}

impl App {
    /// Deliveries that wait, newest first, each with the part of the body that was not understood.
    pub async fn list_quarantine(
        &self,
        caller: &Caller,
        wanted: &QuarantineRequest,
        before: Option<i64>,
        at_most: u64,
    ) -> Result<Vec<QuarantinedDelivery>, ShowQuarantineError> {
        let grant = caller.grant(Action::ReadDeliveries)?;
        let reading = self.begin_read(caller, &grant, Act { action: "quarantine.read", object: "quarantine" }).await?;
        let connection = reading.connection();
        let platforms = platforms::list(connection).await?;
        let filter = filter_of(wanted, platforms.iter()).map_err(ShowQuarantineError::UnknownPlatform)?;
        let mut shown = Vec::new();
        for waiting in quarantine::page(connection, reading.scope(), &filter, From::Before(before), at_most).await? {
            let platform = platforms.iter().find(|platform| platform.id == waiting.platform);
            let platform = platform.ok_or(StoreError::Unreadable { table: "delivery", column: "platform_id" })?;
            shown.push(QuarantinedDelivery {
                id: waiting.id,
                platform: platform.code.clone(),
                sent_as: waiting.key.to_string(),
                received_at: waiting.received_at,
                excerpt: excerpt(&encoding::plain(&waiting.body).unwrap_or_default(), &waiting.pointer),
                pointer: waiting.pointer,
                problem: waiting.problem,
                dismissal: waiting.dismissal,
                size: waiting.body.len() as u64,
            });
        }
        Ok(shown)
    }

    /// The waiting deliveries, by problem; the problem with the most deliveries first.
    pub async fn group_quarantine(
        &self,
        caller: &Caller,
        wanted: &QuarantineRequest,
    ) -> Result<Vec<Group>, ShowQuarantineError> {
        // A problem names members and places, and may repeat a member's name as it was sent.
        let grant = caller.grant(Action::ReadDeliveries)?;
        let entry = Act { action: "quarantine.read", object: "quarantine groups" };
        let snapshot = self.begin_read(caller, &grant, entry).await?;
        let platforms = platforms::list(snapshot.connection()).await?;
        let filter = filter_of(wanted, platforms.iter()).map_err(ShowQuarantineError::UnknownPlatform)?;
        let groups = quarantine::groups(snapshot.connection(), snapshot.scope(), &filter).await?;
        Ok(grouped(groups))
    }

    /// How many wait.
    pub async fn count_quarantine(
        &self,
        caller: &Caller,
        wanted: &QuarantineRequest,
    ) -> Result<u64, ShowQuarantineError> {
        caller.grant(Action::ReadDeliveries)?;
        let connection = self.store.connection(Unscoped::Receiving);
        let platforms = platforms::list(connection).await?;
        let filter = filter_of(wanted, platforms.iter()).map_err(ShowQuarantineError::UnknownPlatform)?;
        Ok(quarantine::count(connection, &filter).await?)
    }
}
