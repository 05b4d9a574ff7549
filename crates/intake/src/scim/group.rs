//! A Group as a provider writes it: its name, its own id, its members, and what a PATCH changes of these.
//!
//! A PATCH is read into changes and not applied to the whole: a group may have many thousands of members, and a PATCH
//! adds or removes one. All forms of RFC 7644, section 3.5.2, and of Entra ID and Okta are read: operations in any
//! case, members to remove as a list of values or by a filter in the path, and a name replaced without a path.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::ScimType;
use super::filter::{Filter, Literal, Operator};
use super::patch::{Op, Operation, PatchError, member, operations};
use super::path::{PatchPath, PathError};
use super::resource::{ValueError, coerced};
use super::schema::{self, GROUP, Named, Place, Schemas};
use kurskoll_domain::ids::is_personal_identity_number;

/// Kurskoll's id of a provider's group, as `group-17`. An administration's is its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupId(pub i64);

impl GroupId {
    /// Reads an id that Kurskoll gave.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(text.strip_prefix("group-")?.parse().ok()?);
        // One id has one spelling.
        (id.to_string() == text).then_some(id)
    }
}

impl std::fmt::Display for GroupId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "group-{}", self.0)
    }
}

/// A whole Group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupText {
    pub display_name: String,
    pub external_id: Option<String>,
    /// The ids of users.
    pub members: BTreeSet<String>,
}

/// How the members change.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberChange {
    Add(BTreeSet<String>),
    Remove(BTreeSet<String>),
    /// Those that a filter in brackets chooses.
    RemoveWhere(Filter),
    Replace(BTreeSet<String>),
}

/// What a PATCH changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupPatch {
    pub display_name: Option<String>,
    /// `Some(None)`: there is none any more.
    pub external_id: Option<Option<String>>,
    pub members: Vec<MemberChange>,
}

/// Why a body is no Group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    #[error("displayName is missing")]
    NoDisplayName,
    #[error("{0} is a Swedish personal identity number, and is never stored")]
    PersonalIdentityNumber(&'static str),
    #[error("members: each needs the id of a User as its value")]
    NotAMember,
    #[error("members: {0} is a Group; only users can be members")]
    GroupAsMember(String),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    Patch(#[from] PatchError),
}

impl GroupError {
    #[must_use]
    pub const fn scim_type(&self) -> ScimType {
        match self {
            Self::Value(ValueError::NotAnObject) => ScimType::InvalidSyntax,
            Self::Patch(error) => error.scim_type(),
            _ => ScimType::InvalidValue,
        }
    }
}

/// Reads a whole Group.
pub fn read(body: &Value) -> Result<GroupText, GroupError> {
    let body = body.as_object().ok_or(ValueError::NotAnObject)?;
    let schemas = schema::group();
    let mut text = GroupText { display_name: String::new(), external_id: None, members: BTreeSet::new() };
    for (name, value) in body {
        let Ok(Named::Attribute(place)) = schemas.named(name) else { continue };
        match place.attribute.name.as_str() {
            "displayName" => text.display_name = one_text("displayName", place, value)?.unwrap_or_default(),
            "externalId" => text.external_id = one_text("externalId", place, value)?,
            "members" => text.members = members(value)?,
            _ => {}
        }
    }
    if text.display_name.is_empty() { Err(GroupError::NoDisplayName) } else { Ok(text) }
}

/// The one text of an attribute; `None` if it says that there is none.
fn one_text(name: &'static str, place: Place<'_>, value: &Value) -> Result<Option<String>, GroupError> {
    let text = coerced(place.attribute, value)?;
    let text = text.as_ref().and_then(Value::as_str).map(ToOwned::to_owned);
    match text {
        Some(text) if is_personal_identity_number(&text) => Err(GroupError::PersonalIdentityNumber(name)),
        text => Ok(text),
    }
}

/// The ids that a list of members names: objects with a `value`, or the ids alone.
fn members(value: &Value) -> Result<BTreeSet<String>, GroupError> {
    let elements = match value {
        Value::Null => &[],
        Value::Array(elements) => elements.as_slice(),
        one => std::slice::from_ref(one),
    };
    elements.iter().map(member_id).collect()
}

fn member_id(element: &Value) -> Result<String, GroupError> {
    let id = match element {
        Value::Object(parts) => member(parts, "value").and_then(Value::as_str),
        other => other.as_str(),
    };
    let id = id.map(str::trim).filter(|id| !id.is_empty()).ok_or(GroupError::NotAMember)?;
    let kind = element.as_object().and_then(|parts| member(parts, "type")).and_then(Value::as_str);
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Group")) {
        return Err(GroupError::GroupAsMember(id.to_owned()));
    }
    Ok(id.to_owned())
}

/// Reads a PATCH of a Group.
pub fn read_patch(body: &Value) -> Result<GroupPatch, GroupError> {
    let schemas = schema::group();
    let mut patch = GroupPatch::default();
    for operation in operations(body)? {
        match (operation.path, operation.op) {
            (Some(path), _) => at_path(&schemas, &mut patch, &operation, path)?,
            (None, Op::Remove) => return Err(PatchError::RemoveWithoutPath(operation.place).into()),
            (None, _) => without_path(&schemas, &mut patch, &operation)?,
        }
    }
    Ok(patch)
}

/// Each member of the value is an attribute. What is read-only or not known is ignored: Okta sends the id along.
fn without_path(schemas: &Schemas, patch: &mut GroupPatch, operation: &Operation<'_>) -> Result<(), GroupError> {
    let attributes = operation.value.and_then(Value::as_object);
    let attributes = attributes.ok_or(PatchError::ValueWithoutPath(operation.place))?;
    for (name, value) in attributes {
        if let Ok(Named::Attribute(place)) = schemas.named(name)
            && place.part.is_none()
        {
            let one = Operation { value: Some(value), ..*operation };
            attribute(patch, &one, place)?;
        }
    }
    Ok(())
}

fn at_path(schemas: &Schemas, patch: &mut GroupPatch, operation: &Operation<'_>, path: &str) -> Result<(), GroupError> {
    let at = operation.place;
    let path = PatchPath::parse(path).map_err(|error| match error {
        PathError::Filter(error) => PatchError::Filter { place: at, error },
        error => PatchError::Path { place: at, error },
    })?;
    let named = schemas.named(path.attribute.as_str());
    let place = match named.map_err(|error| PatchError::UnknownAttribute { place: at, error })? {
        Named::Attribute(place) => place,
        Named::Extension(_) | Named::NotStored => return Ok(()),
    };
    let read_only = || PatchError::ReadOnly { place: at, attribute: place.canonical() };
    let Some(filter) = path.elements else {
        // A part of every member cannot be another one.
        let can_be_written =
            place.part.is_none() && ["displayName", "externalId", "members"].contains(&&*place.attribute.name);
        return if can_be_written { attribute(patch, operation, place) } else { Err(read_only().into()) };
    };
    if place.attribute.name != "members" || place.part.is_some() {
        return Err(PatchError::NoElements { place: at, attribute: place.canonical() }.into());
    }
    filter.bind_to_element(place.attribute).map_err(|error| PatchError::Filter { place: at, error })?;
    if operation.op != Op::Remove || path.sub.is_some() {
        return Err(read_only().into());
    }
    patch.members.push(match named_values(&filter) {
        Some(ids) => MemberChange::Remove(ids),
        None => MemberChange::RemoveWhere(filter),
    });
    Ok(())
}

/// The ids that a filter names one by one, as `value eq "1-1" or value eq "2-1"`; `None` if all members must be read.
fn named_values(filter: &Filter) -> Option<BTreeSet<String>> {
    match filter {
        Filter::Compare(path, Operator::Equal, Literal::Text(id)) if path.as_str().eq_ignore_ascii_case("value") => {
            Some(BTreeSet::from([id.clone()]))
        }
        Filter::Or(terms) => {
            let all: Option<Vec<BTreeSet<String>>> = terms.iter().map(named_values).collect();
            all.map(|all| all.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// An operation on a whole attribute.
fn attribute(patch: &mut GroupPatch, operation: &Operation<'_>, place: Place<'_>) -> Result<(), GroupError> {
    let at = operation.place;
    let value = match (operation.op, operation.value) {
        (Op::Remove, value) => value.unwrap_or(&Value::Null),
        (Op::Add, None) => return Err(PatchError::NoValue { place: at, op: "add" }.into()),
        (Op::Replace, None) => return Err(PatchError::NoValue { place: at, op: "replace" }.into()),
        (_, Some(value)) => value,
    };
    match (place.attribute.name.as_str(), operation.op) {
        ("displayName", Op::Remove) => return Err(GroupError::NoDisplayName),
        ("displayName", _) => {
            let name = one_text("displayName", place, value)?.ok_or(GroupError::NoDisplayName)?;
            patch.display_name = Some(name);
        }
        ("externalId", Op::Remove) => patch.external_id = Some(None),
        ("externalId", _) => patch.external_id = Some(one_text("externalId", place, value)?),
        ("members", Op::Add) => patch.members.push(MemberChange::Add(members(value)?)),
        ("members", Op::Replace) => patch.members.push(MemberChange::Replace(members(value)?)),
        ("members", Op::Remove) if value.is_null() => patch.members.push(MemberChange::Replace(BTreeSet::new())),
        ("members", Op::Remove) => patch.members.push(MemberChange::Remove(members(value)?)),
        _ => {}
    }
    Ok(())
}

/// What a Group shows in addition to its members.
#[derive(Debug, Clone, Copy)]
pub struct GroupView<'a> {
    pub id: &'a str,
    pub display_name: &'a str,
    pub external_id: Option<&'a str>,
    /// When it was made and last changed, if that is known.
    pub times: Option<(&'a str, &'a str)>,
    pub location: &'a str,
}

/// Writes a Group; `base` is the address of the endpoint.
#[must_use]
pub fn write(view: GroupView<'_>, members: impl Iterator<Item = String>, base: &str) -> Map<String, Value> {
    let member = |id: String| json!({"value": id, "$ref": format!("{base}/Users/{id}"), "type": "User"});
    let members: Vec<Value> = members.map(member).collect();
    let mut group = Map::new();
    group.insert("schemas".to_owned(), json!([GROUP]));
    group.insert("id".to_owned(), view.id.into());
    group.extend(view.external_id.map(|id| ("externalId".to_owned(), id.into())));
    group.insert("displayName".to_owned(), view.display_name.into());
    if !members.is_empty() {
        group.insert("members".to_owned(), members.into());
    }
    let mut meta = Map::new();
    meta.insert("resourceType".to_owned(), "Group".into());
    if let Some((created, changed)) = view.times {
        meta.insert("created".to_owned(), created.into());
        meta.insert("lastModified".to_owned(), changed.into());
    }
    meta.insert("location".to_owned(), view.location.into());
    group.insert("meta".to_owned(), meta.into());
    group
}

/// A member as a filter sees it.
#[must_use]
pub fn element(id: &str, base: &str) -> Map<String, Value> {
    Map::from_iter([
        ("value".to_owned(), id.into()),
        ("$ref".to_owned(), format!("{base}/Users/{id}").into()),
        ("type".to_owned(), "User".into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
        ids.map(ToOwned::to_owned).into()
    }

    fn one(operation: Value) -> Result<GroupPatch, GroupError> {
        read_patch(&json!({"Operations": [operation]}))
    }

    #[test]
    fn members_come_and_go_in_every_vendors_form() {
        let add = MemberChange::Add(ids(["1-1", "2-1"]));
        let remove = MemberChange::Remove(ids(["1-1"]));
        for (operation, wanted) in [
            (json!({"op": "Add", "path": "members", "value": [{"value": "1-1"}, {"value": "2-1"}]}), add.clone()),
            (json!({"op": "add", "value": {"members": [{"$ref": null, "value": "1-1"}, {"value": "2-1"}]}}), add),
            (json!({"op": "Remove", "path": "members", "value": [{"value": "1-1"}]}), remove.clone()),
            (json!({"op": "remove", "path": "members[value eq \"1-1\"]"}), remove.clone()),
            (json!({"op": "Remove", "path": "Members[Value EQ \"1-1\"]"}), remove),
            (
                json!({"op": "remove", "path": "members[value eq \"1-1\" or value eq \"2-1\"]"}),
                MemberChange::Remove(ids(["1-1", "2-1"])),
            ),
            (json!({"op": "remove", "path": "members"}), MemberChange::Replace(ids([]))),
            (json!({"op": "replace", "path": "members", "value": ["3-1"]}), MemberChange::Replace(ids(["3-1"]))),
            (json!({"op": "replace", "path": "members", "value": null}), MemberChange::Replace(ids([]))),
        ] {
            let patch = one(operation.clone()).unwrap_or_else(|error| panic!("{operation}: {error}"));
            assert_eq!(patch.members, [wanted], "{operation}");
        }
        let by_type = one(json!({"op": "remove", "path": "members[type eq \"User\"]"})).expect("a patch");
        assert!(matches!(by_type.members.as_slice(), [MemberChange::RemoveWhere(_)]));
    }

    #[test]
    fn a_name_is_replaced_with_and_without_a_path() {
        for operation in [
            json!({"op": "replace", "value": {"id": "group-1", "displayName": "IT"}}),
            json!({"op": "Replace", "path": "displayName", "value": "IT"}),
            json!({"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:displayName", "value": "IT"}),
        ] {
            let patch = one(operation.clone()).unwrap_or_else(|error| panic!("{operation}: {error}"));
            assert_eq!((patch.display_name.as_deref(), patch.members.len()), (Some("IT"), 0), "{operation}");
        }
        let gone = one(json!({"op": "remove", "path": "externalId"})).expect("a patch");
        assert_eq!(gone.external_id, Some(None));
    }

    #[test]
    fn what_cannot_be_is_said_in_scims_words() {
        for (operation, wanted) in [
            (json!({"op": "remove"}), ScimType::NoTarget),
            (json!({"op": "add", "value": "x"}), ScimType::InvalidValue),
            (json!({"op": "remove", "path": "displayName"}), ScimType::InvalidValue),
            (json!({"op": "replace", "path": "displayName", "value": ""}), ScimType::InvalidValue),
            (json!({"op": "replace", "path": "displayName", "value": "19900101-0017"}), ScimType::InvalidValue),
            (json!({"op": "replace", "path": "id", "value": "x"}), ScimType::Mutability),
            (json!({"op": "replace", "path": "members[value eq \"1-1\"].value", "value": "x"}), ScimType::Mutability),
            (json!({"op": "add", "path": "members.value", "value": "1-1"}), ScimType::Mutability),
            (json!({"op": "add", "path": "members", "value": [{"display": "Eva"}]}), ScimType::InvalidValue),
            (
                json!({"op": "add", "path": "members", "value": [{"value": "group-2", "type": "Group"}]}),
                ScimType::InvalidValue,
            ),
            (json!({"op": "add", "path": "owners", "value": "1-1"}), ScimType::InvalidPath),
            (json!({"op": "remove", "path": "members[valeu eq \"1\"]"}), ScimType::InvalidFilter),
        ] {
            assert_eq!(one(operation.clone()).expect_err("refused").scim_type(), wanted, "{operation}");
        }
    }

    #[test]
    fn a_group_needs_a_name() {
        let body =
            json!({"DisplayName": " IT ", "externalId": "x", "members": ["1-1", {"value": "1-1"}], "id": "group-9"});
        let wanted =
            GroupText { display_name: "IT".to_owned(), external_id: Some("x".to_owned()), members: ids(["1-1"]) };
        assert_eq!(read(&body), Ok(wanted));
        assert_eq!(read(&json!({"members": []})), Err(GroupError::NoDisplayName));
        assert_eq!(GroupId::parse("group-017"), None);
        assert_eq!(GroupId::parse("group-17"), Some(GroupId(17)));
    }
}
