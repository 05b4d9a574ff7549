//! Bytes into text: UTF-8 with or without a byte order mark, or else Windows-1252.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

use crate::domain::directory::problem::Fault;

const UTF_8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
const UTF_16_MARKS: [&[u8]; 2] = [&[0xFF, 0xFE], &[0xFE, 0xFF]];

/// `å ä ö Å Ä Ö é` in UTF-8. Read as Windows-1252 they are `Ã¥` and the like, which no Swedish text has.
const SWEDISH_IN_UTF_8: [[u8; 2]; 7] =
    [[0xC3, 0xA5], [0xC3, 0xA4], [0xC3, 0xB6], [0xC3, 0x85], [0xC3, 0x84], [0xC3, 0x96], [0xC3, 0xA9]];

/// The text of a file. What is valid UTF-8 is UTF-8; everything else is Windows-1252, where every byte is a character:
/// so what is certainly neither (UTF-16, a workbook, the two mixed) is refused instead of garbled.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    if UTF_16_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(Fault::Utf16);
    }
    if bytes.contains(&0) {
        return Err(Fault::NotText);
    }
    if let Some(rest) = bytes.strip_prefix(UTF_8_MARK) {
        return std::str::from_utf8(rest).map(Cow::Borrowed).map_err(|_| Fault::BrokenUtf8);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) if bytes.array_windows().any(|pair| SWEDISH_IN_UTF_8.contains(pair)) => Err(Fault::MixedEncoding),
        Err(_) => Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_8_with_and_without_a_mark_and_windows_1252_say_the_same() {
        assert_eq!(decode("Åsa Öberg".as_bytes()), Ok(Cow::Borrowed("Åsa Öberg")));
        assert_eq!(decode(b"\xEF\xBB\xBF\xC3\x85sa"), Ok(Cow::Borrowed("Åsa")));
        assert_eq!(decode(b"\xC5sa \xD6berg \x80"), Ok(Cow::Borrowed("Åsa Öberg €")));
        assert_eq!(decode(b""), Ok(Cow::Borrowed("")));
    }

    #[test]
    fn what_is_certainly_neither_is_refused() {
        assert_eq!(decode(b"\xFF\xFEc\0o\0d\0e\0"), Err(Fault::Utf16));
        assert_eq!(decode(b"\xFE\xFF\0c\0o\0d\0e"), Err(Fault::Utf16));
        assert_eq!(decode(b"c\0o\0d\0e\0"), Err(Fault::NotText));
        assert_eq!(decode(b"PK\x03\x04\x14\0\x06\0"), Err(Fault::NotText));
        assert_eq!(decode(b"\xEF\xBB\xBF\xC5sa"), Err(Fault::BrokenUtf8));
        assert_eq!(decode(b"\xC3\x85sa;\xD6berg"), Err(Fault::MixedEncoding));
    }
}
