//! How the command line is used: its help, its exit codes, and its error messages.

use crate::commands::small_city_of_files;
use crate::support::commands::CommandLine;

/// A command's subcommands, as its help lists them.
fn subcommands(help: &str) -> Vec<String> {
    let Some((_, listed)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let names = listed.lines().take_while(|line| !line.is_empty()).filter_map(|line| {
        let name = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
        name.split_whitespace().next().map(str::to_owned)
    });
    names.filter(|name| name != "help").collect()
}

#[test]
fn the_help_of_the_whole() {
    let ran = CommandLine::new().ok("--help");
    assert_eq!(ran.err, "");
    insta::assert_snapshot!(ran.out, @r"
    The register that tells a city which of its people have done the training their work demands, and
    proves it

    Usage: kurskoll <COMMAND>

    Commands:
      serve         Run the service
      demo          A made-up city, real platform events through the real endpoint, then the report and
                    where to look
      migrate       Migrate the database's tables to this version, as every other command does first
      platform      Learning platforms that are allowed to send
      requirements  Who must have done what, by when, and for how long it holds
      directory     Who works where, as HR reports it
      results       What people did before a platform was connected
      report        How a requirement is met, in the city and in each administration
      export        An administration's people as a file: one row a person and requirement
      quarantine    Deliveries that are authentic but not understood
      token         Bearer tokens for people and their tools
      verify        Check that everything is as it was recorded, and that everything derived follows
                    from the facts
      backup        Write a consistent copy of the register while the service runs
      help          Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Configuration: Rocket.toml in this folder, and ROCKET_* variables over it.
    Without any, the register is stored in SQLite under ./data, and the service
    listens on 127.0.0.1:8000.

    Examples:
      kurskoll demo
      kurskoll platform add larportal
      kurskoll requirements apply requirements.toml
      kurskoll directory import --administrations adm.csv --employments emp.csv --full
      kurskoll serve
      kurskoll report --requirement infosec-onboarding
      ROCKET_DATABASE_URL=postgres://kurskoll@db/kurskoll kurskoll serve
    ");
}

#[test]
fn every_command_says_what_it_does_and_shows_an_example() {
    let here = CommandLine::new();
    let mut waiting = vec![String::new()];
    let mut seen = 0;
    while let Some(command) = waiting.pop() {
        let help = here.ok(&format!("{command} --help")).out;
        let about = help.lines().next().unwrap_or_default();
        assert!(about.len() > 10 && !about.starts_with("Usage"), "{command}: {about}");
        let below = subcommands(&help);
        waiting.extend(below.iter().map(|name| format!("{command} {name}")));
        seen += 1;
        if below.is_empty() {
            assert!(help.contains("\nExample"), "{command} shows no example:\n{help}");
            let example = format!("  kurskoll{command}");
            assert!(help.contains(&example), "{command} shows an example of something else:\n{help}");
        }
        // Each argument and option has a description: next to its name, or below it.
        let options = help.split_once("\nOptions:\n").and_then(|(_, rest)| rest.split("\n\n").next());
        let arguments = help.split_once("\nArguments:\n").and_then(|(_, rest)| rest.split("\n\n").next());
        let lines: Vec<&str> = [options, arguments].into_iter().flatten().flat_map(str::lines).collect();
        assert!(!lines.is_empty());
        for (at, line) in lines.iter().enumerate() {
            let name = line.trim_start();
            if line.len() - name.len() <= 6 {
                let is_said_beside = name.split_once("  ").is_some_and(|(_, text)| !text.trim().is_empty());
                let is_said_below = lines.get(at + 1).is_some_and(|next| next.starts_with("          "));
                assert!(is_said_beside || is_said_below, "{command} does not say what {name} is");
            }
        }
    }
    assert!(seen > 15, "{seen} commands were found");
}

#[test]
fn wrong_use_exits_with_2_and_changes_nothing() {
    let here = CommandLine::new();
    for line in [
        "",
        "reprot",
        "platform",
        "platform add",
        "platform add Lär",
        "platform add -- -larportal",
        "platform add larportal --adapter carrier-pigeon",
        "platform add larportal --linking-keys shoe_size",
        "platform add larportal --time-zone Europe/Atlantis",
        "requirements apply",
        "directory import --full",
        "directory import --employments emp.csv",
        "directory import --employments emp.csv --full --partial",
        "report",
        "report --requirement infosec-onboarding --as-of 2026-02-30",
        "report --requirement infosec-onboarding --known-at yesterday",
        "report --requirement infosec-onboarding --format xml",
        "export --administration SEF",
        "export --administration SEF --output sef.pdf",
        "export --administration SEF --output sef.csv --dialect tsv",
        "quarantine show seventeen",
        "quarantine replay",
        "quarantine replay 17 --all",
        "token issue",
        "token issue --role boss",
        "token issue --role city --ttl 400d",
        "token issue --role city --ttl 8",
        "backup",
        "serve --port 9000",
    ] {
        let ran = here.run(line);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{line}: {}", ran.err);
        assert!(!ran.err.is_empty(), "{line}");
    }
    assert!(!here.path("data").exists(), "wrong use created a register");
}

#[test]
fn a_failure_is_one_sentence_and_exits_with_1() {
    let here = small_city_of_files();
    here.ok("platform add larportal");
    here.write("taken.db", "something");
    for (line, wanted) in [
        ("report --requirement no-such", "no-such"),
        ("report --requirement infosec-onboarding --known-at 2999-01-01T00:00:00Z", "known_at lies in the future"),
        ("report --requirement infosec-onboarding --due-from 2026-02-02 --due-to 2026-02-01", "due_from 2026-02-02"),
        ("export --administration XYZ --output xyz.csv", "XYZ"),
        ("export --administration SEF --output no/folder/sef.csv", "No such file"),
        ("platform add larportal", "larportal exists already"),
        ("platform rotate-secret no-such", "no-such"),
        ("quarantine show 17", "17"),
        ("quarantine replay 17", "17"),
        ("token issue --role administration", "administration"),
        ("token issue --role city --administration SEF", "administration"),
        ("requirements apply missing.toml", "missing.toml"),
        ("directory import --employments missing.csv --partial", "missing.csv"),
        ("backup taken.db", "taken.db exists already"),
    ] {
        here.run(line).assert_failed(wanted);
    }
    assert_eq!(std::fs::read(here.path("taken.db")).expect("the file"), b"something", "nothing is overwritten");
    assert!(!here.path("xyz.csv").exists(), "an export that failed leaves no file");
}
