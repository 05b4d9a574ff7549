//! `kurskoll migrate`

use super::{CommandError, open};

pub async fn run() -> Result<(), CommandError> {
    open().await?;
    eprintln!("The database is up to date.");
    Ok(())
}
