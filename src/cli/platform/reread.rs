//! `kurskoll platform reread`

use chrono::NaiveDate;
use clap::Args;

use crate::app::receiving::reread::{Difference, RereadRequest};
use crate::app::{App, Caller};
use crate::cli::interrupt::{Interrupted, finish, unless_interrupted};
use crate::cli::results::state_change;
use crate::cli::{CommandError, output, values};
use crate::domain::ids::PlatformCode;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The platform's code
    code: PlatformCode,
    /// Only what was received on this day or later
    #[arg(long, value_parser = values::day, value_name = "DAY")]
    since: Option<NaiveDate>,
    /// Only print what would change, and for whom
    #[arg(long)]
    dry_run: bool,
    /// Go on after the delivery with this id, where an earlier reading stopped
    #[arg(long, value_name = "ID")]
    after: Option<i64>,
}

/// How many deliveries are read again at a time.
const PAGE: u64 = 100;

/// How many of each kind of event there were.
#[derive(Debug, Default)]
struct Count {
    deliveries: u64,
    added: u64,
    changed: u64,
    dropped: u64,
    contradicting: u64,
    not_understood: u64,
}

/// The differences; each kind of row fills some of the columns.
const COLUMNS: [&str; 9] =
    ["what", "delivery", "event", "employee", "requirement", "from", "before", "after", "difference"];

/// A row of a kind, with some of its cells by their places.
fn row(what: &str, cells: impl IntoIterator<Item = (usize, String)>) -> Vec<String> {
    let mut row = vec![String::new(); COLUMNS.len()];
    for (place, cell) in std::iter::once((0, what.to_owned())).chain(cells) {
        if let Some(empty) = row.get_mut(place) {
            *empty = cell;
        }
    }
    row
}

pub async fn run(app: &App, arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { code, since, dry_run, after } = arguments;
    let since = since.map(|day| app.calendar.first_instant_of(day));
    let mut request = RereadRequest { platform: code, since, after, at_most: PAGE, dry_run };
    let bar = output::progress("deliveries");
    let mut count = Count::default();
    let mut list = output::List::new(&COLUMNS, "Nothing is read differently than before.");
    loop {
        let operator = Caller::operator();
        let Some(answer) = unless_interrupted(app.reread_platform(&operator, &request)).await else {
            bar.finish_and_clear();
            let stored = if dry_run { "nothing was changed" } else { "the differences are stored" };
            let on = request
                .after
                .map_or_else(|| "run the command again".to_owned(), |after| format!("go on with --after {after}"));
            return Err(Interrupted(format!("{} deliveries read again, and {stored}; {on}", count.deliveries)).into());
        };
        let answer = answer?;
        bar.inc(answer.deliveries);
        count.deliveries += answer.deliveries;
        count.not_understood += answer.not_understood.len() as u64;
        let mut rows = Vec::new();
        for event in answer.events {
            match event.difference {
                Difference::Added => count.added += 1,
                Difference::Changed => count.changed += 1,
                Difference::Dropped => count.dropped += 1,
                Difference::Contradicting => count.contradicting += 1,
            }
            let (delivery, id) = (event.delivery.to_string(), event.event_id.to_string());
            rows.push(row("result", [(1, delivery), (2, id), (8, event.difference.as_str().to_owned())]));
        }
        for delivery in answer.not_understood {
            let note = "not understood any more; it stays as it was understood".to_owned();
            rows.push(row("delivery", [(1, delivery.to_string()), (8, note)]));
        }
        for change in answer.changes {
            rows.push(row("status", (3..).zip(state_change(&change))));
        }
        bar.suspend(|| list.print(&rows))?;
        match answer.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    bar.finish_and_clear();
    list.end();
    let Count { deliveries, added, changed, dropped, contradicting, not_understood } = count;
    eprintln!("Read again: {deliveries}. Results added: {added}, changed: {changed}, dropped: {dropped}.");
    if contradicting > 0 || not_understood > 0 {
        eprintln!("Left as they were: {contradicting} contradicting, {not_understood} not understood.");
    }
    if dry_run {
        eprintln!("Nothing was changed: this was a dry run.");
    } else if added + changed + dropped > 0 {
        finish(app, "everything was read again").await?;
    }
    Ok(())
}
