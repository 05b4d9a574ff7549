//! Access by construction: which code sees more than one caller's scope, and which store functions take no scope.
//!
//! Both lists may only shrink. A new line in either is a place where a caller could see a person outside its scope: use the
//! act's scope instead, or say in the review why that cannot be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use kurskoll::app::Caller;
use kurskoll::app::employees::history::HistoryRequest;
use kurskoll::app::employees::merge::MergeRequest;
use kurskoll::app::employees::show::ShowEmployeeError;
use kurskoll::app::reports::clocks::Clocks;
use kurskoll::domain::access::{Action, Principal, Role};
use kurskoll::domain::history::Kind;
use kurskoll::domain::ids::{EmployeeId, EmployeeNumber, RequirementCode};
use kurskoll::domain::report::DuePeriod;
use kurskoll::store::whose::Whose;
use kurskoll::store::{Act, Author, Unscoped, audit, employees, people, status_counts};

use crate::support::app::TestApp;
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::small_city;

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

/// How often each file of the use cases works without a caller's scope, and for which reason.
#[test]
fn use_cases_without_a_callers_scope_are_listed() {
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
    Configuration linking/unlinked.rs 2
    Configuration operating/sign_tokens.rs 3
    Configuration platforms/add.rs 1
    Configuration platforms/give_profile.rs 1
    Configuration platforms/show.rs 1
    Deriving compliance/refresh.rs 7
    Deriving operating/seal.rs 2
    Deriving operating/verify/mod.rs 1
    Deriving scim/waiting.rs 2
    Operating compliance/statements_without_result.rs 1
    Planning directory/import.rs 1
    Receiving platforms/pull/completions.rs 1
    Receiving platforms/pull/configure.rs 1
    Receiving platforms/pull/run.rs 5
    Receiving quarantine/replay.rs 6
    Receiving quarantine/show.rs 1
    Receiving quarantine/take_out.rs 2
    Receiving receiving/effect.rs 1
    Receiving receiving/import_results.rs 2
    Receiving receiving/receive.rs 1
    Receiving receiving/reread.rs 3
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
    ");
}

/// The store functions that read and take no scope. They answer about single ids and keys, which the caller got from a function
/// that does take one, or about data that concerns no person.
#[test]
fn store_functions_without_a_scope_are_listed() {
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
    compliance_states.rs: stored count_orphans
    corrections.rs: reasons
    credentials.rs: by_key
    decisions.rs: decisions dismissals decision_by_id
    deliveries.rs: owners quarantined count_quarantined
    directory.rs: administrations units_among known
    history.rs: facts links results result_decisions result who_did_it
    imports.rs: latest_of carried_out
    judged_for.rs: judged_for
    keys.rs: list
    learners.rs: as_known stored_learners links_of miscounted_repeats events_without_owner
    links.rs: index_for index_as_known
    merges.rs: merges
    merging.rs: by_id of_employee
    namesakes.rs: directory_state namesakes
    people.rs: as_recorded recorded_in attach_linked_results by_number ever_by_number known_since ids_of known_otherwise ids_after numbers_of
    platform_health.rs: counts_since spoke active_hours deliveries_since latest occurred_in
    platforms.rs: list by_code link_orders secrets_at
    profiles.rs: newest versions
    proposals.rs: by_id list of_employee that_count
    protection.rs: protected_now protected_among protected_words
    pulls.rs: of list due found_since completions_of
    quarantine.rs: by_ids waiting_among count taken_of
    receiving/file.rs: stored_before preview
    receiving/mod.rs: preview_again
    receiving/reread.rs: page satisfying
    receiving/rereading.rs: deliveries_after events_of events_without_delivery events_named statements_of stored_among done_among pending_among attachments_of secrets_held
    receiving/without.rs: of_deliveries
    reorganisations.rs: in_force successions was_known_before
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
    stored_results.rs: results_about waiting_about unlinked_of of_learners times_of_results
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

fn number(text: &str) -> EmployeeNumber {
    EmployeeNumber::parse(text).expect("a number")
}

async fn id_of(app: &TestApp, text: &str) -> EmployeeId {
    let connection = app.app.store.connection(Unscoped::Operating);
    people::by_number(connection, &number(text)).await.expect("an answer").expect("an employee")
}

/// Anna, who leads Bo, as a caller that has signed in.
async fn anna(app: &TestApp) -> Caller {
    let roles = BTreeSet::from([Role::Manager, Role::Employee]);
    let principal = Principal {
        employee: Some(id_of(app, "1001").await),
        managed: BTreeSet::from([id_of(app, "1002").await]),
        ..Principal::with_token("anna".to_owned(), roles, BTreeSet::new())
    };
    Caller { principal, request_id: "a-request".to_owned() }
}

both_databases! {
    async fn a_manager_sees_their_people_and_themselves_and_no_others(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let anna = anna(&app).await;
        for own in ["1001", "1002"] {
            let seen = app.app.show_employee(&anna, &number(own), Clocks::default()).await.expect("an own person");
            assert_eq!((seen.number, seen.employments.len()), (number(own), 1));
        }
        for other in ["1003", "1004", "4711"] {
            let refused = app.app.show_employee(&anna, &number(other), Clocks::default()).await;
            assert!(matches!(refused, Err(ShowEmployeeError::UnknownEmployee(_))), "{other}: {refused:?}");
        }
        let grant = anna.grant(Action::ReadPeople).expect("a right");
        let whole = app.app.store.begin_read(
            Author { grant: &grant, request_id: "a-request" },
            Act { action: "employee.read", object: "everybody" },
            (app.clock.now(), app.app.calendar),
        );
        let reading = whole.await.expect("an act").open(&app.app.store).await.expect("a snapshot");
        let mut everybody = Vec::new();
        for each in ["1001", "1002", "1003", "1004"] {
            everybody.push(id_of(&app, each).await);
        }
        let known = employees::known(reading.connection(), reading.scope(), Whose::Only(&everybody), None).await;
        let known: Vec<EmployeeNumber> = known.expect("people").into_values().map(|employee| employee.number).collect();
        assert_eq!(known, [number("1001"), number("1002")]);
        let requirement = RequirementCode::parse("infosec-onboarding").expect("a code");
        let counted = status_counts::count_statuses(
            reading.connection(),
            &requirement,
            app.app.today(),
            DuePeriod::year_to(app.app.today()),
            (reading.scope(), None),
        );
        assert_eq!(counted.await.expect("counts"), []);
        let auditor = app.token(Role::Auditor, &[]).await;
        let trail = app.get("/api/v1/audit?limit=2", Some(&auditor)).await.ok();
        assert_eq!((&trail["items"][1]["subject"], &trail["items"][1]["scope"]), (&"anna".into(), &"2 people".into()));
    }

    async fn a_person_in_scope_is_seen_with_what_is_recorded_under_each_of_their_numbers(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let request = MergeRequest {
            kept: number("1001"),
            duplicate: number("1003"),
            reason: "one human".to_owned(),
            dry_run: false,
        };
        app.app.merge_employees(&Caller::operator(), &request).await.expect("a merge");
        let anna = anna(&app).await;
        let mut stories = Vec::new();
        for caller in [&Caller::operator(), &anna] {
            let request = HistoryRequest { after: None, kind: Some(Kind::Employment), at_most: 100 };
            let story = app.app.show_history(caller, &number("1001"), request).await.expect("a story");
            stories.push(story.entries.len());
        }
        assert_eq!(stories, [3, 3]);
    }

    async fn a_page_of_the_trail_is_full_whatever_is_recorded_while_it_is_read(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let store = &app.app.store;
        let grant = Caller::operator().grant(Action::ReadAudit).expect("a right");
        let author = Author { grant: &grant, request_id: "a-request" };
        let when = (app.clock.now(), app.app.calendar);
        let entry = |object| Act { action: "audit.read", object };
        store.begin_read(author, entry("earlier"), when).await.expect("an act");
        let mine = store.begin_read(author, entry("mine"), when).await.expect("an act");
        store.begin_read(author, entry("later"), when).await.expect("an act");
        let reading = mine.open(store).await.expect("a snapshot");
        let page = audit::list(reading.connection(), reading.scope(), reading.entry_id(), 1).await.expect("a page");
        assert_eq!(page.iter().map(|entry| entry.object.as_str()).collect::<Vec<_>>(), ["earlier"]);
    }
}
