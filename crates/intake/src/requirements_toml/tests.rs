use std::path::PathBuf;

use chrono::NaiveDate;

use super::*;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/requirements").join(name)
}

fn good(name: &str) -> Vec<Requirement> {
    let text = std::fs::read_to_string(folder("good").join(name)).expect("a fixture");
    read(&text).expect("a good file")
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

#[test]
fn a_requirement_is_read_as_it_was_written() {
    let requirements = good("onboarding.toml");
    let course = |id: &str| Item::Course(CourseId::parse(id).expect("an id"));
    let share = decimal_from_text("0.8").expect("a decimal");
    let expected = Requirement {
        code: RequirementCode::parse("infosec-onboarding").expect("a code"),
        title_sv: "Informationssäkerhet för nyanställda".to_owned(),
        title_en: "Information security for new employees".to_owned(),
        audience: Audience {
            forms: [EmploymentForm::Permanent, EmploymentForm::FixedTerm, EmploymentForm::Hourly].into(),
            ..Audience::default()
        },
        alternatives: vec![
            vec![
                course("infosec-basics"),
                Item::Quiz {
                    quiz: QuizId::parse("infosec-basics-quiz").expect("an id"),
                    pass_mark: PassMark::new(share).expect("a mark"),
                },
            ],
            vec![course("infosec-basics-2023")],
        ],
        new_hire_days: 30,
        existing_staff_due_on: Some(date("2026-06-30")),
        valid_months: Some(12),
        valid_until: None,
        counts_from: None,
        renewal_days: 60,
        effective_from: date("2026-01-01"),
        effective_to: None,
    };
    assert_eq!(requirements, [expected]);
}

#[test]
fn what_is_left_out_has_its_default() {
    let requirements = good("defaults.toml");
    let [managers, gdpr] = requirements.as_slice() else { panic!("two requirements") };
    assert_eq!((managers.new_hire_days, managers.renewal_days, managers.valid_months), (30, 60, None));
    assert_eq!(managers.audience, Audience::default());
    assert_eq!(managers.existing_staff_due_on, None);
    assert_eq!(gdpr.effective_to, Some(date("2025-12-31")));
    assert_eq!(gdpr.audience.administrations.len(), 2);
    assert_eq!(gdpr.audience.units, ["Städ Nord".to_owned()].into());
}

#[test]
fn evidence_may_hold_until_a_day_of_the_year_and_count_from_a_day() {
    let requirements = good("each-calendar-year.toml");
    let [yearly, reformed] = requirements.as_slice() else { panic!("two requirements") };
    assert_eq!((yearly.valid_until, yearly.valid_months), (AnnualDay::parse("12-31").ok(), None));
    assert_eq!(yearly.counts_from, None);
    assert_eq!((reformed.counts_from, reformed.valid_months), (Some(date("2026-06-01")), Some(24)));
}

#[test]
fn each_broken_file_is_refused_for_its_own_fault() {
    let mut names: Vec<String> = std::fs::read_dir(folder("broken"))
        .expect("fixtures")
        .map(|entry| entry.expect("a fixture").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    let mut said = String::new();
    for name in names {
        let text = std::fs::read_to_string(folder("broken").join(&name)).expect("a fixture");
        let problems = read(&text).err().unwrap_or_else(|| panic!("{name} was taken"));
        said.push_str(&format!("{name}\n{problems}\n\n"));
    }
    insta::assert_snapshot!(said);
}
