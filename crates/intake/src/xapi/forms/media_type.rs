//! Media types.

/// RFC 9110, section 8.3.1: `type/subtype` and parameters, each a token and a token or a text in quotation marks.
/// Spaces may be around a `;`, and nothing between two of them.
pub fn is_media_type(text: &str) -> bool {
    let (essence, mut rest) = split_at_semicolon(text);
    let is_type =
        essence.trim_end_matches(SPACES).split_once('/').is_some_and(|(kind, of)| is_token(kind) && is_token(of));
    while let Some(parameters) = rest {
        let Some(after) = after_parameter(parameters.trim_start_matches(SPACES)) else { return false };
        rest = after;
    }
    is_type
}

const SPACES: [char; 2] = [' ', '\t'];

fn split_at_semicolon(text: &str) -> (&str, Option<&str>) {
    text.split_once(';').map_or((text, None), |(before, after)| (before, Some(after)))
}

/// What follows the parameter at the front, behind its `;`. The outer `None` if there is no parameter as it should be.
fn after_parameter(text: &str) -> Option<Option<&str>> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.contains(';')) else {
        let (empty, rest) = split_at_semicolon(text);
        return empty.trim_matches(SPACES).is_empty().then_some(rest);
    };
    if !is_token(name) {
        return None;
    }
    let Some(quoted) = value.strip_prefix('"') else {
        let (value, rest) = split_at_semicolon(value);
        return is_token(value.trim_end_matches(SPACES)).then_some(rest);
    };
    let (before, rest) = split_at_semicolon(after_quoted(quoted)?);
    before.trim_matches(SPACES).is_empty().then_some(rest)
}

/// What follows the quotation mark that ends a text (RFC 9110, section 5.6.4).
fn after_quoted(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    loop {
        let character = match characters.next()? {
            '"' => return Some(characters.as_str()),
            '\\' => characters.next()?,
            other => other,
        };
        if character.is_control() && character != '\t' {
            return None;
        }
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
