//! Scores as exact decimals: parsed from the sent digits, compared without rounding.

use rust_decimal::{Decimal, RoundingStrategy};

/// The most significant digits that a score may have, so that comparing with a pass mark is exact.
const MAX_DIGITS: usize = 20;

/// Why a text is not a decimal number that can be computed with exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDecimal {
    #[error("is not a decimal number such as 17 or \"17.5\"")]
    NotANumber,
    #[error("has more than {MAX_DIGITS} significant digits")]
    TooManyDigits,
    #[error("must be greater than 0")]
    NotPositive,
    #[error("must be greater than 0 and at most 1")]
    NotAShare,
}

/// Reads a decimal from the digits that were sent, `1.75e1` included.
pub fn decimal_from_text(text: &str) -> Result<Decimal, InvalidDecimal> {
    let text = text.trim();
    if text.len() > 64 || !text.bytes().any(|b| b.is_ascii_digit()) || text.contains('_') {
        return Err(InvalidDecimal::NotANumber);
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    // Decimal::from_scientific would round after the 28th decimal.
    if mantissa.split_once('.').is_some_and(|(_, decimals)| decimals.len() > 28) {
        return Err(InvalidDecimal::TooManyDigits);
    }
    let digits = mantissa.trim_start_matches(['-', '+', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    if digits > MAX_DIGITS {
        return Err(InvalidDecimal::TooManyDigits);
    }
    let value = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).map_err(|_| InvalidDecimal::NotANumber)?
    } else {
        Decimal::from_str_exact(text).map_err(|_| InvalidDecimal::NotANumber)?
    };
    let value = value.normalize();
    let magnitude = value.mantissa().unsigned_abs().to_string().len();
    if magnitude > MAX_DIGITS || value.scale() > 20 { Err(InvalidDecimal::TooManyDigits) } else { Ok(value) }
}

/// The greatest decimal that has one decimal.
const MOST_PERCENT: Decimal = Decimal::from_parts(u32::MAX, u32::MAX, u32::MAX, false, 1);

/// Points reached of points possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Score {
    points: Decimal,
    of: Decimal,
}

impl Score {
    /// `points` of `of`; the full score must be more than 0.
    pub fn new(points: Decimal, of: Decimal) -> Result<Self, InvalidDecimal> {
        if of > Decimal::ZERO { Ok(Self { points, of }) } else { Err(InvalidDecimal::NotPositive) }
    }

    #[must_use]
    pub const fn points(&self) -> Decimal {
        self.points
    }

    #[must_use]
    pub const fn of(&self) -> Decimal {
        self.of
    }

    /// Whether the score reaches a pass mark, compared exactly: 0.8 of 15 is reached by 12, not by 11.99.
    #[must_use]
    pub fn reaches(&self, mark: PassMark) -> bool {
        // At most 20 digits times at most 8: within the 28 that a Decimal holds exactly.
        self.of.checked_mul(mark.0).is_some_and(|needed| self.points >= needed)
    }

    /// The share of the full score, for ordering attempts by their score. A share out of range becomes the greatest
    /// decimal, or the least.
    #[must_use]
    pub fn share(&self) -> Decimal {
        let beyond = if self.points.is_sign_negative() { Decimal::MIN } else { Decimal::MAX };
        self.points.checked_div(self.of).unwrap_or(beyond)
    }

    /// The share in percent with one decimal, half away from zero; limited to the greatest decimal with one.
    #[must_use]
    pub fn percent(&self) -> Decimal {
        let share = self.share();
        let beyond = if share.is_sign_negative() { -MOST_PERCENT } else { MOST_PERCENT };
        let percent = share.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(beyond);
        one_decimal(percent.clamp(-MOST_PERCENT, MOST_PERCENT))
    }
}

/// Rounds to one decimal, half away from zero, and shows it: `87` becomes `87.0`.
#[must_use]
pub fn one_decimal(value: Decimal) -> Decimal {
    let mut rounded = value.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(1);
    rounded
}

/// The share of the full score that passes a quiz: more than 0, at most 1, at most eight decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PassMark(Decimal);

impl PassMark {
    pub fn new(share: Decimal) -> Result<Self, InvalidDecimal> {
        let share = share.normalize();
        if share.scale() > 8 {
            Err(InvalidDecimal::TooManyDigits)
        } else if share > Decimal::ZERO && share <= Decimal::ONE {
            Ok(Self(share))
        } else {
            Err(InvalidDecimal::NotAShare)
        }
    }

    #[must_use]
    pub const fn share(&self) -> Decimal {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        decimal_from_text(text).expect("a decimal")
    }

    fn score(points: &str, of: &str) -> Score {
        Score::new(decimal(points), decimal(of)).expect("a score")
    }

    #[test]
    fn a_mark_is_compared_exactly() {
        let mark = PassMark::new(decimal("0.8")).expect("a mark");
        assert!(score("12", "15").reaches(mark));
        assert!(!score("11.99", "15").reaches(mark));
        assert!(score("0.8", "1").reaches(mark));
        assert!(!score("0.79999999999999999999", "1").reaches(mark));
        assert!(score("80", "100").reaches(mark));
        assert!(!score("-3", "15").reaches(mark));
    }

    #[test]
    fn a_score_is_read_from_the_digits_that_were_sent() {
        assert_eq!(decimal("1.75e1"), decimal("17.5"));
        assert_eq!(decimal("00.80"), decimal("0.8"));
        assert_eq!(decimal_from_text("0.123456789012345678901"), Err(InvalidDecimal::TooManyDigits));
        assert_eq!(decimal_from_text("0.00000000000000000000000000001e28"), Err(InvalidDecimal::TooManyDigits));
        for text in ["", "abc", "1e", "1,5", "NaN", "inf", "1e400", "1_000", "--1"] {
            assert!(decimal_from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_percentage_has_one_decimal_half_away_from_zero() {
        assert_eq!(score("1", "3").percent().to_string(), "33.3");
        assert_eq!(score("0.6665", "1").percent().to_string(), "66.7");
        assert_eq!(score("0.1225", "1").percent().to_string(), "12.3");
        assert_eq!(score("1", "1").percent().to_string(), "100.0");
        assert_eq!(score("-0.1225", "1").percent().to_string(), "-12.3");
    }

    #[test]
    fn a_score_far_beyond_its_full_score_is_more_than_all_others() {
        // Ten to the 27th and to the 40th times the whole: the first's percentage, and the second's share, have no
        // decimal.
        for (points, of) in [("99999999999999999999", "0.0000001"), ("99999999999999999999", "0.00000000000000000001")]
        {
            let beyond = score(points, of);
            assert!(beyond.share() > score("20", "20").share());
            assert_eq!(beyond.percent().to_string(), "7922816251426433759354395033.5", "{points} of {of}");
            let below = score(&format!("-{points}"), of);
            assert!(below.share() < score("0", "20").share());
            assert_eq!(below.percent().to_string(), "-7922816251426433759354395033.5");
        }
    }

    #[test]
    fn a_pass_mark_is_a_share_of_the_full_score() {
        for text in ["0", "1.1", "-0.5"] {
            assert_eq!(PassMark::new(decimal(text)), Err(InvalidDecimal::NotAShare));
        }
        assert_eq!(PassMark::new(decimal("0.123456789")), Err(InvalidDecimal::TooManyDigits));
    }
}
