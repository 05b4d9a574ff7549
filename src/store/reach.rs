//! Where the register is, as a text for the operator, and whether it can be reached at all. The check uses a separate
//! connection, so that the answer is the database's and not that of a pool that waits for it.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self, ConnectOptions, Connection, Row};
use sea_orm::{DbErr, RuntimeErr};

use super::StoreError;
use super::trouble::Trouble;

/// The address of a register.
#[derive(Debug, Clone)]
pub struct Reach {
    place: String,
    /// `None` for SQLite, which has no server.
    postgres: Option<PgConnectOptions>,
}

impl Reach {
    /// Reads `database.url`.
    pub fn of(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path).split('?').next().unwrap_or_default();
            return Ok(Self { place: format!("the SQLite database {path}"), postgres: None });
        }
        if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            return Err(StoreError::UnknownDatabase);
        }
        let options = PgConnectOptions::from_str(url).map_err(failed)?.disable_statement_logging();
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        Ok(Self { place: format!("the PostgreSQL database {database} at {host}"), postgres: Some(options) })
    }

    /// The database and its place; never the password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The error for a database in trouble.
    pub fn away(&self, trouble: Trouble, source: Option<DbErr>) -> StoreError {
        StoreError::Away { place: self.place.clone(), trouble, source }
    }

    /// The same error, with the place of the database if it is in trouble.
    pub fn explained(&self, error: StoreError) -> StoreError {
        match (Trouble::of(&error), error) {
            (Some(trouble), StoreError::Database(source)) => self.away(trouble, Some(source)),
            (_, error) => error,
        }
    }

    /// Opens a new connection and checks that the server answers; fails at once if it cannot.
    pub async fn prove(&self, within: Duration) -> Result<(), StoreError> {
        let Some(options) = &self.postgres else { return Ok(()) };
        let answered = async {
            let mut connection = options.connect().await?;
            connection.ping().await?;
            connection.close().await
        };
        self.in_time(within, answered).await
    }

    /// Who has held the clock's row for the longest, from PostgreSQL's statistics; `None` if no one does, or it is not
    /// known.
    pub async fn who_holds_the_clock(&self, within: Duration) -> Option<String> {
        const HOLDER: &str = "SELECT a.pid, coalesce(host(a.client_addr), 'its own machine'),
                extract(epoch FROM clock_timestamp() - a.xact_start)::bigint
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.relation = to_regclass('transaction_clock') AND l.mode = 'RowExclusiveLock' AND l.granted
                AND a.wait_event_type IS DISTINCT FROM 'Lock' AND a.pid <> pg_backend_pid()
            ORDER BY a.xact_start LIMIT 1";
        let options = self.postgres.as_ref()?;
        let keys = async {
            let mut connection: PgConnection = options.connect().await?;
            let row = sqlx::query(HOLDER).fetch_optional(&mut connection).await?;
            connection.close().await?;
            let Some(row) = row else { return Ok(None) };
            let (pid, from): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
            let seconds: Option<i64> = row.try_get(2)?;
            Ok(Some(format!("server process {pid}, from {from}, for {} s", seconds.unwrap_or_default())))
        };
        self.in_time(within, keys).await.ok().flatten()
    }

    async fn in_time<T>(
        &self,
        within: Duration,
        keys: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(within, keys).await {
            Ok(answered) => answered.map_err(|error| self.explained(failed(error))),
            Err(_) => Err(self.away(Trouble::NoAnswer, None)),
        }
    }
}

fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Database(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> String {
        Reach::of(url).expect("an address").place().to_owned()
    }

    #[test]
    fn a_place_names_host_port_and_database_and_no_password() {
        assert_eq!(
            place("postgres://kurskoll:s3cret@db.example.org:5433/register?sslmode=require"),
            "the PostgreSQL database register at db.example.org:5433"
        );
        assert_eq!(place("sqlite:data/kurskoll.db"), "the SQLite database data/kurskoll.db");
        assert_eq!(place("sqlite:///var/k.db?mode=rwc"), "the SQLite database /var/k.db");
    }

    #[tokio::test]
    async fn a_port_at_which_nobody_listens_is_said_at_once() {
        let reach = Reach::of("postgres://kurskoll:s3cret@127.0.0.1:1/register").expect("an address");
        let error = reach.prove(Duration::from_secs(5)).await.expect_err("nobody listens");
        assert_eq!(Trouble::of(&error), Some(Trouble::Refused));
        let reported = error.to_string();
        assert!(
            reported.starts_with("the PostgreSQL database register at 127.0.0.1:1 refuses connections"),
            "{reported}"
        );
        assert!(!reported.contains("s3cret"), "{reported}");
    }
}
