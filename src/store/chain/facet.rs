//! What links cover of a table: its rows when they are recorded, and what is set later.

use super::coverage::TABLES;
use super::table::{ColumnKind, Late, Table, name_of, read_as};

/// One kind of thing that links cover of a table: its rows when they are recorded, or what is set later.
#[derive(Debug, Clone, Copy)]
pub struct Facet {
    pub table: &'static Table,
    pub late: Option<&'static Late>,
}

/// Everything that links cover, in the order of the list in `coverage`.
pub fn facets() -> impl Iterator<Item = Facet> {
    TABLES.iter().flat_map(|table| {
        let recorded = table.has_facts().then_some(Facet { table, late: None });
        let late = table.late.iter().map(move |late| Facet { table, late: Some(late) });
        recorded.into_iter().chain(late)
    })
}

impl Facet {
    /// Its name in a leaf.
    #[must_use]
    pub fn name(&self) -> String {
        self.late.map_or_else(|| self.table.name.to_owned(), |late| format!("{}.{}", self.table.name, late.instant))
    }

    /// The columns that it covers.
    #[must_use]
    pub fn columns(&self) -> Vec<(&'static str, ColumnKind)> {
        read_as(self.late.map_or(self.table.columns, |late| late.columns))
    }

    /// Conditions that every row must meet: a column, and a condition. A column that is set later must be empty before
    /// its instant is set.
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
