//! Names and addresses brought into a form in which what people write for the same sound is the same.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A text in the form in which names are compared: lower case, letters and digits only, without marks.
///
/// `å`, `ä`, `æ` and their spellings `aa` and `ae` become `a`; `ö`, `ø`, `œ` and `oe` become `o`; `ü` and `ue` become
/// `u`; `é` becomes `e`. So `Åsa Öberg-Håkansson` and `aasa oeberg hakansson` differ in spaces only, which go too.
/// Folding what is folded changes nothing.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut last = None;
    for letter in text.to_lowercase().nfkd().flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)) {
        for letter in base_letters(letter).chars().chain(is_plain(letter).then_some(letter)) {
            // The second letter of a digraph is how somebody without the key wrote the first one's mark.
            let is_second = matches!((last, letter), (Some('a'), 'a' | 'e') | (Some('o' | 'u'), 'e'));
            if letter.is_alphanumeric() && !is_second {
                folded.push(letter);
                last = Some(letter);
            }
        }
    }
    folded
}

fn is_plain(letter: char) -> bool {
    base_letters(letter).is_empty()
}

/// The letters of one that Unicode does not take apart; empty where it is plain itself.
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

/// The folded words of a name or an address: what stands between hyphens, dots, spaces and digits.
#[must_use]
pub fn folded_words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphabetic() && !is_combining_mark(c))
        .map(folded)
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
            assert_eq!(folded(a), folded(b), "{a} and {b}");
        }
        assert_ne!(folded("Berg"), folded("Borg"));
    }

    #[test]
    fn words_stand_between_hyphens_dots_and_digits() {
        assert_eq!(folded_words("Anna-Karin af Ek"), ["anna", "karin", "af", "ek"]);
        assert_eq!(folded_words(local_part("anna.öberg02@example.org")), ["anna", "oberg"]);
        assert_eq!(folded_words("1701"), [""; 0]);
    }

    proptest! {
        #[test]
        fn folding_what_is_folded_changes_nothing(text in any::<String>()) {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn case_and_composition_do_not_matter(text in "[A-Za-zÅÄÖåäöÉéÆæØøüÜ -]{0,20}") {
            prop_assert_eq!(folded(&text), folded(&text.to_uppercase()));
            prop_assert_eq!(folded(&text), folded(&text.nfd().collect::<String>()));
        }
    }
}
