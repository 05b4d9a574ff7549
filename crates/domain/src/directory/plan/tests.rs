mod difference;
mod mass;
mod properties;
mod undo;

use super::super::EmploymentForm;
use super::super::problem::Fault;
use super::*;
use crate::calendar::add_days;
use crate::ids::{EmployeeNumber, EmploymentId, PlatformCode, RequirementCode};
use crate::linking::{Identity, LinkingKey};

const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 4, 1).expect("a day");

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn number(text: &str) -> EmployeeNumber {
    EmployeeNumber::parse(text).expect("a number")
}

fn code(text: &str) -> AdministrationCode {
    AdministrationCode::parse(text).expect("a code")
}

fn rows<T>(records: impl IntoIterator<Item = T>) -> Option<Vec<Row<T>>> {
    Some(records.into_iter().zip(2..).map(|(record, line)| Row { line, record }).collect())
}

fn administration(text: &str) -> AdministrationRecord {
    AdministrationRecord { code: code(text), name: format!("{text}-förvaltningen"), board: String::new() }
}

/// `104233/1 SEF 2026-01-01 2026-03-31`; without the last day it is open.
fn employment(text: &str) -> ReportedEmployment {
    let mut words = text.split([' ', '/']);
    let mut word = || words.next().expect("a word");
    let (number_text, id, administration, starts_on) = (word(), word(), word(), word());
    ReportedEmployment {
        given_name: "Åsa".to_owned(),
        family_name: "Öberg".to_owned(),
        protected: Some(false),
        employment: EmploymentRecord {
            earlier: Vec::new(),
            employee_number: number(number_text),
            employment_id: EmploymentId::parse(id).expect("an id"),
            administration: code(administration),
            unit: String::new(),
            form: EmploymentForm::Permanent,
            starts_on: day(starts_on),
            ends_on: words.next().map(day),
            manager: None,
            email: None,
            username: None,
        },
    }
}

fn absence(employee: &str, starts_on: &str, ends_on: Option<&str>) -> AbsenceRecord {
    AbsenceRecord { employee_number: number(employee), starts_on: day(starts_on), ends_on: ends_on.map(day) }
}

fn exemption(employee: &str, starts_on: &str, ends_on: Option<&str>) -> ExemptionRecord {
    ExemptionRecord {
        employee_number: number(employee),
        requirement: RequirementCode::parse("infosec").expect("a code"),
        starts_on: day(starts_on),
        ends_on: ends_on.map(day),
        reason: String::new(),
    }
}

fn identity(employee: &str, value: &str) -> IdentityRecord {
    IdentityRecord {
        employee_number: number(employee),
        platform: PlatformCode::parse("larportal").expect("a code"),
        identity: Identity::new(LinkingKey::Account, value, "https://larportal.example.org").expect("a value"),
        valid_from: None,
        valid_to: None,
    }
}

fn employments<'a>(texts: impl IntoIterator<Item = &'a str>) -> Files {
    Files { employments: rows(texts.into_iter().map(employment)), ..Files::default() }
}

/// A directory that knows the administrations SEF and FGK and what the files say.
fn known(files: &Files) -> Known {
    let mut known = Known {
        requirements: [RequirementCode::parse("infosec").expect("a code")].into(),
        platforms: [PlatformCode::parse("larportal").expect("a code")].into(),
        ..Known::default()
    };
    let codes = Files { administrations: rows(["FGK", "SEF"].map(administration)), ..Files::default() };
    known.apply(&plan(&known, &codes, Extent::Full, TODAY).expect("a plan"));
    known.apply(&plan(&known, files, Extent::Full, TODAY).expect("a plan"));
    known
}

fn lines(known: &Known, files: &Files, extent: Extent) -> Vec<String> {
    plan(known, files, extent, TODAY).expect("a plan").lines().collect()
}

#[test]
fn who_is_missing_from_a_full_file_has_left() {
    let known = known(&employments([
        "1/a SEF 2020-01-01",
        "2/a SEF 2020-01-01 2026-03-31",
        "3/a SEF 2020-01-01 2026-04-01",
        "4/a SEF 2026-04-01",
        "5/a SEF 2026-05-01 2026-08-31",
        "6/a SEF 2020-01-01",
    ]));
    assert_eq!(
        lines(&known, &employments(["6/a SEF 2020-01-01"]), Extent::Full),
        [
            "employment 1/a: ended, ends_on – → 2026-03-31",
            "employment 3/a: ended, ends_on 2026-04-01 → 2026-03-31",
            "employment 4/a: withdrawn",
            "employment 5/a: withdrawn",
        ]
    );
    assert!(lines(&known, &employments(["6/a SEF 2020-01-01"]), Extent::Partial).is_empty());
}

#[test]
fn absences_and_exemptions_end_and_identities_go_when_a_full_file_lacks_them() {
    let mut before = employments(["1/a SEF 2020-01-01"]);
    before.absences = rows([
        absence("1", "2025-01-01", Some("2025-02-01")),
        absence("1", "2026-03-01", None),
        absence("1", "2026-06-01", Some("2026-08-31")),
    ]);
    before.exemptions = rows([exemption("1", "2026-01-01", Some("2026-12-31")), exemption("1", "2027-01-01", None)]);
    before.identities = rows([identity("1", "17"), identity("1", "18")]);
    let known = known(&before);
    let after =
        Files { absences: rows([]), exemptions: rows([]), identities: rows([identity("1", "18")]), ..Files::default() };
    assert_eq!(
        lines(&known, &after, Extent::Full),
        [
            "absence 1 from 2026-03-01: ended, ends_on – → 2026-03-31",
            "absence 1 from 2026-06-01: withdrawn",
            "exemption 1 from infosec from 2026-01-01: ended, ends_on 2026-12-31 → 2026-03-31",
            "exemption 1 from infosec from 2027-01-01: withdrawn",
            "identity 1 at larportal: account 17 on https://larportal.example.org: withdrawn",
        ]
    );
    assert!(lines(&known, &after, Extent::Partial).is_empty());
}

#[test]
fn a_file_that_is_not_given_touches_nothing() {
    let mut before = employments(["1/a SEF 2020-01-01"]);
    before.absences = rows([absence("1", "2026-03-01", None)]);
    let known = known(&before);
    assert!(plan(&known, &Files::default(), Extent::Full, TODAY).expect("a plan").is_empty());
}

#[test]
fn a_transfer_is_a_readable_line() {
    let known = known(&employments(["104233/1 SEF 2020-01-01"]));
    let mut files = employments(["104233/1 FGK 2020-01-01 2026-12-31"]);
    assert_eq!(
        lines(&known, &files, Extent::Partial),
        ["employment 104233/1: administration SEF → FGK, ends_on – → 2026-12-31"]
    );
    let row = &mut files.employments.as_mut().expect("a file")[0].record;
    row.family_name = "Ek".to_owned();
    row.employment.employment_id = EmploymentId::parse("2").expect("an id");
    row.employment.unit = "Gata".to_owned();
    assert_eq!(
        lines(&known, &files, Extent::Partial),
        [
            "person 104233: family_name Öberg → Ek",
            "employment 104233/2: new, administration FGK, unit Gata, form permanent, starts_on 2020-01-01, ends_on 2026-12-31",
        ]
    );
}

#[test]
fn of_a_protected_person_a_line_shows_only_the_number() {
    let mut before = employments(["1/a SEF 2020-01-01", "1/b SEF 2020-01-01"]);
    before.employments.as_mut().expect("a file")[1].record.protected = Some(true);
    let known_before = known(&before);
    let mut after = employments(["1/a FGK 2020-01-01", "1/c SEF 2021-01-01"]);
    after.absences = rows([absence("1", "2026-03-01", None)]);
    assert_eq!(
        lines(&known_before, &after, Extent::Full),
        ["person 1: changed", "employment 1: changed", "employment 1: ended", "employment 1: new", "absence 1: new"]
    );
    assert_eq!(
        lines(&known(&Files::default()), &before, Extent::Full),
        ["person 1: new", "employment 1: new", "employment 1: new"]
    );
}

#[test]
fn one_protected_row_protects_the_person_and_a_file_without_the_column_uncovers_nobody() {
    let mut files = employments(["1/a SEF 2020-01-01", "1/b SEF 2020-01-01"]);
    files.employments.as_mut().expect("a file")[0].record.protected = Some(true);
    let known = known(&files);
    assert!(known.persons[&number("1")].protected);
    for row in files.employments.as_mut().expect("a file") {
        row.record.protected = None;
    }
    assert!(plan(&known, &files, Extent::Full, TODAY).expect("a plan").is_empty());
}

/// How many employments of how many end at once, if that must be allowed.
fn ending(plan: &Plan) -> Option<(usize, usize)> {
    let mass = plan.unusual.mass_changes.iter().find(|mass| mass.kind == MassKind::Ending)?;
    Some((mass.affected, mass.of))
}

#[test]
fn a_tenth_of_the_employments_may_end_and_no_more() {
    let all: Vec<String> = (0..20).map(|n| format!("{n}/a SEF 2020-01-01")).collect();
    let ended = "old/a SEF 2020-01-01 2020-12-31";
    let known = known(&employments(all.iter().map(String::as_str).chain([ended])));
    let without = |missing: usize| {
        let files = employments(all.iter().map(String::as_str).skip(missing));
        ending(&plan(&known, &files, Extent::Full, TODAY).expect("a plan"))
    };
    assert_eq!(without(0), None);
    assert_eq!(without(2), None);
    assert_eq!(without(3), Some((3, 20)));
    assert_eq!(without(20), Some((20, 20)));
}

#[test]
fn an_employment_that_a_full_file_ends_in_the_past_counts_as_ending() {
    let all: Vec<String> = (0..10).map(|n| format!("{n}/a SEF 2020-01-01")).collect();
    let known = known(&employments(all.iter().map(String::as_str)));
    let files = |last: &str| {
        let reported: Vec<String> = all.iter().map(|text| format!("{text} {last}")).collect();
        employments(reported.iter().map(String::as_str))
    };
    let mass_ending = |last: &str, extent| ending(&plan(&known, &files(last), extent, TODAY).expect("a plan"));
    assert_eq!(mass_ending("2026-03-31", Extent::Full), Some((10, 10)));
    assert_eq!(mass_ending("2026-04-01", Extent::Full), None);
    assert_eq!(mass_ending("2026-03-31", Extent::Partial), None);
}

#[test]
fn an_administration_goes_only_when_nobody_works_there() {
    let known = known(&employments(["1/a SEF 2020-01-01", "2/a FGK 2020-01-01 2020-12-31"]));
    let only = |text| Files { administrations: rows([administration(text)]), ..Files::default() };
    assert_eq!(lines(&known, &only("SEF"), Extent::Full), ["administration FGK: withdrawn"]);
    assert!(lines(&known, &only("SEF"), Extent::Partial).is_empty());

    let problems = plan(&known, &only("FGK"), Extent::Full, TODAY).expect_err("SEF is in use");
    assert_eq!(
        problems.to_string(),
        "administrations, column code: \"SEF\" is missing from the full file, but 1 employments there run or are to come; \
         keep it, or move or end them"
    );

    // With the employments file given, the state after the import counts.
    let mut moved = employments(["1/a FGK 2020-01-01"]);
    moved.administrations = only("FGK").administrations;
    let said = ["administration SEF: withdrawn", "employment 1/a: administration SEF → FGK"];
    assert_eq!(lines(&known, &moved, Extent::Full), said);
}

#[test]
fn an_administration_that_only_ended_employments_of_the_file_name_stays() {
    let mut files = employments(["1/a SEF 2020-01-01", "2/a FGK 2020-01-01 2020-12-31"]);
    let mut known = known(&files);
    files.administrations = rows([administration("SEF")]);
    let first = plan(&known, &files, Extent::Full, TODAY).expect("a plan");
    assert!(first.is_empty());
    known.apply(&first);
    assert!(plan(&known, &files, Extent::Full, TODAY).is_ok());
}

#[test]
fn rows_that_refer_to_nothing_known_are_named_all_at_once() {
    let known = known(&Files::default());
    let mut files = employments(["1/a SEF 2020-01-01", "2/a XXX 2020-01-01"]);
    files.absences = rows([absence("1", "2026-03-01", None), absence("9", "2026-03-01", None)]);
    let mut unknown = exemption("9", "2026-01-01", None);
    unknown.requirement = RequirementCode::parse("no-such").expect("a code");
    files.exemptions = rows([exemption("2", "2026-01-01", None), unknown]);
    let mut elsewhere = identity("9", "17");
    elsewhere.platform = PlatformCode::parse("elsewhere").expect("a code");
    files.identities = rows([identity("1", "17"), elsewhere]);
    let problems = plan(&known, &files, Extent::Partial, TODAY).expect_err("unknown references");
    let said: Vec<String> =
        problems.listed().iter().map(|p| format!("{} {:?} {:?} {:?}", p.file, p.line, p.column, p.value)).collect();
    assert_eq!(
        said,
        [
            "employments Some(3) Some(\"administration\") Some(\"XXX\")",
            "absences Some(3) Some(\"employee_number\") None",
            "exemptions Some(3) Some(\"employee_number\") None",
            "exemptions Some(3) Some(\"requirement\") Some(\"no-such\")",
            "identities Some(3) Some(\"employee_number\") None",
            "identities Some(3) Some(\"platform\") Some(\"elsewhere\")",
        ]
    );
    assert!(problems.listed().iter().any(|problem| problem.fault == Fault::UnknownEmployee));
}

#[test]
fn an_administration_may_come_in_the_same_import_and_a_manager_need_not_be_known() {
    let mut files = employments(["1/a NEW 2020-01-01"]);
    files.employments.as_mut().expect("a file")[0].record.employment.manager = Some(number("77"));
    files.administrations = rows(["FGK", "NEW", "SEF"].map(administration));
    let plan = plan(&known(&Files::default()), &files, Extent::Full, TODAY).expect("a plan");
    let summary = plan.summary();
    let one = Counts { added: 1, ..Counts::default() };
    assert_eq!((summary.administrations, summary.persons, summary.employments), (one, one, one));
}
