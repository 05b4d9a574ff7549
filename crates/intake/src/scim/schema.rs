//! Which attributes there are, as data (RFC 7643, sections 2.2 and 7): what /Schemas answers, and what reads, compares
//! and changes resources.
//!
//! The register stores what it needs, and what describes the person at work. The rest that RFC 7643 knows of a User
//! ([`NOT_STORED`]) is accepted and discarded; any other name is a mistake.

mod definitions;

use serde_json::{Map, Value, json};

pub use definitions::{PHONES, group, user};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Kurskoll's own: what SCIM lacks.
pub const KURSKOLL: &str = "urn:ietf:params:scim:schemas:extension:kurskoll:2.0:User";

/// Core attributes of a User that are accepted and not stored, in lower case.
const NOT_STORED: [&str; 8] =
    ["profileurl", "password", "ims", "photos", "addresses", "entitlements", "roles", "x509certificates"];

/// What an attribute's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Boolean,
    DateTime,
    Reference,
    Complex,
}

impl Kind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Boolean => "boolean",
            Self::DateTime => "dateTime",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

/// Who may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    ReadWrite,
    ReadOnly,
    Immutable,
}

/// An attribute, with its parts if it is complex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub description: String,
    pub kind: Kind,
    pub is_multi_valued: bool,
    pub is_required: bool,
    pub is_case_exact: bool,
    pub mutability: Mutability,
    /// In every answer, even if it was not requested.
    pub is_always_returned: bool,
    pub is_unique: bool,
    pub canonical_values: Vec<&'static str>,
    pub parts: Vec<Attribute>,
}

impl Attribute {
    fn new(kind: Kind, name: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            kind,
            is_multi_valued: false,
            is_required: false,
            is_case_exact: kind != Kind::Text,
            mutability: Mutability::ReadWrite,
            is_always_returned: false,
            is_unique: false,
            canonical_values: Vec::new(),
            parts: Vec::new(),
        }
    }

    pub(super) fn text(name: &str, description: &str) -> Self {
        Self::new(Kind::Text, name, description)
    }

    fn complex<const N: usize>(name: &str, description: &str, parts: [Self; N]) -> Self {
        Self { parts: parts.into(), ..Self::new(Kind::Complex, name, description) }
    }

    fn multi_valued(self) -> Self {
        Self { is_multi_valued: true, ..self }
    }

    fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) fn case_exact(self) -> Self {
        Self { is_case_exact: true, ..self }
    }

    fn read_only(self) -> Self {
        let parts = self.parts.into_iter().map(Self::read_only).collect();
        Self { mutability: Mutability::ReadOnly, parts, ..self }
    }

    fn unique(self) -> Self {
        Self { is_unique: true, ..self }
    }

    /// A part by its name in any case.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Self> {
        self.parts.iter().find(|part| part.name.eq_ignore_ascii_case(name))
    }

    /// The part that a comparison or a bare value means if none is named.
    #[must_use]
    pub fn value_part(&self) -> Option<&Self> {
        self.part("value")
    }

    fn view(&self) -> Value {
        let mut view = json!({
            "name": self.name,
            "type": self.kind.as_str(),
            "multiValued": self.is_multi_valued,
            "description": self.description,
            "required": self.is_required,
            "mutability": match self.mutability {
                Mutability::ReadWrite => "readWrite",
                Mutability::ReadOnly => "readOnly",
                Mutability::Immutable => "immutable",
            },
            "returned": if self.is_always_returned { "always" } else { "default" },
            "uniqueness": if self.is_unique { "server" } else { "none" },
        });
        if let Some(view) = view.as_object_mut() {
            if self.kind == Kind::Complex {
                view.insert("subAttributes".to_owned(), self.parts.iter().map(Self::view).collect());
            } else {
                view.insert("caseExact".to_owned(), self.is_case_exact.into());
            }
            if !self.canonical_values.is_empty() {
                view.insert("canonicalValues".to_owned(), json!(self.canonical_values));
            }
            if self.kind == Kind::Reference {
                view.insert("referenceTypes".to_owned(), json!(["User", "Group"]));
            }
        }
        view
    }
}

/// A named set of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub id: String,
    pub name: String,
    pub description: String,
    pub attributes: Vec<Attribute>,
}

impl Schema {
    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The schema as /Schemas shows it (RFC 7643, section 7); `location` is its own address.
    #[must_use]
    pub fn view(&self, location: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes.iter().map(Attribute::view).collect::<Vec<_>>(),
            "meta": {"resourceType": "Schema", "location": location},
        })
    }
}

/// The schemas of a type of resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schemas {
    pub core: Schema,
    pub extensions: Vec<Schema>,
    /// `id`, `externalId`, `meta`, `schemas`: of every resource, and in no schema (RFC 7643, section 3.1).
    common: Vec<Attribute>,
    /// Other types that a query is about as well. An attribute that they have and this one lacks has no value here.
    beside: Option<Box<Schemas>>,
}

/// Where an attribute is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'s> {
    /// The schema whose object holds it; `None`: the resource itself.
    pub extension: Option<&'s str>,
    pub attribute: &'s Attribute,
    /// A part of it.
    pub part: Option<&'s Attribute>,
}

/// What a name means.
#[derive(Debug, Clone, Copy)]
pub enum Named<'s> {
    Attribute(Place<'s>),
    /// All that an extension says.
    Extension(&'s Schema),
    /// Known to RFC 7643 or to a provider's own schema, and not stored.
    NotStored,
}

/// A name that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no attribute here: /Schemas lists them")]
pub struct UnknownAttribute(pub String);

impl<'s> Place<'s> {
    /// The narrowest attribute that is meant.
    #[must_use]
    pub fn target(&self) -> &'s Attribute {
        self.part.unwrap_or(self.attribute)
    }

    /// The one name by which it is known, as `urn:…:User:manager.value`.
    #[must_use]
    pub fn canonical(&self) -> String {
        let prefix = self.extension.map(|id| format!("{id}:")).unwrap_or_default();
        let part = self.part.map(|part| format!(".{}", part.name)).unwrap_or_default();
        format!("{prefix}{}{part}", self.attribute.name)
    }

    /// The object in a resource that holds the attribute.
    #[must_use]
    pub fn holder<'v>(&self, resource: &'v Map<String, Value>) -> Option<&'v Map<String, Value>> {
        match self.extension {
            None => Some(resource),
            Some(id) => resource.get(id)?.as_object(),
        }
    }

    /// The values of what is meant, those of all elements if there are several; for a complex attribute without a part
    /// the elements themselves.
    #[must_use]
    pub fn values<'v>(&self, resource: &'v Map<String, Value>) -> Vec<&'v Value> {
        let Some(value) = self.holder(resource).and_then(|holder| holder.get(&self.attribute.name)) else {
            return Vec::new();
        };
        let elements = elements(value);
        match self.part {
            None => elements,
            Some(part) => {
                elements.into_iter().filter_map(|element| element.get(&part.name)).flat_map(self::elements).collect()
            }
        }
    }

    /// The text of what is meant, if it is one text.
    #[must_use]
    pub fn text<'v>(&self, resource: &'v Map<String, Value>) -> Option<&'v str> {
        self.values(resource).first().and_then(|value| value.as_str())
    }
}

/// The elements of an array, or the value alone.
fn elements(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |elements| elements.iter().collect())
}

impl Schemas {
    /// The same if a query is about resources of another type too (RFC 7644, section 3.4.2.1).
    #[must_use]
    pub fn beside(&self, other: &Self) -> Self {
        Self { beside: Some(Box::new(other.clone())), ..self.clone() }
    }

    /// Finds what a name means, in any case (RFC 7643, section 2.1; RFC 7644, section 3.10).
    pub fn named(&self, name: &str) -> Result<Named<'_>, UnknownAttribute> {
        let is_beside = || self.beside.as_ref().is_some_and(|other| other.named(name).is_ok());
        self.own(name).or_else(|unknown| if is_beside() { Ok(Named::NotStored) } else { Err(unknown) })
    }

    fn own(&self, name: &str) -> Result<Named<'_>, UnknownAttribute> {
        let unknown = || UnknownAttribute(name.to_owned());
        for extension in &self.extensions {
            let Some(rest) = after_schema(name, &extension.id) else { continue };
            if rest.is_empty() {
                return Ok(Named::Extension(extension));
            }
            return match place(rest, Some(&extension.id), |name| extension.attribute(name)) {
                Found::Place(place) => Ok(Named::Attribute(place)),
                Found::NoPart => Err(unknown()),
                // A newer client of the same extension may know more than we do.
                Found::Nothing => Ok(Named::NotStored),
            };
        }
        let rest = after_schema(name, &self.core.id).unwrap_or(name);
        let of_resource = |name: &str| {
            self.core.attribute(name).or_else(|| self.common.iter().find(|a| a.name.eq_ignore_ascii_case(name)))
        };
        let is_urn = rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        match place(rest, None, of_resource) {
            Found::Place(place) => Ok(Named::Attribute(place)),
            // Some clients leave the enterprise schema's name away.
            Found::Nothing if self.of_enterprise(rest).is_some() => {
                self.of_enterprise(rest).map(Named::Attribute).ok_or_else(unknown)
            }
            Found::Nothing if is_urn || self.is_not_stored(rest) => Ok(Named::NotStored),
            // name.middleName, emails.display: parts that RFC 7643 knows and that are not used here.
            Found::NoPart if self.core.id == USER => Ok(Named::NotStored),
            Found::NoPart | Found::Nothing => Err(unknown()),
        }
    }

    fn of_enterprise(&self, name: &str) -> Option<Place<'_>> {
        let enterprise = self.extensions.iter().find(|extension| extension.id == ENTERPRISE)?;
        match place(name, Some(ENTERPRISE), |name| enterprise.attribute(name)) {
            Found::Place(place) => Some(place),
            Found::NoPart | Found::Nothing => None,
        }
    }

    fn is_not_stored(&self, name: &str) -> bool {
        let first = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        self.core.id == USER && NOT_STORED.contains(&first.as_str())
    }

    /// The place of an attribute that must be stored.
    pub fn place(&self, name: &str) -> Result<Place<'_>, UnknownAttribute> {
        match self.named(name)? {
            Named::Attribute(place) => Ok(place),
            Named::Extension(_) | Named::NotStored => Err(UnknownAttribute(name.to_owned())),
        }
    }

    /// All schemas, the core one first.
    pub fn all(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&self.core).chain(&self.extensions)
    }

    /// Adds an attribute of a provider's own that a mapping names: its schema is listed from then on.
    pub(super) fn declare(&mut self, schema: &str, attribute: Attribute) {
        if let Some(known) = self.extensions.iter_mut().find(|known| known.id.eq_ignore_ascii_case(schema)) {
            known.attributes.push(attribute);
        } else if schema.eq_ignore_ascii_case(&self.core.id) {
            self.core.attributes.push(attribute);
        } else {
            self.extensions.push(Schema {
                id: schema.to_owned(),
                name: "Configured".to_owned(),
                description: "Attributes of the provider's own that the configuration of Kurskoll names.".to_owned(),
                attributes: vec![attribute],
            });
        }
    }
}

/// What follows the name of a schema: nothing, or the attribute after its colon.
fn after_schema<'n>(name: &'n str, schema: &str) -> Option<&'n str> {
    let start = name.get(..schema.len())?;
    let rest = name.get(schema.len()..)?;
    if !start.eq_ignore_ascii_case(schema) {
        return None;
    }
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(':').filter(|rest| !rest.is_empty()) }
}

enum Found<'s> {
    Place(Place<'s>),
    NoPart,
    Nothing,
}

/// `manager` or `manager.value` among some attributes.
fn place<'s>(name: &str, extension: Option<&'s str>, find: impl Fn(&str) -> Option<&'s Attribute>) -> Found<'s> {
    let (first, part) = name.split_once('.').map_or((name, None), |(first, part)| (first, Some(part)));
    let Some(attribute) = find(first) else { return Found::Nothing };
    match part {
        None => Found::Place(Place { extension, attribute, part: None }),
        Some(part) => attribute
            .part(part)
            .map_or(Found::NoPart, |part| Found::Place(Place { extension, attribute, part: Some(part) })),
    }
}
