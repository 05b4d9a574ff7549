//! What exemptions and prior training share at this door: how far they have come, who did it, and why.

use chrono::{DateTime, Utc};
use rocket::State;
use rocket::http::Status;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::employees::propose::{DecideError, ProposalAnswer, ProposalsRequest};
use crate::app::{App, Asker};
use crate::domain::directory::proposal::{self, MatterKind, Proposal};
use crate::domain::ids::EmployeeNumber;
use crate::http::guards::query::Query;
use crate::http::problem::Problem;

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    #[schema(example = "does not work in the field any more")]
    pub(in crate::http::api::v1) reason: String,
}

/// How far something has come that is proposed and decided here, by whom, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecidedView {
    /// `proposed` (waits for somebody else to approve it), `decided` (counts), `rejected` or `withdrawn`.
    #[schema(example = "decided")]
    state: &'static str,
    /// Null where it is another administration's: it was given on a day on which the employee was not the asker's own, and
    /// speaks of others than own days.
    reason: Option<String>,
    proposed_by: String,
    proposed_at: DateTime<Utc>,
    /// Who decided: somebody else than who proposed it, where two must agree.
    decided_by: Option<String>,
    /// From when on it is known and counts.
    decided_at: Option<DateTime<Utc>>,
    /// Who rejected or withdrew it.
    ended_by: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    ended_because: Option<String>,
}

impl From<&Proposal> for DecidedView {
    fn from(proposal: &Proposal) -> Self {
        let Proposal { reason, proposed, decided, ended, .. } = proposal.clone();
        let (ended, ended_because) = ended.unzip();
        let ended_because = ended_because.filter(|because| !because.is_empty());
        Self {
            state: proposal.state().as_str(),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            proposed_by: proposed.by,
            proposed_at: proposed.at,
            decided_at: decided.as_ref().map(|act| act.at),
            decided_by: decided.map(|act| act.by),
            ended_at: ended.as_ref().map(|act| act.at),
            ended_by: ended.map(|act| act.by),
            ended_because,
        }
    }
}

/// The id of a path.
pub(in crate::http::api::v1) fn id(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("nothing of this kind with the id {text} is known here")))
}

/// A page of a kind, and the `before` of the next.
pub(in crate::http::api::v1) async fn list(
    app: &State<App>,
    asker: &Asker,
    kind: MatterKind,
    query: Query,
) -> Result<(Vec<ProposalAnswer>, Option<String>), Problem> {
    let query = query.only(&["employee_number", "state", "limit", "before"])?;
    let state = query.text("state").map(|text| {
        let words = proposal::State::ALL.map(proposal::State::as_str).join(", ");
        proposal::State::parse(text).ok_or_else(|| Problem::bad_request(format!("state={text} is none of: {words}")))
    });
    let at_most = query.limit(100, 500)?;
    let request = ProposalsRequest {
        kind,
        number: query.id("employee_number", EmployeeNumber::parse)?,
        state: state.transpose()?,
        before: query.row("before")?,
        at_most,
    };
    let found = app.list_proposals(asker, &request).await?;
    let next = found.last().filter(|_| found.len() == at_most).map(|last| last.proposal.id.to_string());
    Ok((found, next))
}

impl From<DecideError> for Problem {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Refused(refused) => Self::forbidden(refused.to_string()),
            DecideError::UnknownEmployee(_) | DecideError::Unknown(_) => Self::not_found(error.to_string()),
            DecideError::UnknownRequirement(_) => {
                Self::unprocessable("unknown-requirement", error.to_string()).with_pointer("/requirement")
            }
            DecideError::InTheFuture(_) => {
                Self::unprocessable("not-understood", error.to_string()).with_pointer("/completed_on")
            }
            DecideError::Known(id) => Self::conflict("known-already", error.to_string()).with_member("id", id),
            DecideError::SamePerson { .. } => {
                let title = "Two persons must agree";
                Self::new(Status::Conflict, "same-person", title, error.to_string())
            }
            DecideError::NotInThatState { .. } => Self::conflict("not-in-that-state", error.to_string()),
            DecideError::Store(error) => Self::internal(&error),
        }
    }
}
