//! What operations take and answer, as the document shows it. A test holds each example to its own schema.

use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::example::{Example, ExampleBuilder};

/// Bodies that an operation takes, by name.
pub(super) fn of_request(operation: &str) -> Vec<(String, RefOr<Example>)> {
    let named = |name: &str, summary: &str, value: Value| {
        (name.to_owned(), RefOr::T(ExampleBuilder::new().summary(summary).value(Some(value)).build()))
    };
    match operation {
        "make_link" => vec![
            named(
                "to_an_employee",
                "The address is this employee's",
                json!({
                    "platform": "larportal", "key": "email", "value": "anna.andersson@example.org",
                    "employee_number": "104233", "reason": "new address after marriage, asked by phone"
                }),
            ),
            named(
                "to_nobody",
                "The account is nobody's, whoever the directory knows by it",
                json!({
                    "platform": "larportal", "key": "account", "home_page": "https://larportal.example.org",
                    "value": "17", "employee_number": null, "reason": "the platform's own test account"
                }),
            ),
        ],
        "link_in_bulk" => vec![named(
            "several",
            "A link, a dismissal and an undoing, all or none",
            json!({
                "all_or_nothing": true,
                "operations": [
                    {
                        "op": "link", "platform": "larportal", "key": "email", "value": "anna.andersson@example.org",
                        "employee_number": "104233", "reason": "new address after marriage, asked by phone"
                    },
                    {
                        "op": "dismiss", "platform": "larportal", "key": "account",
                        "home_page": "https://larportal.example.org", "value": "17",
                        "reason": "the platform's own test account"
                    },
                    {"op": "undo", "id": 3}
                ]
            }),
        )],
        "receive_delivery" => vec![
            named(
                "course.completed",
                "Somebody completed a course",
                json!({
                    "type": "course.completed", "timestamp": "2026-03-02T08:15:00+01:00",
                    "data": {
                        "learner": {
                            "employee_number": "104233", "email": "anna.andersson@example.org", "username": "annand",
                            "account": {"home_page": "https://larportal.example.org", "name": "17"}
                        },
                        "course": {"id": "infosec-basics", "title": "Informationssäkerhet", "version": "3"},
                        "completed_at": "2026-03-02T08:14:58+01:00"
                    }
                }),
            ),
            named(
                "quiz.graded",
                "An attempt at a knowledge test was graded",
                json!({
                    "type": "quiz.graded", "timestamp": "2026-03-02T08:31:00+01:00",
                    "data": {
                        "learner": {"employee_number": "104233"}, "course": {"id": "infosec-basics"},
                        "quiz": {"id": "infosec-basics-quiz"}, "attempt": 2, "score": {"raw": "17", "max": "20"},
                        "passed": true, "graded_at": "2026-03-02T08:30:41+01:00"
                    }
                }),
            ),
            named(
                "completion.revoked",
                "A completion is withdrawn",
                json!({
                    "type": "completion.revoked", "timestamp": "2026-03-03T09:00:00+01:00",
                    "data": {
                        "learner": {"employee_number": "104233"}, "course": {"id": "infosec-basics"},
                        "event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "reason": "taken by a colleague"
                    }
                }),
            ),
        ],
        _ => Vec::new(),
    }
}

/// The JSON that an operation answers when all is well.
pub(super) fn of_answer(operation: &str) -> Option<Value> {
    let answer = match operation {
        "onboarding_report" => json!({
            "requirement": "infosec-onboarding", "as_of": "2026-02-26", "known_at": "2026-02-26T12:00:00Z", "version": 1,
            "due_from": "2025-02-27", "due_to": "2026-02-26",
            "city": figures(),
            "administrations": [{
                "code": "SEF", "name": "Serviceförvaltningen", "counts": figures()["counts"],
                "completion_rate": "94.2", "on_time_rate": null,
                "completion_rate_range": {"lowest": "94.2", "highest": "95.1"}
            }],
            "data_quality": {
                "unlinked_results": 12, "dismissed_results": 3,
                "linked_share": {
                    "from": "2026-01-30", "to": "2026-02-26", "warning": false, "overall": linked_share(),
                    "platforms": [{
                        "platform": "larportal", "share": "98.2", "share_before": "98.9", "warning": false,
                        "results": 1480, "results_before": 1512
                    }]
                }, "quarantined_deliveries": 1,
                "platforms": [{"platform": "larportal", "silent_since": "2026-02-26T11:58:03Z"}]
            }
        }),
        "list_compliance" => json!({
            "items": [{
                "administration": "SEF", "administration_name": "Serviceförvaltningen", "unit": "Måltid norr",
                "employee_number": "104233", "given_name": "Anna", "family_name": "Andersson",
                "email": "anna.andersson@example.org", "employment_form": "permanent", "starts_on": "2026-01-12",
                "requirement": "infosec-onboarding", "status": "compliant", "due_on": "2026-02-11",
                "satisfied_on": "2026-01-20", "valid_until": "2027-01-19", "best_score_percent": "85.0", "attempts": 2,
                "last_attempt_on": "2026-01-20", "evidence_event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
                "as_of": "2026-02-26"
            }],
            "next": "aW5mb3NlYy1vbmJvYXJkaW5nAEFuZGVyc3Nvbg"
        }),
        "show_employee" => json!({
            "employee_number": "104233", "given_name": "Anna", "family_name": "Andersson", "protected": false,
            "as_of": "2026-02-26", "known_at": "2026-02-26T12:00:00Z",
            "employments": [{
                "employment_id": "1", "administration": "SEF", "unit": "Måltid norr", "form": "permanent",
                "starts_on": "2026-01-12", "ends_on": null, "email": "anna.andersson@example.org", "username": "annand",
                "manager_employee_number": "100017"
            }],
            "absences": [{"starts_on": "2026-07-01", "ends_on": "2026-07-31"}],
            "requirements": [{
                "requirement": "infosec-onboarding", "title_sv": "Informationssäkerhet för nyanställda",
                "title_en": "Information security for new employees", "version": 1, "status": "compliant",
                "clock_starts_on": "2026-01-12", "due_on": "2026-02-11", "on_time": true, "satisfied_on": "2026-01-20",
                "valid_until": "2027-01-19", "evidence_event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
                "best_score_percent": "85.0", "attempts": 2, "last_attempt_on": "2026-01-20",
                "evidence": [{
                    "course": null, "quiz": "infosec-basics-quiz", "platform": "larportal",
                    "event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "occurred_at": "2026-01-20T08:30:41Z",
                    "holds_from": "2026-01-20", "holds_to": "2027-01-19"
                }]
            }]
        }),
        "list_unlinked" => json!({
            "items": [{
                "platform": "larportal",
                "identity": {"key": "email", "value": "a.andersson@example.org", "home_page": null},
                "why": "ambiguous", "results": 2, "first_recorded_at": "2026-02-20T09:14:00Z",
                "last_recorded_at": "2026-02-21T13:02:11Z",
                "keys": [
                    {
                        "key": "employee_number", "value": null, "home_page": null, "verdict": "not_given",
                        "employees": [], "contradicted_by": null
                    },
                    {
                        "key": "email", "value": "a.andersson@example.org", "home_page": null, "verdict": "ambiguous",
                        "employees": ["104233", "104871"], "contradicted_by": null
                    }
                ],
                "learner_count": 1,
                "learners": [{
                    "employee_number": null, "email": "a.andersson@example.org", "username": null, "account": null
                }],
                "courses": ["infosec-basics"], "quizzes": ["infosec-basics-quiz"],
                "counts_towards": [{"requirement": "infosec-onboarding", "whole": true}],
                "candidates": ["104233", "104871"],
                "suggestions": [{
                    "employee_number": "104871", "given_name": "Anna", "family_name": "Andersson", "score": 83,
                    "reasons": [
                        {"code": "key_fits", "text": "is known by this e-mail address"},
                        {"code": "starts_soon", "text": "an employment starts on 2026-03-16"}
                    ]
                }],
                "dismissed": null
            }],
            "next": null
        }),
        "list_links" => json!([link(None)]),
        "make_link" => link(None),
        "undo_link" => link(Some("2026-02-27T08:00:00Z")),
        "link_in_bulk" => json!({
            "done": 1,
            "operations": [
                {"outcome": "done", "link": link(None), "detail": null, "pointer": null},
                {
                    "outcome": "refused", "link": null, "detail": "no link with the id 7 stands",
                    "pointer": "/operations/1"
                }
            ]
        }),
        "list_deliveries" => json!({"items": [delivery()], "next": "17"}),
        "show_delivery" => {
            let mut shown = delivery();
            shown["headers"] = json!({
                "webhook-id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "webhook-timestamp": "1772100000",
                "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
            });
            shown["body_base64"] = json!("eyJ0eXBlIjoxfQ==");
            shown["body_text"] = json!("{\"type\":1}");
            shown
        }
        "replay_delivery" => json!({
            "id": 17, "outcome": "accepted", "linked": true, "problem": null, "problem_pointer": null
        }),
        "list_audit" => json!({
            "items": [{
                "id": 4711, "at": "2026-02-26T12:00:00Z", "subject": "central-hr", "action": "administration.export",
                "object": "administration SEF, infosec-onboarding", "scope": "city",
                "request_id": "0199f5a0-7cc1-7cc1-8000-000000000000"
            }],
            "next": "4711"
        }),
        "receive_delivery" => json!({
            "event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "outcome": "accepted", "linked": true
        }),
        _ => return None,
    };
    Some(answer)
}

fn figures() -> Value {
    json!({
        "counts": {
            "in_scope": 1240, "compliant": 1120, "expiring": 48, "pending": 31, "overdue": 29, "expired": 12,
            "exempt": 6, "on_leave": 17
        },
        "completion_rate": "94.2", "on_time_rate": "88.3",
        "completion_rate_range": {"lowest": "94.2", "highest": "95.1"}
    })
}

fn linked_share() -> Value {
    json!({"share": "98.2", "share_before": "98.9", "warning": false, "results": 1480, "results_before": 1512})
}

fn link(undone_at: Option<&str>) -> Value {
    json!({
        "id": 3, "platform": "larportal", "key": "email", "value": "anna.andersson@example.org", "home_page": null,
        "employee_number": "104233", "reason": "new address after marriage, asked by phone", "decided_by": "central-hr",
        "decided_at": "2026-02-26T12:00:00Z", "undone_at": undone_at
    })
}

fn delivery() -> Value {
    json!({
        "id": 17, "platform": "larportal", "delivery_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "outcome": "quarantined",
        "problem": "a type is not text", "problem_pointer": "/type", "received_at": "2026-02-26T10:00:00Z",
        "released_at": null, "content_type": "application/json", "size": 10
    })
}
