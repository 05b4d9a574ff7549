//! What administrators decide of a result by hand: that it is withdrawn, or that it counts whatever the platform revokes.

use chrono::NaiveDate;

use super::{LinkedResult, ResultKind, Revokes};
use crate::domain::approval::{Act, State};
use crate::domain::ids::{EventId, PlatformId};

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Withdraw,
    Restore,
}

impl Verdict {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Withdraw => "withdraw",
            Self::Restore => "restore",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Withdraw, Self::Restore].into_iter().find(|verdict| verdict.as_str() == word)
    }
}

/// A decision about one result, as kept. Where two must agree it counts for nothing until somebody else approves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultDecision {
    pub id: i64,
    pub platform: PlatformId,
    pub event_id: EventId,
    pub verdict: Verdict,
    pub reason: String,
    pub proposed: Act,
    /// From when it counts; `None`: nobody has decided.
    pub decided: Option<Act>,
    /// Since when it does not any more, and why.
    pub ended: Option<(Act, String)>,
}

impl ResultDecision {
    #[must_use]
    pub const fn state(&self) -> State {
        match (&self.decided, &self.ended) {
            (None, None) => State::Proposed,
            (Some(_), None) => State::Decided,
            (None, Some(_)) => State::Rejected,
            (Some(_), Some(_)) => State::Withdrawn,
        }
    }

    /// Whether somebody may approve it: somebody else than who proposed it.
    #[must_use]
    pub fn may_be_approved_by(&self, subject: &str) -> bool {
        self.proposed.by != subject
    }

    /// The decision among the results of whoever the decided result is; nothing where it does not count. It is named `hand:` and its id.
    #[must_use]
    pub fn as_result(&self, of: &LinkedResult) -> Option<LinkedResult> {
        let decided = self.decided.as_ref()?;
        let counts = self.verdict == Verdict::Restore;
        Some(LinkedResult {
            platform: self.platform,
            event_id: EventId::parse(&format!("hand:{}", self.id)).ok()?,
            target: of.target.clone(),
            kind: ResultKind::Revocation(Revokes::ByHand { event_id: self.event_id.clone(), counts }),
            occurred_at: decided.at,
            reported_at: None,
            // A decision withdraws nothing by its day.
            day: NaiveDate::MIN,
        })
    }
}
