//! `kurskoll quarantine`

use clap::Subcommand;

use super::{CommandError, open, output};
use crate::app::Asker;
use crate::app::receive_delivery::{Received, place_in_body};
use crate::app::show_deliveries::DeliveriesRequest;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the deliveries in quarantine, newest first: id, platform, when, where in the body, why
    #[command(after_help = "Example:\n  kurskoll quarantine list")]
    List,
    /// Print a delivery's body as it was received
    #[command(after_help = "Example:\n  kurskoll quarantine show 17")]
    Show {
        /// The delivery's id
        id: i64,
    },
    /// Read a delivery again, or all of them; what is understood now leaves quarantine
    #[command(after_help = "Examples:\n  kurskoll quarantine replay 17\n  kurskoll quarantine replay --all")]
    Replay {
        /// The delivery's id
        #[arg(required_unless_present = "all")]
        id: Option<i64>,
        /// All deliveries in quarantine
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

/// How many deliveries are listed at a time.
const PAGE: u64 = 500;

pub async fn run(command: Command) -> Result<(), CommandError> {
    let app = open().await?.app;
    let asker = Asker::operator();
    match command {
        Command::List => {
            let mut request =
                DeliveriesRequest { outcome: Some("quarantined".to_owned()), at_most: PAGE, ..Default::default() };
            loop {
                let page = app.list_deliveries(&asker, &request).await?;
                let Some(last) = page.last() else { return Ok(()) };
                request.before = Some(last.id);
                let mut lines = String::new();
                for kept in page {
                    lines.push_str(&format!(
                        "{}\t{}\t{}\t{}\t{}\n",
                        kept.id,
                        kept.platform_code,
                        kept.received_at.to_rfc3339(),
                        place_in_body(&kept.problem_pointer.unwrap_or_default()),
                        kept.problem.unwrap_or_default()
                    ));
                }
                output::print(&lines)?;
            }
        }
        Command::Show { id } => {
            let (kept, body) = app.show_delivery(&asker, id).await?;
            eprintln!("Delivery {id} of {}, {}: {}", kept.platform_code, kept.outcome, kept.headers);
            output::print(&String::from_utf8_lossy(&body))?;
        }
        Command::Replay { id, .. } => {
            let ids = match id {
                Some(id) => vec![id],
                None => app.quarantined(&asker).await?,
            };
            let mut stay = 0;
            for id in &ids {
                match app.replay(&asker, *id).await? {
                    Received::Quarantined { pointer, problem, .. } => {
                        stay += 1;
                        eprintln!("{id}: stays in quarantine: {} {problem}", place_in_body(&pointer));
                    }
                    Received::Conflict | Received::EventConflict(_) => {
                        stay += 1;
                        eprintln!("{id}: stays in quarantine: another delivery has told an event with the same id");
                    }
                    Received::Accepted { .. } | Received::Duplicate { .. } | Received::Ignored => {
                        eprintln!("{id}: understood");
                    }
                }
            }
            eprintln!("{} of {} left quarantine.", ids.len() - stay, ids.len());
        }
    }
    Ok(())
}
