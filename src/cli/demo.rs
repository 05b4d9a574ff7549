//! `kurskoll demo`: the main job on a made-up city, through the real endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use futures::StreamExt;

use super::service::{Jobs, Service};
use super::{CommandError, Missing, Opened, logging, open_with, output};
use crate::app::directory::import::ImportRequest;
use crate::app::operating::sign_tokens::TokenRequest;
use crate::app::platforms::add::NewPlatform;
use crate::app::receiving::receive::NATIVE;
use crate::app::reports::build::ReportRequest;
use crate::app::reports::clocks::Clocks;
use crate::app::{Caller, Patience};
use crate::config;
use crate::demo_city::{self, DemoCity, DemoDelivery, Expect};
use crate::domain::access::Role;
use crate::domain::directory::plan::{Allowed, Extent, Files};
use crate::domain::ids::{AdministrationCode, PlatformCode, RequirementCode};
use crate::domain::linking::LinkingKey;
use crate::intake::webhook::signature::{self, WebhookSecret};
use crate::intake::{hr_csv, requirements_toml};
use crate::render::report_table::report_table;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kurskoll demo\n  kurskoll demo --people 26000 --exit\n\n\
    The made-up city is stored in ./data/demo and created anew each time. Nobody in it exists.")]
pub struct Arguments {
    /// How many made-up people the city employs
    #[arg(long, default_value_t = demo_city::USUAL_PEOPLE)]
    people: usize,
    /// Another seed makes another city
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after the report instead of leaving the service running to look around
    #[arg(long)]
    exit: bool,
}

/// Where the made-up city is stored; created anew each time.
const FOLDER: &str = "data/demo";
const DATABASE_URL: &str = "sqlite:data/demo/kurskoll.db";

/// How many deliveries are under way at once, as a platform with several workers has.
const AT_ONCE: usize = 16;

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let folder = Path::new(FOLDER);
    remove_earlier(folder)?;
    let figment = config::figment().merge(("database.url", DATABASE_URL));
    let opened = open_with(figment, Missing::IsMade, Patience::SERVICE).await?;
    logging::init(rocket::config::LogLevel::Critical)?;
    let city = DemoCity::found(arguments.seed, arguments.people, opened.app.today());
    let secret = prepare(&opened, &city).await?;
    let tokens = tokens(&opened).await?;

    let app = opened.app.clone();
    let (sender, listening) = tokio::sync::oneshot::channel();
    let Opened { settings, figment, .. } = opened;
    let service = Service::listen(app.clone(), settings, figment, move |address| drop(sender.send(address)));
    let running = tokio::spawn(async move { service.await?.run(Jobs::Run).await });
    let Ok(address) = listening.await else {
        return match running.await? {
            Ok(()) => Err("the service stopped before it listened".into()),
            Err(error) => {
                Err(format!("{error}; is something else running there? Choose another with ROCKET_PORT").into())
            }
        };
    };
    send_all(&address, &secret, city.deliveries()).await?;

    let request = ReportRequest {
        requirement: RequirementCode::parse("infosec-onboarding")?,
        clocks: Clocks::default(),
        due_from: None,
        due_to: None,
    };
    let report = app.build_report(&Caller::operator(), &request).await?;
    output::print(&format!("\n{}\n", report_table(&report, output::width())))?;
    if arguments.exit {
        running.abort();
        return Ok(());
    }
    output::print(&where_to_look(&address, &tokens))?;
    running.await?
}

/// Removes the files of an earlier demo, and nothing else.
fn remove_earlier(folder: &Path) -> Result<(), CommandError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    let is_ours = |file: &&std::path::PathBuf| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kurskoll.db"))
    };
    if let Some(other) = files.iter().find(|file| !is_ours(file)) {
        return Err(
            format!("{} is not the demo's, which is made anew in its folder: move it away", other.display()).into()
        );
    }
    files.iter().try_for_each(std::fs::remove_file)?;
    Ok(())
}

/// Imports HR's files and adds the requirements and the platform, as an operator would; returns the platform's secret.
async fn prepare(opened: &Opened, city: &DemoCity) -> Result<WebhookSecret, CommandError> {
    let caller = Caller::operator();
    let wrong = |problem: &dyn std::fmt::Display| format!("the made-up city is wrong: {problem}");
    let requirements = requirements_toml::read(&city.requirements_toml())
        .map_err(|problems| problems.0.first().map_or_else(String::new, |problem| wrong(problem)))?;
    opened.app.apply_requirements(&caller, requirements).await?;
    let platform = NewPlatform {
        code: PlatformCode::parse(demo_city::PLATFORM)?,
        adapter: NATIVE.to_owned(),
        linking_keys: LinkingKey::DEFAULT_ORDER.to_vec(),
        time_zone: chrono_tz::Europe::Stockholm,
    };
    let secret = opened.app.add_platform(&caller, &platform).await?;
    let listed = |problems: crate::domain::directory::problem::RowProblems| {
        problems.listed().first().map_or_else(String::new, |problem| wrong(problem))
    };
    let files = Files {
        administrations: Some(
            hr_csv::administrations::read(city.administrations_csv().as_bytes()).map_err(listed)?.rows,
        ),
        employments: Some(hr_csv::employments::read(city.employments_csv().as_bytes()).map_err(listed)?.rows),
        absences: Some(hr_csv::absences::read(city.absences_csv().as_bytes()).map_err(listed)?.rows),
        exemptions: Some(hr_csv::exemptions::read(city.exemptions_csv().as_bytes()).map_err(listed)?.rows),
        identities: Some(hr_csv::identities::read(city.identities_csv().as_bytes()).map_err(listed)?.rows),
    };
    let request = ImportRequest { extent: Extent::Full, dry_run: false, allowed: Allowed::nothing() };
    let plan = opened.app.import_directory(&caller, &files, request).await?;
    eprintln!("A made-up city: {}.", output::summary(&plan.summary()));
    Ok(secret)
}

/// A token for central HR, and one for an officer of a single administration.
async fn tokens(opened: &Opened) -> Result<(String, String), CommandError> {
    let settings = opened.settings.token_settings();
    let issue = async |role: Role, administrations: BTreeSet<AdministrationCode>| {
        let request = TokenRequest {
            subject: format!("demo {}", role.as_str()),
            roles: BTreeSet::from([role]),
            administrations,
            holds_for: Duration::from_secs(8 * 3600),
        };
        opened.app.issue_token(&Caller::operator(), &settings, &request).await
    };
    let city = issue(Role::City, BTreeSet::new()).await?;
    let officer = issue(Role::Administration, BTreeSet::from([AdministrationCode::parse("SEF")?])).await?;
    Ok((city, officer))
}

/// Sends one delivery, and returns the kind of its answer and its status.
async fn send(
    client: &reqwest::Client,
    url: &str,
    secret: &WebhookSecret,
    now: i64,
    delivery: &DemoDelivery,
) -> Result<(Expect, u16), CommandError> {
    let body = delivery.body.clone();
    let signature = if delivery.expectation == Expect::BadSignature {
        signature::sign(&WebhookSecret::generate([7; 32]), &delivery.id, now, &body)
    } else {
        signature::sign(secret, &delivery.id, now, &body)
    };
    let answer = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", &delivery.id)
        .header("webhook-timestamp", now.to_string())
        .header("webhook-signature", signature)
        .body(body)
        .send()
        .await?;
    let status = answer.status().as_u16();
    let text = answer.text().await?;
    let outcome: serde_json::Value = serde_json::from_str(&text)?;
    let answered = match (status, outcome["outcome"].as_str()) {
        (200, Some("accepted")) => Expect::Accepted,
        (200, Some("duplicate")) => Expect::Duplicate,
        (200, Some("ignored")) => Expect::Ignored,
        (401, _) => Expect::BadSignature,
        (409, _) => Expect::Conflict,
        (422, _) => Expect::NotUnderstood,
        _ => return Err(format!("delivery {} was answered {status}: {text}", delivery.id).into()),
    };
    Ok((answered, status))
}

async fn send_all(address: &str, secret: &WebhookSecret, deliveries: Vec<DemoDelivery>) -> Result<(), CommandError> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
    let url = format!("{address}/webhooks/{}", demo_city::PLATFORM);
    let clock = crate::app::system_clock();
    let bar = output::progress("deliveries sent");
    let mut counts: BTreeMap<(u16, Expect), usize> = BTreeMap::new();
    let begun = std::time::Instant::now();
    let total = deliveries.len();
    for wave in waves(deliveries) {
        let sending = wave.into_iter().map(|delivery| {
            let (client, url, secret, now) = (client.clone(), url.clone(), secret.clone(), clock().timestamp());
            async move { send(&client, &url, &secret, now, &delivery).await }
        });
        let mut sending = futures::stream::iter(sending).buffer_unordered(AT_ONCE);
        while let Some(answer) = sending.next().await {
            let (answered, status) = answer?;
            *counts.entry((status, answered)).or_default() += 1;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("{total} deliveries in {seconds:.1} s through {url}, some of them wrong on purpose. They were answered:");
    for ((status, answered), count) in counts {
        eprintln!("  {count:>6}  {status} {}", in_words(answered));
    }
    Ok(())
}

/// What an answer means.
const fn in_words(answered: Expect) -> &'static str {
    match answered {
        Expect::Accepted => "accepted: new, and stored",
        Expect::Duplicate | Expect::SentAgain => "duplicate: sent or reported again, and adds nothing",
        Expect::Ignored => "ignored: stored, but of a type that reports no training",
        Expect::Conflict => "refused: a known id with another body; the first stays",
        Expect::NotUnderstood => "not understood: authentic, so stored in quarantine",
        Expect::BadSignature => "refused: signed with a secret that is not the platform's",
    }
}

/// Deliveries with the same id are sent one after the other, so that each gets the expected answer.
fn waves(deliveries: Vec<DemoDelivery>) -> Vec<Vec<DemoDelivery>> {
    let mut waves: Vec<Vec<DemoDelivery>> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for delivery in deliveries {
        let wave = seen.entry(delivery.id.clone()).and_modify(|wave| *wave += 1).or_insert(0);
        while waves.len() <= *wave {
            waves.push(Vec::new());
        }
        if let Some(wave) = waves.get_mut(*wave) {
            wave.push(delivery);
        }
    }
    waves
}

fn where_to_look(address: &str, (city, officer): &(String, String)) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "kurskoll".to_owned());
    format!(
        "The service goes on at {address} until Ctrl-C. Where to look:\n\n\
         As central HR:\n  export TOKEN={city}\n  \
         curl -H \"Authorization: Bearer $TOKEN\" '{address}/api/v1/reports/onboarding?requirement=infosec-onboarding'\n  \
         curl -H \"Authorization: Bearer $TOKEN\" '{address}/api/v1/administrations/SEF/export.csv?dialect=excel-sv'\n  \
         curl -H \"Authorization: Bearer $TOKEN\" '{address}/api/v1/administrations/SEF/compliance?status=overdue'\n  \
         curl -H \"Authorization: Bearer $TOKEN\" '{address}/api/v1/unlinked'\n\n\
         As the HR officer of SEF, who sees no other administration:\n  export TOKEN={officer}\n\n\
         As the operator, in this folder and another terminal, while the service runs or after:\n  \
         export ROCKET_DATABASE_URL={DATABASE_URL}\n  \
         {program} report --requirement infosec-onboarding\n  \
         {program} quarantine list\n  \
         {program} verify\n  \
         {program} token issue --role auditor\n\n\
         Without a token: {address}/api/v1/openapi.json, {address}/health/ready, {address}/metrics\n\n\
         The shortest way to something to see: who is overdue in SEF. In another terminal, as it stands:\n\n  \
         curl -s -H 'Authorization: Bearer {officer}' '{address}/api/v1/administrations/SEF/compliance?status=overdue&limit=3'\n"
    )
}
