//! Signed statements (Data 2.6).
//!
//! An attachment of a usage of its own holds a JSON Web Signature (RFC 7515) in its compact form, over the statement as
//! it was before it had that attachment. The checks are those that the standard requires of an LRS:
//!
//! * the attachment is `application/octet-stream`, and its content a signature of three parts;
//! * its algorithm is RS256, RS384 or RS512;
//! * what was signed is a statement, and the same as the one that carries it ([`super::equality`]);
//! * if the signature names certificates (`x5c`), each is a certificate, and the signature fits the key of the first.
//!
//! Whether the certificate's owner may sign, or whether it has expired, is not checked: the standard leaves this to the
//! reader of the statement. A signature without a certificate is accepted as well-formed; see [`Signed::is_verified`].

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::EndEntityCert;
use webpki::aws_lc_rs::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512};

use super::attachment::Attachment;
use super::batch::read_body;
use super::equality::same_but_for_signatures;
use super::fault::Refusal;
use super::statement::Statement;
use super::version::Version;
use crate::json::{Document, Value};

/// The usage of an attachment that is the statement's signature.
pub const USAGE_TYPE: &str = "http://adlnet.gov/expapi/attachments/signature";

const CONTENT_TYPE: &str = "application/octet-stream";

/// The most certificates of one signature that are read.
const MAX_CERTIFICATES: usize = 16;

/// How a statement is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    pub algorithm: Algorithm,
    /// The signature fits a certificate that it names; else it names none, and its maker is unknown.
    pub is_verified: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
}

/// Why a signature refuses its statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    #[error("the signature is not of the type {CONTENT_TYPE}: send that contentType in its attachment")]
    ContentType,
    #[error(
        "the signature is not a JSON Web Signature in its compact form: send three parts in Base64url, apart by dots"
    )]
    NotCompact,
    #[error("the header of the signature is not a JSON object with alg: send one")]
    Header,
    #[error("the header of the signature requires what is not understood here (crit): sign without it")]
    Critical,
    #[error("the signature is not made with RS256, RS384 or RS512: sign with one of them")]
    Algorithm,
    #[error("what was signed is not a statement: {0}")]
    Payload(Refusal),
    #[error("what was signed is not one statement: sign the statement alone, not an array")]
    NotOne,
    #[error("what was signed is another statement than the one that carries the signature: sign it anew as it is sent")]
    AnotherStatement,
    #[error("certificate {number} of x5c is no X.509 certificate in Base64: send the certificates in DER, coded so")]
    Certificate {
        /// From 1.
        number: usize,
    },
    #[error(
        "x5c is not a list of 1 to {MAX_CERTIFICATES} certificates: send the signer's first, and those that vouch for it"
    )]
    CertificateList,
    #[error(
        "the signature does not fit the first certificate of x5c: send the certificate of the key that signed, an RSA key of 2048 to 8192 bits"
    )]
    Mismatch,
}

/// The attachments of a statement that are signatures.
pub fn signatures<'s, 'a>(statement: &'s Statement<'a>) -> impl Iterator<Item = &'s Attachment<'a>> {
    statement.attachments.iter().filter(|attachment| attachment.usage_type == USAGE_TYPE)
}

/// Checks one signature of a statement.
///
/// * `content`: what the attachment holds.
/// * `version`: by which the statement was read.
pub fn verify(
    statement: &Statement<'_>,
    attachment: &Attachment<'_>,
    content: &[u8],
    version: Version,
) -> Result<Signed, SignatureFault> {
    let essence = attachment.content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(CONTENT_TYPE) {
        return Err(SignatureFault::ContentType);
    }
    let jws = Compact::parse(content).ok_or(SignatureFault::NotCompact)?;
    let header = Document::from_bytes(&jws.header).map_err(|_| SignatureFault::Header)?;
    header.check().map_err(|_| SignatureFault::Header)?;
    let algorithm = algorithm(header.root())?;

    let signed = read_body(&jws.payload, version).map_err(SignatureFault::Payload)?;
    let [original] = &signed.statements[..] else { return Err(SignatureFault::NotOne) };
    if signed.is_array {
        return Err(SignatureFault::NotOne);
    }
    if !same_but_for_signatures(original, statement) {
        return Err(SignatureFault::AnotherStatement);
    }

    let is_verified = match member(header.root(), "x5c") {
        None => false,
        Some(chain) => {
            let certificates = certificates(chain)?;
            let first = certificates.first().ok_or(SignatureFault::CertificateList)?;
            let certificate = EndEntityCert::try_from(first).map_err(|_| SignatureFault::Certificate { number: 1 })?;
            certificate
                .verify_signature(algorithm.verification(), jws.signed, &jws.signature)
                .map_err(|_| SignatureFault::Mismatch)?;
            true
        }
    };
    Ok(Signed { algorithm, is_verified })
}

/// RFC 7515, section 7.1: `header.payload.signature`.
struct Compact<'a> {
    /// The header and the payload as they were signed.
    signed: &'a [u8],
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    fn parse(content: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(content).ok()?.trim_ascii();
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok().filter(|bytes| !bytes.is_empty());
        Some(Self {
            signed: signed.as_bytes(),
            header: decoded(header)?,
            payload: decoded(payload)?,
            signature: decoded(signature)?,
        })
    }
}

fn member<'d, 'a>(object: Value<'d, 'a>, name: &str) -> Option<Value<'d, 'a>> {
    let found = object.members()?.find(|member| member.name().is_ok_and(|input| input == name));
    found.map(|member| member.value)
}

fn algorithm(header: Value<'_, '_>) -> Result<Algorithm, SignatureFault> {
    let name = member(header, "alg").and_then(|alg| alg.text()?.ok()).ok_or(SignatureFault::Header)?;
    // RFC 7515, section 4.1.11: a reader that does not understand what is critical refuses.
    if member(header, "crit").is_some() {
        return Err(SignatureFault::Critical);
    }
    match name.as_ref() {
        "RS256" => Ok(Algorithm::Rs256),
        "RS384" => Ok(Algorithm::Rs384),
        "RS512" => Ok(Algorithm::Rs512),
        _ => Err(SignatureFault::Algorithm),
    }
}

impl Algorithm {
    fn verification(self) -> &'static dyn SignatureVerificationAlgorithm {
        match self {
            Self::Rs256 => RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

/// RFC 7515, section 4.1.6: an array of DER in Base64, not Base64url.
fn certificates(chain: Value<'_, '_>) -> Result<Vec<CertificateDer<'static>>, SignatureFault> {
    let chain: Vec<_> = chain.elements().ok_or(SignatureFault::CertificateList)?.take(MAX_CERTIFICATES + 1).collect();
    if chain.is_empty() || chain.len() > MAX_CERTIFICATES {
        return Err(SignatureFault::CertificateList);
    }
    let certificate = |(at, value): (usize, &Value<'_, '_>)| {
        let fault = SignatureFault::Certificate { number: at + 1 };
        let text = value.text().and_then(Result::ok);
        let der = text.and_then(|text| STANDARD.decode(text.as_bytes()).ok()).map(CertificateDer::from);
        let der = der.ok_or_else(|| fault.clone())?;
        match EndEntityCert::try_from(&der) {
            Ok(_) => Ok(der),
            Err(_) => Err(fault),
        }
    };
    chain.iter().enumerate().map(certificate).collect()
}

#[cfg(test)]
mod tests;
