//! Normalised names and addresses: different spellings of the same sound become the same.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A text in the form in which names are compared: lower case, letters and digits only, without marks.
///
/// `å`, `ä`, `æ` and their spellings `aa` and `ae` become `a`; `ö`, `ø`, `œ` and `oe` become `o`; `ü` and `ue` become
/// `u`; `é` becomes `e`. So `Åsa Öberg-Håkansson` and `aasa oeberg hakansson` differ only in spaces, which are dropped
/// too. Normalising twice changes nothing.
#[must_use]
pub fn normalised(text: &str) -> String {
    let mut normalised = String::with_capacity(text.len());
    let mut last = None;
    for letter in text.to_lowercase().nfkd().flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)) {
        for letter in base_letters(letter).chars().chain(is_plain(letter).then_some(letter)) {
            // The second letter of a digraph replaces the mark of the first one, for people without that key.
            let is_second = matches!((last, letter), (Some('a'), 'a' | 'e') | (Some('o' | 'u'), 'e'));
            if letter.is_alphanumeric() && !is_second {
                normalised.push(letter);
                last = Some(letter);
            }
        }
    }
    normalised
}

fn is_plain(letter: char) -> bool {
    base_letters(letter).is_empty()
}

/// The letters of one that Unicode does not decompose; empty if it is plain itself.
const fn base_letters(letter: char) -> &'static str {
    match letter {
        'æ' => "a",
        'ø' | 'œ' => "o",
        'ß' => "ss",
        'ð' | 'đ' => "d",
        'þ' => "th",
        'ł' => "l",
        'ı' => "i",
        _ => "",
    }
}

/// The normalised words of a name or an address, split at hyphens, dots, spaces and digits.
#[must_use]
pub fn normalised_words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphabetic() && !is_combining_mark(c))
        .map(normalised)
        .filter(|word| !word.is_empty())
        .collect()
}

/// The part of an e-mail address before the `@`; the whole of any other text.
#[must_use]
pub fn local_part(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(local, _)| local)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_sounds_the_same_is_folded_the_same() {
        for (a, b) in [
            ("Åsa", "asa"),
            ("Åsa", "AASA"),
            ("A\u{30a}sa", "Åsa"),
            ("Ängström", "aengstroem"),
            ("Ängström", "angstrom"),
            ("Sørensen", "sorensen"),
            ("Sørensen", "soerensen"),
            ("Kjær", "kjar"),
            ("Lindén", "linden"),
            ("Müller", "mueller"),
            ("Groß", "gross"),
            ("Anna-Karin", "annakarin"),
            ("İpek", "ipek"),
        ] {
            assert_eq!(normalised(a), normalised(b), "{a} and {b}");
        }
        assert_ne!(normalised("Berg"), normalised("Borg"));
    }

    #[test]
    fn words_stand_between_hyphens_dots_and_digits() {
        assert_eq!(normalised_words("Anna-Karin af Ek"), ["anna", "karin", "af", "ek"]);
        assert_eq!(normalised_words(local_part("anna.öberg02@example.org")), ["anna", "oberg"]);
        assert_eq!(normalised_words("1701"), [""; 0]);
    }

    proptest! {
        #[test]
        fn folding_what_is_folded_changes_nothing(text in any::<String>()) {
            let once = normalised(&text);
            prop_assert_eq!(normalised(&once), once);
        }

        #[test]
        fn case_and_composition_do_not_matter(text in "[A-Za-zÅÄÖåäöÉéÆæØøüÜ -]{0,20}") {
            prop_assert_eq!(normalised(&text), normalised(&text.to_uppercase()));
            prop_assert_eq!(normalised(&text), normalised(&text.nfd().collect::<String>()));
        }
    }
}
