//! What a JSON text with escapes says.

/// Decodes the text between the quotation marks, which the grammar allows. `None` if an escape is one half
/// of a surrogate pair without the other: no Unicode text could hold it.
pub(super) fn decoded(escaped: &str) -> Option<String> {
    let mut text = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut characters = escape.chars();
        let character = match characters.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (unit, after) = unit(characters.as_str())?;
                characters = after.chars();
                match unit {
                    0xD800..=0xDBFF => {
                        let (low, after) = self::unit(after.strip_prefix("\\u")?)?;
                        characters = after.chars();
                        char::decode_utf16([unit, low]).next()?.ok()?
                    }
                    _ => char::from_u32(u32::from(unit))?,
                }
            }
            // The grammar leaves the quotation mark, the backslash and the slash, which represent themselves.
            itself => itself,
        };
        text.push(character);
        rest = characters.as_str();
    }
    text.push_str(rest);
    Some(text)
}

/// The four hexadecimal digits at the front, and what follows them.
fn unit(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}
