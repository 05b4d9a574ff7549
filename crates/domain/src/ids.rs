//! Identifiers, each parsed once at the boundary into a type that is always valid.
//!
//! A code or number from outside is trimmed. It must not be empty, longer than [`MAX_LENGTH`]
//! characters, or contain control characters.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// The longest identifier that is accepted from outside, in characters.
pub const MAX_LENGTH: usize = 512;

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    #[error("is empty")]
    Empty,
    #[error("is longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error("contains a control character")]
    ControlCharacter,
    #[error("may only contain lower-case letters a to z, digits and hyphens")]
    NotACode,
    #[error("begins with a hyphen, which a command line takes for an option")]
    LeadingHyphen,
    #[error("is a Swedish personal identity number, which is never accepted as an employee number")]
    PersonalIdentityNumber,
}

/// Trims a text and checks the limits of every identifier.
fn parse_text(text: &str) -> Result<String, InvalidId> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.chars().count() > MAX_LENGTH {
        return Err(InvalidId::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidId::ControlCharacter);
    }
    Ok(text.to_owned())
}

fn parse_code(text: &str) -> Result<String, InvalidId> {
    let text = parse_text(text)?;
    if !text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Err(InvalidId::NotACode);
    }
    if text.starts_with('-') { Err(InvalidId::LeadingHyphen) } else { Ok(text) }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $parse:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the identifier from outside text.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                $parse(text).map(Self)
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

text_id!(
    /// HR's number of an employee. Never a Swedish personal identity number (DESIGN, "Files in").
    EmployeeNumber, parse_employee_number
);
text_id!(
    /// HR's id of one employment; unique within its employee.
    EmploymentId, parse_text
);
text_id!(
    /// The code of an administration, for example `SEF`.
    AdministrationCode, parse_text
);
text_id!(
    /// The code of a requirement, for example `infosec-onboarding`; a part of URLs.
    RequirementCode, parse_code
);
text_id!(
    /// The code of a learning platform, for example `larportal`; a part of URLs.
    PlatformCode, parse_code
);
text_id!(
    /// A course, by the platform's own id.
    CourseId, parse_text
);
text_id!(
    /// A quiz, by the platform's own id.
    QuizId, parse_text
);
text_id!(
    /// A platform's id of an event (Standard Webhooks' `webhook-id`); unique within its platform.
    EventId, parse_text
);

text_id!(
    /// The platform's name of one attempt at a quiz, the same in every report of it; unique within its platform.
    AttemptName, parse_text
);

impl AttemptName {
    /// The prefix of names that represent addresses which cannot be stored as they are.
    const DIGEST: &'static str = "sha256:";

    /// The name of an attempt with an address: the address, or a digest if it is too long for an identifier.
    #[must_use]
    pub fn of_address(address: &str) -> Self {
        Self::parse(address).unwrap_or_else(|_| {
            let digest = Sha256::digest(address.as_bytes());
            Self(digest.iter().fold(Self::DIGEST.to_owned(), |name, byte| format!("{name}{byte:02x}")))
        })
    }
}

impl EventId {
    /// The id of an event with a UUID, as statements have it.
    #[must_use]
    pub fn of_uuid(id: uuid::Uuid) -> Self {
        Self(id.hyphenated().to_string())
    }
}

impl EmploymentId {
    /// The prefix of the ids that Kurskoll gives to an identity provider's employments. HR's files cannot have such
    /// ids, so a full file never ends an employment that it cannot name.
    pub const OF_PROVIDER: &'static str = "scim:";

    /// Sorts before every id, and is not an id: the start of a range of one person's employments.
    pub(crate) const BEFORE_ALL: Self = Self(String::new());

    /// Whether the employment was provisioned by SCIM, without an id of HR's.
    #[must_use]
    pub fn is_of_provider(&self) -> bool {
        self.0.starts_with(Self::OF_PROVIDER)
    }
}

/// Kurskoll's own key of an employee, the same for as long as the register knows the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EmployeeId(pub i64);

impl EmployeeId {
    /// The key of no employee. A lookup of a person who does not exist continues with it, so that it takes the same
    /// time as for a person who may not be seen.
    pub const NOBODY: Self = Self(0);
}

/// Kurskoll's own key of a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlatformId(pub i64);

impl PlatformId {
    /// The platform of results that no platform reported: prior training that an administrator recognised.
    pub const NONE: Self = Self(0);
}

fn parse_employee_number(text: &str) -> Result<String, InvalidId> {
    let text = parse_text(text)?;
    if has_shape_of_personal_identity_number(&text) { Err(InvalidId::PersonalIdentityNumber) } else { Ok(text) }
}

/// Whether a text is a Swedish personal identity number or co-ordination number, however it is written: ten or twelve
/// digits, whose first part is a day (a co-ordination number adds 60 to it) and whose check digit is right
/// (Skatteverket, SKV 704 and 707; the check digit is Luhn's, over the last ten digits). Spaces, dashes, `+`, points
/// and apostrophes between the digits are ignored, and so is `SE` before them (as in the VAT number of a sole trader,
/// which also ends in `01`).
#[must_use]
pub fn is_personal_identity_number(text: &str) -> bool {
    readings_of(text).any(|digits| is_of_a_day(&digits) && has_right_check_digit(&digits))
}

/// The same for any check digit: a mistyped number is as personal as a right one.
#[must_use]
pub fn has_shape_of_personal_identity_number(text: &str) -> bool {
    readings_of(text).any(|digits| is_of_a_day(&digits))
}

/// The numbers of ten or twelve digits that a text may be.
fn readings_of(text: &str) -> impl Iterator<Item = Vec<u32>> {
    // NFKC: full-width digits are digits too.
    let plain: String = text.trim().nfkc().collect::<String>().to_uppercase();
    // What a spreadsheet makes of a number.
    let plain = plain.strip_suffix(".0").or_else(|| plain.strip_suffix(",0")).unwrap_or(&plain);
    let is_between = |c: char| c.is_whitespace() || (!c.is_alphanumeric() && !c.is_control());
    let unmarked: String = plain.chars().filter(|c| !is_between(*c)).collect();
    let (digits, is_vat) = match unmarked.strip_prefix("SE") {
        Some(digits) => (digits, true),
        None => (unmarked.as_str(), false),
    };
    let digits: Option<Vec<u32>> = digits.chars().map(|c| c.to_digit(10)).collect();
    let digits = digits.unwrap_or_default();
    let of_vat = digits.strip_suffix(&[0, 1]).filter(|_| is_vat).map(<[u32]>::to_vec);
    [Some(digits), of_vat].into_iter().flatten().filter(|digits| matches!(digits.len(), 10 | 12))
}

/// Whether the digits begin with a day, of a person or of a co-ordination number.
fn is_of_a_day(digits: &[u32]) -> bool {
    let (century, short) = digits.split_at(digits.len().saturating_sub(10));
    let pair = |digits: &[u32], at: usize| digits.iter().skip(at).take(2).fold(0, |number, digit| number * 10 + digit);
    let day = match pair(short, 4) {
        day @ 61.. => day - 60,
        day => day,
    };
    // A short number does not contain its century: 29 February exists in some of them.
    let centuries = if century.is_empty() { vec![18, 19, 20] } else { vec![pair(century, 0)] };
    centuries.into_iter().filter(|century| (18..=20).contains(century)).any(|century| {
        let year = i32::try_from(century * 100 + pair(short, 0));
        year.is_ok_and(|year| NaiveDate::from_ymd_opt(year, pair(short, 2), day).is_some())
    })
}

fn has_right_check_digit(digits: &[u32]) -> bool {
    let short = digits.iter().skip(digits.len().saturating_sub(10));
    let doubled = |(at, digit): (usize, &u32)| if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    short.enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// None of these belongs to a person: the tax agency's own test numbers, and numbers with a wrong check digit.
    const PERSONAL: [&str; 24] = [
        "811218-9876",
        "8112189876",
        "198112189876",
        "19811218-9876",
        "811278-9873",
        "701063-2391",
        "811218 9876",
        "811218\u{2013}9876",
        "811218\u{2014}9876",
        "811218\u{2212}9876",
        "811218\u{a0}9876",
        "'8112189876",
        "\u{2019}811218-9876",
        "SE8112189876",
        "SE811218987601",
        "se 811218-9876 01",
        "1981-12-18-9876",
        "1981-12-18 9876",
        "81-12-18-9876",
        "811218+9876",
        "81.12.18.9876",
        "8112189876.0",
        "\u{ff18}112189876",
        "811218/9876",
    ];

    #[test]
    fn a_personal_identity_number_is_never_an_employee_number_however_it_is_written() {
        for number in PERSONAL {
            assert!(is_personal_identity_number(number), "{number}");
            assert_eq!(EmployeeNumber::parse(number), Err(InvalidId::PersonalIdentityNumber), "{number}");
        }
    }

    #[test]
    fn one_with_a_wrong_check_digit_is_a_mistyped_one() {
        for number in ["8112189877", "811218-9877", "19811218-9877", "850101 2380", "SE811218987701"] {
            assert!(!is_personal_identity_number(number), "{number}");
            assert_eq!(EmployeeNumber::parse(number), Err(InvalidId::PersonalIdentityNumber), "{number}");
        }
    }

    #[test]
    fn why_it_is_refused_does_not_repeat_it() {
        for number in PERSONAL {
            let why = EmployeeNumber::parse(number).expect_err("refused").to_string();
            assert!(!why.chars().any(|c| c.is_ascii_digit()), "{why}");
        }
    }

    #[test]
    fn numbers_that_only_look_like_one_are_taken() {
        for number in [
            "104233",
            "8113189876",
            "A811218-9876",
            "1234567890",
            "0000000000",
            "åäö-1234",
            "SE104233",
            "211218987601",
            "1781121898",
            "81121898761",
            "811218-987",
        ] {
            assert!(EmployeeNumber::parse(number).is_ok(), "{number}");
        }
    }

    #[test]
    fn an_identifier_is_trimmed_and_held_to_its_limits() {
        assert_eq!(CourseId::parse("  infosec-basics ").map(String::from), Ok("infosec-basics".to_owned()));
        assert_eq!(CourseId::parse(" \t"), Err(InvalidId::Empty));
        assert_eq!(CourseId::parse("a\u{0}b"), Err(InvalidId::ControlCharacter));
        assert_eq!(CourseId::parse(&"x".repeat(MAX_LENGTH + 1)), Err(InvalidId::TooLong));
        assert_eq!(PlatformCode::parse("Lär"), Err(InvalidId::NotACode));
    }

    #[test]
    fn a_code_can_be_given_on_a_command_line() {
        for code in ["larportal", "infosec-onboarding", "2026", "a-"] {
            assert!(PlatformCode::parse(code).is_ok() && RequirementCode::parse(code).is_ok(), "{code}");
        }
        for code in ["-", "--all", "-larportal", " -larportal"] {
            assert_eq!(PlatformCode::parse(code), Err(InvalidId::LeadingHyphen), "{code}");
            assert_eq!(RequirementCode::parse(code), Err(InvalidId::LeadingHyphen), "{code}");
        }
    }
}
