//! Checks that the parts and the attachments of statements belong together.

use std::collections::HashMap;

use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::{MultipartFault, Part};
use crate::xapi::attachment::Attachment;
use crate::xapi::object::Object;
use crate::xapi::statement::Statement;

/// Compares the parts with the statements (Communication 1.5.2): the content of each part has the hash that the part
/// says, each part is some attachment's, and each attachment has its part or a `fileUrl`. A part that is sent twice
/// counts once.
///
/// Without parts this is the check of a body that is plain JSON (Communication 1.5.1).
pub fn check(statements: &[Statement<'_>], parts: &[Part<'_>]) -> Result<(), MultipartFault> {
    let mut by_hash: HashMap<&str, (&Part<'_>, bool)> = HashMap::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        if !has_hash(part.content, &part.sha2) {
            return Err(MultipartFault::WrongHash { part: at + 2 });
        }
        by_hash.insert(&part.sha2, (part, false));
    }
    for (index, statement) in statements.iter().enumerate() {
        for (pointer, attachment) in attachments(statement) {
            match by_hash.get_mut(attachment.sha2.as_str()) {
                Some((part, is_used)) => {
                    *is_used = true;
                    let actual = part.content.len();
                    if u64::try_from(actual) != Ok(attachment.length) {
                        return Err(MultipartFault::WrongLength { pointer, index, said: attachment.length, actual });
                    }
                }
                None if attachment.file_url.is_some() => {}
                None => return Err(MultipartFault::NoContent { pointer, index }),
            }
        }
    }
    let unused = |part: &Part<'_>| by_hash.get(part.sha2.as_str()).is_some_and(|(_, is_used)| !is_used);
    parts.iter().position(unused).map_or(Ok(()), |at| Err(MultipartFault::Unused { part: at + 2 }))
}

/// The attachments of a statement and of the one within it, with their pointers.
fn attachments<'s, 'a>(statement: &'s Statement<'a>) -> impl Iterator<Item = (String, &'s Attachment<'a>)> {
    let within: &[Attachment<'a>] = match &statement.object {
        Object::SubStatement(sub_statement) => &sub_statement.attachments,
        _ => &[],
    };
    let own = statement.attachments.iter().enumerate().map(|(at, it)| (format!("/attachments/{at}"), it));
    own.chain(within.iter().enumerate().map(|(at, it)| (format!("/object/attachments/{at}"), it)))
}

/// Whether content has a hash of SHA-2, whose length says which.
pub(in crate::xapi) fn has_hash(content: &[u8], sha2: &str) -> bool {
    let hash = match sha2.len() {
        56 => hex::encode(Sha224::digest(content)),
        64 => hex::encode(Sha256::digest(content)),
        96 => hex::encode(Sha384::digest(content)),
        128 => hex::encode(Sha512::digest(content)),
        _ => return false,
    };
    hash.eq_ignore_ascii_case(sha2)
}
