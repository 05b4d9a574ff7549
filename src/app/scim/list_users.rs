//! Many users: filtered, in an order, by the page.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::load::{Loading, employee_at, load, user_of};
use super::waiting::resources_of;
use super::{Resource, ScimEndpoint, ScimError};
use crate::app::{App, Caller, StoreError};
use crate::domain::access::Action;
use crate::domain::ids::EmployeeId;
use crate::intake::scim::discovery::list_response;
use crate::intake::scim::filter::Lookup;
use crate::intake::scim::paging::{Cursor, List, ListText, Start};
use crate::intake::scim::schema::ENTERPRISE;
use crate::intake::scim::user::{UserId, UserReference};
use crate::store::scim::KnownBy;
use crate::store::scim_waiting::WaitingUser;
use crate::store::{Act, Connection, Reading, clock, directory, scim, scim_waiting};

/// How many users are in memory at a time.
const AT_ONCE: usize = 500;

/// Where those come in the order by keys whom the directory does not know yet: after everybody.
const WAITING: i64 = 1 << 62;

/// A requested user.
#[derive(Debug)]
struct Found {
    /// Its place in the order by keys.
    place: i64,
    employee: EmployeeId,
    generation: u32,
    is_active: bool,
    resource: Map<String, Value>,
}

/// The page that is answered.
#[derive(Debug, Default)]
struct Page {
    /// `None`: nobody counted.
    total: Option<usize>,
    resources: Vec<Found>,
    /// The last one, where more follow it.
    next: Option<Cursor>,
}

impl App {
    /// Answers a ListResponse, and leaves the audit entry of the look. What an index finds is found by it; else
    /// everybody is looked at, some hundreds at a time, in one view of the database.
    pub async fn list_scim_users(
        &self,
        caller: &Caller,
        endpoint: &ScimEndpoint,
        text: &ListText,
    ) -> Result<Value, ScimError> {
        let grant = caller.grant(Action::Provision)?;
        let list = text.understand(&endpoint.mapping.schemas)?;
        let reading = self.begin_read(caller, &grant, Act { action: "scim.users.read", object: "users" }).await?;
        self.users_of(&reading, endpoint, &list).await
    }

    /// A ListResponse of the users that a question is about.
    pub(super) async fn users_of(
        &self,
        reading: &Reading,
        endpoint: &ScimEndpoint,
        list: &List<'_>,
    ) -> Result<Value, ScimError> {
        let connection = reading.connection();
        let administrations = directory::administrations(connection, clock::known_through(connection).await?).await?;
        let loading = Loading { endpoint, administrations: &administrations, today: self.today() };
        let search = Search { app: self, connection, list, loading };
        let page = search.page().await?;
        let resources: Vec<Value> = page
            .resources
            .into_iter()
            .map(|found| Value::Object(Resource::new(found.resource, &list.projection).body))
            .collect();
        Ok(match list.start {
            Start::Index(past) => list_response(page.total.unwrap_or_default(), past + 1, resources),
            Start::Cursor(_) => {
                let mut response = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                    "itemsPerPage": resources.len(),
                    "Resources": resources,
                });
                if let Some(response) = response.as_object_mut() {
                    response.extend(page.total.map(|total| ("totalResults".to_owned(), total.into())));
                    response.extend(page.next.map(|next| ("nextCursor".to_owned(), next.written().into())));
                }
                response
            }
        })
    }
}

/// A question under way.
struct Search<'a, C> {
    app: &'a App,
    connection: &'a C,
    list: &'a List<'a>,
    loading: Loading<'a>,
}

impl<C: Connection> Search<'_, C> {
    async fn page(&self) -> Result<Page, StoreError> {
        let lookups = self.list.filter.as_ref().and_then(|filter| filter.lookups());
        let found = match &lookups {
            Some(lookups) => self.found_by_index(lookups).await?,
            None => None,
        };
        // Where an index finds users it finds those who wait as well.
        let few = match (&found, lookups) {
            (Some(_), Some(lookups)) => Some(self.waiting_by_index(&lookups).await?),
            _ => None,
        };
        if self.list.sort.is_some() {
            return self.sorted(found, few).await;
        }
        match (&self.list.start, found) {
            (Start::Index(past), None) if self.list.filter.is_none() => {
                let known = scim::count(self.connection).await?;
                let (past, count) = (as_u64(*past), as_u64(self.list.count));
                let users = scim::page(self.connection, past, count).await?;
                let ids: BTreeSet<EmployeeId> = users.iter().map(|(employee, _)| *employee).collect();
                let mut resources = self.wanted(&ids.into_iter().collect::<Vec<_>>()).await?;
                resources.retain(|found| users.contains(&(found.employee, found.generation)));
                active_first(&mut resources);
                let left = count.saturating_sub(as_u64(resources.len()));
                let waiting = scim_waiting::page(self.connection, past.saturating_sub(known), left).await?;
                resources.extend(self.waiting_wanted(waiting).await?);
                let total = known.saturating_add(scim_waiting::count(self.connection).await?);
                Ok(Page { total: Some(as_usize(total)), resources, next: None })
            }
            (Start::Index(past), found) => {
                let (past, count) = (*past, self.list.count);
                let mut page = Page::default();
                let mut total = 0;
                let mut walk = Walk::new(found, EmployeeId(0));
                while let Some(ids) = walk.next(self.connection).await? {
                    let mut wanted = self.wanted(&ids).await?;
                    active_first(&mut wanted);
                    for found in wanted {
                        if total >= past && page.resources.len() < count {
                            page.resources.push(found);
                        }
                        total += 1;
                    }
                }
                for found in self.waiting(few, 0).await? {
                    if total >= past && page.resources.len() < count {
                        page.resources.push(found);
                    }
                    total += 1;
                }
                page.total = Some(total);
                Ok(page)
            }
            (Start::Cursor(after), found) => {
                let mut page = Page::default();
                if self.list.filter.is_none() {
                    let waiting = scim_waiting::count(self.connection).await?;
                    page.total = Some(as_usize(scim::count(self.connection).await?.saturating_add(waiting)));
                }
                // Of the last employee that was shown more users may follow.
                let after = after.as_ref().map_or(0, |after| after.id);
                let mut walk = Walk::new(found, EmployeeId(employee_at(after).0.saturating_sub(1)));
                'walking: while let Some(ids) = walk.next(self.connection).await? {
                    for found in self.wanted(&ids).await?.into_iter().filter(|found| found.place > after) {
                        if page.resources.len() == self.list.count {
                            page.next =
                                page.resources.last().map(|last| self.list.cursor_of(&last.resource, last.place));
                            break 'walking;
                        }
                        page.resources.push(found);
                    }
                }
                if page.next.is_none() {
                    for found in self.waiting(few, after.saturating_sub(WAITING)).await? {
                        if page.resources.len() == self.list.count {
                            page.next =
                                page.resources.last().map(|last| self.list.cursor_of(&last.resource, last.place));
                            break;
                        }
                        page.resources.push(found);
                    }
                }
                Ok(page)
            }
        }
    }

    /// Waiting users after an id that the query asks for; `few`: of these alone.
    async fn waiting(&self, few: Option<Vec<WaitingUser>>, after: i64) -> Result<Vec<Found>, StoreError> {
        if let Some(few) = few {
            return self.waiting_wanted(few.into_iter().filter(|user| user.id > after).collect()).await;
        }
        let mut found = Vec::new();
        let mut after = after.max(0);
        loop {
            let users = scim_waiting::after(self.connection, after, as_u64(AT_ONCE)).await?;
            let Some(last) = users.last() else { return Ok(found) };
            after = last.id;
            found.extend(self.waiting_wanted(users).await?);
        }
    }

    async fn waiting_wanted(&self, users: Vec<WaitingUser>) -> Result<Vec<Found>, StoreError> {
        let resources = resources_of(self.connection, &users, &self.loading.endpoint.base).await?;
        let found = users.iter().zip(resources).map(|(user, resource)| Found {
            place: WAITING.saturating_add(user.id),
            employee: EmployeeId(i64::MAX),
            generation: 0,
            is_active: user.user.active,
            resource,
        });
        Ok(found.filter(|found| self.list.wants(&found.resource)).collect())
    }

    /// Those who wait for whom the filter can hold.
    async fn waiting_by_index(&self, lookups: &[Lookup]) -> Result<Vec<WaitingUser>, StoreError> {
        let mut found: Vec<WaitingUser> = Vec::new();
        for Lookup { attribute, value } in lookups {
            match (attribute.as_str(), UserReference::parse(value)) {
                ("id", Some(UserReference::Waited(id))) => {
                    found.extend(scim_waiting::by_id(self.connection, id).await?);
                }
                ("id", _) => {}
                _ => found.extend(scim_waiting::candidates(self.connection, value).await?),
            }
        }
        found.sort_by_key(|user| user.id);
        found.dedup_by_key(|user| user.id);
        Ok(found)
    }

    /// Orders all that is wanted by key alone, and then loads the page.
    async fn sorted(
        &self,
        found: Option<BTreeSet<EmployeeId>>,
        few: Option<Vec<WaitingUser>>,
    ) -> Result<Page, StoreError> {
        let mut places: Vec<Cursor> = Vec::new();
        let mut walk = Walk::new(found, EmployeeId(0));
        while let Some(ids) = walk.next(self.connection).await? {
            let wanted = self.wanted(&ids).await?;
            places.extend(wanted.iter().map(|found| self.list.cursor_of(&found.resource, found.place)));
        }
        let waiting = self.waiting(few, 0).await?;
        places.extend(waiting.iter().map(|found| self.list.cursor_of(&found.resource, found.place)));
        places.sort_by(|a, b| self.list.order(a, b));
        let past = match &self.list.start {
            Start::Index(past) => *past,
            Start::Cursor(None) => 0,
            Start::Cursor(Some(after)) => places.partition_point(|place| self.list.order(place, after).is_le()),
        };
        let page: Vec<&Cursor> = places.iter().skip(past).take(self.list.count).collect();
        let more = past + page.len() < places.len();
        let next =
            page.last().filter(|_| more && matches!(self.list.start, Start::Cursor(_))).map(|last| (*last).clone());
        let known = page.iter().filter(|place| place.id < WAITING);
        let ids: BTreeSet<EmployeeId> = known.map(|place| employee_at(place.id)).collect();
        let mut resources = self.wanted(&ids.into_iter().collect::<Vec<_>>()).await?;
        resources.extend(waiting);
        let position = |found: &Found| page.iter().position(|place| place.id == found.place);
        resources.retain(|found| position(found).is_some());
        resources.sort_by_cached_key(position);
        Ok(Page { total: Some(places.len()), resources, next })
    }

    /// The users of some employees that are asked for, in the order of their places.
    async fn wanted(&self, ids: &[EmployeeId]) -> Result<Vec<Found>, StoreError> {
        let loaded = load(self.connection, ids, self.loading.today).await?;
        let found = loaded.into_iter().map(|loaded| Found {
            place: loaded.place(),
            employee: loaded.id().employee,
            generation: loaded.id().generation,
            is_active: loaded.is_active(),
            resource: loaded.resource(self.loading, self.app),
        });
        Ok(found.filter(|found| self.list.wants(&found.resource)).collect())
    }

    /// Everybody whom the filter can match; `None` if no index finds them.
    async fn found_by_index(&self, lookups: &[Lookup]) -> Result<Option<BTreeSet<EmployeeId>>, StoreError> {
        let mut found = BTreeSet::new();
        for Lookup { attribute, value } in lookups {
            let carries_number = *attribute == self.loading.endpoint.mapping.employee_number
                || *attribute == format!("{ENTERPRISE}:employeeNumber");
            let by = match attribute.as_str() {
                "id" => {
                    found.extend(user_of(self.connection, value).await?.map(|id: UserId| id.employee));
                    continue;
                }
                "externalId" => Some(KnownBy::ExternalId),
                "userName" => Some(KnownBy::UserName),
                "emails.value" => Some(KnownBy::Email),
                _ if carries_number => None,
                _ => return Ok(None),
            };
            for by in by.into_iter().chain(carries_number.then_some(KnownBy::EmployeeNumber)) {
                found.extend(scim::candidates(self.connection, by, value).await?);
            }
        }
        Ok(Some(found))
    }
}

/// Of one employee's users the active ones first: a client that looks up a number takes the first.
fn active_first(found: &mut [Found]) {
    found.sort_by_key(|found| (found.employee, !found.is_active, found.generation));
}

/// A walk through everybody, or through those that an index found, in the order of their keys.
struct Walk {
    found: Option<Vec<EmployeeId>>,
    after: EmployeeId,
}

impl Walk {
    fn new(found: Option<BTreeSet<EmployeeId>>, after: EmployeeId) -> Self {
        Self { found: found.map(|found| found.into_iter().collect()), after }
    }

    async fn next(&mut self, connection: &impl Connection) -> Result<Option<Vec<EmployeeId>>, StoreError> {
        let ids = match &self.found {
            Some(found) => found.iter().filter(|id| **id > self.after).take(AT_ONCE).copied().collect(),
            None => scim::ids(connection, self.after, as_u64(AT_ONCE)).await?,
        };
        let Some(last) = ids.last() else { return Ok(None) };
        self.after = *last;
        Ok(Some(ids))
    }
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
