//! Who did it: agents and groups (Data 2.4.2).

use std::borrow::Cow;

use super::fault::{Expected, Fault, Refusal};
use super::input::{Fields, Input};

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
    /// `None` if the group is anonymous: then it is its members.
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

/// The members of an agent.
const OF_AGENT: &[&str] = &["objectType", "name", "mbox", "mbox_sha1sum", "openid", "account"];
/// The members of a group.
const OF_GROUP: &[&str] = &["objectType", "name", "member", "mbox", "mbox_sha1sum", "openid", "account"];

impl<'a> Actor<'a> {
    pub(super) fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        match sent.object_type(Expected::Actor)? {
            None => Agent::read(sent).map(Self::Agent),
            Some((kind, _)) if kind == "Agent" => Agent::read(sent).map(Self::Agent),
            Some((kind, _)) if kind == "Group" => Group::read(sent).map(Self::Group),
            Some((_, place)) => Err(place.refuse(Fault::NotInSet { expected: Expected::ActorType })),
        }
    }

    #[must_use]
    pub const fn name(&self) -> Option<&Cow<'a, str>> {
        match self {
            Self::Agent(agent) => agent.name.as_ref(),
            Self::Group(group) => group.name.as_ref(),
        }
    }

    /// `None` for an anonymous group.
    #[must_use]
    pub const fn identifier(&self) -> Option<&Identifier<'a>> {
        match self {
            Self::Agent(agent) => Some(&agent.identifier),
            Self::Group(group) => group.identifier.as_ref(),
        }
    }
}

impl<'a> Agent<'a> {
    pub(super) fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Agent, OF_AGENT)?;
        fields.object_type_is("Agent", false)?;
        let name = fields.read("name", |name| name.text(Expected::Text))?;
        match Identifier::read(&fields)? {
            Some(identifier) => Ok(Self { name, identifier }),
            None => Err(sent.refuse(Fault::IdentifierCount { count: 0 })),
        }
    }
}

impl<'a> Group<'a> {
    pub(super) fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Group, OF_GROUP)?;
        fields.object_type_is("Group", true)?;
        let name = fields.read("name", |name| name.text(Expected::Text))?;
        let identifier = Identifier::read(&fields)?;
        // Data 2.4.2.2: a group never has groups as its members.
        let members = fields.read("member", |members| members.list(Expected::Array, Agent::read))?;
        match (identifier, members) {
            (None, None) => Err(sent.refuse(Fault::NoMemberInGroup)),
            (identifier, members) => Ok(Self { name, identifier, members: members.unwrap_or_default() }),
        }
    }
}

impl<'a> Identifier<'a> {
    /// The one identifier of an agent or a group, if it has any.
    fn read(fields: &Fields<'_, 'a>) -> Result<Option<Self>, Refusal> {
        let mbox = fields.read("mbox", |mbox| mbox.mbox().map(Self::Mbox))?;
        let sha1 = fields.read("mbox_sha1sum", |digits| digits.sha1().map(Self::MboxSha1Sum))?;
        let open_id = fields.read("openid", |open_id| open_id.iri().map(Self::OpenId))?;
        let account = fields.read("account", |account| Account::read(account).map(Self::Account))?;
        let mut identifiers = [mbox, sha1, open_id, account].into_iter().flatten();
        let first = identifiers.next();
        match identifiers.count() {
            0 => Ok(first),
            more => Err(fields.object().refuse(Fault::IdentifierCount { count: more + 1 })),
        }
    }
}

impl<'a> Account<'a> {
    fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Account, &["homePage", "name"])?;
        Ok(Self {
            home_page: fields.require("homePage", Expected::Iri)?.iri()?,
            name: fields.require("name", Expected::Text)?.text(Expected::Text)?,
        })
    }
}
