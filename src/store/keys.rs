//! The key pairs that sign bearer tokens, shared by every process on the database.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use super::chain::alterations;
use super::clock::Change;
use super::entities::signing_key;
use super::{StoreError, instant};

/// A stored key pair.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    pub kid: String,
    /// PKCS#8.
    pub private_key: Vec<u8>,
    pub public_key: Vec<u8>,
    pub created_at: DateTime<Utc>,
    /// When it was retired: it signs nothing new from then on.
    pub retired_at: Option<DateTime<Utc>>,
}

/// Every key pair, the newest first.
pub async fn list(connection: &impl ConnectionTrait) -> Result<Vec<StoredKey>, StoreError> {
    let rows = signing_key::Entity::find()
        .order_by_desc(signing_key::Column::CreatedAt)
        .order_by_desc(signing_key::Column::Kid)
        .all(connection)
        .await?;
    let key_of = |row: signing_key::Model| StoredKey {
        kid: row.kid,
        private_key: row.private_key,
        public_key: row.public_key,
        created_at: instant::read(row.created_at),
        retired_at: row.retired_at.map(instant::read),
    };
    Ok(rows.into_iter().map(key_of).collect())
}

/// Adds a key pair that signs from now on; earlier ones only verify.
pub async fn insert(change: &Change, kid: &str, private_key: Vec<u8>, public_key: Vec<u8>) -> Result<(), StoreError> {
    let signing = signing_key::Entity::find().select_only().column(signing_key::Column::Kid);
    let signing = signing.filter(signing_key::Column::RetiredAt.is_null());
    let mut touched: Vec<String> = signing.into_tuple().all(change.connection()).await?;
    signing_key::Entity::update_many()
        .set(signing_key::ActiveModel { retired_at: Set(Some(change.at())), ..Default::default() })
        .filter(signing_key::Column::RetiredAt.is_null())
        .exec(change.connection())
        .await?;
    let row = signing_key::ActiveModel {
        kid: Set(kid.to_owned()),
        private_key: Set(private_key),
        public_key: Set(public_key),
        created_at: Set(change.at()),
        retired_at: Set(None),
    };
    signing_key::Entity::insert(row).exec_without_returning(change.connection()).await?;
    touched.push(kid.to_owned());
    alterations::note(change, "signing_key", &touched).await
}

/// Removes the key pairs that were retired before an instant; tokens that they signed are no longer valid.
pub async fn remove_retired_before(change: &Change, instant: DateTime<Utc>) -> Result<u64, StoreError> {
    let retired = signing_key::Column::RetiredAt.lt(instant::stored(instant));
    let gone = signing_key::Entity::find().select_only().column(signing_key::Column::Kid).filter(retired.clone());
    let gone: Vec<String> = gone.into_tuple().all(change.connection()).await?;
    let removed = signing_key::Entity::delete_many().filter(retired).exec(change.connection()).await?;
    alterations::note(change, "signing_key", &gone).await?;
    Ok(removed.rows_affected)
}
