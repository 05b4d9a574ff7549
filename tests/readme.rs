//! README's commands do what it says: typed one by one, as a script, and a second time.

use std::process::{Command, Output};

const README: &str = include_str!("../README.md");

/// The commands of a section's blocks, without those that build.
fn commands(section: &str) -> String {
    let (_, from) = README.split_once(&format!("## {section}\n")).expect("the section");
    let section = from.split("\n## ").next().unwrap_or(from);
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block);
    blocks.filter(|block| !block.starts_with("cargo ")).collect()
}

fn run(folder: &std::path::Path, script: &str, port: u16) -> Output {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_kurskoll"));
    let path =
        format!("{}:{}", program.parent().expect("its folder").display(), std::env::var("PATH").expect("a path"));
    let mut bash = Command::new("bash");
    bash.args(["-e", "-o", "pipefail", "-c", script]).current_dir(folder);
    bash.env("PATH", path).env("ROCKET_PORT", port.to_string()).env_remove("ROCKET_DATABASE_URL");
    let ran = bash.output().expect("bash runs");
    assert!(ran.status.success(), "{}\n{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    ran
}

#[test]
fn the_first_real_use_can_be_typed_as_printed_and_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    std::os::unix::fs::symlink(fixtures, folder.path().join("fixtures")).expect("the fixtures");
    // A port that was free a moment ago, instead of the usual one.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("its number").port();
    drop(free);
    let commands = commands("A first real use").replace("127.0.0.1:8000", &format!("127.0.0.1:{port}"));
    let script = format!("trap 'kill $(jobs -p); wait' EXIT\n{commands}");
    for outcome in ["accepted", "duplicate"] {
        let ran = run(folder.path(), &script, port);
        let out = String::from_utf8_lossy(&ran.stdout);
        let answer = format!(r#"{{"event_id":"msg-1","outcome":"{outcome}","linked":true}}"#);
        assert!(out.contains(&answer), "{out}");
        assert!(out.contains("infosec-onboarding, version 1"), "{out}");
        assert!(folder.path().join("sef.xlsx").exists());
    }
}
