//! What a page of statements costs, for each parameter of the query.
//!
//! A thousand statements go through the service. The rows of the others, and of their terms, are copies of these with
//! other people: an index of that many statements looks like this.

use std::time::{Duration, Instant};

use kurskoll::app::xapi::index::digest_of;
use kurskoll::domain::ids::PlatformId;
use kurskoll::intake::xapi::{Identifier, Reach, Term, Version, read_actor};
use kurskoll::store::Connection as _;

use crate::support::databases::{Database, Databases};
use crate::support::service::Service;
use crate::support::{Failure, register, senders, table};
use crate::{Sender, feed};

/// How many statements go through the service.
const SENT: usize = 1_000;

/// How often each query is run.
const TIMES: usize = 30;

/// How many statements are copied at a time.
const COPIED: usize = 100_000;

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub async fn measure(
    databases: &Databases,
    database: &Database,
    sender: &Sender,
    stored: usize,
) -> Result<(), Failure> {
    let service = Service::start(database, databases.folder()).await?;
    let requests = (0..SENT / 50)
        .map(|number| sender.request(&service.address, "POST /xapi/statements", &feed::body(number * 50, 50)));
    senders::send(&service.address, requests.collect(), 0, 1)?;
    // One for all: a new client reads the machine's certificates first.
    let client = reqwest::Client::new();
    // The first query makes the missing part of the index.
    ask(&client, &service, sender, &format!("?verb={}", encoded(feed::COMPLETED))).await?;
    drop(service);
    let begun = Instant::now();
    copy(database, stored).await?;
    eprintln!("{}: {stored} statements stand after {:.0} s", database.engine.name(), begun.elapsed().as_secs_f64());
    let service = Service::start(database, databases.folder()).await?;
    let (verb, agent) = (encoded(feed::COMPLETED), encoded(&feed::person(40).to_string()));
    let activity = encoded(&feed::course(40));
    let registration = feed::statement(40)["context"]["registration"].as_str().unwrap_or_default().to_owned();
    let questions = [
        ("the newest", String::new()),
        ("the oldest", "&ascending=true".to_owned()),
        ("verb", format!("&verb={verb}")),
        ("agent", format!("&agent={agent}")),
        ("activity", format!("&activity={activity}")),
        ("related activity", format!("&activity={activity}&related_activities=true")),
        ("registration", format!("&registration={registration}")),
        ("agent and verb", format!("&agent={agent}&verb={verb}")),
        ("activity and verb, oldest first", format!("&activity={activity}&verb={verb}&ascending=true")),
        ("since", "&since=2026-01-01T00:00:00Z".to_owned()),
    ];
    let mut rows = Vec::new();
    for (what, question) in questions {
        let mut took = Vec::with_capacity(TIMES);
        let mut found = 0;
        for _ in 0..TIMES {
            let begun = Instant::now();
            found = ask(&client, &service, sender, &format!("?limit=20{question}")).await?;
            took.push(begun.elapsed());
        }
        took.sort();
        let milliseconds = |duration: Option<&Duration>| {
            duration.map_or_else(String::new, |duration| format!("{:.2}", duration.as_secs_f64() * 1000.0))
        };
        rows.push(vec![
            what.to_owned(),
            milliseconds(took.get(TIMES / 2)),
            milliseconds(took.last()),
            found.to_string(),
        ]);
    }
    println!("\n{}, {stored} statements: a page of 20", database.engine.name());
    table::print(&["by", "median, ms", "slowest, ms", "statements"], rows);
    Ok(())
}

/// Sends a query, and returns how many statements the answer has.
async fn ask(client: &reqwest::Client, service: &Service, sender: &Sender, query: &str) -> Result<usize, Failure> {
    let answer = client
        .get(format!("http://{}/xapi/statements{query}", service.address))
        .header("authorization", &sender.authorization)
        .header("x-experience-api-version", "1.0.3")
        .send()
        .await?;
    let status = answer.status();
    let body = answer.text().await?;
    if status != 200 {
        return Err(format!("not answered: {status} {body}").into());
    }
    let body: serde_json::Value = serde_json::from_str(&body)?;
    Ok(body["statements"].as_array().map_or(0, Vec::len))
}

/// Copies what is stored until there are this many statements. The agents of each copy are those of other people.
async fn copy(database: &Database, stored: usize) -> Result<(), Failure> {
    let app = register::open(database).await?;
    let connection = app.store.connection(kurskoll::store::Unscoped::Operating);
    let agents: Vec<(i64, i64)> = (0..feed::PEOPLE)
        .map(|number| {
            let json = feed::person(number).to_string();
            let actor = read_actor(&json, Version::V1_0_3)?;
            let identifier: &Identifier<'_> = actor.identifier().ok_or("an agent has an identifier")?;
            let term = Term::agent(identifier);
            let of = |reach| digest_of(PlatformId(1), &term, reach).0;
            Ok((of(Reach::Direct), of(Reach::Related)))
        })
        .collect::<Result<_, Failure>>()?;
    let run = async |sql: String| connection.execute_unprepared(&sql).await;
    run("CREATE TABLE person_term (number BIGINT PRIMARY KEY, direct BIGINT NOT NULL, related BIGINT NOT NULL)".into())
        .await?;
    for (chunk, agents) in agents.chunks(500).enumerate() {
        let rows: Vec<String> = agents
            .iter()
            .enumerate()
            .map(|(place, (direct, related))| format!("({}, {direct}, {related})", chunk * 500 + place))
            .collect();
        run(format!("INSERT INTO person_term VALUES {}", rows.join(", "))).await?;
    }
    run("CREATE TABLE sent AS SELECT s.*, s.id - (SELECT MIN(id) FROM statement) AS place FROM statement s".into())
        .await?;
    run(
        "CREATE TABLE sent_term AS SELECT t.term, t.statement - (SELECT MIN(id) FROM statement) AS place FROM statement_term t
         WHERE t.term NOT IN (SELECT direct FROM person_term) AND t.term NOT IN (SELECT related FROM person_term)"
            .into(),
    )
    .await?;
    run("CREATE INDEX sent_term_place ON sent_term (place)".into()).await?;
    let random =
        if database.url.starts_with("sqlite") { "randomblob(16)" } else { "decode(md5(random()::text), 'hex')" };
    let (mut made, step) = (SENT, 10_000);
    let mut next = 1_000_000_i64;
    while made < stored {
        let copies = (COPIED.min(stored - made)).div_ceil(SENT);
        let copy_numbers = format!(
            "(WITH RECURSIVE c(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM c WHERE number + 1 < {copies}) SELECT number FROM c)"
        );
        run(format!(
            "INSERT INTO statement (id, platform_id, statement_id, delivery_id, body_offset, body_length, digest, stored_at, occurred_at, voids)
             SELECT {next} + c.number * {step} + s.place, s.platform_id, {random}, s.delivery_id, s.body_offset, s.body_length,
                    s.digest, s.stored_at + ({next} + c.number * {step}), s.occurred_at, s.voids
             FROM {copy_numbers} AS c CROSS JOIN sent s"
        ))
        .await?;
        run(format!(
            "INSERT INTO statement_term (term, statement)
             SELECT t.term, {next} + c.number * {step} + t.place FROM {copy_numbers} AS c CROSS JOIN sent_term t"
        ))
        .await?;
        for reach in ["direct", "related"] {
            run(format!(
                "INSERT INTO statement_term (term, statement)
                 SELECT p.{reach}, {next} + c.number * {step} + s.place
                 FROM {copy_numbers} AS c CROSS JOIN sent s
                 JOIN person_term p ON p.number = ({next} + c.number * 7919 + s.place) % {}",
                feed::PEOPLE
            ))
            .await?;
        }
        made += copies * SENT;
        next += i64::try_from(copies * step)?;
    }
    run(format!("UPDATE statement_index SET through = {next}")).await?;
    app.store.close().await?;
    Ok(())
}
