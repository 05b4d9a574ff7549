//! PATCH (RFC 7644, section 3.5.2), in every form that the RFC has, and in those that real clients send in addition.
//!
//! The additional forms are: names of operations and members in any case, one operation without its list, `"False"` for
//! `false`, names with dots and schemas as members of a value without a path, a list of values with `remove`, and an
//! element that `add` names and that is not there yet, which is then made. What is not stored is skipped.

use serde_json::{Map, Value};

use super::ScimType;
use super::filter::{Bound, FilterError};
use super::path::{PatchPath, PathError};
use super::resource::{MOST_ELEMENTS, ValueError, coerced, object_in};
use super::schema::{Attribute, Mutability, Named, Place, Schemas, UnknownAttribute};

/// The most operations of one PATCH.
pub const MOST_OPERATIONS: usize = 1000;

/// Why a PATCH changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    #[error("the body is no PATCH: it needs Operations, a list of objects that each have an op")]
    NotAPatch,
    #[error("a PATCH takes at most {MOST_OPERATIONS} operations")]
    TooManyOperations,
    #[error("operation {place}: op is {op:?}; it can be add, replace or remove")]
    UnknownOp { place: usize, op: String },
    #[error("operation {place}: {op} needs a value")]
    NoValue { place: usize, op: &'static str },
    #[error("operation {0}: remove needs a path")]
    RemoveWithoutPath(usize),
    #[error("operation {0}: without a path the value must be an object of attributes")]
    ValueWithoutPath(usize),
    #[error("operation {place}: {error}")]
    Path { place: usize, error: PathError },
    #[error("operation {place}: {error}")]
    UnknownAttribute { place: usize, error: UnknownAttribute },
    #[error("operation {place}: {error}")]
    Filter { place: usize, error: FilterError },
    #[error("operation {place}: {attribute} has no elements that a filter in brackets could choose from")]
    NoElements { place: usize, attribute: String },
    #[error("operation {place}: no element of {attribute} fits the filter in brackets")]
    NoTarget { place: usize, attribute: String },
    #[error("operation {place}: {attribute} is read-only")]
    ReadOnly { place: usize, attribute: String },
    #[error("operation {place}: {error}")]
    Value { place: usize, error: ValueError },
}

impl PatchError {
    #[must_use]
    pub const fn scim_type(&self) -> ScimType {
        match self {
            Self::NotAPatch | Self::TooManyOperations | Self::UnknownOp { .. } => ScimType::InvalidSyntax,
            Self::NoValue { .. } | Self::ValueWithoutPath(_) | Self::Value { .. } => ScimType::InvalidValue,
            Self::RemoveWithoutPath(_) | Self::NoTarget { .. } => ScimType::NoTarget,
            Self::Path { .. } | Self::UnknownAttribute { .. } | Self::NoElements { .. } => ScimType::InvalidPath,
            Self::Filter { .. } => ScimType::InvalidFilter,
            Self::ReadOnly { .. } => ScimType::Mutability,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Replace,
    Remove,
}

/// A member of an object by its name in any case.
pub(super) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// One operation as it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation<'v> {
    /// Which operation it is, from 1.
    pub place: usize,
    pub op: Op,
    pub path: Option<&'v str>,
    pub value: Option<&'v Value>,
}

/// The operations of a PATCH, by names in any case.
pub(super) fn operations(body: &Value) -> Result<Vec<Operation<'_>>, PatchError> {
    let operations = body.as_object().and_then(|body| member(body, "Operations")).ok_or(PatchError::NotAPatch)?;
    let operations = match operations {
        Value::Array(operations) => operations.as_slice(),
        one => std::slice::from_ref(one),
    };
    if operations.len() > MOST_OPERATIONS {
        return Err(PatchError::TooManyOperations);
    }
    (1..).zip(operations).map(|(place, operation)| read_operation(place, operation)).collect()
}

fn read_operation(place: usize, operation: &Value) -> Result<Operation<'_>, PatchError> {
    let operation = operation.as_object().ok_or(PatchError::NotAPatch)?;
    let op = member(operation, "op").and_then(Value::as_str).ok_or(PatchError::NotAPatch)?;
    let op = match op.trim().to_ascii_lowercase().as_str() {
        "add" => Op::Add,
        "replace" => Op::Replace,
        "remove" => Op::Remove,
        _ => return Err(PatchError::UnknownOp { place, op: op.to_owned() }),
    };
    let path = member(operation, "path").and_then(Value::as_str).filter(|path| !path.trim().is_empty());
    Ok(Operation { place, op, path, value: member(operation, "value") })
}

/// Applies a PATCH to a resource in its canonical form (`resource::canonical`): all of it, or on an error nothing.
pub fn apply(schemas: &Schemas, resource: &Map<String, Value>, body: &Value) -> Result<Map<String, Value>, PatchError> {
    let mut patched = resource.clone();
    for Operation { place, op, path, value } in operations(body)? {
        let mut patching = Patching { schemas, resource: &mut patched, place };
        match (path, op) {
            (Some(path), op) => patching.at_path(op, path, value)?,
            (None, Op::Remove) => return Err(PatchError::RemoveWithoutPath(place)),
            (None, op) => patching.without_path(op, value)?,
        }
    }
    Ok(patched)
}

/// Whether a PATCH does nothing but remove.
#[must_use]
pub fn only_removes(body: &Value) -> bool {
    operations(body)
        .is_ok_and(|operations| !operations.is_empty() && operations.iter().all(|operation| operation.op == Op::Remove))
}

/// The attributes that a PATCH removes whole and that `patched` lacks: what was removed must not be shown afterwards.
#[must_use]
pub fn removed<'s>(schemas: &'s Schemas, patched: &Map<String, Value>, body: &Value) -> Vec<Place<'s>> {
    let operations = operations(body).unwrap_or_default();
    let removing =
        operations.iter().filter(|operation| operation.op == Op::Remove && operation.value.is_none_or(Value::is_null));
    let places = removing.filter_map(|operation| {
        let path = PatchPath::parse(operation.path?).ok().filter(|path| path.elements.is_none())?;
        schemas.place(path.attribute.as_str()).ok()
    });
    places.filter(|place| place.values(patched).is_empty()).collect()
}

/// One operation under way.
struct Patching<'a> {
    schemas: &'a Schemas,
    resource: &'a mut Map<String, Value>,
    /// Which operation it is, from 1.
    place: usize,
}

impl<'a> Patching<'a> {
    fn value_error(&self, error: ValueError) -> PatchError {
        PatchError::Value { place: self.place, error }
    }

    /// Each member of the value is an attribute, under any name that a path could have.
    fn without_path(&mut self, op: Op, value: Option<&Value>) -> Result<(), PatchError> {
        let members = value.and_then(Value::as_object).ok_or(PatchError::ValueWithoutPath(self.place))?;
        for (name, value) in members {
            let named = match PatchPath::parse(name) {
                Ok(path) if path.elements.is_some() => {
                    self.at_path(op, name, Some(value))?;
                    continue;
                }
                Ok(path) => self.schemas.named(path.attribute.as_str()),
                Err(_) => continue,
            };
            match named {
                // Clients send back what they were shown: the id, the schemas, and attributes that only they know.
                Ok(Named::Attribute(place)) if place.target().mutability == Mutability::ReadOnly => {}
                Ok(Named::Attribute(place)) => self.attribute(op, place, Some(value))?,
                Ok(Named::Extension(extension)) => self.extension(op, &extension.id, Some(value))?,
                Ok(Named::NotStored) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn extension(&mut self, op: Op, id: &str, value: Option<&Value>) -> Result<(), PatchError> {
        if op == Op::Remove {
            self.resource.remove(id);
            return Ok(());
        }
        let members = value.and_then(Value::as_object).ok_or(PatchError::ValueWithoutPath(self.place))?;
        for (name, value) in members {
            if let Ok(Named::Attribute(place)) = self.schemas.named(&format!("{id}:{name}"))
                && place.target().mutability != Mutability::ReadOnly
            {
                self.attribute(op, place, Some(value))?;
            }
        }
        Ok(())
    }

    fn at_path(&mut self, op: Op, path: &str, value: Option<&Value>) -> Result<(), PatchError> {
        let at = self.place;
        let path = PatchPath::parse(path).map_err(|error| match error {
            PathError::Filter(error) => PatchError::Filter { place: at, error },
            error => PatchError::Path { place: at, error },
        })?;
        let unknown = |error| PatchError::UnknownAttribute { place: at, error };
        let named = self.schemas.named(path.attribute.as_str()).map_err(unknown)?;
        let place = match named {
            Named::Attribute(place) => place,
            Named::Extension(extension) => return self.extension(op, &extension.id, value),
            Named::NotStored => return Ok(()),
        };
        let attribute = place.attribute;
        if place.target().mutability == Mutability::ReadOnly {
            return Err(PatchError::ReadOnly { place: at, attribute: attribute.name.clone() });
        }
        let Some(filter) = path.elements else { return self.attribute(op, place, value) };
        if !attribute.is_multi_valued || attribute.parts.is_empty() || place.part.is_some() {
            return Err(PatchError::NoElements { place: at, attribute: attribute.name.clone() });
        }
        let filter = filter.bind_to_element(attribute).map_err(|error| PatchError::Filter { place: at, error })?;
        let part = match &path.sub {
            None => None,
            Some(sub) => match attribute.part(sub.as_str()) {
                Some(part) => Some(part),
                // emails[type eq "work"].display: known to RFC 7643, and not stored.
                None => return Ok(()),
            },
        };
        self.elements(op, place, &filter, part, value)
    }

    fn holder(&mut self, place: Place<'a>) -> &mut Map<String, Value> {
        match place.extension {
            None => self.resource,
            Some(id) => object_in(self.resource, id),
        }
    }

    /// An operation on an attribute, or on a part of it.
    fn attribute(&mut self, op: Op, place: Place<'a>, value: Option<&Value>) -> Result<(), PatchError> {
        let attribute = place.attribute;
        let value = match (op, value) {
            (Op::Remove, value) => value,
            (_, Some(value)) => Some(value),
            (Op::Add, None) => return Err(PatchError::NoValue { place: self.place, op: "add" }),
            (Op::Replace, None) => return Err(PatchError::NoValue { place: self.place, op: "replace" }),
        };
        if let Some(part) = place.part {
            return self.part(op, place, part, value);
        }
        let provisioned =
            value.map(|value| coerced(attribute, value)).transpose().map_err(|error| self.value_error(error))?;
        let provisioned = provisioned.flatten();
        let too_many = self.value_error(ValueError::TooMany(attribute.name.clone()));
        let holder = self.holder(place);
        let name = attribute.name.as_str();
        match (op, provisioned) {
            (Op::Remove, Some(Value::Array(leaving))) if attribute.is_multi_valued => {
                if let Some(Value::Array(elements)) = holder.get_mut(name) {
                    elements.retain(|element| !leaving.iter().any(|leaving| is_meant_by(element, leaving)));
                }
            }
            (Op::Remove, _) | (Op::Replace, None) => drop(holder.remove(name)),
            (Op::Add, None) => {}
            (Op::Add, Some(Value::Array(new))) if attribute.is_multi_valued => {
                let mut elements = match holder.remove(name) {
                    Some(Value::Array(elements)) => elements,
                    _ => Vec::new(),
                };
                for element in new {
                    if elements.contains(&element) {
                        continue;
                    }
                    if element.get("primary") == Some(&Value::Bool(true)) {
                        demote(&mut elements);
                    }
                    elements.push(element);
                }
                if elements.len() > MOST_ELEMENTS {
                    return Err(too_many);
                }
                holder.insert(name.to_owned(), Value::Array(elements));
            }
            // Parts that are not given stay (RFC 7644, section 3.5.2.3).
            (_, Some(Value::Object(parts))) if !attribute.is_multi_valued => object_in(holder, name).extend(parts),
            (_, Some(provisioned)) => drop(holder.insert(name.to_owned(), provisioned)),
        }
        self.tidy(place);
        Ok(())
    }

    /// `name.familyName`, or `emails.value`, which means all elements.
    fn part(&mut self, op: Op, place: Place<'a>, part: &Attribute, value: Option<&Value>) -> Result<(), PatchError> {
        let provisioned = value.filter(|_| op != Op::Remove).map(|value| coerced(part, value)).transpose();
        let provisioned = provisioned.map_err(|error| self.value_error(error))?.flatten();
        let attribute = place.attribute;
        let holder = self.holder(place);
        if attribute.is_multi_valued {
            match (holder.get_mut(&attribute.name), provisioned) {
                (Some(Value::Array(elements)), provisioned) => {
                    for element in elements.iter_mut().filter_map(Value::as_object_mut) {
                        put(element, &part.name, provisioned.as_ref());
                    }
                }
                (_, Some(provisioned)) => {
                    let element = Value::Object(Map::from_iter([(part.name.clone(), provisioned)]));
                    holder.insert(attribute.name.clone(), Value::Array(vec![element]));
                }
                (_, None) => {}
            }
        } else {
            put(object_in(holder, &attribute.name), &part.name, provisioned.as_ref());
        }
        self.tidy(place);
        Ok(())
    }

    /// `emails[type eq "work"]`, or a part of the elements that the filter chooses.
    fn elements(
        &mut self,
        op: Op,
        place: Place<'a>,
        filter: &Bound<'_>,
        part: Option<&Attribute>,
        value: Option<&Value>,
    ) -> Result<(), PatchError> {
        let at = self.place;
        let attribute = place.attribute;
        let provisioned = match (op, part, value) {
            (Op::Remove, ..) => None,
            (_, Some(part), Some(value)) => {
                let provisioned = coerced(part, value).map_err(|error| self.value_error(error))?;
                Some(Map::from_iter([(part.name.clone(), provisioned.unwrap_or(Value::Null))]))
            }
            (_, None, Some(value)) => {
                let provisioned = coerced(attribute, value).map_err(|error| self.value_error(error))?;
                let first = match provisioned {
                    Some(Value::Array(elements)) => elements.into_iter().next(),
                    other => other,
                };
                Some(first.and_then(|first| first.as_object().cloned()).unwrap_or_default())
            }
            (Op::Add, _, None) => return Err(PatchError::NoValue { place: at, op: "add" }),
            (Op::Replace, _, None) => return Err(PatchError::NoValue { place: at, op: "replace" }),
        };
        let holder = self.holder(place);
        let mut elements = match holder.remove(&attribute.name) {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        };
        let is_meant = |element: &Value| element.as_object().is_some_and(|element| filter.holds(element));
        let meant: Vec<usize> =
            elements.iter().enumerate().filter(|(_, element)| is_meant(element)).map(|(index, _)| index).collect();
        let mut missing = false;
        match (provisioned, part) {
            (None, None) => elements.retain(|element| !is_meant(element)),
            (None, Some(part)) => {
                for index in meant {
                    if let Some(Value::Object(element)) = elements.get_mut(index) {
                        element.remove(&part.name);
                    }
                }
            }
            (Some(provisioned), _) if meant.is_empty() && op == Op::Add => {
                // Entra ID adds a part to an element that it has not made: the filter says which it would be.
                let mut element: Map<String, Value> =
                    filter.demanded().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                element.extend(provisioned.into_iter().filter(|(_, value)| !value.is_null()));
                elements.push(Value::Object(element));
            }
            (Some(_), _) if meant.is_empty() => missing = true,
            (Some(provisioned), _) => {
                if provisioned.get("primary") == Some(&Value::Bool(true)) {
                    demote(&mut elements);
                }
                for index in meant {
                    let Some(Value::Object(element)) = elements.get_mut(index) else { continue };
                    for (name, value) in &provisioned {
                        put(element, name, Some(value).filter(|value| !value.is_null()));
                    }
                }
            }
        }
        if elements.len() > MOST_ELEMENTS {
            return Err(PatchError::Value { place: at, error: ValueError::TooMany(attribute.name.clone()) });
        }
        holder.insert(attribute.name.clone(), Value::Array(elements));
        self.tidy(place);
        if missing { Err(PatchError::NoTarget { place: at, attribute: attribute.name.clone() }) } else { Ok(()) }
    }

    /// Removes what has become empty: an attribute without values is one that is not there.
    fn tidy(&mut self, place: Place<'a>) {
        let holder = self.holder(place);
        if let Some(Value::Array(elements)) = holder.get_mut(&place.attribute.name) {
            elements.retain(|element| element.as_object().is_none_or(|element| !element.is_empty()));
        }
        let is_empty = match holder.get(&place.attribute.name) {
            Some(Value::Array(elements)) => elements.is_empty(),
            Some(Value::Object(parts)) => parts.is_empty(),
            _ => false,
        };
        if is_empty {
            holder.remove(&place.attribute.name);
        }
    }
}

fn put(element: &mut Map<String, Value>, name: &str, value: Option<&Value>) {
    match value {
        Some(value) => drop(element.insert(name.to_owned(), value.clone())),
        None => drop(element.remove(name)),
    }
}

/// A new primary value replaces the old one (RFC 7644, section 3.5.2).
fn demote(elements: &mut [Value]) {
    for element in elements.iter_mut().filter_map(Value::as_object_mut) {
        if element.get("primary") == Some(&Value::Bool(true)) {
            element.insert("primary".to_owned(), false.into());
        }
    }
}

/// Whether an element is the one that a value of `remove` names: by its `value`, else by all parts that are given of
/// it.
fn is_meant_by(element: &Value, named: &Value) -> bool {
    match named.get("value") {
        Some(value) => element.get("value") == Some(value),
        None => {
            named.as_object().is_some_and(|named| named.iter().all(|(name, value)| element.get(name) == Some(value)))
        }
    }
}

#[cfg(test)]
mod tests;
