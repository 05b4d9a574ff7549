//! What was done: activities (Data 2.4.4.1).

use std::borrow::Cow;
use std::fmt;

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
    pub interaction: Option<Interaction<'a>>,
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
