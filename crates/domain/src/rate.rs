//! A part of a whole, as every figure shows it.

use rust_decimal::Decimal;

use super::training::one_decimal;

/// `part` of `whole` in percent with one decimal, half away from zero; `None` if `whole` is 0.
#[must_use]
pub fn rate(part: u64, whole: u64) -> Option<Decimal> {
    (whole > 0).then(|| one_decimal(Decimal::from(part) * Decimal::ONE_HUNDRED / Decimal::from(whole)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_one_decimal_half_away_from_zero_and_is_absent_when_nobody_counts() {
        let shown = |part, whole| rate(part, whole).map(|rate| rate.to_string());
        assert_eq!(shown(2, 3).as_deref(), Some("66.7"));
        assert_eq!(shown(1, 800).as_deref(), Some("0.1"));
        assert_eq!(shown(1, 16).as_deref(), Some("6.3"));
        assert_eq!(shown(5, 5).as_deref(), Some("100.0"));
        assert_eq!(shown(0, 5).as_deref(), Some("0.0"));
        assert_eq!(shown(0, 0), None);
    }
}
