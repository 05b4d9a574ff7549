//! How long the city's figures and files take compared with hand-written SQL for the same, and how fast a city is
//! imported.
//!
//! ```text
//! cargo bench --bench figures
//! cargo bench --bench figures -- --people 26000 --requirements 1 --database sqlite
//! ```
//!
//! The service answers over HTTP, as `kurskoll serve` does: it checks a token, audits and syncs the read, and writes
//! the answer as JSON or CSV. The SQL runs on one open connection and does nothing else.

mod raw;
mod service_asked;
#[path = "../support/mod.rs"]
mod support;
mod training;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Parser;
use kurskoll::app::operating::sign_tokens::TokenRequest;
use kurskoll::app::{App, Caller};
use kurskoll::config::Settings;
use kurskoll::demo_city::DemoCity;
use kurskoll::domain::access::Role;

use raw::Raw;
use service_asked::{Asking, memory_from_now, peak_memory, verify};
use support::databases::{Database, Databases, Engine};
use support::register;
use support::service::Service;
use support::{Failure, city, table};

#[derive(Debug, Parser)]
struct Arguments {
    /// On which databases
    #[arg(long = "database", value_enum, value_delimiter = ',', default_values_t = [Engine::Sqlite, Engine::Postgres])]
    databases: Vec<Engine>,
    /// How many people the city employs; several sizes are measured in turn
    #[arg(long, value_delimiter = ',', default_values_t = [26_000, 300_000])]
    people: Vec<usize>,
    /// How many requirements apply to everyone
    #[arg(long, value_delimiter = ',', default_values_t = [1, 5])]
    requirements: Vec<usize>,
    /// How often each figure is measured; the fastest counts
    #[arg(long, default_value_t = 5)]
    times: usize,
    /// What `cargo bench` passes
    #[arg(long, hide = true)]
    bench: bool,
}

const REQUIREMENT: &str = "infosec-onboarding";

/// What is measured of one city on one database.
#[derive(Debug, Default)]
struct Rows {
    moving_in: Vec<Vec<String>>,
    asking: Vec<Vec<String>>,
    memory: Vec<Vec<String>>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let databases = Databases::open(&arguments.databases).await?;
    println!(
        "a synced write of 4 KiB takes {} µs; the fastest of {} times\n",
        databases.cost_of_a_sync()?.as_micros(),
        arguments.times
    );
    let mut rows = Rows::default();
    for people in &arguments.people {
        for requirements in &arguments.requirements {
            for engine in &arguments.databases {
                let measure = Measure {
                    databases: &databases,
                    people: *people,
                    requirements: *requirements,
                    times: arguments.times,
                };
                let database = databases.make(*engine, "figures", None).await?;
                measure.city(&database, &mut rows).await?;
                databases.remove(database).await?;
            }
        }
    }
    let city = "database, people, requirements";
    let moving_in = ["import, s", "settling, s", "results, /s", "settling, s", "people/s"];
    table::print(&[&[city][..], &moving_in].concat(), rows.moving_in);
    table::print(&["database, people, requirements: what", "service, ms", "SQL alone, ms", "ratio"], rows.asking);
    table::print(&["database, people, requirements: memory", "at rest, MiB", "at the most, MiB"], rows.memory);
    Ok(())
}

struct Measure<'a> {
    databases: &'a Databases,
    people: usize,
    requirements: usize,
    times: usize,
}

fn seconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64())
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn per_second(count: usize, duration: Duration) -> String {
    format!("{:.0}", count as f64 / duration.as_secs_f64())
}

/// The city's first requirement, and copies of it under other codes.
fn requirements(city: &DemoCity, count: usize) -> String {
    let toml = city.requirements_toml();
    let first = toml.split("[[requirement]]").nth(1).unwrap_or_default();
    let nth = |n: usize| match n {
        0 => format!("[[requirement]]{first}"),
        n => format!("[[requirement]]{}", first.replace(REQUIREMENT, &format!("{REQUIREMENT}-{}", n + 1))),
    };
    (0..count).map(nth).collect()
}

async fn token(app: &App) -> Result<String, Failure> {
    let request = TokenRequest {
        subject: "benchmark".to_owned(),
        roles: BTreeSet::from([Role::City]),
        administrations: BTreeSet::new(),
        holds_for: Duration::from_secs(8 * 3600),
    };
    Ok(app.issue_token(&Caller::operator(), &Settings::default().token_settings(), &request).await?)
}

impl Measure<'_> {
    fn named(&self, database: &Database, what: &str) -> String {
        let colon = if what.is_empty() { "" } else { ": " };
        format!("{}, {}, {}{colon}{what}", database.engine.name(), self.people, self.requirements)
    }

    async fn city(&self, database: &Database, rows: &mut Rows) -> Result<(), Failure> {
        let app = register::open(database).await?;
        let city = DemoCity::found(1, self.people, app.today());
        let (founded, secret) = city::found(&app, &city, &requirements(&city, self.requirements)).await?;
        eprintln!("{}: moved in", self.named(database, ""));
        let (results, receiving) = training::bring_in(&app, &city, &secret).await?;
        let begun = std::time::Instant::now();
        app.refresh_all(|_| {}).await?;
        rows.moving_in.push(vec![
            self.named(database, ""),
            seconds(founded.importing),
            seconds(founded.refreshing),
            per_second(results, receiving),
            seconds(begun.elapsed()),
            per_second(self.people, begun.elapsed()),
        ]);
        eprintln!("{}: settled", self.named(database, ""));
        let (token, day, now) = (token(&app).await?, app.today(), app.now());
        app.store.close().await?;
        drop(city);

        let service = Service::start(database, self.databases.folder()).await?;
        let asking = Asking { service: &service, client: reqwest::Client::new(), token };
        let mut raw = Raw::open(database).await?;
        let sizes = raw.sizes(day).await?;
        let codes: Vec<&str> = sizes.iter().map(|(code, _)| code.as_str()).collect();
        let largest = codes.get(..1).ok_or("a city without administrations")?;

        let mut asked = |what: &str, service: Duration, sql: Option<Duration>| {
            let sql_text = sql.map_or_else(|| "–".to_owned(), milliseconds);
            let ratio =
                sql.map_or_else(|| "–".to_owned(), |sql| table::ratio(service.as_secs_f64(), sql.as_secs_f64()));
            rows.asking.push(vec![self.named(database, what), milliseconds(service), sql_text, ratio]);
        };
        let at_rest = memory_from_now(&service)?;
        let report = format!("/api/v1/reports/onboarding?requirement={REQUIREMENT}");
        let answered = asking.fastest(self.times, &report).await?;
        asked("report of now", answered.took, Some(raw.figures(REQUIREMENT, day, self.times).await?));
        let after_report = peak_memory(&service)?;

        let before_files = memory_from_now(&service)?;
        for (what, codes) in [("file of the largest administration", largest), ("files of all administrations", &codes)]
        {
            let mut took = Duration::MAX;
            let (mut bytes, mut lines) = (0, 0);
            for _ in 0..self.times {
                let begun = std::time::Instant::now();
                (bytes, lines) = (0, 0);
                for code in codes {
                    let answered = asking.get(&format!("/api/v1/administrations/{code}/export.csv")).await?;
                    bytes += answered.bytes;
                    lines += answered.lines;
                }
                took = took.min(begun.elapsed());
            }
            let (sql, sql_bytes) = raw.rows(codes, day, self.times).await?;
            eprintln!("{what}: {lines} lines, {bytes} bytes; by SQL {sql_bytes} bytes");
            asked(what, took, Some(sql));
        }
        let after_files = peak_memory(&service)?;

        // Last, since the allocator does not give back the memory for what it reads.
        let before_facts = memory_from_now(&service)?;
        let known_at = now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let earlier = asking.fastest(2.min(self.times), &format!("{report}&known_at={known_at}")).await?;
        asked("report as known before", earlier.took, None);
        let after_facts = peak_memory(&service)?;

        let verified = verify(database, self.databases.folder()).await?;
        eprintln!("verify: {}", verified.said);
        asked("verify, beside the service", verified.took, Some(raw.everything().await?));
        rows.memory.push(vec![self.named(database, "verify"), "–".to_owned(), format!("{:.0}", verified.peak)]);
        for (what, before, peak) in [
            ("report of now", at_rest, after_report),
            ("files", before_files, after_files),
            ("report as known before", before_facts, after_facts),
        ] {
            rows.memory.push(vec![self.named(database, what), format!("{before:.0}"), format!("{peak:.0}")]);
        }
        raw.close().await;
        Ok(())
    }
}
