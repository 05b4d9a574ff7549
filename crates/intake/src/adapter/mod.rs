//! How a platform's requests are read: one place that turns a request into what it says.
//!
//! A platform has an [`Adapter`], and by it a [`Reader`]: a profile of webhooks (a shipped one, such as `native`, or
//! its own), or the verb mapping of its xAPI statements. Receiving, replaying, reading again, pulling and verifying all
//! call [`Reader::understand`], so that a stored delivery says what it said when it arrived.

mod file;
mod reader;
mod statements;
mod trace;

use std::fmt;

pub use reader::Reader;
pub use statements::{Form, place_in_array};

use crate::profile::shipped;
use kurskoll_domain::receiving::NewStatement;
use kurskoll_domain::training::ReportedResult;

/// A platform's adapter, as it is stored and as commands name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapter {
    /// The xAPI endpoint; the platform sends no webhooks.
    Xapi,
    /// Webhooks as a shipped profile reads them, until the platform is given one of its own.
    Shipped(&'static str),
    /// Webhooks as the platform's own profile reads them.
    Profile,
}

/// The adapter of platforms that send Kurskoll's own payloads: a shipped profile.
pub const NATIVE: &str = shipped::NATIVE;
/// The adapter of platforms that send xAPI statements.
pub const XAPI: &str = "xapi";
/// The adapter of platforms that are given a profile of their own.
pub const PROFILE: &str = "profile";

/// Why a text names no adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the adapters are {XAPI}, {PROFILE} (with --profile FILE), and the shipped profiles {}", shipped::NAMES.join(", "))]
pub struct UnknownAdapter;

impl Adapter {
    pub fn parse(text: &str) -> Result<Self, UnknownAdapter> {
        match text {
            XAPI => Ok(Self::Xapi),
            PROFILE => Ok(Self::Profile),
            name => shipped::name(name).map(Self::Shipped).ok_or(UnknownAdapter),
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xapi => XAPI,
            Self::Shipped(name) => name,
            Self::Profile => PROFILE,
        }
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

/// One statement or event of a body, read by itself.
#[derive(Debug)]
pub struct Part {
    /// Where in the body (RFC 6901): the part itself, or what is wrong in it.
    pub pointer: String,
    pub content: Result<PartContent, String>,
}

/// What one statement or event says.
#[derive(Debug)]
pub enum PartContent {
    Statement(Box<NewStatement>, Vec<ReportedResult>),
    Results(Vec<ReportedResult>),
}
