//! Records as text: their names and their values.

use super::super::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord,
};

/// Shown if there is no value.
pub(super) const NONE: &str = "–";

/// A record as text.
pub(super) trait Described {
    const NOUN: &'static str;

    /// The number of the person that the record is about, or an administration's code.
    fn owner(&self) -> &str;

    /// The record's name: its key.
    fn name(&self) -> String;

    /// Everything else, by the names of the file's columns.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).filter(|text| !text.is_empty()).unwrap_or_else(|| NONE.to_owned())
}

impl Described for AdministrationRecord {
    const NOUN: &'static str = "administration";

    fn owner(&self) -> &str {
        self.code.as_str()
    }

    fn name(&self) -> String {
        self.code.to_string()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("name", shown(Some(&self.name))), ("board", shown(Some(&self.board)))]
    }
}

impl Described for PersonRecord {
    const NOUN: &'static str = "person";

    fn owner(&self) -> &str {
        self.employee_number.as_str()
    }

    fn name(&self) -> String {
        self.employee_number.to_string()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("given_name", shown(Some(&self.given_name))), ("family_name", shown(Some(&self.family_name)))]
    }
}

impl Described for EmploymentRecord {
    const NOUN: &'static str = "employment";

    fn owner(&self) -> &str {
        self.employee_number.as_str()
    }

    fn name(&self) -> String {
        format!("{}/{}", self.employee_number, self.employment_id)
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("administration", shown(Some(&self.administration))),
            ("unit", shown(Some(&self.unit))),
            ("form", shown(Some(self.form.as_str()))),
            ("starts_on", shown(Some(self.starts_on))),
            ("ends_on", shown(self.ends_on)),
            ("manager_employee_number", shown(self.manager.as_ref())),
            ("email", shown(self.email.as_ref())),
            ("username", shown(self.username.as_ref())),
        ]
    }
}

impl Described for AbsenceRecord {
    const NOUN: &'static str = "absence";

    fn owner(&self) -> &str {
        self.employee_number.as_str()
    }

    fn name(&self) -> String {
        format!("{} from {}", self.employee_number, self.starts_on)
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("ends_on", shown(self.ends_on))]
    }
}

impl Described for ExemptionRecord {
    const NOUN: &'static str = "exemption";

    fn owner(&self) -> &str {
        self.employee_number.as_str()
    }

    fn name(&self) -> String {
        format!("{} from {} from {}", self.employee_number, self.requirement, self.starts_on)
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("ends_on", shown(self.ends_on)), ("reason", shown(Some(&self.reason)))]
    }
}

impl Described for IdentityRecord {
    const NOUN: &'static str = "identity";

    fn owner(&self) -> &str {
        self.employee_number.as_str()
    }

    fn name(&self) -> String {
        let identity = &self.identity;
        let on = if identity.home_page.is_empty() { String::new() } else { format!(" on {}", identity.home_page) };
        let from = self.valid_from.map(|day| format!(" from {day}")).unwrap_or_default();
        format!("{} at {}: {} {}{on}{from}", self.employee_number, self.platform, identity.key.as_str(), identity.value)
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("valid_to", shown(self.valid_to))]
    }
}
