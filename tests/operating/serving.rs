//! `kurskoll serve` as the built binary, and commands that work at the same time.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use kurskoll::intake::webhook::signature::{WebhookSecret, sign};
use serde_json::json;

use crate::commands::with_files;
use crate::support::commands::CommandLine;
use crate::support::small_city::{completed, graded};

/// `kurskoll serve`, which ends with the test.
struct Serving {
    child: Child,
    address: String,
    log: Option<std::thread::JoinHandle<()>>,
}

impl Serving {
    fn start(here: &CommandLine) -> Self {
        let mut command = here.like().with("ROCKET_PORT", "0").command("serve");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let line: serde_json::Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON line: {line}"));
            (line["message"] == "listening").then(|| line["port"].to_string())
        });
        // Its later output is read, so that it never waits for a reader.
        let log = std::thread::spawn(move || lines.for_each(drop));
        let address = format!("http://127.0.0.1:{}", port.expect("it listens"));
        Self { child, address, log: Some(log) }
    }

    /// Asks it to stop, as a service manager does; returns its exit code.
    fn stop(mut self) -> Option<i32> {
        let requested = std::process::Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(requested.expect("kill").success());
        let code = self.child.wait().expect("it ends").code();
        self.log.take().expect("a log").join().expect("its end");
        code
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[rocket::async_test]
async fn commands_work_while_the_service_runs_and_it_sees_what_they_did() {
    let here = CommandLine::new();
    let serving = Serving::start(&here);
    let here = with_files(here);
    let secret = WebhookSecret::parse(here.ok("platform add larportal").out.trim()).expect("a secret");
    let client = reqwest::Client::new();
    let now = kurskoll::app::system_clock()().timestamp();
    let anna = json!({"employee_number": "1001"});
    for (id, body) in [
        ("e-1", completed(anna.clone(), "infosec-basics", "2025-08-01T10:00:00+01:00")),
        ("e-2", graded(anna, "infosec-basics-quiz", 1, "17", "2025-08-02T10:00:00+01:00")),
    ] {
        let body = body.to_string();
        let answer = client
            .post(format!("{}/webhooks/larportal", serving.address))
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", sign(&secret, id, now, body.as_bytes()))
            .body(body)
            .send();
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
    }
    let path = "/api/v1/reports/onboarding?requirement=infosec-onboarding&as_of=2026-02-01";
    let token = here.ok("token issue --role city").out;
    let requested = client.get(format!("{}{path}", serving.address)).bearer_auth(token.trim()).send().await;
    let requested = requested.expect("an answer");
    assert_eq!(requested.status(), 200);
    let answered: serde_json::Value = serde_json::from_str(&requested.text().await.expect("a body")).expect("JSON");
    let reported = here.ok("report --requirement infosec-onboarding --as-of 2026-02-01 --format json").json();
    assert_eq!(answered["city"], reported["city"]);
    assert_eq!(reported["city"]["counts"]["compliant"], 1, "{reported}");
    // A token of a key that was created later is accepted at once.
    here.ok("token rotate-key");
    let token = here.ok("token issue --role city").out;
    let requested = client.get(format!("{}{path}", serving.address)).bearer_auth(token.trim()).send().await;
    assert_eq!(requested.expect("an answer").status(), 200);
    here.ok("verify");
    here.ok("backup copy.db");
    drop(client);
    assert_eq!(serving.stop(), Some(0));
}
