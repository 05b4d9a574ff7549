//! What was done: activities (Data 2.4.4.1).

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use super::fault::{Expected, Fault, Refusal};
use super::input::{Fields, Input};
use super::text::{Extensions, LanguageMap};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity<'a> {
    /// An IRI.
    pub id: Cow<'a, str>,
    pub definition: Option<Definition<'a>>,
}

/// What the sender says that an activity is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition<'a> {
    /// The object as it was sent.
    pub raw: &'a str,
    pub name: Option<LanguageMap<'a>>,
    pub description: Option<LanguageMap<'a>>,
    pub kind: Option<Cow<'a, str>>,
    pub more_info: Option<Cow<'a, str>>,
    pub interaction: Option<Box<Interaction<'a>>>,
    pub extensions: Option<Extensions<'a>>,
}

/// A question or task of a kind that SCORM knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction<'a> {
    pub kind: InteractionType,
    pub correct_responses: Vec<Cow<'a, str>>,
    pub choices: Vec<Component<'a>>,
    pub scale: Vec<Component<'a>>,
    pub source: Vec<Component<'a>>,
    pub target: Vec<Component<'a>>,
    pub steps: Vec<Component<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InteractionType {
    TrueFalse,
    Choice,
    FillIn,
    LongFillIn,
    Matching,
    Performance,
    Sequencing,
    Likert,
    Numeric,
    Other,
}

impl InteractionType {
    /// The value as the standard writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrueFalse => "true-false",
            Self::Choice => "choice",
            Self::FillIn => "fill-in",
            Self::LongFillIn => "long-fill-in",
            Self::Matching => "matching",
            Self::Performance => "performance",
            Self::Sequencing => "sequencing",
            Self::Likert => "likert",
            Self::Numeric => "numeric",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for InteractionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of the things that an interaction lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component<'a> {
    pub id: Cow<'a, str>,
    pub description: Option<LanguageMap<'a>>,
}

/// The members of a definition.
const OF_DEFINITION: &[&str] = &[
    "name",
    "description",
    "type",
    "moreInfo",
    "extensions",
    "interactionType",
    "correctResponsesPattern",
    "choices",
    "scale",
    "source",
    "target",
    "steps",
];

impl<'a> Activity<'a> {
    pub(super) fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Activity, &["objectType", "id", "definition"])?;
        fields.object_type_is("Activity", false)?;
        Ok(Self {
            id: fields.require("id", Expected::Iri)?.iri()?,
            definition: fields.read("definition", Definition::read)?,
        })
    }
}

impl<'a> Definition<'a> {
    fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Definition, OF_DEFINITION)?;
        Ok(Self {
            raw: sent.raw(),
            name: fields.read("name", Input::language_map)?,
            description: fields.read("description", Input::language_map)?,
            kind: fields.read("type", Input::iri)?,
            more_info: fields.read("moreInfo", Input::iri)?,
            interaction: Interaction::read(&fields)?.map(Box::new),
            extensions: fields.read("extensions", Input::extensions)?,
        })
    }
}

impl<'a> Interaction<'a> {
    /// The lists that an interaction may have, in the standard's order.
    const LISTS: [&'static str; 5] = ["choices", "scale", "source", "target", "steps"];

    /// The interaction that a definition describes; its members are among the definition's own.
    fn read(fields: &Fields<'_, 'a>) -> Result<Option<Self>, Refusal> {
        let Some(kind) = fields.read("interactionType", InteractionType::read)? else {
            let because =
                std::iter::once("correctResponsesPattern").chain(Self::LISTS).find(|name| fields.get(name).is_some());
            return match because {
                Some(because) => Err(fields.refuse_member("interactionType", Fault::NoInteractionType { because })),
                None => Ok(None),
            };
        };
        let list = |name| {
            let components = fields.read(name, |list| {
                if kind.lists().contains(&name) {
                    Component::read_list(list)
                } else {
                    Err(list.refuse(Fault::WrongComponents { kind }))
                }
            })?;
            Ok(components.unwrap_or_default())
        };
        let patterns = fields.read("correctResponsesPattern", |patterns| {
            patterns.list(Expected::Array, |pattern| pattern.text(Expected::Text))
        })?;
        Ok(Some(Self {
            kind,
            correct_responses: patterns.unwrap_or_default(),
            choices: list("choices")?,
            scale: list("scale")?,
            source: list("source")?,
            target: list("target")?,
            steps: list("steps")?,
        }))
    }
}

impl InteractionType {
    const ALL: [Self; 10] = [
        Self::TrueFalse,
        Self::Choice,
        Self::FillIn,
        Self::LongFillIn,
        Self::Matching,
        Self::Performance,
        Self::Sequencing,
        Self::Likert,
        Self::Numeric,
        Self::Other,
    ];

    fn read(sent: Input<'_, '_>) -> Result<Self, Refusal> {
        let text = sent.text(Expected::InteractionType)?;
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or_else(|| sent.refuse(Fault::NotInSet { expected: Expected::InteractionType }))
    }

    /// Which lists go with it: the table of Data 2.4.4.1, "Interaction Components".
    const fn lists(self) -> &'static [&'static str] {
        match self {
            Self::Choice | Self::Sequencing => &["choices"],
            Self::Likert => &["scale"],
            Self::Matching => &["source", "target"],
            Self::Performance => &["steps"],
            Self::TrueFalse | Self::FillIn | Self::LongFillIn | Self::Numeric | Self::Other => &[],
        }
    }
}

impl<'a> Component<'a> {
    /// Components of which no two have one id.
    fn read_list(sent: Input<'_, 'a>) -> Result<Vec<Self>, Refusal> {
        let mut ids = HashSet::new();
        sent.list(Expected::Array, |component| {
            let fields = component.fields(Expected::Component, &["id", "description"])?;
            let place = fields.require("id", Expected::Text)?;
            let id = place.text(Expected::Text)?;
            if !ids.insert(id.clone()) {
                return Err(place.refuse(Fault::RepeatedComponent));
            }
            Ok(Self { id, description: fields.read("description", Input::language_map)? })
        })
    }
}
