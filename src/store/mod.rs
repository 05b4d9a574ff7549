//! The tables, through SeaORM, and nothing else: what is kept, and how it is found again.
//!
//! Entities never leave this room; its functions take and give domain words. Whoever records something opens a
//! [`Change`], which carries the instant of knowledge; whoever answers reads from one [`Snapshot`].
//! Start at `clock` for the clock of knowledge and at `people` for what a judgement rests on.

pub mod applying;
pub mod audit;
pub mod clock;
mod closing;
pub mod corrections;
pub mod credentials;
pub mod decisions;
pub mod deliveries;
pub mod directory;
mod entities;
mod facts;
pub mod history;
pub mod imports;
mod instant;
pub mod keys;
pub mod learners;
pub mod links;
pub mod merges;
pub mod namesakes;
pub mod people;
pub mod platform_health;
pub mod platforms;
mod pool;
pub mod profiles;
mod proof;
pub mod proposals;
pub mod pulls;
pub mod quarantine;
pub mod receiving;
pub mod relinking;
pub mod reorganisations;
pub mod requirements;
mod rows;
mod rows_of_json;
pub mod scim;
pub mod settings;
pub mod standings;
pub mod told;
mod transaction;
pub mod waiting;
pub mod xapi;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kurskoll_migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr};

pub use clock::Change;
pub use pool::Pool;
/// What the functions of this room read through: the pool, a [`Snapshot`] or a [`Change`].
pub use sea_orm::ConnectionTrait as Connection;
pub use transaction::Transaction;

use proof::Proof;
use transaction::Purpose;

/// What can go wrong in the store, for whoever calls it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not do what it was asked; the transaction is undone.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// The address of the database cannot be used.
    #[error("database.url must begin with sqlite: or postgres:")]
    UnknownDatabase,
    /// A kept value is not one that Kurskoll writes.
    #[error("{table} holds a value of {column} that Kurskoll does not write")]
    Unreadable { table: &'static str, column: &'static str },
    /// A change was committed, and another connection does not see it.
    #[error(
        "the register does not show what it said it had committed; nothing is recorded until the service is started anew: \
         look at its log and at the disk first"
    )]
    NotSeen,
    /// The file of a SQLite register was moved, deleted or replaced under the running process.
    #[error("the register's file {0} was moved, deleted or replaced since it was opened; put it back, or start anew")]
    FileGone(PathBuf),
    /// Rows could not be put into words for the database, or read from its own.
    #[error("rows could not be written or read as JSON")]
    Unwritable(#[source] serde_json::Error),
}

/// The register's database.
#[derive(Debug, Clone)]
pub struct Store {
    /// Where questions are answered from.
    readers: Pool,
    /// Where changes are made. A pool of its own, so that no number of reports keeps a delivery waiting; on SQLite a
    /// single connection, where a process's writers queue in order instead of polling for the lock. Nothing but
    /// fairness rests on that: between processes the database's own locks hold.
    writers: Pool,
    /// Stands behind every change on SQLite.
    proof: Option<Proof>,
    /// See [`clock`]; shared by the clones.
    clock_left: Arc<Mutex<Option<clock::ClockAt>>>,
}

/// One unchanging view of the database, over as many queries as it takes.
#[derive(Debug)]
pub struct Snapshot(Transaction);

impl Snapshot {
    #[must_use]
    pub const fn connection(&self) -> &Transaction {
        &self.0
    }
}

impl Store {
    /// Opens the database at a `sqlite:` or `postgres:` address; a missing SQLite file is made.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        let sqlite = url.starts_with("sqlite:");
        if !sqlite && !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            return Err(StoreError::UnknownDatabase);
        }
        if let Some(file) = Self::file_of(url) {
            make_private(&file);
        }
        let writing = if sqlite { 1 } else { (max_connections / 4).max(1) };
        let reading = max_connections.saturating_sub(writing).max(1);
        let writers = Pool::over(Self::pool(url, writing).await?);
        let readers = Pool::over(Self::pool(url, reading).await?);
        let proof = match writers.file() {
            Some(file) => Some(Proof::new(Pool::over(Self::pool(url, 1).await?), file)),
            None => None,
        };
        Ok(Self { readers, writers, proof, clock_left: Arc::default() })
    }

    /// Where the register is, at the address of a SQLite file.
    #[must_use]
    pub fn file_of(url: &str) -> Option<PathBuf> {
        let is_in_a_file = url.starts_with("sqlite:") && !url.contains(":memory:") && !url.contains("mode=memory");
        let options = sea_orm::sqlx::sqlite::SqliteConnectOptions::from_str(url).ok()?;
        is_in_a_file.then(|| options.get_filename().to_owned())
    }

    async fn pool(url: &str, connections: u32) -> Result<DatabaseConnection, StoreError> {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(connections)
            .sqlx_logging(false)
            .record_stmt_in_spans(false)
            .test_before_acquire(false)
            // What is not there is asked for again and again while this lasts, after at most a fifth of it: a server that is
            // back is found within two seconds. On SQLite a process's changes queue for one connection.
            .acquire_timeout(Duration::from_secs(if url.starts_with("sqlite:") { 30 } else { 10 }))
            .map_sqlx_sqlite_opts(|options| {
                use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
                // FULL: a commit is on the disk when it returns. WAL: readers do not wait for the writer.
                options
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(Duration::from_secs(30))
                    .pragma("cache_size", "-65536")
                    .pragma("temp_store", "MEMORY")
            })
            .map_sqlx_postgres_opts(|options| options.options([("synchronous_commit", "on")]));
        Ok(Database::connect(options).await?)
    }

    /// Brings the tables to this version's; does nothing where they are.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let apart = self.writers.apart().await?;
        let migrated = Migrator::up(&apart, None).await;
        apart.close().await?;
        Ok(migrated?)
    }

    /// How many migrations the database still lacks.
    pub async fn pending_migrations(&self) -> Result<usize, StoreError> {
        Ok(Migrator::get_pending_migrations_read_only(&self.readers).await?.len())
    }

    /// Whether the database holds a register, of whatever version.
    pub async fn has_tables(&self) -> Result<bool, StoreError> {
        Ok(!Migrator::get_applied_migrations_read_only(&self.readers).await?.is_empty())
    }

    /// A view of now that does not change while it is read.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot(Transaction::begin(&self.readers, Purpose::Reading).await?))
    }

    /// Whether changes may be made, as far as this process knows; see [`proof`].
    pub fn may_record(&self) -> Result<(), StoreError> {
        self.proof.as_ref().map_or(Ok(()), Proof::holds)
    }

    /// For a single statement that changes something at no instant of knowledge; committed when it ends well.
    fn writing(&self) -> Result<&Pool, StoreError> {
        self.may_record()?;
        Ok(&self.writers)
    }

    /// The pool, for a single statement that needs no snapshot.
    #[must_use]
    pub const fn connection(&self) -> &Pool {
        &self.readers
    }

    /// Whether the database is SQLite, which lives in one file.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.readers.get_database_backend() == DbBackend::Sqlite
    }

    /// Writes a consistent copy of a SQLite database to a new file, without stopping readers or writers.
    pub async fn copy_to(&self, file: &str) -> Result<(), StoreError> {
        let copy = rows::statement(&self.readers, "VACUUM INTO $1", [file.into()]);
        self.readers.execute_raw(copy).await?;
        Ok(())
    }

    /// Closes every connection; statements that still run end first.
    pub async fn close(self) -> Result<(), StoreError> {
        self.writers.close().await?;
        if let Some(proof) = self.proof {
            proof.close().await?;
        }
        Ok(self.readers.close().await?)
    }
}

/// Makes a missing SQLite file for its owner alone; SQLite gives its journals the same mode. What goes wrong here is said
/// when the file is opened.
fn make_private(file: &std::path::Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(file));
}
