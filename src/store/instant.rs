//! Instants as they are stored: whole microseconds since 1970-01-01T00:00:00Z.

use chrono::{DateTime, Utc};

pub fn stored(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros()
}

pub fn read(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
