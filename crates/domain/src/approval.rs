//! The state of something that one person proposes and another approves.

use chrono::{DateTime, Utc};

/// Who acted on a proposal, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub by: String,
    pub at: DateTime<Utc>,
}

/// The state of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for another person's approval.
    Proposed,
    /// Counts.
    Decided,
    /// Ended without ever having counted.
    Rejected,
    /// Counted once, but no longer does.
    Withdrawn,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Proposed, Self::Decided, Self::Rejected, Self::Withdrawn];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Decided => "decided",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
