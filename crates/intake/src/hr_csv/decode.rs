//! Bytes into text: UTF-8 with or without a byte order mark, UTF-16 with one, or else Windows-1252.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

use kurskoll_domain::directory::problem::{Fault, OtherFile, showable};

const UTF_8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// `å ä ö Å Ä Ö é` in UTF-8. Read as Windows-1252 they are `Ã¥` and the like, which no Swedish text has.
const SWEDISH_IN_UTF_8: [[u8; 2]; 7] =
    [[0xC3, 0xA5], [0xC3, 0xA4], [0xC3, 0xB6], [0xC3, 0x85], [0xC3, 0x84], [0xC3, 0x96], [0xC3, 0xA9]];

/// How letters look after their two bytes were read one by one and written again: by Windows-1252 (or Latin-1), and by
/// Mac Roman.
const TWICE: [(&str, &str); 20] = [
    ("Ã¥", "å"),
    ("Ã¤", "ä"),
    ("Ã¶", "ö"),
    ("Ã…", "Å"),
    ("Ã„", "Ä"),
    ("Ã–", "Ö"),
    ("Ã\u{85}", "Å"),
    ("Ã\u{84}", "Ä"),
    ("Ã\u{96}", "Ö"),
    ("Ã©", "é"),
    ("Ã¼", "ü"),
    ("Ã¸", "ø"),
    ("Ã¦", "æ"),
    ("√•", "å"),
    ("√§", "ä"),
    ("√∂", "ö"),
    ("√Ö", "Å"),
    ("√Ñ", "Ä"),
    ("√ñ", "Ö"),
    ("√©", "é"),
];

/// The text of a file. Valid UTF-8 is UTF-8; a mark says that it is UTF-16; everything else is Windows-1252, where
/// every byte is a character. A text that is certainly none of these is refused instead of garbled, and so are names
/// that were garbled before.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    if let Some(other) = other_file(bytes) {
        let is_text = matches!(other, OtherFile::Markup | OtherFile::Json);
        let first = is_text.then(|| first_line(bytes)).flatten();
        return Err(Fault::OtherFile { other, first });
    }
    let text = as_text(bytes)?;
    if let Some((seen, meant)) = TWICE.iter().find(|(seen, _)| text.contains(seen)) {
        return Err(Fault::EncodedTwice { seen, meant });
    }
    if text.contains('\u{FFFD}') {
        return Err(Fault::ReplacedCharacters);
    }
    Ok(text)
}

fn as_text(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    for (mark, encoding) in [([0xFF, 0xFE], UTF_16LE), ([0xFE, 0xFF], UTF_16BE)] {
        if let Some(rest) = bytes.strip_prefix(&mark) {
            let text = encoding.decode_without_bom_handling_and_without_replacement(rest);
            return text.filter(|text| !text.contains('\0')).ok_or(Fault::BrokenUtf16);
        }
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
        Err(_) => match old_encoding(bytes) {
            Some(name) => Err(Fault::OldEncoding { name }),
            None => Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0),
        },
    }
}

/// The first line that is not blank, as a problem shows it.
fn first_line(bytes: &[u8]) -> Option<String> {
    let start = bytes.get(..1024).unwrap_or(bytes);
    let text = String::from_utf8_lossy(start.strip_prefix(UTF_8_MARK).unwrap_or(start)).into_owned();
    text.lines().find(|line| !line.trim().is_empty()).and_then(showable)
}

/// The kind of a file that is no table, by its first bytes.
fn other_file(bytes: &[u8]) -> Option<OtherFile> {
    let signatures: [(&[u8], OtherFile); 5] = [
        (&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], OtherFile::OldWorkbook),
        (b"%PDF-", OtherFile::Pdf),
        (&[0x1F, 0x8B], OtherFile::Compressed),
        (b"7z\xBC\xAF\x27\x1C", OtherFile::Compressed),
        (b"{\\rtf", OtherFile::Document),
    ];
    if let Some((_, other)) = signatures.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Some(*other);
    }
    let start = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes).trim_ascii_start();
    match start.first()? {
        b'<' if start.get(1).is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, b'!' | b'?')) => {
            Some(OtherFile::Markup)
        }
        b'{' => Some(OtherFile::Json),
        b'[' if start.get(1..)?.trim_ascii_start().first().is_some_and(|next| matches!(next, b'{' | b'[' | b'"')) => {
            Some(OtherFile::Json)
        }
        _ => None,
    }
}

/// The old encoding whose letters are within words, where Windows-1252 would have signs. Names with š, ž or œ at their
/// beginning or end prove nothing; a file with a letter of Windows-1252's own is in Windows-1252.
fn old_encoding(bytes: &[u8]) -> Option<&'static str> {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let is_small = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_lowercase);
    // å ä ö Å Ä Ö é of Windows-1252, beside a letter.
    const OWN: [u8; 7] = [0xE5, 0xE4, 0xF6, 0xC5, 0xC4, 0xD6, 0xE9];
    let (mut mac, mut dos) = (false, false);
    for (at, byte) in bytes.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let after = bytes.get(at + 1);
        let within = is_letter(before) && is_small(after);
        let begins = !is_letter(before) && is_small(after);
        if OWN.contains(byte) && (is_letter(before) || is_letter(after)) {
            return None;
        }
        mac |= match byte {
            // Å, which Windows-1252 does not have.
            0x81 => true,
            // å ä: Œ and Š within a word of small letters.
            0x8C | 0x8A => within,
            // Ä Ö: a euro sign or an ellipsis that a small letter follows.
            0x80 | 0x85 => begins,
            _ => false,
        };
        dos |= match byte {
            // å ä ö: marks and quotation marks within a word.
            0x86 | 0x84 | 0x94 => within,
            // Å, which Windows-1252 does not have.
            0x8F => true,
            _ => false,
        };
    }
    match (mac, dos) {
        (true, false) => Some("Mac Roman"),
        (false, true) => Some("an old code page of DOS"),
        (true, true) => Some("Mac Roman or an old code page of DOS"),
        (false, false) => None,
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
    fn utf_16_is_read_where_it_says_that_it_is() {
        assert_eq!(decode(b"\xFF\xFE\xC5\0s\0a\0"), Ok(Cow::Borrowed("Åsa")));
        assert_eq!(decode(b"\xFE\xFF\0\xC5\0s\0a"), Ok(Cow::Borrowed("Åsa")));
        assert_eq!(decode(b"\xFF\xFEc\0o\0d"), Err(Fault::BrokenUtf16));
        assert_eq!(decode(b"\xFF\xFE\0\0c\0\0\0"), Err(Fault::BrokenUtf16), "UTF-32");
        assert_eq!(decode(b"c\0o\0d\0e\0"), Err(Fault::NotText), "without a mark");
    }

    #[test]
    fn what_is_certainly_neither_is_refused() {
        assert_eq!(decode(b"\xEF\xBB\xBF\xC5sa"), Err(Fault::BrokenUtf8));
        assert_eq!(decode(b"\xC3\x85sa;\xD6berg"), Err(Fault::MixedEncoding));
        assert_eq!(decode("Kalle \u{FFFD}berg".as_bytes()), Err(Fault::ReplacedCharacters));
        for (bytes, other) in [
            (&b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0"[..], OtherFile::OldWorkbook),
            (b"%PDF-1.7\n", OtherFile::Pdf),
            (b"\x1F\x8B\x08", OtherFile::Compressed),
            (b"<!DOCTYPE html>", OtherFile::Markup),
            (b"\n <table><tr>", OtherFile::Markup),
            (b"\xEF\xBB\xBF<?xml version=\"1.0\"?>", OtherFile::Markup),
            (b"[{\"a\": 1}]", OtherFile::Json),
            (b"{\"a\": 1}", OtherFile::Json),
        ] {
            assert!(matches!(decode(bytes), Err(Fault::OtherFile { other: found, .. }) if found == other), "{other}");
        }
        assert!(decode(b"[employee_number],given_name\n").is_ok());
    }

    #[test]
    fn names_that_were_garbled_before_are_noticed() {
        for garbled in ["Ã…sa", "Ã–berg", "HÃ¥kan", "FÃ¤lt", "BjÃ¶rk", "√Ösa", "H√•kan", "Ã\u{96}berg"]
        {
            let reported = decode(garbled.as_bytes());
            assert!(matches!(reported, Err(Fault::EncodedTwice { .. })), "{garbled}: {reported:?}");
        }
        for real in ["JOÃO", "Conceição", "São", "Ãngela", "Štěpán", "Łukasz", "√2", "Nuñez", "Œuvre"] {
            assert!(decode(real.as_bytes()).is_ok(), "{real}");
        }
    }

    #[test]
    fn mac_roman_and_dos_are_known_by_letters_within_words() {
        let mac: [&[u8]; 5] = [b"H\x8Ckan", b"F\x8Alt", b"\x81sa", b"\x85berg;B\x9Arje", b"\x80ngel"];
        for bytes in mac {
            assert_eq!(decode(bytes), Err(Fault::OldEncoding { name: "Mac Roman" }));
        }
        let dos: [&[u8]; 3] = [b"H\x86kan", b"F\x84lt", b"Bj\x94rk"];
        for bytes in dos {
            assert_eq!(decode(bytes), Err(Fault::OldEncoding { name: "an old code page of DOS" }));
        }
        let real: [&[u8]; 7] = [
            b"\x8Aari\xE6",
            b"Mi\x9Ao",
            b"\x8Eana",
            b"\xC5sa \x8Aari",
            b"M\xFCller \x80 5",
            b"K\x9Aendk",
            b"\x84citat\x94 x\xF6",
        ];
        for bytes in real {
            assert!(decode(bytes).is_ok(), "{:?}", WINDOWS_1252.decode(bytes).0);
        }
    }
}
