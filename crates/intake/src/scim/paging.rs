//! A query for many resources: filter, order and page (RFC 7644, section 3.4.2; RFC 9865).

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ScimType;
use super::filter::{Bound, Filter, FilterError};
use super::patch::member;
use super::path::AttributePath;
use super::resource::{Projection, ProjectionError};
use super::schema::{Kind, Place, Schemas, UnknownAttribute};

/// How many resources an answer has if the query does not say.
pub const STANDARD_COUNT: usize = 100;
/// The most resources that an answer has, for any count.
pub const MOST: usize = 500;

/// A query as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListText {
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
    pub start_index: Option<String>,
    pub count: Option<String>,
    pub cursor: Option<String>,
    pub attributes: Option<String>,
    pub excluded_attributes: Option<String>,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// After this many resources.
    Index(usize),
    /// After a resource that was answered; `None`: at the beginning.
    Cursor(Option<Cursor>),
}

/// The last resource of an answer: its place in the order. The next page begins after it, even if resources changed
/// since.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    /// The sort key; empty without an order.
    pub key: String,
    pub id: i64,
    /// Of what query.
    question: String,
}

/// A query that is understood.
#[derive(Debug, Clone)]
pub struct List<'s> {
    pub filter: Option<Bound<'s>>,
    pub sort: Option<Sort<'s>>,
    pub start: Start,
    pub count: usize,
    pub projection: Projection,
    question: String,
}

/// An order.
#[derive(Debug, Clone, Copy)]
pub struct Sort<'s> {
    by: Place<'s>,
    pub is_descending: bool,
}

/// Why a query is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error("sortBy: {0}")]
    SortBy(UnknownAttribute),
    #[error("sortOrder is ascending or descending")]
    SortOrder,
    #[error("{0} is not a whole number")]
    NotANumber(&'static str),
    #[error("count is not a whole number from 0 to 2147483647")]
    Count,
    #[error("the cursor is not from an answer to this query: begin again with cursor=")]
    Cursor,
    #[error("cursor and startIndex exclude each other: give one of them")]
    CursorAndIndex,
    #[error("the body is no SearchRequest: it must be a JSON object")]
    NotASearch,
    #[error(
        "{0}: users and groups together come users first, in pages by startIndex; query /Users or /Groups for this"
    )]
    NotOfSeveralTypes(&'static str),
}

impl ListError {
    #[must_use]
    pub const fn scim_type(&self) -> ScimType {
        match self {
            Self::Filter(_) => ScimType::InvalidFilter,
            Self::Projection(ProjectionError::Path(_) | ProjectionError::Unknown(_)) | Self::SortBy(_) => {
                ScimType::InvalidPath
            }
            Self::Projection(ProjectionError::Both)
            | Self::SortOrder
            | Self::NotANumber(_)
            | Self::NotOfSeveralTypes(_) => ScimType::InvalidValue,
            Self::Count => ScimType::InvalidCount,
            Self::Cursor | Self::CursorAndIndex => ScimType::InvalidCursor,
            Self::NotASearch => ScimType::InvalidSyntax,
        }
    }
}

impl ListText {
    /// Reads the body of a search (RFC 7644, section 3.4.3).
    pub fn of_search(body: &Value) -> Result<Self, ListError> {
        let body = body.as_object().ok_or(ListError::NotASearch)?;
        let text = |name: &str| match member(body, name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
            None | Some(Value::Null) => None,
            Some(other) => Some(other.to_string()),
        };
        Ok(Self {
            filter: text("filter"),
            sort_by: text("sortBy"),
            sort_order: text("sortOrder"),
            start_index: text("startIndex"),
            count: text("count"),
            cursor: text("cursor"),
            attributes: text("attributes"),
            excluded_attributes: text("excludedAttributes"),
        })
    }

    /// Understands the query, over a resource's schemas.
    pub fn understand<'s>(&self, schemas: &'s Schemas) -> Result<List<'s>, ListError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let filter = given(&self.filter);
        let filter = filter.map(|text| Filter::parse(&text)?.bind(schemas)).transpose()?;
        let is_descending = match given(&self.sort_order).map(|order| order.trim().to_ascii_lowercase()).as_deref() {
            None | Some("ascending") => false,
            Some("descending") => true,
            Some(_) => return Err(ListError::SortOrder),
        };
        let sort = given(&self.sort_by).map(|name| {
            let unknown = || ListError::SortBy(UnknownAttribute(name.clone()));
            let path = AttributePath::parse(&name).map_err(|_| unknown())?;
            let place = schemas.place(path.as_str()).map_err(ListError::SortBy)?;
            let by = match (place.part, place.attribute.value_part()) {
                (None, Some(value)) => Place { part: Some(value), ..place },
                _ => place,
            };
            if by.target().kind == Kind::Complex { Err(unknown()) } else { Ok(Sort { by, is_descending }) }
        });
        let question = format!("{:?} {:?} {:?}", given(&self.filter), given(&self.sort_by), is_descending);
        let start = match &self.cursor {
            None => Start::Index(start_index(given(&self.start_index).as_deref())?),
            Some(_) if given(&self.start_index).is_some() => return Err(ListError::CursorAndIndex),
            Some(cursor) if cursor.is_empty() => Start::Cursor(None),
            Some(cursor) => {
                let cursor = Cursor::read(cursor).filter(|cursor| cursor.question == fingerprint(&question));
                Start::Cursor(Some(cursor.ok_or(ListError::Cursor)?))
            }
        };
        Ok(List {
            filter,
            sort: sort.transpose()?,
            start,
            count: count(given(&self.count).as_deref())?,
            projection: Projection::read(
                schemas,
                given(&self.attributes).as_deref(),
                given(&self.excluded_attributes).as_deref(),
            )?,
            question: fingerprint(&question),
        })
    }
}

/// How many resources come before the page: a startIndex below 1 means 1.
fn start_index(text: Option<&str>) -> Result<usize, ListError> {
    let Some(text) = text else { return Ok(0) };
    let index: i64 = text.trim().parse().map_err(|_| ListError::NotANumber("startIndex"))?;
    Ok(usize::try_from(index.saturating_sub(1)).unwrap_or(0))
}

/// A count below 0 means 0; one above the most is the most.
fn count(text: Option<&str>) -> Result<usize, ListError> {
    let Some(text) = text else { return Ok(STANDARD_COUNT) };
    let count: i32 = text.trim().parse().map_err(|_| ListError::Count)?;
    Ok(usize::try_from(count).unwrap_or(0).min(MOST))
}

fn fingerprint(question: &str) -> String {
    use sha2::Digest;
    URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(question).get(..9).unwrap_or_default())
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    /// The cursor as a client gets it.
    #[must_use]
    pub fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

impl List<'_> {
    /// The same query, from after this many resources.
    #[must_use]
    pub fn after(self, past: usize, count: usize) -> Self {
        Self { start: Start::Index(past), count, ..self }
    }

    /// Whether an attribute gives the order.
    #[must_use]
    pub fn sorts_by(&self, attribute: &str) -> bool {
        self.sort.is_some_and(|sort| sort.by.attribute.name == attribute)
    }

    /// Whether the query is for a resource.
    #[must_use]
    pub fn wants(&self, resource: &Map<String, Value>) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.holds(resource))
    }

    /// A resource's place in the order of the query.
    #[must_use]
    pub fn cursor_of(&self, resource: &Map<String, Value>, id: i64) -> Cursor {
        let key = self.sort.map(|sort| sort.key(resource)).unwrap_or_default();
        Cursor { key, id, question: self.question.clone() }
    }

    /// Which of two comes first; of equal ones the one that was recorded first.
    #[must_use]
    pub fn order(&self, a: &Cursor, b: &Cursor) -> Ordering {
        // What has no value comes last (RFC 7644, section 3.4.2.3).
        let key = (a.key.is_empty(), &a.key).cmp(&(b.key.is_empty(), &b.key));
        let key = if self.sort.is_some_and(|sort| sort.is_descending) { key.reverse() } else { key };
        key.then(a.id.cmp(&b.id))
    }
}

impl Sort<'_> {
    /// The key of the primary value, else of the first.
    fn key(&self, resource: &Map<String, Value>) -> String {
        let values = self.by.values(resource);
        match values.first() {
            Some(Value::String(text)) if self.by.target().is_case_exact => text.clone(),
            Some(Value::String(text)) => kurskoll_domain::linking::normalized(text),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_below_the_first_is_the_first() {
        for (text, past) in [("1", 0), ("2", 1), ("0", 0), ("-3", 0), ("-9223372036854775808", 0)] {
            assert_eq!(start_index(Some(text)), Ok(past), "{text}");
        }
        assert_eq!(start_index(Some("9223372036854775808")), Err(ListError::NotANumber("startIndex")));
    }
}
