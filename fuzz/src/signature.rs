//! Signatures of statements: one as it is sent; or its header, payload and signature separately, without their Base64.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kurskoll_intake::xapi::signature::{signatures, verify};
use kurskoll_intake::xapi::{Statement, Version, read_body};

use super::parts;

const SIGNED: &[u8] = include_bytes!("../../fixtures/xapi/signed/statement.json");

pub fn read(bytes: &[u8]) {
    let Ok(fixture) = read_body(SIGNED, Version::V1_0_3) else { panic!("the fixture is no statement") };
    let [signed] = &fixture.statements[..] else { panic!("the fixture is not one statement") };
    match parts(bytes)[..] {
        [jws] => check(signed, signed, jws),
        [header, payload, code, ..] => {
            let jws = [header, payload, code].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
            check(signed, signed, jws.as_bytes());
            // The payload may be any statement: then it is its own original.
            let own = read_body(payload, Version::V1_0_3);
            if let Ok([own]) = own.as_ref().map(|read| &read.statements[..]) {
                check(own, signed, jws.as_bytes());
            }
        }
        _ => {}
    }
}

fn check(statement: &Statement<'_>, with_attachment: &Statement<'_>, jws: &[u8]) {
    for attachment in signatures(with_attachment) {
        for version in [Version::V1_0_3, Version::V2_0] {
            if let Err(fault) = verify(statement, attachment, jws, version) {
                assert!(!fault.to_string().is_empty());
            }
        }
    }
}
