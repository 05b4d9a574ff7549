//! Why statements are refused: where, what, and what to send instead.

use std::fmt;

use uuid::Uuid;

use super::activity::InteractionType;
use crate::json::{Malformed, Unclear};

/// The longest name or pointer that a refusal repeats, in characters.
const MAX_SHOWN: usize = 300;

/// The first fault in a body. One statement at fault refuses the whole batch (Communication 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {fault}", Place(pointer))]
pub struct Refusal {
    /// Which statement of an array; `None` if the body is one statement, or no statements at all.
    pub index: Option<usize>,
    /// Where in the body, as a JSON pointer (RFC 6901): `/3/object/definition/type`; empty for the body as a whole. A
    /// member that is missing is named as if it were there. It may hold names that the sender made up, of any length:
    /// the refusal's text cuts it short.
    pub pointer: String,
    pub fault: Fault,
}

struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("the body") } else { Shown(self.0).fmt(f) }
    }
}

/// A text of the sender's, cut short and with control characters escaped.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars().take(MAX_SHOWN) {
            if character.is_control() { write!(f, "{}", character.escape_debug())? } else { write!(f, "{character}")? }
        }
        if self.0.chars().nth(MAX_SHOWN).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// What is wrong in the place, worded to follow its name; what a sender can do about it is after the colon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Data 2.2: a statement is well-formed JSON (RFC 8259).
    #[error("{0}")]
    Malformed(Malformed),
    /// Data 2.2: a property comes at most once.
    #[error("{0}")]
    Unclear(Unclear),
    /// Communication 2.1.1 and 2.1.2: a body is one statement or an array of them.
    #[error("is neither a statement nor an array of statements: send a JSON object, or an array of them")]
    NoStatements,
    /// Data 2.2: `null` is a value in extensions only.
    #[error("is null, which only extensions may hold: send {expected}, or leave the member out")]
    Null { expected: Expected },
    /// Data 2.2: each property has its type; a number or a boolean as text is none.
    #[error("is of the wrong type: send {expected}")]
    WrongType { expected: Expected },
    /// Data 2.4: what a table says is required.
    #[error("is missing: send {expected}")]
    Missing { expected: Expected },
    /// Data 2.2: nothing but what the standard names.
    #[error("is nothing that belongs here: leave it out, or put it into extensions under an IRI")]
    Unknown,
    /// Data 2.2: names and fixed values are in the case that the standard has.
    #[error("is written with other letters: send \"{right}\"")]
    WrongCase { right: &'static str },
    /// Data 2.2: a value of a fixed set is one of the set, in its case.
    #[error("is none of the values that it may have: send {expected}")]
    NotInSet { expected: Expected },
    /// Data 2.2 and 4.3: identifiers are IRIs with a scheme (RFC 3987), keys of extensions included.
    #[error(
        "is not an IRI with a scheme, such as https://larportal.example.org/kurs/7: send one, percent-encoded as RFC 3987 requires"
    )]
    NotAnIri,
    /// Data 2.4.2.3: `mailto:` and an e-mail address.
    #[error("is not mailto: with one e-mail address, such as mailto:kim@example.org: send that form")]
    NotAnMbox,
    /// Data 2.4.2.3.
    #[error("is not forty hexadecimal digits: send the SHA-1 of the mailto IRI in hexadecimal")]
    NotASha1,
    /// Data 2.4.2.1 and 2.4.2.2: an agent, and an identified group, has exactly one identifier.
    #[error("has {count} identifiers: send exactly one of mbox, mbox_sha1sum, openid and account")]
    IdentifierCount { count: usize },
    /// Data 2.4.2.2: a group without an identifier is its members.
    #[error(
        "is a group with neither an identifier nor members: send one of mbox, mbox_sha1sum, openid and account, or member"
    )]
    NoMemberInGroup,
    /// Data 2.4.1 and 4.4: a UUID in its standard form (RFC 4122).
    #[error(
        "is not a UUID such as 6690e6c9-3ef0-4ed3-8b37-7f3964730bee: send 32 hexadecimal digits with four hyphens, of the variant of RFC 4122 (8, 9, a or b after the third hyphen)"
    )]
    NotAUuid,
    /// Data 4.2: the keys of a language map, and `language`, are tags of RFC 5646.
    #[error("is not a language tag of RFC 5646, such as sv or sv-SE: send one")]
    NotALanguageTag,
    /// Data 4.5: ISO 8601; 2.0: RFC 3339.
    #[error("is not a time such as 2026-03-02T08:15:00.000+01:00: send RFC 3339")]
    NotATimestamp,
    /// Data 4.5: an offset of -00:00 says that it is unknown.
    #[error("has the offset -00:00, which says that it is not known: send Z or the offset")]
    NegativeZeroOffset,
    /// Data 4.6.
    #[error("is not a duration of ISO 8601 with designators, such as PT1H30M or P2W: send that form")]
    NotADuration,
    /// Data 2.4.5.1.
    #[error("is not from -1 to 1: send the share of what can be reached")]
    ScaledOutOfRange,
    /// Data 2.4.5.1.
    #[error("is less than min: send min at or below raw, or leave it out")]
    RawBelowMin,
    /// Data 2.4.5.1.
    #[error("is more than max: send max at or above raw, or leave it out")]
    RawAboveMax,
    /// Data 2.4.5.1.
    #[error("is not less than max: send the lowest possible score, or leave it out")]
    MinNotBelowMax,
    /// Data 2.4.4.1: what lists things and has no interactionType.
    #[error("is missing, and the definition has \"{because}\": send interactionType")]
    NoInteractionType { because: &'static str },
    /// Data 2.4.4.1: which lists go with which interaction.
    #[error("does not go with the interactionType {kind}: leave it out")]
    WrongComponents { kind: InteractionType },
    /// Data 2.4.4.1: ids are unique within their list.
    #[error("is the id of an earlier one in the list: send each id once")]
    RepeatedComponent,
    /// Data 2.4.4.3: no statement within a statement within a statement.
    #[error("is a SubStatement within a SubStatement: send an Activity, Agent, Group or StatementRef")]
    NestedSubStatement,
    /// Data 2.4.4.3: `id`, `stored`, `version` and `authority` belong to what has happened.
    #[error("is nothing that a SubStatement has: leave it out")]
    NotInSubStatement,
    /// Data 2.3.2: what is voided is a statement.
    #[error("is not a StatementRef, and the verb is voided: send {{\"objectType\": \"StatementRef\", \"id\": …}}")]
    VoidsNoStatement,
    /// Data 2.4.6: `revision` and `platform` are about an activity.
    #[error("belongs with an Activity only, and the object is none: leave it out")]
    OnlyWithActivity,
    /// Data 2.4.9: an authority that is a group is a user and an application (OAuth), and no one else.
    #[error(
        "is a group that is not two agents without an identifier of the group: send an Agent, or a Group of the user and the application"
    )]
    AuthorityNotTwo,
    /// Data 2.4.10: what the version begins with.
    #[error("is not a version that this request may hold: send {expected}, or leave it out")]
    WrongVersion { expected: Expected },
    /// Data 2.4.11: hexadecimal of SHA-224, SHA-256, SHA-384 or SHA-512.
    #[error("is not a hash of SHA-2: send the SHA-256 of the content as 64 hexadecimal digits")]
    NotASha2,
    /// Data 2.4.11: an internet media type (RFC 2046).
    #[error("is not a media type such as application/pdf: send one")]
    NotAMediaType,
    /// Communication 2.1.2: a batch with one id twice.
    #[error("is the id {id} of an earlier statement in the batch: send each statement once")]
    RepeatedStatement { id: Uuid },
    /// 2.0, relevantTypes: a collection of one or more.
    #[error("is empty: send at least one IRI, or leave it out")]
    NoRelevantType,
    /// 2.0 has contextAgents and contextGroups.
    #[error("is not in xAPI 1.0.3: leave it out, or send the header X-Experience-API-Version: 2.0.0")]
    OnlyIn2_0,
}

/// What a place takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Statement,
    Object,
    Text,
    TrueOrFalse,
    Number,
    WholeNumber,
    Array,
    Iri,
    Uuid,
    Time,
    Duration,
    LanguageMap,
    LanguageTag,
    Extensions,
    Agent,
    Group,
    Actor,
    Account,
    Verb,
    Activity,
    Definition,
    Component,
    ActivityOrActivities,
    /// The object of a statement.
    ObjectOfStatement,
    StatementRef,
    /// One text and no other.
    Exactly(&'static str),
    InteractionType,
    ActorType,
    ObjectType,
    Version1,
    Version1Or2,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Statement => "a statement: an object with actor, verb and object",
            Self::Object => "a JSON object",
            Self::Text => "a text",
            Self::TrueOrFalse => "true or false, without quotation marks",
            Self::Number => "a number, without quotation marks",
            Self::WholeNumber => "a whole number from 0 on, without quotation marks",
            Self::Array => "an array",
            Self::Iri => "an IRI as text",
            Self::Uuid => "a UUID as text",
            Self::Time => "a time as text, such as \"2026-03-02T08:15:00.000+01:00\"",
            Self::Duration => "a duration as text, such as \"PT1H30M\"",
            Self::LanguageMap => "an object of language tags and texts, such as {\"sv\": \"Klar\"}",
            Self::LanguageTag => "a language tag as text, such as \"sv\"",
            Self::Extensions => "an object whose names are IRIs",
            Self::Agent => "an Agent: an object with one of mbox, mbox_sha1sum, openid and account",
            Self::Group => "a Group: an object with \"objectType\": \"Group\" and an identifier or members",
            Self::Actor => "an Agent or a Group",
            Self::Account => "an account: an object with homePage and name",
            Self::Definition => "a definition: an object",
            Self::Component => "an object with an id",
            Self::Verb => "a verb: an object with an id",
            Self::Activity => "an Activity: an object with an id",
            Self::ActivityOrActivities => "an Activity or an array of them",
            Self::ObjectOfStatement => "an Activity, Agent, Group, StatementRef or SubStatement",
            Self::StatementRef => "a StatementRef: {\"objectType\": \"StatementRef\", \"id\": …}",
            Self::Exactly(text) => return write!(f, "\"{text}\""),
            Self::InteractionType => {
                "one of true-false, choice, fill-in, long-fill-in, matching, performance, sequencing, likert, numeric, other"
            }
            Self::ActorType => "\"Agent\" or \"Group\"",
            Self::ObjectType => "one of \"Activity\", \"Agent\", \"Group\", \"StatementRef\", \"SubStatement\"",
            Self::Version1 => "1.0.0 to 1.0.3",
            Self::Version1Or2 => "2.0.0, or 1.0.0 to 1.0.3",
        })
    }
}
