//! Which language a reader wants: `Accept-Language` (RFC 9110, section 12.5.4).

use std::cmp::Reverse;

/// The languages that a reader accepts, the best first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AcceptLanguage {
    /// Ranges in lower case; those that are not wanted at all are left out.
    ranges: Vec<String>,
}

impl AcceptLanguage {
    /// The most ranges that are read.
    const MAX_RANGES: usize = 32;
    /// The longest range that is read, in bytes: no language in use has a longer one (RFC 5646, section
    /// 4.4.1, expects 35), and each of its parts may be searched for in the whole answer.
    const MAX_RANGE: usize = 60;

    /// Reads the header. What is no range with a weight is skipped: a reader with an odd header still gets an answer.
    #[must_use]
    pub fn parse(header: &str) -> Self {
        let mut weighed: Vec<(u16, String)> = header
            .split(',')
            .take(Self::MAX_RANGES)
            .filter_map(|range| {
                let (range, parameters) = range.split_once(';').unwrap_or((range, "q=1"));
                let (name, weight) = parameters.split_once('=')?;
                let weight = thousandths(weight.trim()).filter(|_| name.trim().eq_ignore_ascii_case("q"))?;
                let range = range.trim();
                (weight > 0 && (1..=Self::MAX_RANGE).contains(&range.len()))
                    .then(|| (weight, range.to_ascii_lowercase()))
            })
            .collect();
        weighed.sort_by_key(|(weight, _)| Reverse(*weight));
        Self { ranges: weighed.into_iter().map(|(_, range)| range).collect() }
    }

    /// Which of the tags fits best: for each range in turn the tag itself, then one that is more precise (`sv` takes
    /// `sv-FI`), then what is left of the range as its end is cut (`sv-FI` takes `sv`: RFC 4647, section 3.4). If
    /// none fits, the first: a name in some language says more than none.
    pub fn best<'t>(&self, tags: impl Iterator<Item = &'t str> + Clone) -> Option<usize> {
        let fitting = self.ranges.iter().find_map(|range| {
            let mut range = range.as_str();
            loop {
                let exact = tags.clone().position(|tag| range == "*" || tag.eq_ignore_ascii_case(range));
                let found = exact.or_else(|| tags.clone().position(|tag| is_within(tag, range)));
                match (found, range.rsplit_once('-')) {
                    (Some(found), _) => return Some(found),
                    // A single letter introduces what follows it, and goes with it.
                    (None, Some((shorter, _))) => {
                        let introduces = shorter.rsplit_once('-').filter(|(_, last)| last.len() == 1);
                        range = introduces.map_or(shorter, |(shortest, _)| shortest);
                    }
                    (None, None) => return None,
                }
            }
        });
        fitting.or_else(|| tags.clone().next().map(|_| 0))
    }
}

/// RFC 4647, section 3.3.1: a tag that begins with the range, up to a hyphen.
fn is_within(tag: &str, range: &str) -> bool {
    tag.split_at_checked(range.len())
        .is_some_and(|(front, rest)| front.eq_ignore_ascii_case(range) && rest.starts_with('-'))
}

/// A weight of RFC 9110, section 12.4.2: from 0 to 1 with up to three decimals.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let whole: u16 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    Some(whole * 1000 + decimals).filter(|weight| *weight <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best<'t>(header: &str, tags: &[&'t str]) -> Option<&'t str> {
        AcceptLanguage::parse(header).best(tags.iter().copied()).and_then(|at| tags.get(at).copied())
    }

    #[test]
    fn the_language_that_is_wanted_most_is_taken() {
        for (header, tags, expected) in [
            ("sv", &["en", "sv"][..], "sv"),
            ("en;q=0.5, sv;q=0.9", &["en", "sv"], "sv"),
            ("en;q=0.5, sv", &["en", "sv"], "sv"),
            ("SV-fi", &["en", "sv"], "sv"),
            ("sv", &["en", "sv-FI"], "sv-FI"),
            ("sv", &["sv-FI", "sv"], "sv"),
            ("zh-Hant-TW", &["zh-Hans", "zh-Hant"], "zh-Hant"),
            ("zh-Hant-x-lar", &["en-x", "zh-Hant"], "zh-Hant"),
            ("s", &["en", "sv"], "en"),
            ("de, *;q=0.1", &["en", "sv"], "en"),
            ("de", &["sv", "en"], "sv"),
            ("en;q=0", &["en", "sv"], "en"),
            ("en;q=0, sv;q=0.001", &["en", "sv"], "sv"),
            ("", &["sv"], "sv"),
            ("en;q=2, sv;x, ;;, sv;q=0.8", &["en", "sv"], "sv"),
        ] {
            assert_eq!(best(header, tags), Some(expected), "{header} of {tags:?}");
        }
        assert_eq!(best("sv", &[]), None);
    }

    #[test]
    fn a_range_of_more_parts_than_a_language_has_is_passed_over() {
        let long = format!("sv{}", "-a1".repeat(100));
        let read = AcceptLanguage::parse(&format!("{long}, en;q=0.5"));
        assert_eq!(read.ranges, ["en"]);
    }
}
