//! `kurskoll serve`: runs the service until it is stopped.

use clap::Args;

use super::service::{Jobs, Service};
use super::{CommandError, Missing, Opened, logging, open_with};
use crate::app::Patience;
use crate::config;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kurskoll serve\n  ROCKET_PORT=9000 kurskoll serve\n\n\
    Stops on Ctrl-C or SIGTERM: accepts nothing new, finishes what it has begun, and stores all that it confirmed.")]
pub struct Arguments {}

pub async fn run(Arguments {}: Arguments) -> Result<(), CommandError> {
    // Configuration errors are reported before the database is touched.
    let log_level = rocket::Config::try_from(config::figment())?.log_level;
    let opened = open_with(config::figment(), Missing::IsMade, Patience::SERVICE).await?;
    logging::init(log_level)?;
    let Opened { app, settings, figment } = opened;
    Service::listen(app, settings, figment, |_| {}).await?.run(Jobs::Run).await
}
