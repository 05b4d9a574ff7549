//! All people that could be suggested, indexed by their names, addresses and numbers.
//!
//! Built once for a directory and queried for each entry of the queue; no query scans all people. Similar names are
//! found among those that begin with the same two letters, and among those that are one edit away anywhere in the name.
//! Start at [`Namesakes::suggest`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use super::normalising::{local_part, normalised, normalised_words};
use super::ownership::Engagement;
use super::suggestion::{AT_MOST, NEAR_FROM_PERCENT, Reason, SOON_DAYS, Suggestion, weighed};
use super::{Identity, LearnerKeys, LinkingKey};
use crate::calendar::add_days;
use crate::ids::{EmployeeId, PlatformId};

/// A sign that fits more people than this is ignored.
const FEW: usize = 5;

/// The longest text that is compared, in letters; the shortest that is split into two names.
const LONGEST: usize = 48;
const SHORTEST_PAIR: usize = 5;

/// A person that could be suggested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namesake {
    pub employee: EmployeeId,
    pub number: String,
    pub given_name: String,
    pub family_name: String,
    pub engagements: Vec<Engagement>,
    pub known_by: Vec<KnownBy>,
}

/// A key by which the directory knows a person, or once did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBy {
    pub identity: Identity,
    /// Where it holds; `None`: on every platform.
    pub platform: Option<PlatformId>,
    /// Withdrawn since.
    pub formerly: bool,
}

/// Names of one kind, given or family, and the people with each name.
#[derive(Debug, Default)]
struct Names {
    bearers: BTreeMap<String, Vec<usize>>,
    by_beginning: HashMap<String, Vec<String>>,
    /// By the name itself and by the name without one of its letters.
    by_rest: HashMap<String, Vec<String>>,
}

impl Names {
    fn add(&mut self, name: &str, person: usize) {
        let bearers = self.bearers.entry(name.to_owned()).or_default();
        if bearers.is_empty() {
            self.by_beginning.entry(first(name, 2)).or_default().push(name.to_owned());
            for rest in rests(name) {
                self.by_rest.entry(rest).or_default().push(name.to_owned());
            }
        }
        if bearers.last() != Some(&person) {
            bearers.push(person);
        }
    }

    fn bearers(&self, name: &str) -> &[usize] {
        self.bearers.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names that are similar to a normalised one, with their similarity in percent.
    fn near(&self, name: &str) -> BTreeMap<&str, u8> {
        let begin_status_counts = self.by_beginning.get(&first(name, 2)).into_iter().flatten();
        let rests = rests(name);
        let one_edit_off = rests.iter().filter_map(|rest| self.by_rest.get(rest)).flatten();
        let mut near = BTreeMap::new();
        for other in begin_status_counts.chain(one_edit_off) {
            let percent = similarity(name, other);
            if percent >= NEAR_FROM_PERCENT {
                near.insert(other.as_str(), percent);
            }
        }
        near
    }
}

/// A name, and the name without each one of its letters: two names that are one edit apart have one of these in common.
fn rests(name: &str) -> BTreeSet<String> {
    let without = |place: usize| name.chars().take(place).chain(name.chars().skip(place + 1)).collect();
    let letters = name.chars().count();
    let shortened = (0..letters).filter(|_| letters > 3).map(without);
    shortened.chain([name.to_owned()]).collect()
}

/// How many percent of the letters of the longer of two normalised names agree: one edit, or two neighbours exchanged,
/// costs a letter.
fn similarity(a: &str, b: &str) -> u8 {
    let (long, short) = (a.chars().count().max(b.chars().count()), a.chars().count().min(b.chars().count()));
    // If the lengths alone differ too much, the letters need not be compared.
    if long == 0 || short * 100 < long * usize::from(NEAR_FROM_PERCENT) {
        return 0;
    }
    let agreeing = long.saturating_sub(strsim::osa_distance(a, b));
    u8::try_from(agreeing * 100 / long).unwrap_or(100)
}

/// The index of all people that could be suggested.
#[derive(Debug, Default)]
pub struct Namesakes {
    people: Vec<Namesake>,
    places: HashMap<EmployeeId, usize>,
    by_number: HashMap<String, Vec<usize>>,
    by_significant_number: HashMap<String, Vec<usize>>,
    by_key: HashMap<Identity, Vec<(usize, Option<PlatformId>, bool)>>,
    /// By the letters of an address before the `@`, and of a user name.
    by_local_part: HashMap<String, Vec<usize>>,
    by_pattern: HashMap<String, Vec<(usize, u8)>>,
    given: Names,
    family: Names,
}

/// The letters of an address or a user name, without domain, digits and separators.
fn letters_of(text: &str) -> String {
    let words = normalised_words(local_part(text));
    words.concat().chars().take(LONGEST).collect()
}

/// The first letters of a word.
fn first(word: &str, letters: usize) -> String {
    word.chars().take(letters).collect()
}

/// A name whole, and each of its parts.
fn variants(name: &str) -> BTreeSet<String> {
    let words = normalised_words(name);
    let whole = normalised(&words.concat());
    words.into_iter().chain([whole]).filter(|word| !word.is_empty()).collect()
}

/// The user names that are commonly made of a given and a family name, and the weight of each.
fn patterns(given: &str, family: &str) -> [(String, u8); 8] {
    let pair = |g: usize, f: usize| first(given, g) + &first(family, f);
    [
        (first(given, 1) + family, 55),
        (family.to_owned() + &first(given, 1), 50),
        (given.to_owned() + &first(family, 1), 45),
        (pair(3, 3), 50),
        (first(family, 3) + &first(given, 3), 45),
        (pair(3, 2), 45),
        (pair(2, 3), 45),
        (pair(2, 2), 40),
    ]
}

impl Namesakes {
    /// Indexes people; the order does not matter.
    #[must_use]
    pub fn new(mut people: Vec<Namesake>) -> Self {
        people.sort_by(|a, b| a.number.cmp(&b.number));
        let mut index = Self::default();
        for (place, person) in people.iter().enumerate() {
            index.places.insert(person.employee, place);
            index.by_number.entry(person.number.clone()).or_default().push(place);
            let significant = person.number.trim_start_matches('0').to_owned();
            index.by_significant_number.entry(significant).or_default().push(place);
            let mut local_parts = BTreeSet::new();
            for known in &person.known_by {
                let by_key = index.by_key.entry(known.identity.clone()).or_default();
                by_key.push((place, known.platform, known.formerly));
                if matches!(known.identity.key, LinkingKey::Email | LinkingKey::Username) {
                    local_parts.insert(letters_of(&known.identity.value));
                }
            }
            for letters in local_parts.into_iter().filter(|letters| letters.chars().count() > 2) {
                index.by_local_part.entry(letters).or_default().push(place);
            }
            let (given, family) = (variants(&person.given_name), variants(&person.family_name));
            let mut worth: BTreeMap<String, u8> = BTreeMap::new();
            for (given, family) in given.iter().flat_map(|given| family.iter().map(move |family| (given, family))) {
                for (pattern, points) in patterns(given, family) {
                    let pattern = normalised(&pattern);
                    // For Anna Andersson, `anna` and an `a` say no more than her given name.
                    if pattern != *given && pattern != *family {
                        let best = worth.entry(pattern).or_default();
                        *best = points.max(*best);
                    }
                }
            }
            for (pattern, points) in worth.into_iter().filter(|(pattern, _)| pattern.chars().count() > 3) {
                index.by_pattern.entry(pattern).or_default().push((place, points));
            }
            given.iter().for_each(|name| index.given.add(name, place));
            family.iter().for_each(|name| index.family.add(name, place));
        }
        index.people = people;
        index
    }

    /// A person by id, to show a suggestion.
    #[must_use]
    pub fn person(&self, employee: EmployeeId) -> Option<&Namesake> {
        self.places.get(&employee).and_then(|place| self.people.get(*place))
    }

    /// Suggestions for a learner with keys that do not link: the likeliest first, and of equals the smallest number; at
    /// most [`AT_MOST`]. `may_be` says who may be suggested at all; other people do not influence the result.
    #[must_use]
    pub fn suggest(
        &self,
        platform: PlatformId,
        learners: &[LearnerKeys],
        today: NaiveDate,
        may_be: impl Fn(&Namesake) -> bool,
    ) -> Vec<Suggestion> {
        let mut signs = Signs { index: self, may_be, found: BTreeMap::new() };
        for identity in learners.iter().flat_map(LearnerKeys::identities).collect::<BTreeSet<_>>() {
            signs.by_key(platform, &identity);
            match identity.key {
                LinkingKey::EmployeeNumber => signs.by_number(&identity.value),
                LinkingKey::Email | LinkingKey::Username => signs.by_address(platform, &identity),
                LinkingKey::Account => {}
            }
        }
        let weigh = |(place, mut reasons): (usize, Vec<Reason>)| {
            let person = self.people.get(place)?;
            reasons.extend(timing(&person.engagements, today));
            weighed(person.employee, reasons).map(|suggestion| (place, suggestion))
        };
        let mut suggested: Vec<(usize, Suggestion)> = signs.found.into_iter().filter_map(weigh).collect();
        // People are in the order of their numbers.
        suggested.sort_by(|(a, of_a), (b, of_b)| of_b.score.cmp(&of_a.score).then(a.cmp(b)));
        suggested.into_iter().map(|(_, suggestion)| suggestion).take(AT_MOST).collect()
    }
}

/// Whether a person starts soon, or has just left.
fn timing(engagements: &[Engagement], today: NaiveDate) -> Option<Reason> {
    let runs = |e: &Engagement| e.starts_on <= today && e.ends_on.is_none_or(|last| today <= last);
    if engagements.iter().any(runs) {
        return None;
    }
    let next = engagements.iter().map(|e| e.starts_on).filter(|day| *day > today).min();
    if let Some(on) = next.filter(|day| *day <= add_days(today, SOON_DAYS)) {
        return Some(Reason::StartsSoon { on });
    }
    let last = engagements.iter().filter_map(|e| e.ends_on).filter(|day| *day < today).max();
    last.filter(|day| today <= add_days(*day, SOON_DAYS)).map(|on| Reason::EndedLately { on })
}

/// The reasons for each person, while they are collected.
struct Signs<'a, F> {
    index: &'a Namesakes,
    may_be: F,
    /// By place among the people.
    found: BTreeMap<usize, Vec<Reason>>,
}

impl<F: Fn(&Namesake) -> bool> Signs<'_, F> {
    fn may_be(&self, place: usize) -> bool {
        self.index.people.get(place).is_some_and(&self.may_be)
    }

    fn add(&mut self, place: usize, reason: Reason) {
        self.found.entry(place).or_default().push(reason);
    }

    /// Adds a sign for those people who may be suggested, unless it fits too many of them.
    fn add_where_few(&mut self, places: impl IntoIterator<Item = (usize, Reason)>) {
        let fitting: BTreeMap<usize, Reason> = places.into_iter().filter(|(place, _)| self.may_be(*place)).collect();
        if fitting.len() <= FEW {
            fitting.into_iter().for_each(|(place, reason)| self.add(place, reason));
        }
    }

    fn by_key(&mut self, platform: PlatformId, identity: &Identity) {
        let key = identity.key;
        let index = self.index;
        let by_key = index.by_key.get(identity).into_iter().flatten();
        let here = by_key.filter(|(_, of, _)| of.is_none_or(|of| of == platform));
        // A person known by it now, and formerly by another row, counts as known now.
        let mut known: BTreeMap<usize, bool> = BTreeMap::new();
        for (place, _, formerly) in here {
            let only_formerly = known.entry(*place).or_insert(true);
            *only_formerly &= *formerly;
        }
        let reason_of = |formerly| if formerly { Reason::KnownFormerly { key } } else { Reason::KeyFits { key } };
        let signs = known.into_iter().map(|(place, formerly)| (place, reason_of(formerly)));
        let numbers = index.by_number.get(&identity.value).filter(|_| key == LinkingKey::EmployeeNumber);
        let numbers = numbers.into_iter().flatten().map(|place| (*place, Reason::KeyFits { key }));
        for (place, reason) in signs.chain(numbers) {
            if self.may_be(place) {
                self.add(place, reason);
            }
        }
    }

    fn by_number(&mut self, number: &str) {
        let index = self.index;
        let named = |other: &str| index.by_number.get(other).into_iter().flatten().copied();
        if index.by_number.contains_key(number) || number.chars().count() > LONGEST {
            return;
        }
        let significant = index.by_significant_number.get(number.trim_start_matches('0'));
        self.add_where_few(significant.into_iter().flatten().map(|place| (*place, Reason::LeadingZeros)));
        let exchanged: Vec<usize> = transposed(number).iter().flat_map(|other| named(other)).collect();
        self.add_where_few(exchanged.into_iter().map(|place| (place, Reason::NumberTransposed)));
        let one_off: Vec<usize> = one_digit_off(number).iter().flat_map(|other| named(other)).collect();
        self.add_where_few(one_off.into_iter().map(|place| (place, Reason::NumberOneDigit)));
    }

    fn by_address(&mut self, platform: PlatformId, identity: &Identity) {
        let index = self.index;
        let letters = letters_of(&identity.value);
        let counts = index.by_local_part.get(&letters).into_iter().flatten().filter_map(|place| {
            let known_by = &index.people.get(*place)?.known_by;
            // A person known by the very key has a better reason.
            let here = |known: &&KnownBy| known.platform.is_none_or(|of| of == platform);
            if known_by.iter().filter(here).any(|known| known.identity == *identity) {
                return None;
            }
            let is_address = identity.key == LinkingKey::Email
                && known_by.iter().any(|known| {
                    known.identity.key == LinkingKey::Email && letters_of(&known.identity.value) == letters
                });
            Some((*place, if is_address { Reason::SameLocalPart } else { Reason::SameUserName }))
        });
        self.add_where_few(counts);
        let made_so = index.by_pattern.get(&normalised(&letters)).into_iter().flatten();
        self.add_where_few(made_so.map(|(place, points)| (*place, Reason::NamePattern { points: *points })));
        for (a, b) in pairs(&normalised_words(local_part(&identity.value)), index) {
            self.by_names(&a, &b);
            self.by_names(&b, &a);
        }
    }

    /// People with these given and family names, or similar ones; an initial can represent a given name.
    fn by_names(&mut self, given: &str, family: &str) {
        let index = self.index;
        if given.chars().count() == 1 {
            let begins = |place: &usize| {
                index.people.get(*place).is_some_and(|p| variants(&p.given_name).iter().any(|n| n.starts_with(given)))
            };
            let bearers = index.family.bearers(family).iter().filter(|place| begins(place));
            self.add_where_few(bearers.map(|place| (*place, Reason::NamePattern { points: 55 })));
            return;
        }
        let given = index.given.near(given);
        if given.is_empty() {
            return;
        }
        for (family, percent_of_family) in index.family.near(family) {
            for (given, percent_of_given) in &given {
                let percent = percent_of_family.midpoint(*percent_of_given);
                let same = percent_of_family == 100 && *percent_of_given == 100;
                let reason = if same { Reason::SameName } else { Reason::NearName { percent } };
                for place in in_both(index.given.bearers(given), index.family.bearers(family)) {
                    if self.may_be(place) {
                        self.add(place, reason);
                    }
                }
            }
        }
    }
}

/// The common values of two ascending lists.
fn in_both<'a>(a: &'a [usize], b: &'a [usize]) -> impl Iterator<Item = usize> {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.iter().copied().filter(|place| long.binary_search(place).is_ok())
}

/// The pairs of names that an address can represent: its words with some of them joined, or one word split where its
/// beginning or its end is a known name.
fn pairs(words: &[String], index: &Namesakes) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    let letters: usize = words.iter().map(|word| word.chars().count()).sum();
    if letters > LONGEST {
        return pairs;
    }
    if let [word] = words {
        if letters < SHORTEST_PAIR {
            return pairs;
        }
        for (middle, _) in word.char_indices().skip(2) {
            let (a, b) = word.split_at(middle);
            let known = |name| !index.given.bearers(name).is_empty() || !index.family.bearers(name).is_empty();
            if b.chars().count() > 1 && (known(a) || known(b)) {
                pairs.insert((a.to_owned(), b.to_owned()));
            }
        }
        return pairs;
    }
    for middle in 1..words.len() {
        let (a, b) = words.split_at(middle);
        pairs.insert((normalised(&a.concat()), normalised(&b.concat())));
    }
    if let (Some(first), Some(last)) = (words.first(), words.last().filter(|_| words.len() > 2)) {
        pairs.insert((first.clone(), last.clone()));
    }
    pairs
}

/// The number with each pair of different neighbours exchanged.
fn transposed(number: &str) -> BTreeSet<String> {
    let digits: Vec<char> = number.chars().collect();
    let exchanged = (1..digits.len()).map(|place| {
        let mut digits = digits.clone();
        digits.swap(place - 1, place);
        digits.into_iter().collect::<String>()
    });
    exchanged.filter(|other| other != number).collect()
}

/// A number with one digit changed, left out or put in.
fn one_digit_off(number: &str) -> BTreeSet<String> {
    let digits: Vec<char> = number.chars().collect();
    let with = |place: usize, instead: Option<char>, stored_from: usize| -> String {
        digits.iter().take(place).copied().chain(instead).chain(digits.iter().skip(stored_from).copied()).collect()
    };
    let mut others = BTreeSet::new();
    for place in 0..=digits.len() {
        others.extend(('0'..='9').map(|digit| with(place, Some(digit), place)));
        if place < digits.len() {
            others.extend(('0'..='9').map(|digit| with(place, Some(digit), place + 1)));
            others.insert(with(place, None, place + 1));
        }
    }
    others.remove(number);
    others
}

#[cfg(test)]
mod tests;
