//! A User: read into a person with employments, and written from one.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::ScimType;
use super::mapping::{Mapping, day};
use super::resource::object_in;
use super::schema::{ENTERPRISE, KURSKOLL, Place, USER};
use crate::domain::calendar::CityCalendar;
use crate::domain::directory::EmploymentForm;
use crate::domain::directory::plan::provision::{KnownPerson, Post, Told, ToldEmployment, shown};
use crate::domain::ids::{
    AdministrationCode, EmployeeId, EmployeeNumber, EmploymentId, InvalidId, is_personal_identity_number,
};

/// Kurskoll's id of a User: the employee's own key, and how often the provider has begun anew with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserId {
    pub employee: EmployeeId,
    /// 1, and one more after each deletion.
    pub generation: u32,
}

impl UserId {
    /// Reads an id that Kurskoll gave.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (employee, generation) = text.split_once('-')?;
        let id = Self { employee: EmployeeId(employee.parse().ok()?), generation: generation.parse().ok()? };
        // One id has one writing.
        (id.to_string() == text).then_some(id)
    }
}

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.employee.0, self.generation)
    }
}

/// What a provider told of a User beside what becomes facts of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub user_name: String,
    pub external_id: Option<String>,
    pub active: bool,
    /// Texts as they were told, by the attribute's canonical name ([`Mapping::kept`]).
    pub told: BTreeMap<String, String>,
}

/// A User as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadUser {
    pub employee_number: Option<EmployeeNumber>,
    pub account: Account,
    /// The manager as the id of a User; `told` lacks it.
    pub manager: Option<String>,
    pub told: Told,
}

/// Why a resource is no User.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    #[error("userName is missing")]
    NoUserName,
    #[error("{attribute} is missing: it carries HR's number of the employee, by which the register knows people")]
    NoEmployeeNumber { attribute: String },
    #[error("{attribute} {why}")]
    Id { attribute: String, why: InvalidId },
    #[error("{0} is a Swedish personal identity number, and is never kept: map another attribute")]
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
    let email = email_of(resource);
    if email.is_some_and(is_personal_identity_number) {
        return Err(UserError::PersonalIdentityNumber("emails".to_owned()));
    }
    let mut told = BTreeMap::new();
    for attribute in mapping.kept() {
        if let Some(value) = harmless(&attribute)? {
            told.insert(attribute, value);
        }
    }
    let extension = resource.get(KURSKOLL).and_then(Value::as_object);
    let active = resource.get("active").and_then(Value::as_bool).unwrap_or(true);
    let name = |part: &str| text(&format!("name.{part}")).map(ToOwned::to_owned);
    Ok(ReadUser {
        employee_number: employee_number.map_err(named(&mapping.employee_number))?,
        account: Account { user_name: user_name.clone(), external_id: harmless("externalId")?, active, told },
        manager: text(&format!("{ENTERPRISE}:manager.value")).map(ToOwned::to_owned),
        told: Told {
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
                email: email.map(ToOwned::to_owned),
                username: Some(user_name),
            },
            employments: employments_of(extension, mapping, calendar)?,
        },
    })
}

/// The address that is kept: the primary one, else the one for work, else the first.
fn email_of(resource: &Map<String, Value>) -> Option<&str> {
    let emails = resource.get("emails").and_then(Value::as_array)?;
    let with = |test: &dyn Fn(&Value) -> bool| {
        emails.iter().filter(|email| test(email)).find_map(|email| email.get("value").and_then(Value::as_str))
    };
    let is_work =
        |email: &Value| email.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    with(&|email| email.get("primary") == Some(&Value::Bool(true)))
        .or_else(|| with(&is_work))
        .or_else(|| with(&|_| true))
}

fn employments_of(
    extension: Option<&Map<String, Value>>,
    mapping: &Mapping,
    calendar: CityCalendar,
) -> Result<Option<Vec<ToldEmployment>>, UserError> {
    let Some(list) = extension.and_then(|extension| extension.get("employments")).and_then(Value::as_array) else {
        return Ok(None);
    };
    let mut employments: Vec<ToldEmployment> = Vec::new();
    for told in list {
        let text = |name: &str| told.get(name).and_then(Value::as_str);
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
        employments.push(ToldEmployment {
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

/// What PUT leaves as it is (RFC 7644, section 3.5.1, leaves the choice): extensions that the client does not speak of, the
/// employee number, the name and whether the person is active. All else that is not told is none.
pub fn keep_unspoken(body: &mut Map<String, Value>, before: &Map<String, Value>) {
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
    let kept = [(ENTERPRISE, "employeeNumber"), (KURSKOLL, "protected"), (KURSKOLL, "employments")];
    for (extension, name) in kept {
        let value = before.get(extension).and_then(|extension| extension.get(name));
        if let Some(value) = value.filter(|_| body.get(extension).and_then(|e| e.get(name)).is_none()) {
            object_in(body, extension).insert(name.to_owned(), value.clone());
        }
    }
}

/// Everything that a User is written from.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub id: UserId,
    pub number: &'a EmployeeNumber,
    pub person: &'a KnownPerson,
    /// `None`: HR's files alone have spoken of them.
    pub account: Option<&'a Account>,
    /// The shown employment's manager, where it is a User.
    pub manager: Option<UserId>,
    /// The names of administrations.
    pub administrations: &'a BTreeMap<AdministrationCode, String>,
    pub created_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
    pub today: NaiveDate,
    /// Where the door stands, as `/scim/v2`.
    pub base: &'a str,
}

/// Writes a User. What was told is shown as it was told for as long as it says the same as the directory; else the
/// directory's word is shown.
#[must_use]
pub fn write(known: Known<'_>, mapping: &Mapping, calendar: CityCalendar) -> Map<String, Value> {
    let employment = shown(&known.person.employments, known.today);
    let record = known.person.person.as_ref();
    let number = known.number.as_str();
    let user_name = match known.account {
        Some(account) => account.user_name.as_str(),
        None => {
            let address = employment.and_then(|e| e.username.as_deref().or(e.email.as_deref()));
            address.unwrap_or(number)
        }
    };
    let active = known.account.map_or_else(
        || crate::domain::directory::plan::provision::works_here(&known.person.employments, known.today),
        |account| account.active,
    );
    let mut user = Map::new();
    let mut put = |path: &str, value: &str| {
        if let (Ok(place), false) = (mapping.schemas.place(path), value.is_empty()) {
            place_text(&mut user, place, value);
        }
    };
    for (path, value) in known.account.iter().flat_map(|account| &account.told) {
        put(path, value);
    }
    // A carrier shows what it was told, where that still holds.
    let told = |path: &str| known.account.and_then(|account| account.told.get(path)).map(String::as_str);
    if let Some(employment) = employment {
        let path = &mapping.administration;
        let holds = told(path).filter(|word| mapping.code_of(word).as_ref() == Ok(&employment.administration));
        put(path, holds.unwrap_or(employment.administration.as_str()));
        if let Some(path) = &mapping.form {
            let holds = told(path).filter(|word| EmploymentForm::parse(word) == Some(employment.form));
            put(path, holds.unwrap_or(employment.form.as_str()));
        }
        if let Some(path) = &mapping.starts_on {
            let holds = told(path).filter(|text| day(text, calendar) == Some(employment.starts_on));
            put(path, holds.unwrap_or(&employment.starts_on.to_string()));
        }
    }
    put(&mapping.employee_number, number);
    put(&format!("{ENTERPRISE}:employeeNumber"), number);
    put("name.givenName", record.map(|record| record.given_name.as_str()).unwrap_or_default());
    put("name.familyName", record.map(|record| record.family_name.as_str()).unwrap_or_default());
    put("externalId", known.account.and_then(|account| account.external_id.as_deref()).unwrap_or_default());
    put("userName", user_name);
    if let Some(employment) = employment {
        // What can be none must not be shown as it once was told.
        if let Some(path) = &mapping.unit {
            take(&mut user, mapping, path);
            put_text(&mut user, mapping, path, &employment.unit);
        }
        if let Some(path) = &mapping.ends_on {
            let holds = told(path).filter(|text| day(text, calendar) == employment.ends_on);
            let written = employment.ends_on.map(|day| day.to_string()).unwrap_or_default();
            take(&mut user, mapping, path);
            put_text(&mut user, mapping, path, holds.unwrap_or(&written));
        }
        if let Some(email) = &employment.email {
            user.insert("emails".to_owned(), json!([{"value": email, "type": "work", "primary": true}]));
        }
    }
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
    let employments: Vec<Value> = known.person.employments.values().map(employment_view).collect();
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

fn place_text(user: &mut Map<String, Value>, place: Place<'_>, value: &str) {
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

fn employment_view(employment: &crate::domain::directory::records::EmploymentRecord) -> Value {
    let mut view = Map::new();
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            view.insert(name.to_owned(), value.into());
        }
    };
    put("id", employment.employment_id.to_string());
    put("administration", employment.administration.to_string());
    put("unit", employment.unit.clone());
    put("form", employment.form.as_str().to_owned());
    put("startsOn", employment.starts_on.to_string());
    put("endsOn", employment.ends_on.map(|day| day.to_string()).unwrap_or_default());
    view.into()
}

fn groups_of(known: &Known<'_>) -> Vec<Value> {
    let runs = |e: &&crate::domain::directory::records::EmploymentRecord| {
        e.starts_on <= known.today && e.ends_on.is_none_or(|last| known.today <= last)
    };
    let codes: std::collections::BTreeSet<&AdministrationCode> =
        known.person.employments.values().filter(runs).map(|employment| &employment.administration).collect();
    let group = |code: &AdministrationCode| {
        json!({
            "value": code.as_str(),
            "$ref": group_location(known.base, code),
            "display": known.administrations.get(code).map_or(code.as_str(), String::as_str),
        })
    };
    codes.into_iter().map(group).collect()
}

/// The address of an administration's Group.
#[must_use]
pub fn group_location(base: &str, code: &AdministrationCode) -> String {
    let code = percent_encoding::utf8_percent_encode(code.as_str(), percent_encoding::NON_ALPHANUMERIC);
    format!("{base}/Groups/{code}")
}
