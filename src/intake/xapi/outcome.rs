//! How it went: the `result` of a statement (Data 2.4.5).

use std::borrow::Cow;

use super::text::{Duration, Extensions};
use crate::intake::json::Number;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<'a> {
    pub score: Option<Score<'a>>,
    pub success: Option<bool>,
    pub completion: Option<bool>,
    pub response: Option<Cow<'a, str>>,
    pub duration: Option<Duration<'a>>,
    pub extensions: Option<Extensions<'a>>,
}

/// A score in the digits that were sent, with however many of them (Data 2.4.5.1). [`Number::decimal`] gives those that
/// can be reckoned with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score<'a> {
    /// From -1 to 1.
    pub scaled: Option<Number<'a>>,
    /// From `min` to `max`, where there are any.
    pub raw: Option<Number<'a>>,
    /// Less than `max`.
    pub min: Option<Number<'a>>,
    pub max: Option<Number<'a>>,
}
