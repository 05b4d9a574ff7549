//! What the chain covers: every table and every column of the database, and how each is covered.
//!
//! # To add a table or a column
//!
//! A test compares this list with the migrated schema. It fails for a new table until the table is listed here.
//!
//! * **Facts** ([`Table::facts`]): rows that are written once, in a [`Change`](crate::store::Change), under increasing
//!   ids. Name the columns that never change. Columns that are set once later go into [`Table::ended`], under the
//!   instant that they are set with; that instant needs an index in the migration. A table without its own instant
//!   gives one with [`Table::at`]. A table whose first column is not a single increasing integer uses [`Table::keyed`].
//! * **Mutable** ([`Table::mutable`]): rows that change in place and have no history. Code that writes one calls
//!   [`alterations::note`](super::alterations::note) in the same change, after the write.
//! * **Uncovered** ([`Table::uncovered`]) and [`Table::but`]: derived columns, and columns that no report depends on,
//!   with the reason.
//!
//! A new column of facts goes to the **end** of its list: links that were sealed before cover the columns of that time.
//! Nothing else is needed: sealing, `verify`, and the test that alters every column use this list.

use super::table::{ColumnSpec, Late, MutableColumns, Table};

const fn late(instant: &'static str, columns: &'static [ColumnSpec]) -> Late {
    Late { instant, columns, from_nothing: true }
}

const SUPERSEDED: &[Late] = &[late("superseded_at", &["superseded_at"])];

const REREAD: &str = "follows from the delivery's bytes, and changes when they are read again; verify reads them";

const OF_EVENT: &str = "covered as a row of event, which it was";

const LINK: &str = "follows from the directory and the learner's keys; verify derives it again";

/// Every table of the database.
pub const TABLES: &[Table] = &[
    // The directory
    Table::facts("administration_fact", &["id", "code", "name", "board", "recorded_at"])
        .ended(SUPERSEDED)
        .called("t.code"),
    Table::facts("employee", &["id", "number", "recorded_at"])
        .but(&[("is_known", "follows from employee_fact; verify compares it")])
        .called("t.number"),
    Table::facts("employee_fact", &["id", "employee_id", "given_name", "family_name", "protected", "recorded_at"])
        .ended(SUPERSEDED)
        .called(EMPLOYEE),
    Table::facts(
        "employment_fact",
        &[
            "id",
            "employee_id",
            "employment_id",
            "administration",
            "unit",
            "form",
            "starts_on",
            "ends_on",
            "email",
            "username",
            "manager_number",
            "recorded_at",
            "earlier",
        ],
    )
    .ended(SUPERSEDED)
    .called(EMPLOYEE),
    Table::facts("absence_fact", &["id", "employee_id", "starts_on", "ends_on", "recorded_at"])
        .ended(SUPERSEDED)
        .called(EMPLOYEE),
    Table::facts(
        "exemption_fact",
        &["id", "employee_id", "requirement", "starts_on", "ends_on", "reason", "recorded_at"],
    )
    .ended(SUPERSEDED)
    .called(EMPLOYEE),
    Table::facts(
        "identity_claim",
        &[
            "id",
            "employee_id",
            "platform_id",
            "key",
            "value",
            "home_page",
            "source",
            "recorded_at",
            "valid_from",
            "valid_to",
            "continues",
        ],
    )
    .ended(&[Late {
        instant: "superseded_at",
        columns: &["superseded_at", "undone_then: CASE WHEN t.undone THEN 'undone' END"],
        from_nothing: false,
    }])
    .but(&[("undone", "covered with the end that an undoing gives it")])
    .called(EMPLOYEE),
    Table::facts(
        "merge_fact",
        &["id", "duplicate_employee_id", "kept_employee_id", "reason", "decided_by", "recorded_at"],
    )
    .ended(&[late("superseded_at", &["superseded_at", "undone_by", "undone_because"])]),
    Table::facts("correction", &["recorded_at", "employee_id", "reason"]).keyed("t.recorded_at", None).called(EMPLOYEE),
    Table::facts(
        "proposal",
        &[
            "id",
            "kind",
            "employee_id",
            "requirement",
            "course_id",
            "quiz_id",
            "score_points",
            "score_of",
            "starts_on",
            "ends_on",
            "reason",
            "proposed_by",
            "proposed_at",
        ],
    )
    .keyed("t.proposed_at", Some("t.id"))
    .at("t.proposed_at")
    .ended(&[
        late("recorded_at", &["recorded_at", "decided_by"]),
        late("superseded_at", &["superseded_at", "ended_by", "ended_because"]),
    ])
    .called(EMPLOYEE),
    Table::facts("reorganisation", &["id", "on_day", "reason", "made_by", "recorded_at"])
        .ended(&[late("superseded_at", &["superseded_at", "undone_by", "undone_because"])]),
    Table::facts("reorganisation_step", &["id", "reorganisation_id", "kind", "from_code", "to_code", "unit"])
        .at("(SELECT p.recorded_at FROM reorganisation p WHERE p.id = t.reorganisation_id)"),
    Table::facts(
        "import_report",
        &[
            "id",
            "at",
            "subject",
            "day",
            "extent",
            "mapping_name",
            "mapping_digest",
            "files_key",
            "summary",
            "undoes",
            "reason",
        ],
    )
    .at("t.at"),
    Table::facts("import_file", &["import_id", "kind", "name", "digest", "bytes", "records", "skipped"])
        .keyed("t.import_id", Some("t.kind"))
        .at("(SELECT p.at FROM import_report p WHERE p.id = t.import_id)"),
    Table::mutable(
        "scim_user",
        "id",
        true,
        &[
            "employee_id",
            "generation",
            "deleted",
            "active",
            "user_name",
            "user_name_key",
            "external_id",
            "provisioned",
            "changed_at",
            "id",
            "governs",
            "ended_at",
            "waited_as",
        ],
    ),
    Table::mutable(
        "scim_group",
        "id",
        false,
        &["id", "display_name", "external_id", "revision", "deleted", "created_at", "changed_at"],
    ),
    Table::facts("scim_member", &["id", "group_id", "user_id", "recorded_at"])
        .ended(&[late("superseded_at", &["superseded_at"])]),
    Table::mutable(
        "scim_waiting",
        "id",
        false,
        &[
            "id",
            "state",
            "active",
            "user_name",
            "user_name_key",
            "email_key",
            "external_id",
            "resource",
            "created_at",
            "changed_at",
        ],
    ),
    // Requirements
    Table::facts("requirement_version", &["id", "code", "version", "definition", "recorded_at"])
        .called("t.code || ' ' || t.version"),
    // Platforms
    Table::facts("platform", &["id", "code", "adapter", "linking_keys", "time_zone", "recorded_at"]).called("t.code"),
    Table::facts("platform_profile", &["id", "platform_id", "version", "text", "recorded_at"]).called(PLATFORM),
    Table::mutable("platform_secret", "id", false, &["id", "platform_id", "secret", "created_at", "expires_at"]),
    Table::mutable(
        "platform_credential",
        "id",
        false,
        &["id", "platform_id", "key", "secret_digest bytes", "created_at", "expires_at"],
    ),
    Table::mutable(
        "platform_pull",
        "platform_id",
        false,
        &["platform_id", "source", "address", "username", "secret", "details", "every_seconds", "recorded_at"],
    )
    .but(&[
        ("since", PULLED),
        ("newest", PULLED),
        ("due_at", PULLED),
        ("holder", PULLED),
        ("reserved_until", PULLED),
        ("begun_at", PULLED),
        ("ended_at", PULLED),
        ("succeeded_at", PULLED),
        ("failures", PULLED),
        ("problem", PULLED),
        ("returned", PULLED),
        ("found", PULLED),
        ("refused", PULLED),
        ("contradicting", PULLED),
        ("undated", PULLED),
    ]),
    // What platforms sent
    Table {
        mutable: Some(MutableColumns {
            key: "id",
            is_text: false,
            columns: &["problem", "problem_pointer"],
            only: "t.problem IS NOT NULL",
        }),
        weight: Some("LENGTH(t.body) + LENGTH(t.headers)"),
        but: &[("outcome", "covered by what it was first, and by what it became when it left quarantine")],
        late: &[Late {
            instant: "released_at",
            columns: &["released_at", "outcome_then: t.outcome"],
            from_nothing: false,
        }],
        must: &[("outcome", "(t.outcome = 'quarantined') = (t.problem IS NOT NULL AND t.released_at IS NULL)")],
        called: Some("t.delivery_key"),
        ..Table::facts(
            "delivery",
            &[
                "id",
                "platform_id",
                "delivery_key",
                "content_type",
                "headers",
                "body bytes",
                "received_at",
                "is_pulled",
                "outcome: CASE WHEN t.problem IS NULL THEN t.outcome ELSE 'quarantined' END",
            ],
        )
        .at("t.received_at")
    },
    Table::facts("quarantine_dismissal", &["id", "delivery_id", "reason", "dismissed_by", "recorded_at"])
        .ended(SUPERSEDED),
    Table::facts(
        "learner",
        &[
            "id",
            "platform_id",
            "fingerprint bytes",
            "employee_number",
            "email",
            "username",
            "account_home_page",
            "account_name",
            "recorded_at",
        ],
    )
    .but(&[("depends_on_day", LINK), ("employee_id", LINK), ("link_key", LINK), ("unlinked", LINK)]),
    Table::facts(
        "event",
        &[
            "id",
            "delivery_id",
            "platform_id",
            "learner_id",
            "event_id",
            "kind",
            "course_id",
            "quiz_id",
            "attempt",
            "occurred_at",
            "score_points",
            "score_of",
            "passed",
            "revokes_event_id",
            "reason",
            "recorded_at",
            "attempt_name",
            "revokes",
            "reported_at",
            "read_by",
            "arrived_by",
        ],
    )
    .moved_to("superseded_event")
    .but(&[
        ("employee_id", LINK),
        ("unlinked", LINK),
        ("repeats", "follows from the results with the same content; verify counts it again"),
    ])
    .called("t.event_id"),
    Table::facts(
        "statement",
        &[
            "id",
            "platform_id",
            "statement_id bytes",
            "delivery_id",
            "body_offset",
            "body_length",
            "digest bytes",
            "stored_at",
            "occurred_at",
            "refers_to bytes",
            "voids",
        ],
    )
    .but(&[("registration", REREAD), ("progress", REREAD)])
    .at("t.stored_at"),
    Table::facts(
        "statement_attachment",
        &["id", "platform_id", "sha2", "content_type", "delivery_id", "body_offset", "body_length"],
    )
    .at("(SELECT p.received_at FROM delivery p WHERE p.id = t.delivery_id)"),
    Table::uncovered("pending_result", REREAD),
    Table::ends("superseded_event", SUPERSEDED).called("t.event_id").but(&[
        ("id", OF_EVENT),
        ("delivery_id", OF_EVENT),
        ("platform_id", OF_EVENT),
        ("learner_id", OF_EVENT),
        ("event_id", OF_EVENT),
        ("kind", OF_EVENT),
        ("course_id", OF_EVENT),
        ("quiz_id", OF_EVENT),
        ("attempt", OF_EVENT),
        ("occurred_at", OF_EVENT),
        ("score_points", OF_EVENT),
        ("score_of", OF_EVENT),
        ("passed", OF_EVENT),
        ("revokes_event_id", OF_EVENT),
        ("reason", OF_EVENT),
        ("repeats", OF_EVENT),
        ("recorded_at", OF_EVENT),
        ("employee_id", OF_EVENT),
        ("unlinked", OF_EVENT),
        ("attempt_name", OF_EVENT),
        ("revokes", OF_EVENT),
        ("reported_at", OF_EVENT),
        ("read_by", OF_EVENT),
        ("arrived_by", OF_EVENT),
    ]),
    Table::facts("quarantine_taking", &["id", "delivery_id", "pointer", "taken_by", "recorded_at"]),
    Table::facts(
        "result_decision",
        &["id", "platform_id", "event_id", "counts", "reason", "proposed_by", "proposed_at"],
    )
    .at("t.proposed_at")
    .ended(&[
        late("recorded_at", &["recorded_at", "decided_by"]),
        late("superseded_at", &["superseded_at", "ended_by", "ended_because"]),
    ])
    .called("t.event_id"),
    Table::facts(
        "link_decision",
        &[
            "id",
            "platform_id",
            "key",
            "value",
            "home_page",
            "employee_id",
            "reason",
            "decided_by",
            "recorded_at",
            "valid_from",
            "valid_to",
        ],
    )
    .keyed("t.recorded_at", Some("t.id"))
    .ended(&[late("superseded_at", &["superseded_at", "undone_by"])]),
    // Who may do what, and who did it
    Table::facts("audit_entry", &["id", "at", "subject", "action", "object", "scope", "request_id"]).at("t.at"),
    Table::mutable(
        "signing_key",
        "kid",
        true,
        &["kid", "private_key bytes", "public_key bytes", "created_at", "retired_at"],
    ),
    Table::mutable("setting", "name", true, &["name", "value"]),
    Table::facts("alteration", &["id", "table_name", "row_key", "digest bytes", "columns bytes", "recorded_at"])
        .called("t.table_name || ' ' || t.row_key"),
    // What is not covered
    Table::uncovered("transaction_clock", "each link has its instant; verify checks that it was not set back"),
    Table::uncovered("chain_link", "it is the chain: the next link's digest covers each link"),
    Table::uncovered("chain_leaf", "it is the chain: the link's digest covers each of its leaves"),
    Table::uncovered("compliance_state", "follows from the facts; verify derives it again"),
    Table::uncovered("compliance_state_scope", "follows from the facts; verify derives it again"),
    Table::uncovered("stale", "lists only what has to be derived again"),
    Table::uncovered("statement_term", "follows from the statements; verify derives it again"),
    Table::uncovered("statement_without_result", "follows from the statements; verify derives it again"),
    Table::uncovered("statement_index", "says only how far the index has been built"),
    Table::uncovered("activity_definition", "follows from the statements, and no report depends on it"),
    Table::uncovered("xapi_document", "platforms store and change documents there; they are not evidence"),
    Table::uncovered("platform_count", "counts for the operator; no report depends on it"),
    Table::uncovered("seaql_migrations", "the applied migrations; the schema is their result"),
];

const EMPLOYEE: &str = "(SELECT e.number FROM employee e WHERE e.id = t.employee_id)";
const PLATFORM: &str = "(SELECT p.code FROM platform p WHERE p.id = t.platform_id)";
const PULLED: &str = "the progress of a pull; what it found is in deliveries";
