//! `kurskoll migrate`

use super::{CommandError, open_or_make};

pub async fn run() -> Result<(), CommandError> {
    open_or_make().await?;
    eprintln!("The database is up to date.");
    Ok(())
}
