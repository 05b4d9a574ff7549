//! A made-up city: its administrations, its people, and what its learning platform sends.
//!
//! Everything is derived from a seed, a size and a day: no clock, no database, no network, and no real people. The
//! `demo` command shows the register on it; tests and benchmarks take their people from it. [`DemoCity::found`] makes
//! one; `files` writes HR's files, `deliveries` the platform's.

mod administrations;
mod deliveries;
mod files;
mod names;
mod people;
mod training;

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

pub use deliveries::{DemoDelivery, Expect};

use people::Person;

/// The code of the learning platform that sends the city's deliveries.
pub const PLATFORM: &str = "larportal";

/// The home page of the platform's accounts.
pub const HOME_PAGE: &str = "https://larportal.example.org";

/// The default number of people.
pub const USUAL_PEOPLE: usize = 3_000;

/// The most people that a city can have: there are no more employee numbers of six digits.
pub const MOST_PEOPLE: usize = 900_000;

/// A made-up city on one day.
#[derive(Debug)]
pub struct DemoCity {
    seed: u64,
    today: NaiveDate,
    people: Vec<Person>,
    /// The names of each administration's units.
    units: Vec<Vec<String>>,
}

/// A part of the city with a random sequence of its own, so that a change to one does not change the others.
#[derive(Debug, Clone, Copy)]
enum Part {
    People = 1,
    Training = 2,
    Deliveries = 3,
}

impl DemoCity {
    /// Makes the city of a seed, a size (clamped to 1 to [`MOST_PEOPLE`]) and a day.
    #[must_use]
    pub fn found(seed: u64, people: usize, today: NaiveDate) -> Self {
        let people = people.clamp(1, MOST_PEOPLE);
        let units: Vec<Vec<String>> =
            administrations::ADMINISTRATIONS.iter().map(|administration| administration.unit_names(people)).collect();
        let people = people::hire(&mut chance(seed, Part::People), people, today, &units);
        Self { seed, today, people, units }
    }

    /// The day for which the city was made.
    #[must_use]
    pub const fn today(&self) -> NaiveDate {
        self.today
    }
}

/// A generator whose sequence is the same on every machine and in every version.
fn chance(seed: u64, part: Part) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(4).wrapping_add(part as u64))
}
