//! The made-up city as HR's files (DESIGN, "Files in"): UTF-8, semicolons, the header names the columns.

use chrono::NaiveDate;

use super::administrations::{ADMINISTRATIONS, LEADERSHIP_UNIT};
use super::people::Person;
use super::{DemoCity, HOME_PAGE, PLATFORM};

pub(super) const INFOSEC_ONBOARDING: &str = "infosec-onboarding";

impl DemoCity {
    /// `code;name;board`, a row for each administration.
    #[must_use]
    pub fn administrations_csv(&self) -> String {
        let rows = ADMINISTRATIONS
            .iter()
            .map(|administration| [administration.code, administration.name, administration.board].map(str::to_owned));
        table(["code", "name", "board"], rows)
    }

    /// A row for each employment, past and coming ones included.
    #[must_use]
    pub fn employments_csv(&self) -> String {
        let rows = self.people.iter().flat_map(|person| {
            person.engagements.iter().enumerate().map(|(at, engagement)| {
                [
                    person.number.to_string(),
                    person.given_name.to_owned(),
                    person.family_name.to_owned(),
                    person.email.clone().unwrap_or_default(),
                    person.username.clone(),
                    format!("{}-{}", person.number, at + 1),
                    ADMINISTRATIONS[engagement.administration].code.to_owned(),
                    self.units[engagement.administration][engagement.unit].clone(),
                    engagement.form.as_str().to_owned(),
                    engagement.starts_on.to_string(),
                    last_day(engagement.ends_on),
                    engagement.manager.map(|manager| manager.to_string()).unwrap_or_default(),
                    person.protected.to_string(),
                ]
            })
        });
        let columns = [
            "employee_number",
            "given_name",
            "family_name",
            "email",
            "username",
            "employment_id",
            "administration",
            "unit",
            "form",
            "starts_on",
            "ends_on",
            "manager_employee_number",
            "protected",
        ];
        table(columns, rows)
    }

    /// `employee_number;starts_on;ends_on`, a row for each leave.
    #[must_use]
    pub fn absences_csv(&self) -> String {
        let rows = self.people.iter().filter_map(|person| {
            let leave = person.leave.as_ref()?;
            Some([person.number.to_string(), leave.starts_on.to_string(), last_day(leave.ends_on)])
        });
        table(["employee_number", "starts_on", "ends_on"], rows)
    }

    /// `employee_number;requirement;starts_on;ends_on;reason`, a row for each exemption.
    #[must_use]
    pub fn exemptions_csv(&self) -> String {
        let rows = self.people.iter().filter_map(|person| {
            let exemption = person.exemption.as_ref()?;
            Some([
                person.number.to_string(),
                INFOSEC_ONBOARDING.to_owned(),
                exemption.starts_on.to_string(),
                last_day(exemption.ends_on),
                exemption.reason.to_owned(),
            ])
        });
        table(["employee_number", "requirement", "starts_on", "ends_on", "reason"], rows)
    }

    /// `employee_number;platform;key;value;home_page`: the platform's accounts, which are not in HR's other files.
    #[must_use]
    pub fn identities_csv(&self) -> String {
        let account = |person: &Person| [person.number, person.account].map(|number| number.to_string());
        let rows = self.people.iter().map(|person| {
            let [number, name] = account(person);
            [number, PLATFORM.to_owned(), "account".to_owned(), name, HOME_PAGE.to_owned()]
        });
        table(["employee_number", "platform", "key", "value", "home_page"], rows)
    }

    /// Two requirements: the one that binds everybody, and one for the heads of administrations (the Swedish
    /// Cybersecurity Act's training of management).
    #[must_use]
    pub fn requirements_toml(&self) -> String {
        format!(
            r#"[[requirement]]
code = "{INFOSEC_ONBOARDING}"
title_sv = "Informationssäkerhet för nyanställda"
title_en = "Information security for new employees"
effective_from = 2026-01-01
existing_staff_due_on = 2026-06-30
new_hire_days = 30
valid_months = 12
renewal_days = 60
audience = {{ administrations = [], forms = ["permanent", "fixed_term", "hourly"], units = [] }}
alternatives = [
  [ {{ course = "infosec-basics" }}, {{ quiz = "infosec-basics-quiz", pass_mark = "0.8" }} ],
  [ {{ course = "infosec-basics-2023" }} ],
]

[[requirement]]
code = "infosec-managers"
title_sv = "Ledningens ansvar för cybersäkerhet"
title_en = "Management's responsibility for cybersecurity"
effective_from = 2026-01-15
existing_staff_due_on = 2026-05-31
new_hire_days = 60
valid_months = 24
renewal_days = 90
audience = {{ administrations = [], forms = [], units = ["{LEADERSHIP_UNIT}"] }}
alternatives = [
  [ {{ course = "infosec-managers" }} ],
]
"#
        )
    }
}

fn last_day(day: Option<NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

#[expect(clippy::expect_used, reason = "rows of one length, written to memory, in UTF-8: nothing of it can fail")]
fn table<const COLUMNS: usize>(header: [&str; COLUMNS], rows: impl Iterator<Item = [String; COLUMNS]>) -> String {
    let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
    writer.write_record(header).expect("memory takes every row");
    for row in rows {
        writer.write_record(&row).expect("memory takes every row");
    }
    let bytes = writer.into_inner().expect("memory takes every row");
    String::from_utf8(bytes).expect("text stays text")
}
