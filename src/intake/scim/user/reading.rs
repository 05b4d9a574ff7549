//! A User in its canonical form, read into a person with employments.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::ScimType;
use super::super::mapping::{Mapping, day};
use super::super::patch::member;
use super::super::resource::object_in;
use super::super::schema::{ENTERPRISE, KURSKOLL};
use super::{Account, EMAIL_TYPE, SAID};
use crate::domain::calendar::CityCalendar;
use crate::domain::directory::EmploymentForm;
use crate::domain::directory::plan::provision::{Post, Told, ToldEmployment};
use crate::domain::ids::{AdministrationCode, EmployeeNumber, EmploymentId, InvalidId, is_personal_identity_number};

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
    let part_of_email = |part: &str| email.and_then(|email| email.get(part)).and_then(Value::as_str);
    let address = part_of_email("value");
    if address.is_some_and(is_personal_identity_number) {
        return Err(UserError::PersonalIdentityNumber("emails".to_owned()));
    }
    let mut told = BTreeMap::new();
    for attribute in mapping.kept() {
        if let Some(value) = harmless(&attribute)? {
            told.insert(attribute, value);
        }
    }
    told.extend(part_of_email("type").map(|kind| (EMAIL_TYPE.to_owned(), kind.to_owned())));
    let said = [text("name.givenName"), text("name.familyName"), address, optional(&mapping.unit)];
    told.extend(SAID.into_iter().zip(said).filter_map(|(name, said)| Some((name.to_owned(), said?.to_owned()))));
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
                email: address.map(ToOwned::to_owned),
                username: Some(user_name),
            },
            employments: employments_of(extension, mapping, calendar)?,
        },
    })
}

/// The address that is kept: the primary one, else the one for work, else the first.
fn email_of(resource: &Map<String, Value>) -> Option<&Value> {
    let emails = resource.get("emails").and_then(Value::as_array)?;
    let with = |test: &dyn Fn(&Value) -> bool| {
        emails.iter().filter(|email| email.get("value").is_some()).find(|email| test(email))
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

/// Whether a body says in so many words that there is no employment: an empty list, which is more than none.
#[must_use]
pub fn says_no_employments(body: &Value) -> bool {
    let extension = body.as_object().and_then(|body| member(body, KURSKOLL)).and_then(Value::as_object);
    let employments = extension.and_then(|extension| member(extension, "employments"));
    employments.is_some_and(|list| list.is_null() || list.as_array().is_some_and(Vec::is_empty))
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
