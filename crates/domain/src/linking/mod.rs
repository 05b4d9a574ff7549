//! Which employee does a result belong to? The link from the keys that a platform gives to an employee that HR knows.
//!
//! [`link`] is the whole rule (DESIGN, "Linking"): a function of the keys, of the employees known by them, and of the
//! day. [`holding`] says who holds a key on which day. Unlinked results wait in the [`queue`]; [`namesakes`] finds who
//! might be meant.

pub mod holding;
pub mod namesakes;
pub mod normalising;
pub mod ownership;
pub mod queue;
pub mod suggestion;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use self::holding::Holding;
use super::ids::{EmployeeId, EmployeeNumber};

/// A kind of key by which a platform names a learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkingKey {
    EmployeeNumber,
    Email,
    Username,
    Account,
}

impl LinkingKey {
    /// Every key, in the order in which a platform uses them unless it is configured otherwise.
    pub const DEFAULT_ORDER: [Self; 4] = [Self::EmployeeNumber, Self::Email, Self::Username, Self::Account];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmployeeNumber => "employee_number",
            Self::Email => "email",
            Self::Username => "username",
            Self::Account => "account",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::DEFAULT_ORDER.into_iter().find(|key| key.as_str() == text.trim())
    }
}

/// Brings an e-mail address or a username into the form in which they are compared: trimmed, NFC, lower case.
#[must_use]
pub fn normalized(text: &str) -> String {
    let text = text.trim();
    if text.is_ascii() {
        // Nearly all are, and a filter may compare thousands.
        return text.to_ascii_lowercase();
    }
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// One key and its value, in the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    pub key: LinkingKey,
    pub value: String,
    /// The account's home page; empty for the other keys.
    pub home_page: String,
}

impl Identity {
    /// An identity from outside text, normalised as its key demands; `None` if the value is empty.
    #[must_use]
    pub fn new(key: LinkingKey, value: &str, home_page: &str) -> Option<Self> {
        let value = match key {
            LinkingKey::Email | LinkingKey::Username => normalized(value),
            LinkingKey::EmployeeNumber | LinkingKey::Account => value.trim().to_owned(),
        };
        let home_page = if key == LinkingKey::Account { home_page.trim().to_owned() } else { String::new() };
        (!value.is_empty()).then_some(Self { key, value, home_page })
    }
}

/// The keys that an event gives for its learner; at least one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct LearnerKeys {
    pub employee_number: Option<EmployeeNumber>,
    /// Normalised.
    pub email: Option<String>,
    /// Normalised.
    pub username: Option<String>,
    pub account: Option<Account>,
}

/// A platform's account, as xAPI has it: the home page of the system and the name in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    pub home_page: String,
    pub name: String,
}

impl LearnerKeys {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.employee_number.is_none() && self.email.is_none() && self.username.is_none() && self.account.is_none()
    }

    /// The identity that a key gives, if the event gives that key.
    #[must_use]
    pub fn identity(&self, key: LinkingKey) -> Option<Identity> {
        match key {
            LinkingKey::EmployeeNumber => {
                self.employee_number.as_ref().and_then(|n| Identity::new(key, n.as_str(), ""))
            }
            LinkingKey::Email => self.email.as_ref().and_then(|email| Identity::new(key, email, "")),
            LinkingKey::Username => self.username.as_ref().and_then(|name| Identity::new(key, name, "")),
            LinkingKey::Account => self.account.as_ref().and_then(|a| Identity::new(key, &a.name, &a.home_page)),
        }
    }

    /// Every identity that the event gives, in the default order.
    pub fn identities(&self) -> impl Iterator<Item = Identity> {
        LinkingKey::DEFAULT_ORDER.into_iter().filter_map(|key| self.identity(key))
    }
}

/// Why a result waits unlinked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlinked {
    /// No key of the event fits an employee.
    Unknown,
    /// No key fits an employee, and one of the keys was dismissed by hand: the result does not wait.
    Dismissed,
    /// A key fits several employees, and the day does not decide which.
    Ambiguous,
    /// A key fits an employee, but the event's own employee number names another.
    Contradicted,
}

impl Unlinked {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Dismissed => "dismissed",
            Self::Ambiguous => "ambiguous",
            Self::Contradicted => "contradicted",
        }
    }
}

/// The employees that an identity fits on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fit {
    /// All whom the directory knows by the identity, each once, in order.
    pub employees: Vec<EmployeeId>,
    /// The decision by hand about this identity; it takes precedence over the directory.
    pub by_hand: Option<ByHand>,
}

/// A decision by hand about one identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByHand {
    /// The identity belongs to this employee.
    Is(EmployeeId),
    /// The identity belongs to no employee.
    Dismissed,
}

/// The employee that a result is linked to, or why it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    To { employee: EmployeeId, by: LinkingKey },
    None(Unlinked),
}

impl Link {
    #[must_use]
    pub const fn employee(&self) -> Option<EmployeeId> {
        match self {
            Self::To { employee, .. } => Some(*employee),
            Self::None(_) => None,
        }
    }
}

/// Links a learner's keys on a day (DESIGN, "Linking").
///
/// * `order`: the platform's linking keys, strongest first.
/// * `fit_of`: the employees that an identity fits on that day.
/// * `employed_on`: whether an employee has any employment on a day.
///
/// The first key that fits exactly one employee links. A key that fits several employees fits the one who was employed
/// on `day` if that is exactly one; otherwise it is skipped. If the event's own employee number names an employee, no
/// key links to another.
pub fn link(
    keys: &LearnerKeys,
    order: &[LinkingKey],
    day: NaiveDate,
    mut fit_of: impl FnMut(&Identity) -> Fit,
    mut employed_on: impl FnMut(EmployeeId, NaiveDate) -> bool,
) -> Link {
    let mut choose = |fit: &Fit| -> Result<Option<EmployeeId>, Unlinked> {
        match (fit.by_hand, fit.employees.as_slice()) {
            (Some(ByHand::Is(employee)), _) => Ok(Some(employee)),
            (Some(ByHand::Dismissed), _) | (None, []) => Ok(None),
            (None, [only]) => Ok(Some(*only)),
            (None, several) => {
                let mut employed = several.iter().copied().filter(|employee| employed_on(*employee, day));
                match (employed.next(), employed.next()) {
                    (Some(only), None) => Ok(Some(only)),
                    _ => Err(Unlinked::Ambiguous),
                }
            }
        }
    };
    let number_names = keys.identity(LinkingKey::EmployeeNumber).map(|identity| choose(&fit_of(&identity)));
    let mut why = Unlinked::Unknown;
    for key in order {
        let Some(identity) = keys.identity(*key) else { continue };
        let fit = fit_of(&identity);
        if fit.by_hand == Some(ByHand::Dismissed) {
            why = why.max(Unlinked::Dismissed);
        }
        match choose(&fit) {
            Ok(Some(employee)) => match number_names {
                Some(Ok(Some(named))) if named != employee => why = why.max(Unlinked::Contradicted),
                _ => return Link::To { employee, by: *key },
            },
            Ok(None) => {}
            Err(ambiguous) => why = why.max(ambiguous),
        }
    }
    // A dismissal also counts for a key that is not one of the platform's linking keys.
    if why == Unlinked::Unknown
        && keys.identities().any(|identity| fit_of(&identity).by_hand == Some(ByHand::Dismissed))
    {
        why = Unlinked::Dismissed;
    }
    Link::None(why)
}

/// Whether the link of these keys can depend on the day: a key fits others on other days, or several on one.
pub fn depends_on_the_day(keys: &LearnerKeys, mut holding_of: impl FnMut(&Identity) -> Holding) -> bool {
    keys.identities().any(|identity| holding_of(&identity).depends_on_the_day())
}

#[cfg(test)]
mod tests;
