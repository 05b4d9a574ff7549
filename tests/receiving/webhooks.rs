//! The learning platforms' endpoint: every answer that it gives (DESIGN, "Doors"), and that an answer is kept.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kurskoll::app::Caller;
use kurskoll::app::receiving::show_deliveries::ShownBody;
use kurskoll::domain::ids::EventId;
use kurskoll::domain::linking::LinkingKey;
use kurskoll::domain::receiving::{Content, Delivery, Received};
use kurskoll::intake::webhook::signature::sign;
use rocket::data::ToByteUnit;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp, TestClock};
use crate::support::postgres::{TestDatabase, both_databases};
use crate::support::small_city::{completed, graded, small_city};
use crate::support::wire::exchange;

fn anna() -> Value {
    json!({"employee_number": "1001"})
}

fn basics() -> Value {
    completed(anna(), "infosec-basics", "2026-02-01T10:00:00+01:00")
}

both_databases! {
    async fn a_delivery_is_accepted_once_and_a_duplicate_from_then_on(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let answer = app.deliver("larportal", &secret, "e-1", &basics()).await;
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.ok(), json!({"event_id": "e-1", "outcome": "accepted", "linked": true}));
        for _ in 0..2 {
            let answer = app.deliver("larportal", &secret, "e-1", &basics()).await.ok();
            assert_eq!(answer, json!({"event_id": "e-1", "outcome": "duplicate", "linked": true}));
        }
        assert_eq!(app.stored_deliveries().await.len(), 1);
        assert_eq!(app.verified_events().await, 1);
    }

    async fn an_unknown_type_is_stored_and_ignored(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let body = json!({"type": "forum.post", "data": {"text": "hej"}});
        let answer = app.deliver("larportal", &secret, "e-1", &body).await.ok();
        assert_eq!(answer, json!({"event_id": "e-1", "outcome": "ignored", "linked": false}));
        let answer = app.deliver("larportal", &secret, "e-1", &body).await.ok();
        assert_eq!(answer, json!({"event_id": "e-1", "outcome": "duplicate", "linked": false}));
        let stored: Vec<String> = app.stored_deliveries().await.into_iter().map(|stored| stored.outcome).collect();
        assert_eq!(stored, ["ignored"]);
        let report = app.report("infosec-onboarding").await;
        assert_eq!(report["data_quality"]["quarantined_deliveries"], 0);
        assert_eq!(report["data_quality"]["unlinked_results"], 0);
    }

    async fn a_result_of_an_unknown_person_is_accepted_unlinked(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let body = completed(json!({"email": "nobody@example.org"}), "infosec-basics", "2026-02-01T10:00:00+01:00");
        let answer = app.deliver("larportal", &secret, "e-1", &body).await.ok();
        assert_eq!(answer, json!({"event_id": "e-1", "outcome": "accepted", "linked": false}));
        let answer = app.deliver("larportal", &secret, "e-1", &body).await.ok();
        assert_eq!(answer, json!({"event_id": "e-1", "outcome": "duplicate", "linked": false}));
    }

    async fn a_known_id_with_other_bytes_is_a_conflict_and_the_first_stays(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let first = graded(anna(), "infosec-basics-quiz", 1, "12", "2026-02-01T10:00:00+01:00");
        app.deliver("larportal", &secret, "e-1", &first).await.ok();
        let other = graded(anna(), "infosec-basics-quiz", 1, "20", "2026-02-01T10:00:00+01:00");
        // The same JSON in other bytes is another delivery, too: what was signed is stored, not what was meant.
        let spaced = serde_json::to_vec_pretty(&first).expect("JSON");
        for body in [other.to_string().into_bytes(), spaced] {
            let problem = app.deliver_bytes("larportal", &secret, "e-1", &body).await.refused(409);
            insta::allow_duplicates!(insta::assert_json_snapshot!(problem, @r#"
            {
              "detail": "A delivery with this webhook-id and another body is stored; that one stays. Send what is new under a new id.",
              "event_id": "e-1",
              "status": 409,
              "title": "In conflict with what is known",
              "type": "/problems/delivery-conflict"
            }
            "#));
        }
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["attempts"].as_str(), row["best_score_percent"].as_str()), ("1", "60.0"));
        let again = app.deliver("larportal", &secret, "e-1", &first).await.ok();
        assert_eq!(again["outcome"], "duplicate");
        assert_eq!(app.stored_deliveries().await.len(), 1);
    }

    async fn a_known_delivery_stays_a_duplicate_after_a_conflict_in_the_same_commit(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        app.platform("larportal").await;
        let platform = app.app.list_platforms(&Caller::operator()).await.expect("platforms")[0].id;
        let delivery = |body: &str| Delivery {
            platform,
            linking_keys: LinkingKey::DEFAULT_ORDER.into(),
            key: EventId::parse("e-1").expect("an id"),
            content_type: "application/json".to_owned(),
            headers: "{}".to_owned(),
            is_pulled: false,
            read_by: None,
            body: body.as_bytes().to_vec(),
            content: Content::Nothing,
        };
        let receive = async |bodies: &[&str]| {
            let batch: Vec<Delivery> = bodies.iter().map(|body| delivery(body)).collect();
            app.app.store.receive(&batch, app.app.calendar, app.clock.now()).await.expect("received")
        };
        let duplicate = Received::Duplicate { linked: false, is_doubtful: false, is_stored: false };
        assert_eq!(receive(&["1", "2", "1"]).await, [Received::Ignored, Received::Conflict, duplicate.clone()]);
        assert_eq!(receive(&["2", "1", "2"]).await, [Received::Conflict, duplicate, Received::Conflict]);
    }

    async fn the_same_result_under_a_new_id_adds_nothing(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let reported = graded(anna(), "infosec-basics-quiz", 1, "17", "2026-02-01T10:00:00+01:00");
        let outcome =
            async |id: &str, body: &Value| app.deliver("larportal", &secret, id, body).await.ok()["outcome"].clone();
        assert_eq!(outcome("e-1", &reported).await, "accepted");
        assert_eq!(outcome("e-2", &reported).await, "duplicate");
        // The same instant and the same score, written in another way.
        let mut otherwise = reported.clone();
        otherwise["data"]["graded_at"] = json!("2026-02-01T09:00:00Z");
        otherwise["data"]["score"] = json!({"raw": 17.0, "max": "20.00"});
        assert_eq!(outcome("e-3", &otherwise).await, "duplicate");
        let row = app.export_row("SEF", "1001").await;
        assert_eq!((row["attempts"].as_str(), row["last_attempt_on"].as_str()), ("1", "2026-02-01"));
        // Another attempt is another result.
        let second = graded(anna(), "infosec-basics-quiz", 2, "17", "2026-02-01T10:00:00+01:00");
        assert_eq!(outcome("e-4", &second).await, "accepted");
        assert_eq!(app.export_row("SEF", "1001").await["attempts"], "2");
        app.verified_events().await;
    }

    async fn a_result_repeated_under_another_key_of_the_learner_adds_nothing_to_the_figures(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        for (id, learner) in
            [("e-1", anna()), ("e-2", json!({"email": " Anna@Example.ORG"})), ("e-3", json!({"username": "ANNA"}))]
        {
            let body = graded(learner, "infosec-basics-quiz", 1, "17", "2026-02-01T10:00:00+01:00");
            assert_eq!(app.deliver("larportal", &secret, id, &body).await.ok()["linked"], true);
        }
        assert_eq!(app.export_row("SEF", "1001").await["attempts"], "1");
    }

    async fn a_body_is_stored_byte_for_byte_with_the_verified_headers(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let whitespace = format!(
            "\u{feff}\r\n\t {{ \"type\" :\n\"course.completed\",  \
             \"timestamp\":\"2026-02-01T10:00:00Z\",\"data\":{}}}\n\n ",
            basics()["data"]
        );
        let bodies: [&[u8]; 4] = [
            whitespace.trim_start_matches('\u{feff}').as_bytes(),
            whitespace.as_bytes(),
            b"\xff\xfe\x00not text\x00",
            b"",
        ];
        for (place, body) in bodies.into_iter().enumerate() {
            let id = format!("e-{place}");
            let answer = app.deliver_bytes("larportal", &secret, &id, body).await;
            assert!([200, 422].contains(&answer.status), "{answer:?}");
            let stored = &app.stored_deliveries().await[0];
            let shown = app.get_as_auditor(&format!("/api/v1/deliveries/{}", stored.id)).await.ok();
            let now = app.clock.now().timestamp();
            assert_eq!(
                shown["headers"],
                json!({"webhook-id": id, "webhook-timestamp": now.to_string(),
                       "webhook-signature": sign(&secret, &id, now, body)})
            );
            assert_eq!(shown["body_base64"], STANDARD.encode(body));
            assert_eq!(shown["body_text"], std::str::from_utf8(body).map_or(Value::Null, Value::from));
            assert_eq!(shown["size"], body.len());
            assert_eq!(shown["content_type"], "application/json");
            assert_eq!(shown["delivery_id"], id);
        }
    }

    async fn json_is_accepted_under_each_of_its_media_types_and_nothing_else(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        let secret = app.platform("larportal").await;
        let now = app.clock.now().timestamp();
        let mut answers = Vec::new();
        for content_type in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=UTF-8",
            "application/cloudevents+json",
            "text/json",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "",
        ] {
            let body = basics().to_string().into_bytes();
            let signature = sign(&secret, "e-1", now, &body);
            let headers = [("content-type", content_type), ("webhook-id", "e-1"), ("webhook-signature", &signature)];
            let answer = app.deliver_raw("larportal", &headers, now, body).await;
            if answer.status != 200 {
                assert_eq!(
                    answer.refused(415)["detail"],
                    "This endpoint does not accept the body's media type. Send it with the Content-Type application/json."
                );
            }
            answers.push(format!("{content_type}: {}", answer.status));
        }
        insta::allow_duplicates!(insta::assert_snapshot!(answers.join("\n"), @r"
        application/json: 200
        application/json; charset=utf-8: 200
        Application/JSON;charset=UTF-8: 200
        application/cloudevents+json: 200
        text/json: 415
        text/plain: 415
        application/x-www-form-urlencoded: 415
        application/jsonp: 415
        : 415
        "));
    }

    async fn a_body_beyond_the_limit_is_refused_however_it_is_sent(database: TestDatabase) {
        let app = TestApp::start_with(&database, TestClock::frozen(), |mut settings| {
            settings.receiving.max_body = 1.kibibytes();
            settings
        })
        .await;
        let secret = app.platform("larportal").await;
        let now = app.clock.now().timestamp();
        let sized = |bytes: usize| {
            let mut body = json!({"type": "padding", "data": ""}).to_string().into_bytes();
            body.resize(bytes, b' ');
            body
        };
        for (bytes, status) in [(1024, 200), (1025, 413), (5000, 413)] {
            let (body, id) = (sized(bytes), format!("e-{bytes}"));
            let signature = sign(&secret, &id, now, &body);
            let head = format!(
                "POST /webhooks/larportal HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                 webhook-id: {id}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\n"
            );
            let whole = [format!("{head}content-length: {bytes}\r\n\r\n").as_bytes(), &body].concat();
            let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
            for chunk in body.chunks(1000) {
                chunked.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
            }
            chunked.extend(b"0\r\n\r\n");
            for request in [whole, chunked] {
                let answer = exchange(&app.address, &request).await;
                assert_eq!(answer.status, status, "{bytes}: {answer:?}");
                if status == 413 {
                    let problem = answer.refused(413);
                    assert_eq!(problem["limit_bytes"], 1024);
                    assert_eq!(
                        problem["detail"],
                        "The body is larger than 1024 bytes, the most that is accepted here. Send less at a time."
                    );
                }
            }
        }
        assert_eq!(app.stored_deliveries().await.len(), 1);
    }

    async fn of_many_at_once_each_is_answered_right_and_the_distinct_ones_are_stored(database: TestDatabase) {
        let app = TestApp::start(&database).await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let sender = app.sender("larportal", &secret);
        // Fifty ids, each sent twice with the same bytes and once with other bytes, and fifty more that are sent once.
        let body = |id: usize, attempt: u32| {
            let at = format!("2026-02-01T10:{:02}:{:02}Z", id / 60, id % 60);
            graded(anna(), "infosec-basics-quiz", attempt, "10", &at).to_string()
        };
        let mut sent: Vec<(usize, String)> = Vec::new();
        for attempt in [1, 2, 1] {
            sent.extend((0..50).map(|id| (id, body(id, attempt))));
        }
        sent.extend((50..100).map(|id| (id, body(id, 1))));
        let mut under_way: FuturesUnordered<_> = sent
            .into_iter()
            .map(|(id, body)| {
                let request = sender.delivery(&format!("e-{id}"), app.clock.now(), body.as_bytes());
                async move { (id, body, Answer::to(request).await.expect("an answer")) }
            })
            .collect();
        let mut answers: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
        while let Some((id, body, answer)) = under_way.next().await {
            let outcome = match answer.status {
                200 => answer.ok()["outcome"].as_str().expect("an outcome").to_owned(),
                status => status.to_string(),
            };
            answers.entry(id).or_default().push((outcome, body));
        }
        let mut stored: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for delivery in app.stored_deliveries().await {
            let (_, body) = app.app.show_delivery(&Caller::operator(), delivery.id).await.expect("shown");
            let ShownBody::Whole(body) = body else { panic!("no one is protected") };
            assert_eq!(stored.insert(delivery.key.to_string(), body), None, "stored twice");
        }
        assert_eq!(stored.len(), 100);
        for (id, answers) in answers {
            let stays = &stored[&format!("e-{id}")];
            let outcomes_of = |is_what_stays: bool| {
                let reported = answers.iter().filter(|(_, body)| (body.as_bytes() == stays) == is_what_stays);
                let mut outcomes: Vec<&str> = reported.map(|(outcome, _)| outcome.as_str()).collect();
                outcomes.sort_unstable();
                outcomes
            };
            let (same, others) = (outcomes_of(true), outcomes_of(false));
            assert_eq!(same, ["accepted", "duplicate"][..same.len()], "e-{id}");
            assert_eq!(others, ["409", "409"][..others.len()], "e-{id}");
        }
        assert_eq!(app.export_row("SEF", "1001").await["attempts"], "100");
        assert_eq!(app.verified_events().await, 100);
    }

    async fn a_full_queue_answers_retry_later_and_promises_nothing(database: TestDatabase) {
        let app = TestApp::start_with(&database, TestClock::frozen(), |mut settings| {
            settings.receiving.queue_length = 1;
            settings
        })
        .await;
        small_city(&app).await;
        let secret = app.platform("larportal").await;
        let sender = app.sender("larportal", &secret);
        // While another transaction writes, one delivery waits for the commit and another in the queue, and there is no more
        // space.
        let writing = app.app.store.change(kurskoll::store::Unscoped::Operating, app.clock.now()).await.expect("a change");
        let mut under_way: FuturesUnordered<_> = (0..10)
            .map(|id| {
                let request = sender.delivery(&format!("e-{id}"), app.clock.now(), basics().to_string().as_bytes());
                async move { (id, Answer::to(request).await.expect("an answer")) }
            })
            .collect();
        let mut refused = Vec::new();
        for _ in 0..8 {
            let (id, answer) = under_way.next().await.expect("an answer");
            let problem = answer.refused(503);
            assert_eq!(problem["type"], "/problems/unavailable");
            assert_eq!(problem["detail"], "The register cannot answer right now. Send the same again after 1 s.");
            assert_eq!(answer.headers["retry-after"], "1");
            refused.push(id);
        }
        writing.roll_back().await.expect("undone");
        let mut taken = BTreeSet::new();
        while let Some((id, answer)) = under_way.next().await {
            if answer.status == 200 {
                taken.insert(format!("e-{id}"));
            } else {
                answer.refused(503);
                refused.push(id);
            }
        }
        assert!(!taken.is_empty());
        let stored = app.stored_ids().await;
        assert_eq!(stored, taken);
        for id in refused {
            app.deliver("larportal", &secret, &format!("e-{id}"), &basics()).await.ok();
        }
        assert_eq!(app.stored_deliveries().await.len(), 10);
    }
}
