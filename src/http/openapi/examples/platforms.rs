//! What the operations on platforms and their quarantine accept and answer.

use serde_json::{Value, json};

/// Bodies that an operation accepts: a name, what it is, and the body.
pub(super) fn of_request(operation: &str) -> Vec<(&'static str, &'static str, Value)> {
    match operation {
        "import_results" => vec![(
            "history",
            "A completion, and a graded quiz without an id",
            "event_id,type,employee_number,email,username,course_id,quiz_id,occurred_at,score_raw,score_max,passed\n\
             old-1,course.completed,104233,,,infosec-basics,,2025-09-14 13:45,,,\n\
             ,quiz.graded,104233,,,infosec-basics,infosec-basics-quiz,2025-09-14,17,20,\n"
                .into(),
        )],
        "replay_quarantine" => vec![
            (
                "all_of_a_problem",
                "What all that wait for one reason would become",
                json!({
                    "all": true, "platform": "larportal", "problem": "is missing: send a JSON object", "dry_run": true
                }),
            ),
            ("some", "Three of them", json!({"ids": [17, 18, 21]})),
        ],
        "dismiss_deliveries" => vec![(
            "settled",
            "Two that were sent again under new ids",
            json!({"ids": [17, 18], "reason": "sent again by hand under new ids, ticket 4711"}),
        )],
        "undo_quarantine_dismissal" => vec![("why", "Why", json!({"reason": "was another delivery"}))],
        _ => Vec::new(),
    }
}

/// An answer of an operation, if it is one of these.
pub(super) fn of_answer(operation: &str) -> Option<Value> {
    let answer = match operation {
        "import_results" => json!({
            "platform": "larportal", "dry_run": false, "delivery": 4712, "same_file_at": null, "results": 300_000,
            "new": 299_120, "linked": 291_833, "waiting": 7287, "known": 880, "skipped": 0, "ignored_columns": ["Kommentar"],
            "absent_columns": ["passed"]
        }),
        "list_platforms" => json!({
            "items": [{
                "code": "larportal", "adapter": "native",
                "linking_keys": ["employee_number", "email", "username", "account"], "time_zone": "Europe/Stockholm",
                "silence": silence(), "result_silence": result_silence(), "quarantined": 5
            }]
        }),
        "show_platform_health" => json!({
            "platform": "larportal", "since": "2026-02-19T12:00:00Z", "silence": silence(),
            "result_silence": result_silence(), "deliveries": 1520, "quarantined": 5, "quarantined_share": "0.3", "linked_results": 1480, "waiting_results": 19,
            "linked_share": "98.7", "linked_from": "2026-01-30", "linked_to": "2026-02-26",
            "clock_skew": {"median_seconds": "0.214", "p95_seconds": "1.902", "max_seconds": "-4.120"},
            "out_of_order": {"median_seconds": "0.000", "p95_seconds": "86.000", "max_seconds": "90000.000"},
            "duplicates": 31, "conflicts": 0, "refused_signatures": 2, "rate_limited": 0,
            "pull": {
                "source": "xapi", "address": "https://lrs.example.org/xapi", "every_seconds": 3600,
                "since": "2026-03-02T10:47:11.250Z", "due_at": "2026-03-02T12:00:04Z", "is_under_way": false,
                "begun_at": "2026-03-02T11:00:02Z", "ended_at": "2026-03-02T11:00:04Z",
                "succeeded_at": "2026-03-02T11:00:04Z", "failures": 0, "problem": null, "is_late": false, "found": 3,
                "last": {"returned": 1204, "found": 0, "refused": 0, "contradicting": 0, "undated": 0}
            }
        }),
        "list_quarantine" => json!({
            "items": [{
                "id": 17, "platform": "larportal", "delivery_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
                "received_at": "2026-02-26T11:58:03Z", "size": 172, "problem": "is missing: send a JSON object",
                "pointer": "/data/course",
                "excerpt": {
                    "text": "\"data\": {\"learner\": {\"employee_number\": \"104233\"}, \"cuorse\": {\"id\": \"infosec-basics\"}}}",
                    "offset": 81, "place": 89, "is_cut": true
                },
                "dismissal": null
            }],
            "next": null
        }),
        "group_quarantine" => json!({
            "items": [{
                "platform": "larportal", "pointer": "/data/course", "problem": "is missing: send a JSON object",
                "deliveries": 5, "oldest": "2026-02-26T09:12:44Z", "newest": "2026-02-26T11:58:03Z", "example": 17
            }],
            "deliveries": 5, "next": null
        }),
        "replay_quarantine" => json!({
            "dry_run": true, "deliveries": 2, "accepted": 1, "duplicate": 0, "ignored": 0, "quarantined": 1,
            "new_results": 1, "linked_results": 1, "waiting_results": 0,
            "items": [
                {
                    "id": 17, "platform": "larportal", "outcome": "accepted", "new_results": 1, "linked_results": 1,
                    "problem": null, "pointer": null
                },
                {
                    "id": 18, "platform": "larportal", "outcome": "quarantined", "new_results": 0,
                    "linked_results": 0, "problem": "is missing: send a JSON object", "pointer": "/data/learner"
                }
            ],
            "next": 18
        }),
        "dismiss_deliveries" => json!({"deliveries": 2}),
        "undo_quarantine_dismissal" => json!({"deliveries": 1}),
        _ => return None,
    };
    Some(answer)
}

fn result_silence() -> Value {
    json!({
        "last_result_at": "2026-02-26T09:12:44Z", "silence_seconds": 10_036, "threshold_seconds": 468_000,
        "threshold_from": "learned", "alarm": false
    })
}

fn silence() -> Value {
    json!({
        "last_delivery_at": "2026-02-26T10:30:00Z", "silence_seconds": 5400, "threshold_seconds": 453_720,
        "threshold_from": "learned", "alarm": false
    })
}
