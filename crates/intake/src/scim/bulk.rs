//! Bulk (RFC 7644, section 3.7): operations of one request, and the references between them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::ScimType;
use super::patch::member;

/// The most operations of one request.
pub const MOST_OPERATIONS: usize = 1000;
/// The largest body of a request.
pub const MOST_PAYLOAD_BYTES: u64 = 1024 * 1024;

const REFERENCE: &str = "bulkId:";

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub method: Method,
    pub bulk_id: Option<String>,
    /// As it was sent: `/Users`, `/Users/17-1` or `/Users/bulkId:abc`.
    pub path: String,
    pub version: Option<String>,
    pub data: Value,
}

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// Stop after so many errors; `None`: never.
    pub fail_on_errors: Option<usize>,
    pub operations: Vec<Operation>,
}

/// Why a body is no bulk request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BulkError {
    #[error("the body is no BulkRequest: it needs Operations, a list of objects with a method and a path")]
    NotABulk,
    #[error("a bulk takes at most {MOST_OPERATIONS} operations; send several")]
    TooManyOperations,
    #[error("operation {place}: method is {method:?}; it can be POST, PUT, PATCH or DELETE")]
    UnknownMethod { place: usize, method: String },
    #[error("operation {0}: POST needs a bulkId of its own")]
    NoBulkId(usize),
    #[error("operation {place}: the bulkId {bulk_id} is another operation's too")]
    SameBulkId { place: usize, bulk_id: String },
    #[error("failOnErrors is a whole number from 1")]
    FailOnErrors,
}

impl BulkError {
    #[must_use]
    pub const fn scim_type(&self) -> ScimType {
        ScimType::InvalidSyntax
    }
}

impl BulkRequest {
    pub fn read(body: &Value) -> Result<Self, BulkError> {
        let body = body.as_object().ok_or(BulkError::NotABulk)?;
        let provisioned = member(body, "Operations").and_then(Value::as_array).ok_or(BulkError::NotABulk)?;
        if provisioned.len() > MOST_OPERATIONS {
            return Err(BulkError::TooManyOperations);
        }
        let mut bulk_ids: BTreeSet<String> = BTreeSet::new();
        let mut operations = Vec::with_capacity(provisioned.len());
        for (place, provisioned) in (1..).zip(provisioned) {
            let provisioned = provisioned.as_object().ok_or(BulkError::NotABulk)?;
            let text = |name: &str| member(provisioned, name).and_then(Value::as_str).map(ToOwned::to_owned);
            let method = text("method").ok_or(BulkError::NotABulk)?;
            let known = [Method::Post, Method::Put, Method::Patch, Method::Delete];
            let found = known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(method.trim()));
            let method = found.ok_or(BulkError::UnknownMethod { place, method })?;
            let bulk_id = text("bulkId").filter(|id| !id.is_empty());
            if method == Method::Post && bulk_id.is_none() {
                return Err(BulkError::NoBulkId(place));
            }
            if let Some(bulk_id) = bulk_id.as_ref().filter(|id| !bulk_ids.insert((*id).clone())) {
                return Err(BulkError::SameBulkId { place, bulk_id: bulk_id.clone() });
            }
            operations.push(Operation {
                method,
                bulk_id,
                path: text("path").ok_or(BulkError::NotABulk)?,
                version: text("version"),
                data: member(provisioned, "data").cloned().unwrap_or_default(),
            });
        }
        let fail_on_errors = match member(body, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(number) => {
                let number =
                    number.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0);
                Some(number.ok_or(BulkError::FailOnErrors)?)
            }
        };
        Ok(Self { fail_on_errors, operations })
    }
}

impl Operation {
    /// The bulkIds that the operation refers to.
    #[must_use]
    pub fn references(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut note = |text: &str| found.extend(text.strip_prefix(REFERENCE).map(ToOwned::to_owned));
        self.path.split('/').for_each(&mut note);
        each_text(&self.data, &mut note);
        found
    }

    /// The operation with the ids that the other operations' resources got.
    #[must_use]
    pub fn resolved(&self, ids: &BTreeMap<String, String>) -> Self {
        let resolve = |text: &str| {
            let id = text.strip_prefix(REFERENCE).and_then(|bulk_id| ids.get(bulk_id));
            id.cloned().unwrap_or_else(|| text.to_owned())
        };
        let path: Vec<String> = self.path.split('/').map(resolve).collect();
        Self { path: path.join("/"), data: replaced(&self.data, &resolve), ..self.clone() }
    }
}

fn each_text(value: &Value, note: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => note(text),
        Value::Array(elements) => elements.iter().for_each(|element| each_text(element, note)),
        Value::Object(members) => members.values().for_each(|member| each_text(member, note)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn replaced(value: &Value, resolve: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => resolve(text).into(),
        Value::Array(elements) => elements.iter().map(|element| replaced(element, resolve)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), replaced(value, resolve)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
