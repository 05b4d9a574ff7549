//! What is known of activities: what statements said of them, the newest of each language.

use std::collections::BTreeMap;

use crate::app::App;
use crate::domain::ids::PlatformId;
use crate::intake::xapi::merging::merge_definitions;
use crate::store::platforms::Platform;
use crate::store::xapi::activities::{self, ActivityName, KnownDefinition};
use crate::store::{Connection, StoreError, Unscoped};

/// A statement's description of an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DescribedDefinition {
    pub platform: PlatformId,
    pub iri: String,
    /// A JSON object, as it was sent.
    pub definition: String,
    /// The statement's number in the store, which shows the newest.
    pub statement: i64,
}

/// The activities about which these statements are news, with what is known then. The order and repetition within a
/// batch make no difference, as long as batches go from the older to the newer; what was learned before is skipped.
pub(super) async fn learned(
    connection: &impl Connection,
    described: &[DescribedDefinition],
) -> Result<BTreeMap<ActivityName, KnownDefinition>, StoreError> {
    let mut described: Vec<&DescribedDefinition> = described.iter().collect();
    described.sort_by_key(|described| described.statement);
    let names = described.iter().map(|described| (described.platform, described.iri.as_str()));
    let known = activities::definitions_of(connection, names).await?;
    let mut changed: BTreeMap<ActivityName, KnownDefinition> = BTreeMap::new();
    for described in described {
        let name = (described.platform, described.iri.clone());
        if known.get(&name).is_some_and(|known| described.statement <= known.statement) {
            continue;
        }
        let before = changed.get(&name).or_else(|| known.get(&name)).map(|before| before.definition.as_str());
        let definition = match before {
            Some(before) => merge_definitions(before, &described.definition),
            None => described.definition.clone(),
        };
        if before != Some(definition.as_str()) {
            changed.insert(name, KnownDefinition { definition, statement: described.statement });
        }
    }
    Ok(changed)
}

impl App {
    /// What is known of an activity, as a JSON object.
    pub async fn activity_definition(&self, platform: &Platform, iri: &str) -> Result<Option<String>, StoreError> {
        self.index_for_a_question().await?;
        activities::definition_of(self.store.connection(Unscoped::Receiving), platform.id, iri).await
    }
}
