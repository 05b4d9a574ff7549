//! Feeds the fuzz targets with the stored inputs: all seeds, which include each finding, and all fixtures.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::path::{Path, PathBuf};

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 11] = [
    ("answers", targets::answers::read),
    ("files", targets::files::read),
    ("json", targets::json::read),
    ("multipart", targets::multipart::read),
    ("profiles", targets::profiles::read),
    ("query", targets::query::read),
    ("requirements", targets::requirements::read),
    ("scim", targets::scim::read),
    ("signature", targets::signature::read),
    ("statements", targets::statements::read),
    ("webhooks", targets::webhooks::read),
];

fn files_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_in(&path, found) } else { found.push(path) }
    }
}

fn feed(name: &str, target: Target, folder: &str) -> usize {
    let mut files = Vec::new();
    files_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    for file in &files {
        let bytes = std::fs::read(file).expect("a file");
        let read = std::panic::catch_unwind(|| target(&bytes));
        assert!(read.is_ok(), "{name} fails on {}", file.display());
    }
    files.len()
}

#[test]
fn every_target_accepts_its_seeds() {
    for (name, target) in TARGETS {
        assert!(feed(name, target, &format!("fuzz/seeds/{name}")) > 0, "{name} has no seeds");
    }
}

#[test]
fn every_target_accepts_all_fixtures() {
    for (name, target) in TARGETS {
        assert!(feed(name, target, "fixtures") > 200);
    }
}

#[test]
fn every_target_is_named_wherever_targets_are() {
    let mut named: Vec<String> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets"))
        .expect("the targets")
        .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    named.sort();
    assert_eq!(named, TARGETS.map(|(name, _)| name));
}
