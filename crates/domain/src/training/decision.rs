//! Administrators' decisions by hand about a result: it is withdrawn, or it counts even if the platform revokes it.

use chrono::NaiveDate;

use super::{LinkedResult, ResultKind, Revokes};
use crate::approval::{Act, State};
use crate::ids::{EventId, PlatformId};

/// The decision.
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

/// A stored decision about one result. If two must agree it counts only when another person approves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultDecision {
    pub id: i64,
    pub platform: PlatformId,
    pub event_id: EventId,
    pub verdict: Verdict,
    pub reason: String,
    pub proposed: Act,
    /// From when it counts; `None`: not decided.
    pub decided: Option<Act>,
    /// From when it no longer counts, and why.
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

    /// Whether a person may approve it: anyone except the proposer.
    #[must_use]
    pub fn may_be_approved_by(&self, subject: &str) -> bool {
        self.proposed.by != subject
    }

    /// The decision as one of the results of the same person; `None` if it does not count. Its name is `hand:` and its
    /// id.
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
            // A decision has no effect by its day.
            day: NaiveDate::MIN,
        })
    }
}
