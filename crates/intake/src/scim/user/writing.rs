//! A User written from what is known of a person.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::super::mapping::{Mapping, day};
use super::super::resource::object_in;
use super::super::schema::{ENTERPRISE, KURSKOLL, Place, USER};
use super::{Account, EMAIL_PRIMARY, EMAIL_TYPE, PHONES, SAID_UNIT, UserId, is_shown_as_provisioned, waiting_id};
use kurskoll_domain::calendar::CityCalendar;
use kurskoll_domain::directory::EmploymentForm;
use kurskoll_domain::directory::plan::provision::{shown, works_here};
use kurskoll_domain::directory::records::{EmploymentRecord, PersonRecord};
use kurskoll_domain::ids::{AdministrationCode, EmployeeNumber, EmploymentId};

/// Everything that a User is written from.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub id: UserId,
    pub number: &'a EmployeeNumber,
    pub person: Option<&'a PersonRecord>,
    /// The employments that the account is shown.
    pub employments: &'a BTreeMap<EmploymentId, EmploymentRecord>,
    /// Those in which the person is employed by this account.
    pub employed_in: &'a [&'a EmploymentRecord],
    /// Whether their personal data are protected, under any of their numbers. If so, what the provider provisioned
    /// itself is written, and nothing that others said of name, address, user name and unit.
    pub is_protected: bool,
    /// Whether the account gives the person's data; if not, it is shown the name that it provisioned itself.
    pub speaks: bool,
    /// `None`: only HR's files have data about them.
    pub account: Option<&'a Account>,
    /// The shown employment's manager, if it is a User.
    pub manager: Option<UserId>,
    /// The names of administrations.
    pub administrations: &'a BTreeMap<AdministrationCode, String>,
    /// The ids and names of the provider's groups of which the user is a member.
    pub groups: &'a [(String, String)],
    pub created_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
    pub today: NaiveDate,
    /// The address of the endpoint, as `/scim/v2`.
    pub base: &'a str,
}

/// Writes a User. A provisioned text is shown as it was sent while it says the same as the directory; else the
/// directory's value is shown. (Of protected personal data, only what the provider said is shown.)
#[must_use]
pub fn write(known: Known<'_>, mapping: &Mapping, calendar: CityCalendar) -> Map<String, Value> {
    let employment = shown(known.employments, known.today);
    let record = known.person;
    let number = known.number.as_str();
    let user_name = match known.account {
        Some(account) => account.user_name.as_str(),
        None => {
            let employment = employment.filter(|_| !known.is_protected);
            let address = employment.and_then(|e| e.username.as_deref().or(e.email.as_deref()));
            address.unwrap_or(number)
        }
    };
    let active = known.account.map_or_else(|| works_here(known.employments, known.today), |account| account.active);
    let mut user = Map::new();
    let mut put = |path: &str, value: &str| {
        if let (Ok(place), false) = (mapping.schemas.place(path), value.is_empty()) {
            place_text(&mut user, place, value);
        }
    };
    let provisioned_texts = known.account.iter().flat_map(|account| &account.provisioned);
    for (path, value) in provisioned_texts.filter(|(path, _)| is_shown_as_provisioned(path)) {
        put(path, value);
    }
    // A carrier shows what was provisioned, if that still holds.
    let provisioned = |path: &str| known.account.and_then(|account| account.provisioned.get(path)).map(String::as_str);
    if let Some(employment) = employment {
        let path = &mapping.administration;
        let holds = provisioned(path).filter(|word| mapping.code_of(word).as_ref() == Ok(&employment.administration));
        put(path, holds.unwrap_or(employment.administration.as_str()));
        if let Some(path) = &mapping.form {
            let holds = provisioned(path).filter(|word| EmploymentForm::parse(word) == Some(employment.form));
            put(path, holds.unwrap_or(employment.form.as_str()));
        }
        if let Some(path) = &mapping.starts_on {
            let holds = provisioned(path).filter(|text| day(text, calendar) == Some(employment.starts_on));
            put(path, holds.unwrap_or(&employment.starts_on.to_string()));
        }
    }
    put(&mapping.employee_number, number);
    put(&format!("{ENTERPRISE}:employeeNumber"), number);
    let shown = |said: &str, known_otherwise: Option<&str>| {
        let word = if known.is_protected { provisioned(said) } else { known_otherwise };
        word.unwrap_or_default().to_owned()
    };
    let name = |said: &str, record: Option<&str>| {
        let own = provisioned(said).filter(|_| !known.speaks);
        shown(said, own.or(record))
    };
    put("name.givenName", &name("name.givenName", record.map(|record| record.given_name.as_str())));
    put("name.familyName", &name("name.familyName", record.map(|record| record.family_name.as_str())));
    put("externalId", known.account.and_then(|account| account.external_id.as_deref()).unwrap_or_default());
    put("userName", user_name);
    if let Some(employment) = employment {
        // A value that can be none must not be shown as it was once provisioned.
        if let Some(path) = &mapping.unit {
            take(&mut user, mapping, path);
            put_text(&mut user, mapping, path, &shown(SAID_UNIT, Some(employment.unit.as_str())));
        }
        if let Some(path) = &mapping.ends_on {
            let holds = provisioned(path).filter(|text| day(text, calendar) == employment.ends_on);
            let written = employment.ends_on.map(|day| day.to_string()).unwrap_or_default();
            take(&mut user, mapping, path);
            put_text(&mut user, mapping, path, holds.unwrap_or(&written));
        }
        let email = shown("emails.value", employment.email.as_deref());
        if !email.is_empty() {
            user.insert("emails".to_owned(), json!([address_view(&email, known.account)]));
        }
    }
    let phones = provisioned(PHONES).and_then(|phones| serde_json::from_str::<Value>(phones).ok());
    user.extend(phones.map(|phones| (PHONES.to_owned(), phones)));
    user.insert("active".to_owned(), active.into());
    user.insert("id".to_owned(), known.id.to_string().into());
    if let Some(manager) = known.manager {
        let reference = format!("{}/Users/{manager}", known.base);
        object_in(&mut user, ENTERPRISE)
            .insert("manager".to_owned(), json!({"value": manager.to_string(), "$ref": reference}));
    }
    let groups = groups_of(&known);
    if !groups.is_empty() {
        user.insert("groups".to_owned(), groups.into());
    }
    let extension = object_in(&mut user, KURSKOLL);
    extension.insert("protected".to_owned(), record.is_some_and(|record| record.protected).into());
    let employments: Vec<Value> =
        known.employments.values().map(|employment| employment_view(employment, known.is_protected)).collect();
    if !employments.is_empty() {
        extension.insert("employments".to_owned(), employments.into());
    }
    let schemas: Vec<&str> =
        std::iter::once(USER).chain(user.keys().map(String::as_str).filter(|name| name.starts_with("urn:"))).collect();
    let schemas = json!(schemas);
    user.insert("schemas".to_owned(), schemas);
    user.insert(
        "meta".to_owned(),
        json!({
            "resourceType": "User",
            "created": instant(known.created_at),
            "lastModified": instant(known.changed_at),
            "location": format!("{}/Users/{}", known.base, known.id),
        }),
    );
    user
}

/// An instant as SCIM writes it (RFC 7643, section 2.3.5).
#[must_use]
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn put_text(user: &mut Map<String, Value>, mapping: &Mapping, path: &str, value: &str) {
    if let (Ok(place), false) = (mapping.schemas.place(path), value.is_empty()) {
        place_text(user, place, value);
    }
}

pub(super) fn place_text(user: &mut Map<String, Value>, place: Place<'_>, value: &str) {
    let holder = match place.extension {
        None => user,
        Some(id) => object_in(user, id),
    };
    match place.part {
        None => drop(holder.insert(place.attribute.name.clone(), value.into())),
        Some(part) => drop(object_in(holder, &place.attribute.name).insert(part.name.clone(), value.into())),
    }
}

fn take(user: &mut Map<String, Value>, mapping: &Mapping, path: &str) {
    let Ok(place) = mapping.schemas.place(path) else { return };
    let holder = match place.extension {
        None => user,
        Some(id) => object_in(user, id),
    };
    match place.part {
        None => drop(holder.remove(&place.attribute.name)),
        Some(part) => drop(object_in(holder, &place.attribute.name).remove(&part.name)),
    }
}

/// An address with its provisioned kind. An address that the provider did not provision is HR's, and for work.
fn address_view(address: &str, account: Option<&Account>) -> Value {
    let provisioned = |name: &str| account.and_then(|account| account.provisioned.get(name)).map(String::as_str);
    let is_reported = provisioned("emails.value") == Some(address);
    let kind = provisioned(EMAIL_TYPE).filter(|_| is_reported).or_else(|| (!is_reported).then_some("work"));
    let is_primary = !is_reported || provisioned(EMAIL_PRIMARY) != Some("false");
    let mut view = Map::new();
    view.insert("value".to_owned(), address.into());
    view.extend(kind.map(|kind| ("type".to_owned(), kind.into())));
    view.insert("primary".to_owned(), is_primary.into());
    view.into()
}

fn employment_view(employment: &EmploymentRecord, is_protected: bool) -> Value {
    let mut view = Map::new();
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            view.insert(name.to_owned(), value.into());
        }
    };
    put("id", employment.employment_id.to_string());
    put("administration", employment.administration.to_string());
    put("unit", if is_protected { String::new() } else { employment.unit.clone() });
    put("form", employment.form.as_str().to_owned());
    put("startsOn", employment.starts_on.to_string());
    put("endsOn", employment.ends_on.map(|day| day.to_string()).unwrap_or_default());
    view.into()
}

fn groups_of(known: &Known<'_>) -> Vec<Value> {
    let runs = |e: &&EmploymentRecord| e.starts_on <= known.today && e.ends_on.is_none_or(|last| known.today <= last);
    let codes: BTreeSet<&AdministrationCode> =
        known.employed_in.iter().copied().filter(runs).map(|employment| &employment.administration).collect();
    let group = |code: &AdministrationCode| {
        json!({
            "value": code.as_str(),
            "$ref": group_location(known.base, code),
            "display": known.administrations.get(code).map_or(code.as_str(), String::as_str),
        })
    };
    codes.into_iter().map(group).chain(known.groups.iter().map(|group| provided_group(group, known.base))).collect()
}

fn provided_group((id, name): &(String, String), base: &str) -> Value {
    json!({"value": id, "$ref": format!("{base}/Groups/{id}"), "display": name})
}

/// What a user who waits is written from.
#[derive(Debug, Clone, Copy)]
pub struct KnownToWait<'a> {
    pub id: i64,
    /// As the provider said it, in its canonical form.
    pub resource: &'a Map<String, Value>,
    pub active: bool,
    pub groups: &'a [(String, String)],
    pub created_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
    pub base: &'a str,
}

/// Writes a user who waits: what the provider said, and that the directory does not know them yet.
#[must_use]
pub fn write_waiting(known: KnownToWait<'_>) -> Map<String, Value> {
    let mut user = known.resource.clone();
    let id = waiting_id(known.id);
    user.insert("active".to_owned(), known.active.into());
    user.insert("id".to_owned(), id.as_str().into());
    if !known.groups.is_empty() {
        let groups: Vec<Value> = known.groups.iter().map(|group| provided_group(group, known.base)).collect();
        user.insert("groups".to_owned(), groups.into());
    }
    object_in(&mut user, KURSKOLL).insert("waiting".to_owned(), true.into());
    let schemas: Vec<&str> =
        std::iter::once(USER).chain(user.keys().map(String::as_str).filter(|name| name.starts_with("urn:"))).collect();
    let schemas = json!(schemas);
    user.insert("schemas".to_owned(), schemas);
    let (created, changed) = (instant(known.created_at), instant(known.changed_at));
    let location = format!("{}/Users/{id}", known.base);
    user.insert(
        "meta".to_owned(),
        json!({"resourceType": "User", "created": created, "lastModified": changed, "location": location}),
    );
    user
}

/// The address of an administration's Group.
#[must_use]
pub fn group_location(base: &str, code: &AdministrationCode) -> String {
    let code = percent_encoding::utf8_percent_encode(code.as_str(), percent_encoding::NON_ALPHANUMERIC);
    format!("{base}/Groups/{code}")
}
