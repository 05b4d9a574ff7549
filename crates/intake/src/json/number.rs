//! A JSON number as the digits that were sent, compared exactly at any length.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use rust_decimal::Decimal;

use kurskoll_domain::training::decimal_from_text;

/// A number as it was sent. Equality is of the digits; [`Number::compare`] is of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number<'a> {
    raw: &'a str,
}

impl<'a> Number<'a> {
    pub const ONE: Number<'static> = Number { raw: "1" };
    pub const MINUS_ONE: Number<'static> = Number { raw: "-1" };

    /// Of a text that the grammar of JSON knows as a number.
    pub(super) const fn of_json(raw: &'a str) -> Self {
        Self { raw }
    }

    /// The digits exactly as they were sent.
    #[must_use]
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    /// The number as a score's decimal; `None` if it has more digits than a score can have.
    #[must_use]
    pub fn decimal(&self) -> Option<Decimal> {
        decimal_from_text(self.raw).ok()
    }

    /// The number as a whole number from 0 on; `None` if it is none, or too great. `1.0` and `1e3` are whole.
    #[must_use]
    pub fn whole(&self) -> Option<u64> {
        let parts = self.parts();
        if parts.digits.is_empty() {
            return Some(0);
        }
        let zeros = u32::try_from(parts.exponent).ok().filter(|_| !parts.negative)?;
        parts.digits.parse::<u64>().ok()?.checked_mul(10_u64.checked_pow(zeros)?)
    }

    /// Which of two numbers is greater, exactly.
    #[must_use]
    pub fn compare(&self, other: &Number<'_>) -> Ordering {
        let (left, right) = (self.parts(), other.parts());
        match (left.sign(), right.sign()) {
            (one, two) if one != two => one.cmp(&two),
            (0, _) => Ordering::Equal,
            (sign, _) => {
                let magnitude = left.order().cmp(&right.order()).then_with(|| left.digits.cmp(&right.digits));
                if sign < 0 { magnitude.reverse() } else { magnitude }
            }
        }
    }

    /// The same text for all forms of one value: `1`, `1.0` and `10e-1` are all `1e0`.
    #[must_use]
    pub fn canonical(&self) -> String {
        let parts = self.parts();
        let mut text = String::with_capacity(parts.digits.len() + 4);
        if parts.digits.is_empty() {
            text.push('0');
            return text;
        }
        if parts.negative {
            text.push('-');
        }
        // Writing to a text cannot fail.
        let _ = write!(text, "{}e{}", parts.digits, parts.exponent);
        text
    }

    fn parts(&self) -> Parts<'a> {
        let (negative, unsigned) = match self.raw.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, self.raw),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Cow<'a, str> = if decimals.is_empty() { whole.into() } else { format!("{whole}{decimals}").into() };
        let significant = all.trim_start_matches('0').trim_end_matches('0').len();
        let leading = all.len() - all.trim_start_matches('0').len();
        let digits = match all {
            Cow::Borrowed(all) => Cow::Borrowed(all.get(leading..leading + significant).unwrap_or_default()),
            Cow::Owned(all) => Cow::Owned(all.get(leading..leading + significant).unwrap_or_default().to_owned()),
        };
        let trailing = whole.len() + decimals.len() - leading - significant;
        // An exponent that needs more than 128 bits is the greatest, or the least, that there is.
        let exponent =
            exponent.parse::<i128>().unwrap_or(if exponent.starts_with('-') { i128::MIN } else { i128::MAX });
        let shift = length(trailing).saturating_sub(length(decimals.len()));
        Parts { negative, digits, exponent: exponent.saturating_add(shift) }
    }
}

fn length(bytes: usize) -> i128 {
    i128::try_from(bytes).unwrap_or(i128::MAX)
}

/// A number as `digits` × 10^`exponent`, where digits neither begin nor end with 0; empty if it is 0.
struct Parts<'a> {
    negative: bool,
    digits: Cow<'a, str>,
    exponent: i128,
}

impl Parts<'_> {
    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// How many digits are before the point.
    fn order(&self) -> i128 {
        self.exponent.saturating_add(length(self.digits.len()))
    }
}
