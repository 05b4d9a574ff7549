//! Who might be meant by keys that do not link. A suggestion is shown and never applied.

use std::sync::Arc;

use tokio::task::JoinError;

use crate::app::App;
use crate::domain::ids::PlatformId;
use crate::domain::linking::LearnerKeys;
use crate::domain::linking::namesakes::{Namesake, Namesakes};
use crate::domain::linking::ownership::answering;
use crate::domain::linking::suggestion::Reason;
use crate::store::namesakes::{directory_state, namesakes};
use crate::store::{Scope, Snapshot, StoreError};

/// The index of everybody who may be suggested, cached until the directory changes: building it reads everybody,
/// querying it does not.
#[derive(Debug, Default)]
pub struct CachedNamesakes(tokio::sync::Mutex<Option<(Option<String>, Arc<Namesakes>)>>);

/// An employee who might be meant, as the caller may see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestionAnswer {
    pub employee_number: String,
    pub given_name: String,
    pub family_name: String,
    /// From 1 to 100.
    pub score: u8,
    /// The strongest first.
    pub reasons: Vec<Reason>,
}

impl App {
    /// The index for a snapshot's directory.
    pub(in crate::app) async fn namesakes(&self, snapshot: &Snapshot) -> Result<Arc<Namesakes>, StoreError> {
        let state = directory_state(snapshot.connection()).await?;
        let mut stored = self.namesakes.0.lock().await;
        if let Some((of, index)) = &*stored
            && *of == state
        {
            return Ok(index.clone());
        }
        let people = namesakes(snapshot.connection()).await?;
        // It takes a quarter of a second for 26,000 people; other requests must not wait for it.
        let built = tokio::task::spawn_blocking(move || Namesakes::new(people)).await;
        let index = match built.map_err(JoinError::try_into_panic) {
            Ok(index) => Arc::new(index),
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The service stops: no request is answered any more.
            Err(Err(_)) => return Ok(Arc::default()),
        };
        *stored = Some((state, index.clone()));
        Ok(index)
    }

    /// The employees who might be meant by an entry's learners, among those for whom the caller's administrations
    /// answer.
    pub(in crate::app) fn suggestions(
        &self,
        index: &Namesakes,
        scope: &Scope,
        platform: PlatformId,
        learners: &[LearnerKeys],
    ) -> Vec<SuggestionAnswer> {
        let today = self.today();
        let is_own = |person: &Namesake| {
            scope.is_all()
                || answering(&person.engagements, today).into_iter().any(|code| scope.visible().includes(code))
        };
        let found = index.suggest(platform, learners, today, is_own).into_iter();
        let answer = found.filter_map(|suggestion| {
            let person = index.person(suggestion.employee)?;
            Some(SuggestionAnswer {
                employee_number: person.number.clone(),
                given_name: person.given_name.clone(),
                family_name: person.family_name.clone(),
                score: suggestion.score,
                reasons: suggestion.reasons,
            })
        });
        answer.collect()
    }
}
