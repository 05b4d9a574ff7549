//! Progress on a terminal, silence in a pipe; data on standard output even where the reader goes away.

use std::io::{self, IsTerminal, Write};

use crate::domain::directory::plan::Summary;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A counter that is drawn on standard error where that is a terminal.
pub fn progress(what: &'static str) -> ProgressBar {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{spinner} {msg}: {human_pos} in {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::with_draw_target(None, target).with_style(style).with_message(what)
}

/// What an import changes, in one line: `employments 12 added, 3 changed; absences 1 added`.
pub fn summary(summary: &Summary) -> String {
    let kinds = summary.by_kind().into_iter().filter_map(|(kind, counts)| {
        let acts = [
            ("added", counts.added),
            ("changed", counts.changed),
            ("ended", counts.ended),
            ("withdrawn", counts.withdrawn),
        ];
        let told: Vec<String> =
            acts.iter().filter(|(_, count)| *count > 0).map(|(act, count)| format!("{count} {act}")).collect();
        (!told.is_empty()).then(|| format!("{kind} {}", told.join(", ")))
    });
    let kinds: Vec<String> = kinds.collect();
    if kinds.is_empty() { "nothing".to_owned() } else { kinds.join("; ") }
}

/// `1 problem`, `2 problems`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Writes data to standard output; a reader that has seen enough is no failure.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
