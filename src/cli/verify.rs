//! `kurskoll verify`

use super::{CommandError, open, output};
use crate::app::Asker;

pub async fn run() -> Result<(), CommandError> {
    let app = open().await?.app;
    let bar = output::progress("people, events and statements compared");
    let verified = app.verify(&Asker::operator(), |done| bar.inc(done)).await?;
    bar.finish_and_clear();
    for difference in &verified.differences {
        output::print(&format!("{difference}\n"))?;
    }
    if verified.differences.is_empty() {
        eprintln!(
            "{} events, {} statements and {} employees compared: everything derived is as the facts give it.",
            verified.events, verified.statements, verified.employees
        );
        return Ok(());
    }
    Err(format!(
        "{} between what is derived and what the facts give",
        output::counted(verified.differences.len(), "difference")
    )
    .into())
}
