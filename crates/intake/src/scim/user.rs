//! A User: who it is, and what is stored of it in addition to the directory's facts.
//!
//! [`reading`] reads it into a person with employments, [`writing`] writes it from one.

mod reading;
mod writing;

use std::collections::BTreeMap;

use kurskoll_domain::ids::EmployeeId;

pub use reading::{
    ReadUser, UserError, address_of, as_stored, keep_unspoken, read, says_no_employments, with_values_not_stored,
};
pub use writing::{Known, KnownToWait, group_location, instant, write, write_waiting};

/// Among the provisioned texts, the name of the stored address's kind: a client chooses elements by it.
const EMAIL_TYPE: &str = "emails.type";

/// The name of the text that says that the address is not the primary one.
const EMAIL_PRIMARY: &str = "emails.primary";

/// The name of the kinds of the addresses that were provisioned and not stored, with commas between.
const EMAIL_OTHERS: &str = "emails.others";

/// The name of the telephone numbers for work, which are stored as JSON.
const PHONES: &str = "phoneNumbers";

/// The name of the text that says that the provider marked the person's data as protected for this account.
const SAID_PROTECTED: &str = "protected";

/// The names of what the provider said of a person's name, address and unit. For a person with protected personal data
/// it is shown these, and not what others said.
const SAID: [&str; 4] = ["name.givenName", "name.familyName", "emails.value", SAID_UNIT];
const SAID_UNIT: &str = "employment.unit";

/// Whether a provisioned text is shown under its name: the others are for Kurskoll alone.
fn is_shown_as_provisioned(name: &str) -> bool {
    ![EMAIL_TYPE, EMAIL_PRIMARY, EMAIL_OTHERS, PHONES, SAID_PROTECTED].contains(&name) && !SAID.contains(&name)
}

/// The name that an account provisioned: given name and family name.
#[must_use]
pub fn said_name(provisioned: &BTreeMap<String, String>) -> (Option<String>, Option<String>) {
    (provisioned.get("name.givenName").cloned(), provisioned.get("name.familyName").cloned())
}

/// Whether an account said that the person's data are protected.
#[must_use]
pub fn said_protected(provisioned: &BTreeMap<String, String>) -> bool {
    provisioned.contains_key(SAID_PROTECTED)
}

/// Stores whether an account said that the person's data are protected.
pub fn note_protected(provisioned: &mut BTreeMap<String, String>, is_protected: bool) {
    if is_protected {
        provisioned.insert(SAID_PROTECTED.to_owned(), "true".to_owned());
    } else {
        provisioned.remove(SAID_PROTECTED);
    }
}

/// Removes the value of an attribute that was shown but not provisioned: what a group carries, or HR's files say, is
/// not the provider's own value.
pub fn forget_unsaid(provisioned: &mut BTreeMap<String, String>, attribute: &str, is_said: bool) {
    if !is_said {
        provisioned.remove(attribute);
    }
}

/// Kurskoll's id of a User: the employee's own key, and which of the employee's Users it is; or the id under which the
/// user waited until the directory knew the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserId {
    pub employee: EmployeeId,
    /// From 1, one more for each.
    pub generation: u32,
    pub waited_as: Option<i64>,
}

/// How an id names a User.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserReference {
    /// By the employee.
    Known(UserId),
    /// A user who waits, or did.
    Waited(i64),
}

/// The id of a user who waits, or did: it stays the same.
#[must_use]
pub fn waiting_id(id: i64) -> String {
    format!("u-{id}")
}

impl UserReference {
    /// Reads an id that Kurskoll gave.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some(id) = text.strip_prefix("u-") else { return UserId::parse(text).map(Self::Known) };
        let id = id.parse().ok().filter(|id| waiting_id(*id) == text)?;
        Some(Self::Waited(id))
    }
}

impl UserId {
    /// The id of a user that did not wait.
    #[must_use]
    pub const fn of(employee: EmployeeId, generation: u32) -> Self {
        Self { employee, generation, waited_as: None }
    }

    /// Reads an id that Kurskoll gave.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (employee, generation) = text.split_once('-')?;
        let id = Self::of(EmployeeId(employee.parse().ok()?), generation.parse().ok()?);
        // One id has one spelling.
        (id.to_string() == text).then_some(id)
    }
}

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.waited_as {
            Some(id) => f.write_str(&waiting_id(id)),
            None => write!(f, "{}-{}", self.employee.0, self.generation),
        }
    }
}

/// What a provider said of a User, in addition to what becomes facts of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub user_name: String,
    pub external_id: Option<String>,
    pub active: bool,
    /// Texts as they were provisioned, by the attribute's canonical name ([`Mapping::stored`]).
    pub provisioned: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_writing() {
        let id = UserId::of(EmployeeId(17), 2);
        assert_eq!(UserId::parse(&id.to_string()), Some(id));
        assert_eq!(UserReference::parse("17-2"), Some(UserReference::Known(id)));
        assert_eq!(UserReference::parse("u-17"), Some(UserReference::Waited(17)));
        assert_eq!(UserReference::parse("u-017"), None);
        for text in ["", "17", "17-", "-2", "017-2", "17-02", "17-2 ", "+17-2", "17--2", "17-2-1", "x-1"] {
            assert_eq!(UserId::parse(text), None, "{text}");
        }
    }
}
