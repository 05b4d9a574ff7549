//! `kurskoll quarantine`

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use super::interrupt::{Interrupted, finish, unless_interrupted};
use super::{CommandError, open, output, values};
use crate::app::quarantine::replay::{ReplayRequest, ReplayedDelivery, Which};
use crate::app::quarantine::show::QuarantineRequest;
use crate::app::quarantine::take_out::{PartState, TakeRequest};
use crate::app::receiving::receive::place_in_body;
use crate::app::receiving::show_deliveries::{ShownBody, text_of};
use crate::app::{App, Caller};
use crate::domain::ids::PlatformCode;
use crate::domain::receiving::Received;
use crate::render::text;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what waits, newest first: id, platform, when, where in the body, why; or by problem
    #[command(after_help = "Examples:\n  kurskoll quarantine list\n  \
        kurskoll quarantine list --groups\n  \
        kurskoll quarantine list --platform larportal --since 2026-02-26T00:00:00Z")]
    List {
        #[command(flatten)]
        filter: Filter,
        /// By problem, that with most deliveries first: how many, platform, where in the body, why, an example's id
        #[arg(long)]
        groups: bool,
        /// Those that were dismissed, with the reason
        #[arg(long)]
        dismissed: bool,
    },
    /// Print a delivery's body as it was received
    #[command(after_help = "Example:\n  kurskoll quarantine show 17")]
    Show {
        /// The delivery's id
        id: i64,
    },
    /// Read deliveries again: some, all, or those that a filter fits; what is understood now leaves quarantine
    #[command(after_help = "Examples:\n  kurskoll quarantine replay 17\n  \
        kurskoll quarantine replay --all --dry-run\n  \
        kurskoll quarantine replay --platform larportal --problem …missing…\n  \
        kurskoll quarantine replay --all --after 4711")]
    Replay(Replay),
    /// Take the good statements or events out of a batch that waits because of another; the rest stays
    #[command(
        after_help = "Statements and events are counted from 0, as the pointers of their problems count them.\n\n\
        Examples:\n  kurskoll quarantine take 17 --dry-run\n  \
        kurskoll quarantine take 17\n  \
        kurskoll quarantine take 17 --only 0 --only 2"
    )]
    Take {
        /// The delivery's id
        id: i64,
        /// Only this one; may be given several times
        #[arg(long, value_name = "NUMBER")]
        only: Vec<usize>,
        /// Only print what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Dismiss deliveries that are resolved in another way: they stay stored, and count in no report's data quality
    #[command(after_help = "Examples:\n  kurskoll quarantine dismiss 17 18 --reason ticket-4711\n  \
        kurskoll quarantine dismiss 17 --undo --reason mistaken")]
    Dismiss {
        /// The deliveries' ids
        #[arg(required = true)]
        ids: Vec<i64>,
        /// Why
        #[arg(long)]
        reason: String,
        /// Undo the dismissal: they wait again
        #[arg(long)]
        undo: bool,
    },
}

#[derive(Debug, Args)]
pub struct Filter {
    /// Only this platform's
    #[arg(long)]
    platform: Option<PlatformCode>,
    /// Only those with this problem, as --groups prints it; … stands for any text
    #[arg(long)]
    problem: Option<String>,
    /// Only those received at this instant or later
    #[arg(long, value_parser = values::instant, value_name = "INSTANT")]
    since: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["ids", "all", "platform", "problem", "since"]))]
pub struct Replay {
    /// The deliveries' ids
    #[arg(conflicts_with_all = ["all", "platform", "problem", "since"])]
    ids: Vec<i64>,
    /// All deliveries in quarantine
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
    /// Only print what would change
    #[arg(long)]
    dry_run: bool,
    /// Go on after the delivery with this id, where an earlier replay stopped
    #[arg(long, value_name = "ID", default_value_t = i64::MIN, hide_default_value = true)]
    after: i64,
}

impl Filter {
    fn request(self, dismissed: bool) -> QuarantineRequest {
        QuarantineRequest { platform: self.platform, problem: self.problem, since: self.since, dismissed }
    }
}

/// How many deliveries are listed or read again at a time.
const PAGE: usize = 100;

pub async fn run(command: Command) -> Result<(), CommandError> {
    let app = open().await?.app;
    let caller = Caller::operator();
    match command {
        Command::List { filter, groups: true, dismissed } => groups(&app, &caller, &filter.request(dismissed)).await,
        Command::List { filter, groups: false, dismissed } => list(&app, &caller, &filter.request(dismissed)).await,
        Command::Show { id } => {
            let (stored, body) = app.show_delivery(&caller, id).await?;
            eprintln!("Delivery {id} of {}, {}: {}", stored.platform_code, stored.outcome, stored.headers);
            let body = match body {
                ShownBody::Whole(body) => body,
                ShownBody::Withheld { digest } => {
                    let why = "it is about an employee with protected personal data, and its body is shown to nobody";
                    return Err(format!("delivery {id}: {why}; SHA-256 of the bytes: {digest}").into());
                }
            };
            Ok(output::print(&text_of(&body).unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned()))?)
        }
        Command::Replay(replay) => read_again(&app, &caller, replay).await,
        Command::Take { id, only, dry_run } => take(&app, &caller, TakeRequest { delivery: id, only, dry_run }).await,
        Command::Dismiss { ids, reason, undo } => {
            let reason = reason.trim();
            if reason.is_empty() || reason.contains(char::is_control) {
                return Err("--reason must say why, on one line".into());
            }
            if undo {
                for id in &ids {
                    app.undo_dismissal(&caller, *id, reason).await?;
                }
                eprintln!("{} again.", output::counted_verb(ids.len(), "delivery waits", "deliveries wait"));
            } else {
                app.dismiss_deliveries(&caller, &ids, reason).await?;
                eprintln!("{} dismissed.", output::counted_verb(ids.len(), "delivery is", "deliveries are"));
            }
            Ok(())
        }
    }
}

async fn take(app: &App, caller: &Caller, request: TakeRequest) -> Result<(), CommandError> {
    let taken = app.take_from_quarantine(caller, &request).await?;
    let rows = taken.parts.into_iter().map(|part| {
        let (state, problem) = match part.state {
            PartState::Taken => ("taken", String::new()),
            PartState::TakenBefore => ("taken before", String::new()),
            PartState::Left => ("left", String::new()),
            PartState::NotUnderstood(problem) => ("stays in quarantine", problem),
        };
        vec![part.number.to_string(), place_in_body(&part.pointer).to_string(), state.to_owned(), problem]
    });
    let list = output::List::new(&["number", "where", "state", "problem"], "Nothing of it can be taken.");
    list.print_all(&rows.collect::<Vec<_>>())?;
    eprintln!("New results: {} linked, {} waiting.", taken.linked, taken.new.saturating_sub(taken.linked));
    if request.dry_run {
        eprintln!("Nothing was changed: this was a dry run.");
    } else if taken.new > 0 {
        finish(app, "what could be taken is stored").await?;
    }
    Ok(())
}

async fn list(app: &App, caller: &Caller, wanted: &QuarantineRequest) -> Result<(), CommandError> {
    let columns: &[&str] = if wanted.dismissed {
        &["delivery", "platform", "received", "where", "problem", "dismissed by", "reason"]
    } else {
        &["delivery", "platform", "received", "where", "problem"]
    };
    let mut list = output::List::new(columns, "No such delivery is in quarantine.");
    let mut before = None;
    loop {
        let page = app.list_quarantine(caller, wanted, before, PAGE as u64).await?;
        let Some(last) = page.last() else {
            list.end();
            return Ok(());
        };
        before = Some(last.id);
        let rows = page.into_iter().map(|waiting| {
            let (id, platform) = (waiting.id.to_string(), waiting.platform.to_string());
            let mut row = vec![
                id,
                platform,
                text::seconds(waiting.received_at),
                place_in_body(&waiting.pointer).to_string(),
                waiting.problem,
            ];
            row.extend(waiting.dismissal.into_iter().flat_map(|dismissal| [dismissal.by, dismissal.reason]));
            row
        });
        list.print(&rows.collect::<Vec<_>>())?;
    }
}

async fn groups(app: &App, caller: &Caller, wanted: &QuarantineRequest) -> Result<(), CommandError> {
    let rows = app.group_quarantine(caller, wanted).await?.into_iter().map(|group| {
        let (deliveries, platform) = (group.deliveries.to_string(), group.platform.to_string());
        let place = place_in_body(&group.pointer).to_string();
        vec![deliveries, platform, place, group.problem, group.example.to_string()]
    });
    let columns = &["deliveries", "platform", "where", "problem", "example"];
    let list = output::List::new(columns, "No such delivery is in quarantine.");
    Ok(list.print_all(&rows.collect::<Vec<_>>())?)
}

/// What was read again so far.
#[derive(Default)]
struct Done {
    deliveries: usize,
    understood: usize,
    new: u64,
    linked: u64,
}

impl Done {
    /// Counts a delivery, and prints why it stays in quarantine if it does.
    fn count(&mut self, replayed: &ReplayedDelivery) {
        let id = replayed.id;
        self.deliveries += 1;
        self.new += replayed.again.new;
        self.linked += replayed.again.linked;
        match &replayed.again.received {
            Received::Quarantined { pointer, problem, .. } => {
                eprintln!("{id}: stays in quarantine: {} {problem}", place_in_body(pointer));
            }
            Received::Conflict | Received::EventConflict(_) => {
                eprintln!("{id}: stays in quarantine: another delivery reported an event with the same id");
            }
            Received::Accepted { .. } | Received::Duplicate { .. } | Received::Ignored => {
                self.understood += 1;
                eprintln!("{id}: understood");
            }
        }
    }
}

/// How far a replay had come. What was read again stays read; the service refreshes the people concerned.
fn interrupted(done: &Done, request: &ReplayRequest) -> Interrupted {
    let read = output::counted_verb(done.deliveries, "delivery was", "deliveries were");
    let stored = if request.dry_run { "nothing was changed" } else { "that is stored" };
    let on = match done.deliveries {
        0 => "run the command again".to_owned(),
        _ => format!("go on with --after {}", request.after),
    };
    Interrupted(format!("{read} read again, {} of them understood, and {stored}; {on}", done.understood))
}

async fn read_again(app: &App, caller: &Caller, replay: Replay) -> Result<(), CommandError> {
    let Replay { ids, filter, dry_run, after, .. } = replay;
    let wanted = ids.clone();
    let which = if ids.is_empty() { Which::All(filter.request(false)) } else { Which::Ids(ids) };
    let mut request = ReplayRequest { which, after, at_most: PAGE, dry_run };
    let bar = output::progress("deliveries");
    let (mut done, mut seen) = (Done::default(), Vec::new());
    loop {
        let Some(replayed) = unless_interrupted(app.replay_some(caller, &request)).await else {
            bar.finish_and_clear();
            return Err(interrupted(&done, &request).into());
        };
        let replayed = replayed?;
        bar.suspend(|| replayed.deliveries.iter().for_each(|delivery| done.count(delivery)));
        bar.inc(replayed.deliveries.len() as u64);
        if !wanted.is_empty() {
            seen.extend(replayed.deliveries.iter().map(|delivery| delivery.id));
        }
        match replayed.next {
            Some(next) => request.after = next,
            None => break,
        }
    }
    bar.finish_and_clear();
    if let Some(missing) = wanted.iter().find(|id| !seen.contains(id)) {
        return Err(format!("no delivery {missing} is in quarantine").into());
    }
    let would = if dry_run { "would leave" } else { "left" };
    let waiting = done.new.saturating_sub(done.linked);
    eprintln!("New results: {} linked, {waiting} waiting.", done.linked);
    eprintln!("{} of {} {would} quarantine.", done.understood, done.deliveries);
    if !dry_run && done.new > 0 {
        finish(app, "what was read again is stored").await?;
    }
    Ok(())
}
