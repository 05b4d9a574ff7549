//! Which administrations are responsible for a person, also before the first day and after the last.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::ids::AdministrationCode;

/// The part of an engagement that says who is responsible for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engagement {
    pub administration: AdministrationCode,
    pub starts_on: NaiveDate,
    /// The last day at work; `None`: open.
    pub ends_on: Option<NaiveDate>,
}

impl Engagement {
    fn covers(&self, day: NaiveDate) -> bool {
        self.starts_on <= day && self.ends_on.is_none_or(|last| day <= last)
    }
}

/// The administrations that are responsible for a person on a day: those that employ the person. If none does, those of
/// the employment that starts next; if none is to come, those of the one that ended last.
///
/// A person hired by SEF from 1 May is SEF's already in March, so that SEF can link training from before the first day.
#[must_use]
pub fn answering(engagements: &[Engagement], day: NaiveDate) -> BTreeSet<&AdministrationCode> {
    let of = |chosen: &dyn Fn(&Engagement) -> bool| -> BTreeSet<&AdministrationCode> {
        engagements.iter().filter(|e| chosen(e)).map(|e| &e.administration).collect()
    };
    let now = of(&|e| e.covers(day));
    if !now.is_empty() {
        return now;
    }
    match engagements.iter().map(|e| e.starts_on).filter(|starts_on| *starts_on > day).min() {
        Some(next) => of(&|e| e.starts_on == next),
        None => {
            let last = engagements.iter().filter_map(|e| e.ends_on).max();
            of(&|e| e.ends_on == last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn engagement(code: &str, starts_on: &str, ends_on: &str) -> Engagement {
        let administration = AdministrationCode::parse(code).expect("a code");
        Engagement { administration, starts_on: day(starts_on), ends_on: ends_on.parse().ok() }
    }

    #[test]
    fn who_employs_somebody_answers_and_before_and_after_the_nearest() {
        let engagements = [
            engagement("OLD", "2019-01-01", "2019-12-31"),
            engagement("SEF", "2020-01-01", "2025-12-31"),
            engagement("FGK", "2025-06-01", "2025-12-31"),
            engagement("AVF", "2026-05-01", ""),
            engagement("KS", "2027-01-01", ""),
        ];
        for (on, expected) in [
            ("2018-01-01", vec!["OLD"]),
            ("2020-06-01", vec!["SEF"]),
            ("2025-12-31", vec!["FGK", "SEF"]),
            ("2026-01-01", vec!["AVF"]),
            ("2026-05-01", vec!["AVF"]),
            ("2027-05-01", vec!["AVF", "KS"]),
        ] {
            let reported: Vec<&str> =
                answering(&engagements, day(on)).into_iter().map(AdministrationCode::as_str).collect();
            assert_eq!(reported, expected, "{on}");
        }
        let gone = answering(&engagements[..3], day("2026-01-01"));
        assert_eq!(gone.into_iter().map(AdministrationCode::as_str).collect::<Vec<_>>(), ["FGK", "SEF"]);
        assert_eq!(answering(&[], day("2026-01-01")), BTreeSet::new());
    }
}
