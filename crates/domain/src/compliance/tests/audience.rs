//! DESIGN, "Requirement": which people the audience binds.

use super::*;

#[test]
fn a_person_not_employed_on_the_day_is_not_bound() {
    let given = given().employments([employed("1", "SEF", "2026-03-01", "2026-03-31")]);
    let bound = ["2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01"].map(|on| given.is_bound(on));
    assert_eq!(bound, [false, true, true, false]);
}

#[test]
fn an_employment_that_ends_before_it_starts_binds_nobody() {
    let given = given().employments([employed("1", "SEF", "2026-03-10", "2026-03-01")]);
    assert!(!given.is_bound("2026-03-01") && !given.is_bound("2026-03-10"));
}

#[test]
fn an_audience_binds_by_administration_form_and_unit_together() {
    let narrow = |change: &dyn Fn(&mut Audience)| {
        given().requiring(|requirement| {
            requirement.audience = Audience {
                administrations: [AdministrationCode::parse("SEF").unwrap()].into(),
                forms: [EmploymentForm::Permanent, EmploymentForm::Hourly].into(),
                units: ["Lokalvård".to_owned()].into(),
            };
            change(&mut requirement.audience);
        })
    };
    assert!(narrow(&|_| ()).is_bound("2026-03-01"));
    for change in [
        &(|audience: &mut Audience| audience.administrations = [AdministrationCode::parse("SF").unwrap()].into())
            as &dyn Fn(&mut Audience),
        &|audience| audience.forms = [EmploymentForm::Hourly].into(),
        &|audience| audience.units = ["Måltid".to_owned()].into(),
    ] {
        assert!(!narrow(change).is_bound("2026-03-01"));
    }
}

#[test]
fn an_empty_list_binds_all() {
    for form in EmploymentForm::ALL {
        let mut employment = employed("1", "SEF", "2026-03-01", "open");
        (employment.form, employment.unit) = (form, String::new());
        assert!(given().employments([employment]).is_bound("2026-03-01"), "{form:?}");
    }
}

#[test]
fn a_person_who_moves_into_the_audience_is_bound_from_that_day() {
    let mut consultant = employed("1", "SEF", "2026-03-01", "2026-05-31");
    consultant.form = EmploymentForm::Consultant;
    let given = given()
        .employments([consultant, employed("2", "SEF", "2026-06-01", "open")])
        .requiring(|requirement| requirement.audience.forms = [EmploymentForm::Permanent].into());
    assert!(!given.is_bound("2026-05-31"));
    assert_eq!(given.on("2026-06-01").due_on, Some(day("2026-07-01")));
}
