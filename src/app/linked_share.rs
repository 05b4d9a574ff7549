//! The share of the latest results that are linked, as of a day: from the kept links, or from the facts as known.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::App;
use super::as_known::Linker;
use crate::domain::calendar::day_after;
use crate::domain::ids::PlatformId;
use crate::domain::report::LinkedShares;
use crate::domain::report::linked_share::{LinkedCount, LinkedShare, SharePeriods};
use crate::store::{Connection, StoreError, platforms, waiting};

/// Shares on the way.
struct Counting {
    periods: SharePeriods,
    by_platform: BTreeMap<PlatformId, LinkedShare>,
}

impl Counting {
    fn count(&mut self, platform: PlatformId, is_now: bool) -> &mut LinkedCount {
        let share = self.by_platform.entry(platform).or_default();
        if is_now { &mut share.now } else { &mut share.before }
    }

    async fn named(self, connection: &impl Connection, counts_shown: bool) -> Result<LinkedShares, StoreError> {
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
        Ok(LinkedShares { periods: self.periods, overall, platforms: platforms.collect(), counts_shown })
    }
}

/// Results of nobody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unlinked {
    pub waiting: u64,
    pub dismissed: u64,
}

impl Unlinked {
    /// All of now.
    pub(super) async fn now(connection: &impl Connection, dismissed: &BTreeSet<i64>) -> Result<Self, StoreError> {
        let mut unlinked = Self::default();
        for (learner, results) in waiting::count_by_learner(connection).await? {
            let is_dismissed = dismissed.contains(&learner);
            let counter = if is_dismissed { &mut unlinked.dismissed } else { &mut unlinked.waiting };
            *counter += results;
        }
        Ok(unlinked)
    }
}

impl App {
    /// Shows the operator how linking stands.
    pub async fn watch_linking(&self) -> Result<(), StoreError> {
        let snapshot = self.store.snapshot().await?;
        let connection = snapshot.connection();
        let dismissed = waiting::dismissed(connection).await?.into_keys().collect();
        let unlinked = Unlinked::now(connection, &dismissed).await?;
        let shares = self.linked_shares_now(connection, self.today(), &dismissed, true).await?;
        self.metrics.set_linking(unlinked.waiting, unlinked.dismissed, &shares);
        Ok(())
    }

    /// The first instants of the period before, of the share's own, and of the day behind it.
    fn bounds(&self, periods: SharePeriods) -> [DateTime<Utc>; 3] {
        [periods.before_from, periods.from, day_after(periods.to)].map(|day| self.calendar.first_instant_of(day))
    }

    /// From the links as they are kept now.
    pub(super) async fn linked_shares_now(
        &self,
        connection: &impl Connection,
        as_of: NaiveDate,
        dismissed: &BTreeSet<i64>,
        counts_shown: bool,
    ) -> Result<LinkedShares, StoreError> {
        let periods = SharePeriods::up_to(as_of);
        let [before, from, until] = self.bounds(periods);
        let mut counting = Counting { periods, by_platform: BTreeMap::new() };
        for (is_now, between) in [(false, (before, from)), (true, (from, until))] {
            for (platform, results) in waiting::count_linked_between(connection, between).await? {
                counting.count(platform, is_now).linked += results;
            }
            for (platform, learner, results) in waiting::count_unlinked_between(connection, between).await? {
                if !dismissed.contains(&learner) {
                    counting.count(platform, is_now).waiting += results;
                }
            }
        }
        counting.named(connection, counts_shown).await
    }

    /// From the facts as they were known.
    pub(super) async fn linked_shares_as_known(
        &self,
        connection: &impl Connection,
        (as_of, known_at): (NaiveDate, DateTime<Utc>),
        linker: &Linker,
        counts_shown: bool,
    ) -> Result<LinkedShares, StoreError> {
        let periods = SharePeriods::up_to(as_of);
        let [before, from, until] = self.bounds(periods);
        let mut counting = Counting { periods, by_platform: BTreeMap::new() };
        for (platform, learner, at) in waiting::results_between(connection, (before, until), known_at).await? {
            let is_linked = linker.link(learner, at).is_some_and(|link| link.employee().is_some());
            if is_linked {
                counting.count(platform, at >= from).linked += 1;
            } else if !linker.is_dismissed(learner) {
                counting.count(platform, at >= from).waiting += 1;
            }
        }
        counting.named(connection, counts_shown).await
    }
}
