//! Several copies of the service on one database, and a process that ends in the middle of its work.

use std::collections::BTreeSet;

use futures::future::join_all;
use kurskoll::app::system_clock;
use kurskoll::intake::webhook::signature::WebhookSecret;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::process::Installation;
use crate::support::sender::{Sender, Senders};
use crate::support::small_city::{completed, graded, small_city};

/// Another copy of a service, on the same database and clock.
async fn copy_of(app: &TestApp, database: &TestDatabase) -> TestApp {
    TestApp::start_with(database, app.clock.clone(), |settings| settings).await
}

fn attempt(number: u32, raw: &str) -> Value {
    graded(json!({"employee_number": "1001"}), "infosec-basics-quiz", number, raw, "2026-02-01T10:00:00Z")
}

/// A type that is ignored, with the delivery's id in it.
fn ignored(id: &str) -> Vec<u8> {
    json!({"type": "forum.post", "id": id}).to_string().into_bytes()
}

both_databases! {
    async fn the_same_deliveries_to_two_copies_at_once_are_each_stored_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let copy = copy_of(&app, &database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let senders = [app.sender("larportal", &secret), copy.sender("larportal", &secret)];
        let sent = (1..=60).flat_map(|number| senders.iter().map(move |sender| (number, sender)));
        let answers = join_all(sent.map(|(number, sender)| {
            let body = attempt(number, "12").to_string();
            Answer::to(sender.delivery(&format!("e-{number}"), app.clock.now(), body.as_bytes()))
        }))
        .await;
        for (place, pair) in answers.chunks(2).enumerate() {
            let outcomes: BTreeSet<String> = pair
                .iter()
                .map(|answer| answer.as_ref().expect("an answer").ok()["outcome"].as_str().expect("a word").to_owned())
                .collect();
            assert_eq!(outcomes, BTreeSet::from(["accepted".to_owned(), "duplicate".to_owned()]), "e-{}", place + 1);
        }
        for each in [&app, &copy] {
            assert_eq!(each.stored_deliveries().await.len(), 60);
            assert_eq!(each.export_row("SEF", "1001").await["attempts"], "60");
            assert_eq!(each.verified_events().await, 60);
        }
    }

    async fn of_two_bodies_under_one_id_at_two_copies_one_stays(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let copy = copy_of(&app, &database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let senders = [(app.sender("larportal", &secret), "12"), (copy.sender("larportal", &secret), "20")];
        let sent = (1..=40).flat_map(|number| senders.iter().map(move |(sender, raw)| (number, sender, raw)));
        let answers = join_all(sent.map(|(number, sender, raw)| {
            let body = attempt(number, raw).to_string();
            Answer::to(sender.delivery(&format!("e-{number}"), app.clock.now(), body.as_bytes()))
        }))
        .await;
        for pair in answers.chunks(2) {
            let statuses: BTreeSet<u16> =
                pair.iter().map(|answer| answer.as_ref().expect("an answer").status).collect();
            assert_eq!(statuses, BTreeSet::from([200, 409]));
        }
        assert_eq!(app.stored_deliveries().await.len(), 40);
        assert_eq!(copy.verified_events().await, 40);
    }

    async fn a_report_from_either_copy_contains_what_the_other_answered(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let copy = copy_of(&app, &database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let compliant = async |app: &TestApp| {
            app.report("infosec-onboarding").await["city"]["counts"]["compliant"].as_u64().expect("a count")
        };
        for (place, (number, takes, reports)) in
            [("1001", &app, &copy), ("1002", &copy, &app), ("1003", &app, &copy), ("1004", &copy, &app)]
                .iter()
                .enumerate()
        {
            let body = completed(json!({"employee_number": number}), "infosec-basics-2023", "2026-02-20T10:00:00Z");
            takes.deliver("larportal", &secret, &format!("e-{place}"), &body).await.ok();
            assert_eq!(compliant(reports).await, place as u64 + 1);
            assert_eq!(compliant(takes).await, place as u64 + 1);
        }
    }

    async fn a_secret_from_one_copy_is_accepted_at_the_other_at_once(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let copy = copy_of(&app, &database).await;
        let secret = app.platform("larportal").await;
        assert_eq!(copy.deliver_bytes("larportal", &secret, "e-1", &ignored("e-1")).await.status, 200);
        let code = "larportal".parse().expect("a code");
        let new = app.app.rotate_secret(&kurskoll::app::Caller::operator(), &code).await.expect("a secret");
        assert_eq!(copy.deliver_bytes("larportal", &new, "e-2", &ignored("e-2")).await.status, 200);
    }

    async fn a_secret_that_is_ended_now_is_accepted_by_no_running_copy_once_the_command_is_done(database: TestDatabase) {
        let installation = Installation::new(&database.url);
        let old = installation.platform("larportal").await;
        let copies = [installation.serve().await, installation.serve().await];
        let deliver = async |secret: &WebhookSecret, id: &str| {
            let mut statuses = Vec::new();
            for (place, copy) in copies.iter().enumerate() {
                let sender = Sender::new(&copy.address, "larportal", secret.clone());
                let id = format!("{id}-{place}");
                let sent = sender.delivery(&id, system_clock()(), &ignored(&id));
                statuses.push(Answer::to(sent).await.expect("an answer").status);
            }
            statuses
        };
        assert_eq!(deliver(&old, "before").await, [200, 200]);
        let holds_on = installation.run(&["platform", "rotate-secret", "larportal"]).await;
        let holds_on = WebhookSecret::parse(holds_on.trim()).expect("a secret");
        assert_eq!(deliver(&old, "meanwhile").await, [200, 200]);
        let new = installation.run(&["platform", "rotate-secret", "larportal", "--now"]).await;
        let new = WebhookSecret::parse(new.trim()).expect("a secret");
        for ended in [&old, &holds_on] {
            assert_eq!(deliver(ended, "after").await, [401, 401]);
        }
        assert_eq!(deliver(&new, "after").await, [200, 200]);
        // Deliveries that were signed with the ended secret are still verified.
        installation.run(&["verify"]).await;
        for copy in copies {
            copy.kill().await;
        }
    }

    async fn what_a_killed_process_answered_is_there_when_it_starts_again(database: TestDatabase) {
        let installation = Installation::new(&database.url);
        let secret = installation.platform("larportal").await;
        let serving = installation.serve().await;
        let sender = Sender::new(&serving.address, "larportal", secret.clone());
        let senders = Senders::start(4, &sender, &system_clock(), ignored);
        senders.have_sent(100).await;
        serving.kill().await;
        let answered = senders.ended().await;
        assert!(answered.len() >= 100);

        let serving = installation.serve().await;
        let sender = Sender::new(&serving.address, "larportal", secret);
        for id in &answered {
            let answer = Answer::to(sender.delivery(id, system_clock()(), &ignored(id))).await.expect("an answer");
            assert_eq!(answer.ok()["outcome"], "duplicate", "{id} was answered and is lost");
        }
        installation.run(&["verify"]).await;
        serving.kill().await;
    }

    async fn a_process_that_must_stop_stores_what_it_answered_and_exits_with_0(database: TestDatabase) {
        let installation = Installation::new(&database.url);
        let secret = installation.platform("larportal").await;
        let serving = installation.serve().await;
        let sender = Sender::new(&serving.address, "larportal", secret);
        let senders = Senders::start(4, &sender, &system_clock(), ignored);
        senders.have_sent(100).await;
        let (ended, answered) = tokio::join!(serving.stop(), senders.ended());
        assert!(ended.success(), "{ended}");
        let app = TestApp::start(&database).await;
        let stored = app.stored_ids().await;
        assert_eq!(answered.difference(&stored).collect::<Vec<_>>(), Vec::<&String>::new());
        assert!(stored.len() <= answered.len() + 4);
    }
}
