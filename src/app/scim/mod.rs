//! The SCIM endpoint's use cases for an identity provider: users and groups are read and written, administrations read
//! as groups.
//!
//! What a provider writes is applied like HR's files: a plan of `domain::directory`, one `Change`, an audit entry. The
//! caller needs the grant for [`Action::Provision`](crate::domain::access::Action::Provision), which only the role
//! `scim` has. Start at `create_user`; `write` is what all writing shares, `load` what all reading does.

pub mod bulk;
mod carry;
pub mod create_user;
pub mod delete_user;
pub mod discovery;
pub mod error;
pub mod groups;
pub mod list_users;
mod load;
mod membership;
pub mod patch_user;
mod provisioning;
pub mod read_user;
pub mod replace_user;
pub mod search;
pub mod waiting;
mod write;
pub mod write_group;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::app::Caller;
use crate::domain::access::Action;
use crate::intake::scim::ScimType;
use crate::intake::scim::resource::Projection;

pub use crate::intake::scim::bulk::MOST_PAYLOAD_BYTES;
pub use crate::intake::scim::mapping::{Mapping, MappingError, MappingText};
pub use crate::intake::scim::paging::ListText;
pub use error::ScimError;
pub use write_group::PatchedGroup;

/// The configuration of the endpoint.
#[derive(Debug, Clone)]
pub struct ScimEndpoint {
    pub mapping: Mapping,
    /// Its address, without a slash at the end: `/scim/v2`, or the full URL.
    pub base: String,
}

/// One resource as it is returned.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub body: Map<String, Value>,
    /// The ETag, as `W/"…"`.
    pub version: String,
    pub location: String,
}

/// The result of a PATCH.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    pub resource: Resource,
    /// Whether it only removed, and nothing of that was there.
    pub is_unchanged: bool,
}

/// The attributes that the client wants to see.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub attributes: Option<&'a str>,
    pub excluded_attributes: Option<&'a str>,
}

/// The version that the client saw.
#[derive(Debug, Clone, Copy, Default)]
pub struct Precondition<'a>(pub Option<&'a str>);

impl Precondition<'_> {
    /// Whether a version is among those in `If-Match`. A weak tag is compared without its mark (RFC 7644, section 3.14,
    /// has only weak tags).
    #[must_use]
    pub fn holds(self, version: &str) -> bool {
        let plain = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
        self.0.is_none_or(|wanted| wanted.split(',').any(|tag| tag.trim() == "*" || plain(tag) == plain(version)))
    }
}

impl Caller {
    /// Whether the caller may use the SCIM endpoint: checked before a body is read.
    pub fn may_provision(&self) -> Result<(), ScimError> {
        self.grant(Action::Provision)?;
        Ok(())
    }
}

/// The version of a resource: a digest of its contents. Any change, by a provider or HR's file, gives another version.
fn version_of(resource: &Map<String, Value>) -> String {
    let said: Vec<(&String, &Value)> = resource.iter().filter(|(name, _)| *name != "meta").collect();
    let digest = Sha256::digest(json!(said).to_string());
    let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hex}\"")
}

impl Resource {
    /// A resource with its version, reduced to the projection.
    fn new(whole: Map<String, Value>, projection: &Projection) -> Self {
        let version = version_of(&whole);
        Self::of_version(whole, version, projection)
    }

    /// A resource of a known version; without one (an empty text), it has no ETag.
    fn of_version(mut whole: Map<String, Value>, version: String, projection: &Projection) -> Self {
        if version.is_empty() {
            // Not everything was read that the version would cover.
        } else if let Some(meta) = whole.get_mut("meta").and_then(Value::as_object_mut) {
            meta.insert("version".to_owned(), version.clone().into());
        }
        let location = whole.get("meta").and_then(|meta| meta.get("location")).and_then(Value::as_str);
        let location = location.unwrap_or_default().to_owned();
        Self { body: projection.of(&whole), version, location }
    }
}

/// An error as SCIM writes it (RFC 7644, section 3.12).
#[must_use]
pub fn error_body(status: u16, scim_type: Option<ScimType>, detail: &str) -> Value {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.to_string(),
        "detail": detail,
    });
    if let (Some(scim_type), Some(body)) = (scim_type, body.as_object_mut()) {
        body.insert("scimType".to_owned(), scim_type.as_str().into());
    }
    body
}
