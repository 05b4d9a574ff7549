//! The register itself, opened as a command opens it.

use std::sync::Arc;

use kurskoll::app::{App, Metrics, system_clock};
use kurskoll::domain::calendar::CityCalendar;
use kurskoll::store::Store;

use super::Failure;
use super::databases::Database;

/// The register on a database, with its tables.
pub async fn open(database: &Database) -> Result<App, Failure> {
    let store = Store::connect(&database.url, 16).await?;
    let calendar = CityCalendar::new(chrono_tz::Europe::Stockholm);
    let app = App::new(store, calendar, system_clock(), Arc::new(Metrics::new()?));
    app.prepare().await?;
    Ok(app)
}
