//! Which SCIM attribute carries what, if a provider does not speak Kurskoll's extension.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{Datelike as _, NaiveDate};
use serde_json::{Map, Value};

use super::path::{AttributePath, PathError};
use super::schema::{self, Attribute, ENTERPRISE, Kind, Named, Schemas, UnknownAttribute};
use kurskoll_domain::calendar::CityCalendar;
use kurskoll_domain::directory::EmploymentForm;
use kurskoll_domain::ids::{AdministrationCode, InvalidId};

/// The mapping as it is configured; an empty path: nothing carries it.
#[derive(Debug, Clone, Default)]
pub struct MappingText<'a> {
    pub employee_number: &'a str,
    pub administration: &'a str,
    pub unit: &'a str,
    pub form: &'a str,
    pub starts_on: &'a str,
    pub ends_on: &'a str,
    pub default_form: &'a str,
    /// Take `0042` out of `0042 Serviceförvaltningen`.
    pub leading_code: bool,
    /// A provider's value for an administration, and its code.
    pub administrations: Vec<(&'a str, &'a str)>,
    /// The display name or externalId of a provider's group, and the code of the administration that it represents.
    pub groups: Vec<(&'a str, &'a str)>,
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    #[error("scim.{setting}: {error}")]
    Path { setting: &'static str, error: PathError },
    #[error("scim.{setting}: {error}")]
    Unknown { setting: &'static str, error: UnknownAttribute },
    #[error("scim.{setting} must name an attribute whose value is one text")]
    NotAText { setting: &'static str },
    #[error("scim.{setting} must name an attribute")]
    Missing { setting: &'static str },
    #[error("scim.default_form is {0:?}, which is no form of employment")]
    UnknownForm(String),
    #[error("scim.{setting}: the code of {word:?} {error}")]
    Code { setting: &'static str, word: String, error: InvalidId },
}

/// Attributes of a User that have no effect here, and that the provider gets back as it sent them.
const STORED_AS_SENT: [&str; 11] = [
    "displayName",
    "nickName",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "name.middleName",
    "name.honorificPrefix",
    "name.honorificSuffix",
    "name.formatted",
];

/// Which attributes carry what, by their canonical names.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub schemas: Schemas,
    pub employee_number: String,
    pub administration: String,
    pub unit: Option<String>,
    pub form: Option<String>,
    pub starts_on: Option<String>,
    pub ends_on: Option<String>,
    pub default_form: EmploymentForm,
    leading_code: bool,
    /// By the value in the form in which values are compared.
    administrations: BTreeMap<String, AdministrationCode>,
    /// By the group's name or externalId in the same form.
    groups: BTreeMap<String, AdministrationCode>,
}

impl Mapping {
    /// Reads a mapping. An attribute that no schema has is added to one, so that it is stored, shown and listed.
    pub fn read(text: &MappingText<'_>) -> Result<Self, MappingError> {
        let mut schemas = schema::user();
        let mut carrier = |setting, path: &str| carrier(&mut schemas, setting, path);
        let employee_number = carrier("employee_number", text.employee_number)?;
        let administration = carrier("administration", text.administration)?;
        let unit = carrier("unit", text.unit)?;
        let form = carrier("form", text.form)?;
        let starts_on = carrier("starts_on", text.starts_on)?;
        let ends_on = carrier("ends_on", text.ends_on)?;
        let unknown_form = || MappingError::UnknownForm(text.default_form.to_owned());
        Ok(Self {
            schemas,
            employee_number: employee_number.ok_or(MappingError::Missing { setting: "employee_number" })?,
            administration: administration.ok_or(MappingError::Missing { setting: "administration" })?,
            unit,
            form,
            starts_on,
            ends_on,
            default_form: EmploymentForm::parse(text.default_form).ok_or_else(unknown_form)?,
            leading_code: text.leading_code,
            administrations: codes("administrations", &text.administrations)?,
            groups: codes("groups", &text.groups)?,
        })
    }

    /// The code that a provider's value for an administration means.
    pub fn code_of(&self, word: &str) -> Result<AdministrationCode, InvalidId> {
        if let Some(code) = self.administrations.get(&kurskoll_domain::linking::normalized(word)) {
            return Ok(code.clone());
        }
        let leading = word.split_whitespace().next().filter(|_| self.leading_code);
        AdministrationCode::parse(leading.unwrap_or(word))
    }

    /// The administration that a provider's group represents, by its externalId or else its display name.
    #[must_use]
    pub fn administration_of_group(&self, name: &str, external_id: Option<&str>) -> Option<&AdministrationCode> {
        let found = |word: &str| self.groups.get(&kurskoll_domain::linking::normalized(word));
        external_id.and_then(found).or_else(|| found(name))
    }

    /// The text of a carrier in a resource.
    #[must_use]
    pub fn text<'v>(&self, carrier: &str, resource: &'v Map<String, Value>) -> Option<&'v str> {
        self.schemas.place(carrier).ok()?.text(resource)
    }

    /// The attributes that are stored as they were provisioned, in addition to those that become facts of the
    /// directory.
    #[must_use]
    pub fn stored(&self) -> Vec<String> {
        let of_enterprise = ["costCenter", "organization", "division", "department"];
        let mut stored: Vec<String> = of_enterprise.iter().map(|name| format!("{ENTERPRISE}:{name}")).collect();
        stored.extend(STORED_AS_SENT.map(ToOwned::to_owned));
        let carriers = [&self.unit, &self.form, &self.starts_on, &self.ends_on].into_iter().flatten();
        stored.extend(carriers.chain([&self.employee_number, &self.administration]).cloned());
        let is_a_fact = |path: &String| {
            ["userName", "externalId", "name.givenName", "name.familyName"].contains(&path.as_str())
                || *path == format!("{ENTERPRISE}:employeeNumber")
        };
        stored.retain(|path| !is_a_fact(path));
        stored.sort();
        stored.dedup();
        stored
    }
}

/// Words with the codes that they mean, by the form in which words are compared.
fn codes(setting: &'static str, words: &[(&str, &str)]) -> Result<BTreeMap<String, AdministrationCode>, MappingError> {
    let read = |(word, code): &(&str, &str)| {
        let named = |error| MappingError::Code { setting, word: (*word).to_owned(), error };
        Ok((kurskoll_domain::linking::normalized(word), AdministrationCode::parse(code).map_err(named)?))
    };
    words.iter().map(read).collect()
}

/// The canonical name of the attribute that a setting names.
fn carrier(schemas: &mut Schemas, setting: &'static str, path: &str) -> Result<Option<String>, MappingError> {
    if path.trim().is_empty() {
        return Ok(None);
    }
    let path = AttributePath::parse(path).map_err(|error| MappingError::Path { setting, error })?;
    if let Ok(Named::NotStored) = schemas.named(path.as_str()) {
        let own = || Attribute::text("", "Carries what the configuration says.").case_exact();
        match path.as_str().rsplit_once(':') {
            Some((schema, name)) if !name.contains('.') => {
                schemas.declare(schema, Attribute { name: name.to_owned(), ..own() });
            }
            None if !path.as_str().contains('.') => {
                let core = schemas.core.id.clone();
                schemas.declare(&core, Attribute { name: path.to_string(), ..own() });
            }
            _ => return Err(MappingError::NotAText { setting }),
        }
    }
    let place = schemas.place(path.as_str()).map_err(|error| MappingError::Unknown { setting, error })?;
    if place.target().kind != Kind::Text || place.attribute.is_multi_valued {
        return Err(MappingError::NotAText { setting });
    }
    Ok(Some(place.canonical()))
}

/// The years that a day may be in, as in HR's files: other years would not compare correctly in every store.
const YEARS: RangeInclusive<i32> = 1900..=9999;

/// A day as a provider writes it: alone, or as an instant, which becomes a day in the city.
#[must_use]
pub fn day(text: &str, calendar: CityCalendar) -> Option<NaiveDate> {
    let text = text.trim();
    let instant = || chrono::DateTime::parse_from_rfc3339(text).ok().map(|instant| calendar.day_of(instant.to_utc()));
    text.parse().ok().or_else(instant).filter(|day| YEARS.contains(&day.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(administration: &str, leading_code: bool) -> Result<Mapping, MappingError> {
        Mapping::read(&MappingText {
            employee_number: "externalId",
            administration,
            default_form: "permanent",
            leading_code,
            administrations: vec![("Kultur och fritid", "KFF")],
            ..MappingText::default()
        })
    }

    #[test]
    fn a_word_for_an_administration_becomes_its_code() {
        for (word, leading, wanted) in [
            ("SEF", false, "SEF"),
            ("0042 Serviceförvaltningen", false, "0042 Serviceförvaltningen"),
            ("0042 Serviceförvaltningen", true, "0042"),
            ("KULTUR och Fritid", true, "KFF"),
        ] {
            let code = mapping("organization", leading).expect("a mapping").code_of(word).expect("a code");
            assert_eq!(code.as_str(), wanted, "{word}");
        }
    }

    #[test]
    fn a_mapping_names_one_text() {
        let own = "urn:example:2.0:User:förvaltning";
        for (path, wanted) in [
            ("", "scim.administration must name an attribute"),
            ("emails", "scim.administration must name an attribute whose value is one text"),
            ("active", "scim.administration must name an attribute whose value is one text"),
            ("name", "scim.administration must name an attribute whose value is one text"),
            ("no.such", "scim.administration: no.such is no attribute here: /Schemas lists them"),
        ] {
            assert_eq!(mapping(path, false).expect_err("no mapping").to_string(), wanted);
        }
        assert!(mapping(own, false).is_err(), "names of attributes are ASCII");
        let declared = mapping("urn:example:2.0:User:administration", false).expect("a mapping");
        assert_eq!(declared.administration, "urn:example:2.0:User:administration");
        assert!(declared.schemas.all().any(|schema| schema.id == "urn:example:2.0:User"));
        assert_eq!(mapping("name.familyName", false).expect("a mapping").administration, "name.familyName");
    }

    #[test]
    fn an_instant_is_a_day_in_the_city() {
        let city = CityCalendar::new(chrono_tz::Europe::Stockholm);
        let wanted = NaiveDate::from_ymd_opt(2026, 3, 1);
        for text in
            ["2026-03-01", " 2026-03-01 ", "2026-03-01T00:00:00Z", "2026-02-28T23:30:00Z", "2026-03-01T08:00:00+01:00"]
        {
            assert_eq!(day(text, city), wanted, "{text}");
        }
        assert_eq!(day("1/3/2026", city), None);
    }

    #[test]
    fn a_day_is_one_that_a_file_could_have() {
        let city = CityCalendar::new(chrono_tz::Europe::Stockholm);
        assert!(day("1900-01-01", city).is_some() && day("9999-12-31", city).is_some());
        for text in [
            "+262142-12-31",
            "-0001-01-01",
            "10000-01-01",
            "+10000-01-01",
            "0000-01-01",
            "1899-12-31",
            "1899-06-01T12:00:00Z",
        ] {
            assert_eq!(day(text, city), None, "{text}");
        }
    }
}
