//! The tables: created, dropped and created again on both databases, and as the store's entities expect them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kurskoll_migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

use crate::support::postgres::{TestDatabase, both_databases};

/// A column: its type, by a name that both databases share, and whether it may be empty.
type Column = (&'static str, bool);

/// By table, then by column.
type Tables = BTreeMap<String, BTreeMap<String, Column>>;

async fn rows(connection: &DatabaseConnection, sql: &str) -> Vec<Vec<String>> {
    let question = Statement::from_string(connection.get_database_backend(), sql);
    let found = connection.query_all_raw(question).await.expect("the catalogue answers");
    let texts = |row: &sea_orm::QueryResult| {
        let names = row.column_names();
        names.iter().map(|name| row.try_get::<Option<String>>("", name).expect("text").unwrap_or_default()).collect()
    };
    found.iter().map(texts).collect()
}

/// Everything that the migrations created, as the database describes it, without their own table.
async fn described(connection: &DatabaseConnection) -> BTreeSet<Vec<String>> {
    let own = "seaql_migrations%";
    let catalogues = match connection.get_database_backend() {
        DbBackend::Postgres => vec![
            format!(
                "SELECT table_name::text, column_name::text, data_type::text, is_nullable::text, column_default::text
                 FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '{own}'"
            ),
            format!("SELECT indexdef::text FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '{own}'"),
            format!(
                "SELECT conrelid::regclass::text, pg_get_constraintdef(oid)::text FROM pg_constraint
                 WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE '{own}'"
            ),
        ],
        _ => vec![format!(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name NOT LIKE '{own}' AND name NOT LIKE 'sqlite_%'"
        )],
    };
    let mut all = BTreeSet::new();
    for catalogue in catalogues {
        all.extend(rows(connection, &catalogue).await);
    }
    all
}

/// The tables with their columns.
async fn tables(connection: &DatabaseConnection) -> Tables {
    let columns = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT table_name::text, column_name::text, data_type::text, is_nullable::text
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
        _ => {
            "SELECT m.name, c.name AS column_name, c.type, CASE WHEN c.\"notnull\" OR c.pk THEN 'NO' ELSE 'YES' END AS empty
             FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        }
    };
    let mut tables = Tables::new();
    for row in rows(connection, columns).await {
        let [table, column, kind, may_be_empty] = row.as_slice() else { panic!("four columns: {row:?}") };
        if table.starts_with("seaql_") || table.starts_with("sqlite_") {
            continue;
        }
        let kind = match kind.to_ascii_lowercase().as_str() {
            "bigint" => "i64",
            // SQLite's row ids are 8-byte integers under another name.
            "integer" if column == "id" => "i64",
            "integer" => "i32",
            "text" => "String",
            "boolean" => "bool",
            "date" => "Date",
            "blob" | "bytea" => "Vec<u8>",
            other => panic!("{table}.{column} is of the unknown type {other}"),
        };
        tables.entry(table.clone()).or_default().insert(column.clone(), (kind, may_be_empty == "YES"));
    }
    tables
}

/// The tables of the store's entities, read from their source: they never leave the store.
fn entities() -> Tables {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/entities");
    let mut entities = Tables::new();
    for entry in std::fs::read_dir(folder).expect("the entities") {
        let text = std::fs::read_to_string(entry.expect("a file").path()).expect("UTF-8");
        let Some((_, rest)) = text.split_once("table_name = \"") else { continue };
        let (table, rest) = rest.split_once('"').expect("a table's name");
        let (_, rest) = rest.split_once("pub struct Model {").expect("a model");
        let (fields, _) = rest.split_once("\n}").expect("its end");
        let columns = fields.lines().filter_map(|line| line.trim().strip_prefix("pub ")).map(|field| {
            let (name, kind) = field.trim_end_matches(',').split_once(": ").expect("a name and a type");
            let (kind, may_be_empty) = match kind.strip_prefix("Option<").and_then(|kind| kind.strip_suffix('>')) {
                Some(kind) => (kind, true),
                None => (kind, false),
            };
            let known = ["i64", "i32", "String", "bool", "Date", "Vec<u8>"];
            let kind = known.into_iter().find(|word| *word == kind).unwrap_or_else(|| panic!("{table}.{name}: {kind}"));
            (name.trim_start_matches("r#").to_owned(), (kind, may_be_empty))
        });
        entities.insert(table.to_owned(), columns.collect());
    }
    assert!(entities.len() > 15, "the entities were not found");
    entities
}

/// Tables that only statements read and write: the clock's one row, the chain of digests, and the bulk data of the xAPI
/// endpoints.
const BY_HAND: [&str; 12] = [
    "chain_link",
    "chain_leaf",
    "alteration",
    "xapi_document",
    "activity_definition",
    "transaction_clock",
    "statement",
    "statement_attachment",
    "statement_term",
    "statement_without_result",
    "statement_index",
    "pending_result",
];

both_databases! {
    async fn the_tables_are_created_dropped_and_created_again(database: TestDatabase) {
        let connection = Database::connect(&database.url).await.expect("the database is there");
        Migrator::up(&connection, None).await.expect("up");
        let first = described(&connection).await;
        assert!(first.len() > 40, "{first:?}");
        Migrator::up(&connection, None).await.expect("up once more does nothing");
        assert_eq!(described(&connection).await, first);
        Migrator::down(&connection, None).await.expect("down");
        assert_eq!(described(&connection).await, BTreeSet::new(), "what is left behind");
        assert_eq!(Migrator::get_pending_migrations(&connection).await.expect("an answer").len(), Migrator::migrations().len());
        Migrator::up(&connection, None).await.expect("up again");
        assert_eq!(described(&connection).await, first);
    }

    async fn the_entities_match_the_tables(database: TestDatabase) {
        let connection = Database::connect(&database.url).await.expect("the database is there");
        Migrator::up(&connection, None).await.expect("up");
        let mut tables = tables(&connection).await;
        for table in BY_HAND {
            assert!(tables.remove(table).is_some(), "{table}");
        }
        assert_eq!(entities(), tables);
        for (table, columns) in entities() {
            let names: Vec<&str> = columns.keys().map(String::as_str).collect();
            let question = format!("SELECT {} FROM {table}", names.join(", "));
            let question = Statement::from_string(connection.get_database_backend(), question);
            let found = connection.query_all_raw(question).await;
            assert_eq!(found.expect("the table answers").len(), 0, "{table} is empty");
        }
    }
}
