//! Instants and durations.

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat, TimeDelta, Utc};

use crate::xapi::fault::Fault;
use crate::xapi::version::Version;

/// Reads an instant. What is finer than a nanosecond is cut off; the second after a leap second is its end.
///
/// * 2.0: RFC 3339, section 5.6.
/// * 1.0.3 (Data 4.5): that, and what else ISO 8601 writes out in full with date and time: a comma before the decimals,
///   no seconds, an offset as `+01` or `+0100`, or no offset at all, which is then UTC ("SHOULD include the time
///   zone"); and the basic form, without hyphens and colons in both date and time (`20260302T081458Z`).
///
/// An offset of `-00:00`, `-0000` or `-00` is refused by both.
pub fn timestamp(text: &str, version: Version) -> Result<DateTime<Utc>, Fault> {
    let strict = version == Version::V2_0;
    let mut rest = text;
    // ISO 8601, 4.3.2: a date and a time are both in the basic form, or both in the extended one.
    let is_basic = !strict && text.bytes().take(8).filter(u8::is_ascii_digit).count() == 8;
    let between = |rest: &mut &str, mark: char| if is_basic { Some(()) } else { literal(rest, &[mark]) };
    let mut read = || {
        let year = digits(&mut rest, 4)?;
        between(&mut rest, '-')?;
        let month = digits(&mut rest, 2)?;
        between(&mut rest, '-')?;
        let day = digits(&mut rest, 2)?;
        literal(&mut rest, &['T', 't'])?;
        let hour = digits(&mut rest, 2)?;
        between(&mut rest, ':')?;
        let minute = digits(&mut rest, 2)?;
        let has_seconds = if is_basic {
            rest.starts_with(|next: char| next.is_ascii_digit())
        } else {
            literal(&mut rest, &[':']).is_some()
        };
        if strict && !has_seconds {
            return None;
        }
        let second = if has_seconds { digits(&mut rest, 2)? } else { 0 };
        let point: &[char] = if strict { &['.'] } else { &['.', ','] };
        let nanoseconds = if has_seconds && literal(&mut rest, point).is_some() { fraction(&mut rest)? } else { 0 };
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
        let is_leap = second == 60;
        let local = date.and_hms_nano_opt(hour, minute, if is_leap { 59 } else { second }, nanoseconds)?;
        let local = if is_leap {
            // RFC 3339, section 5.7: the last second of a day may be the sixty-first of its minute.
            date.and_hms_opt(hour, minute, 59)?.checked_add_signed(TimeDelta::seconds(1))?
        } else {
            local
        };
        Some(local)
    };
    let local = read().ok_or(Fault::NotATimestamp)?;
    if matches!(rest, "-00:00") || (!strict && matches!(rest, "-0000" | "-00")) {
        return Err(Fault::NegativeZeroOffset);
    }
    let offset = offset(rest, strict).ok_or(Fault::NotATimestamp)?;
    local.and_local_timezone(offset).single().map(|instant| instant.to_utc()).ok_or(Fault::NotATimestamp)
}

/// The same instant in UTC, to RFC 3339, with its decimals; nothing if it is written so already, or is no time.
pub fn in_utc(text: &str) -> Option<String> {
    if text.ends_with('Z') && text.contains('T') && timestamp(text, Version::V2_0).is_ok() {
        return None;
    }
    timestamp(text, Version::V1_0_3).ok().map(|instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn digits(rest: &mut &str, count: usize) -> Option<u32> {
    let (number, after) = rest.split_at_checked(count)?;
    let number = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
    *rest = after;
    Some(number)
}

fn literal(rest: &mut &str, any_of: &[char]) -> Option<()> {
    *rest = rest.strip_prefix(any_of)?;
    Some(())
}

/// Decimals of a second, at least one, in nanoseconds.
fn fraction(rest: &mut &str) -> Option<u32> {
    let decimals = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
    let (decimals, after) = rest.split_at_checked(decimals).filter(|(decimals, _)| !decimals.is_empty())?;
    *rest = after;
    let nanoseconds = decimals.get(..9).unwrap_or(decimals);
    let missing = u32::try_from(9 - nanoseconds.len()).ok()?;
    nanoseconds.parse::<u32>().ok()?.checked_mul(10_u32.checked_pow(missing)?)
}

fn offset(text: &str, strict: bool) -> Option<FixedOffset> {
    if text.eq_ignore_ascii_case("z") || (text.is_empty() && !strict) {
        return FixedOffset::east_opt(0);
    }
    let (sign, mut rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let hours = digits(&mut rest, 2)?;
    let has_colon = literal(&mut rest, &[':']).is_some();
    let minutes = if strict || has_colon || !rest.is_empty() { digits(&mut rest, 2)? } else { 0 };
    if hours > 23 || minutes > 59 || !rest.is_empty() || (strict && !has_colon) {
        return None;
    }
    FixedOffset::east_opt(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?)
}

/// The designators of a date and of a time of day, in the order in which they come.
const OF_DATE: &str = "YMD";
const OF_TIME: &str = "HMS";

/// ISO 8601:2004, 4.4.3.2: `PnYnMnDTnHnMnS` or `PnW`, where the last number may have decimals, and at least one comes.
/// The form `P0003-06-04T12:30:05` is refused (Data 4.6).
pub fn is_duration(text: &str) -> bool {
    let Some(body) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = body.strip_suffix('W') {
        return is_number(weeks, true);
    }
    let (date, time) = match body.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (body, None),
    };
    let has_time = time.is_some();
    let date_fits = is_sequence(date, OF_DATE, !has_time);
    let time_fits = time.is_none_or(|time| !time.is_empty() && is_sequence(time, OF_TIME, true));
    date_fits && time_fits && (has_time || !date.is_empty())
}

/// Numbers, each with its designator, in order; decimals at most in the very last.
fn is_sequence(text: &str, designators: &str, may_end_in_decimals: bool) -> bool {
    let mut left = designators;
    let mut rest = text;
    while !rest.is_empty() {
        let Some(at) = rest.find(|character: char| character.is_ascii_alphabetic()) else { return false };
        let (number, tail) = rest.split_at(at);
        let Some(designator) = tail.chars().next() else { return false };
        let Some((_, after)) = left.split_once(designator) else { return false };
        left = after;
        rest = tail.get(1..).unwrap_or_default();
        if !is_number(number, may_end_in_decimals && rest.is_empty()) {
            return false;
        }
    }
    true
}

fn is_number(text: &str, may_have_decimals: bool) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(['.', ',']) {
        Some((whole, decimals)) => may_have_decimals && is_digits(whole) && is_digits(decimals),
        None => is_digits(text),
    }
}

/// A duration as it compares with others: without what is finer than a hundredth of a second (Data 4.6), and without
/// the zeros before a number and after its decimals. `PT1.239S` and `PT01.23S` are the same; `PT60S` and `PT1M` are
/// not.
pub fn comparable_duration(text: &str) -> String {
    let mut canonical = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, tail) = rest.split_at(at);
        canonical.push_str(before);
        let length = tail.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (number, after) = tail.split_at(length);
        let (whole, decimals) = number.split_once(['.', ',']).unwrap_or((number, ""));
        let whole = whole.trim_start_matches('0');
        let stored = if after.starts_with('S') { decimals.get(..2).unwrap_or(decimals) } else { decimals };
        let stored = stored.trim_end_matches('0');
        canonical.push_str(if whole.is_empty() { "0" } else { whole });
        if !stored.is_empty() {
            canonical.push('.');
            canonical.push_str(stored);
        }
        rest = after;
    }
    canonical.push_str(rest);
    canonical
}
