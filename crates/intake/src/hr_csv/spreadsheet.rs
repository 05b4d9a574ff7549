//! What spreadsheets make of HR's cells: numbers as powers of ten, with decimals or as formulas, days as serial
//! numbers, errors, and invisible characters. Each is refused with what it probably was: the guess is shown and never
//! used.

use chrono::{Days, NaiveDate};

use kurskoll_domain::directory::problem::{Fault, SpreadsheetMark, showable};
use kurskoll_domain::ids::{EmployeeNumber, InvalidId};

/// How spreadsheets write that a formula failed, in English and Swedish.
const ERRORS: [&str; 22] = [
    "#N/A",
    "#NA",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#NULL!",
    "#NUM!",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#SAKNAS!",
    "#REFERENS!",
    "#VÄRDEFEL!",
    "#NAMN?",
    "#DIVISION/0!",
    "#SKÄRNING!",
    "#OGILTIGT!",
    "#UPPTAGET!",
    "#FÄLT!",
    "#BERÄKNING!",
    "#GETTING_DATA",
];

/// The first three letters of months in English and Swedish.
const MONTHS: [&str; 15] =
    ["jan", "feb", "mar", "apr", "may", "maj", "jun", "jul", "aug", "sep", "oct", "okt", "nov", "dec", "mrs"];

/// An employee number that no spreadsheet has spoiled.
pub(super) fn employee_number(text: &str) -> Result<EmployeeNumber, Fault> {
    check_number(text)?;
    EmployeeNumber::parse(text).map_err(Fault::Invalid)
}

/// Checks that a number of a person is as HR wrote it.
pub(super) fn check_number(text: &str) -> Result<(), Fault> {
    let Some((mark, probably)) = mark_of(text) else { return Ok(()) };
    // It may have been a personal identity number, which is never shown: the fault says that instead.
    if let Some(was) = &probably
        && EmployeeNumber::parse(was) == Err(InvalidId::PersonalIdentityNumber)
    {
        return Err(Fault::Invalid(InvalidId::PersonalIdentityNumber));
    }
    Err(Fault::MadeBySpreadsheet { mark, probably: probably.and_then(|was| showable(&was)) })
}

/// Checks that an id of something else is no formula or power of ten; it may well have decimals or look like a day.
pub(super) fn check_id(text: &str) -> Result<(), Fault> {
    use SpreadsheetMark::{Formula, Invisible, PowerOfTen, Quoted};
    match check_number(text) {
        Err(Fault::MadeBySpreadsheet { mark: PowerOfTen | Formula | Quoted | Invisible, .. }) => check_number(text),
        _ => Ok(()),
    }
}

/// Checks that an identifier or address has no invisible character.
pub(super) fn check_visible(text: &str) -> Result<(), Fault> {
    if text.chars().any(is_invisible) { Err(Fault::InvisibleCharacter) } else { Ok(()) }
}

/// Checks that a cell holds no formula's error.
pub(super) fn check_error(text: &str) -> Result<(), Fault> {
    let is_error = text.starts_with('#')
        && (ERRORS.contains(&text.to_uppercase().as_str()) || text.len() > 2 && text.chars().all(|c| c == '#'));
    if is_error { Err(Fault::SpreadsheetError) } else { Ok(()) }
}

/// The day that a spreadsheet's serial number represents: 45000 is 2023-03-15. Only from 1950 to 2099.
pub(super) fn day_of_serial(text: &str) -> Option<NaiveDate> {
    let whole = text.split_once(['.', ',']).map_or(text, |(whole, _)| whole);
    let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    let serial: u64 = if is_number { whole.parse().ok()? } else { return None };
    let day = NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(serial))?;
    (18_264..73_051).contains(&serial).then_some(day)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Zero-width and joining characters, marks of direction and byte order, soft hyphens.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{061C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}'
    )
}

/// How a spreadsheet spoiled a number, and what it was before, as far as that can be said.
fn mark_of(text: &str) -> Option<(SpreadsheetMark, Option<String>)> {
    if text.chars().any(is_invisible) {
        let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        return Some((SpreadsheetMark::Invisible, Some(cleaned(&visible))));
    }
    if let Some(plain) = in_plain_characters(text) {
        return Some((SpreadsheetMark::OtherDigits, Some(cleaned(&plain))));
    }
    if let Some(formula) = text.strip_prefix('=') {
        return Some((SpreadsheetMark::Formula, Some(cleaned(formula.trim().trim_matches('"')))));
    }
    let quotes = ['\'', '"', '\u{2018}', '\u{2019}', '\u{201C}', '\u{201D}', '`', '\u{00B4}'];
    if text.starts_with(quotes) || text.ends_with(quotes) {
        return Some((SpreadsheetMark::Quoted, Some(cleaned(text.trim_matches(quotes)))));
    }
    if let Some(number) = text.strip_prefix('+').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Some((SpreadsheetMark::Sign, Some(cleaned(number))));
    }
    if let Some(probably) = power_of_ten(text) {
        return Some((SpreadsheetMark::PowerOfTen, probably));
    }
    if let Some((whole, decimals)) = text.split_once(['.', ','])
        && is_digits(whole)
        && !decimals.is_empty()
        && decimals.bytes().all(|digit| digit == b'0')
        && decimals.len() != 3
    {
        return Some((SpreadsheetMark::Decimals, Some(whole.to_owned())));
    }
    if let Some(number) = without_thousands(text) {
        return Some((SpreadsheetMark::Thousands, Some(number)));
    }
    if is_day(text) {
        return Some((SpreadsheetMark::Day, None));
    }
    let is_nothing = ["nan", "none", "null", "n/a", "na", "#n/a", "undefined", "<na>"];
    if is_nothing.contains(&text.to_ascii_lowercase().as_str()) {
        return Some((SpreadsheetMark::Nothing, None));
    }
    None
}

/// What is left when other marks go too, such as `.0` behind an apostrophe.
fn cleaned(text: &str) -> String {
    let text = text.trim();
    match mark_of(text) {
        Some((_, Some(number))) => number,
        _ => text.to_owned(),
    }
}

/// ASCII for full-width letters and for other scripts' digits; nothing if there are none.
fn in_plain_characters(text: &str) -> Option<String> {
    let plain: String = text.chars().map(|c| plain_digit(c).unwrap_or(c)).collect();
    (plain != text).then_some(plain)
}

fn plain_digit(c: char) -> Option<char> {
    // The first digits of the scripts that a keyboard or a copy brings along; each has its ten in a row.
    const ZEROS: [u32; 12] =
        [0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x0ED0];
    let code = u32::from(c);
    if (0xFF01..=0xFF5E).contains(&code) {
        return char::from_u32(code - 0xFEE0);
    }
    let digit = ZEROS.into_iter().find_map(|zero| code.checked_sub(zero).filter(|digit| *digit < 10));
    let superscript = match c {
        '⁰' => Some(0),
        '¹' => Some(1),
        '²' => Some(2),
        '³' => Some(3),
        _ => None,
    };
    digit.or(superscript).and_then(|digit| char::from_digit(digit, 10))
}

/// Whether a text is a number such as `1,04233E+05`; and the number, if no digits were lost.
///
/// `12E4` is taken: HR's numbers may have letters. A sign or decimals are a spreadsheet's.
fn power_of_ten(text: &str) -> Option<Option<String>> {
    let (mantissa, exponent) = text.split_once(['E', 'e'])?;
    let (whole, decimals) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let is_signed = exponent.starts_with(['+', '-']);
    let digits = exponent.trim_start_matches(['+', '-']);
    let is_number = is_digits(whole) && (decimals.is_empty() || is_digits(decimals)) && is_digits(digits);
    if !is_number || !is_signed && decimals.is_empty() || mantissa.ends_with(['.', ',']) {
        return None;
    }
    let zeros = digits.parse::<usize>().ok().filter(|zeros| !exponent.starts_with('-') && *zeros < 20);
    // With fewer digits than the number has, the last ones are gone.
    let is_whole = zeros.filter(|zeros| *zeros == decimals.len());
    Some(is_whole.map(|_| format!("{whole}{decimals}")))
}

/// The number behind `104 233` with any kind of space, or `104,233`; nothing if the text is no such thing.
fn without_thousands(text: &str) -> Option<String> {
    let is_separator = |c: char| c.is_whitespace() || matches!(c, ',' | '.' | '\'' | '\u{2019}' | '\u{202F}');
    let mut groups = text.split(is_separator);
    let first = groups.next().filter(|first| is_digits(first) && first.len() <= 3)?;
    let mut number = first.to_owned();
    let mut count = 0;
    for group in groups {
        if group.len() != 3 || !is_digits(group) {
            return None;
        }
        number.push_str(group);
        count += 1;
    }
    (count > 0).then_some(number)
}

/// Whether a text is a day as a spreadsheet writes it: `2026-03-12`, `2026-03-12 00:00:00`, `12-mar`, `mar-26`.
fn is_day(text: &str) -> bool {
    let first = text.split(['T', ' ']).next().unwrap_or_default();
    if first.len() == 10 && NaiveDate::parse_from_str(first, "%Y-%m-%d").is_ok() {
        return true;
    }
    let Some((a, b)) = text.split_once('-') else { return false };
    let is_month = |word: &str| {
        let word = word.trim_end_matches('.').to_lowercase();
        MONTHS.contains(&word.as_str())
    };
    let is_short = |word: &str| is_digits(word) && word.len() <= 2;
    is_month(a) && is_short(b) || is_short(a) && is_month(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(text: &str) -> Option<String> {
        match check_number(text) {
            Ok(()) => None,
            Err(Fault::MadeBySpreadsheet { probably, .. }) => Some(probably.unwrap_or_default()),
            Err(other) => Some(format!("{other:?}")),
        }
    }

    #[test]
    fn a_number_that_a_spreadsheet_made_is_refused_with_what_it_was() {
        for (text, was) in [
            ("1,04233E+05", "104233"),
            ("1.04233e+05", "104233"),
            ("1.04233E5", "104233"),
            ("1,04E+05", ""),
            ("1E+05", ""),
            ("104233.0", "104233"),
            ("104233,00", "104233"),
            ("=\"0104233\"", "0104233"),
            ("=104233", "104233"),
            ("'0104233", "0104233"),
            ("\u{2019}0104233", "0104233"),
            ("\"104233\"", "104233"),
            ("'104233.0", "104233"),
            ("104\u{200B}233", "104233"),
            ("\u{FEFF}104233", "104233"),
            ("104\u{00AD}233", "104233"),
            ("104 233", "104233"),
            ("104\u{00A0}233", "104233"),
            ("104\u{202F}233", "104233"),
            ("104,233", "104233"),
            ("104.000", "104000"),
            ("1 104 233", "1104233"),
            ("\u{FF11}\u{FF10}\u{FF14}233", "104233"),
            ("١٠٤٢٣٣", "104233"),
            ("+104233", "104233"),
            ("2026-03-12", ""),
            ("2026-03-12 00:00:00", ""),
            ("12-mar", ""),
            ("mar-26", ""),
            ("nan", ""),
        ] {
            assert_eq!(reported(text).as_deref(), Some(was), "{text}");
        }
    }

    #[test]
    fn numbers_as_hr_writes_them_are_taken() {
        for text in [
            "104233",
            "0104233",
            "A104233",
            "104-233",
            "12E4",
            "E104",
            "1E5",
            "104233/1",
            "104_233",
            "10 4233",
            "SEF 104",
            "1.2.3",
            "104233.5",
            "åäö-1234",
            "e-12",
            "1234-5678",
            "NN12",
            "12-34",
            "104.23",
            "x=1",
        ] {
            assert_eq!(reported(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_a_personal_identity_number_is_not_shown() {
        let fault = Fault::Invalid(InvalidId::PersonalIdentityNumber);
        for text in ["'8112189876", "=\"811218-9876\"", "8112189876.0", "811218\u{200B}-9876", "'8112189877"] {
            assert_eq!(check_number(text), Err(fault.clone()), "{text}");
        }
    }

    #[test]
    fn serial_numbers_and_errors_are_known() {
        assert_eq!(day_of_serial("45000"), NaiveDate::from_ymd_opt(2023, 3, 15));
        assert_eq!(day_of_serial("45000.5"), NaiveDate::from_ymd_opt(2023, 3, 15));
        for text in ["20260301", "1", "", "abc", "104233", "-45000"] {
            assert_eq!(day_of_serial(text), None, "{text}");
        }
        for text in ["#N/A", "#ref!", "#SAKNAS!", "########"] {
            assert_eq!(check_error(text), Err(Fault::SpreadsheetError), "{text}");
        }
        for text in ["#1", "#", "# N/A", "N/A", "Enhet #3"] {
            assert_eq!(check_error(text), Ok(()), "{text}");
        }
    }
}
