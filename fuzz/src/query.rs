//! A query to the xAPI endpoint: a line `Accept-Language`, and a line `name=value` for each parameter.

use kurskoll_intake::xapi::language::AcceptLanguage;
use kurskoll_intake::xapi::query::{self, StatementQuery};
use kurskoll_intake::xapi::{Actor, Version, parameters, person, read_actor, terms};

use super::text;

pub fn read(bytes: &[u8]) {
    let mut lines = text(bytes).lines();
    let languages = AcceptLanguage::parse(lines.next().unwrap_or_default());
    let pairs: Vec<(&str, &str)> = lines.map(|line| line.split_once('=').unwrap_or((line, ""))).collect();
    let best = languages.best(pairs.iter().map(|(_, value)| *value));
    assert_eq!(best.is_none(), pairs.is_empty());
    assert!(best.is_none_or(|best| best < pairs.len()));
    for version in [Version::V1_0_3, Version::V2_0] {
        match query::read(pairs.iter().copied(), version) {
            Ok(StatementQuery::Many(many)) => assert!(many.terms.len() <= 4 && many.limit != Some(0)),
            Ok(StatementQuery::One(_)) => {}
            Err(fault) => assert!(!fault.to_string().is_empty()),
        }
    }
    for (name, value) in pairs {
        let _ = Version::parse(name);
        single(value);
    }
}

fn single(value: &str) {
    if let Ok(uuid) = parameters::uuid(value) {
        assert!(uuid.to_string().eq_ignore_ascii_case(value));
    }
    if let Ok(iri) = parameters::iri(value) {
        assert_eq!(iri, value);
    }
    if let Ok(instant) = parameters::instant(value, Version::V2_0) {
        assert_eq!(parameters::instant(value, Version::V1_0_3), Ok(instant), "2.0 takes less than 1.0.3: {value}");
        let written = instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        assert_eq!(parameters::instant(&written, Version::V2_0), Ok(instant), "{value}");
    }
    let _ = parameters::is_media_type(value);
    for version in [Version::V1_0_3, Version::V2_0] {
        drop(parameters::actor(value, version));
        let Ok(actor) = read_actor(value, version) else { continue };
        actor.identifier().into_iter().for_each(|identifier| drop(terms::canonical(identifier)));
        if let Actor::Agent(agent) = &actor {
            drop(person::person_of(agent));
        }
    }
}
