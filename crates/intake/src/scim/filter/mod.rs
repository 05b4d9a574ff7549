//! Filters (RFC 7644, section 3.4.2.2): the whole grammar, read into a tree, and printed as it would be read again.
//!
//! `parser` reads, [`bound`] binds names to the schema, and a bound filter is evaluated on resources.

pub mod bound;
mod lexer;
mod parser;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Number, Value};

use super::path::AttributePath;

pub use bound::{Bound, Lookup};

/// The longest filter that is read, in bytes.
pub const LONGEST: usize = 8 * 1024;
/// How deep parentheses, brackets and `not` may nest.
pub const DEEPEST: usize = 32;
/// How many comparisons a filter may have.
pub const MOST_TERMS: usize = 256;

/// Why a text is no filter. Places are counted in characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("the filter is longer than {LONGEST} bytes")]
    TooLong,
    #[error("the filter nests deeper than {DEEPEST} levels")]
    TooDeep,
    #[error("the filter has more than {MOST_TERMS} comparisons")]
    TooManyTerms,
    #[error("at character {at} of the filter: {expected} is expected")]
    Expected { at: usize, expected: &'static str },
    #[error(
        "at character {at} of the filter: a text in double quotes does not end, or has an escape that JSON does not know"
    )]
    BrokenText { at: usize },
    #[error("at character {at} of the filter: {character:?} belongs to no filter")]
    Character { at: usize, character: char },
    #[error("{0} is no attribute here: /Schemas lists them")]
    UnknownAttribute(String),
    #[error("{attribute} cannot be compared with {operator}: it is {kind}")]
    NotComparable { attribute: String, operator: &'static str, kind: &'static str },
    #[error("{attribute} is {kind}, and is compared with something else")]
    WrongLiteral { attribute: String, kind: &'static str },
    #[error("{0} has no parts that a filter in brackets could name")]
    NoParts(String),
}

/// How a comparison compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Operator {
    pub const ALL: [Self; 9] = [
        Self::Equal,
        Self::NotEqual,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Less,
        Self::LessOrEqual,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Text(String),
    Number(Number),
    Boolean(bool),
    Null,
}

/// A filter as it was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of two or more.
    And(Vec<Filter>),
    /// Any of two or more.
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Present(AttributePath),
    Compare(AttributePath, Operator, Literal),
    /// `emails[type eq "work" and value co "@example.org"]`.
    Within(AttributePath, Box<Filter>),
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parser::parse(text)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Value::String(text.clone()).fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Null => f.write_str("null"),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, terms: &[Self], word: &str, binds: fn(&Self) -> bool| {
            for (place, term) in terms.iter().enumerate() {
                if place > 0 {
                    write!(f, " {word} ")?;
                }
                if binds(term) { write!(f, "{term}")? } else { write!(f, "({term})")? }
            }
            Ok(())
        };
        match self {
            Self::And(terms) => joined(f, terms, "and", |term| !matches!(term, Self::And(_) | Self::Or(_))),
            Self::Or(terms) => joined(f, terms, "or", |term| !matches!(term, Self::Or(_))),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Compare(path, operator, literal) => write!(f, "{path} {} {literal}", operator.as_str()),
            Self::Within(path, inner) => write!(f, "{path}[{inner}]"),
        }
    }
}
