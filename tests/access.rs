//! Access by construction: which code sees more than some caller's scope, and which functions of the store know no scope.
//!
//! Both lists may only shrink. A new line in either is a place where a person could be seen by somebody who may not: use an
//! act's scope instead, or say in the review why that cannot be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                walk(&entry, found);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&entry).expect("a file");
                found.push((entry.display().to_string(), text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src").join(folder), &mut found);
    let prefix = format!("{}/src/{folder}/", root.display());
    found.iter_mut().for_each(|(path, _)| *path = path.trim_start_matches(&prefix).to_owned());
    found.sort();
    found
}

/// How often each file of the use cases works without a caller's scope, and as what.
#[test]
fn what_works_without_a_callers_scope_is_listed() {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for (path, text) in sources("app") {
        for part in text.split("Unscoped::").skip(1) {
            let reason: String = part.chars().take_while(|c| c.is_alphanumeric()).collect();
            *uses.entry(format!("{reason} {path}")).or_default() += 1;
        }
    }
    let listed = uses.iter().map(|(place, count)| format!("{place} {count}")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(listed, @r"
    Configuration compliance/unknown_audience.rs 1
    Configuration directory/list_codes.rs 1
    Configuration operating/sign_tokens.rs 3
    Configuration platforms/add.rs 1
    Configuration platforms/give_profile.rs 1
    Configuration platforms/show.rs 1
    Deriving compliance/refresh.rs 7
    Deriving operating/seal.rs 2
    Deriving operating/verify/mod.rs 1
    Operating compliance/statements_without_result.rs 1
    Operating directory/import.rs 1
    Operating linking/unlinked.rs 2
    Receiving platforms/pull/completions.rs 2
    Receiving platforms/pull/configure.rs 1
    Receiving platforms/pull/run.rs 4
    Receiving quarantine/replay.rs 6
    Receiving quarantine/show.rs 1
    Receiving quarantine/take_out.rs 2
    Receiving receiving/effect.rs 1
    Receiving receiving/import_results.rs 2
    Receiving receiving/receive.rs 2
    Receiving receiving/reread.rs 2
    Receiving xapi/activities.rs 1
    Receiving xapi/consistency.rs 3
    Receiving xapi/credentials.rs 1
    Receiving xapi/documents.rs 4
    Receiving xapi/find.rs 4
    Receiving xapi/index.rs 1
    Receiving xapi/verify.rs 1
    RestsOnEverybody compliance/decide_results.rs 1
    RestsOnEverybody employees/correct.rs 1
    RestsOnEverybody employees/history.rs 1
    RestsOnEverybody linking/link.rs 1
    RestsOnEverybody linking/moves.rs 1
    RestsOnEverybody linking/share.rs 1
    RestsOnEverybody linking/unlinked.rs 1
    RestsOnEverybody receiving/reread.rs 1
    RestsOnEverybody reports/as_known.rs 1
    RestsOnEverybody reports/build.rs 1
    RestsOnEverybody reports/compare.rs 1
    RestsOnEverybody scim/waiting.rs 2
    ");
}

/// The functions of the store that read and take no scope: they answer about single ids and keys that the caller was given
/// by a function that does take one, or about what is nobody's data.
#[test]
fn what_reads_without_a_scope_is_listed() {
    let mut unscoped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources("store") {
        for part in text.split("\npub async fn ").skip(1) {
            let signature = part.split(" {\n").next().unwrap_or_default();
            let name = signature.split(['(', '<']).next().unwrap_or_default();
            let reads =
                ["impl Connection", "impl ConnectionTrait", "&Snapshot"].iter().any(|form| signature.contains(form));
            if reads && !signature.contains("&Scope") {
                unscoped.entry(path.clone()).or_default().push(name.to_owned());
            }
        }
    }
    let listed =
        unscoped.iter().map(|(path, names)| format!("{path}: {}", names.join(" "))).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(listed, @r"
    called.rs: called
    chain/mod.rs: head ending_at reader_at clock
    chain/rows.rs: by_key by_instant called
    clock.rs: known_through
    corrections.rs: reasons
    credentials.rs: by_key
    decisions.rs: decisions nobodys decision_by_id
    deliveries.rs: owners quarantined count_quarantined
    directory.rs: administrations units_among known
    history.rs: facts links results result_decisions result who_did_it
    imports.rs: latest_of carried_out
    judged_for.rs: judged_for
    keys.rs: list
    learners.rs: as_known kept_learners links_of miscounted_repeats events_of_nobody
    links.rs: index_for index_as_known
    merges.rs: merges
    merging.rs: by_id of_employee
    namesakes.rs: directory_state namesakes
    people.rs: as_told told_in attach_linked_results by_number ever_by_number known_since ids_of known_otherwise ids_after numbers_of
    platform_health.rs: counts_since spoke active_hours deliveries_since latest occurred_in
    platforms.rs: list by_code link_orders secrets_at
    profiles.rs: newest versions
    proposals.rs: by_id list of_employee that_count
    protection.rs: protected_now protected_among protected_words
    pulls.rs: of list due found_since completions_of
    quarantine.rs: by_ids waiting_among count taken_of
    receiving/file.rs: kept_before foretell
    receiving/mod.rs: foretell_again
    receiving/reread.rs: page satisfying
    receiving/rereading.rs: deliveries_after events_of events_without_delivery events_named statements_of kept_among done_among held_among attachments_of secrets_held
    receiving/without.rs: of_deliveries
    reorganisations.rs: standing successions was_known_before
    requirements.rs: versions recorded_between codes
    result_decisions.rs: by_id of_event that_count of_events
    revocations.rs: platforms_of around
    rows/insertion.rs: insert_several insert insert_in_chunks
    rows/question.rs: find ask
    scim.rs: users by_user_name by_external_id by_waited_as existing existing_waited waited candidates count page ids by_numbers times members
    scim_groups.rs: by_id by_external_id list members members_among groups_of
    scim_waiting.rs: by_id existing by_user_name candidates count after page perhaps_known
    settings.rs: read
    stale.rs: stale stale_bounds stale_employees stale_among more_stale_than count_stale_employees
    standings.rs: kept count_orphans
    told.rs: results_about waiting_about unlinked_of of_learners told_by
    undoing.rs: rested_on
    waiting.rs: unlinked named_by count_unlinked count_linked_between count_waiting_between results_between
    xapi/activities.rs: definition_of definitions_of
    xapi/attachments.rs: read
    xapi/bodies.rs: read
    xapi/documents.rs: by_name digest_by_name names
    xapi/finding.rs: by_id page
    xapi/indexing.rs: through after newest waiting_behind named referring_to missing count_terms
    xapi/without_result.rs: count
    ");
}

/// Nobody outside of the store can make a change, a snapshot or a scope by hand.
#[test]
fn an_act_is_the_only_way_to_a_scope() {
    for (path, text) in sources("app").into_iter().chain(sources("http")).chain(sources("cli")).chain(sources("jobs")) {
        for forbidden in ["open_change(", "open_snapshot(", "pool_of_readers("] {
            assert!(!text.contains(forbidden), "{path} calls {forbidden}…)");
        }
    }
}
