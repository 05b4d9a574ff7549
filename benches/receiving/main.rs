//! How many events a second become durable through the webhook endpoint, compared with the same rows by raw SQL.
//!
//! ```text
//! cargo bench --bench receiving
//! cargo bench --bench receiving -- --database sqlite --clients 64 --events 40000 --rounds 5
//! ```
//!
//! The service is `kurskoll serve` as an operator runs it: signatures, parsing, linking, its log, and the refresh of
//! compliance states that follows. Both sides sync each commit, and are measured in turn on copies of one database.

mod raw;
mod requests;
#[path = "../support/senders.rs"]
mod senders;
#[path = "../support/mod.rs"]
mod support;

use clap::Parser;
use kurskoll::demo_city::{DemoCity, DemoDelivery, Expect};
use kurskoll::intake::webhook::signature::WebhookSecret;

use raw::Manner;
use senders::Sent;
use support::Failure;
use support::databases::{Database, Databases, Engine};
use support::service::Service;
use support::{city, register, table};

#[derive(Debug, Parser)]
struct Arguments {
    /// On which databases
    #[arg(long = "database", value_enum, default_values_t = [Engine::Sqlite, Engine::Postgres])]
    databases: Vec<Engine>,
    /// How many clients send at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64])]
    clients: Vec<usize>,
    /// How many events are measured at the most; fewer if few clients send
    #[arg(long, default_value_t = 24_000)]
    events: usize,
    /// How many rounds are measured; the best counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many people the city employs
    #[arg(long, default_value_t = 12_000)]
    people: usize,
    /// What `cargo bench` passes
    #[arg(long, hide = true)]
    bench: bool,
}

/// One client sends few events a second: a tenth of them takes long enough.
fn events_for(arguments: &Arguments, clients: usize) -> usize {
    match clients {
        ..4 => arguments.events / 6,
        4..32 => arguments.events / 2,
        _ => arguments.events,
    }
}

/// The best of the rounds.
#[derive(Debug, Default)]
struct Best {
    service: Option<Sent>,
    transaction: f64,
    one_statement: Option<f64>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let databases = Databases::open(&arguments.databases).await?;
    let sync = databases.cost_of_a_sync()?;
    let people = DemoCity::found(1, arguments.people, kurskoll_today());
    let deliveries: Vec<DemoDelivery> =
        people.deliveries().into_iter().filter(|delivery| delivery.expectation == Expect::Accepted).collect();
    let bytes: usize = deliveries.iter().map(|delivery| delivery.body.len()).sum();
    println!(
        "{} people, {} deliveries of {} bytes on average; a synced write of 4 KiB takes {} µs; best of {} rounds\n",
        arguments.people,
        deliveries.len(),
        bytes / deliveries.len().max(1),
        sync.as_micros(),
        arguments.rounds,
    );
    let mut rows = Vec::new();
    for engine in &arguments.databases {
        let original = databases.make(*engine, "city", None).await?;
        let app = register::open(&original).await?;
        let (founded, secret) = city::found(&app, &people, &people.requirements_toml()).await?;
        app.store.close().await?;
        eprintln!(
            "{}: the city moved in in {:.1} s, its standings were settled in {:.1} s",
            engine.name(),
            founded.importing.as_secs_f64(),
            founded.refreshing.as_secs_f64()
        );
        for clients in &arguments.clients {
            let mut best = Best::default();
            for _ in 0..arguments.rounds {
                let bench = Bench { databases: &databases, original: &original, secret: &secret };
                bench.round(&deliveries, events_for(&arguments, *clients), *clients, &mut best).await?;
            }
            rows.push(row_of(*engine, *clients, &best));
        }
        databases.remove(original).await?;
    }
    table::print(
        &[
            "database, clients",
            "service, events/s",
            "median, ms",
            "p99, ms",
            "raw transactions/s",
            "ratio",
            "raw single statements/s",
            "ratio",
        ],
        rows,
    );
    Ok(())
}

fn kurskoll_today() -> chrono::NaiveDate {
    let now = kurskoll::app::system_clock();
    kurskoll::domain::calendar::CityCalendar::new(chrono_tz::Europe::Stockholm).day_of(now())
}

struct Bench<'a> {
    databases: &'a Databases,
    original: &'a Database,
    secret: &'a WebhookSecret,
}

impl Bench<'_> {
    async fn round(
        &self,
        deliveries: &[DemoDelivery],
        events: usize,
        clients: usize,
        best: &mut Best,
    ) -> Result<(), Failure> {
        let engine = self.original.engine;
        let warm_up = events / 10;
        let kept = self.databases.make(engine, "kept", Some(self.original)).await?;
        let service = Service::start(&kept, self.databases.folder()).await?;
        let now = kurskoll::app::system_clock()().timestamp();
        let requests = deliveries.iter().take(events + warm_up);
        let requests: Vec<Vec<u8>> =
            requests.map(|delivery| requests::request(&service.address, self.secret, now, delivery)).collect();
        let sent = senders::send(&service.address, requests, warm_up, clients)?;
        drop(service);
        let rows = raw::read(&kept).await?;
        if rows.len() < events {
            return Err(format!("{} events are kept of the {events} that were sent", rows.len()).into());
        }
        self.databases.remove(kept).await?;
        if best.service.as_ref().is_none_or(|best| sent.per_second > best.per_second) {
            best.service = Some(sent);
        }
        let transaction = self.write(rows.clone(), clients, Manner::Transaction).await?;
        best.transaction = best.transaction.max(transaction);
        if engine == Engine::Postgres {
            let one_statement = self.write(rows, clients, Manner::OneStatement).await?;
            best.one_statement = Some(best.one_statement.unwrap_or_default().max(one_statement));
        }
        Ok(())
    }

    async fn write(&self, rows: Vec<raw::Kept>, clients: usize, manner: Manner) -> Result<f64, Failure> {
        let database = self.databases.make(self.original.engine, "raw", Some(self.original)).await?;
        let per_second = raw::write(&database, rows, clients, manner).await?;
        self.databases.remove(database).await?;
        Ok(per_second)
    }
}

fn row_of(engine: Engine, clients: usize, best: &Best) -> Vec<String> {
    let Some(service) = &best.service else { return Vec::new() };
    let milliseconds = |duration: std::time::Duration| format!("{:.2}", duration.as_secs_f64() * 1000.0);
    let (single, to_single) = best.one_statement.map_or_else(
        || ("–".to_owned(), "–".to_owned()),
        |single| (format!("{single:.0}"), table::ratio(service.per_second, single)),
    );
    vec![
        format!("{}, {clients}", engine.name()),
        format!("{:.0}", service.per_second),
        milliseconds(service.median),
        milliseconds(service.p99),
        format!("{:.0}", best.transaction),
        table::ratio(service.per_second, best.transaction),
        single,
        to_single,
    ]
}
