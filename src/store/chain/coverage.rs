//! What the chain covers: every table and every column of the database, and how it is held.
//!
//! # To add a table or a column
//!
//! A test holds this list to the migrated schema, so a new table fails it until it stands here.
//!
//! * **Facts** ([`Table::facts`]): rows that are written once, in a [`Change`](crate::store::Change), under ids that
//!   increase. Name the columns that never change. What is set once later goes into [`Table::ended`], under the instant
//!   that it is set with; that instant wants an index in the migration. A table without an instant of its own says with
//!   [`Table::at`] how to ask for it; one whose first column is no single increasing integer, with [`Table::keyed`].
//! * **Kept** ([`Table::kept`]): rows that change in place and have no history. Whoever writes one calls
//!   [`alterations::note`](super::alterations::note) in the same change, after the writing.
//! * **Uncovered** ([`Table::uncovered`]) and [`Table::but`]: what is derived, or what no report rests on, with the reason.
//!
//! A new column of facts goes to the **end** of its list: links that were sealed before cover the columns that there were.
//! Nothing else has to be told: sealing, `verify`, and the test that bends every column go by this list.

/// A column as the chain reads it: `name`, `name bytes` for bytes, or `name: expression` over the table `t`.
pub type ColumnSpec = &'static str;

/// What is set once, later than its row.
#[derive(Debug, Clone, Copy)]
pub struct Late {
    /// The column with the instant at which it is set.
    pub instant: &'static str,
    /// With the instant itself, first.
    pub columns: &'static [ColumnSpec],
    /// Whether they are empty until then.
    pub from_nothing: bool,
}

/// A table and how the chain holds it.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    /// The expression by whose increasing values rows are found.
    pub key: &'static str,
    /// What orders rows of one key, where there are several.
    pub then: Option<&'static str>,
    /// When a row was recorded; nothing where that is not known.
    pub instant: Option<&'static str>,
    /// What never changes.
    pub columns: &'static [ColumnSpec],
    pub late: &'static [Late],
    /// A table of the same columns to which rows of it may move; they are read from there as from here.
    pub moved_to: Option<&'static str>,
    /// What changes in place.
    pub kept: Option<Kept>,
    /// Columns that are not covered, with the reason.
    pub but: &'static [(&'static str, &'static str)],
    /// Why none of its columns is covered.
    pub uncovered: Option<&'static str>,
    /// What holds of every row whatever it went through: a column, and a condition over the table `t`.
    pub must: &'static [(&'static str, &'static str)],
    /// What a row is called in sentences.
    pub called: Option<&'static str>,
    /// How many bytes a row may have beyond a few hundred.
    pub weight: Option<&'static str>,
}

/// Columns that change in place.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// The column by which a row is known.
    pub key: &'static str,
    pub is_text: bool,
    pub columns: &'static [ColumnSpec],
    /// Which rows have them.
    pub only: &'static str,
}

impl Table {
    const fn named(name: &'static str) -> Self {
        Self {
            name,
            key: "t.id",
            then: None,
            instant: None,
            columns: &[],
            late: &[],
            moved_to: None,
            kept: None,
            but: &[],
            uncovered: None,
            must: &[],
            called: None,
            weight: None,
        }
    }

    /// Rows that are written once, under increasing ids, and recorded at `recorded_at`.
    const fn facts(name: &'static str, columns: &'static [ColumnSpec]) -> Self {
        Self { columns, instant: Some("t.recorded_at"), ..Self::named(name) }
    }

    /// Rows that change in place.
    const fn kept(name: &'static str, key: &'static str, is_text: bool, columns: &'static [ColumnSpec]) -> Self {
        Self { kept: Some(Kept { key, is_text, columns, only: "1 = 1" }), ..Self::named(name) }
    }

    /// Rows that are another table's facts, and of which only what is set here is covered here.
    const fn ends(name: &'static str, late: &'static [Late]) -> Self {
        Self { late, ..Self::named(name) }
    }

    /// Rows that no report rests on, or that follow from others.
    const fn uncovered(name: &'static str, why: &'static str) -> Self {
        Self { uncovered: Some(why), ..Self::named(name) }
    }

    const fn ended(self, late: &'static [Late]) -> Self {
        Self { late, ..self }
    }

    const fn at(self, instant: &'static str) -> Self {
        Self { instant: Some(instant), ..self }
    }

    const fn keyed(self, key: &'static str, then: Option<&'static str>) -> Self {
        Self { key, then, ..self }
    }

    const fn but(self, but: &'static [(&'static str, &'static str)]) -> Self {
        Self { but, ..self }
    }

    const fn moved_to(self, table: &'static str) -> Self {
        Self { moved_to: Some(table), ..self }
    }

    /// Where its rows are read from, wherever they have moved: what stands behind `FROM` and before the alias.
    #[must_use]
    pub fn source(&self) -> String {
        let Some(other) = self.moved_to else { return self.name.to_owned() };
        let columns = self.columns.iter().map(|spec| name_of(spec)).collect::<Vec<_>>().join(", ");
        format!("(SELECT {columns} FROM {} UNION ALL SELECT {columns} FROM {other})", self.name)
    }

    const fn called(self, called: &'static str) -> Self {
        Self { called: Some(called), ..self }
    }

    /// Whether links cover rows of it.
    #[must_use]
    pub const fn has_facts(&self) -> bool {
        !self.columns.is_empty()
    }

    /// The columns that the schema has of it, as far as this list names them.
    #[must_use]
    pub fn named_columns(&self) -> Vec<&'static str> {
        let late = self.late.iter().flat_map(|late| late.columns.iter());
        let kept = self.kept.iter().flat_map(|kept| kept.columns.iter());
        let plain = self.columns.iter().chain(late).chain(kept).filter(|spec| !spec.contains(':'));
        let plain = plain.map(|spec| name_of(spec));
        plain.chain(self.but.iter().map(|(name, _)| *name)).collect()
    }
}

/// The name of a column in sentences.
#[must_use]
pub fn name_of(spec: ColumnSpec) -> &'static str {
    spec.split([' ', ':']).next().unwrap_or(spec)
}

const fn late(instant: &'static str, columns: &'static [ColumnSpec]) -> Late {
    Late { instant, columns, from_nothing: true }
}

const SUPERSEDED: &[Late] = &[late("superseded_at", &["superseded_at"])];

const REREAD: &str = "follows from the delivery's bytes, and changes when they are read again; verify reads them";

const OF_EVENT: &str = "covered as a row of event, which it was";

const LINK: &str = "follows from the directory and the learner's keys; verify makes it anew";

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
    Table::facts("import_file", &["import_id", "kind", "name", "digest", "bytes", "records", "passed_over"])
        .keyed("t.import_id", Some("t.kind"))
        .at("(SELECT p.at FROM import_report p WHERE p.id = t.import_id)"),
    Table::kept(
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
            "told",
            "changed_at",
            "id",
            "governs",
            "ended_at",
            "waited_as",
        ],
    ),
    Table::kept(
        "scim_group",
        "id",
        false,
        &["id", "display_name", "external_id", "revision", "deleted", "created_at", "changed_at"],
    ),
    Table::facts("scim_member", &["id", "group_id", "user_id", "recorded_at"])
        .ended(&[late("superseded_at", &["superseded_at"])]),
    Table::kept(
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
    // What is demanded
    Table::facts("requirement_version", &["id", "code", "version", "definition", "recorded_at"])
        .called("t.code || ' ' || t.version"),
    // Platforms
    Table::facts("platform", &["id", "code", "adapter", "linking_keys", "time_zone", "recorded_at"]).called("t.code"),
    Table::facts("platform_profile", &["id", "platform_id", "version", "text", "recorded_at"]).called(PLATFORM),
    Table::kept("platform_secret", "id", false, &["id", "platform_id", "secret", "created_at", "expires_at"]),
    Table::kept(
        "platform_credential",
        "id",
        false,
        &["id", "platform_id", "key", "secret_digest bytes", "created_at", "expires_at"],
    ),
    Table::kept(
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
        ("held_until", PULLED),
        ("begun_at", PULLED),
        ("ended_at", PULLED),
        ("succeeded_at", PULLED),
        ("failures", PULLED),
        ("problem", PULLED),
        ("told", PULLED),
        ("found", PULLED),
        ("refused", PULLED),
        ("contradicting", PULLED),
        ("undated", PULLED),
    ]),
    // What platforms sent
    Table {
        kept: Some(Kept {
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
            "told_at",
            "read_by",
            "told_by",
        ],
    )
    .moved_to("superseded_event")
    .but(&[
        ("employee_id", LINK),
        ("unlinked", LINK),
        ("repeats", "follows from what says the same; verify counts it anew"),
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
    .but(&[("registration", REREAD), ("deed", REREAD)])
    .at("t.stored_at"),
    Table::facts(
        "statement_attachment",
        &["id", "platform_id", "sha2", "content_type", "delivery_id", "body_offset", "body_length"],
    )
    .at("(SELECT p.received_at FROM delivery p WHERE p.id = t.delivery_id)"),
    Table::uncovered("held_result", REREAD),
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
        ("told_at", OF_EVENT),
        ("read_by", OF_EVENT),
        ("told_by", OF_EVENT),
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
    // Who may, and who did
    Table::facts("audit_entry", &["id", "at", "subject", "action", "object", "scope", "request_id"]).at("t.at"),
    Table::kept(
        "signing_key",
        "kid",
        true,
        &["kid", "private_key bytes", "public_key bytes", "created_at", "retired_at"],
    ),
    Table::kept("setting", "name", true, &["name", "value"]),
    Table::facts("alteration", &["id", "table_name", "row_key", "digest bytes", "columns bytes", "recorded_at"])
        .called("t.table_name || ' ' || t.row_key"),
    // What is not covered
    Table::uncovered("knowledge_clock", "each link says where it stood; verify sees that it does not stand before"),
    Table::uncovered("chain_link", "it is the chain: each link is under the next one's digest"),
    Table::uncovered("chain_leaf", "it is the chain: each leaf is under its link's digest"),
    Table::uncovered("standing", "follows from the facts; verify makes it anew"),
    Table::uncovered("standing_scope", "follows from the facts; verify makes it anew"),
    Table::uncovered("stale", "says only what is to be made anew"),
    Table::uncovered("statement_term", "follows from the statements; verify makes it anew"),
    Table::uncovered("statement_without_result", "follows from the statements; verify makes it anew"),
    Table::uncovered("statement_index", "says only how far the index is made"),
    Table::uncovered("activity_definition", "follows from the statements, and no report rests on it"),
    Table::uncovered("xapi_document", "platforms keep and change documents there; they prove no training"),
    Table::uncovered("platform_count", "counts for the operator; no report rests on it"),
    Table::uncovered("seaql_migrations", "which migrations there are; the schema is what they made"),
];

const EMPLOYEE: &str = "(SELECT e.number FROM employee e WHERE e.id = t.employee_id)";
const PLATFORM: &str = "(SELECT p.code FROM platform p WHERE p.id = t.platform_id)";
const PULLED: &str = "how far asking has come; what was brought is in deliveries";

/// One kind of thing that links cover of a table: its rows when they are recorded, or what is set later.
#[derive(Debug, Clone, Copy)]
pub struct Facet {
    pub table: &'static Table,
    pub late: Option<&'static Late>,
}

/// Everything that links cover, in the order of the list.
pub fn facets() -> impl Iterator<Item = Facet> {
    TABLES.iter().flat_map(|table| {
        let recorded = table.has_facts().then_some(Facet { table, late: None });
        let late = table.late.iter().map(move |late| Facet { table, late: Some(late) });
        recorded.into_iter().chain(late)
    })
}

impl Facet {
    /// What it is called in a leaf.
    #[must_use]
    pub fn name(&self) -> String {
        self.late.map_or_else(|| self.table.name.to_owned(), |late| format!("{}.{}", self.table.name, late.instant))
    }

    /// The columns that it covers.
    #[must_use]
    pub fn columns(&self) -> Vec<(&'static str, ColumnKind)> {
        read_as(self.late.map_or(self.table.columns, |late| late.columns))
    }

    /// What must hold of a row: a column, and a condition. What is set later is not set before its instant is.
    #[must_use]
    pub fn conditions(&self) -> Vec<(&'static str, String)> {
        if self.late.is_some() {
            return Vec::new();
        }
        let early = self.table.late.iter().filter(|late| late.from_nothing).flat_map(|late| {
            let names = late.columns.iter().skip(1).map(|spec| name_of(spec));
            names.map(|name| (name, format!("(t.{} IS NOT NULL OR t.{name} IS NULL)", late.instant)))
        });
        let must = self.table.must.iter().map(|(name, condition)| (*name, (*condition).to_owned()));
        must.chain(early).collect()
    }
}

/// How a column is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    Plain,
    Bytes,
    Expression(String),
}

fn kind_of(spec: ColumnSpec) -> ColumnKind {
    if let Some((_, expression)) = spec.split_once(": ") {
        ColumnKind::Expression(expression.to_owned())
    } else if spec.ends_with(" bytes") {
        ColumnKind::Bytes
    } else {
        ColumnKind::Plain
    }
}

/// How columns of a specification are read.
#[must_use]
pub fn read_as(specs: &'static [ColumnSpec]) -> Vec<(&'static str, ColumnKind)> {
    specs.iter().map(|spec| (name_of(spec), kind_of(spec))).collect()
}
