//! The whole service on a test's own database and clock, used as platforms and people do: over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, Utc};
use kurskoll::app::compliance::apply_requirements::Applied;
use kurskoll::app::directory::import::{ImportError, ImportRequest};
use kurskoll::app::operating::sign_tokens::TokenRequest;
use kurskoll::app::platforms::add::NewPlatform;
use kurskoll::app::receiving::receive::{NATIVE, Receiving};
use kurskoll::app::{App, Caller, Patience};
use kurskoll::auth::Authenticator;
use kurskoll::cli::CommandError;
use kurskoll::cli::service::{self, Jobs, Service};
use kurskoll::config::{self, Settings};
use kurskoll::domain::access::Role;
use kurskoll::domain::directory::plan::{Allowed, Extent, Files, Plan};
use kurskoll::domain::ids::{AdministrationCode, PlatformCode};
use kurskoll::domain::linking::LinkingKey;
use kurskoll::intake::webhook::signature::WebhookSecret;
use kurskoll::intake::{hr_csv, requirements_toml};
use kurskoll::store::Store;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::plans::Plans;
use super::postgres::TestDatabase;
use super::sender::Sender;

/// A frozen clock, which a test moves.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// Noon UTC on 26 February 2026.
    pub fn frozen() -> Self {
        let clock = Self(Arc::default());
        clock.set("2026-02-26T12:00:00Z");
        clock
    }

    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).expect("a time")
    }

    pub fn set(&self, instant: &str) {
        let instant = DateTime::parse_from_rfc3339(instant).expect("an instant");
        self.0.store(instant.timestamp_micros(), Ordering::SeqCst);
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.num_microseconds().expect("a short while"), Ordering::SeqCst);
    }
}

/// HR's files as text; an empty one is not given.
#[derive(Debug, Clone, Copy, Default)]
pub struct HrFiles<'a> {
    pub administrations: &'a str,
    pub employments: &'a str,
    pub absences: &'a str,
    pub exemptions: &'a str,
    pub identities: &'a str,
}

/// An answer: its status, its headers and its body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.body))
    }

    /// The detail of a problem, after checking status and media type.
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.json()["detail"].as_str().expect("a detail").to_owned()
    }

    /// The body of a `200`, as JSON.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()
    }
}

/// A running service.
pub struct TestApp {
    pub app: App,
    pub clock: TestClock,
    pub receiving: Arc<Receiving>,
    pub authenticator: Arc<Authenticator>,
    pub address: String,
    pub client: reqwest::Client,
    /// Every mounted route, as `GET /api/v1/employees/<employee_number>`.
    pub routes: BTreeSet<String>,
    /// The statements that were carried out while a test recorded them.
    statements: Arc<Mutex<Option<Vec<String>>>>,
    /// Checks how every statement is planned.
    plans: Arc<Plans>,
    shutdown: rocket::Shutdown,
    running: Mutex<Option<JoinHandle<Result<(), CommandError>>>>,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
        // A failed test needs no further message.
        if !std::thread::panicking() {
            self.plans.check();
        }
    }
}

impl TestApp {
    /// Starts a service on a database, with its tables and a frozen clock.
    pub async fn start(database: &TestDatabase) -> Self {
        Self::start_with(database, TestClock::frozen(), |settings| settings).await
    }

    /// Starts a service with a clock and with other settings; several may share a database.
    pub async fn start_with(database: &TestDatabase, clock: TestClock, set: impl FnOnce(Settings) -> Settings) -> Self {
        let settings = set(Settings::default());
        // Tests hold locks for as long as a busy machine takes.
        let store = Store::connect_with(&database.url, 8, Patience::COMMAND).await.expect("the database opens");
        let statements: Arc<Mutex<Option<Vec<String>>>> = Arc::default();
        let plans = Arc::new(Plans::of(&database.url));
        let (heard, planned) = (statements.clone(), plans.clone());
        let store = store.observed(move |sql| {
            planned.note(sql);
            if let Some(heard) = heard.lock().expect("a lock").as_mut() {
                heard.push(sql.to_owned());
            }
        });
        let report = clock.clone();
        let app = service::app(store, Arc::new(move || report.now()), &settings).expect("metrics");
        app.prepare().await.expect("the tables are made");
        let figment = config::figment()
            .merge(("port", 0))
            .merge(("log_level", "off"))
            // Rocket waits this long before it checks whether the last connection is closed.
            .merge(("shutdown.grace", 1))
            .merge(("shutdown.ctrlc", false))
            .merge(("shutdown.signals", Vec::<String>::new()));
        let (opened, listening) = tokio::sync::oneshot::channel();
        let service = Service::listen(app.clone(), settings, figment, |address| opened.send(address).expect("awaited"));
        let service = service.await.expect("it listens");
        let routes = service.rocket.routes().map(|route| format!("{} {}", route.method, route.uri)).collect();
        let shutdown = service.rocket.shutdown();
        let (receiving, authenticator) = (service.receiving.clone(), service.authenticator.clone());
        let running = Mutex::new(Some(tokio::spawn(service.run(Jobs::Rest))));
        let address = listening.await.expect("it listens");
        let client = reqwest::Client::new();
        Self { app, clock, receiving, authenticator, address, client, routes, statements, plans, shutdown, running }
    }

    /// Stops as `kurskoll serve` does: finishes what is under way, commits what it accepted, and closes the database.
    pub async fn stop(&self) {
        self.shutdown.clone().notify();
        let running = self.running.lock().expect("a lock").take().expect("stopped once");
        running.await.expect("the service does not panic").expect("it ends well");
    }

    /// The statements that a request carries out in the database; nothing else may run at the same time.
    pub async fn statements_of<T>(&self, requested: impl Future<Output = T>) -> (T, Vec<String>) {
        *self.statements.lock().expect("a lock") = Some(Vec::new());
        let answer = requested.await;
        (answer, self.statements.lock().expect("a lock").take().unwrap_or_default())
    }

    /// A token of a role; `administrations` is for the role that has them.
    pub async fn token(&self, role: Role, administrations: &[&str]) -> String {
        let codes = administrations.iter().map(|code| AdministrationCode::parse(code).expect("a code"));
        let request = TokenRequest {
            subject: format!("test {}", role.as_str()),
            roles: BTreeSet::from([role]),
            administrations: codes.collect(),
            holds_for: std::time::Duration::from_secs(8 * 3600),
        };
        let settings = Settings::default().token_settings();
        self.app.issue_token(&Caller::operator(), &settings, &request).await.expect("a token")
    }

    async fn answer(request: reqwest::RequestBuilder) -> Answer {
        Answer::to(request).await.expect("an answer")
    }

    /// `GET`, with a token where one is given.
    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let request = self.client.get(format!("{}{path}", self.address));
        Self::answer(token.into_iter().fold(request, |request, token| request.bearer_auth(token))).await
    }

    /// `GET` as central HR.
    pub async fn get_as_city(&self, path: &str) -> Answer {
        let token = self.token(Role::City, &[]).await;
        self.get(path, Some(&token)).await
    }

    /// `POST` of JSON, with a token where one is given.
    pub async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.address));
        let request = request.header("content-type", "application/json").body(body.to_string());
        Self::answer(token.into_iter().fold(request, |request, token| request.bearer_auth(token))).await
    }

    /// A request of an identity provider, with its token and any headers.
    pub async fn scim(&self, request: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let token = self.token(Role::Scim, &[]).await;
        self.ask(request, Some(&token), headers, body).await
    }

    /// Any request, such as `PATCH /scim/v2/Users/1-1`, with a token if one is given.
    pub async fn ask(
        &self,
        request: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        let method = method.parse().expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.address));
        if let Some(body) = body {
            request = request.body(body.to_string());
            if !headers.iter().any(|(name, _)| *name == "content-type") {
                request = request.header("content-type", "application/scim+json");
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(token.into_iter().fold(request, |request, token| request.bearer_auth(token))).await
    }

    /// Adds a platform with the usual linking keys; returns its secret.
    pub async fn platform(&self, code: &str) -> WebhookSecret {
        self.platform_linking_by(code, &LinkingKey::DEFAULT_ORDER).await
    }

    pub async fn platform_linking_by(&self, code: &str, keys: &[LinkingKey]) -> WebhookSecret {
        let new = NewPlatform {
            code: PlatformCode::parse(code).expect("a code"),
            adapter: NATIVE.to_owned(),
            linking_keys: keys.to_vec(),
            time_zone: chrono_tz::Europe::Stockholm,
        };
        self.app.add_platform(&Caller::operator(), &new).await.expect("a platform")
    }

    /// Sends a delivery as a platform does, signed at the service's own time.
    pub async fn deliver(&self, platform: &str, secret: &WebhookSecret, id: &str, body: &Value) -> Answer {
        self.deliver_bytes(platform, secret, id, body.to_string().as_bytes()).await
    }

    /// The same with the body's bytes as they are.
    pub async fn deliver_bytes(&self, platform: &str, secret: &WebhookSecret, id: &str, body: &[u8]) -> Answer {
        Self::answer(self.sender(platform, secret).delivery(id, self.clock.now(), body)).await
    }

    /// A platform that sends to this service, for concurrent senders.
    pub fn sender(&self, platform: &str, secret: &WebhookSecret) -> Sender {
        Sender::new(&self.address, platform, secret.clone())
    }

    /// Sends bytes with any headers.
    pub async fn deliver_raw(&self, platform: &str, headers: &[(&str, &str)], timestamp: i64, body: Vec<u8>) -> Answer {
        let mut request = self.client.post(format!("{}/webhooks/{platform}", self.address));
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        request = request.header("webhook-timestamp", timestamp.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(request.body(body)).await
    }

    /// Applies a file of requirements.
    pub async fn apply(&self, toml: &str) -> Vec<Applied> {
        let requirements = requirements_toml::read(toml).expect("good requirements");
        self.app.apply_requirements(&Caller::operator(), requirements).await.expect("applied")
    }

    /// Imports a partial file.
    pub async fn import(&self, files: HrFiles<'_>) -> Plan {
        let request = ImportRequest { extent: Extent::Partial, dry_run: false, allowed: Allowed::everything() };
        self.import_as(files, request).await.expect("imported")
    }

    /// Imports a full file, however much it ends.
    pub async fn import_full(&self, files: HrFiles<'_>) -> Plan {
        let request = ImportRequest { extent: Extent::Full, dry_run: false, allowed: Allowed::everything() };
        self.import_as(files, request).await.expect("imported")
    }

    pub async fn try_import(&self, files: HrFiles<'_>, extent: Extent) -> Result<Plan, ImportError> {
        self.import_as(files, ImportRequest { extent, dry_run: false, allowed: Allowed::nothing() }).await
    }

    pub async fn import_as(&self, files: HrFiles<'_>, request: ImportRequest) -> Result<Plan, ImportError> {
        self.app.import_directory(&Caller::operator(), &files.read(), request).await
    }

    /// Refreshes the read model of all stale employees, as the service's job does; tests choose when.
    pub async fn refresh(&self) {
        self.app.refresh_all(|_| {}).await.expect("refreshed");
    }

    /// Every difference between the derived rows and the facts.
    pub async fn differences(&self) -> Vec<String> {
        self.app.verify(&Caller::operator(), |_| {}).await.expect("verified").differences
    }

    /// Runs a statement past the service; returns how many rows it changed.
    pub async fn tamper(&self, sql: &str) -> u64 {
        self.app
            .store
            .connection(kurskoll::store::Unscoped::Operating)
            .execute_unprepared(sql)
            .await
            .expect("a statement")
            .rows_affected()
    }

    /// Whether any stored data of a provider contain a text.
    pub async fn rows_holding(&self, text: &str) -> bool {
        let connection = self.app.store.connection(kurskoll::store::Unscoped::Operating);
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM scim_waiting WHERE resource || user_name || COALESCE(email_key, '') LIKE '%{text}%')
                  + (SELECT COUNT(*) FROM scim_user WHERE provisioned || user_name LIKE '%{text}%') AS rows"
        );
        let question = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(question).await.expect("the tables").expect("a count");
        row.try_get::<i64>("", "rows").expect("a number") > 0
    }

    /// How many rows a table has.
    pub async fn rows_in(&self, table: &str) -> i64 {
        let connection = self.app.store.connection(kurskoll::store::Unscoped::Operating);
        let question =
            Statement::from_string(connection.get_database_backend(), format!("SELECT COUNT(*) AS rows FROM {table}"));
        let row = connection.query_one_raw(question).await.expect("a table").expect("a count");
        row.try_get("", "rows").expect("a number")
    }
}

impl HrFiles<'_> {
    /// The files as the intake reads them.
    pub fn read(&self) -> Files {
        fn given(text: &str) -> Option<&[u8]> {
            (!text.is_empty()).then_some(text.as_bytes())
        }
        Files {
            administrations: given(self.administrations)
                .map(|bytes| hr_csv::administrations::read(bytes).expect("administrations").rows),
            employments: given(self.employments)
                .map(|bytes| hr_csv::employments::read(bytes).expect("employments").rows),
            absences: given(self.absences).map(|bytes| hr_csv::absences::read(bytes).expect("absences").rows),
            exemptions: given(self.exemptions).map(|bytes| hr_csv::exemptions::read(bytes).expect("exemptions").rows),
            identities: given(self.identities).map(|bytes| hr_csv::identities::read(bytes).expect("identities").rows),
        }
    }
}
