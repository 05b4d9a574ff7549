//! Every statement that the service carries out in any test is planned, once, as in a register without statistics: a scan of a
//! table that grows with people or events fails the test.
//!
//! Without statistics, SQLite plans by its indexes alone, so an empty database gives the plans of a large one too.
//! PostgreSQL plans by the size of its tables: they are filled with made-up rows, and never analysed.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, mpsc};

use kurskoll_migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::Value;

use super::postgres::{Backend, TestDatabase};

/// The tables that grow with people and with what they do. Tables that grow only by an operator's work (platforms, requirements,
/// links, merges, decisions, imports) are not among them.
const GROWING: [&str; 26] = [
    "absence_fact",
    "activity_definition",
    "alteration",
    "audit_entry",
    "chain_leaf",
    "chain_link",
    "delivery",
    "employee",
    "employee_fact",
    "employment_fact",
    "event",
    "exemption_fact",
    "pending_result",
    "identity_claim",
    "learner",
    "scim_member",
    "scim_user",
    "scim_waiting",
    "compliance_state",
    "compliance_state_scope",
    "statement",
    "statement_attachment",
    "statement_term",
    "statement_without_result",
    "superseded_event",
    "xapi_document",
];

/// Statements that read a whole table because their answer covers all of it: a part of their text, and the reason.
const WHOLE: &[(&str, &str)] = &[
    // verify, the chain and the copies
    (" AS kinds, ", "verify reads every row of every table"),
    (" AS k, ", "verify reads every row of every table"),
    ("COUNT(*) AS rows FROM ", "verify counts every table"),
    ("NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id = e.delivery_id)", "verify searches for broken references"),
    ("NOT EXISTS (SELECT 1 FROM learner l WHERE l.id = e.learner_id)", "verify searches for broken references"),
    ("HAVING SUM(CASE WHEN repeats THEN 0 ELSE 1 END) <> 1", "verify searches for what counts twice"),
    ("WHERE e.is_known <> EXISTS", "verify compares every employee"),
    (
        "\"compliance_state\".\"employee_id\" NOT IN (SELECT \"employee\".\"id\"",
        "verify searches for states without an employee",
    ),
    (
        "SELECT employee_id, platform_id, key, value, home_page, recorded_at, superseded_at FROM identity_claim",
        "verify",
    ),
    ("WHERE REPLACE(REPLACE(u.governs", "verify reads what accounts govern"),
    ("SELECT governs FROM scim_user", "verify reads what accounts govern"),
    ("SELECT COUNT(*) AS terms FROM statement_term", "verify counts the terms"),
    // reports of the past derive everyone's state from the facts as they were known
    ("FROM \"learner\" WHERE \"learner\".\"recorded_at\" <= ", "a report of the past reads all learners"),
    ("FROM \"employee\" WHERE \"employee\".\"recorded_at\" <= ", "a report of the past reads everyone"),
    ("FROM \"employee_fact\" WHERE \"employee_fact\".\"recorded_at\" <= ", "a report of the past reads everyone"),
    ("FROM \"employment_fact\" WHERE \"employment_fact\".\"recorded_at\" <= ", "a report of the past reads everyone"),
    ("FROM \"absence_fact\" WHERE \"absence_fact\".\"recorded_at\" <= ", "a report of the past reads everyone"),
    ("FROM \"exemption_fact\" WHERE \"exemption_fact\".\"recorded_at\" <= ", "a report of the past reads everyone"),
    (
        "FROM \"identity_claim\" WHERE \"identity_claim\".\"recorded_at\" <= ",
        "a report of the past reads all identities",
    ),
    ("\".\"revokes_event_id\" IS NOT NULL)", "a report of the past reads what names its items, and all revocations"),
    // statements about everyone
    ("INSERT INTO stale (employee_id) SELECT id FROM employee", "a new version of a requirement concerns everyone"),
    ("FROM \"employee\" WHERE TRUE", "an import of HR's files compares the whole directory"),
    ("\"superseded_at\" IS NULL AND \"identity_claim\".\"source\" = ", "an import compares all identities of HR's"),
    ("SELECT DISTINCT \"employment_fact\".\"unit\"", "a new requirement's units are searched for among all units"),
    (
        "NOT IN (SELECT administration FROM employment_fact",
        "the undo of an import reads which administrations are in use",
    ),
    ("WHERE NOT f.protected AND e.id NOT IN", "a suggestion compares a name with all names"),
    ("FROM employee e LEFT JOIN scim_user u", "SCIM's totalResults counts all users (RFC 7644, section 3.4.2)"),
    (
        "WHERE \"scim_user\".\"waited_as\" IS NOT NULL",
        "SCIM groups name those who waited by their old ids, by an index of these",
    ),
    ("\"scim_user\".\"deleted\" = ", "a SCIM group is shown with all its members"),
    ("\"employment_fact\".\"starts_on\" <= ", "a SCIM group is shown with all its members"),
    ("SELECT unlinked, COUNT(*) AS results FROM event", "the queue of what waits is counted, by its own index"),
    ("FROM (SELECT e.learner_id, COUNT(*) AS results", "the queue of what waits is grouped, by its own index"),
    ("WHERE d.outcome = 'quarantined'", "what waits in quarantine is listed, by its own index"),
    ("WHERE (outcome = 'quarantined'", "what waits in quarantine is listed, by its own index"),
    ("FROM \"employee_fact\" WHERE (protected) AND", "who is protected, or was, is few, and has an index"),
    ("protected AND superseded_at IS NULL", "who is protected is few, and has an index"),
    ("JOIN employee_fact d ON d.employee_id = g.duplicate_employee_id", "who is protected is few, and has an index"),
    ("\"delivery\".\"outcome\" = ", "most deliveries are accepted: a page of them is soon full"),
    // the tests' own queries
    ("SELECT (SELECT COUNT(*) FROM scim_waiting", "a test's own"),
    ("SELECT e.number, f.unit, f.email, f.ends_on FROM employment_fact f", "a test's own"),
    ("SELECT v.event_id AS id, COALESCE(e.number, v.unlinked) AS whose", "a test's own"),
    ("FROM \"event\" WHERE \"event\".\"employee_id\" IS NULL ORDER BY", "the queue of what waits, by its own index"),
];

/// What is known of the statements of one service.
#[derive(Debug)]
pub struct Plans {
    backend: Backend,
    new: Mutex<Vec<String>>,
}

impl Plans {
    pub fn of(database_url: &str) -> Self {
        let backend = if database_url.starts_with("sqlite") { Backend::Sqlite } else { Backend::Postgres };
        Self { backend, new: Mutex::default() }
    }

    /// Notes a statement to plan, unless another test has noted it.
    pub fn note(&self, sql: &str) {
        static SEEN: Mutex<BTreeSet<(bool, String)>> = Mutex::new(BTreeSet::new());
        let is_read_or_changed =
            ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|verb| sql.starts_with(verb));
        let is_sqlite = self.backend == Backend::Sqlite;
        if is_read_or_changed && SEEN.lock().expect("a lock").insert((is_sqlite, sql.to_owned())) {
            self.new.lock().expect("a lock").push(sql.to_owned());
        }
    }

    /// Plans the noted statements, and fails if a plan scans a growing table.
    pub fn check(&self) {
        let new = std::mem::take(&mut *self.new.lock().expect("a lock"));
        let (answer, scans) = mpsc::channel();
        let planner = planner(self.backend);
        planner.send((new, answer)).expect("the planner is there");
        let scans: Vec<String> = scans.recv().expect("the planner answers");
        assert!(scans.is_empty(), "scans of tables that grow:\n{}", scans.join("\n"));
    }
}

type Question = (Vec<String>, mpsc::Sender<Vec<String>>);

/// The planner of a database, in a thread of its own, since tests and their runtimes are short-lived.
fn planner(backend: Backend) -> mpsc::Sender<Question> {
    static SQLITE: OnceLock<Mutex<mpsc::Sender<Question>>> = OnceLock::new();
    static POSTGRES: OnceLock<Mutex<mpsc::Sender<Question>>> = OnceLock::new();
    let planner = if backend == Backend::Sqlite { &SQLITE } else { &POSTGRES };
    let planner = planner.get_or_init(|| {
        let (questions, requested) = mpsc::channel::<Question>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let database = TestDatabase::empty(backend).await;
                let connection = large_without_statistics(backend, &database.url).await;
                while let Ok((statements, answer)) = requested.recv() {
                    let mut scans = Vec::new();
                    for sql in statements {
                        scans.extend(scans_of(backend, &connection, &sql).await);
                    }
                    // The test that waited may have given up.
                    drop(answer.send(scans));
                }
            });
        });
        Mutex::new(questions)
    });
    planner.lock().expect("a lock").clone()
}

async fn large_without_statistics(backend: Backend, url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.expect("the database is there");
    Migrator::up(&connection, None).await.expect("the tables are made");
    if backend == Backend::Postgres {
        let run = async |sql: &str| {
            connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        };
        run(FILL).await;
        // Row access is made expensive: the scans that remain are those that no index can avoid.
        run(
            "SET plan_cache_mode = force_generic_plan; SET jit = off; SET seq_page_cost = 1000; SET cpu_tuple_cost = 1",
        )
        .await;
    }
    connection
}

/// Fills every table of PostgreSQL with made-up rows, most of them distinct in every column, and half of them superseded.
const FILL: &str = "
DO $$
DECLARE filled record; named text; made text;
BEGIN
    SET session_replication_role = replica;
    FOR filled IN SELECT conrelid::regclass AS name, conname FROM pg_constraint
                  WHERE contype = 'c' AND connamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', filled.name, filled.conname);
    END LOOP;
    FOR filled IN SELECT table_name AS name FROM information_schema.tables
                  WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
                      AND table_name NOT IN ('seaql_migrations', 'transaction_clock', 'statement_index') LOOP
        SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position),
               string_agg(CASE
                   WHEN column_name = 'superseded_at' AND is_nullable = 'YES' THEN 'CASE WHEN g % 2 = 0 THEN g END'
                   WHEN column_name = 'kind' THEN 'CASE WHEN g % 2 = 0 THEN ''revocation'' ELSE ''completion'' END'
                   WHEN column_name = 'outcome' THEN 'CASE WHEN g % 2 = 0 THEN ''quarantined'' ELSE ''accepted'' END'
                   WHEN data_type = 'bigint' THEN 'g'
                   WHEN data_type IN ('integer', 'smallint') THEN 'g % 30000'
                   WHEN data_type = 'boolean' THEN 'false'
                   WHEN data_type = 'bytea' THEN 'decode(md5(g::text), ''hex'')'
                   WHEN data_type = 'date' THEN 'date ''2020-01-01'' + (g % 2000)::integer'
                   ELSE '''x'' || g' END, ', ' ORDER BY ordinal_position)
            INTO named, made
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name = filled.name;
        EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = false)', filled.name);
        EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM generate_series(1000001::bigint, 1010000) g ON CONFLICT DO NOTHING',
                       filled.name, named, made);
    END LOOP;
    SET session_replication_role = origin;
END $$";

/// The scans of growing tables in a statement's plan, as sentences.
async fn scans_of(backend: Backend, connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let text = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if WHOLE.iter().any(|(part, _)| text.contains(part)) || is_directory(&text) || is_page(&text) {
        return Vec::new();
    }
    let scanned = match backend {
        Backend::Sqlite => scanned_by_sqlite(connection, sql, &text).await,
        Backend::Postgres => scanned_by_postgres(connection, sql).await,
    };
    scanned.into_iter().map(|what| format!("{backend:?}, {what}: {text:.700}")).collect()
}

/// All current facts of a kind, which an import compares with HR's files.
fn is_directory(text: &str) -> bool {
    let all = ["employee_fact", "employment_fact", "absence_fact", "exemption_fact"];
    // All of a provider's groups are listed with all their members.
    let members = "FROM \"scim_member\" WHERE \"scim_member\".\"superseded_at\" IS NULL";
    text.ends_with("FROM \"employee\"")
        || text.ends_with(members)
        || all
            .iter()
            .any(|table| text.ends_with(&format!("FROM \"{table}\" WHERE \"{table}\".\"superseded_at\" IS NULL")))
}

/// The first or the last few rows, in the order of an index, of any kind.
fn is_page(text: &str) -> bool {
    let is_narrowed = text.contains(" WHERE ") && !text.contains(" WHERE TRUE ") && !text.contains("\".\"id\" < ");
    text.contains(" LIMIT ") && !is_narrowed
}

async fn scanned_by_sqlite(connection: &DatabaseConnection, sql: &str, text: &str) -> Vec<String> {
    let planned = Statement::from_string(connection.get_database_backend(), format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = connection.query_all_raw(planned).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    let steps = rows.into_iter().map(|row| row.try_get::<String>("", "detail").expect("a step"));
    let grows = |step: &String| {
        let Some(name) = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()) else { return false };
        // Tables that the text does not name are read for foreign keys: only if one was broken before.
        let named = |table: &str| {
            let patterns =
                [format!(" {table} {name} "), format!(" {table} AS {name} "), format!("\"{table}\" AS \"{name}\"")];
            let itself = [
                format!("FROM {table} "),
                format!("JOIN {table} "),
                format!("\"{table}\""),
                format!("UPDATE {table} "),
            ];
            let is_in = |part: &String| format!("{text} ").contains(part.as_str());
            patterns.iter().any(is_in) || (table == name && itself.iter().any(is_in))
        };
        GROWING.iter().any(|table| named(table))
    };
    steps.filter(grows).collect()
}

async fn scanned_by_postgres(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let parameters = sql.split('$').skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()
    });
    let nulls = vec!["NULL"; parameters.max().unwrap_or_default()].join(", ");
    // A chunk of a list of everyone: the same with fewer is planned as well.
    if nulls.len() > 30 * "NULL, ".len() {
        return Vec::new();
    }
    let arguments = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
    let run = async |sql: &str| {
        connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    };
    run(&format!("PREPARE planned AS {sql}")).await;
    let planned = format!("EXPLAIN (FORMAT JSON) EXECUTE planned{arguments}");
    let planned = Statement::from_string(connection.get_database_backend(), planned);
    let row = connection.query_one_raw(planned).await.unwrap_or_else(|error| panic!("{sql}: {error}")).expect("a plan");
    let plan: Value = row.try_get("", "QUERY PLAN").expect("a plan as JSON");
    run("DEALLOCATE planned").await;
    let mut scanned = Vec::new();
    walk(&plan[0]["Plan"], false, &mut scanned);
    scanned
}

/// Walks a plan of PostgreSQL. Reading an index in its order up to a limit is not a scan.
fn walk(node: &Value, is_limited: bool, scanned: &mut Vec<String>) {
    let (kind, table) =
        (node["Node Type"].as_str().unwrap_or_default(), node["Relation Name"].as_str().unwrap_or_default());
    let is_narrowed = node.get("Index Cond").is_some() || (is_limited && node.get("Filter").is_none());
    let is_whole = match kind {
        "Seq Scan" => !is_limited || node.get("Filter").is_some(),
        "Index Scan" | "Index Only Scan" => !is_narrowed,
        _ => false,
    };
    if is_whole && GROWING.contains(&table) {
        scanned.push(format!("{kind} of {table} {}", node["Index Name"].as_str().unwrap_or_default()));
    }
    for inner in node["Plans"].as_array().into_iter().flatten() {
        walk(inner, is_limited || kind == "Limit", scanned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scans(backend: Backend, sql: &str) -> bool {
        let (answer, scans) = mpsc::channel();
        planner(backend).send((vec![sql.to_owned()], answer)).expect("the planner is there");
        !scans.recv().expect("the planner answers").is_empty()
    }

    #[test]
    fn a_scan_is_found_on_either_database_and_a_search_is_not_a_scan() {
        for backend in [Backend::Sqlite, Backend::Postgres] {
            assert!(scans(backend, "SELECT e.id FROM event e WHERE e.score_of = 'x'"));
            assert!(scans(backend, "SELECT id FROM learner WHERE recorded_at > 5 ORDER BY id"));
            assert!(!scans(backend, "SELECT e.id FROM event e WHERE e.id = 1"));
            assert!(!scans(backend, "SELECT id FROM platform WHERE time_zone = 'x'"));
        }
    }
}
