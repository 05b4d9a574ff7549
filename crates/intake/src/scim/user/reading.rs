//! A User in its canonical form, read into a person with employments.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::ScimType;
use super::super::mapping::{Mapping, day};
use super::super::patch::member;
use super::super::resource::object_in;
use super::super::schema::{self, ENTERPRISE, KURSKOLL};
use super::writing::place_text;
use super::{Account, EMAIL_OTHERS, EMAIL_PRIMARY, EMAIL_TYPE, PHONES, SAID};
use kurskoll_domain::calendar::CityCalendar;
use kurskoll_domain::directory::EmploymentForm;
use kurskoll_domain::directory::plan::provision::{Post, ProvisionedEmployment, ProvisionedState};
use kurskoll_domain::ids::{AdministrationCode, EmployeeNumber, EmploymentId, InvalidId, is_personal_identity_number};

/// A User as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadUser {
    pub employee_number: Option<EmployeeNumber>,
    pub account: Account,
    /// The manager as the id of a User; `provisioned` lacks it.
    pub manager: Option<String>,
    pub provisioned: ProvisionedState,
}

/// Why a resource is no User.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    #[error("userName is missing")]
    NoUserName,
    #[error("{attribute} {why}")]
    Id { attribute: String, why: InvalidId },
    #[error("{0} is a Swedish personal identity number, and is never stored: map another attribute")]
    PersonalIdentityNumber(String),
    #[error("{0} is not a day, such as 2026-03-01 or 2026-03-01T00:00:00Z")]
    NotADay(String),
    #[error("{0} is not a form of employment; use one of permanent, fixed_term, hourly, consultant, trainee")]
    UnknownForm(String),
    #[error("an employment lacks its {0}")]
    EmploymentLacks(&'static str),
    #[error("two employments have the id {0}")]
    SameId(EmploymentId),
}

impl UserError {
    #[must_use]
    pub const fn scim_type(&self) -> ScimType {
        ScimType::InvalidValue
    }
}

/// Reads a User in its canonical form. A provider that does not say whether the person is active means that they are.
pub fn read(resource: &Map<String, Value>, mapping: &Mapping, calendar: CityCalendar) -> Result<ReadUser, UserError> {
    let text = |carrier: &str| mapping.text(carrier, resource);
    let optional = |carrier: &Option<String>| carrier.as_deref().and_then(text);
    let harmless = |attribute: &str| match text(attribute) {
        Some(value) if is_personal_identity_number(value) => {
            Err(UserError::PersonalIdentityNumber(attribute.to_owned()))
        }
        value => Ok(value.map(ToOwned::to_owned)),
    };
    let named = |attribute: &str| {
        let attribute = attribute.to_owned();
        move |why| UserError::Id { attribute: attribute.clone(), why }
    };
    let employee_number = text(&mapping.employee_number).map(EmployeeNumber::parse).transpose();
    let administration = text(&mapping.administration).map(|word| mapping.code_of(word)).transpose();
    let form = optional(&mapping.form).map(|word| {
        EmploymentForm::parse(word).ok_or_else(|| UserError::UnknownForm(mapping.form.clone().unwrap_or_default()))
    });
    let day_of = |carrier: &Option<String>| {
        let parsed = optional(carrier)
            .map(|text| day(text, calendar).ok_or_else(|| UserError::NotADay(carrier.clone().unwrap_or_default())));
        parsed.transpose()
    };
    let user_name = harmless("userName")?.ok_or(UserError::NoUserName)?;
    let email = address_of(resource);
    let part_of_email = |part: &str| email.and_then(|email| email.get(part)).and_then(Value::as_str);
    let address = part_of_email("value");
    if address.is_some_and(is_personal_identity_number) {
        return Err(UserError::PersonalIdentityNumber("emails".to_owned()));
    }
    let mut provisioned = BTreeMap::new();
    for attribute in mapping.stored() {
        if let Some(value) = harmless(&attribute)? {
            provisioned.insert(attribute, value);
        }
    }
    provisioned.extend(part_of_email("type").map(|kind| (EMAIL_TYPE.to_owned(), kind.to_owned())));
    if email.is_some_and(|email| email.get("primary") == Some(&Value::Bool(false))) {
        provisioned.insert(EMAIL_PRIMARY.to_owned(), "false".to_owned());
    }
    provisioned.extend(kinds_not_stored(resource, email).map(|kinds| (EMAIL_OTHERS.to_owned(), kinds)));
    let phones = phones_for_work(resource);
    let number_of = |phone: &Value| phone.get("value").and_then(Value::as_str).is_some_and(is_personal_identity_number);
    if phones.iter().any(number_of) {
        return Err(UserError::PersonalIdentityNumber(PHONES.to_owned()));
    }
    if !phones.is_empty() {
        provisioned.insert(PHONES.to_owned(), Value::Array(phones).to_string());
    }
    let said = [text("name.givenName"), text("name.familyName"), address, optional(&mapping.unit)];
    provisioned.extend(SAID.into_iter().zip(said).filter_map(|(name, said)| Some((name.to_owned(), said?.to_owned()))));
    let extension = resource.get(KURSKOLL).and_then(Value::as_object);
    let active = resource.get("active").and_then(Value::as_bool).unwrap_or(true);
    let name = |part: &str| text(&format!("name.{part}")).map(ToOwned::to_owned);
    Ok(ReadUser {
        employee_number: employee_number.map_err(named(&mapping.employee_number))?,
        account: Account { user_name: user_name.clone(), external_id: harmless("externalId")?, active, provisioned },
        manager: text(&format!("{ENTERPRISE}:manager.value")).map(ToOwned::to_owned),
        provisioned: ProvisionedState {
            given_name: name("givenName"),
            family_name: name("familyName"),
            protected: extension.and_then(|extension| extension.get("protected")).and_then(Value::as_bool),
            active,
            post: Post {
                administration: administration.map_err(named(&mapping.administration))?,
                unit: optional(&mapping.unit).unwrap_or_default().to_owned(),
                form: form.transpose()?,
                starts_on: day_of(&mapping.starts_on)?,
                ends_on: day_of(&mapping.ends_on)?,
                manager: None,
                email: address.map(ToOwned::to_owned),
                username: Some(user_name),
            },
            employments: employments_of(extension, mapping, calendar)?,
        },
    })
}

/// Whether an address is of a kind, which is written in any case.
fn is_of(address: &Value, wanted: &str) -> bool {
    kind_of(address).is_some_and(|kind| kind.eq_ignore_ascii_case(wanted))
}

fn kind_of(address: &Value) -> Option<&str> {
    address.get("type").and_then(Value::as_str)
}

/// The address that is stored of those that a User has: one for work; else the primary one; else one without a type;
/// else any. Of several equal ones the primary one, then the first. One of the type `home` is private: it is never
/// stored.
#[must_use]
pub fn address_of(resource: &Map<String, Value>) -> Option<&Value> {
    let addresses = resource.get("emails").and_then(Value::as_array)?;
    let is_primary = |address: &Value| address.get("primary") == Some(&Value::Bool(true));
    let rank = |address: &&Value| {
        let kind = match (kind_of(address), is_primary(address)) {
            _ if is_of(address, "work") => 0,
            (_, true) => 1,
            (None, false) => 2,
            (Some(_), false) => 3,
        };
        (kind, !is_primary(address))
    };
    let stored = addresses.iter().filter(|address| address.get("value").is_some() && !is_of(address, "home"));
    stored.min_by_key(rank)
}

/// The telephone numbers that are stored: those for work.
fn phones_for_work(resource: &Map<String, Value>) -> Vec<Value> {
    let phones = resource.get(PHONES).and_then(Value::as_array);
    let for_work = phones.into_iter().flatten().filter(|phone| phone.get("value").is_some() && is_of(phone, "work"));
    for_work.cloned().collect()
}

/// A User in its canonical form, with only those of its addresses and numbers that are stored.
#[must_use]
pub fn as_stored(resource: &Map<String, Value>) -> Map<String, Value> {
    let mut stored = resource.clone();
    let lists = [("emails", address_of(resource).cloned().into_iter().collect()), (PHONES, phones_for_work(resource))];
    for (name, values) in lists {
        stored.remove(name);
        if !values.is_empty() {
            stored.insert(name.to_owned(), Value::Array(values));
        }
    }
    stored
}

/// The end of the kind of the primary address.
const PRIMARY: char = '!';

/// The kinds of the addresses that are not stored; each once, with a mark on the primary one's.
fn kinds_not_stored(resource: &Map<String, Value>, stored: Option<&Value>) -> Option<String> {
    let addresses = resource.get("emails").and_then(Value::as_array)?;
    let others = addresses.iter().filter(|address| stored != Some(*address)).map(|address| {
        let kind = kind_of(address).unwrap_or_default().to_ascii_lowercase();
        let is_primary = address.get("primary") == Some(&Value::Bool(true));
        if is_primary { format!("{kind}{PRIMARY}") } else { kind }
    });
    let mut kinds: Vec<String> = others.filter(|kind| !kind.contains(',') && !kind.is_empty()).collect();
    kinds.sort();
    kinds.dedup();
    (!kinds.is_empty()).then(|| kinds.join(","))
}

/// A User as a PATCH finds it: with the kinds of the addresses and numbers that are not stored, so changing one is no
/// error.
pub fn with_values_not_stored(resource: &mut Map<String, Value>, provisioned: &BTreeMap<String, String>) {
    with_phones_not_stored(resource);
    let Some(kinds) = provisioned.get(EMAIL_OTHERS) else { return };
    let addresses = resource.entry("emails").or_insert_with(|| Value::Array(Vec::new()));
    let Some(addresses) = addresses.as_array_mut() else { return };
    for kind in kinds.split(',') {
        let (kind, is_primary) = kind.strip_suffix(PRIMARY).map_or((kind, false), |kind| (kind, true));
        let mut address = Map::new();
        if !kind.is_empty() {
            address.insert("type".to_owned(), kind.into());
        }
        if is_primary {
            address.insert("primary".to_owned(), true.into());
        }
        addresses.push(address.into());
    }
}

/// Providers replace a number without knowing whether there is one: each kind has an element that a filter finds.
fn with_phones_not_stored(resource: &mut Map<String, Value>) {
    let numbers = resource.entry(PHONES).or_insert_with(|| Value::Array(Vec::new()));
    let Some(numbers) = numbers.as_array_mut() else { return };
    for kind in schema::PHONES {
        if !numbers.iter().any(|number| is_of(number, kind)) {
            numbers.push(serde_json::json!({"type": kind}));
        }
    }
}

fn employments_of(
    extension: Option<&Map<String, Value>>,
    mapping: &Mapping,
    calendar: CityCalendar,
) -> Result<Option<Vec<ProvisionedEmployment>>, UserError> {
    let Some(list) = extension.and_then(|extension| extension.get("employments")).and_then(Value::as_array) else {
        return Ok(None);
    };
    let mut employments: Vec<ProvisionedEmployment> = Vec::new();
    for provisioned in list {
        let text = |name: &str| provisioned.get(name).and_then(Value::as_str);
        let named = |name: &'static str| move |why| UserError::Id { attribute: format!("employments.{name}"), why };
        let day_of = |name: &str| {
            let parsed = text(name)
                .map(|text| day(text, calendar).ok_or_else(|| UserError::NotADay(format!("employments.{name}"))));
            parsed.transpose()
        };
        let form = text("form").map(|word| {
            EmploymentForm::parse(word).ok_or_else(|| UserError::UnknownForm("employments.form".to_owned()))
        });
        let id = text("id").map(EmploymentId::parse).transpose().map_err(named("id"))?;
        if let Some(id) = id.as_ref().filter(|id| employments.iter().any(|other| other.id.as_ref() == Some(*id))) {
            return Err(UserError::SameId(id.clone()));
        }
        let unit = text("unit").unwrap_or_default();
        for (name, text) in [("id", text("id").unwrap_or_default()), ("unit", unit)] {
            if is_personal_identity_number(text) {
                return Err(UserError::PersonalIdentityNumber(format!("employments.{name}")));
            }
        }
        employments.push(ProvisionedEmployment {
            id,
            administration: AdministrationCode::parse(
                text("administration").ok_or(UserError::EmploymentLacks("administration"))?,
            )
            .map_err(named("administration"))?,
            unit: unit.to_owned(),
            form: form.transpose()?.unwrap_or(mapping.default_form),
            starts_on: day_of("startsOn")?.ok_or(UserError::EmploymentLacks("startsOn"))?,
            ends_on: day_of("endsOn")?,
        });
    }
    Ok(Some(employments))
}

/// Whether a body says explicitly that there is no employment: an empty list, which is more than no list.
#[must_use]
pub fn says_no_employments(body: &Value) -> bool {
    let extension = body.as_object().and_then(|body| member(body, KURSKOLL)).and_then(Value::as_object);
    let employments = extension.and_then(|extension| member(extension, "employments"));
    employments.is_some_and(|list| list.is_null() || list.as_array().is_some_and(Vec::is_empty))
}

/// What PUT leaves as it is (RFC 7644, section 3.5.1, leaves the choice): extensions that the client does not name, the
/// employee number, the administration, the name and whether the person is active. Everything else that is not given is
/// none.
pub fn keep_unspoken(body: &mut Map<String, Value>, before: &Map<String, Value>, mapping: &Mapping) {
    for name in ["active", "name"] {
        if let Some(value) = before.get(name).filter(|_| !body.contains_key(name)) {
            body.insert(name.to_owned(), value.clone());
        }
    }
    let extensions = before.iter().filter(|(name, _)| name.starts_with("urn:"));
    for (name, value) in extensions {
        if !body.contains_key(name) {
            body.insert(name.clone(), value.clone());
        }
    }
    let stored = [(ENTERPRISE, "employeeNumber"), (KURSKOLL, "protected"), (KURSKOLL, "employments")];
    for (extension, name) in stored {
        let value = before.get(extension).and_then(|extension| extension.get(name));
        if let Some(value) = value.filter(|_| body.get(extension).and_then(|e| e.get(name)).is_none()) {
            object_in(body, extension).insert(name.to_owned(), value.clone());
        }
    }
    // Many providers never send it: HR's files or a group say where the person works.
    if let (None, Some(shown)) =
        (mapping.text(&mapping.administration, body), mapping.text(&mapping.administration, before))
        && let Ok(place) = mapping.schemas.place(&mapping.administration)
    {
        place_text(body, place, shown);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn stored(emails: &Value) -> Option<String> {
        let resource = Map::from_iter([("emails".to_owned(), emails.clone())]);
        address_of(&resource).and_then(|email| email.get("value")).and_then(Value::as_str).map(ToOwned::to_owned)
    }

    #[test]
    fn the_address_for_work_is_kept_whatever_is_called_primary() {
        let (work, home, other) = (
            json!({"value": "w", "type": "Work"}),
            json!({"value": "h", "type": "HOME", "primary": true}),
            json!({"value": "o", "type": "other"}),
        );
        let primary = |email: &Value| {
            let mut email = email.clone();
            email["primary"] = json!(true);
            email
        };
        let (bare, second) = (json!({"value": "b"}), json!({"value": "w2", "type": "work"}));
        for (emails, wanted) in [
            (json!([home, work]), Some("w")),
            (json!([primary(&other), work]), Some("w")),
            (json!([work, second]), Some("w")),
            (json!([work, primary(&second)]), Some("w2")),
            (json!([bare, primary(&other)]), Some("o")),
            (json!([other, bare]), Some("b")),
            (json!([home, other]), Some("o")),
            (json!([home, bare]), Some("b")),
            (json!([home]), None),
            (json!([{"type": "work"}, bare]), Some("b")),
            (json!([]), None),
        ] {
            assert_eq!(stored(&emails).as_deref(), wanted, "{emails}");
        }
    }

    #[test]
    fn of_what_is_not_kept_its_kind_is_remembered_and_no_more() {
        let emails = json!([{"value": "w", "type": "work"}, {"value": "h", "type": "home", "primary": true},
                            {"value": "o", "type": "other"}, {"value": "b"}]);
        let mut resource = Map::from_iter([("emails".to_owned(), emails)]);
        let kinds = kinds_not_stored(&resource, address_of(&resource)).expect("kinds");
        assert_eq!(kinds, "home!,other");
        resource.insert("emails".to_owned(), json!([{"value": "w", "type": "work"}]));
        with_values_not_stored(&mut resource, &BTreeMap::from([(EMAIL_OTHERS.to_owned(), kinds.clone())]));
        assert_eq!(
            resource["emails"],
            json!([{"value": "w", "type": "work"}, {"type": "home", "primary": true}, {"type": "other"}])
        );
        assert_eq!(kinds_not_stored(&resource, address_of(&resource)), Some(kinds));
    }

    proptest! {
        /// One address for work among any others, in any order, is the one that is stored.
        #[test]
        fn one_address_for_work_is_kept_in_any_order(
            others in prop::collection::vec((prop::sample::select(&["home", "other", "x", ""][..]), any::<bool>()), 0..5),
            at in any::<prop::sample::Index>(), primary in prop::option::of(any::<bool>()),
        ) {
            let mut emails: Vec<Value> = others
                .iter()
                .map(|(kind, primary)| match *kind {
                    "" => json!({"value": "p", "primary": primary}),
                    kind => json!({"value": "p", "type": kind, "primary": primary}),
                })
                .collect();
            let place = at.index(emails.len() + 1);
            emails.insert(place, json!({"value": "w", "type": "work", "primary": primary}));
            prop_assert_eq!(stored(&Value::Array(emails)), Some("w".to_owned()));
        }
    }
}
