//! Swedish order for names and units: å, ä and ö after z, capitals next to their small letters.

use std::convert::Infallible;
use std::fmt;

use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::locale;

/// Ends each part of a [`SwedishOrder::export_key`]. Smaller than any byte of a sort key, so that a text sorts before
/// every longer text that begins with it, regardless of the next part.
const END_OF_PART: u8 = 0;

/// The order of Swedish (CLDR's, at the third level): letters decide first, then accents, then capitals.
///
/// Build it once. Its keys sort bytewise in the same order. Do not store them beyond the process, since they change
/// with the version of the collation data.
pub struct SwedishOrder {
    collator: CollatorBorrowed<'static>,
}

impl SwedishOrder {
    #[must_use]
    #[expect(clippy::expect_used, reason = "the collation data is compiled in and depends on nothing from outside")]
    pub fn new() -> Self {
        let collator = Collator::try_new(locale!("sv").into(), CollatorOptions::default());
        Self { collator: collator.expect("Swedish collation data is compiled in") }
    }

    /// A text's sort key, to be compared bytewise.
    #[must_use]
    pub fn key(&self, text: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(2 * text.len() + 4);
        self.append(text, &mut key);
        key
    }

    /// The sort key of an export's row: by unit, family name, given name, employee number (DESIGN, section 3, "Doors").
    ///
    /// Part by part: a difference in the unit, however small, decides before any difference in the names. The number
    /// has no language and sorts by its characters, which distinguishes any two rows of an administration and
    /// requirement.
    #[must_use]
    pub fn export_key(&self, unit: &str, family_name: &str, given_name: &str, employee_number: &str) -> Vec<u8> {
        let texts = [unit, family_name, given_name];
        let length: usize = texts.iter().map(|text| 2 * text.len() + 5).sum();
        let mut key = Vec::with_capacity(length + employee_number.len());
        for text in texts {
            self.append(text, &mut key);
            key.push(END_OF_PART);
        }
        key.extend_from_slice(employee_number.as_bytes());
        key
    }

    fn append(&self, text: &str, key: &mut Vec<u8>) {
        let written: Result<(), Infallible> = self.collator.write_sort_key_to(text, key);
        let Ok(()) = written;
    }
}

impl Default for SwedishOrder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SwedishOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwedishOrder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(mut texts: Vec<&str>) -> Vec<&str> {
        let order = SwedishOrder::new();
        texts.sort_by_cached_key(|text| order.key(text));
        texts
    }

    #[test]
    fn swedish_letters_come_after_z_in_their_own_order() {
        let expected = ["Andersson", "Berg", "von Essen", "Zetterlund", "Åberg", "Ärlig", "Öberg"];
        let mut reversed = expected.to_vec();
        reversed.reverse();
        assert_eq!(sorted(reversed), expected);
    }

    #[test]
    fn capitals_and_accents_only_break_ties() {
        assert_eq!(sorted(vec!["Berga", "BERG", "berg", "Berg"]), ["berg", "Berg", "BERG", "Berga"]);
        assert_eq!(sorted(vec!["Lindén", "Lindens", "Linden", "Linder"]), ["Linden", "Lindén", "Lindens", "Linder"]);
        assert_eq!(sorted(vec!["Wallin", "Wiberg", "Vik", "Vall"]), ["Vall", "Vik", "Wallin", "Wiberg"]);
    }

    #[test]
    fn a_letter_is_the_same_composed_or_not() {
        let order = SwedishOrder::new();
        assert_eq!(order.key("Åberg"), order.key("A\u{30a}berg"));
    }

    #[test]
    fn an_export_is_sorted_by_unit_then_family_name_then_given_name_then_number() {
        let order = SwedishOrder::new();
        let rows = [
            ("", "Öberg", "Åsa", "9"),
            ("Kök", "Ek", "Ida", "1"),
            ("Kök", "Ek", "Åke", "104"),
            ("Kök", "Ek", "Åke", "23"),
            ("Kök", "Ekman", "Ada", "2"),
            ("Kök 2", "Alm", "Bo", "3"),
            ("Ängen", "Alm", "Bo", "3"),
        ];
        let key =
            |(unit, family, given, number): &(&str, &str, &str, &str)| order.export_key(unit, family, given, number);
        let mut shuffled = rows.to_vec();
        shuffled.reverse();
        shuffled.sort_by_cached_key(key);
        assert_eq!(shuffled, rows);
    }

    /// Names as people have them, and any other text that a file may contain.
    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![3 => "[a-cå-öÅ-Öe\u{301}vwVWz '-]{0,6}", 1 => any::<String>()]
    }

    proptest! {
        #[test]
        fn keys_have_the_collators_order(left in any_text(), right in any_text()) {
            let order = SwedishOrder::new();
            prop_assert_eq!(order.key(&left).cmp(&order.key(&right)), order.collator.compare(&left, &right));
        }

        #[test]
        fn export_keys_compare_part_by_part(
            left in (any_text(), any_text(), any_text(), "[0-9]{1,3}"),
            right in (any_text(), any_text(), any_text(), "[0-9]{1,3}"),
        ) {
            let order = SwedishOrder::new();
            let by_parts = order.collator.compare(&left.0, &right.0)
                .then_with(|| order.collator.compare(&left.1, &right.1))
                .then_with(|| order.collator.compare(&left.2, &right.2))
                .then_with(|| left.3.cmp(&right.3));
            let left = order.export_key(&left.0, &left.1, &left.2, &left.3);
            let right = order.export_key(&right.0, &right.1, &right.2, &right.3);
            prop_assert_eq!(left.cmp(&right), by_parts);
        }
    }
}
