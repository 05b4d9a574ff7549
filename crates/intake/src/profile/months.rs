//! Names of months and days of the week, in Swedish and English, as formats of times read them.
//!
//! chrono reads English names alone. So a text that it does not understand is tried again with each name in its English
//! short form, whatever its capitals, and with or without the full stop of an abbreviation.

use unicode_normalization::UnicodeNormalization as _;

/// The English short form, and all that stands for it.
const NAMES: [(&str, &[&str]); 19] = [
    ("Jan", &["jan", "january", "januari"]),
    ("Feb", &["feb", "february", "februari", "febr"]),
    ("Mar", &["mar", "march", "mars"]),
    ("Apr", &["apr", "april"]),
    ("May", &["may", "maj"]),
    ("Jun", &["jun", "june", "juni"]),
    ("Jul", &["jul", "july", "juli"]),
    ("Aug", &["aug", "august", "augusti"]),
    ("Sep", &["sep", "sept", "september"]),
    ("Oct", &["oct", "okt", "october", "oktober"]),
    ("Nov", &["nov", "november"]),
    ("Dec", &["dec", "december"]),
    ("Mon", &["mon", "monday", "mån", "måndag"]),
    ("Tue", &["tue", "tues", "tuesday", "tis", "tisdag"]),
    ("Wed", &["wed", "wednesday", "ons", "onsdag"]),
    ("Thu", &["thu", "thur", "thurs", "thursday", "tor", "tors", "torsdag"]),
    ("Fri", &["fri", "friday", "fre", "fredag"]),
    ("Sat", &["sat", "saturday", "lör", "lördag"]),
    ("Sun", &["sun", "sunday", "sön", "söndag"]),
];

/// The specifiers of names in a format.
const SPECIFIERS: [&str; 5] = ["%b", "%B", "%h", "%a", "%A"];

/// Whether a format reads a name.
pub(super) fn reads_names(format: &str) -> bool {
    SPECIFIERS.iter().any(|specifier| format.contains(specifier))
}

/// A format without the full stops that stand behind its names.
pub(super) fn without_stops(format: &str) -> String {
    SPECIFIERS.iter().fold(format.to_owned(), |format, specifier| format.replace(&format!("{specifier}."), specifier))
}

/// A text with its names in English, and without the full stops behind them.
pub(super) fn in_english(text: &str) -> String {
    let text: String = text.nfc().collect();
    let mut english = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let end = if first.is_alphabetic() {
            rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())
        } else {
            rest.find(char::is_alphabetic).unwrap_or(rest.len())
        };
        let (word, behind) = rest.split_at(end);
        let lower = word.to_lowercase();
        match NAMES.iter().find(|(_, names)| names.contains(&lower.as_str())) {
            Some((name, _)) => {
                english.push_str(name);
                rest = behind.strip_prefix('.').unwrap_or(behind);
            }
            None => {
                english.push_str(word);
                rest = behind;
            }
        }
    }
    english
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_in_english_whatever_their_case_and_full_stops() {
        for (text, english) in [
            ("3 mars 2026", "3 Mar 2026"),
            ("3 MARS 2026", "3 Mar 2026"),
            ("3 mar. 2026", "3 Mar 2026"),
            ("Tisdag den 3 Mars 2026 kl. 10.15", "Tue den 3 Mar 2026 kl. 10.15"),
            ("ma\u{30a}n 2 feb. 2026", "Mon 2 Feb 2026"),
            ("March 3, 2026 10:15 AM", "Mar 3, 2026 10:15 AM"),
            ("1 maj 2026", "1 May 2026"),
            ("31-OKT-2026", "31-Oct-2026"),
            ("marsipan 3", "marsipan 3"),
            ("", ""),
        ] {
            assert_eq!(in_english(text), english, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_lost_but_full_stops_and_spellings(text in "[0-9 ,:/-]{0,40}") {
            proptest::prop_assert_eq!(in_english(&text), text);
        }
    }
}
