//! The same figures and rows by hand-written SQL, on one connection, with nothing around it.

use std::time::{Duration, Instant};

use chrono::NaiveDate;
use futures::TryStreamExt;
use sea_orm::sqlx::postgres::PgPoolCopyExt;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, PgPool, Row, SqliteConnection};

use crate::support::Failure;
use crate::support::databases::{Database, Engine};

/// A connection for hand-written SQL.
#[derive(Debug)]
pub enum Raw {
    Sqlite(Box<SqliteConnection>),
    Postgres(PgPool),
}

const CITY: &str = "SELECT s.status, s.on_time, s.due_on >= $3 AND s.due_on <= $2 AS due, COUNT(*) AS people
    FROM compliance_state s
    WHERE s.requirement = $1 AND s.from_day <= $2 AND s.until_day > $2
    GROUP BY 1, 2, 3";
const ADMINISTRATIONS: &str = "SELECT c.administration, s.status, s.on_time,
        s.due_on >= $3 AND s.due_on <= $2 AS due, COUNT(*) AS people
    FROM compliance_state_scope c
    JOIN compliance_state s ON s.employee_id = c.employee_id AND s.requirement = c.requirement
        AND s.from_day <= $2 AND s.until_day > $2
    WHERE c.requirement = $1 AND c.from_day <= $2 AND c.until_day > $2
    GROUP BY 1, 2, 3, 4";

/// The rows of an administration's export, as a spreadsheet has them.
fn rows_of(administration: &str, day: NaiveDate) -> String {
    format!(
        "SELECT c.administration, a.name, m.unit, e.number, p.given_name, p.family_name, m.email, m.form, m.starts_on,
                c.requirement, s.status, s.due_on, s.satisfied_on, s.valid_until, s.best_score_percent, s.attempts,
                s.last_attempt_on, s.evidence_event_id, '{day}' AS as_of
         FROM compliance_state_scope c
         JOIN compliance_state s ON s.employee_id = c.employee_id AND s.requirement = c.requirement
             AND s.from_day <= '{day}' AND s.until_day > '{day}'
         JOIN employment_fact m ON m.id = c.employment_fact_id
         JOIN employee e ON e.id = c.employee_id
         JOIN employee_fact p ON p.employee_id = c.employee_id AND p.superseded_at IS NULL
         JOIN administration_fact a ON a.code = c.administration AND a.superseded_at IS NULL
         WHERE c.administration = '{administration}' AND c.from_day <= '{day}' AND c.until_day > '{day}'
         ORDER BY c.sort_key, c.requirement"
    )
}

/// The tables with at least one row for each person.
const READ_BY_VERIFY: [&str; 13] = [
    "delivery",
    "event",
    "learner",
    "employee",
    "employee_fact",
    "employment_fact",
    "absence_fact",
    "exemption_fact",
    "identity_claim",
    "compliance_state",
    "compliance_state_scope",
    "audit_entry",
    "chain_leaf",
];

/// The administrations with their number of rows, the largest first.
const SIZES: &str =
    "SELECT administration, COUNT(*) FROM compliance_state_scope WHERE from_day <= $1 AND until_day > $1
    GROUP BY administration ORDER BY 2 DESC, 1";

impl Raw {
    pub async fn open(database: &Database) -> Result<Self, Failure> {
        Ok(match database.engine {
            Engine::Sqlite => {
                let options: SqliteConnectOptions = database.url.parse()?;
                let options = options.pragma("cache_size", "-65536").pragma("temp_store", "MEMORY");
                Self::Sqlite(Box::new(options.connect().await?))
            }
            Engine::Postgres => Self::Postgres(PgPool::connect(&database.url).await?),
        })
    }

    /// How long it takes to read every row of the tables that verification reads, without using them.
    pub async fn everything(&mut self) -> Result<Duration, Failure> {
        let begun = Instant::now();
        for table in READ_BY_VERIFY {
            let sql = AssertSqlSafe(format!("SELECT * FROM {table}"));
            match self {
                Self::Sqlite(connection) => {
                    let mut rows = sqlx::query(sql).fetch(&mut **connection);
                    while rows.try_next().await?.is_some() {}
                }
                Self::Postgres(pool) => {
                    let mut rows = sqlx::query(sql).fetch(&*pool);
                    while rows.try_next().await?.is_some() {}
                }
            }
        }
        Ok(begun.elapsed())
    }

    pub async fn close(self) {
        match self {
            Self::Sqlite(connection) => drop(connection.close().await),
            Self::Postgres(pool) => pool.close().await,
        }
    }

    pub async fn sizes(&mut self, day: NaiveDate) -> Result<Vec<(String, i64)>, Failure> {
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_as(SIZES).bind(day).fetch_all(&mut **connection).await?,
            Self::Postgres(pool) => sqlx::query_as(SIZES).bind(day).fetch_all(&*pool).await?,
        })
    }

    /// How long the figures of a requirement take by SQL alone; the fastest of several times.
    pub async fn figures(&mut self, requirement: &str, day: NaiveDate, times: usize) -> Result<Duration, Failure> {
        let from = day - chrono::Months::new(12);
        let mut fastest = Duration::MAX;
        for _ in 0..times {
            let begun = Instant::now();
            for sql in [CITY, ADMINISTRATIONS] {
                match self {
                    Self::Sqlite(connection) => {
                        let query = sqlx::query(sql).bind(requirement).bind(day).bind(from);
                        query.fetch_all(&mut **connection).await?;
                    }
                    Self::Postgres(pool) => {
                        let query = sqlx::query(sql).bind(requirement).bind(day).bind(from);
                        query.fetch_all(&*pool).await?;
                    }
                }
            }
            fastest = fastest.min(begun.elapsed());
        }
        Ok(fastest)
    }

    /// How long the rows of administrations take: `COPY … TO STDOUT` on PostgreSQL, a loop that writes CSV on SQLite.
    /// Returns the fastest of several times, and the number of bytes.
    pub async fn rows(&mut self, codes: &[&str], day: NaiveDate, times: usize) -> Result<(Duration, usize), Failure> {
        let (mut fastest, mut bytes) = (Duration::MAX, 0);
        for _ in 0..times {
            let begun = Instant::now();
            bytes = 0;
            for code in codes {
                let sql = rows_of(code, day);
                bytes += match self {
                    Self::Sqlite(connection) => loop_over(connection, sql).await?,
                    Self::Postgres(pool) => {
                        let mut copied = pool.copy_out_raw(&format!("COPY ({sql}) TO STDOUT (FORMAT csv)")).await?;
                        let mut bytes = 0;
                        while let Some(piece) = copied.try_next().await? {
                            bytes += piece.len();
                        }
                        bytes
                    }
                };
            }
            fastest = fastest.min(begun.elapsed());
        }
        Ok((fastest, bytes))
    }
}

async fn loop_over(connection: &mut SqliteConnection, sql: String) -> Result<usize, Failure> {
    const COLUMNS: usize = 19;
    let (mut bytes, mut csv) = (0, csv::Writer::from_writer(Vec::new()));
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    let mut record = csv::StringRecord::new();
    while let Some(row) = rows.try_next().await? {
        record.clear();
        for column in 0..COLUMNS {
            // SQLite gives any value as text, as a hand-written export would take it.
            record.push_field(row.try_get_unchecked::<Option<&str>, _>(column)?.unwrap_or_default());
        }
        csv.write_record(&record)?;
        if csv.get_ref().len() > 64 * 1024 {
            bytes += csv.into_inner()?.len();
            csv = csv::Writer::from_writer(Vec::new());
        }
    }
    Ok(bytes + csv.into_inner()?.len())
}
