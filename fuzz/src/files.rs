//! HR's files of every kind, and a platform's history. A mapping or a profile in front of the file is used to read it.

use std::fmt::Debug;

use chrono_tz::Europe::Stockholm;
use kurskoll_domain::directory::problem::{FileKind, RowProblems};
use kurskoll_intake::hr_csv::mapping::Mapping;
use kurskoll_intake::hr_csv::results::FileClock;
use kurskoll_intake::hr_csv::{
    Reading, absences, administrations, by_profile, employments, exemptions, identities, prior_training, results,
};
use kurskoll_intake::profile::Profile;

use super::{check_results, now, parts, text};

pub fn read(bytes: &[u8]) {
    match parts(bytes)[..] {
        [file] => by_their_own_names(file),
        [mapping, file, ..] => {
            match Mapping::parse(mapping) {
                Ok(mapping) => by_mapping(&mapping, file),
                Err(problems) => assert!(!problems.0.is_empty() && !problems.to_string().is_empty()),
            }
            if let Ok(profile) = Profile::of_files(text(mapping)) {
                by_profile(&profile, file);
            }
        }
        [] => {}
    }
}

fn by_their_own_names(file: &[u8]) {
    let clock = FileClock { zone: Stockholm, read_at: now() };
    check(file, administrations::read);
    check(file, employments::read);
    check(file, absences::read);
    check(file, exemptions::read);
    check(file, identities::read);
    check(file, prior_training::read);
    check(file, |file| results::read(file, clock));
    if let Ok(reading) = results::read(file, clock) {
        check_results(&reading.rows.into_iter().map(|row| row.record).collect::<Vec<_>>());
    }
}

fn by_mapping(mapping: &Mapping, file: &[u8]) {
    check(file, |file| administrations::read_as(file, mapping.of(FileKind::Administrations)));
    check(file, |file| employments::read_as(file, mapping.of(FileKind::Employments)));
    check(file, |file| absences::read_as(file, mapping.of(FileKind::Absences)));
    check(file, |file| exemptions::read_as(file, mapping.of(FileKind::Exemptions)));
    check(file, |file| identities::read_as(file, mapping.of(FileKind::Identities)));
}

fn by_profile(profile: &Profile, file: &[u8]) {
    let clock = FileClock { zone: Stockholm, read_at: now() };
    check(file, |file| by_profile::read(file, profile, "lms", clock));
    if let Ok(reading) = by_profile::read(file, profile, "lms", clock) {
        check_results(&reading.rows.into_iter().map(|row| row.record).collect::<Vec<_>>());
    }
}

/// Gives all rows, or the reasons why not. A byte order mark changes nothing.
fn check<T: Debug + PartialEq>(file: &[u8], read: impl Fn(&[u8]) -> Result<Reading<T>, RowProblems>) {
    let reading = read(file);
    match &reading {
        Ok(reading) => {
            let lines = 1 + file.iter().filter(|byte| **byte == b'\n').count() as u64;
            // A workbook's rows are those of its sheet.
            let lines = if file.starts_with(b"PK") { 1 << 20 } else { lines };
            assert!(reading.rows.iter().all(|row| (2..=lines).contains(&row.line)), "no such line: {reading:?}");
            assert!(reading.rows.is_sorted_by_key(|row| row.line));
        }
        Err(problems) => assert!(!problems.is_empty() && !problems.to_string().is_empty()),
    }
    let mark = "\u{feff}".as_bytes();
    if std::str::from_utf8(file).is_ok_and(|text| !text.starts_with('\u{feff}')) {
        assert_eq!(read(&[mark, file].concat()).ok(), reading.ok());
    }
}
