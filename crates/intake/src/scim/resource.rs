//! Bodies into the canonical form, however a client names and wraps things; and the part of a resource that a client
//! requests.

use serde_json::{Map, Value};

use super::path::{AttributePath, PathError};
use super::schema::{Attribute, Kind, Mutability, Named, Place, Schemas, UnknownAttribute};

/// The longest text that is taken as one value, in characters.
const LONGEST_TEXT: usize = 512;
/// The most elements of one attribute: a person's addresses and employments. Each operation of a PATCH may read all of
/// them.
pub(super) const MOST_ELEMENTS: usize = 200;

/// Why a value cannot be an attribute's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("the body is not a JSON object")]
    NotAnObject,
    #[error("{attribute} is not {expected}")]
    WrongKind { attribute: String, expected: &'static str },
    #[error("{0} is longer than {LONGEST_TEXT} characters, or has a control character")]
    BadText(String),
    #[error("{0} has more than {MOST_ELEMENTS} elements")]
    TooMany(String),
}

/// A body in the canonical form: attributes by their own names, extensions as objects, single values if there can be
/// one, booleans as booleans. What is read-only, unknown or empty is left out.
pub fn canonical(schemas: &Schemas, body: &Value) -> Result<Map<String, Value>, ValueError> {
    let body = body.as_object().ok_or(ValueError::NotAnObject)?;
    let mut resource = Map::new();
    for (name, value) in body {
        match schemas.named(name) {
            Ok(Named::Attribute(place)) => set(&mut resource, place, value)?,
            Ok(Named::Extension(extension)) => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    if let Ok(Named::Attribute(place)) = schemas.named(&format!("{}:{name}", extension.id)) {
                        set(&mut resource, place, value)?;
                    }
                }
                // It matters that a client names an extension at all, even if it says nothing in it.
                resource.entry(extension.id.clone()).or_insert_with(|| Map::new().into());
            }
            Ok(Named::NotStored) | Err(_) => {}
        }
    }
    Ok(resource)
}

fn set(resource: &mut Map<String, Value>, place: Place<'_>, value: &Value) -> Result<(), ValueError> {
    if place.target().mutability == Mutability::ReadOnly {
        return Ok(());
    }
    let Some(value) = coerced(place.target(), value)? else { return Ok(()) };
    let holder = match place.extension {
        None => resource,
        Some(id) => object_in(resource, id),
    };
    match place.part {
        None => drop(holder.insert(place.attribute.name.clone(), value)),
        Some(part) => drop(object_in(holder, &place.attribute.name).insert(part.name.clone(), value)),
    }
    Ok(())
}

/// The object under a name; made if there is none.
pub(super) fn object_in<'v>(holder: &'v mut Map<String, Value>, name: &str) -> &'v mut Map<String, Value> {
    let slot = holder.entry(name.to_owned()).or_insert_with(|| Map::new().into());
    if !slot.is_object() {
        *slot = Map::new().into();
    }
    match slot {
        Value::Object(object) => object,
        _ => unreachable!("it was just made an object"),
    }
}

/// A value as the attribute has it; `None` if it says that there is none: null, an empty text or an empty list.
pub fn coerced(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ValueError> {
    if attribute.is_multi_valued {
        let elements = match value {
            Value::Array(elements) if elements.len() > MOST_ELEMENTS => {
                return Err(ValueError::TooMany(attribute.name.clone()));
            }
            Value::Array(elements) => elements.as_slice(),
            one => std::slice::from_ref(one),
        };
        let elements: Result<Vec<Option<Value>>, ValueError> =
            elements.iter().map(|element| coerced_one(attribute, element)).collect();
        let elements: Vec<Value> = elements?.into_iter().flatten().collect();
        return Ok((!elements.is_empty()).then_some(Value::Array(elements)));
    }
    match value {
        // Entra ID has sent a manager as a list of one.
        Value::Array(elements) => match elements.as_slice() {
            [] => Ok(None),
            [one] => coerced_one(attribute, one),
            _ => Err(wrong_kind(attribute)),
        },
        one => coerced_one(attribute, one),
    }
}

fn wrong_kind(attribute: &Attribute) -> ValueError {
    let expected = match attribute.kind {
        Kind::Text => "a text",
        Kind::Boolean => "true or false",
        Kind::DateTime => "an instant such as 2026-03-01T12:00:00Z",
        Kind::Reference => "the address of a resource",
        Kind::Complex => "an object with the parts that /Schemas lists",
    };
    ValueError::WrongKind { attribute: attribute.name.clone(), expected }
}

fn coerced_one(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ValueError> {
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (_, Value::String(text)) if text.trim().is_empty() => Ok(None),
        (Kind::Boolean, Value::Bool(_)) => Ok(Some(value.clone())),
        // Entra ID writes "False".
        (Kind::Boolean, Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true.into())),
            "false" => Ok(Some(false.into())),
            _ => Err(wrong_kind(attribute)),
        },
        (Kind::Text | Kind::Reference | Kind::DateTime, Value::String(text)) => {
            let text = text.trim();
            if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
                return Err(ValueError::BadText(attribute.name.clone()));
            }
            Ok(Some(text.into()))
        }
        // Clients that store employee numbers as numbers send them without quotes.
        (Kind::Text, Value::Number(number)) => Ok(Some(number.to_string().into())),
        (Kind::Complex, Value::Object(members)) => {
            let mut parts = Map::new();
            for (name, value) in members {
                let Some(part) = attribute.part(name).filter(|part| part.mutability != Mutability::ReadOnly) else {
                    continue;
                };
                if let Some(value) = coerced(part, value)? {
                    parts.insert(part.name.clone(), value);
                }
            }
            Ok((!parts.is_empty()).then_some(Value::Object(parts)))
        }
        // A manager or a member by its id alone.
        (Kind::Complex, Value::String(_) | Value::Number(_)) => {
            let part = attribute.value_part().ok_or_else(|| wrong_kind(attribute))?;
            let value = coerced_one(part, value)?;
            Ok(value.map(|value| Value::Object(Map::from_iter([(part.name.clone(), value)]))))
        }
        _ => Err(wrong_kind(attribute)),
    }
}

/// Which attributes a client wants to see (RFC 7644, section 3.9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    /// `Some`: these and no others, but for those that are always there.
    only: Option<Vec<Shown>>,
    without: Vec<Shown>,
}

/// An attribute by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    extension: Option<String>,
    /// `None`: all of the extension.
    attribute: Option<String>,
    part: Option<String>,
}

/// Why a list of attributes cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectionError {
    #[error("attributes and excludedAttributes exclude each other: give one of them")]
    Both,
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Unknown(#[from] UnknownAttribute),
}

impl Projection {
    /// Reads `attributes` and `excludedAttributes`, names with commas between.
    pub fn read(schemas: &Schemas, only: Option<&str>, without: Option<&str>) -> Result<Self, ProjectionError> {
        if only.is_some() && without.is_some() {
            return Err(ProjectionError::Both);
        }
        let shown = |list: &str| -> Result<Vec<Shown>, ProjectionError> {
            let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
            let mut shown = Vec::new();
            for name in names {
                match schemas.named(AttributePath::parse(name)?.as_str())? {
                    Named::Attribute(place) => shown.push(Shown {
                        extension: place.extension.map(ToOwned::to_owned),
                        attribute: Some(place.attribute.name.clone()),
                        part: place.part.map(|part| part.name.clone()),
                    }),
                    Named::Extension(extension) => {
                        shown.push(Shown { extension: Some(extension.id.clone()), attribute: None, part: None });
                    }
                    Named::NotStored => {}
                }
            }
            Ok(shown)
        };
        Ok(Self { only: only.map(shown).transpose()?, without: without.map(shown).transpose()?.unwrap_or_default() })
    }

    /// Whether an attribute of the resource itself will be shown; what is not need not be read.
    #[must_use]
    pub fn shows(&self, attribute: &str) -> bool {
        let is_it = |shown: &Shown| shown.extension.is_none() && shown.attribute.as_deref() == Some(attribute);
        self.only.as_ref().is_none_or(|only| only.iter().any(is_it))
            && !self.without.iter().any(|shown| is_it(shown) && shown.part.is_none())
    }

    /// The part of a resource that is wanted.
    #[must_use]
    pub fn of(&self, resource: &Map<String, Value>) -> Map<String, Value> {
        let always = ["id", "schemas"];
        let mut seen = match &self.only {
            None => resource.clone(),
            Some(only) => {
                let mut seen = Map::new();
                for (name, value) in resource.iter().filter(|(name, _)| always.contains(&name.as_str())) {
                    seen.insert(name.clone(), value.clone());
                }
                for shown in only {
                    shown.copy(resource, &mut seen);
                }
                seen
            }
        };
        for hidden in &self.without {
            hidden.remove(&mut seen, &always);
        }
        seen
    }
}

impl Shown {
    fn copy(&self, from: &Map<String, Value>, into: &mut Map<String, Value>) {
        let (from, into) = match &self.extension {
            None => (from, into),
            Some(id) => {
                let Some(Value::Object(from)) = from.get(id) else { return };
                (from, object_in(into, id))
            }
        };
        let Some(attribute) = &self.attribute else {
            into.extend(from.iter().map(|(name, value)| (name.clone(), value.clone())));
            return;
        };
        let Some(value) = from.get(attribute) else { return };
        let Some(part) = &self.part else {
            into.insert(attribute.clone(), value.clone());
            return;
        };
        let part_of = |value: &Value| value.get(part).map(|value| Map::from_iter([(part.clone(), value.clone())]));
        match (value, into.get_mut(attribute)) {
            (Value::Array(elements), Some(Value::Array(seen))) => {
                for (element, seen) in elements.iter().zip(seen) {
                    if let (Some(more), Value::Object(seen)) = (part_of(element), seen) {
                        seen.extend(more);
                    }
                }
            }
            (Value::Array(elements), _) => {
                let parts = elements.iter().map(|element| Value::Object(part_of(element).unwrap_or_default()));
                into.insert(attribute.clone(), Value::Array(parts.collect()));
            }
            (value, _) => object_in(into, attribute).extend(part_of(value).unwrap_or_default()),
        }
    }

    fn remove(&self, from: &mut Map<String, Value>, always: &[&str]) {
        let from = match &self.extension {
            None => from,
            Some(id) if self.attribute.is_none() => {
                from.remove(id);
                return;
            }
            Some(id) => {
                let Some(Value::Object(from)) = from.get_mut(id) else { return };
                from
            }
        };
        let Some(attribute) = self.attribute.as_ref().filter(|name| !always.contains(&name.as_str())) else { return };
        let Some(part) = &self.part else {
            from.remove(attribute);
            return;
        };
        match from.get_mut(attribute) {
            Some(Value::Array(elements)) => {
                for element in elements.iter_mut().filter_map(Value::as_object_mut) {
                    element.remove(part);
                }
            }
            Some(Value::Object(parts)) => drop(parts.remove(part)),
            _ => {}
        }
    }
}
