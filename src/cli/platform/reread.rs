//! `kurskoll platform reread`

use chrono::NaiveDate;
use clap::Args;

use crate::app::reread_platform::{Difference, RereadRequest};
use crate::app::{App, Asker};
use crate::cli::{CommandError, output, values};
use crate::domain::compliance::Standing;
use crate::domain::ids::PlatformCode;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The platform's code
    code: PlatformCode,
    /// Only what was received on this day or later
    #[arg(long, value_parser = values::day, value_name = "DAY")]
    since: Option<NaiveDate>,
    /// Only say what would change, and for whom
    #[arg(long)]
    dry_run: bool,
    /// Go on after the delivery with this id, where an earlier reading was left
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

pub async fn run(app: &App, arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { code, since, dry_run, after } = arguments;
    let since = since.map(|day| app.calendar.first_instant_of(day));
    let mut request = RereadRequest { platform: code, since, after, at_most: PAGE, dry_run };
    let bar = output::progress("deliveries");
    let mut count = Count::default();
    loop {
        let answer = app.reread_platform(&Asker::operator(), &request).await?;
        bar.inc(answer.deliveries);
        count.deliveries += answer.deliveries;
        count.not_understood += answer.not_understood.len() as u64;
        let mut lines = String::new();
        for event in answer.events {
            match event.difference {
                Difference::Added => count.added += 1,
                Difference::Changed => count.changed += 1,
                Difference::Dropped => count.dropped += 1,
                Difference::Contradicting => count.contradicting += 1,
            }
            lines.push_str(&format!("event\t{}\t{}\t{}\n", event.delivery, event.event_id, event.difference.as_str()));
        }
        for delivery in answer.not_understood {
            lines.push_str(&format!("delivery\t{delivery}\tnot understood any more; it stays as it was understood\n"));
        }
        for change in answer.changes {
            let status =
                |standing: &Option<Standing>| standing.as_ref().map_or("not bound", |known| known.status.as_str());
            lines.push_str(&format!(
                "employee\t{}\t{}\tfrom {}\t{} -> {}\n",
                change.number,
                change.requirement,
                change.from,
                status(&change.before),
                status(&change.after)
            ));
        }
        bar.suspend(|| output::print(&lines))?;
        match answer.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    bar.finish_and_clear();
    let Count { deliveries, added, changed, dropped, contradicting, not_understood } = count;
    eprintln!("Read again: {deliveries}. Results added: {added}, changed: {changed}, dropped: {dropped}.");
    if contradicting > 0 || not_understood > 0 {
        eprintln!("Left as they were: {contradicting} contradicting, {not_understood} not understood.");
    }
    if dry_run {
        eprintln!("Nothing was changed: this was a dry run.");
    } else if added + changed + dropped > 0 {
        let bar = output::progress("people judged");
        app.settle_all(|people| bar.inc(people as u64)).await?;
        bar.finish_and_clear();
    }
    Ok(())
}
