//! Progress on a terminal, silence in a pipe; data on standard output even where the reader goes away.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CommandError;
use crate::domain::directory::problem::RowProblems;
pub use crate::render::imports::summary;

/// A counter that is drawn on standard error where that is a terminal.
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

/// Prints every problem, and what they amount to.
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

/// Writes data to standard output; a reader that has seen enough is no failure.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
