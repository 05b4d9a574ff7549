//! A plan as lines that a person reads before it is carried out.

use super::super::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord,
};
use super::{Act, Change, Plan};

/// What stands where a value is none.
const NONE: &str = "–";

impl Plan {
    /// One line for each change, always in the same order: `employment 104233/1: administration SEF → FGK`. Of a person with
    /// protected personal data it shows the number, and what kind of record changes.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.changes.iter().map(|change| {
            let is_protected = change.employee_number().is_some_and(|number| self.protected.contains(number));
            match change {
                Change::Administration(act) => line(act, is_protected),
                Change::Person(act) => line(act, is_protected),
                Change::Employment(act) => line(act, is_protected),
                Change::Absence(act) => line(act, is_protected),
                Change::Exemption(act) => line(act, is_protected),
                Change::Identity(act) => line(act, is_protected),
            }
        })
    }
}

fn line<T: Described>(act: &Act<T>, is_protected: bool) -> String {
    let (noun, record) = (T::NOUN, act.record());
    if is_protected {
        let verb = match act {
            Act::Added(_) => "new",
            Act::Changed { .. } => "changed",
            Act::Ended { .. } => "ended",
            Act::Withdrawn(_) => "withdrawn",
        };
        return format!("{noun} {}: {verb}", record.owner());
    }
    let said = match act {
        Act::Added(record) => {
            let fields = record.fields().into_iter().filter(|(_, value)| value != NONE);
            let fields: Vec<String> = fields.map(|(field, value)| format!("{field} {value}")).collect();
            if fields.is_empty() { "new".to_owned() } else { format!("new, {}", fields.join(", ")) }
        }
        Act::Changed { before, after } => differing(before, after),
        Act::Ended { before, after } => format!("ended, {}", differing(before, after)),
        Act::Withdrawn(_) => "withdrawn".to_owned(),
    };
    format!("{noun} {}: {said}", record.name())
}

fn differing<T: Described>(before: &T, after: &T) -> String {
    let pairs = before.fields().into_iter().zip(after.fields());
    let differing = pairs.filter(|((_, before), (_, after))| before != after);
    let arrows: Vec<String> =
        differing.map(|((field, before), (_, after))| format!("{field} {before} → {after}")).collect();
    arrows.join(", ")
}

/// A record in words.
trait Described {
    const NOUN: &'static str;

    /// The number of the person that the record is about, or an administration's code.
    fn owner(&self) -> &str;

    /// What the record is called: its key.
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
        format!("{} at {}: {} {}{on}", self.employee_number, self.platform, identity.key.as_str(), identity.value)
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
