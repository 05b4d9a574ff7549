//! The contract of a row: its fields are its columns, in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kurskoll_migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, FromQueryResult};
use serde::{Deserialize, Serialize};

use super::insertion::{Insertion, insert, insert_in_chunks, insert_several};
use super::question::{Question, ask, find, read};
use super::{Bytes, Kind, Part, Row, TableRow, parameter, row, selected};
use crate::store::sql::statement;

async fn database(folder: &tempfile::TempDir) -> DatabaseConnection {
    let file = folder.path().join("rows.db");
    Database::connect(format!("sqlite:{}?mode=rwc", file.display())).await.expect("a database")
}

row! {
    #[derive(Debug, Serialize)]
    struct Before<'a> in thing {
        id: i64,
        name: &'a str,
        is_old: bool,
    }
}

row! {
    #[derive(Debug, Serialize)]
    struct After<'a> in thing {
        id: i64,
        print: Bytes<&'a [u8]>,
        name: &'a str,
        size: Option<u32>,
        is_old: bool,
        body: Part<'a>,
    }
    beside {
        seen: bool,
    }
}

row! {
    #[derive(Debug, PartialEq, Eq, Deserialize, FromQueryResult)]
    struct Found {
        body: Bytes,
        is_old: bool,
        size: Option<i64>,
        print: Bytes,
        title: String = "t.name",
        id: i64,
    }
}

#[test]
fn columns_are_the_fields_and_their_types() {
    let of = |columns: &[super::Column]| columns.iter().map(|column| (column.name, column.kind)).collect::<Vec<_>>();
    assert_eq!(of(Before::COLUMNS), [("id", Kind::Integer), ("name", Kind::Text), ("is_old", Kind::Boolean)]);
    assert_eq!(
        of(After::COLUMNS),
        [
            ("id", Kind::Integer),
            ("print", Kind::Bytes),
            ("name", Kind::Text),
            ("size", Kind::Integer),
            ("is_old", Kind::Boolean),
            ("body", Kind::Part),
        ]
    );
    assert_eq!(After::TABLE, "thing");
    let columns = "t.body AS body, t.is_old AS is_old, t.size AS size, t.print AS print, t.name AS title, t.id AS id";
    assert_eq!(selected::<Found>("t"), columns);
}

#[tokio::test]
async fn a_field_in_the_middle_shifts_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = database(&folder).await;
    let sql = "CREATE TABLE thing (size INTEGER, is_old BOOLEAN, name TEXT, body BLOB DEFAULT x'', print BLOB DEFAULT x'', id INTEGER)";
    connection.execute_raw(statement(&connection, sql, [])).await.expect("a table");
    insert(&connection, &[Before { id: 1, name: "one", is_old: true }]).await.expect("inserted");
    let mut after = [
        After {
            id: 2,
            print: Bytes(&[255, 0]),
            name: "two",
            size: Some(7),
            is_old: false,
            body: Part::new(b""),
            seen: true,
        },
        After { id: 3, print: Bytes(&[]), name: "three", size: None, is_old: true, body: Part::new(b"3"), seen: true },
    ];
    assert!(after.iter().all(|row| row.seen));
    let mut bodies = Vec::new();
    for row in &mut after {
        row.body.append_to(&mut bodies);
    }
    let inserted = Insertion::of(&after).expect("rows").with_parts(bodies);
    insert_several(&connection, vec![inserted]).await.expect("inserted");

    let found = |id, title: &str, size, is_old, print: &[u8], body: &[u8]| Found {
        body: Bytes(body.to_vec()),
        is_old,
        size,
        print: Bytes(print.to_vec()),
        title: title.to_owned(),
        id,
    };
    let expected = [
        found(1, "one", None, true, b"", b""),
        found(2, "two", Some(7), false, &[255, 0], b""),
        found(3, "three", None, true, b"", b"3"),
    ];
    let sql = format!("SELECT {} FROM thing t ORDER BY t.id", selected::<Found>("t"));
    let rows: Vec<Found> = find(&connection, &sql, []).await.expect("rows");
    assert_eq!(rows, expected);

    let keys = [Before { id: 0, name: "one", is_old: true }, Before { id: 0, name: "three", is_old: true }];
    let sql = format!("SELECT {} FROM {{w}} JOIN thing t ON t.name = w.name ORDER BY t.id", selected::<Found>("t"));
    let question = Question::new::<Found, _>(&keys, format!("SELECT * FROM ({sql}) AS s")).expect("a question");
    let rows = ask(&connection, vec![question]).await.expect("rows");
    let rows: Vec<Found> = rows.iter().map(|(_, row)| read(row).expect("a row")).collect();
    assert_eq!(rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(), ["one", "three"]);
    assert_eq!(rows[1], expected[2]);
}

#[tokio::test]
async fn rows_by_placeholders_are_those_by_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = database(&folder).await;
    let sql = "CREATE TABLE thing (id INTEGER, body BLOB, print BLOB, name TEXT, size INTEGER, is_old BOOLEAN)";
    connection.execute_raw(statement(&connection, sql, [])).await.expect("a table");
    let rows: Vec<After<'_>> = (0..1170)
        .map(|id| After {
            id,
            print: Bytes(&[1, 2]),
            name: "a name",
            size: u32::try_from(id).ok().filter(|id| id % 2 == 0),
            is_old: id % 3 == 0,
            body: Part::new(b"a body"),
            seen: false,
        })
        .collect();
    let chunks = std::sync::Mutex::new(Vec::new());
    insert_in_chunks(&connection, &rows, &|length| chunks.lock().expect("chunks").push(length))
        .await
        .expect("inserted");
    assert_eq!(chunks.into_inner().expect("chunks"), [1024, 128, 16, 1, 1]);
    let sql = format!("SELECT {} FROM thing t ORDER BY t.id", selected::<Found>("t"));
    let found: Vec<Found> = find(&connection, &sql, []).await.expect("rows");
    assert_eq!(found.len(), 1170);
    for (row, found) in rows.iter().zip(found) {
        let expected = (row.id, row.name, row.size.map(i64::from), row.is_old, &[1, 2][..], &b"a body"[..]);
        let found_is =
            (found.id, found.title.as_str(), found.size, found.is_old, &found.print.0[..], &found.body.0[..]);
        assert_eq!(found_is, expected);
    }
}

#[test]
fn a_parameter_holds_no_field_that_is_beside() {
    let rows = [After {
        id: 2,
        print: Bytes(&[255]),
        name: "two",
        size: None,
        is_old: false,
        body: Part::new(b"22"),
        seen: true,
    }];
    let sea_orm::Value::String(Some(json)) = parameter(&rows).expect("rows") else { panic!("no text") };
    let expected = r#"[{"id":2,"print":"ff","name":"two","size":null,"is_old":false,"body":{"at":0,"length":2}}]"#;
    assert_eq!(json, expected);
}

/// The rows of one table that the source defines: the place, the table, and the columns that are read from it.
fn rows_in_the_source() -> Vec<(String, String, BTreeSet<String>)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                for definition in text.split("row! {\n").skip(1) {
                    found.extend(row_of_a_table(definition));
                }
            }
        }
    }
    found
}

/// The first `struct NAME in TABLE { … }` of a text, if there is one.
fn row_of_a_table(definition: &str) -> Option<(String, String, BTreeSet<String>)> {
    let (head, fields) = definition.split_once("struct ")?.1.split_once(" {\n")?;
    let (name, table) = head.split_once(" in ")?;
    let (fields, _) = fields.split_once('}')?;
    let columns = fields.lines().map(|line| line.trim().trim_start_matches("pub "));
    let columns = columns.filter(|line| !line.starts_with("//") && !line.contains(" = "));
    let columns = columns.filter_map(|line| Some(line.split_once(": ")?.0.to_owned()));
    Some((name.to_owned(), table.to_owned(), columns.collect()))
}

#[tokio::test]
async fn every_rows_columns_are_in_its_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = database(&folder).await;
    Migrator::up(&connection, None).await.expect("the tables");
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rows = rows_in_the_source();
    assert!(rows.len() > 20, "only {} rows were found", rows.len());
    for (name, table, columns) in rows {
        if !tables.contains_key(&table) {
            let sql = "SELECT name FROM pragma_table_info($1)";
            let known = connection.query_all_raw(statement(&connection, sql, [table.as_str().into()])).await;
            let known = known.expect("columns").iter().map(|row| row.try_get("", "name").expect("a name")).collect();
            tables.insert(table.clone(), known);
        }
        assert!(columns.len() > usize::from(table != "stale"), "{name} has no columns");
        let missing: Vec<&String> = columns.difference(&tables[&table]).collect();
        assert!(missing.is_empty(), "{name} has columns that {table} has not: {missing:?}");
    }
}
