//! What a statement can be found by (Communication 2.1.3, the parameters of `GET statements`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use uuid::Uuid;

use super::activity::Activity;
use super::agent::{Account, Actor, Agent, Group, Identifier};
use super::context::Context;
use super::object::{Object, SubStatement};
use super::statement::Statement;

/// One thing that can be queried. Two are equal when the standard says that they are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// An agent or an identified group, by [`canonical`] of its identifier.
    Agent(String),
    /// An IRI.
    Verb(String),
    /// An IRI.
    Activity(String),
    Registration(Uuid),
}

/// How near a term is to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Found by `agent` or `activity` alone.
    Direct,
    /// Found if `related_agents` or `related_activities` is true.
    Related,
}

impl Term {
    /// What the parameter `agent` names.
    #[must_use]
    pub fn agent(identifier: &Identifier<'_>) -> Self {
        Self::Agent(canonical(identifier))
    }
}

/// An identifier in the one form that all of its spellings have. An e-mail's domain and hexadecimal digits are in lower
/// case; the part before the @ is the domain's own affair (RFC 5321, section 2.4), and accounts and OpenIDs compare as
/// they are (RFC 3987, section 5.3.1).
#[must_use]
pub fn canonical(identifier: &Identifier<'_>) -> String {
    match identifier {
        Identifier::Mbox(mbox) => {
            let address = mbox.split_once(':').map_or(mbox.as_ref(), |(_, address)| address);
            match address.rsplit_once('@') {
                Some((local, domain)) => format!("mailto:{local}@{}", domain.to_lowercase()),
                None => format!("mailto:{address}"),
            }
        }
        Identifier::MboxSha1Sum(digits) => format!("sha1:{}", digits.to_ascii_lowercase()),
        Identifier::OpenId(open_id) => format!("openid:{open_id}"),
        Identifier::Account(Account { home_page, name }) => {
            let mut account = String::with_capacity(home_page.len() + name.len() + 12);
            // With its length in front, no home page can run into the name. Writing to a text cannot fail.
            let _ = write!(account, "account:{}:{home_page}{name}", home_page.len());
            account
        }
    }
}

/// All that a statement can be found by, each once and as near as it is, in order.
///
/// * `authority`: the one that the LRS set, which takes precedence over the statement's own.
#[must_use]
pub fn terms(statement: &Statement<'_>, authority: Option<&Actor<'_>>) -> Vec<(Term, Reach)> {
    let mut found = Found::default();
    found.actor(&statement.actor, Reach::Direct);
    found.add(Term::Verb(statement.verb.id.to_string()), Reach::Direct);
    found.object(&statement.object, Reach::Direct);
    if let Some(context) = &statement.context {
        found.context(context);
        if let Some(registration) = context.registration {
            found.add(Term::Registration(registration), Reach::Direct);
        }
    }
    if let Some(authority) = authority {
        found.actor(authority, Reach::Related);
    }
    found.0.into_iter().collect()
}

#[derive(Default)]
struct Found(BTreeMap<Term, Reach>);

impl Found {
    fn add(&mut self, term: Term, reach: Reach) {
        let nearest = self.0.entry(term).or_insert(reach);
        *nearest = reach.min(*nearest);
    }

    fn agent(&mut self, agent: &Agent<'_>, reach: Reach) {
        self.add(Term::agent(&agent.identifier), reach);
    }

    /// "Groups that have members which match the specified Agent … are considered a match."
    fn group(&mut self, group: &Group<'_>, reach: Reach) {
        if let Some(identifier) = &group.identifier {
            self.add(Term::agent(identifier), reach);
        }
        for member in &group.members {
            self.agent(member, reach);
        }
    }

    fn actor(&mut self, actor: &Actor<'_>, reach: Reach) {
        match actor {
            Actor::Agent(agent) => self.agent(agent, reach),
            Actor::Group(group) => self.group(group, reach),
        }
    }

    fn activity(&mut self, Activity { id, .. }: &Activity<'_>, reach: Reach) {
        self.add(Term::Activity(Cow::clone(id).into_owned()), reach);
    }

    fn object(&mut self, object: &Object<'_>, reach: Reach) {
        match object {
            Object::Activity(activity) => self.activity(activity, reach),
            Object::Agent(agent) => self.agent(agent, reach),
            Object::Group(group) => self.group(group, reach),
            Object::StatementRef(_) => {}
            Object::SubStatement(sub_statement) => self.sub_statement(sub_statement),
        }
    }

    fn sub_statement(&mut self, sub_statement: &SubStatement<'_>) {
        self.actor(&sub_statement.actor, Reach::Related);
        self.object(&sub_statement.object, Reach::Related);
        if let Some(context) = &sub_statement.context {
            self.context(context);
        }
    }

    fn context(&mut self, context: &Context<'_>) {
        if let Some(instructor) = &context.instructor {
            self.actor(instructor, Reach::Related);
        }
        if let Some(team) = &context.team {
            self.group(team, Reach::Related);
        }
        for activity in context.activities.iter() {
            self.activity(activity, Reach::Related);
        }
        for agent in &context.agents {
            self.agent(&agent.agent, Reach::Related);
        }
        for group in &context.groups {
            self.group(&group.group, Reach::Related);
        }
    }
}

#[cfg(test)]
mod tests;
