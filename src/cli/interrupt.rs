//! Ctrl-C in the middle of long work: it ends at once, and the command says what was done and what was not.

use std::future::Future;

use super::{CommandError, output};
use crate::app::App;

/// Work was ended by Ctrl-C or SIGTERM; the text says how far it had come, and how to go on.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: {0}")]
pub struct Interrupted(pub String);

/// The exit code of a process that Ctrl-C ended, as shells have it (128 and the number of SIGINT).
pub const EXIT_CODE: u8 = 130;

/// Does work until it is done; `None` if it was interrupted. What it had begun in the database is then rolled back.
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = interruption() => None,
    }
}

/// The same for work that is all or nothing; `what` is what it would have done, as "nothing was imported".
pub async fn all_or_nothing<T>(work: impl Future<Output = T>, what: &str) -> Result<T, Interrupted> {
    let again = "run the command again to be sure; what is stored already adds nothing";
    unless_interrupted(work).await.ok_or_else(|| Interrupted(format!("{what}; {again}")))
}

/// Judges the people whom a change concerns; `done` says what was done before.
pub async fn finish(app: &App, done: &str) -> Result<(), CommandError> {
    let bar = output::progress("people judged");
    let refreshed = unless_interrupted(app.refresh_all(|people| bar.inc(people as u64))).await;
    bar.finish_and_clear();
    let Some(refreshed) = refreshed else {
        let judged =
            output::counted_verb(usize::try_from(bar.position()).unwrap_or(usize::MAX), "person was", "people were");
        let rest = "the others wait for the service, or for the next report, which judges them first";
        return Err(Interrupted(format!("{done}; {judged} judged anew, {rest}")).into());
    };
    refreshed?;
    Ok(())
}

#[cfg(unix)]
async fn interruption() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

#[cfg(not(unix))]
async fn interruption() {
    drop(tokio::signal::ctrl_c().await);
}
