//! What is withdrawn if a platform takes a completion back and names no event: the platform's profile says it.

use kurskoll_domain::training::Revokes;

/// What an *un-completed* without a name withdraws (DESIGN, "Evidence"): it is a reset more often than a correction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Withdraws {
    /// What was done on its own day or the day before.
    #[default]
    Recent,
    /// All that was done up to then.
    All,
    Nothing,
}

impl Withdraws {
    /// The values that a profile may have.
    pub const WORDS: [&str; 3] = ["recent", "all", "nothing"];

    /// What a profile's value means.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "recent" => Some(Self::Recent),
            "all" => Some(Self::All),
            "nothing" => Some(Self::Nothing),
            _ => None,
        }
    }

    /// What is withdrawn; `None` where nothing is.
    #[must_use]
    pub const fn revokes(self) -> Option<Revokes> {
        match self {
            Self::Recent => Some(Revokes::Recent),
            Self::All => Some(Revokes::UpTo),
            Self::Nothing => None,
        }
    }
}
