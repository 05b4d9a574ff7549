//! A query by `GET statements` (Communication 2.1.3): its parameters, read strictly.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::forms;
use super::read_actor;
use super::terms::{Reach, Term};
use super::version::Version;
use crate::iri::is_iri;

/// The parameters that there are.
pub const PARAMETERS: [&str; 14] = [
    "statementId",
    "voidedStatementId",
    "agent",
    "verb",
    "activity",
    "registration",
    "related_activities",
    "related_agents",
    "since",
    "until",
    "limit",
    "format",
    "attachments",
    "ascending",
];

/// The form in which statements are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// What identifies agents, activities and verbs, and no more.
    Ids,
    /// As they were sent.
    #[default]
    Exact,
    /// With the definitions that the store knows, each text in one language.
    Canonical,
}

/// What the query is for.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementQuery {
    One(One),
    Many(Many),
}

/// One statement by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct One {
    pub id: Uuid,
    /// Whether it is to be one that is voided.
    pub voided: bool,
    pub format: Format,
    pub attachments: bool,
}

/// Statements by what they say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Many {
    /// All of them must fit, each as near as it says or nearer.
    pub terms: Vec<(Term, Reach)>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Nothing: as many as the store chooses to give.
    pub limit: Option<u64>,
    pub format: Format,
    pub attachments: bool,
    pub ascending: bool,
}

/// Why a query is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    #[error("there is no parameter {0:.60?} here: those that there are, in their own case, are {known}", known = PARAMETERS.join(", "))]
    Unknown(String),
    #[error("the parameter {0} comes twice: send it once")]
    Twice(&'static str),
    #[error("the parameter {parameter} {why}")]
    Malformed { parameter: &'static str, why: String },
    #[error("statementId and voidedStatementId go with format and attachments alone, and not with each other or {0}")]
    NotTogether(&'static str),
}

struct Parameters<'a>([Option<&'a str>; PARAMETERS.len()]);

impl<'a> Parameters<'a> {
    fn read(sent: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, QueryFault> {
        let mut read = Self([None; PARAMETERS.len()]);
        for (name, value) in sent {
            let place = PARAMETERS.iter().position(|known| *known == name);
            let place = place.ok_or_else(|| QueryFault::Unknown(name.to_owned()))?;
            match (read.0.get_mut(place), PARAMETERS.get(place)) {
                (Some(Some(_)), Some(name)) => return Err(QueryFault::Twice(name)),
                (Some(free), _) => *free = Some(value),
                (None, _) => {}
            }
        }
        Ok(read)
    }

    fn text(&self, name: &'static str) -> Option<&'a str> {
        PARAMETERS.iter().position(|known| *known == name).and_then(|place| self.0.get(place).copied().flatten())
    }

    fn parsed<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Result<Option<T>, QueryFault> {
        let parsed = self.text(name).map(parse).transpose();
        parsed.map_err(|why| QueryFault::Malformed { parameter: name, why })
    }

    fn boolean(&self, name: &'static str) -> Result<bool, QueryFault> {
        let parsed = self.parsed(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("is neither true nor false: send one of them".to_owned()),
        });
        Ok(parsed?.unwrap_or(false))
    }

    fn uuid(&self, name: &'static str) -> Result<Option<Uuid>, QueryFault> {
        self.parsed(name, |text| {
            forms::uuid(text).ok_or_else(|| "is no UUID of RFC 4122 in its standard form".to_owned())
        })
    }

    fn iri(&self, name: &'static str) -> Result<Option<String>, QueryFault> {
        self.parsed(
            name,
            |text| {
                if is_iri(text) { Ok(text.to_owned()) } else { Err("is no IRI with its scheme".to_owned()) }
            },
        )
    }

    fn instant(&self, name: &'static str, version: Version) -> Result<Option<DateTime<Utc>>, QueryFault> {
        self.parsed(name, |text| forms::timestamp(text, version).map_err(|fault| fault.to_string()))
    }
}

/// Reads the parameters of a query, each name and value decoded.
pub fn read<'a>(
    sent: impl IntoIterator<Item = (&'a str, &'a str)>,
    version: Version,
) -> Result<StatementQuery, QueryFault> {
    let parameters = Parameters::read(sent)?;
    let format = parameters.parsed("format", |text| match text {
        "ids" => Ok(Format::Ids),
        "exact" => Ok(Format::Exact),
        "canonical" => Ok(Format::Canonical),
        _ => Err("is none of ids, exact and canonical: send one of them".to_owned()),
    })?;
    let (format, attachments) = (format.unwrap_or_default(), parameters.boolean("attachments")?);
    let one = match (parameters.uuid("statementId")?, parameters.uuid("voidedStatementId")?) {
        (Some(_), Some(_)) => return Err(QueryFault::NotTogether("each other")),
        (Some(id), None) => Some((id, false)),
        (None, Some(id)) => Some((id, true)),
        (None, None) => None,
    };
    if let Some((id, voided)) = one {
        let alone = ["statementId", "voidedStatementId", "format", "attachments"];
        let other = PARAMETERS.iter().find(|name| !alone.contains(name) && parameters.text(name).is_some());
        return match other {
            Some(other) => Err(QueryFault::NotTogether(other)),
            None => Ok(StatementQuery::One(One { id, voided, format, attachments })),
        };
    }
    let (related_agents, related_activities) =
        (parameters.boolean("related_agents")?, parameters.boolean("related_activities")?);
    let reach = |related| if related { Reach::Related } else { Reach::Direct };
    let agent = parameters.parsed("agent", |text| {
        let actor = read_actor(text, version).map_err(|refusal| format!("is no agent: {refusal}"))?;
        let identifier = actor.identifier().ok_or("is an anonymous group, which identifies nobody")?;
        Ok(Term::agent(identifier))
    })?;
    let terms = [
        agent.map(|agent| (agent, reach(related_agents))),
        parameters.iri("verb")?.map(|verb| (Term::Verb(verb), Reach::Direct)),
        parameters.iri("activity")?.map(|activity| (Term::Activity(activity), reach(related_activities))),
        parameters.uuid("registration")?.map(|registration| (Term::Registration(registration), Reach::Direct)),
    ];
    let limit = parameters.parsed("limit", |text| {
        text.parse::<u64>().map_err(|_| "is no whole number from 0 on: send one, 0 for as many as may be".to_owned())
    })?;
    Ok(StatementQuery::Many(Many {
        terms: terms.into_iter().flatten().collect(),
        since: parameters.instant("since", version)?,
        until: parameters.instant("until", version)?,
        limit: limit.filter(|limit| *limit > 0),
        format,
        attachments,
        ascending: parameters.boolean("ascending")?,
    }))
}
