//! The reasons for quarantine, grouped: the parts that differ between deliveries are left out.

use chrono::{DateTime, Utc};

use super::ids::PlatformCode;

/// Replaces a part that differs from one delivery to the next.
pub const ANYTHING: char = '…';

/// A problem without the parts that differ: quoted texts, and words with digits in them.
///
/// `has the member "typ" twice: send it once` becomes `has the member "…" twice: send it once`, and
/// `is not JSON from line 1, column 27 on` becomes `is not JSON from line …, column … on`.
#[must_use]
pub fn kind_of(problem: &str) -> String {
    let mut kind = String::with_capacity(problem.len());
    for (place, part) in problem.split('"').enumerate() {
        // Every other part is between quotation marks.
        if place % 2 == 1 {
            kind.push('"');
            kind.push(ANYTHING);
            kind.push('"');
            continue;
        }
        for word in part.split_inclusive(' ') {
            let bare = word.trim_end_matches(|c: char| c.is_whitespace() || ",:;.".contains(c));
            if bare.contains(|c: char| c.is_ascii_digit()) {
                kind.push(ANYTHING);
                kind.push_str(&word[bare.len()..]);
            } else {
                kind.push_str(word);
            }
        }
    }
    kind
}

/// Deliveries of a platform that wait for the same reason in the same place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub platform: PlatformCode,
    /// Where in the body (RFC 6901).
    pub pointer: String,
    /// See [`kind_of`].
    pub problem: String,
    pub deliveries: u64,
    pub oldest: DateTime<Utc>,
    pub newest: DateTime<Utc>,
    /// The id of the newest of them.
    pub example: i64,
}

/// Merges groups of the same kind, those with most deliveries first.
#[must_use]
pub fn grouped(mut exact: Vec<Group>) -> Vec<Group> {
    for group in &mut exact {
        group.problem = kind_of(&group.problem);
    }
    exact.sort_by(|a, b| (&a.platform, &a.pointer, &a.problem).cmp(&(&b.platform, &b.pointer, &b.problem)));
    let mut groups: Vec<Group> = Vec::new();
    for group in exact {
        match groups.last_mut() {
            Some(last)
                if (&last.platform, &last.pointer, &last.problem)
                    == (&group.platform, &group.pointer, &group.problem) =>
            {
                last.deliveries += group.deliveries;
                last.oldest = last.oldest.min(group.oldest);
                last.newest = last.newest.max(group.newest);
                last.example = last.example.max(group.example);
            }
            _ => groups.push(group),
        }
    }
    groups.sort_by(|a, b| b.deliveries.cmp(&a.deliveries).then(b.example.cmp(&a.example)));
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_from_one_delivery_to_the_next_is_left_out() {
        for (problem, kind) in [
            ("is missing: send a JSON object", "is missing: send a JSON object"),
            ("is not JSON from line 1, column 27 on: send one", "is not JSON from line …, column … on: send one"),
            (r#"has the member "typ 2" twice: send it once"#, r#"has the member "…" twice: send it once"#),
            (
                "lies in the future, more than a day after 2026-02-26 12:00:00 UTC when it was received",
                "lies in the future, more than a day after … … UTC when it was received",
            ),
            ("", ""),
        ] {
            assert_eq!(kind_of(problem), kind);
        }
    }

    fn group(problem: &str, deliveries: u64, example: i64) -> Group {
        let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(example);
        Group {
            platform: PlatformCode::parse("larportal").expect("a code"),
            pointer: String::new(),
            problem: problem.to_owned(),
            deliveries,
            oldest: at,
            newest: at,
            example,
        }
    }

    #[test]
    fn groups_of_a_kind_are_one_and_the_largest_comes_first() {
        let groups = grouped(vec![group("column 1", 1, 1), group("is missing", 2, 2), group("column 2", 3, 3)]);
        let reported: Vec<_> = groups.iter().map(|g| (g.problem.as_str(), g.deliveries, g.example)).collect();
        assert_eq!(reported, [("column …", 4, 3), ("is missing", 2, 2)]);
        assert_eq!((groups[0].oldest.timestamp(), groups[0].newest.timestamp()), (1, 3));
    }

    proptest! {
        #[test]
        fn a_kind_is_its_own_kind_and_no_delivery_is_lost(problems in proptest::collection::vec("[a-c1\" ,]{0,8}", 0..20)) {
            for problem in &problems {
                prop_assert_eq!(kind_of(&kind_of(problem)), kind_of(problem));
            }
            let groups = grouped(problems.iter().map(|problem| group(problem, 1, 1)).collect());
            prop_assert_eq!(groups.iter().map(|group| group.deliveries).sum::<u64>(), problems.len() as u64);
        }
    }
}
