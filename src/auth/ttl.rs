//! How long a token is valid: `90s`, `30m`, `8h`, `2d`.

use std::time::Duration;

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The longest validity of a token: a leap year, so that "one year" always fits.
pub const LONGEST_TTL: Duration = Duration::from_secs(366 * DAY_SECONDS);

/// Why a text is not the validity of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTtl {
    #[error("is not a whole number followed by s, m, h or d, as in 90s, 30m, 8h or 2d")]
    NotADuration,
    #[error("is shorter than a second")]
    TooShort,
    #[error("is longer than 366 days")]
    TooLong,
}

/// Reads a whole number and its unit (`s`, `m`, `h` or `d`), at least a second and at most [`LONGEST_TTL`].
pub fn parse_ttl(text: &str) -> Result<Duration, InvalidTtl> {
    let text = text.trim();
    let units = [('s', 1), ('m', 60), ('h', 60 * 60), ('d', DAY_SECONDS)];
    let (digits, unit_seconds) = units
        .into_iter()
        .find_map(|(unit, seconds)| text.strip_suffix(unit).map(|digits| (digits, seconds)))
        .ok_or(InvalidTtl::NotADuration)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidTtl::NotADuration);
    }
    // Nothing but digits: what does not fit in a u64 can only be too long.
    let seconds = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit_seconds)).ok_or(InvalidTtl::TooLong)?;
    let ttl = Duration::from_secs(seconds);
    hold_to_limits(ttl)?;
    Ok(ttl)
}

/// Refuses what is shorter than a second (a token's times are whole seconds) or longer than [`LONGEST_TTL`].
pub(super) fn hold_to_limits(ttl: Duration) -> Result<(), InvalidTtl> {
    if ttl < Duration::from_secs(1) {
        Err(InvalidTtl::TooShort)
    } else if ttl > LONGEST_TTL {
        Err(InvalidTtl::TooLong)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), (" 8h ", 28_800), ("2d", 172_800), ("366d", 31_622_400)] {
            assert_eq!(parse_ttl(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_life_says_why() {
        for (text, why) in [
            ("", InvalidTtl::NotADuration),
            ("8", InvalidTtl::NotADuration),
            ("h", InvalidTtl::NotADuration),
            ("-1h", InvalidTtl::NotADuration),
            ("+1h", InvalidTtl::NotADuration),
            ("1.5h", InvalidTtl::NotADuration),
            ("1 h", InvalidTtl::NotADuration),
            ("8H", InvalidTtl::NotADuration),
            ("1w", InvalidTtl::NotADuration),
            ("٣h", InvalidTtl::NotADuration),
            ("0d", InvalidTtl::TooShort),
            ("367d", InvalidTtl::TooLong),
            ("31622401s", InvalidTtl::TooLong),
            ("18446744073709551615d", InvalidTtl::TooLong),
            ("99999999999999999999999s", InvalidTtl::TooLong),
        ] {
            assert_eq!(parse_ttl(text), Err(why), "{text}");
        }
    }
}
