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
    insta::assert_snapshot!(listed, @r"");
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
    insta::assert_snapshot!(listed, @r"");
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
