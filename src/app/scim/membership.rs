//! Adds and removes members of a group, without reading the other members.

use std::collections::{BTreeMap, BTreeSet};

use super::ScimError;
use super::write::Writing;
use crate::domain::ids::EmployeeId;
use crate::intake::scim::filter::Filter;
use crate::intake::scim::group::{MemberChange, element};
use crate::intake::scim::schema;
use crate::intake::scim::user::{UserId, UserReference, waiting_id};
use crate::store::{scim, scim_groups, scim_waiting};

/// The changes to a group, by the ids of users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Membership {
    pub joining: BTreeSet<String>,
    pub leaving: BTreeSet<String>,
}

impl Membership {
    pub fn is_empty(&self) -> bool {
        self.joining.is_empty() && self.leaving.is_empty()
    }
}

/// The users with some ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    pub known: Vec<UserId>,
    /// The ids of all that exist, including users that wait.
    ids: BTreeSet<String>,
}

impl Writing<'_> {
    /// The result of some changes to a group's members, one after the other.
    pub(super) async fn membership(&self, group: i64, changes: &[MemberChange]) -> Result<Membership, ScimError> {
        let mut wanted: BTreeMap<String, bool> = BTreeMap::new();
        for change in changes {
            match change {
                MemberChange::Add(ids) => wanted.extend(ids.iter().map(|id| (id.clone(), true))),
                MemberChange::Remove(ids) => wanted.extend(ids.iter().map(|id| (id.clone(), false))),
                MemberChange::RemoveWhere(filter) => {
                    let ids = self.after(group, &wanted).await?;
                    let leaving = self.chosen(filter, ids)?;
                    wanted.extend(leaving.into_iter().map(|id| (id, false)));
                }
                MemberChange::Replace(ids) => {
                    let members = self.after(group, &wanted).await?;
                    wanted.extend(members.into_iter().map(|id| (id, false)));
                    wanted.extend(ids.iter().map(|id| (id.clone(), true)));
                }
            }
        }
        let named: BTreeSet<String> = wanted.keys().cloned().collect();
        let present = scim_groups::members_among(self.change.connection(), group, &named).await?;
        let mut membership = Membership::default();
        for (id, is_wanted) in wanted {
            match (is_wanted, present.contains(&id)) {
                (true, false) => membership.joining.insert(id),
                (false, true) => membership.leaving.insert(id),
                _ => continue,
            };
        }
        Ok(membership)
    }

    /// All members after the changes so far.
    async fn after(&self, group: i64, wanted: &BTreeMap<String, bool>) -> Result<BTreeSet<String>, ScimError> {
        let members = scim_groups::members(self.change.connection(), Some(group)).await?;
        let mut members = members.into_values().next().unwrap_or_default();
        for (id, is_wanted) in wanted {
            if *is_wanted {
                members.insert(id.clone());
            } else {
                members.remove(id);
            }
        }
        Ok(members)
    }

    fn chosen(&self, filter: &Filter, members: BTreeSet<String>) -> Result<Vec<String>, ScimError> {
        let schemas = schema::group();
        let Ok(place) = schemas.place("members") else { return Ok(Vec::new()) };
        let filter = filter.bind_to_element(place.attribute).map_err(crate::intake::scim::paging::ListError::from)?;
        Ok(members.into_iter().filter(|id| filter.holds(&element(id, &self.endpoint.base))).collect())
    }

    /// The users with some ids. `must_be`: an unknown id is an error.
    pub(super) async fn users_named(&self, ids: &BTreeSet<String>, must_be: bool) -> Result<Named, ScimError> {
        let connection = self.change.connection();
        let mut employees: BTreeSet<EmployeeId> = BTreeSet::new();
        let mut waited: Vec<i64> = Vec::new();
        for reference in ids.iter().filter_map(|id| UserReference::parse(id)) {
            match reference {
                UserReference::Known(id) => employees.extend([id.employee]),
                UserReference::Waited(id) => waited.push(id),
            }
        }
        let employees: Vec<EmployeeId> = employees.into_iter().collect();
        let mut parts = scim::existing(connection, &employees).await?;
        parts.extend(scim::existing_waited(connection, &waited).await?);
        let users =
            parts.into_iter().map(|(employee, generation, waited_as)| UserId { employee, generation, waited_as });
        let known: Vec<UserId> = users.filter(|user| ids.contains(&user.to_string())).collect();
        let waiting = scim_waiting::existing(connection, &waited).await?;
        let found = known.iter().map(ToString::to_string).chain(waiting.into_iter().map(waiting_id)).collect();
        let named = Named { known, ids: found };
        match ids.iter().find(|id| must_be && !named.ids.contains(*id)) {
            Some(unknown) => Err(ScimError::UnknownMember(unknown.clone())),
            None => Ok(named),
        }
    }
}
