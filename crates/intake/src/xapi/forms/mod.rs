//! The written forms that the standard requires of texts.

mod language;
mod media_type;
mod time;

use fluent_uri::Iri;
use uuid::{Uuid, Variant};

pub(super) use language::is_language_tag;
pub(super) use media_type::is_media_type;
pub(super) use time::{comparable_duration, in_utc, is_duration, timestamp};

/// How many hexadecimal digits a SHA-1 has.
const SHA1_DIGITS: usize = 40;
/// How many hexadecimal digits SHA-224, SHA-256, SHA-384 and SHA-512 have.
const SHA2_DIGITS: [usize; 4] = [56, 64, 96, 128];

/// `mailto:` and one address: RFC 6068 without header fields, the letters of RFC 3987 allowed. The scheme is in any
/// case (RFC 3986, section 3.1).
pub(super) fn is_mbox(text: &str) -> bool {
    let Ok(iri) = Iri::parse(text) else { return false };
    let address = iri.path().as_str();
    let has_both_parts = address
        .rsplit_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !local.contains('@') && is_domain(domain));
    iri.scheme().as_str().eq_ignore_ascii_case("mailto")
        && iri.authority().is_none()
        && iri.query().is_none()
        && iri.fragment().is_none()
        && has_both_parts
        && !address.contains([',', '/'])
}

/// Labels separated by dots, or an address literal, whose brackets an IRI has percent-encoded.
fn is_domain(text: &str) -> bool {
    text.split('.')
        .all(|label| !label.is_empty() && !label.contains([':', ';', '(', ')', '!', '$', '&', '\'', '*', '+', '=']))
}

pub(super) fn is_sha1(text: &str) -> bool {
    text.len() == SHA1_DIGITS && is_hexadecimal(text)
}

pub(super) fn is_sha2(text: &str) -> bool {
    SHA2_DIGITS.contains(&text.len()) && is_hexadecimal(text)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// RFC 4122, section 3: 32 hexadecimal digits in any case and four hyphens, without braces or `urn:uuid:`, and of the
/// variant that section 4.1.1 defines. The nil UUID is of another, and names nothing.
pub(super) fn uuid(text: &str) -> Option<Uuid> {
    /// The length of the form with hyphens, which no other form has.
    const HYPHENATED: usize = 36;
    let id = if text.len() == HYPHENATED { Uuid::try_parse(text).ok()? } else { return None };
    (id.get_variant() == Variant::RFC4122).then_some(id)
}

#[cfg(test)]
mod tests;
