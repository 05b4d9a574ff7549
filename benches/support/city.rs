//! A made-up city in a database, imported as an operator does it: requirements, a platform, HR's files, compliance
//! states.

use std::time::{Duration, Instant};

use kurskoll::app::directory::import::ImportRequest;
use kurskoll::app::platforms::add::NewPlatform;
use kurskoll::app::receiving::receive::NATIVE;
use kurskoll::app::{App, Caller};
use kurskoll::demo_city::{self, DemoCity};
use kurskoll::domain::directory::plan::{Extent, Files};
use kurskoll::domain::directory::problem::RowProblems;
use kurskoll::domain::ids::PlatformCode;
use kurskoll::domain::linking::LinkingKey;
use kurskoll::intake::webhook::signature::WebhookSecret;
use kurskoll::intake::{hr_csv, requirements_toml};

use super::Failure;

/// A city that was imported, and how long that took.
pub struct Founded {
    pub importing: Duration,
    pub refreshing: Duration,
}

/// Imports a city into an empty register; also returns its platform's secret. `requirements` is a requirement file.
pub async fn found(app: &App, city: &DemoCity, requirements: &str) -> Result<(Founded, WebhookSecret), Failure> {
    let caller = Caller::operator();
    let wrong = |problem: &dyn std::fmt::Display| Failure::from(format!("the made-up city is wrong: {problem}"));
    let listed = |problems: RowProblems| problems.listed().first().map_or_else(|| "?".into(), |problem| wrong(problem));
    let requirements = requirements_toml::read(requirements)
        .map_err(|problems| problems.0.first().map_or_else(|| "?".into(), |problem| wrong(problem)))?;
    app.apply_requirements(&caller, requirements).await?;
    let platform = NewPlatform {
        code: PlatformCode::parse(demo_city::PLATFORM)?,
        adapter: NATIVE.to_owned(),
        linking_keys: LinkingKey::DEFAULT_ORDER.to_vec(),
        time_zone: chrono_tz::Europe::Stockholm,
    };
    let secret = app.add_platform(&caller, &platform).await?;
    let begun = Instant::now();
    let administrations = hr_csv::administrations::read(city.administrations_csv().as_bytes()).map_err(listed)?;
    let employments = hr_csv::employments::read(city.employments_csv().as_bytes()).map_err(listed)?;
    let absences = hr_csv::absences::read(city.absences_csv().as_bytes()).map_err(listed)?;
    let exemptions = hr_csv::exemptions::read(city.exemptions_csv().as_bytes()).map_err(listed)?;
    let identities = hr_csv::identities::read(city.identities_csv().as_bytes()).map_err(listed)?;
    let files = Files {
        administrations: Some(administrations.rows),
        employments: Some(employments.rows),
        absences: Some(absences.rows),
        exemptions: Some(exemptions.rows),
        identities: Some(identities.rows),
    };
    let request = ImportRequest {
        extent: Extent::Full,
        dry_run: false,
        allowed: kurskoll::domain::directory::plan::Allowed::everything(),
    };
    app.import_directory(&caller, &files, request).await?;
    let importing = begun.elapsed();
    let begun = Instant::now();
    app.refresh_all(|_| {}).await?;
    Ok((Founded { importing, refreshing: begun.elapsed() }, secret))
}
