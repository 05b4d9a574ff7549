//! A database of its own for each test, on SQLite or PostgreSQL, dropped when the test is over.
//!
//! A test body is written once, with [`both_databases!`], and runs on both. PostgreSQL is the server that
//! `KURSKOLL_TEST_POSTGRES_URL` names, and `scripts/test` starts one; without it a test fails, since a run without half of
//! the tests would seem to pass.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// One of the two databases that the register runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A database that no other test uses; dropping it removes it.
#[derive(Debug)]
pub struct TestDatabase {
    /// The value for `database.url`.
    pub url: String,
    _storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Folder { _folder: TempDir },
    OnServer { _database: ServerDatabase },
}

impl TestDatabase {
    /// Another empty one of the same kind.
    pub async fn another(&self) -> Self {
        let backend = if self.url.starts_with("sqlite:") { Backend::Sqlite } else { Backend::Postgres };
        Self::empty(backend).await
    }

    /// An empty database.
    pub async fn empty(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => Self::in_folder(),
            Backend::Postgres => Self::on_server(ServerDatabase::create(None).await),
        }
    }

    /// A database with its tables, which `migrate` creates in the database of the given URL. On PostgreSQL it does so once for
    /// all tests, in a template that the others are copied from; it must have closed its connections when it is done.
    pub async fn migrated(backend: Backend, migrate: impl AsyncFnOnce(&str)) -> Self {
        // The template lives as long as the server of `scripts/test`; statics are not dropped.
        static TEMPLATE: OnceCell<ServerDatabase> = OnceCell::const_new();
        match backend {
            Backend::Sqlite => {
                let database = Self::in_folder();
                migrate(&database.url).await;
                database
            }
            Backend::Postgres => {
                let template = TEMPLATE.get_or_init(async || {
                    let template = ServerDatabase::create(None).await;
                    migrate(&template.url()).await;
                    template
                });
                Self::on_server(ServerDatabase::create(Some(template.await)).await)
            }
        }
    }

    fn in_folder() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("kurskoll.db").display());
        Self { url, _storage: Storage::Folder { _folder: folder } }
    }

    fn on_server(database: ServerDatabase) -> Self {
        Self { url: database.url(), _storage: Storage::OnServer { _database: database } }
    }
}

/// A database on the tests' server; dropped there when it is dropped here.
#[derive(Debug)]
struct ServerDatabase {
    server_url: String,
    name: String,
}

impl ServerDatabase {
    async fn create(template: Option<&Self>) -> Self {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let server_url = std::env::var("KURSKOLL_TEST_POSTGRES_URL").expect(
            "KURSKOLL_TEST_POSTGRES_URL is not set: run the tests with scripts/test, which brings up a PostgreSQL",
        );
        let name = format!("kurskoll_test_{}_{}", std::process::id(), CREATED.fetch_add(1, Ordering::Relaxed));
        let template = template.map_or("template0", |template| template.name.as_str());
        // An earlier process with the same id may have been killed before it could clean up.
        let dropped = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let created = format!("CREATE DATABASE {name} TEMPLATE {template}");
        run_on_server(&server_url, &[&dropped, &created]).await.expect("the server of the tests makes databases");
        Self { server_url, name }
    }

    /// The server's URL with this database in it.
    fn url(&self) -> String {
        let (address, parameters) = self.server_url.split_once('?').unwrap_or((&self.server_url, ""));
        let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
        let server = rest.split('/').next().unwrap_or(rest);
        let mark = if parameters.is_empty() { "" } else { "?" };
        format!("{scheme}://{server}/{}{mark}{parameters}", self.name)
    }
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        // The test's own runtime may be ending: a thread and a runtime of its own do the work.
        let dropping = std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime
                    .map_err(|error| DbErr::Custom(error.to_string()))?
                    .block_on(run_on_server(&self.server_url, &[&drop]))
            });
            work.join()
        });
        if !matches!(dropping, Ok(Ok(()))) {
            eprintln!("the database {} of a test stays behind: {dropping:?}", self.name);
        }
    }
}

/// Runs statements, each by itself: PostgreSQL creates and drops databases outside of transactions only.
pub async fn run_on_server(server_url: &str, statements: &[&str]) -> Result<(), DbErr> {
    let mut options = ConnectOptions::new(server_url);
    options.max_connections(1).sqlx_logging(false);
    let server: DatabaseConnection = Database::connect(options).await?;
    for statement in statements {
        server.execute_unprepared(statement).await?;
    }
    server.close().await
}

/// Makes two tests of one body, `name::sqlite` and `name::postgres`, each with an empty database of its own.
macro_rules! both_databases {
    ($($(#[$attribute:meta])* async fn $name:ident($database:ident: TestDatabase) $body:block)+) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn body($database: TestDatabase) $body

            #[rocket::async_test]
            async fn sqlite() {
                body(TestDatabase::empty($crate::support::postgres::Backend::Sqlite).await).await;
            }

            #[rocket::async_test]
            async fn postgres() {
                body(TestDatabase::empty($crate::support::postgres::Backend::Postgres).await).await;
            }
        }
    )+};
}

pub(crate) use both_databases;
