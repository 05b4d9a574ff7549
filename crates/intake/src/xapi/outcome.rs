//! How it went: the `result` of a statement (Data 2.4.5).

use std::borrow::Cow;

use super::fault::{Expected, Fault, Refusal};
use super::input::Input;
use super::text::{Duration, Extensions};
use crate::json::Number;

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
/// can be computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score<'a> {
    /// From -1 to 1.
    pub scaled: Option<Number<'a>>,
    /// From `min` to `max`, if there are any.
    pub raw: Option<Number<'a>>,
    /// Less than `max`.
    pub min: Option<Number<'a>>,
    pub max: Option<Number<'a>>,
}

/// The members of a result.
const OF_RESULT: &[&str] = &["score", "success", "completion", "response", "duration", "extensions"];

impl<'a> Outcome<'a> {
    pub(super) fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Object, OF_RESULT)?;
        Ok(Self {
            score: fields.read("score", Score::read)?,
            success: fields.read("success", Input::bool)?,
            completion: fields.read("completion", Input::bool)?,
            response: fields.read("response", |response| response.text(Expected::Text))?,
            duration: fields.read("duration", Input::duration)?,
            extensions: fields.read("extensions", Input::extensions)?,
        })
    }
}

impl<'a> Score<'a> {
    fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Object, &["scaled", "raw", "min", "max"])?;
        let number = |name| fields.read(name, Input::number);
        let score = Self { scaled: number("scaled")?, raw: number("raw")?, min: number("min")?, max: number("max")? };
        score.fault().map_or(Ok(score), |(name, fault)| Err(fields.refuse_member(name, fault)))
    }

    /// What is wrong between the numbers, and with which.
    fn fault(&self) -> Option<(&'static str, Fault)> {
        let exceeds = |left: Option<Number<'_>>, right: Option<Number<'_>>| {
            left.zip(right).is_some_and(|(left, right)| left.compare(&right).is_gt())
        };
        let is_out = exceeds(Some(Number::MINUS_ONE), self.scaled) || exceeds(self.scaled, Some(Number::ONE));
        let min_reaches_max = self.min.zip(self.max).is_some_and(|(min, max)| min.compare(&max).is_ge());
        if is_out {
            Some(("scaled", Fault::ScaledOutOfRange))
        } else if min_reaches_max {
            Some(("min", Fault::MinNotBelowMax))
        } else if exceeds(self.min, self.raw) {
            Some(("raw", Fault::RawBelowMin))
        } else if exceeds(self.raw, self.max) {
            Some(("raw", Fault::RawAboveMax))
        } else {
            None
        }
    }
}
