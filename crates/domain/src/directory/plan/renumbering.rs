//! New people who seem to be known under another number: a spreadsheet dropped the leading zeros, or HR gave a new
//! number.
//!
//! If they were accepted, a person's training would stay with a number that has left, and they would be late under the
//! new one. So each pair is named, however few they are, until the caller says that the new number is another person's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::super::records::{EmploymentRecord, PersonRecord};
use super::change::Change;
use super::comparison::{Comparison, Keys};
use super::mass::{EXAMPLES, MassKind};
use super::{Dated, Extent};
use crate::ids::EmployeeNumber;
use crate::linking::normalising::normalised;

/// A number that is probably a known person's new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renumbering {
    /// The known person, who would end or stay in addition to the new one.
    pub old: EmployeeNumber,
    pub new: EmployeeNumber,
    /// The signs that both have in common.
    pub signs: Vec<&'static str>,
}

impl Renumbering {
    /// All of them in one sentence, and what to do.
    pub(super) fn write_all(all: &[Self], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let people = if all.len() == 1 { "person who seems" } else { "people who seem" };
        let pairs: Vec<String> = all.iter().take(SHOWN).map(ToString::to_string).collect();
        write!(f, "{} new {people} to be known under another number: {}", all.len(), pairs.join("; "))?;
        if all.len() > SHOWN {
            write!(f, "; and {} more", all.len() - SHOWN)?;
        }
        let Some(first) = all.first() else { return Ok(()) };
        write!(
            f,
            ". Mend the file where digits were lost; say --new-person {} (or {} for all) where they are other people, \
             and where a number was changed indeed, and then merge the two (POST /api/v1/employees/{}/merge)",
            first.new,
            MassKind::Renumbering.option(),
            first.new
        )
    }
}

impl fmt::Display for Renumbering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {} (the same {})", self.new, self.old, self.signs.join(", "))
    }
}

/// How many pairs are named in the sentence; a dry run's JSON names all.
const SHOWN: usize = 4 * EXAMPLES;

/// A person's signs.
struct Traits<'a> {
    number: &'a EmployeeNumber,
    /// The number without the characters that spreadsheets drop.
    bare_number: String,
    name: String,
    keys: Keys<'a>,
    employments: Vec<&'a EmploymentRecord>,
}

impl<'a> Traits<'a> {
    fn of(person: &'a PersonRecord, employments: Vec<&'a EmploymentRecord>) -> Self {
        let keys = Keys::of(employments.iter().copied()).pop_first().map(|(_, keys)| keys).unwrap_or_default();
        Self {
            number: &person.employee_number,
            bare_number: bare(person.employee_number.as_str()),
            name: normalised(&format!("{} {}", person.given_name, person.family_name)),
            keys,
            employments,
        }
    }

    fn first_day(&self) -> Option<chrono::NaiveDate> {
        self.employments.iter().map(|employment| employment.starts_on).min()
    }

    /// The index keys by which a pair is found.
    fn handles(&self) -> impl Iterator<Item = String> {
        let emails = self.keys.emails.keys().map(|key| format!("e {key}"));
        let usernames = self.keys.usernames.keys().map(|key| format!("u {key}"));
        let others = [format!("n {}", self.name), format!("b {}", self.bare_number)];
        emails.chain(usernames).chain(others)
    }
}

/// A number without leading zeros and without separators between digits.
fn bare(number: &str) -> String {
    let plain: String = number.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    plain.trim_start_matches('0').to_owned()
}

impl<'a> Comparison<'a> {
    /// Each new person who is probably a person who ends in the same file; or, in a partial file, one whom
    /// the file does not name.
    pub(super) fn renumberings(&self) -> Vec<Renumbering> {
        let new: Vec<Traits<'a>> = self
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Person(act) if act.before().is_none() => act.after(),
                _ => None,
            })
            .map(|person| Traits::of(person, self.employments_after(&person.employee_number).collect()))
            .collect();
        if new.is_empty() {
            return Vec::new();
        }
        let old = self.who_may_be_meant();
        let mut by_handle: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, traits) in old.iter().enumerate() {
            for handle in traits.handles() {
                by_handle.entry(handle).or_default().push(place);
            }
        }
        let shared = self.shared_by_several();
        let mut new_names: BTreeMap<&str, usize> = BTreeMap::new();
        for traits in &new {
            *new_names.entry(&traits.name).or_default() += 1;
        }
        let mut known_names: BTreeMap<String, usize> = BTreeMap::new();
        for person in self.known.persons.values() {
            *known_names.entry(normalised(&format!("{} {}", person.given_name, person.family_name))).or_default() += 1;
        }
        let mut found = Vec::new();
        for traits in &new {
            let places: BTreeSet<usize> =
                traits.handles().filter_map(|handle| by_handle.get(&handle)).flatten().copied().collect();
            let is_rare_name =
                new_names.get(traits.name.as_str()) == Some(&1) && known_names.get(&traits.name) == Some(&1);
            let pairs = places.into_iter().filter_map(|place| old.get(place)).filter_map(|old| {
                self.signs(old, traits, &shared, is_rare_name).map(|signs| Renumbering {
                    old: old.number.clone(),
                    new: traits.number.clone(),
                    signs,
                })
            });
            // Several may fit; the one with the most signs is named.
            found.extend(pairs.max_by_key(|pair| (pair.signs.len(), std::cmp::Reverse(pair.old.clone()))));
        }
        found
    }

    /// The people whose new number it may be: all who were employed, and will not be or are not in the file.
    fn who_may_be_meant(&self) -> Vec<Traits<'a>> {
        let named: BTreeSet<&EmployeeNumber> =
            self.files.employments.iter().flatten().map(|row| &row.record.employment.employee_number).collect();
        let lives = |employment: &&EmploymentRecord| employment.runs_or_is_to_come(self.today);
        self.known
            .persons
            .values()
            .filter_map(|person| {
                let number = &person.employee_number;
                let of_files = self.known.employments_of(number).filter(|e| !e.employment_id.is_of_provider());
                let before: Vec<&EmploymentRecord> = of_files.filter(lives).collect();
                let stays = || self.employments_after(number).any(|employment| lives(&employment));
                let is_silent = self.extent == Extent::Partial && !named.contains(number);
                (!before.is_empty() && (is_silent || !stays())).then(|| Traits::of(person, before))
            })
            .collect()
    }

    /// Addresses and user names that several people had: they are not a sign.
    fn shared_by_several(&self) -> BTreeSet<String> {
        let mut holders: BTreeMap<String, usize> = BTreeMap::new();
        let running = self.known.employments.values().filter(|employment| employment.runs_or_is_to_come(self.today));
        for keys in Keys::of(running).into_values() {
            for key in keys.emails.into_keys().chain(keys.usernames.into_keys()) {
                *holders.entry(key).or_default() += 1;
            }
        }
        holders.retain(|_, holders| *holders > 1);
        holders.into_keys().collect()
    }

    /// The signs that two have in common, if they are enough to be refused.
    fn signs(
        &self,
        old: &Traits<'_>,
        new: &Traits<'_>,
        shared: &BTreeSet<String>,
        is_rare_name: bool,
    ) -> Option<Vec<&'static str>> {
        let common = |a: &BTreeMap<String, &str>, b: &BTreeMap<String, &str>| {
            a.keys().any(|key| b.contains_key(key) && !shared.contains(key))
        };
        let contradicts = |a: &BTreeMap<String, &str>, b: &BTreeMap<String, &str>| {
            !a.is_empty() && !b.is_empty() && !a.keys().any(|key| b.contains_key(key))
        };
        let email = common(&old.keys.emails, &new.keys.emails);
        let username = common(&old.keys.usernames, &new.keys.usernames);
        let other_key =
            contradicts(&old.keys.emails, &new.keys.emails) || contradicts(&old.keys.usernames, &new.keys.usernames);
        let any_pair = |same: &dyn Fn(&EmploymentRecord, &EmploymentRecord) -> bool| {
            old.employments.iter().any(|a| new.employments.iter().any(|b| same(a, b)))
        };
        let employment = any_pair(&|a, b| a.employment_id == b.employment_id);
        let place = any_pair(&|a, b| a.administration == b.administration);
        let name = !new.name.is_empty() && old.name == new.name;
        let first_day = old.first_day() == new.first_day();
        let zeros = !new.bare_number.is_empty() && old.bare_number == new.bare_number;
        let key = email || username;
        // A person who ends can be replaced; one who stays must have the same name as well.
        let is_enough = key && name
            || zeros && (name || key)
            || name && is_rare_name && first_day && place && !other_key
            || self.extent == Extent::Full && (key && !other_key && employment || zeros && employment && first_day);
        let signs = [
            (zeros, "digits"),
            (email, "address"),
            (username, "user name"),
            (employment, "employment_id"),
            (name, "name"),
            (first_day, "first day"),
        ];
        is_enough.then(|| signs.into_iter().filter_map(|(holds, sign)| holds.then_some(sign)).collect())
    }
}
