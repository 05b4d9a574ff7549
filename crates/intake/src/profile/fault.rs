//! What may be wrong with a profile, or with a body that a profile was to make sense of.

use std::fmt;

use super::model::Field;
use super::path::InvalidPath;
use crate::toml::{Known, Problems, TomlFault};
use crate::webhook::encoding::InflateError;
use crate::webhook::fault::{Fault, NotUnderstood};
use kurskoll_domain::ids::InvalidId;

/// Why a profile cannot be used. Each text follows the key and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileFault {
    #[error(transparent)]
    Toml(#[from] TomlFault),
    #[error("is larger than {limit} bytes, which is more than a profile needs; leave out what it does not need")]
    TooLarge { limit: usize },
    #[error("does not go with the scheme {scheme}; leave it out")]
    NotOfScheme { scheme: &'static str },
    #[error("must have {{body}} in it, and may have {{timestamp}} where timestamp_header says where that is")]
    NotATemplate,
    #[error("is not signed; write {{timestamp}} at its place in signed, as in \"{{timestamp}}.{{body}}\"")]
    TimestampNotSigned,
    #[error(transparent)]
    Path(#[from] InvalidPath),
    #[error("is not the name of a header, such as X-Signature")]
    NotAHeader,
    #[error("needs exactly one of path, in_body, header, constant and first_of")]
    NotOneSource,
    #[error("needs exactly one of is, is_not and exists")]
    NotOneCondition,
    #[error("is beside after_last; keep one of the two")]
    BesideAfterLast,
    #[error("goes with values only; leave it out, or list values")]
    WithoutValues,
    #[error("belongs to {0} only; leave it out")]
    NotOfField(&'static str),
    #[error("is there twice, since capitals make no difference; keep one")]
    SameWordTwice,
    #[error("gives \"{0}\", which is neither \"true\" nor \"false\" nor \"\" for neither")]
    NeitherTrueNorFalse(String),
    #[error(
        "is not a format of times; write \"rfc3339\", \"epoch-seconds\", \"epoch-milliseconds\", or the parts as in \"%Y-%m-%d %H:%M:%S\""
    )]
    NotATimeFormat,
    #[error("is not a time zone such as Europe/Stockholm or UTC")]
    NotAZone,
    #[error("is no list of kinds: write completion, attempt, revocation, each once, or ignore alone")]
    NotKinds,
    #[error("needs the field {}, and neither fields nor the rule's own fields say where it is", .0.as_str())]
    FieldNotFound(Field),
    #[error(
        "needs a key of the learner, and no field says where one is: employee_number, email, username, or account_name with account_home_page"
    )]
    NoLearnerKey,
    #[error("distinguishes no types, since no place is given for the field type; write it in fields")]
    NoTypeField,
    #[error(
        "gives \"{0}\", which is neither completed, attended, passed, failed, scored, satisfied, waived, uncompleted nor a verb that the profile reads; list it under verbs first"
    )]
    NotAVerb(String),
    #[error("looks for what no statement has; {0}")]
    NotInAStatement(Known),
    #[error("would be the same of every statement; say where it is")]
    ConstantOfEach,
    #[error("has one of account_home_page and account_name; say where both are, or neither")]
    HalfAnAccount,
    #[error("names no type: write its IRI, or course, quiz or attempt")]
    NotAType,
    #[error("is no IRI with its scheme; write it as the statements have it")]
    NotAnIri,
}

/// All that is wrong with a profile.
pub type ProfileProblems = Problems<ProfileFault>;

/// The first thing in a body that a profile could not make sense of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// Where, as a JSON pointer (RFC 6901); cut short where it is long. Empty for the body as a whole.
    pub pointer: String,
    pub fault: ReadingFault,
}

/// The longest pointer that is shown, in bytes.
const MAX_POINTER: usize = 500;
/// The most of a sender's text that is repeated, in characters.
const MAX_SHOWN: usize = 60;

impl Misread {
    pub(super) fn at(pointer: &str, fault: impl Into<ReadingFault>) -> Self {
        Self { pointer: shown_pointer(pointer), fault: fault.into() }
    }
}

/// A pointer as it is shown: whole parts of it, and not too many; without characters that would not print.
pub(super) fn shown_pointer(pointer: &str) -> String {
    let mut raw = String::new();
    for part in pointer.split('/').skip(1) {
        let part: String = part.chars().flat_map(char::escape_debug).collect();
        if raw.len() + part.len() + 1 > MAX_POINTER {
            break;
        }
        raw.push('/');
        raw.push_str(&part);
    }
    raw
}

/// A sender's text as a sentence repeats it.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

impl From<NotUnderstood> for Misread {
    fn from(not_understood: NotUnderstood) -> Self {
        Self { pointer: not_understood.pointer, fault: not_understood.fault.into() }
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the body" } else { &self.pointer };
        write!(f, "{place} {}", self.fault)
    }
}

/// What is wrong in the place, worded to follow its name; what can be done about it stands after the colon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadingFault {
    #[error(transparent)]
    Payload(#[from] Fault),
    #[error(transparent)]
    Compressed(#[from] InflateError),
    #[error("is not a form in UTF-8: send names and values percent-encoded in UTF-8")]
    FormNotUtf8,
    #[error("holds {found} events: send at most {most} at a time")]
    TooManyEvents { found: usize, most: usize },
    #[error("gives no {}, looked for at {looked}: send it, or mend the profile", field.as_str())]
    Missing { field: Field, looked: String },
    #[error("gives no key that names the learner, looked for at {looked}: send one of them, or mend the profile")]
    NoLearnerKey { looked: String },
    #[error("is an object or a list where the profile looks for {}: let its path go on to the value", .0.as_str())]
    Structure(Field),
    #[error("says \"{said}\" for {}, which the profile's values do not list: add it to values", field.as_str())]
    UnlistedWord { field: Field, said: String },
    #[error("says \"{0}\", which is neither true nor false: say in the profile's values for passed what it means")]
    NeitherTrueNorFalse(String),
    #[error("says \"{0}\", which is not the number of an attempt: send a whole number from 1 on")]
    NotAnAttempt(String),
    #[error("makes an event id that {0}: let the profile find a shorter one, or none")]
    EventId(InvalidId),
    #[error("says \"{0}\", which is no time in any of the profile's formats: add its format to formats")]
    NoKnownFormat(String),
    #[error("has min and max that no score lies between: send a max that is greater than min")]
    NoRoomForAScore,
    /// Of a statement that is none.
    #[error("{0}")]
    Statement(String),
    #[error(
        "reports another event of the same body under the same id: let the profile find an id that is each event's own, or none"
    )]
    RepeatedEventId,
}
