use proptest::prelude::*;
use serde_json::json;

use super::super::resource::canonical;
use super::super::schema::{self, ENTERPRISE};
use super::*;

fn eva() -> Map<String, Value> {
    let body = json!({
        "userName": "eva@example.org", "active": true,
        "name": {"givenName": "Eva", "familyName": "Ek"},
        "emails": [{"value": "eva@example.org", "type": "work", "primary": true}, {"value": "eva@home.example.org", "type": "home"}],
        ENTERPRISE: {"department": "Städ", "organization": "SEF", "manager": {"value": "2-1"}},
    });
    canonical(&schema::user(), &body).expect("a user")
}

fn patched(operations: Value) -> Result<Value, PatchError> {
    apply(&schema::user(), &eva(), &json!({"Operations": operations})).map(Value::Object)
}

fn one(op: &str, path: &str, value: Value) -> Result<Value, PatchError> {
    patched(json!([{"op": op, "path": path, "value": value}]))
}

#[test]
fn many_forms_say_the_same() {
    let department = format!("{ENTERPRISE}:department");
    let upper = department.to_uppercase();
    let forms = [
        json!([{"op": "replace", "path": department, "value": "Måltid"}]),
        json!([{"op": "Replace", "path": upper, "value": "Måltid"}]),
        json!([{"op": "ADD", "path": department, "value": "Måltid"}]),
        json!([{"op": "replace", "path": "department", "value": "Måltid"}]),
        json!([{"op": "replace", "path": ENTERPRISE, "value": {"department": "Måltid"}}]),
        json!([{"op": "replace", "value": {ENTERPRISE: {"Department": "Måltid"}}}]),
        json!([{"op": "add", "value": {department.as_str(): "Måltid"}}]),
        json!([{"op": "replace", "path": department, "value": ["Måltid"]}]),
        json!([{"op": "remove", "path": department}, {"op": "add", "path": department, "value": "Måltid"}]),
        json!({"Op": "replace", "Path": department, "Value": "Måltid"}),
    ];
    for form in forms {
        let result = patched(form.clone()).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(result[ENTERPRISE]["department"], "Måltid", "{form}");
        assert_eq!(result[ENTERPRISE]["organization"], "SEF", "{form}");
    }
    for form in [
        json!([{"op": "replace", "path": "active", "value": false}]),
        json!([{"op": "Replace", "path": "Active", "value": "False"}]),
        json!([{"op": "Add", "value": {"active": "false"}}]),
        json!([{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": "FALSE"}]),
    ] {
        assert_eq!(patched(form.clone()).expect("patched")["active"], false, "{form}");
    }
}

#[test]
fn a_person_has_no_more_elements_than_can_be_looked_at_in_every_operation() {
    let add = |from: usize, to: usize| {
        let addresses: Vec<Value> = (from..to).map(|n| json!({"value": format!("{n}@example.org")})).collect();
        json!({"op": "add", "path": "emails", "value": addresses})
    };
    assert!(patched(json!([add(0, 150)])).is_ok());
    for operations in [json!([add(0, 201)]), json!([add(0, 150), add(150, 300)])] {
        assert!(matches!(patched(operations), Err(PatchError::Value { error: ValueError::TooMany(_), .. })));
    }
    let chosen =
        (0..250).map(|n| json!({"op": "add", "path": format!("emails[value eq \"{n}\"].type"), "value": "work"}));
    assert!(matches!(patched(chosen.collect()), Err(PatchError::Value { error: ValueError::TooMany(_), .. })));
}

#[test]
fn elements_are_chosen_by_a_filter() {
    let work = one("replace", "emails[type eq \"work\"].value", json!("new@example.org")).expect("patched");
    assert_eq!(work["emails"][0], json!({"value": "new@example.org", "type": "work", "primary": true}));
    let other = one("Add", "emails[type eq \"other\"].value", json!("o@example.org")).expect("patched");
    assert_eq!(other["emails"][2], json!({"type": "other", "value": "o@example.org"}));
    let one_left = one("remove", "emails[type eq \"work\"]", Value::Null).expect("patched");
    assert_eq!(one_left["emails"], json!([{"value": "eva@home.example.org", "type": "home"}]));
    let primary = one("add", "emails[type eq \"home\"]", json!({"primary": true})).expect("patched");
    assert_eq!((&primary["emails"][0]["primary"], &primary["emails"][1]["primary"]), (&json!(false), &json!(true)));
    let none = one("remove", "emails[value pr]", Value::Null).expect("patched");
    assert!(none.get("emails").is_none());
    assert!(matches!(
        one("replace", "emails[type eq \"x\"].value", json!("x")),
        Err(PatchError::NoTarget { place: 1, .. })
    ));
    assert!(matches!(one("add", "name[familyName eq \"x\"]", json!({})), Err(PatchError::NoElements { .. })));
}

#[test]
fn several_values_are_added_replaced_and_taken_away() {
    let added = one("add", "emails", json!([{"value": "eva@home.example.org", "type": "home"}, {"value": "x"}]))
        .expect("patched");
    assert_eq!(added["emails"].as_array().map(Vec::len), Some(3), "what is there already is not added again");
    let replaced = one("replace", "emails", json!({"value": "x"})).expect("patched");
    assert_eq!(replaced["emails"], json!([{"value": "x"}]));
    let removed = one("remove", "emails", json!([{"value": "eva@home.example.org"}])).expect("patched");
    assert_eq!(removed["emails"].as_array().map(Vec::len), Some(1));
    let all = one("replace", "emails.type", json!("other")).expect("patched");
    assert!(all["emails"].as_array().is_some_and(|all| all.iter().all(|email| email["type"] == "other")));
}

/// Groups are read-only at this endpoint; the forms that remove members are read all the same.
#[test]
fn members_leave_in_the_forms_that_clients_have() {
    let mut schemas = schema::group();
    for attribute in &mut schemas.core.attributes {
        attribute.mutability = Mutability::ReadWrite;
        attribute.parts.iter_mut().for_each(|part| part.mutability = Mutability::ReadWrite);
    }
    let group = json!({"displayName": "SEF", "members": [{"value": "1-1"}, {"value": "2-1"}]});
    let group = canonical(&schemas, &group).expect("a group");
    for operation in [
        json!({"op": "Remove", "path": "members[value eq \"1-1\"]"}),
        json!({"op": "remove", "path": "members", "value": [{"value": "1-1"}]}),
        json!({"op": "remove", "path": "members", "value": {"value": "1-1"}}),
        json!({"op": "replace", "path": "members", "value": ["2-1"]}),
    ] {
        let left = apply(&schemas, &group, &json!({"Operations": [operation]})).expect("patched");
        assert_eq!(left["members"], json!([{"value": "2-1"}]), "{operation}");
    }
}

#[test]
fn complex_values_keep_the_parts_that_are_not_given() {
    let name = one("replace", "name", json!({"familyName": "Ekström"})).expect("patched");
    assert_eq!(name["name"], json!({"givenName": "Eva", "familyName": "Ekström"}));
    for value in [json!("3-1"), json!({"value": "3-1", "displayName": "x"}), json!([{"value": "3-1"}])] {
        let manager = one("add", &format!("{ENTERPRISE}:manager"), value).expect("patched");
        assert_eq!(manager[ENTERPRISE]["manager"], json!({"value": "3-1"}));
    }
    for (op, value) in
        [("remove", Value::Null), ("replace", Value::Null), ("replace", json!("")), ("replace", json!({"value": null}))]
    {
        let manager = one(op, &format!("{ENTERPRISE}:manager"), value).expect("patched");
        assert!(manager[ENTERPRISE].get("manager").is_none(), "{op}");
    }
}

#[test]
fn what_is_not_kept_is_passed_over_and_what_is_unknown_is_not() {
    for (path, value) in [
        ("ims[type eq \"work\"].value", json!("x")),
        ("profileUrl", json!("x")),
        ("photos[type eq \"photo\"].value", json!("x")),
        ("urn:example:2.0:User:thing", json!("x")),
        ("emails[type eq \"work\"].display", json!("x")),
    ] {
        assert_eq!(one("add", path, value), Ok(Value::Object(eva())), "{path}");
    }
    assert!(matches!(one("add", "usernam", json!("x")), Err(PatchError::UnknownAttribute { place: 1, .. })));
    assert!(matches!(one("replace", "meta.version", json!("x")), Err(PatchError::ReadOnly { .. })));
    assert_eq!(
        patched(json!([{"op": "replace", "value": {"id": "9", "schemas": [], "foo": 1}}])),
        Ok(Value::Object(eva()))
    );
}

#[test]
fn an_operation_that_fails_takes_the_others_with_it() {
    let error = patched(json!([{"op": "replace", "path": "active", "value": false}, {"op": "remove"}]));
    assert_eq!(error, Err(PatchError::RemoveWithoutPath(2)));
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z\"\\[\\].:]{0,12}".prop_map(Value::from),
        prop::sample::select(
            &["active", "emails[type eq \"work\"].value", "name.familyName", "add", "replace", "remove"][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop::sample::select(
            &["Operations", "op", "path", "value", "name", "emails", "type", "active", ENTERPRISE][..],
        );
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..4).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_makes_patching_fail_otherwise_than_with_an_error(body in any_json(), operation in any_json()) {
        drop(apply(&schema::user(), &eva(), &body));
        drop(patched(json!([operation])));
        drop(canonical(&schema::user(), &body));
    }

    #[test]
    fn replacing_twice_is_replacing_once(
        path in prop::sample::select(&["userName", "name.familyName", "emails", "emails[type eq \"work\"].value", "emails.value", "department"][..]),
        value in "[a-z]{1,5}",
    ) {
        let operation = json!({"op": "replace", "path": path, "value": value});
        prop_assert_eq!(patched(json!([operation])), patched(json!([operation, operation])));
    }

    #[test]
    fn what_is_added_to_nothing_can_be_taken_away(name in "[a-z]{1,5}") {
        let added = one("add", "costCenter", json!(name)).expect("patched");
        let added = added.as_object().expect("an object");
        let removed = apply(&schema::user(), added, &json!({"Operations": [{"op": "remove", "path": "costCenter"}]}));
        prop_assert_eq!(removed, Ok(eva()));
    }
}
