//! A stored file of results, read again as it was read when it was imported.

use crate::hr_csv::results::{self, FileClock};
use crate::hr_csv::{RawFile, by_profile};
use crate::profile::Profile;
use crate::request::RawRequest;
use kurskoll_domain::receiving::Content;

/// The header of a stored file with the profile that read it.
pub const PROFILE_HEADER: &str = "profile";
/// The header of a stored workbook with the name of the sheet that was read.
pub const SHEET_HEADER: &str = "sheet";

pub(super) fn understand(request: &RawRequest<'_>) -> Content {
    let clock = FileClock { zone: request.zone, read_at: request.arrival.received_at };
    let file = RawFile { bytes: request.body, sheet: request.headers.get(SHEET_HEADER) };
    let reading = match request.headers.get(PROFILE_HEADER).map(Profile::of_files) {
        None => results::read(file, clock),
        Some(Ok(profile)) => by_profile::read(file, &profile, request.platform, clock),
        Some(Err(problems)) => return Content::not_understood("", &problems),
    };
    match reading {
        Ok(reading) => Content::Results(reading.rows.into_iter().map(|row| row.record).collect()),
        Err(_) => Content::not_understood("", &"its rows cannot be read"),
    }
}
