//! Language tags: the grammar of RFC 5646, section 2.1.

/// The tags that were registered before the grammar and do not follow it.
const IRREGULAR: [&str; 17] = [
    "en-GB-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "sgn-BE-FR",
    "sgn-BE-NL",
    "sgn-CH-DE",
];

/// Whether a text is a well-formed tag; whether its parts are registered is not checked. The regular ones among the old
/// tags (`zh-min-nan`, `art-lojban`) fit the grammar by their form.
pub fn is_language_tag(text: &str) -> bool {
    is_langtag(text) || is_private_use(text) || IRREGULAR.iter().any(|tag| tag.eq_ignore_ascii_case(text))
}

fn is_alpha(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_alphanumeric(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `privateuse`: `x` and at least one part.
fn is_private_use(text: &str) -> bool {
    text.split_once('-').is_some_and(|(x, parts)| {
        x.eq_ignore_ascii_case("x") && parts.split('-').all(|part| is_alphanumeric(part, 1..=8))
    })
}

/// `variant`: five letters or digits, or four of which the first is a digit.
fn is_variant(part: &str) -> bool {
    is_alphanumeric(part, 5..=8)
        || (is_alphanumeric(part, 4..=4) && part.bytes().next().is_some_and(|byte| byte.is_ascii_digit()))
}

/// `langtag`: language, extended language, script, region, variants, extensions, private use.
fn is_langtag(text: &str) -> bool {
    let mut parts = text.split('-').peekable();
    let Some(language) = parts.next().filter(|part| (2..=8).contains(&part.len()) && is_alpha(part)) else {
        return false;
    };
    if language.len() <= 3 {
        for _ in 0..3 {
            parts.next_if(|part| part.len() == 3 && is_alpha(part));
        }
    }
    parts.next_if(|part| part.len() == 4 && is_alpha(part));
    parts.next_if(|part| match part.len() {
        2 => is_alpha(part),
        3 => part.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    });
    let mut variants: Vec<&str> = Vec::new();
    while let Some(variant) = parts.next_if(|part| is_variant(part)) {
        // Section 2.2.5: a variant comes once.
        if variants.iter().any(|earlier| earlier.eq_ignore_ascii_case(variant)) {
            return false;
        }
        variants.push(variant);
    }
    let mut singletons: Vec<u8> = Vec::new();
    while let Some(singleton) = parts.next() {
        let [letter] = singleton.as_bytes() else { return false };
        let letter = letter.to_ascii_lowercase();
        let is_private = letter == b'x';
        // Section 2.2.6: a singleton comes once.
        if !letter.is_ascii_alphanumeric() || singletons.contains(&letter) {
            return false;
        }
        singletons.push(letter);
        let shortest = if is_private { 1 } else { 2 };
        let mut count = 0;
        while parts.next_if(|part| is_alphanumeric(part, shortest..=8)).is_some() {
            count += 1;
        }
        if count == 0 || (is_private && parts.peek().is_some()) {
            return false;
        }
    }
    true
}
