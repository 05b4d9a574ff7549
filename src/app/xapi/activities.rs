//! What is known of activities: what the statements told of them, the newest of each language.

use std::collections::BTreeMap;

use crate::app::App;
use crate::domain::ids::PlatformId;
use crate::intake::xapi::merging::merge_definitions;
use crate::store::platforms::Platform;
use crate::store::xapi::activities::{self, ActivityName, KnownDefinition};
use crate::store::{Change, StoreError};

/// What a statement says of an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldDefinition<'a> {
    pub platform: PlatformId,
    pub iri: &'a str,
    /// A JSON object, as it was sent.
    pub definition: &'a str,
    /// The statement's number in the store, by which the newest is known.
    pub statement: i64,
}

/// Remembers what statements said of activities; in which order they are told, and how often, makes no difference as
/// long as batches come from the older to the newer. What was told before is passed over.
pub async fn remember(change: &Change, told: &[ToldDefinition<'_>]) -> Result<(), StoreError> {
    let mut told: Vec<&ToldDefinition<'_>> = told.iter().collect();
    told.sort_by_key(|told| told.statement);
    let names = told.iter().map(|told| (told.platform, told.iri));
    let known = activities::definitions_of(change.connection(), names).await?;
    let mut changed: BTreeMap<ActivityName, KnownDefinition> = BTreeMap::new();
    let newest_before = |name: &ActivityName| known.get(name).map(|known| known.statement);
    for told in told {
        let name = (told.platform, told.iri.to_owned());
        if newest_before(&name).is_some_and(|before| told.statement <= before) {
            continue;
        }
        let definition = match changed.get(&name).or_else(|| known.get(&name)) {
            Some(before) => merge_definitions(&before.definition, told.definition),
            None => told.definition.to_owned(),
        };
        changed.insert(name, KnownDefinition { definition, statement: told.statement });
    }
    activities::keep_definitions(change, &changed).await
}

impl App {
    /// What is known of an activity, as a JSON object.
    pub async fn activity_definition(&self, platform: &Platform, iri: &str) -> Result<Option<String>, StoreError> {
        activities::definition_of(self.store.connection(), platform.id, iri).await
    }
}
