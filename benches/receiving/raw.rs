//! The same rows by raw SQL: what the service stored, read back and written again, one commit for each event.
//!
//! Only the facts are written: the delivery, its event, and the learner with the first of its events. The service's
//! other work (finding duplicates and owners, its clock, its queue of work) is not done here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, SqliteConnection};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::support::Failure;
use crate::support::databases::{Database, Engine};

const DELIVERY: &str = "INSERT INTO delivery (id, platform_id, delivery_key, content_type, headers, body, outcome, \
    problem, problem_pointer, received_at, released_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const LEARNER: &str = "INSERT INTO learner (id, platform_id, fingerprint, employee_number, email, username, \
    account_home_page, account_name, recorded_at, depends_on_day, employee_id, link_key, unlinked) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const EVENT: &str = "INSERT INTO event (id, delivery_id, platform_id, learner_id, event_id, kind, course_id, quiz_id, \
    attempt, occurred_at, score_points, score_of, passed, revokes_event_id, reason, repeats, recorded_at, employee_id, \
    unlinked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";

#[derive(Debug, Clone)]
struct Delivery {
    id: i64,
    platform: i64,
    key: String,
    content_type: String,
    headers: String,
    body: Vec<u8>,
    outcome: String,
    problem: Option<String>,
    pointer: Option<String>,
    received_at: i64,
    released_at: Option<i64>,
}

#[derive(Debug, Clone)]
struct Learner {
    id: i64,
    platform: i64,
    fingerprint: Vec<u8>,
    number: Option<String>,
    email: Option<String>,
    username: Option<String>,
    home_page: Option<String>,
    account: Option<String>,
    recorded_at: i64,
    depends_on_day: bool,
    employee: Option<i64>,
    link_key: Option<String>,
    unlinked: Option<String>,
}

#[derive(Debug, Clone)]
struct Event {
    id: i64,
    delivery: i64,
    platform: i64,
    learner: i64,
    event_id: String,
    kind: String,
    course: Option<String>,
    quiz: Option<String>,
    attempt: Option<i32>,
    occurred_at: i64,
    points: Option<String>,
    of: Option<String>,
    passed: Option<bool>,
    revokes: Option<String>,
    reason: Option<String>,
    repeats: bool,
    recorded_at: i64,
    employee: Option<i64>,
    unlinked: Option<String>,
}

/// What one commit writes.
#[derive(Debug, Clone)]
pub struct Kept {
    delivery: Delivery,
    learner: Option<Learner>,
    event: Event,
}

/// `query`, with the values of a row bound in the order of the statements above; the same for every database.
macro_rules! bound {
    ($query:expr, $row:expr, $($field:ident),+) => { $query$(.bind(&$row.$field))+ };
}
macro_rules! with_delivery {
    ($query:expr, $row:expr) => {
        bound!(
            $query,
            $row,
            id,
            platform,
            key,
            content_type,
            headers,
            body,
            outcome,
            problem,
            pointer,
            received_at,
            released_at
        )
    };
}
macro_rules! with_learner {
    ($query:expr, $row:expr) => {
        bound!(
            $query,
            $row,
            id,
            platform,
            fingerprint,
            number,
            email,
            username,
            home_page,
            account,
            recorded_at,
            depends_on_day,
            employee,
            link_key,
            unlinked
        )
    };
}
macro_rules! with_event {
    ($query:expr, $row:expr) => {
        bound!(
            $query,
            $row,
            id,
            delivery,
            platform,
            learner,
            event_id,
            kind,
            course,
            quiz,
            attempt,
            occurred_at,
            points,
            of,
            passed,
            revokes,
            reason,
            repeats,
            recorded_at,
            employee,
            unlinked
        )
    };
}

/// One event in a transaction of its own.
macro_rules! write_in_a_transaction {
    ($connection:expr, $kept:expr) => {{
        let mut transaction = $connection.begin().await?;
        with_delivery!(sqlx::query(DELIVERY), $kept.delivery).execute(&mut *transaction).await?;
        if let Some(learner) = &$kept.learner {
            with_learner!(sqlx::query(LEARNER), learner).execute(&mut *transaction).await?;
        }
        with_event!(sqlx::query(EVENT), $kept.event).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }};
}

/// Reads what is stored on a connection, by event.
macro_rules! read_with {
    ($connection:expr) => {{
        let mut deliveries: HashMap<i64, Delivery> = HashMap::new();
        for row in sqlx::query("SELECT * FROM delivery").fetch_all(&mut $connection).await? {
            let delivery = Delivery {
                id: row.get("id"),
                platform: row.get("platform_id"),
                key: row.get("delivery_key"),
                content_type: row.get("content_type"),
                headers: row.get("headers"),
                body: row.get("body"),
                outcome: row.get("outcome"),
                problem: row.get("problem"),
                pointer: row.get("problem_pointer"),
                received_at: row.get("received_at"),
                released_at: row.get("released_at"),
            };
            deliveries.insert(delivery.id, delivery);
        }
        let mut learners: HashMap<i64, Learner> = HashMap::new();
        for row in sqlx::query("SELECT * FROM learner").fetch_all(&mut $connection).await? {
            let learner = Learner {
                id: row.get("id"),
                platform: row.get("platform_id"),
                fingerprint: row.get("fingerprint"),
                number: row.get("employee_number"),
                email: row.get("email"),
                username: row.get("username"),
                home_page: row.get("account_home_page"),
                account: row.get("account_name"),
                recorded_at: row.get("recorded_at"),
                depends_on_day: row.get("depends_on_day"),
                employee: row.get("employee_id"),
                link_key: row.get("link_key"),
                unlinked: row.get("unlinked"),
            };
            learners.insert(learner.id, learner);
        }
        let mut kept = Vec::new();
        for row in sqlx::query("SELECT * FROM event ORDER BY id").fetch_all(&mut $connection).await? {
            let event = Event {
                id: row.get("id"),
                delivery: row.get("delivery_id"),
                platform: row.get("platform_id"),
                learner: row.get("learner_id"),
                event_id: row.get("event_id"),
                kind: row.get("kind"),
                course: row.get("course_id"),
                quiz: row.get("quiz_id"),
                attempt: row.get("attempt"),
                occurred_at: row.get("occurred_at"),
                points: row.get("score_points"),
                of: row.get("score_of"),
                passed: row.get("passed"),
                revokes: row.get("revokes_event_id"),
                reason: row.get("reason"),
                repeats: row.get("repeats"),
                recorded_at: row.get("recorded_at"),
                employee: row.get("employee_id"),
                unlinked: row.get("unlinked"),
            };
            let delivery = deliveries.remove(&event.delivery).ok_or("an event without its delivery")?;
            kept.push(Kept { delivery, learner: learners.remove(&event.learner), event });
        }
        $connection.close().await?;
        Ok(kept)
    }};
}

/// How the rows of one event reach the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A transaction of as many statements as there are rows.
    Transaction,
    /// One statement for all of them, and one round trip (PostgreSQL).
    OneStatement,
}

/// Reads back what a service stored, in its order.
pub async fn read(database: &Database) -> Result<Vec<Kept>, Failure> {
    match database.engine {
        Engine::Sqlite => {
            let mut connection = sqlite(&database.url).await?;
            read_with!(connection)
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(&database.url).await?;
            read_with!(connection)
        }
    }
}

/// Writes the rows from this many clients at once, one commit for each event; returns the events per second.
pub async fn write(database: &Database, rows: Vec<Kept>, clients: usize, manner: Manner) -> Result<f64, Failure> {
    let count = rows.len();
    let shares = shared_out(rows, clients);
    let mut writing = JoinSet::new();
    let begun = match database.engine {
        Engine::Sqlite => {
            let connection = Arc::new(Mutex::new(sqlite(&database.url).await?));
            let begun = Instant::now();
            for share in shares {
                writing.spawn(write_sqlite(connection.clone(), share));
            }
            begun
        }
        Engine::Postgres => {
            let mut connections = Vec::new();
            for _ in 0..clients {
                connections.push(PgConnection::connect(&database.url).await?);
            }
            let begun = Instant::now();
            for (connection, share) in connections.into_iter().zip(shares) {
                writing.spawn(write_postgres(connection, share, manner));
            }
            begun
        }
    };
    while let Some(written) = writing.join_next().await {
        written??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand events")]
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Deals rows out evenly; those of one learner go to the same client, in their order.
fn shared_out(rows: Vec<Kept>, clients: usize) -> Vec<Vec<Kept>> {
    let mut shares: Vec<Vec<Kept>> = vec![Vec::new(); clients];
    let mut whose: HashMap<i64, usize> = HashMap::new();
    for kept in rows {
        let shortest = shares.iter().enumerate().min_by_key(|(_, share)| share.len()).map_or(0, |(place, _)| place);
        let place = *whose.entry(kept.event.learner).or_insert(shortest);
        if let Some(share) = shares.get_mut(place) {
            share.push(kept);
        }
    }
    shares
}

async fn sqlite(url: &str) -> Result<SqliteConnection, Failure> {
    let options: SqliteConnectOptions = url.parse()?;
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "MEMORY");
    Ok(options.connect().await?)
}

async fn write_sqlite(connection: Arc<Mutex<SqliteConnection>>, rows: Vec<Kept>) -> Result<(), Failure> {
    for kept in &rows {
        let mut connection = connection.lock().await;
        write_in_a_transaction!(connection, kept);
    }
    Ok(())
}

async fn write_postgres(mut connection: PgConnection, rows: Vec<Kept>, manner: Manner) -> Result<(), Failure> {
    let (event_alone, with_learner) = one_statement();
    for kept in &rows {
        match (manner, &kept.learner) {
            (Manner::Transaction, _) => write_in_a_transaction!(connection, kept),
            (Manner::OneStatement, None) => {
                let query = with_delivery!(sqlx::query(AssertSqlSafe(event_alone.as_str())), kept.delivery);
                with_event!(query, kept.event).execute(&mut connection).await?;
            }
            (Manner::OneStatement, Some(learner)) => {
                let query = with_delivery!(sqlx::query(AssertSqlSafe(with_learner.as_str())), kept.delivery);
                let query = with_learner!(query, learner);
                with_event!(query, kept.event).execute(&mut connection).await?;
            }
        }
    }
    connection.close().await?;
    Ok(())
}

/// One statement that inserts a delivery and its event, and one that inserts a learner as well.
fn one_statement() -> (String, String) {
    let moved = |sql: &str, by: usize| {
        let mut parts = sql.split('$');
        let mut moved = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let (number, rest) = part.split_at(digits);
            moved.push_str(&format!("${}{rest}", number.parse::<usize>().unwrap_or_default() + by));
        }
        moved
    };
    let event_alone = format!("WITH kept AS ({DELIVERY}) {}", moved(EVENT, 11));
    let with_learner =
        format!("WITH kept AS ({DELIVERY}), named AS ({}) {}", moved(LEARNER, 11), moved(EVENT, 11 + 13));
    (event_alone, with_learner)
}
