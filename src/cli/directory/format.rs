//! A difference, as lines for people, as CSV and as JSON.

use clap::ValueEnum;
use serde::Serialize;

use super::super::{CommandError, output};
use crate::domain::directory::plan::Plan;
use crate::render::difference;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each change, for people
    Table,
    /// A row for each field that changes: kind, act, key, field, before, after
    Csv,
    /// The same as JSON, with the summary
    Json,
}

/// How much is written at a time.
const CHUNK: usize = 64 * 1024;

/// Writes texts one after the other, in pieces.
pub fn print_all(texts: impl Iterator<Item = String>) -> Result<(), CommandError> {
    let mut chunk = String::new();
    for text in texts {
        chunk.push_str(&text);
        if chunk.len() >= CHUNK {
            output::print(&chunk)?;
            chunk.clear();
        }
    }
    Ok(output::print(&chunk)?)
}

pub fn print_lines(plan: &Plan) -> Result<(), CommandError> {
    print_all(plan.lines().map(|line| format!("{line}\n")))
}

pub fn print_csv(plan: &Plan) -> Result<(), CommandError> {
    let rows = plan.difference().map(|row| difference::csv_row(&row));
    print_all(std::iter::once(difference::csv_header()).chain(rows))
}

pub fn print_json(view: &impl Serialize) -> Result<(), CommandError> {
    Ok(output::print(&format!("{}\n", serde_json::to_string_pretty(view)?))?)
}
