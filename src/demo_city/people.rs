//! Who works in the made-up city: people, their engagements, their leave and exemptions.
//!
//! The shares are those of a large municipality: a fifth paid by the hour, a few with two employments at once, some who
//! moved, left, begin next month. The same seed and day always give the same people.

use chrono::{Days, NaiveDate};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::administrations::ADMINISTRATIONS;
use super::names::{Addresses, draw_name};
use crate::domain::directory::EmploymentForm;

/// The index of an administration's leadership among its units.
const LEADERSHIP: usize = 0;

/// The fewest days between a leaver's last day and the first day of the person who gets the address next.
const ADDRESS_RESTS_FOR_DAYS: i64 = 90;

/// A made-up person as HR knows them.
#[derive(Debug)]
pub(super) struct Person {
    /// Six digits; never a personal identity number, which has ten or twelve.
    pub number: u32,
    pub given_name: &'static str,
    pub family_name: &'static str,
    /// Some people who are paid by the hour have none.
    pub email: Option<String>,
    pub username: String,
    pub protected: bool,
    /// What the learning platform calls the person; HR does not know it.
    pub account: u32,
    /// By first day; at least one.
    pub engagements: Vec<Engagement>,
    pub leave: Option<Leave>,
    pub exemption: Option<Exemption>,
}

/// One employment.
#[derive(Debug, Clone)]
pub(super) struct Engagement {
    /// Indices into the administrations and their units.
    pub administration: usize,
    pub unit: usize,
    pub form: EmploymentForm,
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
    pub manager: Option<u32>,
}

#[derive(Debug)]
pub(super) struct Leave {
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
}

#[derive(Debug)]
pub(super) struct Exemption {
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
    pub reason: &'static str,
}

impl Person {
    /// The first day of all employments.
    pub fn first_day(&self) -> NaiveDate {
        self.engagements.iter().map(|engagement| engagement.starts_on).min().unwrap_or_default()
    }

    /// The last day of all employments; `None` if one is open.
    pub fn last_day(&self) -> Option<NaiveDate> {
        self.engagements.iter().map(|engagement| engagement.ends_on).reduce(|a, b| Some(a?.max(b?))).flatten()
    }

    /// The employment that began last.
    pub fn latest_engagement(&self) -> Option<&Engagement> {
        self.engagements.last()
    }

    pub fn is_leader(&self) -> bool {
        self.engagements.iter().any(|engagement| engagement.unit == LEADERSHIP)
    }
}

/// The stage of a person's employment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Established,
    /// Began in the last sixty days.
    New,
    /// Begins within a month.
    Expected,
    /// Left in the last year.
    Left,
}

pub(super) fn days_before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

pub(super) fn days_after(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

/// Hires people, one after the other, and then gives them their managers.
pub(super) fn hire(rng: &mut Xoshiro256PlusPlus, count: usize, today: NaiveDate, units: &[Vec<String>]) -> Vec<Person> {
    let mut office = HrOffice { rng, today, units, addresses: Addresses::default(), vacant: Vec::new() };
    let mut people: Vec<Person> = (0..count).map(|at| office.hire_one(at)).collect();
    appoint_managers(&mut people, today, units);
    people
}

/// The name and the address of a person who has left, free since a day.
struct VacantAddress {
    given_name: &'static str,
    family_name: &'static str,
    email: String,
    since: NaiveDate,
}

struct HrOffice<'a> {
    rng: &'a mut Xoshiro256PlusPlus,
    today: NaiveDate,
    units: &'a [Vec<String>],
    addresses: Addresses,
    vacant: Vec<VacantAddress>,
}

impl HrOffice<'_> {
    /// A random choice that is true for so many of a thousand people.
    fn befalls(&mut self, permille: u32) -> bool {
        self.rng.random_ratio(permille, 1_000)
    }

    fn days(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.rng.random_range(range)
    }

    fn hire_one(&mut self, at: usize) -> Person {
        // The first thirteen head an administration each.
        let heads = (at < ADMINISTRATIONS.len()).then_some(at);
        let stage = match self.rng.random_range(0..1_000) {
            _ if heads.is_some() => Stage::Established,
            0..60 => Stage::Left,
            60..110 => Stage::New,
            110..125 => Stage::Expected,
            _ => Stage::Established,
        };
        let form = if heads.is_some() { EmploymentForm::Permanent } else { self.draw_form() };
        let administration = heads.unwrap_or_else(|| self.draw_administration());
        let leads =
            heads.is_some() || (stage == Stage::Established && form == EmploymentForm::Permanent && self.befalls(15));
        let unit = if leads { LEADERSHIP } else { self.draw_unit(administration) };

        let (starts_on, ends_on) = self.draw_days(stage, form);
        let current = Engagement { administration, unit, form, starts_on, ends_on, manager: None };
        let engagements = if leads { vec![current] } else { self.with_others(current, stage) };

        let (given_name, family_name, email) = self.draw_name_and_address(stage, form, starts_on);
        if let (Some(since), Some(email), Stage::Left) = (ends_on, &email, stage) {
            self.vacant.push(VacantAddress { given_name, family_name, email: email.clone(), since });
        }
        Person {
            number: employee_number(at),
            given_name,
            family_name,
            email,
            username: self.addresses.username(given_name, family_name),
            protected: self.befalls(3),
            account: account_name(at),
            leave: (stage == Stage::Established && self.befalls(46)).then(|| self.draw_leave()),
            exemption: self.befalls(10).then(|| self.draw_exemption()),
            engagements,
        }
    }

    fn draw_form(&mut self) -> EmploymentForm {
        match self.rng.random_range(0..100) {
            0..20 => EmploymentForm::Hourly,
            20..32 => EmploymentForm::FixedTerm,
            32..35 => EmploymentForm::Consultant,
            35..38 => EmploymentForm::Trainee,
            _ => EmploymentForm::Permanent,
        }
    }

    fn draw_administration(&mut self) -> usize {
        let drawn = self.rng.random_range(0..1_000);
        let up_to = ADMINISTRATIONS.iter().scan(0, |sum, administration| {
            *sum += administration.permille;
            Some(*sum)
        });
        up_to.take_while(|sum| *sum <= drawn).count()
    }

    /// Any unit but the leadership.
    fn draw_unit(&mut self, administration: usize) -> usize {
        self.rng.random_range(LEADERSHIP + 1..self.units[administration].len())
    }

    fn draw_days(&mut self, stage: Stage, form: EmploymentForm) -> (NaiveDate, Option<NaiveDate>) {
        // Few stay for long: the smaller of two draws, up to a quarter of a century.
        let tenure = self.days(0..=9_000).min(self.days(0..=9_000));
        match stage {
            Stage::Left => {
                let last = days_before(self.today, self.days(1..=365));
                (days_before(last, 60 + tenure), Some(last))
            }
            Stage::Established | Stage::New | Stage::Expected => {
                let first = match stage {
                    Stage::New => days_before(self.today, self.days(0..=60)),
                    Stage::Expected => days_after(self.today, self.days(1..=31)),
                    Stage::Established | Stage::Left => days_before(self.today, 61 + tenure),
                };
                let ends =
                    matches!(form, EmploymentForm::FixedTerm | EmploymentForm::Trainee | EmploymentForm::Consultant);
                (first, ends.then(|| days_after(self.today, self.days(40..=400))))
            }
        }
    }

    /// The employment and what else the person had or has: one before a move, one before a gap, one at the same time.
    fn with_others(&mut self, current: Engagement, stage: Stage) -> Vec<Engagement> {
        let lately = days_before(self.today, 400);
        let mut engagements = Vec::with_capacity(1);
        if stage == Stage::Established && current.starts_on < lately && self.befalls(45) {
            let moved_on = days_before(self.today, self.days(1..=360));
            let from = self.elsewhere(&current);
            engagements.push(Engagement { ends_on: Some(days_before(moved_on, 1)), ..from });
            engagements.push(Engagement { starts_on: moved_on, ..current });
        } else if stage == Stage::Established && current.form == EmploymentForm::Hourly && self.befalls(100) {
            let last = days_before(current.starts_on, self.days(5..=90));
            let first = days_before(last, self.days(20..=200));
            engagements.push(Engagement { starts_on: first, ends_on: Some(last), ..current });
            engagements.push(current);
        } else if matches!(stage, Stage::Established | Stage::New) && self.befalls(58) {
            let beside = if self.befalls(400) { self.elsewhere(&current) } else { current.clone() };
            let age = u64::try_from((self.today - current.starts_on).num_days()).unwrap_or_default();
            let unit = self.draw_unit(beside.administration);
            let starts_on = days_before(self.today, self.days(0..=age.min(700)));
            engagements.push(current);
            engagements.push(Engagement { unit, starts_on, form: EmploymentForm::Hourly, ends_on: None, ..beside });
        } else {
            engagements.push(current);
        }
        engagements
    }

    /// The same employment in another administration.
    fn elsewhere(&mut self, engagement: &Engagement) -> Engagement {
        let step = self.rng.random_range(1..ADMINISTRATIONS.len());
        let administration = (engagement.administration + step) % ADMINISTRATIONS.len();
        Engagement { administration, unit: self.draw_unit(administration), ..engagement.clone() }
    }

    /// A new name with or without an address; or the name and the address of a person who has left.
    fn draw_name_and_address(
        &mut self,
        stage: Stage,
        form: EmploymentForm,
        starts_on: NaiveDate,
    ) -> (&'static str, &'static str, Option<String>) {
        if stage == Stage::New && self.befalls(125) {
            let rested = |vacant: &VacantAddress| (starts_on - vacant.since).num_days() > ADDRESS_RESTS_FOR_DAYS;
            if let Some(at) = self.vacant.iter().position(rested) {
                let again = self.vacant.swap_remove(at);
                return (again.given_name, again.family_name, Some(again.email));
            }
        }
        let (given_name, family_name) = draw_name(self.rng);
        let has_address = form != EmploymentForm::Hourly || !self.befalls(250);
        (given_name, family_name, has_address.then(|| self.addresses.email(given_name, family_name)))
    }

    fn draw_leave(&mut self) -> Leave {
        let starts_on = days_before(self.today, self.days(10..=300));
        let ends_on = match self.rng.random_range(0..10) {
            0..3 => None,
            3..6 => Some(days_after(self.today, self.days(0..=200))),
            _ => Some(days_after(starts_on, self.days(5..=180))),
        };
        Leave { starts_on, ends_on }
    }

    fn draw_exemption(&mut self) -> Exemption {
        const REASONS: [&str; 3] = [
            "Arbetar utan tillgång till stadens system",
            "Har gått motsvarande utbildning hos en annan kommun",
            "Undantag enligt förvaltningschefens beslut",
        ];
        let starts_on = days_before(self.today, self.days(5..=200));
        let ends_on = self.befalls(700).then(|| days_after(self.today, self.days(0..=250)));
        Exemption { starts_on, ends_on, reason: REASONS[self.rng.random_range(0..REASONS.len())] }
    }
}

/// The employee number of the person hired so many before: six digits, each once, in no visible order.
fn employee_number(at: usize) -> u32 {
    scattered(at, 611_957)
}

/// What the learning platform calls the person hired so many before.
fn account_name(at: usize) -> u32 {
    scattered(at, 388_051)
}

/// A number of six digits, different for each of 900,000 people: the step has no common factor with that count.
fn scattered(at: usize, step: u64) -> u32 {
    const NUMBERS: u64 = super::MOST_PEOPLE as u64;
    let scattered = (u64::try_from(at).unwrap_or_default() % NUMBERS) * step % NUMBERS;
    u32::try_from(100_000 + scattered).unwrap_or(100_000)
}

/// Makes a permanent employee the manager of each unit; heads of division report to the administration's head.
fn appoint_managers(people: &mut [Person], today: NaiveDate, units: &[Vec<String>]) {
    let mut managers: Vec<Vec<Option<u32>>> = units.iter().map(|names| vec![None; names.len()]).collect();
    for person in people.iter() {
        for engagement in &person.engagements {
            let stays = engagement.form == EmploymentForm::Permanent && engagement.ends_on.is_none();
            if stays && engagement.starts_on <= today {
                managers[engagement.administration][engagement.unit].get_or_insert(person.number);
            }
        }
    }
    for person in people {
        for engagement in &mut person.engagements {
            let of_administration = &managers[engagement.administration];
            engagement.manager = [of_administration[engagement.unit], of_administration[LEADERSHIP]]
                .into_iter()
                .flatten()
                .find(|manager| *manager != person.number);
        }
    }
}
