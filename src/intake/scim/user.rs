//! A User: who it is, and what of it is kept beside the directory's facts.
//!
//! [`reading`] makes a person with employments of it, [`writing`] makes it of one.

mod reading;
mod writing;

use std::collections::BTreeMap;

use crate::domain::ids::EmployeeId;

pub use reading::{ReadUser, UserError, keep_unspoken, read, says_no_employments};
pub use writing::{Known, group_location, instant, write};

/// Under which name the kind of the kept address is kept, among what was told: a client chooses elements by it.
const EMAIL_TYPE: &str = "emails.type";

/// Under which names it is kept what the provider said of a person's name, address and unit: of somebody whose personal data are
/// protected it is shown these, and not what anybody else said.
const SAID: [&str; 4] = ["name.givenName", "name.familyName", "emails.value", SAID_UNIT];
const SAID_UNIT: &str = "employment.unit";

/// Kurskoll's id of a User: the employee's own key, and how often the provider has begun anew with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserId {
    pub employee: EmployeeId,
    /// 1, and one more after each deletion.
    pub generation: u32,
}

impl UserId {
    /// Reads an id that Kurskoll gave.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (employee, generation) = text.split_once('-')?;
        let id = Self { employee: EmployeeId(employee.parse().ok()?), generation: generation.parse().ok()? };
        // One id has one writing.
        (id.to_string() == text).then_some(id)
    }
}

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.employee.0, self.generation)
    }
}

/// What a provider told of a User beside what becomes facts of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub user_name: String,
    pub external_id: Option<String>,
    pub active: bool,
    /// Texts as they were told, by the attribute's canonical name ([`Mapping::kept`]).
    pub told: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_writing() {
        let id = UserId { employee: EmployeeId(17), generation: 2 };
        assert_eq!(UserId::parse(&id.to_string()), Some(id));
        for text in ["", "17", "17-", "-2", "017-2", "17-02", "17-2 ", "+17-2", "17--2", "17-2-1", "x-1"] {
            assert_eq!(UserId::parse(text), None, "{text}");
        }
    }
}
