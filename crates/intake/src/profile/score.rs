//! Scores in the forms in which platforms send them: raw of max (above min), scaled, percent.

use rust_decimal::Decimal;

use super::fault::ReadingFault;
use crate::webhook::fault::Fault;
use kurskoll_domain::training::{InvalidDecimal, Score, decimal_from_text};

/// The numbers that an event gives for its score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) raw: Option<Decimal>,
    pub(super) min: Option<Decimal>,
    pub(super) max: Option<Decimal>,
    pub(super) scaled: Option<Decimal>,
    pub(super) is_from_minus_one: bool,
    pub(super) percent: Option<Decimal>,
}

/// Which of the numbers a score's fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Raw,
    Max,
    Scaled,
}

/// Reads a number from its digits, with a decimal comma where the platform has one.
pub(super) fn number(text: &str, decimal_comma: bool) -> Result<Decimal, ReadingFault> {
    let invalid = |invalid| ReadingFault::Payload(Fault::InvalidDecimal(invalid));
    if !decimal_comma {
        return decimal_from_text(text).map_err(invalid);
    }
    // Where a comma parts the decimals, a point would part thousands: 1.234 would be read as a little more than 1.
    if text.contains('.') && text.contains(',') {
        return Err(invalid(InvalidDecimal::NotANumber));
    }
    decimal_from_text(&text.replace(',', ".")).map_err(invalid)
}

impl Numbers {
    /// The score; raw with its max is believed before scaled, and that before percent.
    pub(super) fn score(self) -> Result<Option<Score>, (Which, ReadingFault)> {
        if let (Some(raw), Some(max)) = (self.raw, self.max) {
            let min = self.min.unwrap_or_default();
            let (points, of) = (difference(raw, min), difference(max, min));
            let points = points.map_err(|fault| (Which::Raw, fault))?;
            let of = of.map_err(|fault| (Which::Max, fault))?;
            let empty_range =
                if min.is_zero() { Fault::FullScoreNotPositive.into() } else { ReadingFault::NoRoomForAScore };
            return Score::new(points, of).map(Some).map_err(|_| (Which::Max, empty_range));
        }
        if let Some(scaled) = self.scaled {
            if scaled.abs() > Decimal::ONE {
                return Err((Which::Scaled, Fault::ScaledBeyondOne.into()));
            }
            let (points, of) =
                if self.is_from_minus_one { (scaled + Decimal::ONE, Decimal::TWO) } else { (scaled, Decimal::ONE) };
            return Ok(Score::new(points, of).ok());
        }
        if let Some(percent) = self.percent {
            return Ok(Score::new(percent, Decimal::ONE_HUNDRED).ok());
        }
        if self.raw.is_some() { Err((Which::Raw, Fault::RawWithoutMax.into())) } else { Ok(None) }
    }
}

/// What is left of a number of at most twenty digits after another such, and not rounded.
fn difference(number: Decimal, less: Decimal) -> Result<Decimal, ReadingFault> {
    if less.is_zero() {
        return Ok(number);
    }
    let exact = number.checked_sub(less).and_then(|left| decimal_from_text(&left.normalize().to_string()).ok());
    // Twenty digits before and twenty behind the point do not fit into one decimal: then the sum would not give it
    // back.
    exact
        .filter(|left| left.checked_add(less) == Some(number))
        .ok_or(ReadingFault::Payload(Fault::InvalidDecimal(InvalidDecimal::TooManyDigits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Option<Decimal> {
        (!text.is_empty()).then(|| number(text, false).expect("a number"))
    }

    fn outcome(numbers: Numbers) -> String {
        match numbers.score() {
            Ok(Some(score)) => format!("{} of {}", score.points(), score.of()),
            Ok(None) => "none".to_owned(),
            Err((which, fault)) => format!("{which:?} {fault}").split(':').next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn raw_with_its_max_is_believed_before_scaled_and_that_before_percent() {
        // raw, min, max, scaled, from minus one, percent
        for (raw, min, max, scaled, is_from_minus_one, percent, expected) in [
            ("17", "", "20", "0.1", false, "3", "17 of 20"),
            ("50", "0", "100", "0.0", true, "", "50 of 100"),
            ("15", "10", "20", "", false, "", "5 of 10"),
            ("-5", "-10", "10", "", false, "", "5 of 20"),
            ("17", "", "", "0.85", false, "", "0.85 of 1"),
            ("", "", "20", "0.5", true, "", "1.5 of 2"),
            ("", "", "", "", false, "85", "85 of 100"),
            ("", "", "20", "", false, "", "none"),
            ("17", "", "", "", false, "", "Raw has raw points but not the max that they are out of"),
            ("17", "20", "20", "", false, "", "Max has min and max that no score lies between"),
            ("17", "", "0", "", false, "", "Max must be greater than 0"),
            ("", "", "", "85", false, "", "Scaled is more than the whole"),
            (
                "0.00000000000000000001",
                "99999999999999999999",
                "1",
                "",
                false,
                "",
                "Raw has more than 20 significant digits",
            ),
        ] {
            let numbers = Numbers {
                raw: decimal(raw),
                min: decimal(min),
                max: decimal(max),
                scaled: decimal(scaled),
                is_from_minus_one,
                percent: decimal(percent),
            };
            assert_eq!(outcome(numbers), expected, "{numbers:?}");
        }
    }

    #[test]
    fn a_decimal_comma_is_one_where_the_profile_says_so() {
        assert_eq!(number("87,5", true), number("87.5", false));
        assert!(number("87,5", false).is_err());
        assert!(number("1.087,5", true).is_err());
    }
}
