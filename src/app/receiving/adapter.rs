//! How a platform speaks: in Kurskoll's own payloads, in xAPI, or in its own words, which a profile translates.

use std::fmt;

use crate::app::receiving::receive::NATIVE;
use crate::intake::profile::shipped;

/// A platform's adapter, as it is kept and as commands name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapter {
    /// Standard Webhooks with Kurskoll's own payloads.
    Native,
    /// The xAPI door; it sends no webhooks.
    Xapi,
    /// Webhooks as a shipped profile says, until the platform is given one of its own.
    Shipped(&'static str),
    /// Webhooks as the platform's own profile says.
    Profile,
}

/// The adapter of platforms at the xAPI door.
pub const XAPI: &str = "xapi";
/// The adapter of platforms that are given a profile of their own.
pub const PROFILE: &str = "profile";

/// Why a text names no adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the adapters are {NATIVE}, {XAPI}, {PROFILE} (with --profile FILE), and the shipped profiles {}", shipped::NAMES.join(", "))]
pub struct UnknownAdapter;

impl Adapter {
    pub fn parse(text: &str) -> Result<Self, UnknownAdapter> {
        match text {
            NATIVE => Ok(Self::Native),
            XAPI => Ok(Self::Xapi),
            PROFILE => Ok(Self::Profile),
            name => shipped::name(name).map(Self::Shipped).ok_or(UnknownAdapter),
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => NATIVE,
            Self::Xapi => XAPI,
            Self::Shipped(name) => name,
            Self::Profile => PROFILE,
        }
    }

    /// Whether what the platform sends is read by a profile.
    #[must_use]
    pub const fn has_profile(self) -> bool {
        matches!(self, Self::Shipped(_) | Self::Profile)
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Adapter {
    type Err = UnknownAdapter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
