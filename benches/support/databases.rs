//! Databases that sync what they commit: SQLite in a folder, and a PostgreSQL server of the benchmark's own.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, AssertSqlSafe, Connection, PgConnection, Row};
use tempfile::TempDir;

use super::Failure;

/// The variable that names a server to use instead of the benchmark's own. It must sync, and its role must create
/// databases.
const SERVER_VARIABLE: &str = "KURSKOLL_BENCH_POSTGRES_URL";

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres.sh");

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A database of the benchmark.
#[derive(Debug, Clone)]
pub struct Database {
    pub engine: Engine,
    /// What `database.url` takes.
    pub url: String,
    name: String,
}

/// Where the databases are made.
#[derive(Debug)]
pub struct Databases {
    folder: TempDir,
    server_url: Option<String>,
}

impl Drop for Databases {
    fn drop(&mut self) {
        if self.server_url.is_some() && std::env::var_os(SERVER_VARIABLE).is_none() {
            let stopped = script(self.folder.path(), "stop").status();
            if !stopped.is_ok_and(|status| status.success()) {
                eprintln!("the PostgreSQL of the benchmark could not be stopped");
            }
        }
    }
}

fn script(folder: &Path, verb: &str) -> Command {
    let mut command = Command::new(SCRIPT);
    command.arg(verb).env("KURSKOLL_POSTGRES_DURABLE", "1").env("KURSKOLL_POSTGRES_STATE", folder.join("postgres"));
    command
}

impl Databases {
    /// Makes a folder, and starts a server if one of the engines needs it. Refuses a server that does not sync.
    pub async fn open(engines: &[Engine]) -> Result<Self, Failure> {
        let mut databases = Self { folder: tempfile::tempdir()?, server_url: None };
        open_to_others(databases.folder.path())?;
        if engines.contains(&Engine::Postgres) {
            databases.server_url = Some(match std::env::var(SERVER_VARIABLE) {
                Ok(url) => url,
                Err(_) => {
                    let mut start = script(databases.folder.path(), "start");
                    let started = start.arg(std::process::id().to_string()).stderr(Stdio::inherit()).output()?;
                    if !started.status.success() {
                        return Err("scripts/postgres.sh could not start a PostgreSQL".into());
                    }
                    String::from_utf8(started.stdout)?.trim().to_owned()
                }
            });
            databases.refuse_a_server_that_does_not_sync().await?;
        }
        Ok(databases)
    }

    /// What a small write and its sync cost on this disk: the median of many.
    pub fn cost_of_a_sync(&self) -> Result<Duration, Failure> {
        let mut file = File::create(self.folder.path().join("sync"))?;
        let mut costs = Vec::new();
        for _ in 0..400 {
            let begun = Instant::now();
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&[0x5a; 4096])?;
            file.sync_data()?;
            costs.push(begun.elapsed());
        }
        costs.sort();
        Ok(costs.get(costs.len() / 2).copied().unwrap_or_default())
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn server(&self) -> Result<PgConnection, Failure> {
        let url = self.server_url.as_deref().ok_or("no PostgreSQL was asked for")?;
        Ok(PgConnection::connect(url).await?)
    }

    async fn refuse_a_server_that_does_not_sync(&self) -> Result<(), Failure> {
        let mut server = self.server().await?;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let shown = sqlx::query(AssertSqlSafe(format!("SHOW {setting}"))).fetch_one(&mut server).await?;
            let value: String = shown.get(0);
            if value != "on" {
                return Err(
                    format!("PostgreSQL runs with {setting} = {value}: nothing measured on it is durable").into()
                );
            }
        }
        Ok(())
    }

    /// An empty database, or a copy of one that has no open connection. A database of the same name is replaced.
    pub async fn make(&self, engine: Engine, name: &str, copy_of: Option<&Database>) -> Result<Database, Failure> {
        let url = match engine {
            Engine::Sqlite => {
                let file = |name: &str| self.folder.path().join(format!("{name}.db"));
                self.remove_files(name)?;
                if let Some(original) = copy_of {
                    std::fs::copy(file(&original.name), file(name))?;
                    File::open(file(name))?.sync_all()?;
                }
                format!("sqlite://{}?mode=rwc", file(name).display())
            }
            Engine::Postgres => {
                let mut server = self.server().await?;
                let template = copy_of.map_or("template0", |original| original.name.as_str());
                for statement in [
                    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                    format!("CREATE DATABASE {name} TEMPLATE {template}"),
                    "CHECKPOINT".to_owned(),
                ] {
                    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut server).await?;
                }
                let server_url = self.server_url.as_deref().unwrap_or_default();
                let (server_url, _) = server_url.rsplit_once('/').ok_or("the server's URL names a database")?;
                format!("{server_url}/{name}")
            }
        };
        Ok(Database { engine, url, name: name.to_owned() })
    }

    /// Removes a database that has no open connection.
    pub async fn remove(&self, database: Database) -> Result<(), Failure> {
        match database.engine {
            Engine::Sqlite => self.remove_files(&database.name),
            Engine::Postgres => {
                let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", database.name);
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.server().await?).await?;
                Ok(())
            }
        }
    }

    fn remove_files(&self, name: &str) -> Result<(), Failure> {
        for ending in ["db", "db-wal", "db-shm"] {
            match std::fs::remove_file(self.folder.path().join(format!("{name}.{ending}"))) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The server may run as another user, and walks through the folder to its own.
fn open_to_others(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?)
}
