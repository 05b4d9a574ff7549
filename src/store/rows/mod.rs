//! Rows of the database as structs; their fields are the columns.
//!
//! A statement that takes its rows as one parameter has the same text for any number of rows, so both databases find it
//! prepared. Several such queries fit in one statement. Start at [`row!`]; `insertion` writes rows, `question` reads
//! them.

pub mod insertion;
pub mod question;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use sea_orm::{ColIdx, ConnectionTrait, DbBackend, QueryResult, TryGetError, TryGetable, Value};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// The kind of value in a column. The type of its field decides it: see [`Field`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Boolean,
    Text,
    /// [`Bytes`].
    Bytes,
    /// A day, as chrono writes it.
    Day,
    /// A [`Part`].
    Part,
}

/// A column of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Also the field's name, here and in the JSON object.
    pub name: &'static str,
    pub kind: Kind,
    /// The expression that it is read from; `None` if that is the column of its name.
    pub source: Option<&'static str>,
}

/// A struct whose fields are columns. Only [`row!`] implements it.
pub trait Row {
    const COLUMNS: &'static [Column];

    /// Appends the fields' values, in the order of the columns.
    fn append_values(&self, values: &mut Vec<Value>);
}

/// A row of one table; all of its columns are in that table.
pub trait TableRow: Row {
    const TABLE: &'static str;
}

/// Defines a struct, and implements [`Row`] for it. The names and kinds of the columns are those of the fields, so a
/// new field needs one line only.
///
/// `in TABLE` also implements [`TableRow`]. A field that is not read from the column of its name gives its source:
/// `email: Option<String> = "l.email"`. Fields after `beside` belong to the struct only.
macro_rules! row {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident $(<$life:lifetime>)? $(in $table:ident)? {
            $(
                $(#[$field_attribute:meta])*
                $field_visibility:vis $field:ident: $kind:ty $(= $source:expr)?
            ),* $(,)?
        }
        $(beside {
            $( $(#[$beside_attribute:meta])* $beside_visibility:vis $beside:ident: $beside_type:ty ),* $(,)?
        })?
    ) => {
        $(#[$attribute])*
        $visibility struct $name $(<$life>)? {
            $( $(#[$field_attribute])* $field_visibility $field: $kind, )*
            $($( $(#[$beside_attribute])* #[serde(skip)] $beside_visibility $beside: $beside_type, )*)?
        }

        impl $(<$life>)? $crate::store::rows::Row for $name $(<$life>)? {
            const COLUMNS: &'static [$crate::store::rows::Column] = &[$(
                $crate::store::rows::Column {
                    name: stringify!($field),
                    kind: <$kind as $crate::store::rows::Field>::KIND,
                    source: $crate::store::rows::row!(@source $($source)?),
                }
            ),*];

            fn append_values(&self, values: &mut Vec<sea_orm::Value>) {
                values.extend([$( $crate::store::rows::Field::value(&self.$field) ),*]);
            }
        }

        $crate::store::rows::row!(@table $name [$(<$life>)?] $($table)?);
    };
    (@source) => { None };
    (@source $source:expr) => { Some($source) };
    (@table $name:ident [$($generics:tt)*]) => {};
    (@table $name:ident [$($generics:tt)*] $table:ident) => {
        impl $($generics)* $crate::store::rows::TableRow for $name $($generics)* {
            const TABLE: &'static str = stringify!($table);
        }
    };
}
pub(in crate::store) use row;

/// The type of a field of a row.
pub trait Field {
    const KIND: Kind;

    /// The field as a parameter of its own.
    fn value(&self) -> Value;
}

macro_rules! fields {
    ($($kind:ident $field:ty, $value:expr;)+) => {
        $( impl Field for $field {
            const KIND: Kind = Kind::$kind;

            fn value(&self) -> Value {
                let value: fn(&Self) -> Value = $value;
                value(self)
            }
        } )+
    };
}

fields! {
    Integer i32, |number| (*number).into();
    Integer i64, |number| (*number).into();
    Integer u32, |number| i64::from(*number).into();
    Integer usize, |number| i64::try_from(*number).unwrap_or(i64::MAX).into();
    Boolean bool, |boolean| (*boolean).into();
    Text &str, |text| (*text).into();
    Text String, |text| text.as_str().into();
    Day NaiveDate, |day| (*day).into();
    Part Part<'_>, |part| part.bytes.to_vec().into();
}

impl<B: AsRef<[u8]>> Field for Bytes<B> {
    const KIND: Kind = Kind::Bytes;

    fn value(&self) -> Value {
        self.0.as_ref().to_vec().into()
    }
}

impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;

    fn value(&self) -> Value {
        match (self, T::KIND) {
            (Some(value), _) => value.value(),
            (None, Kind::Integer) => Value::BigInt(None),
            (None, Kind::Boolean) => Value::Bool(None),
            (None, Kind::Text) => Value::String(None),
            (None, Kind::Day) => Value::ChronoDate(None),
            (None, Kind::Bytes | Kind::Part) => Value::Bytes(None),
        }
    }
}

/// Bytes. In JSON they are hexadecimal, which both databases read without an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent, bound(serialize = "B: AsRef<[u8]>", deserialize = "B: hex::FromHex<Error = hex::FromHexError>"))]
pub struct Bytes<B = Vec<u8>>(#[serde(with = "hex")] pub B);

impl TryGetable for Bytes {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        Vec::try_get_by(row, index).map(Self)
    }
}

/// Bytes that are a part of a separate parameter, so that they are not written in hexadecimal; the JSON object says
/// where in that parameter they are.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Part<'a> {
    #[serde(skip)]
    bytes: &'a [u8],
    at: usize,
    length: usize,
}

impl<'a> Part<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, length: bytes.len() }
    }

    pub const fn length(&self) -> usize {
        self.length
    }

    /// Appends the bytes to the parameter.
    pub fn append_to(&mut self, parameter: &mut Vec<u8>) {
        self.at = parameter.len();
        parameter.extend_from_slice(self.bytes);
    }
}

/// The rows as a parameter.
pub fn parameter(rows: &[impl Row + Serialize]) -> Result<Value, StoreError> {
    Ok(serde_json::to_string(rows).map_err(StoreError::Unwritable)?.into())
}

/// The names of a row's columns, as a list.
pub fn names<R: Row>() -> String {
    names_of(R::COLUMNS)
}

fn names_of(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// A row's columns as the list of a `SELECT`, from the table `alias` unless a field gives another source.
pub fn selected<R: Row>(alias: &str) -> String {
    let read = |Column { name, source, .. }: &Column| match source {
        Some(source) => format!("{source} AS {name}"),
        None => format!("{alias}.{name} AS {name}"),
    };
    R::COLUMNS.iter().map(read).collect::<Vec<_>>().join(", ")
}

/// A table expression, called `alias`, of the rows in the parameter `$number`.
pub fn table<R: Row>(connection: &impl ConnectionTrait, number: usize, alias: &str) -> String {
    table_of(connection, (number, 0), alias, R::COLUMNS)
}

/// The same for some columns, with the bytes of parts in the parameter `$parts`.
fn table_of(
    connection: &impl ConnectionTrait,
    (number, parts): (usize, usize),
    alias: &str,
    columns: &[Column],
) -> String {
    if connection.get_database_backend() == DbBackend::Postgres {
        let read = columns.iter().map(|Column { name, kind, .. }| match kind {
            Kind::Bytes => format!("decode({name}, 'hex') AS {name}"),
            Kind::Part => format!(
                "substring(${parts}::bytea FROM ({name} ->> 'at')::integer + 1 FOR ({name} ->> 'length')::integer) AS {name}"
            ),
            _ => (*name).to_owned(),
        });
        let typed = columns.iter().map(|Column { name, kind, .. }| {
            let kind = match kind {
                Kind::Integer => "BIGINT",
                Kind::Boolean => "BOOLEAN",
                Kind::Text | Kind::Bytes => "TEXT",
                Kind::Day => "DATE",
                Kind::Part => "JSON",
            };
            format!("{name} {kind}")
        });
        let (read, typed) = (read.collect::<Vec<_>>().join(", "), typed.collect::<Vec<_>>().join(", "));
        // OFFSET 0 keeps the bytes from being decoded again at each use.
        return format!(
            "(SELECT {read} FROM json_to_recordset(${number}::json) AS given({typed}) OFFSET 0) AS {alias}"
        );
    }
    let read = columns.iter().map(|Column { name, kind, .. }| match kind {
        Kind::Bytes => format!("unhex(value ->> '{name}') AS {name}"),
        Kind::Part => {
            // A part of no bytes would be NULL.
            format!(
                "COALESCE(substr(${parts}, (value ->> '$.{name}.at') + 1, value ->> '$.{name}.length'), x'') AS {name}"
            )
        }
        _ => format!("value ->> '{name}' AS {name}"),
    });
    format!("(SELECT {} FROM json_each(${number})) AS {alias}", read.collect::<Vec<_>>().join(", "))
}
