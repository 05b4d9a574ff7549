//! Suggestions for unlinked keys: the reasons for an employee, and their weight.
//!
//! A suggestion is never applied by itself. [`super::namesakes`] finds the candidates; this module has the points of
//! each reason, and their sum.

use chrono::NaiveDate;

use super::LinkingKey;
use crate::ids::EmployeeId;

/// The most people that are suggested for an entry of the queue.
pub const AT_MOST: usize = 5;

/// A reason for an employee; the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The given number is the employee's but for zeros at its beginning.
    LeadingZeros,
    /// The employee was once known by the very key, which was withdrawn since.
    KnownFormerly { key: LinkingKey },
    /// The employee is known by the very key, which does not link: others are known by it too, or a number contradicts.
    KeyFits { key: LinkingKey },
    /// Given and family name are the employee's, in either order.
    SameName,
    /// The address is one of the employee's at another domain.
    SameLocalPart,
    /// The user name is the employee's address before the `@`, or the other way round.
    SameUserName,
    /// Given and family name are nearly the employee's: so many percent of the letters agree.
    NearName { percent: u8 },
    /// The user name is made of the beginnings of the employee's names, as in `annsve` or `asvensson`.
    NamePattern { points: u8 },
    /// Two neighbouring digits of the number have changed places.
    NumberTransposed,
    /// One digit of the number is wrong, missing or too many.
    NumberOneDigit,
    /// The employee's next employment starts within [`SOON_DAYS`], and none runs now.
    StartsSoon { on: NaiveDate },
    /// The employee's last employment ended within [`SOON_DAYS`] before now.
    EndedLately { on: NaiveDate },
}

/// How many days ahead an employment starts soon, and how many back it ended lately.
pub const SOON_DAYS: u32 = 120;

/// The least similarity of a name, in percent, that is nearly the same.
pub const NEAR_FROM_PERCENT: u8 = 70;

impl Reason {
    /// The code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::LeadingZeros => "leading_zeros",
            Self::KnownFormerly { .. } => "known_formerly",
            Self::KeyFits { .. } => "key_fits",
            Self::SameName => "same_name",
            Self::SameLocalPart => "same_local_part",
            Self::SameUserName => "same_user_name",
            Self::NearName { .. } => "near_name",
            Self::NamePattern { .. } => "name_pattern",
            Self::NumberTransposed => "number_transposed",
            Self::NumberOneDigit => "number_one_digit",
            Self::StartsSoon { .. } => "starts_soon",
            Self::EndedLately { .. } => "ended_lately",
        }
    }

    /// Its points by itself, of 100. Timing alone has none: it only strengthens another reason.
    #[must_use]
    pub fn points(self) -> u8 {
        match self {
            Self::LeadingZeros => 85,
            Self::KnownFormerly { .. } => 80,
            Self::KeyFits { .. } | Self::SameName => 75,
            Self::SameLocalPart => 70,
            Self::SameUserName => 65,
            // 40 for a barely similar name, 60 for an almost equal one: never as much as for the same name.
            Self::NearName { percent } => {
                let above = u16::from(percent.clamp(NEAR_FROM_PERCENT, 100) - NEAR_FROM_PERCENT);
                u8::try_from(40 + above * 20 / u16::from(100 - NEAR_FROM_PERCENT)).unwrap_or(60)
            }
            Self::NamePattern { points } => points,
            Self::NumberTransposed => 50,
            Self::NumberOneDigit => 40,
            Self::StartsSoon { .. } | Self::EndedLately { .. } => 0,
        }
    }

    /// The points that it adds to a stronger reason.
    const fn adds(self) -> u8 {
        match self {
            Self::StartsSoon { .. } => 8,
            Self::EndedLately { .. } => 3,
            _ => 5,
        }
    }
}

/// The text for people.
impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LeadingZeros => f.write_str("the number is the same but for zeros at its beginning"),
            Self::KnownFormerly { key } => write!(f, "was known by this {} before", key.in_words()),
            Self::KeyFits { key } => write!(f, "is known by this {}", key.in_words()),
            Self::SameName => f.write_str("has the same given and family name"),
            Self::SameLocalPart => f.write_str("has the same address at another domain"),
            Self::SameUserName => f.write_str("the user name and an address of the employee are the same"),
            Self::NearName { percent } => write!(f, "has nearly the same name: {percent} % of the letters agree"),
            Self::NamePattern { .. } => f.write_str("the user name is made of the employee's names"),
            Self::NumberTransposed => f.write_str("two neighbouring digits of the number have changed places"),
            Self::NumberOneDigit => f.write_str("one digit of the number is wrong, missing or too many"),
            Self::StartsSoon { on } => write!(f, "an employment starts on {on}"),
            Self::EndedLately { on } => write!(f, "the last employment ended on {on}"),
        }
    }
}

impl LinkingKey {
    const fn in_words(self) -> &'static str {
        match self {
            Self::EmployeeNumber => "employee number",
            Self::Email => "e-mail address",
            Self::Username => "user name",
            Self::Account => "account",
        }
    }
}

/// A suggested employee, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub employee: EmployeeId,
    /// From 1 to 100: the strongest reason's points, and a little for each other one.
    pub score: u8,
    /// The strongest first; each kind once.
    pub reasons: Vec<Reason>,
}

/// Adds up the reasons for an employee; `None` if timing is the only one.
#[must_use]
pub fn weighed(employee: EmployeeId, mut reasons: Vec<Reason>) -> Option<Suggestion> {
    reasons.sort_by(|a, b| b.points().cmp(&a.points()).then(a.cmp(b)));
    let mut kinds = Vec::new();
    reasons.retain(|reason| {
        let is_new = !kinds.contains(&reason.code());
        kinds.push(reason.code());
        is_new
    });
    let (strongest, others) = reasons.split_first().filter(|(strongest, _)| strongest.points() > 0)?;
    let score = others.iter().map(|reason| reason.adds()).fold(strongest.points(), u8::saturating_add).min(100);
    Some(Suggestion { employee, score, reasons })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOMEBODY: EmployeeId = EmployeeId(1);

    fn starts_soon() -> Reason {
        Reason::StartsSoon { on: "2026-05-01".parse().expect("a day") }
    }

    #[test]
    fn signs_add_up_and_each_kind_counts_once() {
        let near = |percent| Reason::NearName { percent };
        let both = weighed(SOMEBODY, vec![near(80), starts_soon(), Reason::SameLocalPart, near(90)]).expect("somebody");
        assert_eq!(both.reasons, [Reason::SameLocalPart, near(90), starts_soon()]);
        assert_eq!(both.score, 70 + 5 + 8);
    }

    #[test]
    fn time_alone_speaks_for_nobody() {
        assert_eq!(weighed(SOMEBODY, vec![starts_soon()]), None);
        assert_eq!(weighed(SOMEBODY, vec![]), None);
    }

    proptest! {
        #[test]
        fn a_near_name_is_never_worth_as_much_as_the_same(percent in any::<u8>()) {
            let alone = |reason| weighed(SOMEBODY, vec![reason]).map(|s| s.score);
            let near = weighed(SOMEBODY, vec![Reason::NearName { percent }, starts_soon()]).map(|s| s.score);
            prop_assert!(near < alone(Reason::SameName));
        }
    }
}
