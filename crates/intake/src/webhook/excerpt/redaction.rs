//! Which bytes of a body may name a person, and are not shown.
//!
//! A body that was not understood may be of any shape, and broken. So it is read letter by letter, not parsed: in JSON
//! the texts under members that name a person, and any text that looks like an address or a number of a person; in
//! anything else all letters and digits. What a member is called is shown, and so are types, times, and ids of courses.

/// What stands for each byte that is not shown.
const INSTEAD: u8 = b'*';

/// Parts of members' names that say that what follows is about a person.
const PERSONAL: &[&str] = &[
    "learner",
    "user",
    "person",
    "employee",
    "student",
    "member",
    "actor",
    "mbox",
    "account",
    "name",
    "mail",
    "login",
    "phone",
    "mobile",
    "address",
    "nick",
    "openid",
    "contact",
    "recipient",
    "author",
    "owner",
    "manager",
    "participant",
    "instructor",
    "teacher",
    "trainee",
    "attendee",
    "candidate",
    "assignee",
    "creator",
    "profile",
    "first",
    "last",
    "given",
    "family",
    "full",
    "display",
    "birth",
    "ssn",
    "pnr",
    "deltag",
    "anst",
    "elev",
    "namn",
    "epost",
    "telefon",
    "adress",
    "identity",
];

/// Names of members that hold a part of the above and say nothing of a person.
const HARMLESS: &[&str] = &["filename", "hostname", "typename", "last_modified"];

/// A body of the same length, in which whatever may be personal is asterisks.
pub(super) fn redacted(body: &[u8]) -> Vec<u8> {
    let begins = body.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte));
    match begins {
        Some(b'{' | b'[' | b'"') => of_json(body),
        _ => body.iter().map(|byte| if is_of_a_word(*byte) { INSTEAD } else { *byte }).collect(),
    }
}

const fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// Whether a member's name says that what follows is about a person.
fn is_personal(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_lowercase();
    !HARMLESS.contains(&name.as_str()) && PERSONAL.iter().any(|part| name.contains(part))
}

/// Whether a text looks like an address, or like a number by which the state knows somebody.
fn looks_personal(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_number = text.iter().all(|byte| byte.is_ascii_digit() || b"-+ ".contains(byte));
    text.contains(&b'@') || text.windows(3).any(|three| three == b"%40") || (is_number && (9..=13).contains(&digits))
}

/// JSON, whole or broken, with what may be personal left out.
fn of_json(body: &[u8]) -> Vec<u8> {
    let mut shown = body.to_vec();
    // For each open object or array, whether it is about a person.
    let mut about: Vec<bool> = Vec::new();
    let mut member_is_personal = false;
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => {
                let (end, behind) = end_of_text(body, at + 1);
                let text = body.get(at + 1..end).unwrap_or_default();
                let is_name =
                    body.get(behind..).unwrap_or_default().iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':');
                let outer = about.last().copied().unwrap_or_default();
                if is_name {
                    member_is_personal = is_personal(text);
                }
                // Who is a member's name is somebody's, too.
                let hides =
                    if is_name { looks_personal(text) } else { outer || member_is_personal || looks_personal(text) };
                if hides {
                    shown.iter_mut().take(end).skip(at + 1).for_each(|byte| *byte = INSTEAD);
                }
                at = behind;
                continue;
            }
            b'{' | b'[' => {
                let outer = about.last().copied().unwrap_or_default();
                about.push(outer || member_is_personal);
                member_is_personal = false;
            }
            b'}' | b']' => {
                about.pop();
                member_is_personal = false;
            }
            b',' => member_is_personal = about.last().copied().unwrap_or_default(),
            b'0'..=b'9' if member_is_personal || about.last().copied().unwrap_or_default() => {
                if let Some(byte) = shown.get_mut(at) {
                    *byte = INSTEAD;
                }
            }
            _ => {}
        }
        at += 1;
    }
    shown
}

/// Where a text ends that begins at a place, and where what follows it begins; a broken one goes to the end.
fn end_of_text(body: &[u8], from: usize) -> (usize, usize) {
    let mut at = from;
    while let Some(byte) = body.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return (at, at + 1),
            _ => at += 1,
        }
    }
    (body.len(), body.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(body: &str) -> String {
        String::from_utf8_lossy(&redacted(body.as_bytes())).into_owned()
    }

    #[test]
    fn what_names_a_person_is_left_out_and_what_was_not_understood_is_not() {
        for (body, expected) in [
            (
                r#"{"type": "quiz.graded", "data": {"learner": {"email": "a@x", "n": 17}, "graded_at": "igår"}}"#,
                r#"{"type": "quiz.graded", "data": {"learner": {"email": "***", "n": **}, "graded_at": "igår"}}"#,
            ),
            (
                r#"{"course": {"id": "infosec"}, "firstName": "Åsa"}"#,
                r#"{"course": {"id": "infosec"}, "firstName": "****"}"#,
            ),
            (r#"{"x": "asa@example.org", "y": "850101-9876"}"#, r#"{"x": "***************", "y": "***********"}"#),
            (
                r#"{"actor": {"deep": [{"er": "Åsa"}]}, "verb": "did"}"#,
                r#"{"actor": {"deep": [{"er": "****"}]}, "verb": "did"}"#,
            ),
            (r#"{"user": "a\"b", "at": "2026"#, r#"{"user": "****", "at": "2026"#),
            (r#"{"users": ["Åsa", "Bo"], "n": "x"}"#, r#"{"users": ["****", "**"], "n": "x"}"#),
            ("namn;Åsa Ek", "****;**** **"),
            ("", ""),
        ] {
            assert_eq!(shown(body), expected);
        }
    }

    proptest! {
        #[test]
        fn a_body_keeps_its_length_and_a_learners_texts_are_never_shown(
            before in "[a-z]{0,5}", text in "[A-ZÅÄÖ]{1,12}", rest in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut body = format!(r#"{{"{before}": 1, "learner": {{"{before}": "{text}", "x": ["{text}"]}}}}"#).into_bytes();
            body.extend(rest);
            let shown = redacted(&body);
            prop_assert_eq!(shown.len(), body.len());
            let of_learner = String::from_utf8_lossy(&shown).into_owned();
            let learners_end = of_learner.find('}').unwrap_or_default();
            prop_assert!(!of_learner[..learners_end].contains(&text));
        }
    }
}
