//! Dated examples, and properties of all provisioning.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::super::accounts::{Account, beside};
use super::super::{Extent, Files, Known, plan};
use super::*;
use crate::calendar::add_days;
use crate::directory::records::{AdministrationRecord, ReportedEmployment, Row};

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

fn provisioned(administration: &str, active: bool) -> ProvisionedState {
    ProvisionedState {
        given_name: Some("Eva".to_owned()),
        family_name: Some("Ek".to_owned()),
        protected: None,
        active,
        post: Post { administration: Some(code(administration)), ..Post::default() },
        employments: None,
    }
}

/// A directory of one provider: its people, and the states that it sees of them.
#[derive(Debug, Clone, Default)]
struct City {
    known: Known,
    pictures: BTreeMap<EmployeeNumber, ProvisionedState>,
    /// The accounts of the number 1, by user name, with their states.
    accounts: BTreeMap<String, (Account, ProvisionedState)>,
    /// HR's employments before an account went, all on one day.
    before_the_last_went: Vec<(String, BTreeMap<EmploymentId, EmploymentRecord>)>,
}

impl City {
    fn new() -> Self {
        let mut known = Known::default();
        for administration in ["FGK", "SEF"] {
            let record = AdministrationRecord { code: code(administration), name: String::new(), board: String::new() };
            known.administrations.insert(code(administration), record);
        }
        Self { known, ..Self::default() }
    }

    fn person(&self, number: &EmployeeNumber) -> KnownPerson {
        let own = self.known.employments.iter().filter(|((of, _), _)| of == number);
        KnownPerson {
            person: self.known.persons.get(number).cloned(),
            employments: own.map(|((_, id), employment)| (id.clone(), employment.clone())).collect(),
            successions: self.known.successions.clone(),
            ..KnownPerson::default()
        }
    }

    /// Provisions through one of a person's accounts, by user name; the state that it overwrites is the last one.
    fn provision_as(&mut self, account: &str, provisioned: &ProvisionedState, today: NaiveDate) {
        let number = number("1");
        let accounts: Vec<Account> = self.accounts.values().map(|(account, _)| account.clone()).collect();
        let generation = u32::try_from(accounts.len()).expect("few") + 1;
        let (mut stored, was) = match self.accounts.get(account) {
            Some((stored, was)) => (stored.clone(), Some(was.clone())),
            None => (Account { generation, user_name: account.to_owned(), ..Account::default() }, None),
        };
        let mut person = self.person(&number);
        let is_active = was.as_ref().map_or(provisioned.active, |was| was.active);
        person.beside = beside(&accounts, stored.generation, is_active, &person.employments);
        if let Some(before) = self.before_the_last_went.iter().find(|(of, ..)| of != account).map(|(.., before)| before)
        {
            person.beside.ended_today = before.clone();
        }
        let goes = !provisioned.active && is_active;
        if goes {
            let hrs = person.employments.iter().filter(|(id, e)| !id.is_of_provider() && e.runs_or_is_to_come(today));
            self.before_the_last_went =
                vec![(account.to_owned(), hrs.map(|(id, e)| (id.clone(), e.clone())).collect())];
        }
        let plan =
            provision(&number, &person, was.as_ref(), provisioned, EmploymentForm::Permanent, today).expect("a plan");
        stored.governs = governed_after(&stored.governs, &person, &plan, was.as_ref(), provisioned);
        stored.active = provisioned.active;
        self.known.apply(&plan);
        self.accounts.insert(account.to_owned(), (stored, provisioned.clone()));
    }

    /// Provisions over the state that the provider has; returns how much changed.
    fn provision(&mut self, who: &str, provisioned: &ProvisionedState, today: NaiveDate) -> usize {
        let number = number(who);
        let person = self.person(&number);
        let was = self.pictures.get(&number);
        let plan = provision(&number, &person, was, provisioned, EmploymentForm::Permanent, today).expect("a plan");
        self.known.apply(&plan);
        self.pictures.insert(number, provisioned.clone());
        plan.changes.len()
    }

    fn import(&mut self, rows: &[ReportedEmployment], extent: Extent, today: NaiveDate) {
        let rows = rows.iter().cloned().zip(2..).map(|(record, line)| Row { line, record }).collect();
        let files = Files { employments: Some(rows), ..Files::default() };
        let plan = plan(&self.known, &files, extent, today).expect("a plan");
        self.known.apply(&plan);
    }

    fn lines(&self, who: &str) -> Vec<String> {
        let line = |e: &EmploymentRecord| {
            let last = e.ends_on.map_or_else(String::new, |last| last.to_string());
            format!("{} {} {}..{last}", e.employment_id, e.administration, e.starts_on)
        };
        self.person(&number(who)).employments.values().map(line).collect()
    }
}

fn row(who: &str, administration: &str, starts_on: &str, ends_on: Option<&str>) -> ReportedEmployment {
    ReportedEmployment {
        given_name: "Eva".to_owned(),
        family_name: "Ek".to_owned(),
        protected: None,
        employment: EmploymentRecord {
            earlier: Vec::new(),
            employee_number: number(who),
            employment_id: EmploymentId::parse("1").expect("an id"),
            administration: code(administration),
            unit: String::new(),
            form: EmploymentForm::Permanent,
            starts_on: day(starts_on),
            ends_on: ends_on.map(day),
            manager: None,
            email: None,
            username: None,
        },
    }
}

#[test]
fn a_person_who_is_told_of_begins_today_and_ends_on_the_day_of_the_deactivation() {
    let mut city = City::new();
    assert_eq!(city.provision("1", &provisioned("SEF", true), TODAY), 2);
    assert_eq!(city.lines("1"), ["scim:2026-04-01 SEF 2026-04-01.."]);
    assert_eq!(city.provision("1", &provisioned("SEF", true), day("2026-04-02")), 0);
    city.provision("1", &provisioned("SEF", false), day("2026-04-10"));
    assert_eq!(city.lines("1"), ["scim:2026-04-01 SEF 2026-04-01..2026-04-10"]);
    assert_eq!(city.provision("1", &provisioned("SEF", false), day("2026-04-11")), 0);
    city.provision("1", &provisioned("FGK", true), day("2026-06-01"));
    assert_eq!(city.lines("1"), ["scim:2026-04-01 SEF 2026-04-01..2026-04-10", "scim:2026-06-01 FGK 2026-06-01.."]);
}

#[test]
fn an_employment_to_come_is_withdrawn() {
    let mut city = City::new();
    let mut coming = provisioned("SEF", true);
    coming.post.starts_on = Some(day("2026-05-01"));
    city.provision("1", &coming, TODAY);
    assert_eq!(city.lines("1"), ["scim:2026-05-01 SEF 2026-05-01.."]);
    coming.active = false;
    city.provision("1", &coming, day("2026-04-20"));
    assert!(city.lines("1").is_empty());
    assert!(city.known.persons.contains_key(&number("1")), "nobody is deleted");
}

#[test]
fn who_goes_and_comes_back_on_one_day_has_two_employments() {
    let mut city = City::new();
    for active in [true, false, true] {
        city.provision("1", &provisioned("SEF", active), TODAY);
    }
    assert_eq!(city.lines("1"), ["scim:2026-04-01 SEF 2026-04-01..2026-04-01", "scim:2026-04-01/2 SEF 2026-04-01.."]);
}

#[test]
fn a_first_day_from_before_somebody_left_does_not_bridge_the_gap() {
    let mut city = City::new();
    let mut hired = provisioned("SEF", true);
    hired.post.starts_on = Some(day("2020-01-01"));
    city.provision("1", &hired, TODAY);
    city.provision("1", &ProvisionedState { active: false, ..hired.clone() }, day("2026-04-10"));
    city.provision("1", &hired, day("2026-08-01"));
    assert_eq!(city.lines("1"), ["scim:2020-01-01 SEF 2020-01-01..2026-04-10", "scim:2026-08-01 SEF 2026-08-01.."]);
}

#[test]
fn what_hrs_file_says_stays_where_the_provider_says_nothing_else() {
    let mut city = City::new();
    city.import(&[row("1", "SEF", "2020-01-01", None)], Extent::Full, TODAY);
    // The state that the provider was shown, with an address that it adds.
    city.pictures.insert(number("1"), provisioned("SEF", true));
    let mut with_address = provisioned("SEF", true);
    with_address.post.email = Some("eva@example.org".to_owned());
    assert_eq!(city.provision("1", &with_address, TODAY), 1);
    assert_eq!(city.lines("1"), ["1 SEF 2020-01-01.."]);
    city.provision("1", &provisioned("FGK", true), day("2026-04-10"));
    assert_eq!(city.lines("1"), ["1 SEF 2020-01-01..2026-04-09", "scim:2026-04-10 FGK 2026-04-10.."]);
}

#[test]
fn beside_another_account_each_ends_what_it_told_and_the_last_ends_everything() {
    let mut city = City::new();
    city.import(&[row("1", "SEF", "2018-01-01", None)], Extent::Partial, TODAY);
    city.provision_as("a", &provisioned("SEF", true), TODAY);
    city.provision_as("b", &provisioned("FGK", true), day("2026-05-01"));
    city.provision_as("a", &provisioned("SEF", false), day("2026-06-01"));
    let first = "scim:2026-04-01 SEF 2026-04-01..2026-06-01";
    assert_eq!(city.lines("1"), ["1 SEF 2018-01-01..", first, "scim:2026-05-01 FGK 2026-05-01.."]);
    city.provision_as("b", &provisioned("FGK", false), day("2026-07-01"));
    let second = "scim:2026-05-01 FGK 2026-05-01..2026-07-01";
    assert_eq!(city.lines("1"), ["1 SEF 2018-01-01..2026-07-01", first, second]);
}

#[test]
fn a_last_day_from_before_a_return_is_the_old_employments() {
    let mut city = City::new();
    let mut leaver = provisioned("SEF", true);
    leaver.post.ends_on = Some(day("2026-04-10"));
    city.provision_as("a", &leaver, TODAY);
    city.provision_as("a", &ProvisionedState { active: false, ..leaver.clone() }, day("2026-04-10"));
    city.provision_as("b", &leaver, day("2026-08-01"));
    assert_eq!(city.lines("1"), ["scim:2026-04-01 SEF 2026-04-01..2026-04-10", "scim:2026-08-01 SEF 2026-08-01.."]);
}

#[test]
fn who_is_told_of_without_an_administration_is_known_and_works_nowhere_yet() {
    let mut nowhere = provisioned("SEF", true);
    nowhere.post.administration = None;
    let plan = |was: Option<&ProvisionedState>, person: &KnownPerson| {
        provision(&number("1"), person, was, &nowhere, EmploymentForm::Permanent, TODAY)
    };
    let known = plan(None, &KnownPerson::default()).expect("a plan");
    assert!(matches!(known.changes.as_slice(), [Change::Person(Act::Added(_))]), "{known:?}");
    // Removing an administration is different: then the provider must say where the person works.
    let mut city = City::new();
    city.provision("1", &provisioned("SEF", true), TODAY);
    assert_eq!(
        plan(Some(&provisioned("SEF", true)), &city.person(&number("1"))),
        Err(ProvisionFault::NoAdministration)
    );
}

/// One step of a provider or of HR on a day.
#[derive(Debug, Clone)]
enum Step {
    ProvisionedState(u8, &'static str, bool),
    File(Vec<(u8, &'static str)>, bool),
    NextDay,
}

fn step() -> impl Strategy<Value = Step> {
    let administration = || prop::sample::select(&["FGK", "SEF"][..]);
    prop_oneof![
        4 => (0_u8..4, administration(), any::<bool>()).prop_map(|(who, code, active)| Step::ProvisionedState(who, code, active)),
        2 => (prop::collection::btree_map(4_u8..8, administration(), 0..4), any::<bool>())
            .prop_map(|(rows, full)| Step::File(rows.into_iter().collect(), full)),
        1 => Just(Step::NextDay),
    ]
}

fn carried_out(steps: &[Step], repeat: bool) -> City {
    let mut city = City::new();
    let mut today = TODAY;
    for step in steps {
        for _ in 0..=usize::from(repeat && !matches!(step, Step::NextDay)) {
            match step {
                Step::NextDay => today = add_days(today, 1),
                Step::ProvisionedState(who, administration, active) => {
                    city.provision(&who.to_string(), &provisioned(administration, *active), today);
                }
                Step::File(rows, full) => {
                    let rows: Vec<ReportedEmployment> =
                        rows.iter().map(|(who, code)| row(&who.to_string(), code, "2026-01-01", None)).collect();
                    city.import(&rows, if *full { Extent::Full } else { Extent::Partial }, today);
                }
            }
        }
    }
    city
}

proptest! {
    #[test]
    fn telling_again_changes_nothing(steps in prop::collection::vec(step(), 0..16)) {
        prop_assert_eq!(carried_out(&steps, false).known, carried_out(&steps, true).known);
    }

    /// Steps of a day about different people can change places.
    #[test]
    fn the_order_of_independent_people_does_not_matter(
        steps in prop::collection::vec(step(), 2..16), at in any::<prop::sample::Index>(),
    ) {
        let at = at.index(steps.len() - 1);
        let independent = match (&steps[at], &steps[at + 1]) {
            (Step::ProvisionedState(a, ..), Step::ProvisionedState(b, ..)) => a != b,
            // Files are about other people than the provider's steps, and end nothing that they cannot name.
            (Step::ProvisionedState(..), Step::File(..)) | (Step::File(..), Step::ProvisionedState(..)) => true,
            _ => false,
        };
        prop_assume!(independent);
        let mut swapped = steps.clone();
        swapped.swap(at, at + 1);
        prop_assert_eq!(carried_out(&steps, false).known, carried_out(&swapped, false).known);
    }

    /// The first provisioning and a file about the same people end the same in either order.
    #[test]
    fn a_file_and_the_first_telling_of_the_same_person_trade_places(
        administration in prop::sample::select(&["FGK", "SEF"][..]), in_file in prop::sample::select(&["FGK", "SEF"][..]),
        active in any::<bool>(), full in any::<bool>(),
    ) {
        let rows = [row("1", in_file, "2026-01-01", None)];
        let extent = if full { Extent::Full } else { Extent::Partial };
        let (mut first, mut second) = (City::new(), City::new());
        first.import(&rows, extent, TODAY);
        first.provision("1", &provisioned(administration, true), TODAY);
        second.provision("1", &provisioned(administration, true), TODAY);
        second.import(&rows, extent, TODAY);
        prop_assert_eq!(&first.known, &second.known);
        if !active {
            // If both say that the person left, they end the same as well.
            let left = [row("1", in_file, "2026-01-01", Some("2026-04-01"))];
            first.import(&left, extent, TODAY);
            first.provision("1", &provisioned(administration, false), TODAY);
            second.provision("1", &provisioned(administration, false), TODAY);
            second.import(&left, extent, TODAY);
            prop_assert_eq!(&first.known, &second.known);
        }
    }

    /// A new account and a deactivated one on the same day end the same in both orders, with any first day, and
    /// whether or not HR's file knows the person.
    #[test]
    fn a_transfer_between_accounts_does_not_depend_on_its_order(
        in_file in any::<bool>(), begins in prop::option::of(-500_i64..40), began in prop::option::of(-500_i64..1),
        days in 0_u32..60, repeats in any::<bool>(),
    ) {
        let hired = |code: &str, active: bool, days: Option<i64>| {
            let mut provisioned = provisioned(code, active);
            provisioned.post.starts_on = days.map(|days| TODAY + chrono::Duration::days(days));
            provisioned
        };
        let later = add_days(TODAY, days);
        let carried_out = |goes_first: bool| {
            let mut city = City::new();
            if in_file {
                city.import(&[row("1", "SEF", "2018-01-01", None)], Extent::Full, TODAY);
            }
            city.provision_as("a", &hired("SEF", true, began), TODAY);
            for goes in [goes_first, !goes_first] {
                for _ in 0..=usize::from(repeats) {
                    if goes {
                        city.provision_as("a", &hired("SEF", false, began), later);
                    } else {
                        city.provision_as("b", &hired("FGK", true, begins), later);
                    }
                }
            }
            (city.known, city.accounts)
        };
        let (first, second) = (carried_out(true), carried_out(false));
        prop_assert_eq!(&first, &second);
        let goes_on = first.0.employments.values().filter(|e| e.ends_on.is_none()).count();
        prop_assert_eq!(goes_on, 1 + usize::from(in_file), "a transfer ends nobody");
    }

    #[test]
    fn employments_of_a_person_told_of_never_overlap_but_on_the_day_of_a_return(steps in prop::collection::vec(step(), 0..24)) {
        let city = carried_out(&steps, false);
        for who in 0..4 {
            let mut days: Vec<(NaiveDate, Option<NaiveDate>)> =
                city.person(&number(&who.to_string())).employments.values().map(|e| (e.starts_on, e.ends_on)).collect();
            days.sort_by_key(|(first, last)| (*first, last.is_none(), *last));
            for pair in days.windows(2) {
                prop_assert!(pair[0].1.is_some_and(|last| last <= pair[1].0), "{days:?}");
            }
        }
        let numbers: BTreeSet<_> = city.known.persons.keys().collect();
        prop_assert!(city.known.employments.keys().all(|(who, _)| numbers.contains(who)));
    }
}
