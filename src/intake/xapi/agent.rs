//! Who did it: agents and groups (Data 2.4.2).

use std::borrow::Cow;

/// Who acts, or is acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor<'a> {
    Agent(Agent<'a>),
    Group(Group<'a>),
}

/// One person or system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent<'a> {
    pub name: Option<Cow<'a, str>>,
    pub identifier: Identifier<'a>,
}

/// Several agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    pub name: Option<Cow<'a, str>>,
    /// `None` where the group is anonymous: then it is its members.
    pub identifier: Option<Identifier<'a>>,
    pub members: Vec<Agent<'a>>,
}

/// An inverse functional identifier: what is one agent's, or one identified group's, alone (Data 2.4.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier<'a> {
    /// With its scheme: `mailto:kim@example.org`.
    Mbox(Cow<'a, str>),
    /// Forty hexadecimal digits as they were sent: the SHA-1 of an mbox.
    MboxSha1Sum(Cow<'a, str>),
    OpenId(Cow<'a, str>),
    Account(Account<'a>),
}

/// A user account on a system (Data 2.4.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account<'a> {
    pub home_page: Cow<'a, str>,
    pub name: Cow<'a, str>,
}
