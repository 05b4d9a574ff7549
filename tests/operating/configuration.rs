//! `Rocket.toml`, the defaults in the code, and the environment, which overrides both.

use std::collections::BTreeMap;

use kurskoll::config::{self, Settings};
use rocket::figment::providers::{Format, Toml};
use rocket::figment::value::{Dict, Num, Value};
use rocket::figment::{Figment, Profile, Provider};

use crate::support::commands::CommandLine;

/// The settings that depend on the machine, or that do not matter: the file names them in a comment.
const COMMENTED: [&str; 3] = ["workers", "temp_dir", "limits"];

/// The settings that are sizes, which are written with a unit.
const SIZES: [&str; 4] =
    ["connections.slowest_body", "receiving.max_body", "receiving.max_results_file", "receiving.max_xapi_body"];

const FILE: &str = include_str!("../../Rocket.toml");

fn settings_of(figment: &Figment) -> Dict {
    let mut data: BTreeMap<Profile, Dict> = figment.data().expect("settings");
    data.remove(&Profile::Default).expect("the default profile")
}

fn digits(number: &Num) -> String {
    let signed = || number.to_i128().map(|number| number.to_string());
    number.to_u128().map(|number| number.to_string()).or_else(signed).expect("a whole number")
}

/// Each setting as text, by its dotted name, from any source.
fn flat(settings: &Dict, into: &mut BTreeMap<String, String>, under: &str) {
    for (name, value) in settings {
        let name = format!("{under}{name}");
        match value {
            Value::Dict(_, inner) => flat(inner, into, &format!("{name}.")),
            // A size may be written as a number of bytes.
            Value::Num(_, number) if SIZES.contains(&name.as_str()) => {
                into.insert(name, digits(number));
            }
            Value::String(_, text) if SIZES.contains(&name.as_str()) => {
                let size: rocket::data::ByteUnit = text.parse().expect("a size");
                into.insert(name, size.as_u64().to_string());
            }
            Value::String(_, text) => drop(into.insert(name, text.clone())),
            Value::Num(_, number) => drop(into.insert(name, digits(number))),
            // What is turned off: Rocket reads `false` where it writes nothing.
            Value::Empty(..) => drop(into.insert(name, false.to_string())),
            Value::Bool(_, truth) => drop(into.insert(name, truth.to_string())),
            Value::Array(_, values) => {
                let texts = values.iter().map(|value| value.as_str().expect("text").to_owned());
                into.insert(name, texts.collect::<Vec<_>>().join(", "));
            }
            other => panic!("{name} is {other:?}"),
        }
    }
}

fn flattened(figment: &Figment) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    flat(&settings_of(figment), &mut all, "");
    all
}

#[test]
fn the_file_names_every_setting_with_its_default() {
    let defaults = config::defaults();
    let mut said = flattened(&defaults);
    said.retain(|name, _| !COMMENTED.iter().any(|commented| name.split('.').next() == Some(commented)));
    let file = flattened(&Figment::from(Toml::string(FILE).nested()));
    assert_eq!(file, said);
    for name in COMMENTED {
        let is_there = |line: &str| line.starts_with(&format!("# {name} = "));
        assert!(FILE.lines().any(is_there), "Rocket.toml does not name {name}");
    }
    assert_eq!(Settings::read(&defaults).expect("the defaults"), Settings::default());
    let with_file = defaults.merge(Toml::string(FILE).nested());
    assert_eq!(Settings::read(&with_file).expect("the file"), Settings::default());
}

#[test]
fn every_setting_of_the_file_is_explained() {
    let lines: Vec<&str> = FILE.lines().collect();
    for section in ["shutdown", "database", "city", "tokens", "receiving", "scim"] {
        let at = lines.iter().position(|line| *line == format!("[default.{section}]")).expect("a section");
        assert!(lines[at - 1].starts_with("# "), "{section} is not explained");
    }
}

#[test]
fn without_a_file_the_register_is_created_under_data() {
    let here = CommandLine::new();
    let ran = here.ok("migrate");
    assert_eq!(ran.out, "");
    assert!(here.path("data/kurskoll.db").is_file());
}

#[test]
fn the_file_in_the_working_folder_is_read() {
    let here = CommandLine::new();
    here.write("Rocket.toml", "[default.database]\nurl = \"sqlite:elsewhere/register.db\"\n");
    here.ok("migrate");
    assert!(here.path("elsewhere/register.db").is_file() && !here.path("data").exists());
    let other = CommandLine::new().with("ROCKET_CONFIG", "other.toml");
    other.write("other.toml", "[default]\ndatabase = { url = \"sqlite:third/register.db\" }\n");
    other.ok("migrate");
    assert!(other.path("third/register.db").is_file());
}

#[test]
fn variables_take_precedence_over_the_file() {
    for (name, value) in [
        ("ROCKET_DATABASE_URL", "sqlite:chosen/register.db"),
        ("ROCKET_DATABASE", r#"{url="sqlite:chosen/register.db"}"#),
        ("ROCKET_DATABASE", r#"{url="sqlite:chosen/register.db", max_connections=2}"#),
    ] {
        let here = CommandLine::new().with(name, value);
        here.write("Rocket.toml", "[default.database]\nurl = \"sqlite:elsewhere/register.db\"\n");
        here.ok("migrate");
        assert!(here.path("chosen/register.db").is_file() && !here.path("elsewhere").exists(), "{name}={value}");
    }
}

#[test]
fn the_citys_time_zone_decides_which_day_it_is() {
    let here = CommandLine::new();
    here.write("requirements.toml", crate::support::small_city::REQUIREMENT);
    here.ok("requirements apply requirements.toml");
    let today = |time_zone: &str| {
        let there = here.like().with("ROCKET_CITY", &format!("{{time_zone=\"{time_zone}\"}}"));
        there.ok("report --requirement infosec-onboarding --format json").json()["as_of"].clone()
    };
    // 25 hours apart: never the same day.
    assert_ne!(today("Pacific/Kiritimati"), today("Pacific/Pago_Pago"));
}

#[test]
fn a_bad_value_is_one_sentence_and_changes_nothing() {
    for (name, value, command, wanted) in [
        ("ROCKET_DATABASE_URL", "mysql://db/kurskoll", "migrate", "database.url must begin with sqlite: or postgres:"),
        ("ROCKET_DATABASE_URL", "sqlite:/dev/null/x/register.db", "migrate", "/dev/null/x"),
        ("ROCKET_DATABASE", r#"{url="sqlite:x.db", max_conections=3}"#, "migrate", "max_conections"),
        ("ROCKET_DATABASE", "3", "migrate", "DATABASE"),
        ("ROCKET_CITY", r#"{time_zone="Europe/Atlantis"}"#, "migrate", "Europe/Atlantis"),
        ("ROCKET_TOKENS", r#"{issuer=3}"#, "migrate", "TOKENS.ISSUER"),
        ("ROCKET_RECEIVING", r#"{max_body="many"}"#, "migrate", "RECEIVING.MAX_BODY"),
        ("ROCKET_RECEIVING", "{queue_length=-1}", "migrate", "RECEIVING.QUEUE_LENGTH"),
        ("ROCKET_SCIM", r#"{administration="no such"}"#, "serve", "scim.administration"),
        ("ROCKET_SCIM", r#"{unit="emails"}"#, "serve", "scim.unit must name an attribute whose value is one text"),
        ("ROCKET_SCIM", r#"{default_form="boss"}"#, "serve", "scim.default_form"),
        ("ROCKET_SCIM", r#"{organisation="x"}"#, "migrate", "organisation"),
        ("ROCKET_PORT", "many", "serve", "PORT"),
        ("ROCKET_PORT", "65536", "serve", "PORT"),
        ("ROCKET_ADDRESS", "nowhere", "serve", "ADDRESS"),
        ("ROCKET_LOG_LEVEL", "loud", "serve", "LOG_LEVEL"),
        ("RUST_LOG", "]]", "serve", "RUST_LOG"),
    ] {
        let ran = CommandLine::new().with(name, value).run(command);
        ran.assert_failed(wanted);
    }
    let here = CommandLine::new();
    here.write("Rocket.toml", "[default.database]\nurl = [\n");
    here.run("migrate").assert_failed("Rocket.toml");
    assert!(!here.path("data").exists());
}
