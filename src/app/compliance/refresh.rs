//! Refreshes the derived rows: takes the employees that facts made stale, judges them, and writes the rows.

use std::collections::BTreeSet;

use crate::app::App;
use crate::app::compliance::judge::{Requirements, derive};
use crate::domain::ids::EmployeeId;
use crate::store::compliance_states::Derived;
use crate::store::stale::{self, Stale};
use crate::store::whose::Whose;
use crate::store::{
    Connection, Snapshot, StoreError, Trouble, Unscoped, employees, people, platforms, relinking, requirements,
    settings,
};

/// How many people are judged and written at once: few enough that receiving never waits long for the write.
const AT_ONCE: usize = 400;

/// A view judges up to this many stale people itself; if there are more, they are refreshed first.
const FEW: usize = 200;

/// How many times a refresh is tried if it conflicts with another refresh of the same people.
const TRIES: u32 = 5;

/// Changes whenever the same facts would be judged or sorted differently: the rules, and the collation data.
const DERIVATION_VERSION: &str = concat!("3 ", env!("CARGO_PKG_VERSION"));

/// All versions of every requirement that a snapshot holds.
pub(in crate::app) async fn all_requirements(snapshot: &Snapshot) -> Result<Requirements, StoreError> {
    versions_of_all(snapshot.connection()).await
}

/// All versions of every requirement that are known now.
pub(in crate::app) async fn versions_of_all(connection: &impl Connection) -> Result<Requirements, StoreError> {
    let mut all = Requirements::new();
    for code in requirements::codes(connection).await? {
        let versions = requirements::versions(connection, &code, None).await?;
        all.insert(code, versions);
    }
    Ok(all)
}

impl App {
    /// Judges and writes those who have waited longest, a few hundred at a time; returns how many people these were.
    ///
    /// One refresh at a time in a process: two would do the same work, and one of them in vain.
    pub async fn refresh_some(&self) -> Result<usize, StoreError> {
        let _alone = self.refreshing.lock().await;
        self.refresh_next().await
    }

    async fn refresh_next(&self) -> Result<usize, StoreError> {
        let mut tried = 1;
        loop {
            let snapshot = self.store.snapshot(Unscoped::Deriving).await?;
            let (waiting, _) = stale::stale(snapshot.connection(), AT_ONCE).await?;
            if waiting.is_empty() {
                self.metrics.set_stale_employees(0);
                return Ok(0);
            }
            let (employees, derived) = self.derive_for(&snapshot, &waiting).await?;
            drop(snapshot);
            match self.store.refresh(&waiting, derived).await {
                Ok(()) => return Ok(employees),
                // Another process wrote the same people's rows, and one of the two was rolled back.
                Err(error) if Trouble::of(&error) == Some(Trouble::Busy) && tried < TRIES => tried += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Sets the metric of how many people wait. It is not set at each refresh, since it reads everything that waits.
    pub async fn watch_refresh(&self) -> Result<(), StoreError> {
        self.metrics
            .set_stale_employees(stale::count_stale_employees(self.store.connection(Unscoped::Deriving)).await?);
        Ok(())
    }

    async fn derive_for(&self, snapshot: &Snapshot, waiting: &[Stale]) -> Result<(usize, Vec<Derived>), StoreError> {
        let ids: BTreeSet<EmployeeId> = waiting.iter().map(|work| work.employee).collect();
        let ids: Vec<EmployeeId> = ids.into_iter().collect();
        let derived = self.derive_from_scratch(snapshot, &ids, &all_requirements(snapshot).await?).await?;
        Ok((ids.len(), derived))
    }

    /// The derived rows of some people, from the facts of a snapshot.
    pub(in crate::app) async fn derive_from_scratch(
        &self,
        snapshot: &Snapshot,
        ids: &[EmployeeId],
        requirements: &Requirements,
    ) -> Result<Vec<Derived>, StoreError> {
        let connection = snapshot.connection();
        let mut employees = employees::known(connection, &Unscoped::Deriving.scope(), Whose::Only(ids), None).await?;
        people::attach_linked_results(connection, &mut employees, self.calendar).await?;
        Ok(employees.values().flat_map(|employee| derive(&self.order, employee, requirements)).collect())
    }

    /// Refreshes all that is stale now; `progress` gets how many people were done since its last call. What becomes
    /// stale meanwhile is left: while deliveries arrive without a pause, something always does.
    pub async fn refresh_all(&self, mut progress: impl FnMut(usize)) -> Result<(), StoreError> {
        let connection = self.store.connection(Unscoped::Deriving);
        let Some((_, through)) = stale::stale_bounds(connection).await? else { return Ok(()) };
        while let Some((oldest, _)) = stale::stale_bounds(connection).await?
            && oldest <= through
        {
            progress(self.refresh_some().await?);
        }
        Ok(())
    }

    /// Refreshes until a view can judge the rest itself. People who become stale after the call do not count.
    pub(in crate::app) async fn refresh_before_reading(&self) -> Result<(), StoreError> {
        let (_, are_all) = stale::stale(self.store.connection(Unscoped::Deriving), FEW).await?;
        if are_all { Ok(()) } else { self.refresh_all(|_| {}).await }
    }
}

/// Marks everybody stale if another derivation version or time zone derived the rows.
pub(in crate::app) async fn renew_if_reckoned_otherwise(app: &App) -> Result<(), StoreError> {
    let derivation_version = format!("{DERIVATION_VERSION} {}", app.calendar.zone.name());
    if settings::read(app.store.connection(Unscoped::Deriving), settings::DERIVATION_VERSION).await?.as_ref()
        == Some(&derivation_version)
    {
        return Ok(());
    }
    let change = app.store.change(Unscoped::Deriving, app.now()).await?;
    settings::write(&change, settings::DERIVATION_VERSION, &derivation_version).await?;
    stale::mark_everybody_stale(&change).await?;
    // The day on which HR gave a key depends on the time zone.
    let orders = platforms::link_orders(change.connection()).await?;
    relinking::relink_everybody(&change, &orders, app.calendar).await?;
    change.commit().await
}
