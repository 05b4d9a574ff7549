//! The share of the latest results that are linked, as of a day: from the stored links, or from the facts as known.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::App;
use crate::app::reports::as_known::Linker;
use crate::domain::calendar::day_after;
use crate::domain::ids::PlatformId;
use crate::domain::linking::{Link, Unlinked};
use crate::domain::report::LinkedShares;
use crate::domain::report::linked_share::{LinkedCount, LinkedShare, SharePeriods};
use crate::store::{Connection, StoreError, Unscoped, platforms, waiting};

/// Shares being counted.
struct Counting {
    periods: SharePeriods,
    by_platform: BTreeMap<PlatformId, LinkedShare>,
}

impl Counting {
    fn count(&mut self, platform: PlatformId, is_now: bool) -> &mut LinkedCount {
        let share = self.by_platform.entry(platform).or_default();
        if is_now { &mut share.now } else { &mut share.before }
    }

    async fn named(self, connection: &impl Connection) -> Result<LinkedShares, StoreError> {
        let mut overall = LinkedShare::default();
        for share in self.by_platform.values() {
            for (all, some) in [(&mut overall.now, share.now), (&mut overall.before, share.before)] {
                all.linked += some.linked;
                all.waiting += some.waiting;
            }
        }
        let platforms = platforms::list(connection)
            .await?
            .into_iter()
            .filter_map(|platform| self.by_platform.get(&platform.id).map(|share| (platform.code.to_string(), *share)));
        Ok(LinkedShares { periods: self.periods, overall, platforms: platforms.collect() })
    }
}

impl App {
    /// Sets the metrics about linking.
    pub async fn watch_linking(&self) -> Result<(), StoreError> {
        let snapshot = self.store.snapshot(Unscoped::RestsOnEverybody).await?;
        let connection = snapshot.connection();
        let (waiting, dismissed) = waiting::count_unlinked(connection).await?;
        let shares = self.linked_shares_now(connection, self.today()).await?;
        self.metrics.set_linking(waiting, dismissed, &shares);
        Ok(())
    }

    /// The starts of the earlier period, of the share's own period, and of the day after it.
    fn bounds(&self, periods: SharePeriods) -> [DateTime<Utc>; 3] {
        [periods.before_from, periods.from, day_after(periods.to)].map(|day| self.calendar.first_instant_of(day))
    }

    /// From the links as they are stored now.
    pub(in crate::app) async fn linked_shares_now(
        &self,
        connection: &impl Connection,
        as_of: NaiveDate,
    ) -> Result<LinkedShares, StoreError> {
        let periods = SharePeriods::up_to(as_of);
        let [before, from, until] = self.bounds(periods);
        let mut counting = Counting { periods, by_platform: BTreeMap::new() };
        for (is_now, between) in [(false, (before, from)), (true, (from, until))] {
            for (platform, results) in waiting::count_linked_between(connection, between).await? {
                counting.count(platform, is_now).linked += results;
            }
            for (platform, results) in waiting::count_waiting_between(connection, between).await? {
                counting.count(platform, is_now).waiting += results;
            }
        }
        counting.named(connection).await
    }

    /// From the facts as they were known.
    pub(in crate::app) async fn linked_shares_as_known(
        &self,
        connection: &impl Connection,
        (as_of, known_at): (NaiveDate, DateTime<Utc>),
        linker: &Linker,
    ) -> Result<LinkedShares, StoreError> {
        let periods = SharePeriods::up_to(as_of);
        let [before, from, until] = self.bounds(periods);
        let mut counting = Counting { periods, by_platform: BTreeMap::new() };
        for (platform, learner, at) in waiting::results_between(connection, (before, until), known_at).await? {
            match linker.link(learner, at) {
                Some(Link::To { .. }) => counting.count(platform, at >= from).linked += 1,
                Some(Link::None(Unlinked::Dismissed)) => {}
                Some(Link::None(_)) | None => counting.count(platform, at >= from).waiting += 1,
            }
        }
        counting.named(connection).await
    }
}
