//! What the endpoint says about itself (RFC 7644, section 4).

use serde_json::{Value, json};

use super::bulk::{MOST_OPERATIONS, MOST_PAYLOAD_BYTES};
use super::mapping::Mapping;
use super::paging::{MOST, STANDARD_COUNT};
use super::schema::{self, GROUP, USER};

/// `/ServiceProviderConfig`.
#[must_use]
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": true, "maxOperations": MOST_OPERATIONS, "maxPayloadSize": MOST_PAYLOAD_BYTES},
        "filter": {"supported": true, "maxResults": MOST},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": STANDARD_COUNT,
            "maxPageSize": MOST,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of the role scim, issued by kurskoll token issue",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}

/// `/ResourceTypes`, each by its id.
#[must_use]
pub fn resource_types(base: &str, mapping: &Mapping) -> Vec<Value> {
    let extensions: Vec<Value> =
        mapping.schemas.extensions.iter().map(|extension| json!({"schema": extension.id, "required": false})).collect();
    let resource_type = |id: &str, endpoint: &str, description: &str, schema: &str, extensions: Vec<Value>| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": id,
            "name": id,
            "endpoint": endpoint,
            "description": description,
            "schema": schema,
            "schemaExtensions": extensions,
            "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{id}")},
        })
    };
    vec![
        resource_type("User", "/Users", "A person whom the register knows", USER, extensions),
        resource_type(
            "Group",
            "/Groups",
            "A group of the provider's, or an administration of the city, which is read-only",
            GROUP,
            Vec::new(),
        ),
    ]
}

/// `/Schemas`, each by its id.
#[must_use]
pub fn schemas(base: &str, mapping: &Mapping) -> Vec<Value> {
    let groups = schema::group();
    let all = mapping.schemas.all().chain(groups.all());
    all.map(|schema| schema.view(&format!("{base}/Schemas/{}", schema.id))).collect()
}

/// A list of everything, or a page of it.
#[must_use]
pub fn list_response(total: usize, start_index: usize, resources: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}
