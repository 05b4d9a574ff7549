//! xAPI statements are received: authenticated by the endpoint, understood by the intake, and stored before the
//! response.

use uuid::Uuid;

use crate::app::receiving::readers::StoredRequest;
use crate::app::receiving::receive::{ReceiveError, Receiving};
use crate::domain::ids::EventId;
use crate::domain::receiving::Received;
use crate::intake::adapter::Form;
use crate::intake::request::Arrival;
pub use crate::intake::xapi::Version;
pub use crate::intake::xapi::multipart::is_multipart;
use crate::store::credentials::Credential;

/// Statements that an authenticated sender sent.
#[derive(Debug)]
pub struct Statements<'a> {
    pub caller: &'a Credential,
    pub version: Version,
    pub content_type: &'a str,
    /// The id that a `PUT` names.
    pub put: Option<Uuid>,
    pub body: Vec<u8>,
}

/// Statements that are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStatements {
    /// Their ids, in the order of the request.
    pub ids: Vec<Uuid>,
    /// What became of the delivery.
    pub received: Received,
}

/// Why statements were refused; one refuses all that were sent with it.
#[derive(Debug, thiserror::Error)]
pub enum StatementsError {
    /// The request is in quarantine as this delivery.
    #[error("{problem}")]
    NotUnderstood {
        /// Where in the body (RFC 6901); in an array, the statement's place comes first.
        pointer: String,
        problem: String,
        delivery: i64,
    },
    #[error("the statement {0} is stored and says something else: that one stays; send what is new under a new id")]
    Conflict(EventId),
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}

impl Receiving {
    /// Receives statements; when this returns `Ok`, they are durable.
    pub async fn receive_statements(&self, sent: Statements<'_>) -> Result<StoredStatements, StatementsError> {
        let code = &sent.caller.platform.code;
        self.app().rate_limits.platform_sends(code).map_err(ReceiveError::from)?;
        let (trusted, _) = self.trust(code).await?;
        let request = StoredRequest {
            key: EventId::of_uuid(Uuid::now_v7()),
            content_type: sent.content_type.to_owned(),
            headers: Form { version: sent.version, put: sent.put }.stored(),
            body: sent.body,
        };
        let delivery = trusted.platform.deliver_again(request, Arrival::at(self.app().now()));
        let ids = delivery.content.statements().iter().map(|statement| statement.id).collect();
        match self.enqueue(delivery).await? {
            Received::Quarantined { delivery, pointer, problem } => {
                Err(StatementsError::NotUnderstood { pointer, problem, delivery })
            }
            Received::EventConflict(id) => Err(StatementsError::Conflict(id)),
            received => Ok(StoredStatements { ids, received }),
        }
    }
}
