//! How an export shows an employee with protected personal data, and which texts mention one.

use super::ExportRow;
use crate::linking::normalized;

/// The present and earlier names and keys of a person with protected personal data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProtectedWords {
    /// Given and family names.
    pub names: Vec<(String, String)>,
    /// Employee numbers, addresses, user names and accounts.
    pub keys: Vec<String>,
}

impl ProtectedWords {
    /// Whether a text mentions them: it contains one of their keys, or one of their given and one of their family
    /// names, as words. Case and the escapes of JSON or an address do not matter.
    #[must_use]
    pub fn are_in(&self, text: &ReadText) -> bool {
        let has = |word: &str| text.0.iter().any(|text| has_word(text, &normalized(word)));
        self.keys.iter().any(|key| has(key)) || self.names.iter().any(|(given, family)| has(given) && has(family))
    }
}

/// A text as it is searched: as it is, and with its escapes decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadText(Vec<String>);

impl ReadText {
    #[must_use]
    pub fn of(text: &str) -> Self {
        let unescaped = unescaped(text);
        let decoded =
            percent_encoding::percent_decode_str(&unescaped.replace('+', " ")).decode_utf8_lossy().into_owned();
        let mut texts: Vec<String> = [text, &unescaped, &decoded].map(normalized).to_vec();
        texts.dedup();
        Self(texts)
    }
}

/// A text with its `\\u00e5` decoded.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut read = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        match code.zip(part.get(4..)) {
            Some((letter, rest)) => {
                read.push(letter);
                read.push_str(rest);
            }
            None => {
                read.push_str("\\u");
                read.push_str(part);
            }
        }
    }
    read
}

/// Whether a text contains a word that is not a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    if word.is_empty() {
        return false;
    }
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at + word.len()..).and_then(|behind| behind.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !behind.is_some_and(char::is_alphanumeric)
    })
}

/// Removes what the row of an employee with protected personal data must not show: "the number and the status, and
/// no name, e-mail or unit" (DESIGN, section 3, "Doors").
///
/// Protect a row before it is sorted or compared: its position among the names of its unit would reveal the name.
pub fn protect(row: &mut ExportRow) {
    row.unit.clear();
    row.given_name.clear();
    row.family_name.clear();
    row.email.clear();
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::compliance::Status;
    use crate::directory::EmploymentForm;
    use crate::ids::{AdministrationCode, EmployeeNumber, RequirementCode};

    #[test]
    fn a_text_speaks_of_somebody_by_a_key_or_by_both_names_however_it_is_written() {
        let asa = ProtectedWords {
            names: vec![("Åsa".to_owned(), "Ek".to_owned())],
            keys: vec!["104233".to_owned(), "asa.ek@example.org".to_owned()],
        };
        for (text, speaks) in [
            (r#"{"learner": {"employee_number": "104233"}}"#, true),
            (r#"{"learner": {"employee_number": "1042331"}}"#, false),
            (r#"{"actor": {"mbox": "mailto:Asa.Ek@example.org"}}"#, true),
            ("actor=mailto%3Aasa.ek%40example.org", true),
            (r#"{"first": "\u00c5sa", "last": "EK"}"#, true),
            (r#"{"first": "Åsa", "last": "Ekman"}"#, false),
            (r#"{"name": "Week"}"#, false),
            ("", false),
        ] {
            assert_eq!(asa.are_in(&ReadText::of(text)), speaks, "{text}");
        }
        assert!(
            !ProtectedWords { names: vec![(String::new(), String::new())], keys: vec![String::new()] }
                .are_in(&ReadText::of("a"))
        );
    }

    fn row() -> ExportRow {
        let day = NaiveDate::from_ymd_opt(2026, 2, 26).expect("a day");
        ExportRow {
            administration: AdministrationCode::parse("SEF").expect("a code"),
            administration_name: "Serviceförvaltningen".to_owned(),
            unit: "Måltid norr".to_owned(),
            employee_number: EmployeeNumber::parse("104233").expect("a number"),
            given_name: "Åsa".to_owned(),
            family_name: "Öberg".to_owned(),
            email: "asa.oberg@example.org".to_owned(),
            employment_form: EmploymentForm::Permanent,
            starts_on: day,
            requirement: RequirementCode::parse("infosec-onboarding").expect("a code"),
            status: Status::Overdue,
            due_on: Some(day),
            satisfied_on: None,
            valid_until: None,
            best_score_percent: None,
            attempts: 2,
            last_attempt_on: Some(day),
            evidence_event_id: None,
            as_of: day,
        }
    }

    #[test]
    fn a_protected_row_shows_the_number_and_the_status_and_no_name_e_mail_or_unit() {
        let mut protected = row();
        protect(&mut protected);
        let blank = String::new;
        let expected = ExportRow { unit: blank(), given_name: blank(), family_name: blank(), email: blank(), ..row() };
        assert_eq!(protected, expected);
    }
}
