//! The administrations that HR named earlier for an employment: HR's systems rename an administration for all days, the
//! past included.
//!
//! The place of an employment follows from every administration that was named for it and from the reorganisations in
//! force ([`Successions`](super::succession::Successions)), so the earlier names are stored with the present one.
//! Nothing here knows of reorganisations: the list is the same whether one is recorded before a file that names its new
//! code, or after.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::ids::AdministrationCode;

/// An administration and unit that HR named for an employment until it named another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EarlierPlace {
    pub administration: AdministrationCode,
    /// Empty if HR named none.
    pub unit: String,
    /// The day on which HR named another administration instead.
    pub until: NaiveDate,
}

/// More than any real employment has; beyond it the oldest are dropped.
const AT_MOST: usize = 64;

/// The earlier places of an employment whose administration becomes `code` on the day `today`. Until now it was
/// `known`, with the earlier places `earlier`.
///
/// A code that was named by mistake and corrected by the next day is dropped: FGK on Monday, SEF again on Tuesday.
#[must_use]
pub fn remember(
    earlier: &[EarlierPlace],
    (administration, unit): (&AdministrationCode, &str),
    code: &AdministrationCode,
    today: NaiveDate,
) -> Vec<EarlierPlace> {
    let mut earlier = earlier.to_vec();
    if administration == code {
        return earlier;
    }
    let lately = today.checked_sub_days(Days::new(1)).unwrap_or(today);
    let is_back = |place: &EarlierPlace| place.administration == *code && place.until >= lately;
    if let Some(mistaken_since) = earlier.iter().position(is_back) {
        earlier.truncate(mistaken_since);
        return earlier;
    }
    earlier.push(EarlierPlace { administration: administration.clone(), unit: unit.to_owned(), until: today });
    forget_rounds(&mut earlier);
    let beyond = earlier.len().saturating_sub(AT_MOST);
    earlier.drain(..beyond);
    earlier
}

/// Two systems that contradict each other alternate between two codes every day: once is enough.
fn forget_rounds(earlier: &mut Vec<EarlierPlace>) {
    for length in 1..=earlier.len() / 2 {
        let (rest, last) = earlier.split_at(earlier.len() - length);
        let (_, before) = rest.split_at(rest.len() - length);
        if before.iter().zip(last).all(|(a, b)| a.administration == b.administration) {
            let last = last.to_vec();
            earlier.truncate(earlier.len() - 2 * length);
            earlier.extend(last);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn code(text: &str) -> AdministrationCode {
        AdministrationCode::parse(text).expect("a code")
    }

    /// The stored earlier places after codes were named one after the other, each on its day.
    fn named(codes: &[(&str, &str)]) -> Vec<String> {
        let mut earlier = Vec::new();
        for two in codes.windows(2) {
            let [(before, _), (now, today)] = two else { continue };
            earlier = remember(&earlier, (&code(before), "Kök"), &code(now), day(today));
        }
        earlier.iter().map(|place| format!("{} until {}", place.administration, place.until)).collect()
    }

    #[test]
    fn each_code_that_was_named_is_remembered_until_the_day_of_the_next() {
        let reported =
            named(&[("SEF", "2020-01-01"), ("SEF", "2021-01-01"), ("SF", "2026-07-03"), ("DSF", "2027-01-04")]);
        assert_eq!(reported, ["SEF until 2026-07-03", "SF until 2027-01-04"]);
    }

    #[test]
    fn a_code_that_was_named_by_mistake_and_corrected_by_the_next_day_never_was() {
        assert_eq!(named(&[("SEF", "2020-01-01"), ("FGK", "2026-07-03"), ("SEF", "2026-07-03")]), [""; 0]);
        assert_eq!(named(&[("SEF", "2020-01-01"), ("FGK", "2026-07-03"), ("SEF", "2026-07-04")]), [""; 0]);
        let stood = named(&[("SEF", "2020-01-01"), ("FGK", "2026-07-03"), ("SEF", "2026-07-05")]);
        assert_eq!(stood, ["SEF until 2026-07-03", "FGK until 2026-07-05"]);
        let two = named(&[("SEF", "2020-01-01"), ("FGK", "2026-07-03"), ("MF", "2026-07-04"), ("SEF", "2026-07-04")]);
        assert_eq!(two, [""; 0]);
    }

    #[test]
    fn systems_that_contradict_each_other_for_years_do_not_make_a_list_of_years() {
        let turns: Vec<(String, String)> = (0..40_i32)
            .map(|turn| (["SEF", "FGK"][usize::from(turn % 2 == 1)].to_owned(), format!("{}-06-01", 2020 + turn)))
            .collect();
        let turns: Vec<(&str, &str)> = turns.iter().map(|(code, day)| (code.as_str(), day.as_str())).collect();
        assert_eq!(named(&turns).len(), 3);
    }
}
