//! Verifies a part each night.

use chrono::{Datelike, Timelike};

use super::{Part, VerifyRequest};
use crate::app::{App, Caller};

impl App {
    /// The hour of the city's day.
    #[must_use]
    pub fn hour_of_the_day(&self) -> u32 {
        self.now().with_timezone(&self.calendar.zone).hour()
    }

    /// Verifies tonight's part of so many; the result goes to the log and the metrics.
    pub async fn verify_tonight(&self, nights: u32) {
        let of = nights.clamp(1, 366);
        let number = self.today().num_days_from_ce().unsigned_abs() % of + 1;
        let request = VerifyRequest { part: Part { number, of }, head: None };
        match self.verify_some(&Caller::operator(), request, |_| {}).await {
            Ok(verified) => {
                self.metrics.set_verify_differences(verified.count());
                // The differences may name people: `verify` prints them, and the log has only their number.
                if verified.count() > 0 {
                    let link = verified.first_broken.map(|link| link.number);
                    tracing::error!(
                        part = number,
                        of,
                        differences = verified.count(),
                        first_broken_link = link,
                        "what is stored differs from what should be: run kurskoll verify"
                    );
                } else {
                    tracing::info!(part = number, of, rows = verified.rows, "verified: nothing differs");
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "tonight's part could not be verified");
            }
        }
    }
}
