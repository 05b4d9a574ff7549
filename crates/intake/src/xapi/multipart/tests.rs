use proptest::prelude::*;
use serde_json::json;
use sha2::{Digest as _, Sha256, Sha512};

use super::*;
use crate::xapi::tests::{EVERYTHING, SUB_STATEMENT, VOIDING, statement, with};
use crate::xapi::{Statement, Version};

const TYPE: &str = "multipart/mixed; boundary=abc";
const HASH: &str = "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a";

/// Lines as they are sent.
fn lines(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn body(second: &str) -> Vec<u8> {
    lines(&format!("--abc\nContent-Type: application/json\n\n[]\n--abc\n{second}\n--abc--\n"))
}

fn second_part(headers: &str) -> Result<Part<'static>, MultipartFault> {
    let body = body(&format!("{headers}\n\nintyg")).leak();
    parse(TYPE, body).map(|mut parsed| parsed.attachments.remove(0))
}

#[test]
fn a_body_is_its_parts_without_the_borders() {
    let body = lines(&format!(
        "preamble\n--abc \t\nContent-Type: application/json; charset=utf-8\nX-Other: 1\n\n[{{}}]\n--abc\ncontent-type:application/pdf\nCONTENT-TRANSFER-ENCODING: Binary\nx-experience-api-hash: {}\n\n\n--abcd\n--ab\n\n--abc--\nepilogue",
        HASH.to_uppercase()
    ));
    let parsed = parse(TYPE, &body).expect("two parts");
    assert_eq!(parsed.statements, b"[{}]");
    assert_eq!(
        parsed.attachments,
        [Part { sha2: HASH.to_owned(), content_type: Some("application/pdf"), content: b"\r\n--abcd\r\n--ab\r\n" }]
    );
}

#[test]
fn the_statements_may_come_alone_and_a_content_may_be_empty() {
    let alone = lines("--abc\nContent-Type: application/json\n\n[]\n--abc--");
    assert_eq!(parse(TYPE, &alone), Ok(Multipart { statements: b"[]", attachments: Vec::new() }));
    let headers = format!("Content-Transfer-Encoding: binary\n{HASH_HEADER}: {HASH}");
    let body = body(&format!("{headers}\n\n"));
    assert_eq!(parse(TYPE, &body).expect("two parts").attachments[0].content, b"");
}

#[test]
fn the_boundary_is_a_token_or_in_quotation_marks() {
    for content_type in [
        "multipart/mixed; boundary=abc",
        "Multipart/Mixed;BOUNDARY=abc",
        "multipart/mixed; charset=utf-8; boundary=abc; x=y",
        r#"multipart/mixed; boundary="abc""#,
        r#"multipart/mixed; x="a;\"b"; boundary="a\bc""#,
    ] {
        assert!(
            parse(content_type, &body(&format!("Content-Transfer-Encoding: binary\n{HASH_HEADER}: {HASH}\n\n")))
                .is_ok(),
            "{content_type}"
        );
    }
    for content_type in [
        "",
        "application/json",
        "multipart/mixed",
        "multipart/mixed; boundary=",
        "multipart/form-data; boundary=abc",
        "multipart/mixed; boundary=å",
        "multipart/mixed; boundary=\"abc \"",
        &format!("multipart/mixed; boundary={}", "a".repeat(71)),
    ] {
        assert_eq!(parse(content_type, b"--abc\r\n"), Err(MultipartFault::NoBoundary), "{content_type}");
    }
}

/// Each line is a body and why it is refused.
#[test]
fn what_is_no_multipart_body_is_refused() {
    use MultipartFault as F;
    for (body, fault) in [
        ("", F::NoParts),
        ("[]", F::NoParts),
        ("--abc", F::NoParts),
        ("--abc--\n", F::NoParts),
        ("--abcd\n\n[]\n--abcd--", F::NoParts),
        ("--abc\n", F::Unfinished { part: 1 }),
        ("--abc\nContent-Type: application/json\n\n[]", F::Unfinished { part: 1 }),
        ("--abc\nContent-Type: application/json\n\n[]\n--abc\n\nx", F::Unfinished { part: 2 }),
        ("--abc\nContent-Type: application/json\n[]\n--abc--", F::EndlessHeaders { part: 1 }),
        ("--abc\nContent-Type\n\n[]\n--abc--", F::MalformedHeaders { part: 1 }),
        (
            "--abc\nContent-Type: application/json\nContent-Type: text/plain\n\n[]\n--abc--",
            F::MalformedHeaders { part: 1 },
        ),
        ("--abc\nContent-Type: text/plain\n\n[]\n--abc--", F::FirstIsNotJson),
        ("--abc\n\n[]\n--abc--", F::FirstIsNotJson),
    ] {
        assert_eq!(parse(TYPE, &lines(body)), Err(fault), "{body}");
    }
    let long = format!("--abc\nX: {}\n\n[]\n--abc--", "x".repeat(MAX_HEADER_BYTES));
    assert_eq!(parse(TYPE, &lines(&long)), Err(F::EndlessHeaders { part: 1 }));
    let part = format!("--abc\nContent-Transfer-Encoding: binary\n{HASH_HEADER}: {HASH}\n\n\n");
    let many = format!("--abc\nContent-Type: application/json\n\n[]\n{}--abc--", part.repeat(MAX_PARTS));
    assert_eq!(parse(TYPE, &lines(&many)), Err(F::TooManyParts));
}

#[test]
fn a_content_says_its_hash_and_that_it_is_binary() {
    let good = format!("Content-Type: application/pdf\nContent-Transfer-Encoding: binary\n{HASH_HEADER}: {HASH}");
    assert_eq!(second_part(&good).map(|part| part.content), Ok(&b"intyg"[..]));
    for (headers, fault) in [
        ("Content-Transfer-Encoding: binary".to_owned(), MultipartFault::NoHash { part: 2 }),
        (good.replace(HASH, "495395e7"), MultipartFault::NotAHash { part: 2 }),
        (good.replace("binary", "base64"), MultipartFault::NotBinary { part: 2 }),
        (format!("{HASH_HEADER}: {HASH}"), MultipartFault::NotBinary { part: 2 }),
    ] {
        assert_eq!(second_part(&headers), Err(fault), "{headers}");
    }
}

/// The statement with one attachment whose content is not sent, and is said to be as long and have such a hash.
fn with_attachment(content: &[u8], sha2: &str) -> String {
    let attachment = json!([{"usageType": "https://larportal.example.org/intyg", "display": {"sv": "Intyg"},
        "contentType": "application/pdf", "length": content.len(), "sha2": sha2}]);
    with(VOIDING, "/attachments", Some(attachment))
}

fn part<'a>(content: &'a [u8], sha2: &str) -> Part<'a> {
    Part { sha2: sha2.to_owned(), content_type: Some("application/pdf"), content }
}

fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

#[test]
fn parts_and_attachments_belong_together() {
    let content = b"intyg";
    let hash = sha256(content);
    let body = with_attachment(content, &hash);
    let one = statement(&body, Version::V1_0_3);
    assert_eq!(check(std::slice::from_ref(&one), &[part(content, &hash)]), Ok(()));
    assert_eq!(check(&[one.clone(), one.clone()], &[part(content, &hash)]), Ok(()), "one content for two");
    assert_eq!(check(std::slice::from_ref(&one), &[part(content, &hash), part(content, &hash)]), Ok(()));
    let long = hex::encode(Sha512::digest(content));
    let body = with_attachment(content, &long);
    assert_eq!(check(&[statement(&body, Version::V1_0_3)], &[part(content, &long)]), Ok(()));

    let without: Statement<'_> = statement(VOIDING, Version::V1_0_3);
    let missing = MultipartFault::NoContent { pointer: "/attachments/0".to_owned(), index: 1 };
    assert_eq!(check(&[without.clone(), one.clone()], &[]), Err(missing));
    assert_eq!(check(&[without], &[part(content, &hash)]), Err(MultipartFault::Unused { part: 2 }));
    let other = part(b"annat", &hash);
    assert_eq!(
        check(std::slice::from_ref(&one), &[part(content, &hash), other]),
        Err(MultipartFault::WrongHash { part: 3 })
    );
    let second = part(b"annat", &sha256(b"annat"));
    assert_eq!(check(&[one], &[part(content, &hash), second]), Err(MultipartFault::Unused { part: 3 }));

    let body = with(&with_attachment(content, &hash), "/attachments/0/length", Some(json!(6)));
    let wrong = MultipartFault::WrongLength { pointer: "/attachments/0".to_owned(), index: 0, said: 6, actual: 5 };
    assert_eq!(check(&[statement(&body, Version::V1_0_3)], &[part(content, &hash)]), Err(wrong));
}

#[test]
fn an_attachment_that_lies_elsewhere_needs_no_part() {
    assert_eq!(check(&[statement(EVERYTHING, Version::V1_0_3)], &[]), Ok(()));
}

#[test]
fn the_attachments_of_a_sub_statement_count() {
    let content = b"intyg";
    let attachments = serde_json::from_str::<serde_json::Value>(&with_attachment(content, &sha256(content)))
        .expect("JSON")["attachments"]
        .take();
    let body = with(SUB_STATEMENT, "/object/attachments", Some(attachments));
    let statement = statement(&body, Version::V1_0_3);
    assert_eq!(check(std::slice::from_ref(&statement), &[part(content, &sha256(content))]), Ok(()));
    let missing = MultipartFault::NoContent { pointer: "/object/attachments/0".to_owned(), index: 0 };
    assert_eq!(check(&[statement], &[]), Err(missing));
}

proptest! {
    #[test]
    fn what_is_written_is_read(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
        let hashes: Vec<String> = contents.iter().map(|content| sha256(content)).collect();
        let parts: Vec<Part<'_>> =
            contents.iter().zip(&hashes).map(|(content, hash)| part(content, hash)).collect();
        let written = write(b"[]", &parts);
        prop_assert_eq!(parse(&written.content_type, &written.body), Ok(Multipart { statements: b"[]", attachments: parts }));
    }

    #[test]
    fn no_bytes_make_it_panic(content_type in ".{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(parse(&content_type, &bytes));
        drop(parse(TYPE, &bytes));
    }

    #[test]
    fn no_lines_make_it_panic(pieces in prop::collection::vec(prop::sample::select(vec![
        "--abc", "--", "\r\n", "\r\n", "Content-Type: application/json", HASH_HEADER, ":", "binary", " ", "[]",
    ]), 0..40)) {
        drop(parse(TYPE, pieces.concat().as_bytes()));
    }
}
