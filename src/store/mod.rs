//! The tables, through SeaORM, and nothing else: what is stored, and how it is found again.
//!
//! Entities never leave this layer; its functions take and return domain types. To record something, open a [`Change`],
//! which carries the transaction time. To answer a query, read from one [`Snapshot`]. Start at `clock` for the
//! transaction-time clock and at `people` for the facts that judging uses.

pub mod act;
pub mod applying;
pub mod audit;
pub mod called;
pub mod chain;
mod claiming;
pub mod clock;
mod closing;
pub mod compliance_states;
pub mod corrections;
pub mod credentials;
pub mod decisions;
pub mod deliveries;
pub mod directory;
pub mod employees;
mod employments;
mod entities;
pub mod export_rows;
mod facts;
pub mod history;
pub mod imports;
mod instant;
pub mod integrity;
pub mod judged_for;
pub mod keys;
mod known_at;
pub mod learners;
pub mod links;
pub mod merges;
pub mod merging;
pub mod namesakes;
mod opaque_id;
mod parsed;
pub mod people;
pub mod platform_health;
pub mod platforms;
mod pool;
mod probe;
pub mod profiles;
mod proof;
pub mod proposals;
pub mod protection;
pub mod pulls;
pub mod quarantine;
mod reach;
pub mod receiving;
mod recorded;
pub mod relinking;
pub mod reorganisations;
pub mod requirements;
pub mod result_decisions;
mod results;
pub mod revocations;
mod rows;
pub mod scim;
pub mod scim_groups;
pub mod scim_waiting;
pub mod settings;
mod sql;
pub mod stale;
pub mod status_counts;
pub mod stored_results;
mod transaction;
pub mod trouble;
mod turns;
pub mod undoing;
pub mod waiting;
pub mod whose;
pub mod xapi;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kurskoll_migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr};

pub use act::{Act, Author, Changing, Reading, Scope, Unscoped};
pub use clock::Change;
pub use pool::Pool;
/// What the functions of this layer read through: the pool, a [`Snapshot`] or a [`Change`].
pub use sea_orm::ConnectionTrait as Connection;
pub use transaction::Transaction;

use pool::Observer;
use proof::Proof;
use transaction::Purpose;

pub use probe::{Failure, Proven};
pub use trouble::Trouble;

use reach::Reach;
use turns::Turns;

/// What can go wrong in the store, for its callers.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not do what it should; the transaction is rolled back.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// The database cannot do anything at the moment.
    #[error("{place} {trouble}")]
    Away { place: String, trouble: Trouble, source: Option<DbErr> },
    /// The address of the database cannot be used.
    #[error("database.url must begin with sqlite: or postgres:")]
    UnknownDatabase,
    /// A stored value is not one that Kurskoll writes.
    #[error("{table} holds a value of {column} that Kurskoll does not write")]
    Unreadable { table: &'static str, column: &'static str },
    /// A change was committed, and another connection does not see it.
    #[error(
        "the register does not show what it had committed; nothing is recorded until the service is restarted: \
         look at its log and at the disk first"
    )]
    NotSeen,
    /// The file of a SQLite register was moved, deleted or replaced under the running process.
    #[error("the register's file {0} was moved, deleted or replaced since it was opened; put it back, or start anew")]
    FileGone(PathBuf),
    /// Rows could not be written as JSON for the database, or read from its JSON.
    #[error("rows could not be written or read as JSON")]
    Unwritable(#[source] serde_json::Error),
}

/// How long a process waits for its database before it reports that it cannot continue. See decision 41.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connection: Duration,
    /// For a lock, including the wait for the connection.
    pub lock: Duration,
    /// How long an open transaction may be idle before PostgreSQL ends it, so that its locks block no one.
    pub idle_in_transaction: Duration,
}

impl Patience {
    /// Of the service: platforms give up after five seconds, and must be answered by then.
    pub const SERVICE: Self = Self {
        connection: Duration::from_millis(1500),
        lock: Duration::from_millis(1500),
        idle_in_transaction: Duration::from_secs(3),
    };

    /// Of a command: it works for longer, and the operator who waits for it knows how long it takes.
    pub const COMMAND: Self = Self {
        connection: Duration::from_secs(5),
        lock: Duration::from_secs(30),
        idle_in_transaction: Duration::from_secs(10),
    };
}

/// How long SQLite itself waits for the lock at a time; [`Patience`] says how often that is tried.
const BUSY: Duration = Duration::from_millis(100);

/// How many connections PostgreSQL has for deliveries: one commit is under way at a time, and one may have been given
/// up.
const RECEIVERS: u32 = 2;

/// How long a starting process may take to find out whether the database is there.
const FOUND_WITHIN: Duration = Duration::from_secs(3);

/// After this idle time, a connection is tested before it is used again: the server may have restarted.
const TRIED_AFTER_IDLE: Duration = Duration::from_secs(1);

impl StoreError {
    /// Whether the fault is in the stored data, damaged or altered, and not in a database that does not answer.
    #[must_use]
    pub const fn is_of_what_is_stored(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::Unwritable(_) => true,
            Self::UnknownDatabase | Self::Away { .. } | Self::NotSeen | Self::FileGone(_) => false,
            Self::Database(error) => {
                !matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_) | DbErr::Migration(_))
            }
        }
    }
}

/// The register's database.
#[derive(Debug, Clone)]
pub struct Store {
    /// The pool for queries.
    readers: Pool,
    /// The pool for changes. It is separate, so that no number of reports keeps a delivery waiting. On SQLite it is a
    /// single connection, where a process's writers queue in order instead of polling for the lock. Only fairness
    /// depends on that: between processes the database's own locks hold.
    writers: Pool,
    /// The pool for deliveries. It is separate, so that requests that wait for the clock's row do not keep deliveries
    /// from waiting for it themselves. On SQLite it is the writers' pool.
    receivers: Pool,
    /// Checks every change on SQLite.
    proof: Option<Proof>,
    /// See [`clock`]; shared by the clones.
    clock_left: Arc<Mutex<Option<clock::ClockAt>>>,
    reach: Arc<Reach>,
    patience: Patience,
    turns: Turns,
    /// Whether transaction times are kept near the server's time.
    goes_by_server: bool,
}

/// A read snapshot: one unchanging view of the database, over any number of queries.
#[derive(Debug)]
pub struct Snapshot(Transaction);

impl Snapshot {
    #[must_use]
    pub const fn connection(&self) -> &Transaction {
        &self.0
    }
}

impl Store {
    /// Opens the database at a `sqlite:` or `postgres:` address for a service; a missing SQLite file is created.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        Self::connect_with(url, max_connections, Patience::SERVICE).await
    }

    /// The file of the register, if the address is a SQLite address.
    #[must_use]
    pub fn file_of(url: &str) -> Option<PathBuf> {
        let is_in_a_file = url.starts_with("sqlite:") && !url.contains(":memory:") && !url.contains("mode=memory");
        let options = sea_orm::sqlx::sqlite::SqliteConnectOptions::from_str(url).ok()?;
        is_in_a_file.then(|| options.get_filename().to_owned())
    }

    /// The same, with a given patience. Fails at once, with the place and the reason, if the database cannot be
    /// reached.
    pub async fn connect_with(url: &str, max_connections: u32, patience: Patience) -> Result<Self, StoreError> {
        let reach = Reach::of(url)?;
        reach.prove(FOUND_WITHIN).await?;
        Self::open(url, max_connections, patience, reach.clone()).await.map_err(|error| reach.explained(error))
    }

    async fn open(url: &str, max_connections: u32, patience: Patience, reach: Reach) -> Result<Self, StoreError> {
        let sqlite = url.starts_with("sqlite:");
        if let Some(file) = Self::file_of(url) {
            make_private(&file);
        }
        let writing = if sqlite { 1 } else { (max_connections / 4).max(1) };
        let receiving = if sqlite { 0 } else { RECEIVERS };
        let reading = max_connections.saturating_sub(writing + receiving).max(1);
        let pool = async |connections, busy| {
            Ok::<_, StoreError>(Pool::over(Self::pool(url, connections, patience, busy).await?))
        };
        let writers = pool(writing, BUSY).await?;
        let receivers = if sqlite { writers.clone() } else { pool(receiving, BUSY).await? };
        let readers = pool(reading, patience.lock).await?;
        let (proof, turns) = match writers.file() {
            Some(file) => (Some(Proof::new(pool(1, patience.lock).await?, file.clone())), Turns::beside(&file)),
            None => (None, Turns::of_one_process()),
        };
        Ok(Self {
            readers,
            writers,
            receivers,
            proof,
            clock_left: Arc::default(),
            reach: Arc::new(reach),
            patience,
            turns,
            goes_by_server: false,
        })
    }

    /// Opens a copy of a SQLite register to read it; does not create a missing file.
    pub async fn connect_to_copy(file: &std::path::Path) -> Result<Self, StoreError> {
        let url = format!("sqlite://{}?mode=ro", file.display());
        let options = ConnectOptions::new(url.as_str()).max_connections(1).sqlx_logging(false).to_owned();
        let readers = Pool::over(Database::connect(options).await?);
        Ok(Self {
            writers: readers.clone(),
            receivers: readers.clone(),
            readers,
            proof: None,
            clock_left: Arc::default(),
            reach: Arc::new(Reach::of(&url)?),
            patience: Patience::COMMAND,
            turns: Turns::of_one_process(),
            goes_by_server: false,
        })
    }

    async fn pool(
        url: &str,
        connections: u32,
        patience: Patience,
        busy: Duration,
    ) -> Result<DatabaseConnection, StoreError> {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(connections)
            .sqlx_logging(false)
            .record_stmt_in_spans(false)
            .test_before_acquire_if_idle_for(TRIED_AFTER_IDLE)
            .acquire_timeout(patience.connection)
            .map_sqlx_sqlite_opts(move |options| {
                use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
                // FULL: a commit is on the disk when it returns. WAL: readers do not wait for the writer.
                options
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(busy)
                    .pragma("cache_size", "-65536")
                    .pragma("temp_store", "MEMORY")
            })
            .map_sqlx_postgres_opts(move |options| {
                let milliseconds = |limit: Duration| limit.as_millis().to_string();
                options.options([
                    ("synchronous_commit", "on".to_owned()),
                    // Receiving's one query is long and finds little: compiling it took longer than running it.
                    ("jit", "off".to_owned()),
                    ("lock_timeout", milliseconds(patience.lock)),
                    ("idle_in_transaction_session_timeout", milliseconds(patience.idle_in_transaction)),
                    // The server notices that this machine is gone, and releases its locks.
                    ("tcp_keepalives_idle", "2".to_owned()),
                    ("tcp_keepalives_interval", "1".to_owned()),
                    ("tcp_keepalives_count", "2".to_owned()),
                    ("tcp_user_timeout", "5000".to_owned()),
                ])
            });
        let pool = Database::connect(options).await?;
        if pool.get_database_backend() == DbBackend::Sqlite {
            // If the file is gone later, it must not be created again, empty.
            let pool = pool.get_sqlite_connection_pool();
            pool.set_connect_options((*pool.connect_options()).clone().create_if_missing(false));
        }
        Ok(pool)
    }

    /// The same, but no transaction time is far from the time of the database's server, whatever this machine's clock
    /// shows.
    #[must_use]
    pub fn by_the_servers_clock(self) -> Self {
        Self { goes_by_server: !self.is_sqlite(), ..self }
    }

    /// The database and its place, for the operator; never with the password.
    #[must_use]
    pub fn place(&self) -> &str {
        self.reach.place()
    }

    /// Whether the database's server answers a new connection; SQLite has no server.
    pub async fn is_reachable(&self) -> Result<(), StoreError> {
        self.reach.prove(FOUND_WITHIN).await
    }

    /// The error for a database that is known to be in trouble.
    #[must_use]
    pub fn away(&self, trouble: Trouble) -> StoreError {
        self.reach.away(trouble, None)
    }

    /// Shows every statement before it is executed: for tests that check which statements the database gets.
    #[must_use]
    pub fn observed(mut self, observe: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let observer = Observer(Arc::new(observe));
        for pool in [&mut self.readers, &mut self.writers, &mut self.receivers] {
            *pool = pool.clone().observed(observer.clone());
        }
        self
    }

    /// Migrates the tables to this version; does nothing if they are up to date.
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

    /// A view of the database as of now that does not change while it is read.
    async fn open_snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot(Transaction::begin(&self.readers, Purpose::Reading).await?))
    }

    /// Whether changes are allowed, as far as this process knows; see [`proof`].
    pub fn may_record(&self) -> Result<(), StoreError> {
        self.proof.as_ref().map_or(Ok(()), Proof::holds)
    }

    const fn pool_of_readers(&self) -> &Pool {
        &self.readers
    }

    /// Whether the database is SQLite, which lives in one file.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.readers.get_database_backend() == DbBackend::Sqlite
    }

    /// Writes a consistent copy of a SQLite database to a new file, without stopping readers or writers.
    pub async fn copy_to(&self, file: &str) -> Result<(), StoreError> {
        let copy = sql::statement(&self.readers, "VACUUM INTO $1", [file.into()]);
        self.readers.execute_raw(copy).await?;
        Ok(())
    }

    /// Closes the unused connections to a SQLite file, so that it is opened again.
    async fn close_idle(&self) {
        let proofs = self.proof.as_ref().map(Proof::pool);
        for pool in [&self.readers, &self.writers].into_iter().chain(proofs) {
            pool.close_idle().await;
        }
    }

    /// Closes every connection; running statements end first.
    pub async fn close(self) -> Result<(), StoreError> {
        self.writers.close().await?;
        self.receivers.close().await?;
        if let Some(proof) = self.proof {
            proof.close().await?;
        }
        Ok(self.readers.close().await?)
    }
}

/// Creates a missing SQLite file that only its owner may access; SQLite gives its journals the same mode. Errors here
/// are reported when the file is opened.
fn make_private(file: &std::path::Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(file));
}
