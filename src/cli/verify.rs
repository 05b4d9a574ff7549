//! `kurskoll verify`

use chrono::SecondsFormat;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::interrupt::{Interrupted, unless_interrupted};
use super::{CommandError, open, output};
use crate::app::Caller;
use crate::app::operating::verify::{KnownHead, Part, Verified, VerifyRequest};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kurskoll verify\n  kurskoll verify --part 3/7\n  kurskoll verify --format json\n  \
    kurskoll verify --head 2026-03-01T02:00:00.000000Z:5f0c6a1e5f0c6a1e5f0c6a1e5f0c6a1e5f0c6a1e5f0c6a1e5f0c6a1e5f0c6a1e\n\n\
    Reads every delivery again from its bytes, checks its signature if its secret is stored, compares every row\n\
    that a report can depend on with the chain of digests, and derives every link and compliance\n\
    state again from the facts.\n\
    Runs beside the service. Each difference is a sentence on standard output: what should be, and what is.\n\
    Exit codes: 0 no difference, 1 differences, 2 wrong use.\n\
    The last line says where the chain ends: write it down elsewhere, and give it back with --head."
)]
pub struct Arguments {
    /// Only one part of several, as 3/7: seven nights check everything, and each checks the newest links too
    #[arg(long, value_name = "PART/OF")]
    part: Option<Part>,
    /// A head of the chain that was written down elsewhere: its link must still be there
    #[arg(long, value_name = "INSTANT:DIGEST")]
    head: Option<KnownHead>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let app = open().await?.app;
    let bar = output::progress("rows, people, events and statements compared");
    let whole = VerifyRequest::default();
    let request = VerifyRequest { part: arguments.part.unwrap_or(whole.part), head: arguments.head };
    let operator = Caller::operator();
    let verified = unless_interrupted(app.verify_some(&operator, request, |done| bar.inc(done))).await;
    bar.finish_and_clear();
    let Some(verified) = verified else {
        let compared = output::counted(usize::try_from(bar.position()).unwrap_or(usize::MAX), "row");
        let why = "differences are reported at the end only, so none are known yet; --part compares less at a time";
        return Err(Interrupted(format!("{compared} compared; {why}")).into());
    };
    let verified = verified?;
    match arguments.format {
        Format::Json => output::print(&format!("{}\n", as_json(&verified)))?,
        Format::Text => in_words(&verified)?,
    }
    if verified.count() == 0 {
        return Ok(());
    }
    let count = usize::try_from(verified.count()).unwrap_or(usize::MAX);
    let first = verified.first_broken.map(|link| format!("; the first broken link is {link}")).unwrap_or_default();
    Err(format!("{} between what should be and what is{first}", output::counted(count, "difference")).into())
}

fn in_words(verified: &Verified) -> Result<(), CommandError> {
    for difference in &verified.differences {
        output::print(&format!("{difference}\n"))?;
    }
    if verified.more > 0 {
        output::print(&format!("… and {} more\n", verified.more))?;
    }
    for note in &verified.notes {
        eprintln!("note: {note}");
    }
    let signatures = verified.signatures;
    if signatures.without_secret > 0 {
        eprintln!(
            "note: {} deliveries were signed with secrets of which none is stored: their signatures could not be checked",
            signatures.without_secret
        );
    }
    eprintln!(
        "{} deliveries ({} signatures), {} events, {} statements, {} employees, and {} rows in {} links compared{}",
        verified.deliveries,
        signatures.verified,
        verified.events,
        verified.statements,
        verified.employees,
        verified.rows,
        verified.links,
        if verified.count() == 0 {
            ": everything is as it was recorded, and everything derived follows from the facts."
        } else {
            "."
        },
    );
    if let Some(head) = verified.head {
        eprintln!("The chain ends with link {}: {head}", head.number);
    }
    Ok(())
}

fn as_json(verified: &Verified) -> serde_json::Value {
    let instant = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({
        "differences": verified.count(),
        "sentences": verified.differences,
        "first_broken_link": verified.first_broken.map(|link| link.number),
        "notes": verified.notes,
        "compared": {
            "deliveries": verified.deliveries,
            "events": verified.events,
            "statements": verified.statements,
            "employees": verified.employees,
            "rows": verified.rows,
            "links": verified.links,
        },
        "signatures": {
            "verified": verified.signatures.verified,
            "unsigned": verified.signatures.unsigned,
            "without_secret": verified.signatures.without_secret,
        },
        "head": verified.head.map(|head| json!({
            "link": head.number,
            "through": instant(head.through),
            "digest": hex::encode(head.digest),
            "written": head.to_string(),
        })),
    })
}
