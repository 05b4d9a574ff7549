//! Documents that platforms store here (State, Activity Profile, Agent Profile). Each function gets the platform, and
//! touches only the documents of that platform.
//!
//! A write is a compare-and-set by the database in one statement: of two writers that saw the same content, one wins.
//! Documents are no evidence, so they have one state and no history.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::ids::PlatformId;
use crate::store::sql::statement;
use crate::store::{Store, StoreError, instant};

/// The kinds of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    State,
    ActivityProfile,
    AgentProfile,
}

impl Resource {
    const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::ActivityProfile => "activity_profile",
            Self::AgentProfile => "agent_profile",
        }
    }
}

/// What documents belong to: a platform, and an activity or agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belonging {
    pub platform: PlatformId,
    pub resource: Resource,
    /// An IRI.
    pub activity: Option<String>,
    /// Its identifier in canonical form.
    pub agent: Option<String>,
    pub registration: Option<Uuid>,
}

/// A digest that is the same only for equal parts.
fn digest(parts: &[&[u8]]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().to_vec()
}

impl Belonging {
    /// Without the registration: a query for documents may name one or not.
    fn digest(&self) -> Vec<u8> {
        let optional =
            |text: &Option<String>| text.as_ref().map_or(Vec::new(), |text| [b"=", text.as_bytes()].concat());
        digest(&[self.resource.as_str().as_bytes(), &optional(&self.activity), &optional(&self.agent)])
    }

    fn key_of(&self, name: &str) -> Vec<u8> {
        let registration = self.registration.as_ref().map_or(&[][..], |registration| registration.as_bytes());
        digest(&[&self.digest(), registration, name.as_bytes()])
    }

    fn registration(&self) -> Option<Vec<u8>> {
        self.registration.map(|registration| registration.as_bytes().to_vec())
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub content_type: String,
    pub content: Vec<u8>,
    /// The digest of the content, for comparing two contents.
    pub digest: Vec<u8>,
    pub stored_at: DateTime<Utc>,
}

/// A document by its name.
pub async fn by_name(
    connection: &impl ConnectionTrait,
    belonging: &Belonging,
    name: &str,
) -> Result<Option<Document>, StoreError> {
    let sql = "SELECT content_type, content, digest, stored_at FROM xapi_document WHERE key = $1 AND platform_id = $2";
    let values: [Value; 2] = [belonging.key_of(name).into(), belonging.platform.0.into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    let read = |row: QueryResult| {
        Ok(Document {
            content_type: row.try_get("", "content_type")?,
            content: row.try_get("", "content")?,
            digest: row.try_get("", "digest")?,
            stored_at: instant::read(row.try_get("", "stored_at")?),
        })
    };
    row.map(read).transpose()
}

/// The digest of a document's content, by its name.
pub async fn digest_by_name(
    connection: &impl ConnectionTrait,
    belonging: &Belonging,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT digest FROM xapi_document WHERE key = $1 AND platform_id = $2";
    let values: [Value; 2] = [belonging.key_of(name).into(), belonging.platform.0.into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "digest")).transpose()?)
}

/// The names of documents, in order and each once: of a registration if one is given, else of all. `since`: stored
/// after that.
pub async fn names(
    connection: &impl ConnectionTrait,
    belonging: &Belonging,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<String>, StoreError> {
    let mut sql = "SELECT DISTINCT name FROM xapi_document WHERE belongs_to = $1 AND platform_id = $2".to_owned();
    let mut values: Vec<Value> = vec![belonging.digest().into(), belonging.platform.0.into()];
    if let Some(since) = since {
        // An instant with a fraction below a microsecond is later than the stored microsecond.
        values.push(instant::stored(since).into());
        sql += &format!(" AND stored_at > ${}", values.len());
    }
    if let Some(registration) = belonging.registration() {
        values.push(registration.into());
        sql += &format!(" AND registration = ${}", values.len());
    }
    sql += " ORDER BY name";
    let rows = connection.query_all_raw(statement(connection, &sql, values)).await?;
    let read = |row: &QueryResult| {
        let unreadable = |_| StoreError::Unreadable { table: "xapi_document", column: "name" };
        String::from_utf8(row.try_get("", "name")?).map_err(unreadable)
    };
    rows.iter().map(read).collect()
}

impl Store {
    /// Adds a document if there is none of the name; returns whether it did.
    pub async fn add_document(
        &self,
        belonging: &Belonging,
        name: &str,
        document: &Document,
    ) -> Result<bool, StoreError> {
        let sql =
            "INSERT INTO xapi_document (platform_id, key, belongs_to, resource, activity, agent, registration, name,
                                              content_type, content, digest, stored_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";
        let values: [Value; 12] = [
            belonging.platform.0.into(),
            belonging.key_of(name).into(),
            belonging.digest().into(),
            belonging.resource.as_str().into(),
            belonging.activity.clone().into(),
            belonging.agent.clone().map(String::into_bytes).into(),
            belonging.registration().into(),
            name.as_bytes().to_vec().into(),
            document.content_type.clone().into(),
            document.content.clone().into(),
            document.digest.clone().into(),
            instant::stored(document.stored_at).into(),
        ];
        Ok(self.write_alone(sql, values).await? == 1)
    }

    /// Replaces a document if its content still has a digest; returns whether it did.
    pub async fn replace_document(
        &self,
        belonging: &Belonging,
        name: &str,
        seen: &[u8],
        document: &Document,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE xapi_document SET content_type = $1, content = $2, digest = $3, stored_at = $4
                   WHERE key = $5 AND platform_id = $6 AND digest = $7";
        let values: [Value; 7] = [
            document.content_type.clone().into(),
            document.content.clone().into(),
            document.digest.clone().into(),
            instant::stored(document.stored_at).into(),
            belonging.key_of(name).into(),
            belonging.platform.0.into(),
            seen.to_vec().into(),
        ];
        Ok(self.write_alone(sql, values).await? == 1)
    }

    /// Removes a document if its content still has a digest; returns whether it did.
    pub async fn remove_document(&self, belonging: &Belonging, name: &str, seen: &[u8]) -> Result<bool, StoreError> {
        let sql = "DELETE FROM xapi_document WHERE key = $1 AND platform_id = $2 AND digest = $3";
        let values: [Value; 3] = [belonging.key_of(name).into(), belonging.platform.0.into(), seen.to_vec().into()];
        Ok(self.write_alone(sql, values).await? == 1)
    }

    /// Removes the documents that [`names`] would name.
    pub async fn remove_documents(&self, belonging: &Belonging) -> Result<(), StoreError> {
        let mut sql = "DELETE FROM xapi_document WHERE belongs_to = $1 AND platform_id = $2".to_owned();
        let mut values: Vec<Value> = vec![belonging.digest().into(), belonging.platform.0.into()];
        if let Some(registration) = belonging.registration() {
            sql += " AND registration = $3";
            values.push(registration.into());
        }
        self.write_alone(&sql, values).await?;
        Ok(())
    }
}
