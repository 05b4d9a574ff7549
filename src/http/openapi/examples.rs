//! What operations accept and answer, as the document shows it. A test checks each example against its own schema.

mod platforms;

use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::example::{Example, ExampleBuilder};

/// A workbook, which no document can show.
pub(super) fn workbook() -> (String, RefOr<Example>) {
    let summary = "The columns of the file of text, in the only sheet that has anything in it";
    let value = Value::from("the bytes of an .xlsx file");
    ("workbook".to_owned(), RefOr::T(ExampleBuilder::new().summary(summary).value(Some(value)).build()))
}

/// Bodies that an operation accepts, by name.
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
                "The account belongs to no employee, even if the directory knows one by it",
                json!({
                    "platform": "larportal", "key": "account", "home_page": "https://larportal.example.org",
                    "value": "17", "employee_number": null, "reason": "the platform's own test account"
                }),
            ),
        ],
        "check_profile" => vec![
            named(
                "a_shipped_profile",
                "What Docebo sends, by the profile that comes with Kurskoll",
                json!({
                    "profile": "docebo",
                    "sample": {
                        "event": "course.enrollment.completed", "message_id": "wh-20260302-071500-3c5a1d2e",
                        "payload": {"username": "anna@example.org", "course_id": 171, "completion_date": "2026-03-02 07:14:58"}
                    }
                }),
            ),
            named(
                "a_form",
                "A form as text, by Moodle's profile",
                json!({
                    "profile": "moodle", "content_type": "application/x-www-form-urlencoded",
                    "sample": "eventname=%5Ccore%5Cevent%5Ccourse_completed&user_idnumber=104233&courseid=4&timecreated=1772435698",
                    "time_zone": "Europe/Stockholm"
                }),
            ),
        ],
        "reorganise" => vec![
            named(
                "a_split",
                "A unit becomes an administration of its own",
                json!({
                    "on_day": "2026-07-01", "reason": "the city council's decision of 12 March", "dry_run": true,
                    "opens": [{"code": "MF", "name": "Måltidsförvaltningen", "board": "Måltidsnämnden"}],
                    "moves": [{"from": "SEF", "to": "MF", "unit": "Måltid"}]
                }),
            ),
            named(
                "a_merger",
                "Two become one of them",
                json!({
                    "on_day": "2026-07-01", "reason": "the city council's decision of 12 March",
                    "moves": [{"from": "SEF", "to": "FGK"}], "closes": ["SEF"]
                }),
            ),
        ],
        "undo_reorganisation" => vec![named("why", "Why", json!({"reason": "postponed by the council"}))],
        "propose_exemption" => vec![named(
            "field_work",
            "Somebody who works without a computer",
            json!({
                "employee_number": "104233", "requirement": "infosec-onboarding", "starts_on": "2026-03-01",
                "ends_on": "2026-08-31", "reason": "works in the field, without a computer"
            }),
        )],
        "propose_prior_training" => vec![
            named(
                "a_course",
                "A course done elsewhere",
                json!({
                    "employee_number": "104233", "course": "infosec-basics", "completed_on": "2026-01-12",
                    "reason": "certificate of 12 January from Region Skåne, seen"
                }),
            ),
            named(
                "a_quiz",
                "A test with its score",
                json!({
                    "employee_number": "104233", "quiz": "infosec-basics-quiz", "score": {"raw": "17", "max": "20"},
                    "completed_on": "2026-01-12", "reason": "certificate of 12 January from Region Skåne, seen"
                }),
            ),
        ],
        "decide_result" => vec![
            named(
                "withdraw",
                "A completion under the wrong account, first as a dry run",
                json!({
                    "event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "platform": "larportal", "decision": "withdraw",
                    "reason": "completed under the wrong account", "dry_run": true
                }),
            ),
            named(
                "restore",
                "What the platform revoked by mistake",
                json!({
                    "event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "decision": "restore",
                    "reason": "the platform reset the course by mistake"
                }),
            ),
        ],
        "reject_result_decision" => vec![named("why", "Why", json!({"reason": "the result was right after all"}))],
        "reread_platform" => vec![
            named("dry_run", "What would change", json!({"since": "2026-01-01", "dry_run": true})),
            named("go_on", "What an answer with a next left", json!({"after": 4711})),
        ],
        "take_from_quarantine" => vec![
            named("all", "All that are good, first as a dry run", json!({"dry_run": true})),
            named("some", "Two of them", json!({"only": [0, 2]})),
        ],
        "reject_exemption" | "withdraw_exemption" | "reject_prior_training" | "withdraw_prior_training" => {
            vec![named("why", "Why", json!({"reason": "does not work in the field any more"}))]
        }
        "correct_employee" => vec![
            named(
                "a_transfer",
                "A transfer from the first of February, reported late",
                json!({
                    "reason": "moved on 1 February, reported late", "dry_run": true,
                    "employments": [
                        {"act": "change", "employment_id": "1", "ends_on": "2026-01-31"},
                        {"act": "add", "employment_id": "2", "administration": "FGK", "unit": "Gata", "form": "permanent",
                         "starts_on": "2026-02-01"}
                    ]
                }),
            ),
            named(
                "a_forgotten_leave",
                "A leave that was not reported",
                json!({
                    "reason": "parental leave since January",
                    "absences": [{"act": "add", "starts_on": "2026-01-07", "ends_on": null}]
                }),
            ),
            named(
                "an_employment_that_never_was",
                "Somebody else's employment stood under this number",
                json!({"reason": "mixed up with 104234", "employments": [{"act": "withdraw", "employment_id": "3"}]}),
            ),
        ],
        "merge_employees" => vec![named(
            "hired_twice",
            "One human under two numbers",
            json!({"duplicate": "104999", "reason": "hired twice in January, seen in the payroll system", "dry_run": true}),
        )],
        "undo_import" => vec![named(
            "an_old_file",
            "An old file was imported",
            json!({"reason": "the file was last year's", "dry_run": true}),
        )],
        "undo_merge" => vec![named(
            "not_the_same",
            "They were two after all",
            json!({"reason": "two persons of the same name after all"}),
        )],
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
        _ => platforms::of_request(operation).into_iter().map(|(name, what, body)| named(name, what, body)).collect(),
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
                    "from": "2026-01-30", "to": "2026-02-26", "before_from": "2026-01-02", "before_to": "2026-01-29",
                    "warning": false, "overall": linked_share(),
                    "platforms": [{
                        "platform": "larportal", "share": "98.2", "share_before": "98.9", "warning": false,
                        "results": 1480, "results_before": 1512
                    }]
                }, "quarantined_deliveries": 1,
                "platforms": [{
                    "platform": "larportal", "silent_since": "2026-02-26T11:58:03Z",
                    "last_result_at": "2026-02-26T09:12:44Z", "results_silent": false
                }],
                "statements_without_result": [{
                    "platform": "moodle", "course": null, "quiz": "https://larportal.example.org/mod/quiz/view.php?id=1",
                    "statements": 214, "verb": "http://adlnet.gov/expapi/verbs/completed", "reason": "completion_alone",
                    "because": "it says that it was completed, without a score and without pass or fail"
                }]
            }
        }),
        "list_profiles" => json!({"items": [profile()]}),
        "show_profile" => {
            let mut shown = profile();
            shown["toml"] = "title = \"Docebo webhooks\"\n[signature]\nscheme = \"basic\"\n".into();
            shown
        }
        "check_profile" => json!({
            "understood": true, "problem": null, "results": 1,
            "events": [{
                "pointer": "/payload", "type": "course.enrollment.completed", "taken_for": "completion",
                "rules": [{"number": 1, "is": "completion", "fits": true, "why_not": null}],
                "fields": [{
                    "field": "occurred_at", "looked_at": "$.completion_date", "pointer": "/payload/completion_date",
                    "sent": "2026-03-02 07:14:58", "meaning": "2026-03-02T07:14:58+00:00", "problem": null
                }],
                "results": [{
                    "event_id": "wh-20260302-071500-3c5a1d2e", "kind": "completion", "course": "171", "quiz": null,
                    "occurred_at": "2026-03-02T07:14:58Z", "attempt": null, "score": null, "passed": null,
                    "revoked_event_id": null
                }],
                "problem": null
            }]
        }),
        "onboarding_trend" => json!({
            "requirement": "infosec-onboarding", "known_at": "2026-02-26T12:00:00Z", "interval": "month",
            "tree": "of_day", "tree_of": null,
            "points": [{"as_of": "2026-01-31", "version": 1, "city": trend_figures(), "administrations": [trend_of("SEF")]}]
        }),
        "list_reorganisations" => json!({"items": [reorganisation(false), reorganisation(true)]}),
        "undo_reorganisation" => reorganisation(true),
        "reorganise" => {
            let mut made = reorganisation(false);
            made["dry_run"] = false.into();
            made["moved"] = json!([{"from": "SEF", "to": "MF", "employments": 412, "people": 405}]);
            made["named_before"] = json!({"employments": 0, "people": 0});
            made["requirements_to_change"] = json!([]);
            made
        }
        "onboarding_differences" => json!({
            "requirement": "infosec-onboarding", "as_of": "2026-02-26", "known_at": "2026-03-26T12:00:00Z",
            "compare_known_at": "2026-02-26T12:00:00Z", "differing": 14,
            "items": [{
                "employee_number": "104233", "administrations": ["SEF"], "status_before": "overdue",
                "status_now": "compliant",
                "because": [{
                    "kind": "result", "known_at": "2026-03-02T08:15:00Z", "by": "platform larportal", "how": "delivery",
                    "of": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "happened": "added",
                    "changes": [{"field": "course", "before": null, "after": "infosec-basics"}], "hidden": false,
                    "reason": null
                }]
            }],
            "next": "104233"
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
            "employee_number": "104233", "given_name": "Anna", "family_name": "Andersson", "protected": false, "merged_numbers": [],
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
        "show_history" => json!({
            "employee_number": "104233",
            "items": [{
                "known_at": "2026-02-26T12:00:00Z", "by": "hr-admin", "how": "correction", "kind": "employment", "of": "1",
                "happened": "changed", "changes": [{"field": "ends_on", "before": null, "after": "2026-01-31"}],
                "hidden": false, "reason": "left at the end of January, reported late", "merged_number": null
            }],
            "next": "1772107200000000.0"
        }),
        "correct_employee" => json!({
            "employee_number": "104233", "dry_run": false, "known_at": "2026-02-26T12:00:00Z",
            "changes": [{
                "kind": "employment", "of": "1", "happened": "changed",
                "changes": [{"field": "ends_on", "before": null, "after": "2026-01-31"}], "hidden": false
            }],
            "as_of": "2026-02-26",
            "statuses": [{"requirement": "infosec-onboarding", "before": "overdue", "now": null}]
        }),
        "merge_employees" => json!({
            "merge": merge(false), "dry_run": false, "known_at": "2026-02-26T12:00:00Z", "as_of": "2026-02-26",
            "kept_statuses": [{"requirement": "infosec-onboarding", "before": "overdue", "now": "compliant"}],
            "duplicate_statuses": [{"requirement": "infosec-onboarding", "before": "compliant", "now": null}]
        }),
        "undo_merge" => json!({
            "merge": merge(true), "dry_run": false, "known_at": "2026-02-27T08:00:00Z", "as_of": "2026-02-27",
            "kept_statuses": [{"requirement": "infosec-onboarding", "before": "compliant", "now": "overdue"}],
            "duplicate_statuses": [{"requirement": "infosec-onboarding", "before": null, "now": "compliant"}]
        }),
        "list_merges" => json!({"items": [merge(false)], "next": null}),
        "list_exemption" => json!({"items": [exemption()], "next": null}),
        "show_exemption" | "propose_exemption" | "approve_exemption" | "reject_exemption" | "withdraw_exemption" => {
            exemption()
        }
        "list_result_decisions" => json!({"items": [result_decision()], "next": null}),
        "show_result_decision" | "approve_result_decision" | "reject_result_decision" => result_decision(),
        "decide_result" => json!({
            "decision": result_decision(),
            "result": {
                "platform": "larportal", "event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "kind": "completion",
                "course": "infosec-basics", "quiz": null, "occurred_at": "2026-03-02T07:14:58Z"
            },
            "needs_approval": false,
            "changes": [{
                "employee_number": "104233", "requirement": "infosec-onboarding", "from": "2026-03-02",
                "status_before": "compliant", "status_after": "overdue", "valid_until_before": "2027-03-01",
                "valid_until_after": null
            }]
        }),
        "reread_platform" => json!({
            "dry_run": true, "deliveries": 120, "added": 0, "changed": 1, "dropped": 0, "contradicting": 0,
            "events": [
                {"delivery_id": 4698, "event_id": "wh-20260302-071500-3c5a1d2e", "difference": "changed"}
            ],
            "not_understood": [],
            "changes": [{
                "employee_number": "104233", "requirement": "infosec-onboarding", "from": "2026-03-02",
                "status_before": "overdue", "status_after": "compliant", "valid_until_before": null,
                "valid_until_after": "2027-03-01"
            }],
            "next": null
        }),
        "take_from_quarantine" => json!({
            "dry_run": false,
            "items": [
                {"number": 0, "pointer": "/0", "state": "taken", "problem": null},
                {
                    "number": 1, "pointer": "/1/timestamp", "state": "not_understood",
                    "problem": "lies more than a day after 2026-03-02T07:15:00Z, when it was received: set the sender's clock right"
                }
            ],
            "new_results": 1, "linked_results": 1
        }),
        "list_prior_training" => json!({"items": [prior_training()], "next": null}),
        "show_prior_training"
        | "propose_prior_training"
        | "approve_prior_training"
        | "reject_prior_training"
        | "withdraw_prior_training" => prior_training(),
        "undo_import" => {
            let none = json!({"added": 0, "changed": 0, "ended": 0, "withdrawn": 0});
            json!({
                "undoes": 12, "import": null, "dry_run": true,
                "summary": {
                    "administrations": none, "persons": none,
                    "employments": {"added": 0, "changed": 1, "ended": 0, "withdrawn": 0},
                    "absences": none, "exemptions": none, "identities": none
                },
                "changes": [{
                    "kind": "employment", "act": "changed", "key": "104233/1", "field": "starts_on",
                    "before": "2026-02-01", "after": "2020-02-01"
                }],
                "has_more_changes": false,
                "left": [{"kind": "employment", "key": "104234/1", "why": "changed_since"}]
            })
        }
        "list_imports" => json!({"items": [import()], "next": "12"}),
        "show_import" => import(),
        "show_import_difference" => json!({
            "items": [
                {"kind": "employment", "act": "changed", "key": "104233/1", "field": "unit", "before": "Måltid norr",
                 "after": "Måltid söder"},
                {"kind": "person", "act": "changed", "key": "104871", "field": null, "before": null, "after": null}
            ],
            "next": null
        }),
        "list_unlinked" => json!({
            "items": [{
                "platform": "larportal",
                "identity": {"key": "email", "value": "a.andersson@example.org", "home_page": null},
                "withheld": false, "why": "ambiguous", "results": 2, "first_recorded_at": "2026-02-20T09:14:00Z",
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
        "make_link" => decided_link(None),
        "undo_link" => decided_link(Some("2026-02-27T08:00:00Z")),
        "link_in_bulk" => json!({
            "done": 1, "dry_run": false,
            "operations": [
                {"outcome": "done", "link": decided_link(None), "moves": [], "detail": null, "pointer": null},
                {
                    "outcome": "refused", "link": null, "moves": [], "detail": "no link with the id 7 is in force",
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
            shown["body_withheld"] = json!(null);
            shown["body_sha256"] = json!("e126f1dec85e7de6b6f24432180a115a86bdcbcbdbcc9a422a44fc913ad4cde8");
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
        _ => return platforms::of_answer(operation),
    };
    Some(answer)
}

fn import() -> Value {
    let none = json!({"added": 0, "changed": 0, "ended": 0, "withdrawn": 0});
    json!({
        "id": 12, "at": "2026-02-26T04:00:03Z", "by": "operator", "day": "2026-02-26", "extent": "full",
        "files": [{
            "kind": "employments", "name": "personal-2026-02-26.csv",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "bytes": 3_412_907, "records": 26_114, "skipped": 3
        }],
        "mapping": {
            "name": "lonesystem.toml",
            "sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
        },
        "summary": {
            "administrations": none, "persons": {"added": 14, "changed": 2, "ended": 0, "withdrawn": 0},
            "employments": {"added": 17, "changed": 31, "ended": 9, "withdrawn": 1},
            "absences": none, "exemptions": none, "identities": none
        },
        "undoes": null, "reason": null, "undone": null
    })
}

fn reorganisation(is_undone: bool) -> Value {
    json!({
        "id": 3, "on_day": "2026-07-01", "reason": "the city council's decision of 12 March", "opens": ["MF"],
        "moves": [{"from": "SEF", "to": "MF", "unit": "Måltid"}], "closes": [], "made_by": "operator",
        "recorded_at": "2026-06-01T08:00:00Z", "undone_by": is_undone.then_some("operator"),
        "undone_at": is_undone.then_some("2026-06-20T08:00:00Z"),
        "undone_because": is_undone.then_some("postponed by the council")
    })
}

fn trend_figures() -> Value {
    let mut figures = figures();
    if let Some(figures) = figures.as_object_mut() {
        figures.remove("completion_rate_range");
    }
    figures
}

fn trend_of(code: &str) -> Value {
    let mut figures = trend_figures();
    figures["code"] = code.into();
    figures["name"] = "Serviceförvaltningen".into();
    figures
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

fn profile() -> Value {
    json!({"name": "docebo", "title": "Docebo webhooks", "signature": "basic"})
}

fn linked_share() -> Value {
    json!({"share": "98.2", "share_before": "98.9", "warning": false, "results": 1480, "results_before": 1512})
}

fn link(undone_at: Option<&str>) -> Value {
    json!({
        "id": 3, "platform": "larportal", "key": "email", "value": "anna.andersson@example.org", "home_page": null,
        "employee_number": "104233", "from": "2026-02-20", "to": "2026-02-21",
        "reason": "new address after marriage, asked by phone", "decided_by": "central-hr",
        "decided_at": "2026-02-26T12:00:00Z", "undone_at": undone_at
    })
}

fn decided_link(undone_at: Option<&str>) -> Value {
    let mut decided = link(undone_at);
    decided["dry_run"] = json!(false);
    decided["moves"] = json!([{
        "employee_number": "104233", "gains": 1, "loses": 0,
        "results": [{
            "event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "course": "infosec-basics", "quiz": null,
            "occurred_on": "2026-02-20", "gained": true
        }],
        "statuses": [{"requirement": "infosec-onboarding", "before": "pending", "now": "compliant"}]
    }]);
    decided
}

fn exemption() -> Value {
    let mut exemption = json!({
        "id": 4, "employee_number": "104233", "requirement": "infosec-onboarding", "starts_on": "2026-03-01",
        "ends_on": "2026-08-31"
    });
    decided(&mut exemption, "works in the field, without a computer");
    exemption
}

fn result_decision() -> Value {
    json!({
        "id": 3, "platform": "larportal", "event_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "decision": "withdraw",
        "state": "decided", "reason": "completed under the wrong account", "proposed_by": "anna.operator",
        "proposed_at": "2026-03-03T09:00:00Z", "decided_by": "anna.operator", "decided_at": "2026-03-03T09:00:00Z",
        "ended_by": null, "ended_at": null, "ended_because": null
    })
}

fn prior_training() -> Value {
    let mut training = json!({
        "id": 7, "event_id": "prior:7", "employee_number": "104233", "course": "infosec-basics", "quiz": null,
        "score_percent": null, "completed_on": "2026-01-12"
    });
    decided(&mut training, "certificate of 12 January from Region Skåne, seen");
    training
}

fn decided(proposal: &mut Value, reason: &str) {
    let decided = json!({
        "state": "decided", "reason": reason, "proposed_by": "anna", "proposed_at": "2026-02-26T12:00:00Z",
        "decided_by": "bo", "decided_at": "2026-02-26T13:00:00Z", "ended_by": null, "ended_at": null,
        "ended_because": null
    });
    if let (Some(proposal), Value::Object(decided)) = (proposal.as_object_mut(), decided) {
        proposal.extend(decided);
    }
}

fn delivery() -> Value {
    json!({
        "id": 17, "platform": "larportal", "delivery_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "outcome": "quarantined",
        "problem": "a type is not text", "problem_pointer": "/type", "received_at": "2026-02-26T10:00:00Z",
        "released_at": null, "content_type": "application/json", "is_pulled": false, "size": 10
    })
}

fn merge(undone: bool) -> Value {
    json!({
        "id": 7, "kept": "104233", "duplicate": "104999",
        "reason": "hired twice in January, seen in the payroll system",
        "decided_by": "hr-admin", "decided_at": "2026-02-26T12:00:00Z",
        "undone_by": undone.then_some("hr-admin"), "undone_at": undone.then_some("2026-02-27T08:00:00Z"),
        "undone_because": undone.then_some("two persons of the same name after all")
    })
}
