//! How many xAPI statements a second become durable, and what it costs to find them again.
//!
//! ```text
//! cargo bench --bench statements
//! cargo bench --bench statements -- --database sqlite --batches 50 --clients 8
//! cargo bench --bench statements -- --batches "" --stored 10000,1000000
//! ```
//!
//! The service is `kurskoll serve` as an operator runs it. The benchmark waits for each answer, and everything that is
//! answered is synced. For comparison, raw SQL writes the same bytes and the rows of the same statements, one
//! transaction a request.

mod feed;
mod finding;
mod raw;

/// What it uses of the benchmarks' shared code.
#[path = "../support"]
mod support {
    pub mod databases;
    pub mod register;
    pub mod senders;
    pub mod service;
    pub mod table;

    pub type Failure = Box<dyn std::error::Error + Send + Sync>;
}

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use kurskoll::app::Caller;
use kurskoll::app::platforms::add::NewPlatform;
use kurskoll::app::xapi::credentials::XAPI;
use kurskoll::domain::ids::PlatformCode;
use kurskoll::domain::linking::LinkingKey;

use support::databases::{Database, Databases, Engine};
use support::senders::{self, Sent};
use support::service::Service;
use support::{Failure, register, table};

/// What a well-known Python LRS with its file store took on two cores like these, unsynced, in batches of 1, 50 and
/// 500.
const PYTHON_LRS: [(usize, f64); 3] = [(1, 91.0), (50, 1_450.0), (500, 4_100.0)];

#[derive(Debug, Parser)]
struct Arguments {
    /// On which databases
    #[arg(long = "database", value_enum, default_values_t = [Engine::Sqlite, Engine::Postgres])]
    databases: Vec<Engine>,
    /// How many statements a request has
    #[arg(long, value_delimiter = ',', default_value = "1,50,500", value_parser = numbers)]
    batches: Vec<Option<usize>>,
    /// How many clients send at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32])]
    clients: Vec<usize>,
    /// Over how many stored statements queries are measured
    #[arg(long, value_delimiter = ',', default_value = "10000", value_parser = numbers)]
    stored: Vec<Option<usize>>,
    /// How many rounds are measured; the best counts
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// What `cargo bench` passes
    #[arg(long, hide = true)]
    bench: bool,
}

/// A number, or nothing at all, so that a list can be empty.
fn numbers(text: &str) -> Result<Option<usize>, std::num::ParseIntError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// A platform's Authorization header.
pub struct Sender {
    authorization: String,
}

impl Sender {
    fn request(&self, address: &str, first_line: &str, body: &[u8]) -> Vec<u8> {
        let mut request = format!(
            "{first_line} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             x-experience-api-version: 1.0.3\r\nauthorization: {}\r\n\r\n",
            body.len(),
            self.authorization
        )
        .into_bytes();
        request.extend_from_slice(body);
        request
    }
}

/// An empty register with one platform that sends statements.
async fn found(databases: &Databases, engine: Engine) -> Result<(Database, Sender), Failure> {
    let database = databases.make(engine, "statements", None).await?;
    let app = register::open(&database).await?;
    let platform = NewPlatform {
        code: PlatformCode::parse("moodle")?,
        adapter: XAPI.to_owned(),
        linking_keys: LinkingKey::DEFAULT_ORDER.to_vec(),
        time_zone: chrono_tz::Europe::Stockholm,
    };
    let made = app.add_xapi_platform(&Caller::operator(), &platform).await?;
    app.store.close().await?;
    Ok((database, Sender { authorization: format!("Basic {}", STANDARD.encode(made.reveal())) }))
}

/// How many requests are measured: enough to take a second or a few.
fn requests_for(batch: usize, clients: usize) -> usize {
    match (batch, clients) {
        (1, 1) => 3_000,
        (1, _) => 16_000,
        (..100, 1) => 300,
        (..100, _) => 800,
        (_, 1) => 60,
        _ => 120,
    }
}

async fn sent(
    databases: &Databases,
    (original, sender): (&Database, &Sender),
    batch: usize,
    clients: usize,
) -> Result<(Sent, f64), Failure> {
    let requests = requests_for(batch, clients);
    let warm_up = requests / 10;
    let bodies: Vec<Vec<u8>> = (0..requests + warm_up).map(|number| feed::body(number * batch, batch)).collect();
    let kept = databases.make(original.engine, "kept", Some(original)).await?;
    let service = Service::start(&kept, databases.folder()).await?;
    let written = bodies.iter().map(|body| sender.request(&service.address, "POST /xapi/statements", body)).collect();
    let sent = senders::send(&service.address, written, warm_up, clients)?;
    drop(service);
    databases.remove(kept).await?;
    let by_hand = databases.make(original.engine, "raw", Some(original)).await?;
    let raw = raw::write(&by_hand, bodies.into_iter().skip(warm_up).collect(), batch, clients).await?;
    databases.remove(by_hand).await?;
    Ok((sent, raw))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let databases = Databases::open(&arguments.databases).await?;
    let size = feed::body(0, 1_000).len() / 1_000;
    println!(
        "statements of {size} bytes on average; a synced write of 4 KiB takes {} µs; best of {} rounds\n",
        databases.cost_of_a_sync()?.as_micros(),
        arguments.rounds
    );
    let mut rows = Vec::new();
    for engine in &arguments.databases {
        let (original, sender) = found(&databases, *engine).await?;
        for batch in arguments.batches.iter().flatten() {
            for clients in &arguments.clients {
                let mut best: Option<(Sent, f64)> = None;
                for _ in 0..arguments.rounds {
                    let (sent, raw) = sent(&databases, (&original, &sender), *batch, *clients).await?;
                    best = Some(match best {
                        Some((known, known_raw)) if known.per_second > sent.per_second => (known, known_raw.max(raw)),
                        Some((_, known_raw)) => (sent, known_raw.max(raw)),
                        None => (sent, raw),
                    });
                }
                rows.extend(best.map(|(sent, raw)| row(*engine, *batch, *clients, &sent, raw)));
            }
        }
        databases.remove(original).await?;
    }
    if !rows.is_empty() {
        table::print(
            &[
                "database, batch, clients",
                "statements/s",
                "median, ms",
                "p99, ms",
                "raw SQL/s",
                "ratio",
                "of the Python LRS",
            ],
            rows,
        );
    }
    for engine in &arguments.databases {
        for stored in arguments.stored.iter().flatten() {
            let (database, sender) = found(&databases, *engine).await?;
            finding::measure(&databases, &database, &sender, *stored).await?;
            databases.remove(database).await?;
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand statements")]
fn row(engine: Engine, batch: usize, clients: usize, sent: &Sent, raw: f64) -> Vec<String> {
    let per_second = sent.per_second * batch as f64;
    let python = PYTHON_LRS.iter().find(|(known, _)| *known == batch);
    let milliseconds = |duration: std::time::Duration| format!("{:.2}", duration.as_secs_f64() * 1000.0);
    vec![
        format!("{}, {batch}, {clients}", engine.name()),
        format!("{per_second:.0}"),
        milliseconds(sent.median),
        milliseconds(sent.p99),
        format!("{raw:.0}"),
        table::ratio(per_second, raw),
        python.map_or_else(String::new, |(_, python)| table::ratio(per_second, *python)),
    ]
}
