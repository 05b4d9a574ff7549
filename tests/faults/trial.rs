//! A register under a running service, what its platform sent, and what must be true of both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::future::join_all;
use kurskoll::app::system_clock;
use kurskoll::intake::webhook::signature::WebhookSecret;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::{Value, json};

use crate::commands::with_files;
use crate::support::app::Answer;
use crate::support::commands::CommandLine;
use crate::support::process::{Installation, Serving};
use crate::support::sender::Sender;
use crate::support::small_city::{completed, graded};

/// How long after a fault's end the service may take to recover.
pub const RECOVERED_WITHIN: Duration = Duration::from_secs(5);

/// How many deliveries are sent at once.
const TOGETHER: usize = 4;

/// A register, its commands and its platform.
pub struct Trial {
    pub url: String,
    pub here: CommandLine,
    installation: Installation,
    secret: WebhookSecret,
    variables: Vec<(&'static str, String)>,
    serving: Option<Serving>,
    /// Everything that was sent, by its id.
    sent: BTreeMap<String, Value>,
    answered: BTreeSet<String>,
    token: String,
    /// How long this machine takes for a burst of deliveries without a fault.
    usual: Duration,
}

/// What the register shows: its report, and an administration's people with the evidence.
pub type Figures = (Value, String);

impl Trial {
    /// Fills an empty register with a small city. The service is not started.
    pub fn prepare(url: &str) -> Self {
        let here = with_files(CommandLine::new().with("ROCKET_DATABASE_URL", url));
        let added = here.ok("platform add larportal").out;
        let secret = WebhookSecret::parse(added.trim_end()).expect("a secret");
        Self::of(url, here, secret)
    }

    pub fn of(url: &str, here: CommandLine, secret: WebhookSecret) -> Self {
        Self {
            url: url.to_owned(),
            here: here.with("ROCKET_DATABASE_URL", url),
            installation: Installation::new(url),
            secret,
            variables: Vec::new(),
            serving: None,
            sent: BTreeMap::new(),
            answered: BTreeSet::new(),
            token: String::new(),
            usual: Duration::ZERO,
        }
    }

    /// From here on the register is at another URL; the service already has another route to it.
    pub fn move_to(&mut self, url: &str) {
        self.url = url.to_owned();
        self.here = self.here.clone().with("ROCKET_DATABASE_URL", url);
    }

    pub fn secret(&self) -> &WebhookSecret {
        &self.secret
    }

    /// Starts the service; `variables` are its environment from now on.
    pub async fn serve_with(&mut self, variables: &[(&'static str, String)]) {
        self.variables = variables.to_vec();
        self.serve().await;
    }

    pub async fn serve(&mut self) {
        self.serving = Some(self.installation.serve_with(&self.variables).await);
        let began = Instant::now();
        if self.send_new().await == TOGETHER {
            self.usual = self.usual.max(began.elapsed());
        }
    }

    pub async fn kill(&mut self) {
        self.serving.take().expect("it runs").kill().await;
    }

    /// Waits until a service that kills itself has ended.
    pub async fn killed_itself(&mut self) {
        let mut serving = self.serving.take().expect("it runs");
        let status = serving.ended().await;
        assert!(!status.success(), "it ended without an error: {status}");
    }

    fn address(&self) -> &str {
        &self.serving.as_ref().expect("it runs").address
    }

    /// An event that was not sent before: attempts and completions of four people.
    fn next(&mut self) -> String {
        let number = self.sent.len();
        let id = format!("e-{number:06}");
        let learner = json!({"employee_number": format!("{}", 1001 + number % 4)});
        let at = format!(
            "2026-02-{:02}T{:02}:{:02}:{:02}Z",
            1 + number % 20,
            number / 3600 % 24,
            number / 60 % 60,
            number % 60
        );
        let body = if number.is_multiple_of(5) {
            completed(learner, "infosec-basics", &at)
        } else {
            graded(
                learner,
                "infosec-basics-quiz",
                u32::try_from(number).expect("few"),
                &format!("{}", number % 21),
                &at,
            )
        };
        self.sent.insert(id.clone(), body);
        id
    }

    /// Sends deliveries at once, and notes which were answered 200. Returns how many.
    async fn send(&mut self, ids: &[String]) -> usize {
        let sender = Sender::new(self.address(), "larportal", self.secret.clone());
        let sent = &self.sent;
        let answers = join_all(ids.iter().map(|id| {
            let request = sender.delivery(id, system_clock()(), self.sent[id].to_string().as_bytes());
            async { (id.clone(), sent[id].clone(), Answer::to(request.timeout(Duration::from_secs(40))).await) }
        }))
        .await;
        let mut taken = 0;
        for (id, _, answer) in answers {
            // A killed service gives no answer.
            let Ok(answer) = answer else { continue };
            match answer.status {
                200 => {
                    let outcome = answer.json()["outcome"].clone();
                    let is_new = outcome == "accepted" && self.answered.contains(&id);
                    assert!(!is_new, "{id} was answered before, and is accepted again: it was lost");
                    self.answered.insert(id);
                    taken += 1;
                }
                503 => assert!(answer.headers.contains_key("retry-after"), "503 without Retry-After"),
                status => panic!("{id} is answered {status}: {}", answer.body),
            }
        }
        taken
    }

    /// Sends new deliveries; returns how many were answered 200.
    pub async fn send_new(&mut self) -> usize {
        let ids: Vec<String> = (0..TOGETHER).map(|_| self.next()).collect();
        self.send(&ids).await
    }

    fn unanswered(&self) -> Vec<String> {
        self.sent.keys().filter(|id| !self.answered.contains(*id)).cloned().collect()
    }

    pub async fn is_ready(&self) -> bool {
        let ready = reqwest::Client::new().get(format!("{}/health/ready", self.address())).send();
        ready.await.is_ok_and(|answer| answer.status() == 200)
    }

    /// From the end of a fault: everything unanswered is sent again until it is answered, as platforms do, and the service is
    /// ready in time.
    pub async fn recover(&mut self, after: &str) {
        let ended = Instant::now();
        // A busy machine takes longer for everything.
        let within = RECOVERED_WITHIN + 10 * self.usual;
        loop {
            let again = self.unanswered();
            if !again.is_empty() {
                self.send(&again).await;
            }
            if self.unanswered().is_empty() && self.is_ready().await {
                break;
            }
            let waiting = self.unanswered().len();
            assert!(ended.elapsed() < within, "{after}: after {:?}, {waiting} are refused", ended.elapsed());
            tokio::task::yield_now().await;
        }
        assert!(ended.elapsed() < within, "{after}: recovered after {:?}", ended.elapsed());
    }

    /// A connection of the test's own, which sees what others have committed.
    pub async fn connect(&self) -> DatabaseConnection {
        let mut options = ConnectOptions::new(&self.url);
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.expect("a connection")
    }

    /// Asserts that everything answered is committed, once, with its event.
    pub async fn assert_stored(&self, connection: &DatabaseConnection, after: &str) {
        for (table, column) in [("delivery", "delivery_key"), ("event", "event_id")] {
            let sql = format!("SELECT {column} AS name FROM {table}");
            let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
            let names: Vec<String> =
                rows.expect("rows").iter().map(|row| row.try_get("", "name").expect("a name")).collect();
            let stored: BTreeSet<&String> = names.iter().collect();
            assert_eq!(stored.len(), names.len(), "{after}: some are stored twice in {table}");
            let lost: Vec<_> = self.answered.iter().filter(|id| !stored.contains(id)).collect();
            let answered = self.answered.len();
            assert!(
                lost.is_empty(),
                "{after}: of {answered} that were answered {} are lost from {table}: {lost:?}",
                lost.len()
            );
        }
    }

    /// Asserts that an export from the service contains everything answered before, so no reader is left with an
    /// older state.
    pub async fn assert_reported(&mut self, after: &str) {
        if self.token.is_empty() {
            self.token = self.here.ok("token issue --role city").out.trim().to_owned();
        }
        let path = "/api/v1/administrations/SEF/export.csv?requirement=infosec-onboarding&as_of=2026-03-01";
        let requested =
            reqwest::Client::new().get(format!("{}{path}", self.address())).bearer_auth(&self.token).send().await;
        let requested = requested.expect("an answer");
        assert_eq!(requested.status(), 200, "{after}");
        let csv = requested.text().await.expect("a body");
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let header = reader.headers().expect("a header").clone();
        let place = |name| header.iter().position(|column| column == name).expect("a column");
        let (number, attempts) = (place("employee_number"), place("attempts"));
        let row = reader.records().map(|row| row.expect("a row")).find(|row| &row[number] == "1001").expect("a person");
        let is_theirs =
            |body: &Value| body["data"]["learner"]["employee_number"] == "1001" && body["type"] == "quiz.graded";
        let answered = self.answered.iter().filter(|id| is_theirs(&self.sent[*id])).count();
        assert_eq!(
            row[attempts].parse::<usize>().expect("a number"),
            answered,
            "{after}: the export is of an older state"
        );
    }

    /// What the operator's commands show of the register.
    pub fn figures(&self) -> Figures {
        let mut report =
            self.here.ok("report --requirement infosec-onboarding --as-of 2026-03-01 --format json").json();
        // The instants of the report and of each platform's last delivery.
        report.as_object_mut().expect("a report").remove("known_at");
        for platform in report["data_quality"]["platforms"].as_array_mut().expect("platforms") {
            platform.as_object_mut().expect("a platform").remove("silent_since");
            platform.as_object_mut().expect("a platform").remove("last_result_at");
        }
        let file = format!("export-{}.csv", self.sent.len());
        drop(std::fs::remove_file(self.here.path(&file)));
        self.here.ok(&format!("export --administration SEF --as-of 2026-03-01 --output {file}"));
        (report, std::fs::read_to_string(self.here.path(&file)).expect("an export"))
    }

    /// Sends the same events to another register, one after another and without a fault.
    pub async fn send_same(&mut self, other: &Self) {
        self.sent = other
            .sent
            .iter()
            .filter(|(id, _)| other.answered.contains(*id))
            .map(|(id, body)| (id.clone(), body.clone()))
            .collect();
        let ids: Vec<String> = self.sent.keys().cloned().collect();
        for together in ids.chunks(32) {
            assert_eq!(self.send(together).await, together.len());
        }
    }

    /// Kills the service and checks the register: as `assert_stored`, `verify` finds nothing, and the figures are those of
    /// a register that received the same without a fault.
    pub async fn assert_whole(mut self, untouched: Self, after: &str) {
        self.recover(after).await;
        self.kill().await;
        self.assert_same(untouched, after).await;
    }

    /// The same for a service that has already ended.
    pub async fn assert_same(&self, mut untouched: Self, after: &str) {
        let connection = self.connect().await;
        self.assert_stored(&connection, after).await;
        connection.close().await.expect("closed");
        self.here.ok("verify");
        untouched.serve_with(&[]).await;
        untouched.send_same(self).await;
        untouched.kill().await;
        assert_eq!(self.figures(), untouched.figures(), "{after}: the figures differ from those without faults");
    }
}
