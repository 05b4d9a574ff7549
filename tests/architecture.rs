//! ARCHITECTURE.md names files that exist, and lists the files that frequent changes touch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ARCHITECTURE: &str = include_str!("../ARCHITECTURE.md");

/// The changes whose files it lists, by their headings.
const LISTS: [&str; 4] =
    ["Add a column to the export", "Add a status", "Add an endpoint", "Read another field of HR's files"];

/// Where a path may begin: in `src`, or at the top.
fn beginnings() -> [PathBuf; 2] {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    [top.join("src"), top.to_owned()]
}

/// A path with the place of the layers that are crates: `domain/ids.rs` is `crates/domain/src/ids.rs`.
fn placed(path: &str) -> String {
    let layer = path.split_once('/').filter(|(layer, _)| matches!(*layer, "domain" | "intake"));
    layer.map_or_else(|| path.to_owned(), |(layer, rest)| format!("crates/{layer}/src/{rest}"))
}

/// The words of a text that look like paths of ours: in backticks, and in a folder of ours or a Rust file.
fn paths(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        assert!(line.matches('`').count().is_multiple_of(2), "a backtick has no partner on its line: {line}");
        let words = line.split('`').skip(1).step_by(2);
        found.extend(words.filter(|word| !word.contains(char::is_whitespace) && is_path(word)));
    }
    found
}

fn is_path(word: &str) -> bool {
    let is_in_ours = placed(word).split_once('/').is_some_and(|(folder, _)| {
        !folder.is_empty() && beginnings().iter().any(|beginning| beginning.join(folder).is_dir())
    });
    is_in_ours || word.ends_with(".rs")
}

/// The paths that one with braces means: `a/{b,c}.rs` is `a/b.rs` and `a/c.rs`.
fn expanded(path: &str) -> Vec<String> {
    let parts = path.split_once('{').and_then(|(before, rest)| {
        let (names, behind) = rest.split_once('}')?;
        Some((before, names, behind))
    });
    match parts {
        Some((before, names, behind)) => {
            names.split(',').flat_map(|name| expanded(&format!("{before}{name}{behind}"))).collect()
        }
        None => vec![path.to_owned()],
    }
}

/// What there is under a folder by a path, in whose names `*` or a placeholder such as `<noun>` is any text.
fn found_in(folder: &Path, path: &str) -> Vec<PathBuf> {
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.expect("an entry").file_name().into_string().ok());
    let fitting = names.filter(|known| fits(known, name)).map(|known| folder.join(known));
    if rest.is_empty() {
        fitting.filter(|found| !path.ends_with('/') || found.is_dir()).collect()
    } else {
        fitting.flat_map(|found| found_in(&found, rest)).collect()
    }
}

fn fits(name: &str, pattern: &str) -> bool {
    let parts = pattern.split_once('*').or_else(|| {
        let (before, rest) = pattern.split_once('<')?;
        Some((before, rest.split_once('>')?.1))
    });
    match parts {
        Some((before, behind)) => name.strip_prefix(before).is_some_and(|rest| rest.ends_with(behind)),
        None => name == pattern,
    }
}

fn found(path: &str) -> Vec<PathBuf> {
    let path = placed(path);
    beginnings().iter().flat_map(|beginning| found_in(beginning, &path)).collect()
}

/// The part of a text from a heading to the next one like it.
fn section<'a>(text: &'a str, marks: &str, title: &str) -> &'a str {
    let (_, from) = text
        .split_once(&format!("\n{marks} {title}\n"))
        .unwrap_or_else(|| panic!("ARCHITECTURE.md has no heading \"{marks} {title}\""));
    from.split(&format!("\n{marks} ")).next().unwrap_or(from)
}

#[test]
fn every_path_that_it_names_exists() {
    let named = paths(ARCHITECTURE);
    assert!(named.len() > 100, "only these paths were found: {named:?}");
    let each = named.iter().flat_map(|path| expanded(path));
    let missing: Vec<String> = each.filter(|path| found(path).is_empty()).collect();
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md names what is neither in src nor at the top; write whole paths:\n{}",
        missing.join("\n")
    );
}

#[test]
fn it_lists_the_files_of_what_newcomers_do() {
    let lists = section(ARCHITECTURE, "##", "Four things that newcomers do");
    for title in LISTS {
        let named = paths(section(lists, "###", title));
        let each = named.iter().flat_map(|path| expanded(path));
        let files: BTreeSet<PathBuf> = each.flat_map(|path| found(&path)).filter(|found| found.is_file()).collect();
        assert!(files.len() >= 4, "\"{title}\" names only {files:?}");
    }
}

#[test]
fn a_path_is_found_by_its_braces_stars_and_placeholders() {
    assert_eq!(expanded("store/{pool,proof}.rs"), ["store/pool.rs", "store/proof.rs"]);
    assert_eq!(expanded("store/pool.rs"), ["store/pool.rs"]);
    for path in ["domain/", "tests/arrows.rs", "intake/profile/parse*.rs", "store/<noun>.rs", "scripts/fuzz", "http"] {
        assert!(!found(path).is_empty(), "{path}");
    }
    for path in ["domain/no_such.rs", "no_such/", "tests/arrows.rs/", "store/no_such*.rs", "docs/<noun>.rs"] {
        assert!(found(path).is_empty(), "{path}");
    }
    let words = "`domain/x` and `domain/x` or `pool.rs`, `application/json`, `/health/ready`, `GET /xapi/about`";
    assert_eq!(paths(words), BTreeSet::from(["domain/x", "pool.rs"]));
}
