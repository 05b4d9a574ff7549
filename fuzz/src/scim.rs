//! What identity providers send: one body as a User, a PATCH, a search and a bulk; or a filter and paths, in front of
//! the resource that they are about.

use chrono::Datelike as _;
use kurskoll_domain::calendar::CityCalendar;
use kurskoll_intake::scim::bulk::BulkRequest;
use kurskoll_intake::scim::filter::{Filter, Literal};
use kurskoll_intake::scim::group;
use kurskoll_intake::scim::mapping::{Mapping, MappingText};
use kurskoll_intake::scim::paging::{ListText, MOST, Start};
use kurskoll_intake::scim::patch;
use kurskoll_intake::scim::path::{AttributePath, PatchPath};
use kurskoll_intake::scim::resource::{Projection, canonical};
use kurskoll_intake::scim::schema::{self, Schemas};
use kurskoll_intake::scim::user::{self, UserId};
use serde_json::{Map, Value};

use super::{parts, text};

const CREATED: &[u8] = include_bytes!("../../fixtures/scim/entra-id/create.json");

pub fn read(bytes: &[u8]) {
    let Some(mapping) = mapping() else { panic!("the mapping of the defaults") };
    match parts(bytes)[..] {
        [body] => {
            let Ok(body) = serde_json::from_slice::<Value>(body) else {
                return named(&mapping, text(body), &Map::new());
            };
            sent(&mapping, &body);
        }
        [name, resource, ref patches @ ..] => {
            let Ok(resource) = serde_json::from_slice::<Value>(resource) else { return };
            let Ok(resource) = canonical(&mapping.schemas, &resource) else { return };
            named(&mapping, text(name), &resource);
            for body in patches.iter().filter_map(|body| serde_json::from_slice::<Value>(body).ok()) {
                patched(&mapping.schemas, &resource, &body);
            }
        }
        [] => {}
    }
}

fn mapping() -> Option<Mapping> {
    let text = MappingText {
        employee_number: "externalId",
        administration: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
        unit: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        form: "userType",
        starts_on: "urn:example:hr:startsOn",
        default_form: "permanent",
        leading_code: true,
        ..MappingText::default()
    };
    Mapping::read(&text).ok()
}

fn sent(mapping: &Mapping, body: &Value) {
    let schemas = &mapping.schemas;
    if let Ok(resource) = canonical(schemas, body) {
        assert_eq!(canonical(schemas, &resource.clone().into()), Ok(resource.clone()));
        if let Ok(read) = user::read(&resource, mapping, CityCalendar::default()) {
            let reported = read
                .provisioned
                .employments
                .into_iter()
                .flatten()
                .flat_map(|reported| [Some(reported.starts_on), reported.ends_on]);
            let days = reported.chain([read.provisioned.post.starts_on, read.provisioned.post.ends_on]).flatten();
            // As HR's files have them.
            days.for_each(|day| assert!((1900..=9999).contains(&day.year()), "{day}"));
        }
        drop(canonical(&schema::group(), body));
        let mut replaced = resource.clone();
        user::keep_unspoken(&mut replaced, &resource, mapping);
        let _ = user::says_no_employments(body);
    }
    let known = serde_json::from_slice(CREATED).map(|created: Value| canonical(schemas, &created));
    let Ok(Ok(known)) = known else { panic!("the fixture is no User") };
    patched(schemas, &known, body);
    patched(&schema::group(), &Map::new(), body);
    drop(group::read(body));
    drop(group::read_patch(body));
    if let Ok(question) = ListText::of_search(body) {
        listed(schemas, &question, &known);
    }
    if let Ok(bulk) = BulkRequest::read(body) {
        for operation in &bulk.operations {
            let ids = operation.references().into_iter().map(|id| (id, "1-1".to_owned())).collect();
            assert!(operation.resolved(&ids).references().is_empty());
        }
    }
}

/// What is patched is in the canonical form, and has no more than that.
fn patched(schemas: &Schemas, resource: &Map<String, Value>, body: &Value) {
    match patch::apply(schemas, resource, body) {
        Ok(patched) => {
            assert_eq!(canonical(schemas, &patched.clone().into()), Ok(patched));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn listed(schemas: &Schemas, question: &ListText, resource: &Map<String, Value>) {
    let list = match question.understand(schemas) {
        Ok(list) => list,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(list.count <= MOST);
    // A start index beyond all resources must not overflow.
    assert!(!matches!(list.start, Start::Index(index) if index > usize::try_from(i64::MAX).unwrap_or(usize::MAX) - 1));
    let _ = list.wants(resource);
    assert!(list.projection.of(resource).len() <= resource.len());
    let cursor = list.cursor_of(resource, 1);
    assert!(list.order(&cursor, &cursor).is_eq());
    let next = ListText { cursor: Some(cursor.written()), start_index: None, ..question.clone() };
    let start = next.understand(schemas).map(|list| list.start);
    assert_eq!(start, Ok(Start::Cursor(Some(cursor))));
}

fn named(mapping: &Mapping, text: &str, resource: &Map<String, Value>) {
    let schemas = &mapping.schemas;
    if let Some(id) = UserId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(path) = AttributePath::parse(text) {
        assert_eq!(path.as_str(), text.trim());
    }
    drop(PatchPath::parse(text));
    let _ = user::says_no_employments(&Value::String(text.to_owned()));
    if let Ok(projection) = Projection::read(schemas, Some(text), None) {
        drop(projection.of(resource));
    }
    let parsed = match Filter::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let printed = parsed.to_string();
    // A float's last digits may be printed differently. No attribute is a number, so no answer differs.
    if !has_a_float(&parsed) {
        assert_eq!(Filter::parse(&printed).as_ref(), Ok(&parsed), "{printed}");
    }
    let Ok(bound) = parsed.bind(schemas) else { return };
    let holds = bound.holds(resource);
    // A resource that fits must be among those that the index finds.
    if let (true, Some(lookups)) = (holds, bound.lookups()) {
        assert!(!lookups.is_empty(), "no index has what fits: {parsed}");
    }
}

fn has_a_float(filter: &Filter) -> bool {
    match filter {
        Filter::And(terms) | Filter::Or(terms) => terms.iter().any(has_a_float),
        Filter::Not(inner) | Filter::Within(_, inner) => has_a_float(inner),
        Filter::Compare(_, _, Literal::Number(number)) => number.is_f64(),
        Filter::Compare(..) | Filter::Present(_) => false,
    }
}
