//! Addresses and user names that several people have at once: results under such a key cannot be linked by it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::Dated;
use super::comparison::{Comparison, Keys};
use super::mass::EXAMPLES;
use crate::ids::EmployeeNumber;

/// Keys that are given to several people at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SharedKeys {
    pub addresses: usize,
    pub user_names: usize,
    /// How many people have one of them.
    pub people: usize,
    /// The numbers of the first few who share one.
    pub examples: Vec<Vec<EmployeeNumber>>,
}

impl SharedKeys {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.people == 0
    }
}

impl fmt::Display for SharedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {many}")),
        };
        let keys =
            [counted(self.addresses, "address", "addresses"), counted(self.user_names, "user name", "user names")];
        let keys: Vec<String> = keys.into_iter().flatten().collect();
        let verb = if self.addresses + self.user_names == 1 { "is" } else { "are" };
        write!(f, "{} {verb} given to several people at once, {} in all", keys.join(" and "), self.people)?;
        let numbers = |group: &Vec<EmployeeNumber>| {
            let shown: Vec<&str> = group.iter().take(EXAMPLES).map(EmployeeNumber::as_str).collect();
            let more =
                if group.len() > EXAMPLES { format!(" and {} more", group.len() - EXAMPLES) } else { String::new() };
            format!("{}{more}", shown.join(", "))
        };
        let examples: Vec<String> = self.examples.iter().map(numbers).collect();
        write!(f, " (for example {}); results under them are linked by another key only", examples.join("; "))
    }
}

impl<'a> Comparison<'a> {
    /// The keys that several people have once the plan is carried out, if the files name at least one of them.
    pub(super) fn shared_keys(&self) -> SharedKeys {
        let Some(rows) = &self.files.employments else { return SharedKeys::default() };
        let named: BTreeSet<&'a EmployeeNumber> =
            rows.iter().map(|row| &row.record.employment.employee_number).collect();
        let known: BTreeSet<&'a EmployeeNumber> = self.known.persons.keys().collect();
        let mut emails: BTreeMap<String, Vec<&'a EmployeeNumber>> = BTreeMap::new();
        let mut usernames = emails.clone();
        for number in known.union(&named).copied() {
            let running = self.employments_after(number).filter(|employment| employment.runs_or_is_to_come(self.today));
            let Some((_, keys)) = Keys::of(running).pop_first() else { continue };
            let of_person = |groups: &mut BTreeMap<String, Vec<&'a EmployeeNumber>>, key| {
                let group = groups.entry(key).or_default();
                let person = |number: &'a EmployeeNumber| self.known.merged.get(number).unwrap_or(number);
                if group.iter().all(|other| person(other) != person(number)) {
                    group.push(number);
                }
            };
            keys.emails.into_keys().for_each(|key| of_person(&mut emails, key));
            keys.usernames.into_keys().for_each(|key| of_person(&mut usernames, key));
        }
        for groups in [&mut emails, &mut usernames] {
            groups.retain(|_, people| people.len() > 1 && people.iter().any(|number| named.contains(number)));
        }
        let people: BTreeSet<&EmployeeNumber> = emails.values().chain(usernames.values()).flatten().copied().collect();
        let groups: BTreeSet<Vec<EmployeeNumber>> = emails
            .values()
            .chain(usernames.values())
            .map(|group| group.iter().map(|n| (*n).clone()).collect())
            .collect();
        SharedKeys {
            addresses: emails.len(),
            user_names: usernames.len(),
            people: people.len(),
            examples: groups.into_iter().take(EXAMPLES).collect(),
        }
    }
}
