//! The tables, through SeaORM, and nothing else: what is kept, and how it is found again.
//!
//! Entities never leave this room; its functions take and give domain words. Whoever records something opens a
//! [`Change`], which carries the instant of knowledge; whoever answers reads from one [`Snapshot`].
//! Start at `clock` for the clock of knowledge and at `people` for what a judgement rests on.

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
/// What the functions of this room read through: the pool, a [`Snapshot`] or a [`Change`].
pub use sea_orm::ConnectionTrait as Connection;
pub use transaction::Transaction;

use pool::Observer;
use proof::Proof;
use transaction::Purpose;

pub use probe::{Failure, Proven};
pub use trouble::Trouble;

use reach::Reach;
use turns::Turns;

/// What can go wrong in the store, for whoever calls it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not do what it was asked; the transaction is undone.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// The database cannot do anything at the moment.
    #[error("{place} {trouble}")]
    Away { place: String, trouble: Trouble, source: Option<DbErr> },
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

/// How long a process waits for its database before it says that it cannot go on. See decision 41.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connection: Duration,
    /// For a lock, the connection for it included.
    pub lock: Duration,
    /// How long it may leave an open transaction alone before PostgreSQL ends it, so that its locks stop nobody.
    pub idle_in_transaction: Duration,
}

impl Patience {
    /// Of the service: platforms give up after five seconds, and shall have been answered by then.
    pub const SERVICE: Self = Self {
        connection: Duration::from_millis(1500),
        lock: Duration::from_millis(1500),
        idle_in_transaction: Duration::from_secs(3),
    };

    /// Of a command: it works for longer, and somebody waits for it who knows how long it takes.
    pub const COMMAND: Self = Self {
        connection: Duration::from_secs(5),
        lock: Duration::from_secs(30),
        idle_in_transaction: Duration::from_secs(10),
    };
}

/// How long SQLite itself waits for the lock at a time; how often that is tried is [`Patience`]'s.
const BUSY: Duration = Duration::from_millis(100);

/// How many connections PostgreSQL has for deliveries: one commit is under way at a time, and one may have been given up.
const RECEIVERS: u32 = 2;

/// How long it may take to find out whether the database is there, when a process starts.
const FOUND_WITHIN: Duration = Duration::from_secs(3);

/// After how long a connection that was not used is tried before it is used again: the server may have started anew.
const TRIED_AFTER_IDLE: Duration = Duration::from_secs(1);

impl StoreError {
    /// Whether it is of what is kept, damaged or bent, and not of a database that does not answer.
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
    /// Where questions are answered from.
    readers: Pool,
    /// Where changes are made. A pool of its own, so that no number of reports keeps a delivery waiting; on SQLite a
    /// single connection, where a process's writers queue in order instead of polling for the lock. Nothing but
    /// fairness rests on that: between processes the database's own locks hold.
    writers: Pool,
    /// Where deliveries are kept: nobody who waits for the clock's row keeps them from waiting for it themselves. On SQLite
    /// the writers'.
    receivers: Pool,
    /// Stands behind every change on SQLite.
    proof: Option<Proof>,
    /// See [`clock`]; shared by the clones.
    clock_left: Arc<Mutex<Option<clock::ClockAt>>>,
    reach: Arc<Reach>,
    patience: Patience,
    turns: Turns,
    /// Whether no transaction time may be far from the server's time.
    goes_by_server: bool,
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
    /// Opens the database at a `sqlite:` or `postgres:` address for a service; a missing SQLite file is made.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        Self::connect_with(url, max_connections, Patience::SERVICE).await
    }

    /// Where the register is, at the address of a SQLite file.
    #[must_use]
    pub fn file_of(url: &str) -> Option<PathBuf> {
        let is_in_a_file = url.starts_with("sqlite:") && !url.contains(":memory:") && !url.contains("mode=memory");
        let options = sea_orm::sqlx::sqlite::SqliteConnectOptions::from_str(url).ok()?;
        is_in_a_file.then(|| options.get_filename().to_owned())
    }

    /// The same for whoever has that patience. Says at once where and why the database cannot be reached.
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

    /// Opens a copy of a SQLite register to look at it; nothing is made where there is none.
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
                    // Receiving's one question is long and finds little: compiling it took longer than answering it.
                    ("jit", "off".to_owned()),
                    ("lock_timeout", milliseconds(patience.lock)),
                    ("idle_in_transaction_session_timeout", milliseconds(patience.idle_in_transaction)),
                    // The server finds out that this machine is gone, and lets go of its locks.
                    ("tcp_keepalives_idle", "2".to_owned()),
                    ("tcp_keepalives_interval", "1".to_owned()),
                    ("tcp_keepalives_count", "2".to_owned()),
                    ("tcp_user_timeout", "5000".to_owned()),
                ])
            });
        let pool = Database::connect(options).await?;
        if pool.get_database_backend() == DbBackend::Sqlite {
            // A file that is gone later is not made anew, empty.
            let pool = pool.get_sqlite_connection_pool();
            pool.set_connect_options((*pool.connect_options()).clone().create_if_missing(false));
        }
        Ok(pool)
    }

    /// The same, where no transaction time is far from what the database's server has, whatever this machine's clock says.
    #[must_use]
    pub fn by_the_servers_clock(self) -> Self {
        Self { goes_by_server: !self.is_sqlite(), ..self }
    }

    /// Which database it is, and where, for the operator; never with the password.
    #[must_use]
    pub fn place(&self) -> &str {
        self.reach.place()
    }

    /// Whether the database's server answers somebody who comes anew; SQLite has none.
    pub async fn is_reachable(&self) -> Result<(), StoreError> {
        self.reach.prove(FOUND_WITHIN).await
    }

    /// That the database is known to be in trouble.
    #[must_use]
    pub fn away(&self, trouble: Trouble) -> StoreError {
        self.reach.away(trouble, None)
    }

    /// Shows every statement as it is carried out: for tests of what a question asks of the database.
    #[must_use]
    pub fn observed(mut self, observe: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let observer = Observer(Arc::new(observe));
        for pool in [&mut self.readers, &mut self.writers, &mut self.receivers] {
            *pool = pool.clone().observed(observer.clone());
        }
        self
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
    async fn open_snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot(Transaction::begin(&self.readers, Purpose::Reading).await?))
    }

    /// Whether changes may be made, as far as this process knows; see [`proof`].
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

    /// Closes the connections to a SQLite file that nobody uses, so that it is opened anew.
    async fn close_idle(&self) {
        let proofs = self.proof.as_ref().map(Proof::pool);
        for pool in [&self.readers, &self.writers].into_iter().chain(proofs) {
            pool.close_idle().await;
        }
    }

    /// Closes every connection; statements that still run end first.
    pub async fn close(self) -> Result<(), StoreError> {
        self.writers.close().await?;
        self.receivers.close().await?;
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
