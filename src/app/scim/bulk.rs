//! Many operations in one request (RFC 7644, section 3.7): each is a change of its own, in an order that allows
//! references to be resolved.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{PatchedGroup, Precondition, Resource, ScimEndpoint, ScimError, Wanted, error_body};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::intake::scim::bulk::{BulkRequest, Method, Operation};

/// The outcome of an operation.
type Outcome = Result<Option<Resource>, ScimError>;

impl App {
    /// Carries out a bulk request and returns a BulkResponse, in the order of the request.
    ///
    /// An operation that refers to another's bulkId waits for it. Operations that wait for each other in a circle, or
    /// for one that failed, fail with 409.
    pub async fn scim_bulk(&self, caller: &Caller, endpoint: &ScimEndpoint, body: &Value) -> Result<Value, ScimError> {
        caller.grant(Action::Provision)?;
        let request = BulkRequest::read(body)?;
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        let mut failed: BTreeSet<String> = BTreeSet::new();
        let mut done: BTreeMap<usize, Value> = BTreeMap::new();
        let mut waiting: Vec<(usize, &Operation)> = request.operations.iter().enumerate().collect();
        let own: BTreeSet<&String> = request.operations.iter().filter_map(|o| o.bulk_id.as_ref()).collect();
        let mut errors = 0;
        'working: while !waiting.is_empty() {
            let mut still_waiting = Vec::new();
            let before = waiting.len();
            for (place, operation) in waiting {
                let open: BTreeSet<String> =
                    operation.references().into_iter().filter(|id| !ids.contains_key(id)).collect();
                let lost = open.iter().find(|id| failed.contains(*id) || !own.contains(id));
                let outcome: Outcome = match lost {
                    Some(lost) => Err(ScimError::UnresolvedReference(lost.clone())),
                    None if !open.is_empty() => {
                        still_waiting.push((place, operation));
                        continue;
                    }
                    None => self.carry_out(caller, endpoint, &operation.resolved(&ids)).await,
                };
                errors += usize::from(outcome.is_err());
                note(operation, &outcome, &mut ids, &mut failed);
                done.insert(place, view(endpoint, operation, &ids, outcome));
                if request.fail_on_errors.is_some_and(|most| errors >= most) {
                    break 'working;
                }
            }
            if still_waiting.len() == before {
                let circle: Vec<&str> = still_waiting.iter().filter_map(|(_, o)| o.bulk_id.as_deref()).collect();
                let circle = circle.join(", ");
                for (place, operation) in still_waiting {
                    let outcome: Outcome = Err(ScimError::CircularReference(circle.clone()));
                    done.insert(place, view(endpoint, operation, &ids, outcome));
                }
                break;
            }
            waiting = still_waiting;
        }
        Ok(json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
            "Operations": done.into_values().collect::<Vec<_>>(),
        }))
    }

    async fn carry_out(&self, caller: &Caller, endpoint: &ScimEndpoint, operation: &Operation) -> Outcome {
        let path = operation.path.trim_matches('/');
        let path = path.strip_prefix("scim/v2/").unwrap_or(path);
        let (kind, id) = path.split_once('/').map_or((path, None), |(kind, id)| (kind, Some(id)));
        let seen = Precondition(operation.version.as_deref());
        let (data, wanted) = (&operation.data, Wanted::default());
        if kind.eq_ignore_ascii_case("Groups") {
            return self.carry_out_on_groups(caller, endpoint, operation, id).await;
        }
        match (operation.method, id) {
            _ if !kind.eq_ignore_ascii_case("Users") => Err(no_such(operation)),
            (Method::Post, None) => self.create_scim_user(caller, endpoint, data, wanted).await.map(Some),
            (Method::Put, Some(id)) => self.replace_scim_user(caller, endpoint, id, seen, data, wanted).await.map(Some),
            (Method::Patch, Some(id)) => {
                let patched = self.patch_scim_user(caller, endpoint, id, seen, data, wanted).await;
                patched.map(|patched| Some(patched.resource))
            }
            (Method::Delete, Some(id)) => self.delete_scim_user(caller, endpoint, id, seen).await.map(|()| None),
            _ => Err(no_such(operation)),
        }
    }

    async fn carry_out_on_groups(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        operation: &Operation,
        id: Option<&str>,
    ) -> Outcome {
        let seen = Precondition(operation.version.as_deref());
        // The members are not in the answer.
        let (data, wanted) = (&operation.data, Wanted { attributes: Some("id"), excluded_attributes: None });
        match (operation.method, id) {
            (Method::Post, None) => self.create_scim_group(caller, endpoint, data, wanted).await.map(Some),
            (Method::Put, Some(id)) => {
                self.replace_scim_group(caller, endpoint, id, seen, data, wanted).await.map(Some)
            }
            (Method::Patch, Some(id)) => {
                self.patch_scim_group(caller, endpoint, id, seen, data, wanted).await.map(PatchedGroup::shown)
            }
            (Method::Delete, Some(id)) => self.delete_scim_group(caller, endpoint, id, seen).await.map(|()| None),
            _ => Err(no_such(operation)),
        }
    }
}

fn no_such(operation: &Operation) -> ScimError {
    ScimError::NoSuchOperation(format!("{} {}", operation.method.as_str(), operation.path))
}

fn note(operation: &Operation, outcome: &Outcome, ids: &mut BTreeMap<String, String>, failed: &mut BTreeSet<String>) {
    let Some(bulk_id) = &operation.bulk_id else { return };
    match outcome {
        Ok(resource) => {
            let id = resource.as_ref().and_then(|resource| resource.body.get("id")).and_then(Value::as_str);
            ids.extend(id.map(|id| (bulk_id.clone(), id.to_owned())));
        }
        Err(_) => drop(failed.insert(bulk_id.clone())),
    }
}

fn view(endpoint: &ScimEndpoint, operation: &Operation, ids: &BTreeMap<String, String>, outcome: Outcome) -> Value {
    let mut view = json!({"method": operation.method.as_str()});
    let Some(members) = view.as_object_mut() else { return view };
    members.extend(operation.bulk_id.clone().map(|id| ("bulkId".to_owned(), id.into())));
    let status = match outcome {
        Ok(Some(resource)) => {
            members.insert("location".to_owned(), resource.location.into());
            members.insert("version".to_owned(), resource.version.into());
            if operation.method == Method::Post { 201 } else { 200 }
        }
        Ok(None) => 204,
        Err(error) => {
            if let ScimError::Store(error) = &error {
                tracing::error!(error = %crate::app::scim::error::chain(error), "an operation of a bulk request failed");
            }
            members.insert("response".to_owned(), error_body(error.status(), error.scim_type(), &error.to_string()));
            error.status()
        }
    };
    // A DELETE and an error name the requested resource, if there was one (RFC 7644, section 3.7).
    if operation.method != Method::Post && !members.contains_key("location") {
        let path = operation.resolved(ids).path;
        members.insert("location".to_owned(), format!("{}/{}", endpoint.base, path.trim_matches('/')).into());
    }
    members.insert("status".to_owned(), status.to_string().into());
    view
}
