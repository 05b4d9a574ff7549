//! Which layer may use which: the source's `crate::` paths are checked against the allowed arrows. `domain` and `intake` are
//! crates, so the compiler holds their arrows as well; their modules, clocks and files are checked here like the others'.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// For each layer: the layers that it may use, and the external crates and paths that it may not.
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    // Rules alone: time, the database and the network belong to other layers.
    ("domain", &[], &["rocket", "sea_orm", "tokio", "futures", "reqwest", "std::env", "std::fs", "::now("]),
    ("intake", &["domain"], &["rocket", "sea_orm", "tokio", "::now("]),
    ("render", &["domain"], &["rocket", "sea_orm", "tokio", "::now("]),
    ("demo_city", &["domain"], &["rocket", "sea_orm", "tokio", "::now("]),
    ("store", &["domain"], &["rocket", "utoipa"]),
    ("sources", &[], &["rocket", "sea_orm", "::now("]),
    ("auth", &["domain"], &["rocket", "sea_orm"]),
    ("config", &["auth"], &["sea_orm"]),
    ("app", &["auth", "domain", "intake", "render", "sources", "store"], &["rocket", "sea_orm", "utoipa", "clap"]),
    ("http", &["app", "auth", "config", "domain", "render"], &["sea_orm", "kurskoll_migrations", "clap"]),
    ("jobs", &["app", "auth", "domain"], &["rocket", "sea_orm"]),
    // The command line is also the entry for HR's files, and wires the service.
    (
        "cli",
        &["app", "auth", "config", "demo_city", "domain", "http", "intake", "jobs", "render"],
        &["sea_orm", "kurskoll_migrations"],
    ),
];

/// The modules of a layer that use each other in a circle, each circle in alphabetical order. In a layer that is not listed,
/// the modules have an order. The list may only shrink.
const CIRCLES: &[(&str, &[&str])] = &[
    ("app", &["compliance", "directory"]),
    ("app", &["employees", "linking", "reports"]),
    ("cli", &["platform", "results"]),
    ("http", &["api", "openapi", "webhooks"]),
];

/// The folders of sources, and the layer that a folder is where it is a crate of its own.
const FOLDERS: &[(&str, Option<&str>)] =
    &[("src", None), ("crates/domain/src", Some("domain")), ("crates/intake/src", Some("intake"))];

/// A source file: its path from the layer's name on, and its lines without comments.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn all() -> Vec<Self> {
        let mut found = Vec::new();
        for (folder, layer) in FOLDERS {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            read_folder(&root, &mut |path, text| {
                let path = path.strip_prefix(&root).expect("under the folder");
                found.push(match layer {
                    Some(layer) => Self::of_crate(layer, path, text),
                    None => Self { path: path.to_owned(), text: text.to_owned() },
                });
            });
        }
        assert!(found.len() > 50, "the source was not found");
        found
    }

    /// A file of a layer that is a crate: its paths are written as if it were a module.
    fn of_crate(layer: &str, path: &Path, text: &str) -> Self {
        let text =
            text.replace("crate::", &format!("crate::{layer}::")).replace("kurskoll_domain::", "crate::domain::");
        Self { path: Path::new(layer).join(path), text }
    }

    fn layer(&self) -> Option<&str> {
        let mut parts = self.path.iter();
        let first = parts.next()?.to_str()?;
        parts.next().map(|_| first)
    }

    /// The module of its layer that it belongs to; `None` for the layer's own file.
    fn module(&self) -> Option<&str> {
        let name = self.path.iter().nth(1)?.to_str()?;
        Some(name.strip_suffix(".rs").unwrap_or(name)).filter(|name| !matches!(*name, "mod" | "lib"))
    }

    /// The names of its layer that it uses, by the layer's path or with `super::`.
    fn uses_of_its_layer(&self) -> BTreeSet<String> {
        let Some(layer) = self.layer() else { return BTreeSet::new() };
        let code = self.code();
        let mut used = BTreeSet::new();
        for way in [format!("crate::{layer}::"), "super::".repeat(self.depth().saturating_sub(1))] {
            for (at, _) in code.match_indices(&way) {
                let (before, after) = (&code[..at], &code[at + way.len()..]);
                let is_whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == ':');
                if is_whole && !after.starts_with("super::") {
                    used.extend(first_names(after));
                }
            }
        }
        used
    }

    /// The code outside of tests.
    fn code(&self) -> &str {
        let is_tests = self.path.iter().any(|part| part == "tests" || part == "tests.rs" || part == "properties.rs");
        let (code, _) = self.text.split_once("#[cfg(test)]\nmod tests {").unwrap_or((&self.text, ""));
        if is_tests { "" } else { code }
    }

    /// How deep the file's module is in the crate: `domain/ids.rs` and `domain/ids/mod.rs` are two deep.
    fn depth(&self) -> usize {
        let is_folders_own = self.path.file_name().is_some_and(|name| name == "mod.rs" || name == "lib.rs");
        self.path.iter().count() - usize::from(is_folders_own)
    }

    /// The layers that the file names, with `crate::` or with `super::`.
    fn uses(&self) -> BTreeSet<String> {
        let mut used: BTreeSet<String> = BTreeSet::new();
        let mut rest = self.text.as_str();
        while let Some(at) = rest.find("crate::") {
            let is_word = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
            rest = &rest[at + "crate::".len()..];
            if is_word {
                used.extend(first_names(rest));
            }
        }
        let (code, tests) = self.text.split_once("#[cfg(test)]").unwrap_or((&self.text, ""));
        for (part, depth) in [(code, self.depth()), (tests, self.depth() + 1)] {
            let climb = "super::".repeat(depth);
            if let Some(at) = part.find(&climb) {
                used.extend(first_names(part[at + climb.len()..].trim_start_matches("super::")));
            }
        }
        used
    }
}

/// Gives each Rust file of a folder: its path, and its lines without comments.
fn read_folder(folder: &Path, give: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_folder(&path, give);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            give(&path, &code.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// The first names of a path, or of each path in braces: `app::{App, Caller}` gives `app`; `{app::App, store}` both.
fn first_names(path: &str) -> Vec<String> {
    let name =
        |text: &str| -> String { text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut level, mut names, mut start) = (0_usize, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => level += 1,
            ',' if level == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
            }
            '}' if level == 0 => {
                names.push(name(&group[start..at]));
                break;
            }
            '}' => level -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Whether code names an external crate or path.
fn names(text: &str, word: &str) -> bool {
    let pattern = if word.contains("::") { word.to_owned() } else { format!("{word}::") };
    text.match_indices(&pattern).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        // A string such as "rocket::launch=error" names a log target, not a crate.
        word.starts_with("::") || !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '"')
    })
}

#[test]
fn every_layer_has_its_arrows() {
    let layers: BTreeSet<String> = Source::all().iter().filter_map(Source::layer).map(str::to_owned).collect();
    let listed: BTreeSet<String> = ARROWS.iter().map(|(layer, _, _)| (*layer).to_owned()).collect();
    assert_eq!(layers, listed);
}

#[test]
fn no_layer_uses_another_against_the_arrows() {
    let layers: BTreeMap<&str, (&[&str], &[&str])> =
        ARROWS.iter().map(|(layer, may, never)| (*layer, (*may, *never))).collect();
    let mut against = Vec::new();
    for source in Source::all() {
        let Some(layer) = source.layer() else { continue };
        let (may, never) = layers[layer];
        for other in source.uses() {
            if other != layer && layers.contains_key(other.as_str()) && !may.contains(&other.as_str()) {
                against.push(format!("{} uses {other}", source.path.display()));
            }
        }
        let outside = never.iter().filter(|word| names(source.code(), word));
        against.extend(outside.map(|word| format!("{} names {word}", source.path.display())));
    }
    assert!(against.is_empty(), "against the arrows:\n{}", against.join("\n"));
}

/// The modules of each layer, with those of the same layer that each uses.
fn modules() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut layers: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for source in Source::all() {
        if let (Some(layer), Some(module)) = (source.layer(), source.module()) {
            let modules = layers.entry(layer.to_owned()).or_default();
            modules.entry(module.to_owned()).or_default().extend(source.uses_of_its_layer());
        }
    }
    for modules in layers.values_mut() {
        let names: BTreeSet<String> = modules.keys().cloned().collect();
        for (module, used) in modules {
            used.retain(|other| other != module && names.contains(other));
        }
    }
    layers
}

/// The modules that one uses, directly or through others.
fn reached<'a>(modules: &'a BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached: BTreeSet<&str> = modules[from].iter().map(String::as_str).collect();
    let mut next: Vec<&str> = reached.iter().copied().collect();
    while let Some(module) = next.pop() {
        next.extend(modules[module].iter().map(String::as_str).filter(|used| reached.insert(*used)));
    }
    reached
}

/// The sets of modules that all use each other, directly or through others.
fn circles(modules: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<&str>> {
    let all: BTreeMap<&str, BTreeSet<&str>> =
        modules.keys().map(|module| (module.as_str(), reached(modules, module))).collect();
    let mut circles = BTreeSet::new();
    for (module, used) in &all {
        if used.contains(module) {
            circles.insert(used.iter().copied().filter(|other| all[other].contains(module)).collect());
        }
    }
    circles
}

#[test]
fn modules_of_a_layer_use_each_other_in_no_circle() {
    let layers = modules();
    let found: BTreeSet<(&str, Vec<&str>)> = layers
        .iter()
        .flat_map(|(layer, modules)| circles(modules).into_iter().map(move |circle| (layer.as_str(), circle)))
        .collect();
    let listed: BTreeSet<(&str, Vec<&str>)> = CIRCLES.iter().map(|(layer, circle)| (*layer, circle.to_vec())).collect();
    let new: Vec<_> = found.difference(&listed).collect();
    assert!(new.is_empty(), "in a circle; move what they share into a module of its own: {new:?}");
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(gone.is_empty(), "remove these from the list: {gone:?}");
}

#[test]
fn entities_never_leave_the_store() {
    for source in Source::all() {
        let path = source.path.display();
        if source.layer() != Some("store") {
            assert!(!names(&source.text, "entities"), "{path} names the store's entities");
            continue;
        }
        assert!(!source.text.contains("pub mod entities") && !source.text.contains("pub use entities"), "{path}");
        for (at, _) in source.text.match_indices("pub fn ").chain(source.text.match_indices("pub async fn ")) {
            let signature: String = source.text[at..].chars().take_while(|c| *c != '{').collect();
            assert!(!signature.contains("::Model") && !signature.contains("::ActiveModel"), "{path}: {signature}");
        }
    }
}

#[test]
fn paths_are_read_as_they_are_written() {
    assert_eq!(first_names("app::{App, Asker};"), ["app"]);
    assert_eq!(first_names("{app::{App, Asker}, store, http::{self}};"), ["app", "store", "http"]);
    assert_eq!(first_names("store::Store;"), ["store"]);
    assert!(names("use sea_orm::Set;", "sea_orm") && names("&impl sea_orm::ConnectionTrait", "sea_orm"));
    assert!(!names("kurskoll_sea_orm::x", "sea_orm") && !names(r#""rocket::launch=error""#, "rocket"));
    assert!(names("Utc::now()", "::now("));
    let climbing = Source { path: PathBuf::from("domain/ids.rs"), text: "use super::super::store::Store;".to_owned() };
    assert_eq!(climbing.uses(), BTreeSet::from(["store".to_owned()]));
    let of_crate = Source::of_crate("intake", Path::new("json.rs"), "use crate::xapi::X; use kurskoll_domain::ids::Y;");
    assert_eq!(of_crate.uses(), BTreeSet::from(["domain".to_owned(), "intake".to_owned()]));
    assert_eq!(of_crate.uses_of_its_layer(), BTreeSet::from(["xapi".to_owned()]));
    let staying = Source { path: PathBuf::from("domain/plan/mod.rs"), text: "use super::ids::X;".to_owned() };
    assert_eq!(staying.uses(), BTreeSet::new());
    let within =
        |path: &str, text: &str| Source { path: PathBuf::from(path), text: text.to_owned() }.uses_of_its_layer();
    assert_eq!(
        within("domain/plan/act.rs", "use super::super::ids::X; use super::y; super::super::super::store::z"),
        BTreeSet::from(["ids".to_owned()])
    );
    assert_eq!(
        within("domain/plan/mod.rs", "use crate::domain::{ids, calendar::Day};"),
        BTreeSet::from(["calendar".to_owned(), "ids".to_owned()])
    );
}

#[test]
fn a_circle_is_found_whatever_leads_into_it() {
    let uses = |name: &str, used: &[&str]| (name.to_owned(), used.iter().map(|used| (*used).to_owned()).collect());
    let modules = BTreeMap::from([uses("a", &["b"]), uses("b", &["c"]), uses("c", &["b", "d"]), uses("d", &[])]);
    assert_eq!(circles(&modules), BTreeSet::from([vec!["b", "c"]]));
}
