//! Small facts about the database itself.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait, Set};

use super::StoreError;
use super::chain::alterations;
use super::clock::Change;
use super::entities::setting;

/// The derivation version of the derived rows.
pub const DERIVATION_VERSION: &str = "derivation_version";

/// When the directory last changed, as a stored instant.
pub const DIRECTORY_CHANGED_AT: &str = "directory_changed_at";

/// The secret that makes the queue's cursors distinct without showing what they represent; created when the register is
/// first opened.
pub const CURSOR_KEY: &str = "cursor_key";

pub async fn read(connection: &impl ConnectionTrait, name: &str) -> Result<Option<String>, StoreError> {
    Ok(setting::Entity::find_by_id(name).one(connection).await?.map(|row| row.value))
}

pub async fn write(change: &Change, name: &str, value: &str) -> Result<(), StoreError> {
    let row = setting::ActiveModel { name: Set(name.to_owned()), value: Set(value.to_owned()) };
    setting::Entity::insert(row)
        .on_conflict(OnConflict::column(setting::Column::Name).update_column(setting::Column::Value).to_owned())
        .exec_without_returning(change.connection())
        .await?;
    alterations::note(change, "setting", &[name.to_owned()]).await
}
