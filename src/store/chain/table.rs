//! How the chain covers a table: which of its columns never change, are set once, or change in place.

/// A column as the chain reads it: `name`, `name bytes` for bytes, or `name: expression` over the table `t`.
pub type ColumnSpec = &'static str;

/// Columns that are set once, later than their row is recorded.
#[derive(Debug, Clone, Copy)]
pub struct Late {
    /// The column with the instant at which it is set.
    pub instant: &'static str,
    /// All of them, the instant itself first.
    pub columns: &'static [ColumnSpec],
    /// Whether they are empty until then.
    pub from_nothing: bool,
}

/// A table and how the chain covers it.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    /// The expression that finds rows, by its increasing values.
    pub key: &'static str,
    /// The order of the rows of one key, if there are several.
    pub then: Option<&'static str>,
    /// When a row was recorded; `None` if that is not known.
    pub instant: Option<&'static str>,
    /// The columns that never change.
    pub columns: &'static [ColumnSpec],
    pub late: &'static [Late],
    /// A table of the same columns to which its rows may move; they are read from both tables.
    pub moved_to: Option<&'static str>,
    /// The columns that change in place.
    pub mutable: Option<MutableColumns>,
    /// Columns that are not covered, with the reason.
    pub but: &'static [(&'static str, &'static str)],
    /// Why no column is covered.
    pub uncovered: Option<&'static str>,
    /// What every row must meet at all times: a column, and a condition over the table `t`.
    pub must: &'static [(&'static str, &'static str)],
    /// The name of a row in sentences.
    pub called: Option<&'static str>,
    /// How many bytes a row may have beyond a few hundred.
    pub weight: Option<&'static str>,
}

/// Columns that change in place.
#[derive(Debug, Clone, Copy)]
pub struct MutableColumns {
    /// The column that is the row's key.
    pub key: &'static str,
    pub is_text: bool,
    pub columns: &'static [ColumnSpec],
    /// Which rows have them.
    pub only: &'static str,
}

impl Table {
    pub(super) const fn named(name: &'static str) -> Self {
        Self {
            name,
            key: "t.id",
            then: None,
            instant: None,
            columns: &[],
            late: &[],
            moved_to: None,
            mutable: None,
            but: &[],
            uncovered: None,
            must: &[],
            called: None,
            weight: None,
        }
    }

    /// Rows that are written once, under increasing ids, and recorded at `recorded_at`.
    pub(super) const fn facts(name: &'static str, columns: &'static [ColumnSpec]) -> Self {
        Self { columns, instant: Some("t.recorded_at"), ..Self::named(name) }
    }

    /// Rows that change in place.
    pub(super) const fn mutable(
        name: &'static str,
        key: &'static str,
        is_text: bool,
        columns: &'static [ColumnSpec],
    ) -> Self {
        Self { mutable: Some(MutableColumns { key, is_text, columns, only: "1 = 1" }), ..Self::named(name) }
    }

    /// Rows that are facts of another table; only the columns that are set here are covered here.
    pub(super) const fn ends(name: &'static str, late: &'static [Late]) -> Self {
        Self { late, ..Self::named(name) }
    }

    /// Rows that no report depends on, or that are derived from others.
    pub(super) const fn uncovered(name: &'static str, why: &'static str) -> Self {
        Self { uncovered: Some(why), ..Self::named(name) }
    }

    pub(super) const fn ended(self, late: &'static [Late]) -> Self {
        Self { late, ..self }
    }

    pub(super) const fn at(self, instant: &'static str) -> Self {
        Self { instant: Some(instant), ..self }
    }

    pub(super) const fn keyed(self, key: &'static str, then: Option<&'static str>) -> Self {
        Self { key, then, ..self }
    }

    pub(super) const fn but(self, but: &'static [(&'static str, &'static str)]) -> Self {
        Self { but, ..self }
    }

    pub(super) const fn moved_to(self, table: &'static str) -> Self {
        Self { moved_to: Some(table), ..self }
    }

    /// Where its rows are read from, moved rows included: the text between `FROM` and the alias.
    #[must_use]
    pub fn source(&self) -> String {
        let Some(other) = self.moved_to else { return self.name.to_owned() };
        let columns = self.columns.iter().map(|spec| name_of(spec)).collect::<Vec<_>>().join(", ");
        format!("(SELECT {columns} FROM {} UNION ALL SELECT {columns} FROM {other})", self.name)
    }

    pub(super) const fn called(self, called: &'static str) -> Self {
        Self { called: Some(called), ..self }
    }

    /// Whether links cover rows of it.
    #[must_use]
    pub const fn has_facts(&self) -> bool {
        !self.columns.is_empty()
    }

    /// The columns of the table in the schema, as far as this list names them.
    #[must_use]
    pub fn named_columns(&self) -> Vec<&'static str> {
        let late = self.late.iter().flat_map(|late| late.columns.iter());
        let mutable = self.mutable.iter().flat_map(|mutable| mutable.columns.iter());
        let plain = self.columns.iter().chain(late).chain(mutable).filter(|spec| !spec.contains(':'));
        let plain = plain.map(|spec| name_of(spec));
        plain.chain(self.but.iter().map(|(name, _)| *name)).collect()
    }
}

/// The name of a column in sentences.
#[must_use]
pub fn name_of(spec: ColumnSpec) -> &'static str {
    spec.split([' ', ':']).next().unwrap_or(spec)
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
