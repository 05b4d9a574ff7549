//! A JSON document over the text that was sent: each value knows its bytes, numbers keep their digits, and members
//! their order.
//!
//! The whole text is read once, without recursion, into one list of places; texts are decoded only on demand. It
//! takes time in proportion to the length of the text, and 16 bytes a value. Grammar: RFC 8259.
//!
//! Two things are not faults of the grammar: a member that an object has twice, and an escape that is half a character.
//! They are found when a value is read, or in one sweep by [`Document::check`].

mod number;
mod parse;
mod text;

use std::borrow::Cow;
use std::collections::HashSet;

pub use number::Number;

/// How deep objects and arrays may nest: as deep as serde_json itself allows.
pub const MAX_DEPTH: usize = 128;

/// The longest member name that an error repeats, in characters.
const MAX_NAME_SHOWN: usize = 60;

/// Why bytes are not a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("stops being UTF-8 after {valid_bytes} bytes: send JSON in UTF-8")]
    NotUtf8 { valid_bytes: usize },
    #[error("is not JSON from line {line}, column {column} on: send one JSON document")]
    NotJson {
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
    },
    #[error("nests objects or arrays more than {MAX_DEPTH} deep: send them flatter")]
    TooDeep,
    #[error("is longer than 4 GiB: send it in parts")]
    TooLong,
}

/// What is wrong with a value in a document that is JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    #[error("has the member \"{}\" twice: send it once", name.chars().take(MAX_NAME_SHOWN).flat_map(char::escape_debug).collect::<String>())]
    RepeatedMember {
        /// As it is in the object, decoded; the error's text cuts it short.
        name: String,
    },
    #[error("has a text with an escape that is half a character: send well-formed Unicode")]
    BrokenText,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    False,
    True,
    Number,
    Text,
    Array,
    Object,
}

/// One value's place, in the order of the text. An object's members are stored as name, value, name, value.
#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    /// A text with backslashes.
    escaped: bool,
    start: u32,
    end: u32,
    /// The place after this value and all that is in it.
    next: u32,
}

/// A whole document.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    /// Reads bytes: UTF-8, with or without a byte order mark.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| Malformed::NotUtf8 { valid_bytes: error.valid_up_to() })?;
        Self::parse(text)
    }

    /// Reads a text, with or without a byte order mark.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        parse::nodes(text).map(|nodes| Self { text, nodes })
    }

    #[must_use]
    pub const fn root(&self) -> Value<'_, 'a> {
        Value { document: self, at: 0 }
    }

    /// Checks every value: no member twice in any object, no broken text anywhere. Gives the first fault and the
    /// object or text that has it.
    pub fn check(&self) -> Result<(), (Value<'_, 'a>, Unclear)> {
        for at in 0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX) {
            let value = Value { document: self, at };
            let node = value.node();
            match node.kind {
                Kind::Text if node.escaped => {
                    value.text().map_or(Ok(()), |text| text.map(drop)).map_err(|fault| (value, fault))?;
                }
                Kind::Object => value.check_members().map_err(|fault| (value, fault))?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// One value of a document. Two are equal when they are the same place.
#[derive(Debug, Clone, Copy)]
pub struct Value<'d, 'a> {
    document: &'d Document<'a>,
    at: u32,
}

/// What a place without a value would be; there is none, since a document has at least one value and names have theirs.
const NOTHING: Node = Node { kind: Kind::Null, escaped: false, start: 0, end: 0, next: u32::MAX };

impl<'d, 'a> Value<'d, 'a> {
    fn node(self) -> Node {
        self.document.nodes.get(self.at as usize).copied().unwrap_or(NOTHING)
    }

    #[must_use]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// The value's own text, exactly as it was sent.
    #[must_use]
    pub fn raw(self) -> &'a str {
        let node = self.node();
        self.document.text.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// Where [`Value::raw`] begins in the document's text, in bytes.
    #[must_use]
    pub fn offset(self) -> usize {
        self.node().start as usize
    }

    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// A text, decoded; borrowed if it has no escapes. `None` if the value is no text.
    pub fn text(self) -> Option<Result<Cow<'a, str>, Unclear>> {
        let node = self.node();
        (node.kind == Kind::Text).then(|| {
            let quoted = self.raw();
            let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
            if node.escaped {
                text::decoded(inner).map(Cow::Owned).ok_or(Unclear::BrokenText)
            } else {
                Ok(inner.into())
            }
        })
    }

    #[must_use]
    pub fn bool(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    #[must_use]
    pub fn number(self) -> Option<Number<'a>> {
        (self.kind() == Kind::Number).then(|| Number::of_json(self.raw()))
    }

    /// The values of an array; `None` if the value is none.
    #[must_use]
    pub fn elements(self) -> Option<Elements<'d, 'a>> {
        (self.kind() == Kind::Array).then(|| self.inside())
    }

    /// The members of an object, in order; `None` if the value is none. A name may come twice: see
    /// [`Value::check_members`].
    #[must_use]
    pub fn members(self) -> Option<Members<'d, 'a>> {
        (self.kind() == Kind::Object).then(|| Members(self.inside()))
    }

    fn inside(self) -> Elements<'d, 'a> {
        Elements { document: self.document, at: self.at + 1, end: self.node().next }
    }

    /// Checks that an object's names are whole and that none is there twice. A value that is no object has no names.
    pub fn check_members(self) -> Result<(), Unclear> {
        /// From this many members on, a set of the names is faster than comparing each with each.
        const MANY: usize = 16;
        let Some(members) = self.members() else { return Ok(()) };
        let mut few: [&str; MANY] = [""; MANY];
        let mut many: HashSet<Cow<'a, str>> = HashSet::new();
        for (count, member) in members.enumerate() {
            let name = member.name()?;
            let repeated = match (few.get_mut(..=count), &name) {
                (Some([before @ .., place]), Cow::Borrowed(name)) if many.is_empty() => {
                    *place = name;
                    before.contains(name)
                }
                _ => {
                    if many.is_empty() {
                        many.extend(few.iter().take(count).map(|name| Cow::Borrowed(*name)));
                    }
                    !many.insert(name.clone())
                }
            };
            if repeated {
                return Err(Unclear::RepeatedMember { name: name.into_owned() });
            }
        }
        Ok(())
    }

    /// The path from the document's root to this value (RFC 6901); empty for the root.
    #[must_use]
    pub fn pointer(self) -> String {
        let mut pointer = String::new();
        let mut container = self.document.root();
        while container.at < self.at {
            let inner = if let Some(members) = container.members() {
                members.map(|member| (member.value, Some(member))).find(|(value, _)| value.node().next > self.at)
            } else {
                container.inside().map(|value| (value, None)).find(|(value, _)| value.node().next > self.at)
            };
            let Some((value, member)) = inner else { break };
            pointer.push('/');
            match member {
                Some(member) => push_escaped(&mut pointer, &member.name().unwrap_or(Cow::Borrowed("?"))),
                None => {
                    let before = container.inside().take_while(|element| element.at < value.at).count();
                    pointer.push_str(&before.to_string());
                }
            }
            container = value;
        }
        pointer
    }
}

/// Adds a name to a pointer, escaped as RFC 6901, section 3, has it.
pub fn push_escaped(pointer: &mut String, name: &str) {
    for character in name.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// The values of an array.
#[derive(Debug, Clone)]
pub struct Elements<'d, 'a> {
    document: &'d Document<'a>,
    at: u32,
    end: u32,
}

impl<'d, 'a> Iterator for Elements<'d, 'a> {
    type Item = Value<'d, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = Value { document: self.document, at: self.at };
        (self.at < self.end).then(|| {
            self.at = value.node().next;
            value
        })
    }
}

/// The members of an object.
#[derive(Debug, Clone)]
pub struct Members<'d, 'a>(Elements<'d, 'a>);

/// One member of an object.
#[derive(Debug, Clone, Copy)]
pub struct Member<'d, 'a> {
    name: Value<'d, 'a>,
    pub value: Value<'d, 'a>,
}

impl<'a> Member<'_, 'a> {
    /// The name, decoded.
    pub fn name(&self) -> Result<Cow<'a, str>, Unclear> {
        self.name.text().unwrap_or(Err(Unclear::BrokenText))
    }

    /// Where the member's name begins in the document's text, with its quotation mark.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.name.offset()
    }
}

impl<'d, 'a> Iterator for Members<'d, 'a> {
    type Item = Member<'d, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.0.next()?;
        let value = self.0.next()?;
        Some(Member { name, value })
    }
}

#[cfg(test)]
mod tests;
