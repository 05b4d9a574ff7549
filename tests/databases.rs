//! Each test gets a database of its own, on both databases.

use sea_orm::{ConnectionTrait, Database, Statement};

use crate::support::postgres::{Backend, TestDatabase, both_databases};

both_databases! {
    async fn a_fresh_database_answers(database: TestDatabase) {
        let connection = Database::connect(&database.url).await.expect("the database is there");
        let question = Statement::from_string(connection.get_database_backend(), "SELECT 1 AS one");
        let row = connection.query_one_raw(question).await.expect("it answers").expect("with a row");
        assert_eq!(row.try_get::<i32>("", "one").expect("a number"), 1);
    }
}

#[rocket::async_test]
async fn each_test_has_tables_of_its_own() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let migrate = async |url: &str| {
            let connection = Database::connect(url).await.expect("the database is there");
            connection.execute_unprepared("CREATE TABLE things (name text NOT NULL)").await.expect("a table");
            connection.close().await.expect("closed, so that it can be copied");
        };
        for _ in 0..2 {
            let database = TestDatabase::migrated(backend, migrate).await;
            let connection = Database::connect(&database.url).await.expect("the database is there");
            let inserted = connection.execute_unprepared("INSERT INTO things VALUES ('one')").await.expect("a row");
            assert_eq!(inserted.rows_affected(), 1);
            let question = Statement::from_string(connection.get_database_backend(), "SELECT name FROM things");
            assert_eq!(connection.query_all_raw(question).await.expect("it answers").len(), 1);
        }
    }
}
