//! Links: the link of each learner and each event, derived again from the directory.

use std::collections::{BTreeMap, BTreeSet};

use super::{AT_ONCE, Progress, Verified};
use crate::app::App;
use crate::domain::ids::EmployeeId;
use crate::domain::linking::{Identity, Link};
use crate::store::chain::scope::Scope;
use crate::store::learners::{self, StoredEventLink, StoredLearner};
use crate::store::links::{self, LinkIndex, LinkOrders};
use crate::store::{Snapshot, StoreError, people, platforms};

impl App {
    pub(super) async fn verify_links(
        &self,
        scope: Scope,
        verified: &mut Verified,
        progress: &mut Progress<'_>,
    ) -> Result<(), StoreError> {
        let snapshot = self.snapshot_for().await?;
        let orders = platforms::link_orders(snapshot.connection()).await?;
        let mut after = i64::MIN;
        loop {
            let stored = learners::stored_learners(snapshot.connection(), after, AT_ONCE, scope).await?;
            let Some(last) = stored.last() else { break };
            after = last.id;
            self.verify_links_of(&snapshot, &orders, stored, verified, progress).await?;
        }
        for event in learners::miscounted_repeats(snapshot.connection(), scope).await? {
            verified.differs(format!("event {event}: a result that was reported twice is not counted exactly once"));
        }
        for event in learners::events_without_owner(snapshot.connection()).await? {
            verified.differs(format!("event {event}: its learner should be there, and is gone"));
        }
        Ok(())
    }

    async fn verify_links_of(
        &self,
        snapshot: &Snapshot,
        orders: &LinkOrders,
        stored: Vec<StoredLearner>,
        verified: &mut Verified,
        progress: &mut Progress<'_>,
    ) -> Result<(), StoreError> {
        let identities: BTreeSet<Identity> = stored.iter().flat_map(|learner| learner.keys.identities()).collect();
        let index = links::index_for(snapshot.connection(), &identities, self.calendar).await?;
        let linking = Linking { app: self, index, orders };
        for learner in &stored {
            let should = linking.learner(learner);
            let stands = Stands { depends_on_day: learner.depends_on_day, link: learner.link.clone() };
            if let Some((field, should, stands)) = stands.differs_from(&should) {
                let (should, stands) = self.shown_both(snapshot, (field, should), stands).await?;
                verified.differs(format!("learner {}: {field} should be {should}, and is {stands}", learner.id));
            }
        }
        let learners: BTreeMap<i64, &StoredLearner> = stored.iter().map(|learner| (learner.id, learner)).collect();
        let ids: Vec<i64> = learners.keys().copied().collect();
        let mut after = (i64::MIN, i64::MIN, i64::MIN);
        loop {
            let events = learners::links_of(snapshot.connection(), &ids, after, 4 * AT_ONCE).await?;
            let Some(last) = events.last() else { return Ok(()) };
            after = (last.learner, last.occurred_at.timestamp_micros(), last.event);
            progress(events.len() as u64);
            verified.events += events.len() as u64;
            for event in events {
                let Some(learner) = learners.get(&event.learner) else { continue };
                let link = linking.event(learner, &event);
                if (link.employee(), why(link)) != (event.employee, event.unlinked.clone()) {
                    let sentence = self.link_differs(snapshot, &event, link).await?;
                    verified.differs(sentence);
                }
            }
        }
    }

    async fn link_differs(
        &self,
        snapshot: &Snapshot,
        event: &StoredEventLink,
        link: Link,
    ) -> Result<String, StoreError> {
        let numbers = event.employee.into_iter().chain(link.employee()).collect();
        let numbers = people::numbers_of(snapshot.connection(), &numbers).await?;
        let shown = |employee: Option<EmployeeId>, why: Option<&str>| match employee {
            Some(id) => format!("employee {}", numbers.get(&id).map_or("without a number", String::as_str)),
            None => format!("nobody ({})", why.unwrap_or("no reason")),
        };
        let why = why(link);
        Ok(format!(
            "event {}: it should be linked to {} as the directory says, and is linked to {}",
            event.event_id,
            shown(link.employee(), why.as_deref()),
            shown(event.employee, event.unlinked.as_deref())
        ))
    }

    /// A field's two values, with employees by their numbers.
    async fn shown_both(
        &self,
        snapshot: &Snapshot,
        (field, should): (&'static str, String),
        stands: String,
    ) -> Result<(String, String), StoreError> {
        if field != "employee" {
            return Ok((should, stands));
        }
        let ids: BTreeSet<EmployeeId> =
            [&should, &stands].iter().filter_map(|id| id.parse().ok()).map(EmployeeId).collect();
        let numbers = people::numbers_of(snapshot.connection(), &ids).await?;
        let shown = |id: String| {
            let number = id.parse().ok().and_then(|id| numbers.get(&EmployeeId(id)));
            number.cloned().unwrap_or(id)
        };
        Ok((shown(should), shown(stands)))
    }
}

fn why(link: Link) -> Option<String> {
    match link {
        Link::To { .. } => None,
        Link::None(why) => Some(why.as_str().to_owned()),
    }
}

/// A learner's link columns: the employee, by which key, and why there is no link.
type LinkColumns = (Option<i64>, Option<String>, Option<String>);

/// What a learner's row says of its link.
struct Stands {
    depends_on_day: bool,
    link: LinkColumns,
}

impl Stands {
    /// The first field that differs: what it should be, and what it is.
    fn differs_from(&self, should: &Self) -> Option<(&'static str, String, String)> {
        fn shown<T: ToString>(value: Option<&T>) -> String {
            value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
        }
        let fields = |of: &Self| {
            let (employee, key, unlinked) = &of.link;
            [
                ("depends_on_day", of.depends_on_day.to_string()),
                ("employee", shown(employee.as_ref())),
                ("link_key", shown(key.as_ref())),
                ("unlinked", shown(unlinked.as_ref())),
            ]
        };
        let pairs = fields(should).into_iter().zip(fields(self));
        pairs
            .into_iter()
            .find(|(should, stands)| should != stands)
            .map(|(should, stands)| (should.0, should.1, stands.1))
    }
}

struct Linking<'a> {
    app: &'a App,
    index: LinkIndex,
    orders: &'a LinkOrders,
}

impl Linking<'_> {
    fn link(&self, learner: &StoredLearner, at: chrono::DateTime<chrono::Utc>) -> Link {
        let order = self.orders.get(&learner.platform).map_or(&[][..], Vec::as_slice);
        self.index.link(learner.platform, order, &learner.keys, self.app.calendar.day_of(at))
    }

    fn learner(&self, learner: &StoredLearner) -> Stands {
        if self.index.depends_on_the_day(learner.platform, &learner.keys) {
            return Stands { depends_on_day: true, link: (None, None, None) };
        }
        let link = match self.link(learner, learner.recorded_at) {
            Link::To { employee, by } => (Some(employee.0), Some(by.as_str().to_owned()), None),
            Link::None(why) => (None, None, Some(why.as_str().to_owned())),
        };
        Stands { depends_on_day: false, link }
    }

    fn event(&self, learner: &StoredLearner, event: &StoredEventLink) -> Link {
        self.link(learner, event.occurred_at)
    }
}
