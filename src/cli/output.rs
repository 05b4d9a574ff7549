//! Progress on a terminal, silence in a pipe; data on standard output even if the reader goes away.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CommandError;
use crate::domain::directory::problem::RowProblems;
pub use crate::render::imports::summary;
use crate::render::text::{self, USUAL_WIDTH};

/// How wide the terminal is, as columns: what `COLUMNS` says, else the terminal itself, else 80.
pub fn width() -> usize {
    let configured = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let found = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    configured.or_else(found).filter(|width| *width >= 20).unwrap_or(USUAL_WIDTH)
}

/// A list on standard output: for people if that is a terminal, else with tabs between cells; a header either way.
pub struct List {
    columns: &'static [&'static str],
    /// The message on standard error if there are no rows.
    empty: &'static str,
    is_terminal: bool,
    has_rows: bool,
}

impl List {
    pub fn new(columns: &'static [&'static str], empty: &'static str) -> Self {
        Self { columns, empty, is_terminal: io::stdout().is_terminal(), has_rows: false }
    }

    /// Prints rows, each with a cell for each column.
    pub fn print(&mut self, rows: &[Vec<String>]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let is_first = !std::mem::replace(&mut self.has_rows, true);
        if self.is_terminal {
            return print(&text::listing(self.columns, rows, width()));
        }
        let header = is_first.then(|| text::tabs(self.columns));
        print(&header.into_iter().chain(rows.iter().map(|row| text::tabs(row))).collect::<String>())
    }

    /// Ends the list; one without rows says so.
    pub fn end(self) {
        if !self.has_rows {
            eprintln!("{}", self.empty);
        }
    }

    /// The whole list at once.
    pub fn print_all(mut self, rows: &[Vec<String>]) -> io::Result<()> {
        self.print(rows)?;
        self.end();
        Ok(())
    }
}

/// A counter that is drawn on standard error if that is a terminal.
pub fn progress(what: &'static str) -> ProgressBar {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{spinner} {msg}: {human_pos} in {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::with_draw_target(None, target).with_style(style).with_message(what)
}

/// `1 problem`, `2 problems`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `1 delivery is`, `2 deliveries are`.
pub fn counted_verb(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Prints every problem; returns an error with their number.
pub fn refused(problems: &RowProblems) -> CommandError {
    for problem in problems.listed() {
        eprintln!("{problem}");
    }
    let unlisted = problems.total() - problems.listed().len();
    if unlisted > 0 {
        eprintln!("… and {unlisted} more");
    }
    format!("nothing was imported: {}", counted(problems.total(), "problem")).into()
}

/// Writes data to standard output; a reader that closes early is no failure.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
