//! What a verb mapping makes of a sample of statements, and what was read from where.

use uuid::Uuid;

use crate::profile::{EventReading, Field, FieldReading, Meaning, Misread, Reading, ReadingFault};
use crate::request::{Arrival, RawRequest};
use crate::xapi::results::{Extracted, extract_traced};
use crate::xapi::verb_mapping::VerbMapping;
use crate::xapi::{Statement, Version, read_body};
use kurskoll_domain::linking::LearnerKeys;
use kurskoll_domain::training::{ReportedResult, ResultKind, Target};

/// Whether a profile's text is a verb mapping: it has tables of statements, and none of webhooks.
pub(super) fn is_of_statements(text: &str) -> bool {
    let Ok(table) = text.parse::<toml::Table>() else { return false };
    let has = |keys: &[&str]| keys.iter().any(|key| table.contains_key(*key));
    let events = table.get("events").and_then(toml::Value::as_array);
    let of_events = |key: &str| events.is_some_and(|events| events.iter().any(|event| event.get(key).is_some()));
    let of_webhooks = has(&["signature", "body", "defaults"]) || of_events("is");
    // The title is what every profile of webhooks has.
    let of_statements = has(&["verbs", "types", "reading"]) || of_events("verb");
    !of_webhooks && (of_statements || (has(&["fields"]) && !has(&["title"])))
}

/// Reads a sample of statements, one or a list of them.
pub(super) fn read(mapping: &VerbMapping, sample: &RawRequest<'_>) -> Reading {
    // A statement of the older version may lack what the newer one allows, and the other way round.
    let read = read_body(sample.body, Version::V2_0).or_else(|_| read_body(sample.body, Version::V1_0_3));
    let body = match read {
        Ok(body) => body,
        Err(refusal) => {
            let fault = ReadingFault::Statement(refusal.fault.to_string());
            return Reading::refused(Misread { pointer: refusal.pointer, fault });
        }
    };
    let mut results = Ok(Vec::new());
    let mut events = Vec::with_capacity(body.statements.len());
    for (place, statement) in body.statements.iter().enumerate() {
        let pointer = if body.is_array { format!("/{place}") } else { String::new() };
        let event = event(statement, pointer, mapping, sample.arrival);
        match (&mut results, &event.results) {
            (Ok(all), Ok(more)) => all.extend(more.iter().cloned()),
            (all @ Ok(_), Err(misread)) => *all = Err(misread.clone()),
            (Err(_), _) => {}
        }
        events.push(event);
    }
    Reading { events, results }
}

fn event(statement: &Statement<'_>, pointer: String, mapping: &VerbMapping, arrival: Arrival) -> EventReading {
    // A statement without an id is given one when it is received.
    let id = statement.id.unwrap_or(Uuid::nil());
    let (mut fields, reported) = extract_traced(statement, id, arrival, mapping);
    let (taken_for, results) = match reported {
        Ok(Extracted { nothing: Some(nothing), .. }) => (format!("nothing: {nothing}"), Ok(Vec::new())),
        Ok(Extracted { results, .. }) => {
            let mut kinds: Vec<&str> = results.iter().map(|result| kind(&result.kind)).collect();
            kinds.dedup();
            fields.extend(usual(&fields, statement, &results));
            (kinds.join(" and "), Ok(results))
        }
        Err(fault) => {
            let problem = ReadingFault::Statement(fault.to_string());
            let misread = Misread { pointer: format!("{pointer}{}", fault.pointer()), fault: problem };
            ("nothing".to_owned(), Err(misread))
        }
    };
    for field in &mut fields {
        field.pointer = field.pointer.take().map(|within| format!("{pointer}{within}"));
    }
    EventReading {
        pointer,
        event_type: Some(statement.verb.id.to_string()),
        rules: Vec::new(),
        taken_for: Some(taken_for),
        fields,
        results,
    }
}

const fn kind(kind: &ResultKind) -> &'static str {
    match kind {
        ResultKind::Completion => "completion",
        ResultKind::Attempt { .. } => "attempt",
        ResultKind::Revocation(_) => "revocation",
    }
}

/// What stood in its usual place, of which the profile says nothing.
fn usual(said: &[FieldReading], statement: &Statement<'_>, results: &[ReportedResult]) -> Vec<FieldReading> {
    const USUAL: &str = "the usual place";
    const KEYS: [Field; 5] = [Field::Learner, Field::EmployeeNumber, Field::Email, Field::Username, Field::AccountName];
    let is_said = |fields: &[Field]| said.iter().any(|reading| fields.contains(&reading.field));
    let reading = |field, pointer: Option<&str>, meaning: String| FieldReading {
        field,
        looked_at: USUAL.to_owned(),
        pointer: pointer.map(str::to_owned),
        sent: None,
        meaning: Meaning::Is(meaning),
    };
    let mut usual = Vec::new();
    let Some(first) = results.first() else { return usual };
    if !is_said(&KEYS) {
        usual.push(reading(Field::Learner, Some("/actor"), shown(&first.learner)));
    }
    for result in results {
        let (field, id) = match &result.target {
            Target::Course(id) => (Field::Course, id.to_string()),
            Target::Quiz(id) => (Field::Quiz, id.to_string()),
        };
        if !is_said(&[field]) {
            usual.push(reading(field, None, id));
        }
    }
    if !is_said(&[Field::OccurredAt]) {
        let pointer = statement.timestamp.map(|_| "/timestamp");
        usual.push(reading(Field::OccurredAt, pointer, first.occurred_at.to_rfc3339()));
    }
    usual
}

/// The keys of a learner, as the one who writes the profile reads them.
fn shown(keys: &LearnerKeys) -> String {
    let account = keys.account.as_ref().map(|account| format!("account {} at {}", account.name, account.home_page));
    let number = keys.employee_number.as_ref().map(|number| format!("employee number {number}"));
    let email = keys.email.as_ref().map(|email| format!("e-mail {email}"));
    let username = keys.username.as_ref().map(|name| format!("username {name}"));
    [number, email, username, account].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
