//! The made-up city is like a large municipality, and always the same.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::*;
use crate::domain::ids::{EmployeeNumber, is_personal_identity_number};

const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();

fn city() -> DemoCity {
    DemoCity::found(7, USUAL_PEOPLE, TODAY)
}

/// Rows by column.
fn rows(file: &str) -> Vec<HashMap<String, String>> {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(file.as_bytes());
    reader.deserialize().map(|row| row.expect("a row as long as the header")).collect()
}

fn header(file: &str) -> &str {
    file.lines().next().unwrap_or_default()
}

fn day(row: &HashMap<String, String>, column: &str) -> Option<NaiveDate> {
    (!row[column].is_empty()).then(|| row[column].parse().expect("a day"))
}

/// Asserts that a share is in a range, both in thousandths.
fn assert_permille(what: &str, part: usize, whole: usize, expected: std::ops::RangeInclusive<usize>) {
    let permille = part * 1_000 / whole;
    assert!(expected.contains(&permille), "{what}: {permille} of a thousand, not {expected:?}");
}

#[test]
fn the_same_seed_and_day_give_the_same_city_and_another_seed_another() {
    let (one, same, other) = (city(), city(), DemoCity::found(8, USUAL_PEOPLE, TODAY));
    assert_eq!(one.employments_csv(), same.employments_csv());
    assert_eq!(one.absences_csv(), same.absences_csv());
    assert_eq!(one.exemptions_csv(), same.exemptions_csv());
    assert_eq!(one.identities_csv(), same.identities_csv());
    assert_eq!(one.deliveries(), same.deliveries());
    assert_ne!(one.employments_csv(), other.employments_csv());
    assert_ne!(one.deliveries(), other.deliveries());
}

#[test]
fn the_files_have_hrs_columns() {
    let city = city();
    assert_eq!(header(&city.administrations_csv()), "code;name;board");
    assert_eq!(
        header(&city.employments_csv()),
        "employee_number;given_name;family_name;email;username;employment_id;administration;unit;form;starts_on;ends_on;\
         manager_employee_number;protected"
    );
    assert_eq!(header(&city.absences_csv()), "employee_number;starts_on;ends_on");
    assert_eq!(header(&city.exemptions_csv()), "employee_number;requirement;starts_on;ends_on;reason");
    assert_eq!(header(&city.identities_csv()), "employee_number;platform;key;value;home_page");
    assert_eq!(rows(&city.administrations_csv()).len(), 13);
}

#[test]
fn the_requirements_are_toml_and_name_what_the_files_and_deliveries_name() {
    let city = city();
    let file: toml::Table = city.requirements_toml().parse().expect("TOML");
    let requirements = file["requirement"].as_array().expect("a list");
    let codes: Vec<_> = requirements.iter().filter_map(|requirement| requirement["code"].as_str()).collect();
    assert_eq!(codes, ["infosec-onboarding", "infosec-managers"]);
    assert!(rows(&city.exemptions_csv()).iter().all(|row| codes.contains(&row["requirement"].as_str())));
    assert!(rows(&city.employments_csv()).iter().any(|row| row["unit"] == administrations::LEADERSHIP_UNIT));
    let bodies: String =
        city.deliveries().into_iter().map(|sent| String::from_utf8(sent.body).expect("UTF-8")).collect();
    for item in ["infosec-basics", "infosec-basics-quiz", "infosec-basics-2023", "infosec-managers"] {
        assert!(city.requirements_toml().contains(&format!("\"{item}\"")), "{item}");
        assert!(bodies.contains(&format!("\"{item}\"")), "{item}");
    }
}

#[test]
fn nobody_has_a_personal_identity_number_and_everybody_a_number_of_their_own() {
    let city = DemoCity::found(1, 26_000, TODAY);
    let numbers: HashSet<u32> = city.people.iter().map(|person| person.number).collect();
    assert_eq!(numbers.len(), 26_000);
    assert!(numbers.iter().all(|number| number.to_string().len() == 6));
    assert!(numbers.iter().all(|number| EmployeeNumber::parse(&number.to_string()).is_ok()));
    assert_eq!(city.people.iter().map(|person| person.account).collect::<HashSet<_>>().len(), 26_000);
    assert_eq!(city.people.iter().map(|person| &person.username).collect::<HashSet<_>>().len(), 26_000);

    let has_identity_number = |file: &str| file.split([';', '\n', '"']).any(is_personal_identity_number);
    assert!(!has_identity_number(&city.employments_csv()));
    assert!(!has_identity_number(&city.identities_csv()));
}

#[test]
fn the_shares_are_those_of_a_large_municipality() {
    let city = city();
    let people = &city.people;
    let all = people.len();
    assert_eq!(all, USUAL_PEOPLE);
    let count = |holds: &dyn Fn(&Person) -> bool| people.iter().filter(|person| holds(person)).count();
    let left = |person: &Person| person.last_day().is_some_and(|last| last < TODAY);
    let sixty_days_ago = people::days_before(TODAY, 60);

    let hourly = |person: &Person| person.engagements[0].form.as_str() == "hourly";
    assert_permille("hourly", count(&hourly), all, 170..=240);
    assert_permille("leavers", count(&left), all, 45..=75);
    let new = |person: &Person| (sixty_days_ago..=TODAY).contains(&person.first_day());
    assert_permille("new", count(&new), all, 35..=65);
    let expected = |person: &Person| person.first_day() > TODAY;
    assert_permille("to come", count(&expected), all, 8..=25);
    assert_permille("on leave, now or before", count(&|person| person.leave.is_some()), all, 28..=52);
    assert_permille("exempt", count(&|person| person.exemption.is_some()), all, 5..=16);
    assert_permille("protected", count(&|person| person.protected), all, 1..=6);

    let today = |person: &Person| {
        let now =
            person.engagements.iter().filter(|e| e.starts_on <= TODAY && e.ends_on.is_none_or(|last| TODAY <= last));
        now.map(|engagement| engagement.administration).collect::<Vec<_>>()
    };
    assert_permille("parallel", count(&|person| today(person).len() > 1), all, 35..=65);
    let in_two = |person: &Person| today(person).into_iter().collect::<BTreeSet<_>>().len() > 1;
    assert_permille("in two administrations", count(&in_two), all, 10..=35);
    let moved = |person: &Person| match person.engagements.as_slice() {
        [from, to] => {
            from.administration != to.administration
                && from.ends_on.is_some_and(|last| days_to(last, to.starts_on) == 1)
        }
        _ => false,
    };
    assert_permille("moved", count(&moved), all, 18..=45);
    let managed = |person: &Person| person.engagements.iter().all(|engagement| engagement.manager.is_some());
    assert_permille("with a manager", count(&managed), all, 985..=997);
}

fn days_to(from: NaiveDate, to: NaiveDate) -> i64 {
    (to - from).num_days()
}

#[test]
fn the_smallest_administration_is_about_a_hundredth_and_the_largest_a_sixth() {
    let rows = rows(&DemoCity::found(7, 26_000, TODAY).employments_csv());
    let mut sizes: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    for row in &rows {
        sizes.entry(&row["administration"]).or_default().insert(&row["employee_number"]);
    }
    assert_eq!(sizes.len(), 13);
    let sizes: Vec<usize> = sizes.values().map(HashSet::len).collect();
    assert_permille("the smallest", *sizes.iter().min().expect("13"), 26_000, 8..=25);
    assert_permille("the largest", *sizes.iter().max().expect("13"), 26_000, 150..=200);
}

#[test]
fn an_address_is_reused_by_somebody_who_came_after_a_leaver_and_never_held_by_two_at_once() {
    let city = city();
    let mut holders: HashMap<&str, Vec<&Person>> = HashMap::new();
    for person in &city.people {
        if let Some(email) = &person.email {
            assert!(email.ends_with("@example.org") && email.is_ascii(), "{email}");
            holders.entry(email).or_default().push(person);
        }
    }
    assert!(holders.keys().any(|email| email.contains("2@")));
    let reused: Vec<_> = holders.values().filter(|people| people.len() > 1).collect();
    assert!(!reused.is_empty());
    for people in reused {
        let [one, other] = people[..] else { panic!("an address is reused once") };
        let (leaver, newcomer) = if one.first_day() < other.first_day() { (one, other) } else { (other, one) };
        assert!(leaver.last_day().is_some_and(|last| last < newcomer.first_day()));
    }
}

#[test]
fn every_row_is_a_row_that_an_import_takes() {
    let city = city();
    let employments = rows(&city.employments_csv());
    let numbers: HashSet<&str> = employments.iter().map(|row| row["employee_number"].as_str()).collect();
    let mut ids = HashSet::new();
    for row in &employments {
        assert!(ids.insert(&row["employment_id"]));
        assert!(crate::domain::directory::EmploymentForm::parse(&row["form"]).is_some());
        assert!(day(row, "ends_on").is_none_or(|last| day(row, "starts_on").is_some_and(|first| first <= last)));
        assert!(row["manager_employee_number"].is_empty() || numbers.contains(row["manager_employee_number"].as_str()));
        assert_ne!(row["manager_employee_number"], row["employee_number"]);
    }
    for row in rows(&city.absences_csv()).iter().chain(&rows(&city.exemptions_csv())) {
        assert!(numbers.contains(row["employee_number"].as_str()));
        assert!(day(row, "ends_on").is_none_or(|last| day(row, "starts_on").is_some_and(|first| first <= last)));
    }
}

#[test]
fn most_people_are_trained_and_the_administrations_differ() {
    let city = DemoCity::found(7, 26_000, TODAY);
    let a_year_ago = people::days_before(TODAY, 364);
    let mut trained: HashSet<u32> = HashSet::new();
    let mut ran_out: HashSet<u32> = HashSet::new();
    for training in city.trainings() {
        assert!(training.at.date_naive() < TODAY);
        let completes = match training.what {
            training::Did::Completed { course } => course == training::OLD_COURSE,
            training::Did::Attempted { .. } => training.what.passed(),
        };
        if completes {
            if training.at.date_naive() > a_year_ago { &mut trained } else { &mut ran_out }.insert(training.who.number);
        }
    }
    let staff: Vec<&Person> = city
        .people
        .iter()
        .filter(|person| person.first_day() <= TODAY && person.last_day().is_none_or(|last| TODAY <= last))
        .collect();
    let rate = |of: &dyn Fn(&Person) -> bool| {
        let some: Vec<_> = staff.iter().filter(|person| of(person)).collect();
        some.iter().filter(|person| trained.contains(&person.number)).count() * 1_000 / some.len()
    };
    let of = |code: &'static str| {
        rate(&move |person: &Person| {
            person.latest_engagement().is_some_and(|e| administrations::ADMINISTRATIONS[e.administration].code == code)
        })
    };
    assert_permille("the city", rate(&|_| true), 1_000, 820..=890);
    assert!(of("STK") > 940, "{}", of("STK"));
    assert!((540..660).contains(&of("FRF")), "{}", of("FRF"));
    assert_permille("ran out", ran_out.len(), 26_000, 10..=60);
}

#[test]
fn every_kind_of_answer_is_expected_for_any_size_of_the_city() {
    for people in [1, 100, USUAL_PEOPLE] {
        let deliveries = DemoCity::found(3, people, TODAY).deliveries();
        let kinds: BTreeSet<Expect> = deliveries.iter().map(|delivery| delivery.expectation).collect();
        // The only person may have done nothing.
        assert!(kinds == BTreeSet::from(Expect::ALL) || (people == 1 && deliveries.is_empty()), "{people}: {kinds:?}");
    }
}

#[test]
fn an_id_is_accepted_first_and_then_a_duplicate_with_the_same_bytes_or_a_conflict_with_others() {
    let deliveries = city().deliveries();
    let mut known: HashMap<&str, &[u8]> = HashMap::new();
    for DemoDelivery { id, body, expectation } in &deliveries {
        match expectation {
            Expect::Duplicate => assert_eq!(known.get(id.as_str()), Some(&body.as_slice())),
            Expect::Conflict => assert!(known.get(id.as_str()).is_some_and(|first| first != body)),
            _ => assert!(known.insert(id, body).is_none(), "{id}"),
        }
    }
}

#[test]
fn the_deliveries_are_native_payloads_in_an_untidy_order() {
    let mut timestamps = Vec::new();
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    for delivery in city().deliveries() {
        let body: Value = serde_json::from_slice(&delivery.body).expect("JSON");
        let timestamp = body["timestamp"].as_str().expect("a timestamp");
        timestamps.push(chrono::DateTime::parse_from_rfc3339(timestamp).expect("an instant"));
        *types.entry(body["type"].as_str().expect("a type").to_owned()).or_default() += 1;
        for key in body["data"]["learner"].as_object().expect("a learner").keys() {
            *keys.entry(key.clone()).or_default() += 1;
        }
    }
    let late = timestamps.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert_permille("out of order", late, timestamps.len(), 50..=500);
    assert!(timestamps.iter().all(|timestamp| timestamp.to_utc().date_naive() < TODAY));
    let named: Vec<&str> = types.keys().map(String::as_str).collect();
    assert_eq!(named, ["completion.revoked", "course.completed", "course.started", "quiz.graded"]);
    let named: Vec<&str> = keys.keys().map(String::as_str).collect();
    assert_eq!(named, ["account", "email", "employee_number", "username"]);
}

#[test]
fn a_failed_attempt_comes_before_the_passed_one() {
    let city = city();
    let mut attempts: HashMap<u32, Vec<_>> = HashMap::new();
    for training in city.trainings() {
        if let training::Did::Attempted { number, .. } = training.what {
            attempts.entry(training.who.number).or_default().push((training.at, number, training.what.passed()));
        }
    }
    let twice: Vec<_> = attempts.values().filter(|attempts| attempts.len() == 2).collect();
    assert!(twice.len() > 200);
    for attempts in twice {
        assert!(attempts[0].0 < attempts[1].0);
        assert_eq!([attempts[0].1, attempts[1].1], [1, 2]);
        assert_eq!([attempts[0].2, attempts[1].2], [false, true]);
    }
}
