//! What keeps a database from working, as far as its errors say; and what the operator is shown of it.
//!
//! A [`Trouble`] means that the sender should try again: the API answers `503`. Every other error of the store is a
//! fault of this program.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

use sea_orm::sqlx::{self, postgres::PgDatabaseError};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

use super::StoreError;

/// Why the database does not work at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing listens at its address.
    Refused,
    UnknownHost,
    /// It accepted the connection, and does not answer.
    NoAnswer,
    /// A connection ended in the middle.
    Broken,
    Insecure,
    StartingUp,
    ShuttingDown,
    TooManyConnections,
    /// Every connection of this process is in use.
    NoneFree,
    NotAllowed,
    UnknownDatabase,
    ReadOnly,
    Full,
    /// Another process or connection holds the lock that a change needs.
    Locked,
    /// A statement took longer than its limit.
    TooSlow,
    FileGone,
    CannotOpen,
    /// Reading or writing failed.
    Disk,
    Busy,
}

impl Trouble {
    /// Whether the database cannot be used at all, so that waiting is pointless.
    #[must_use]
    pub const fn is_away(self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::UnknownHost
                | Self::NoAnswer
                | Self::Broken
                | Self::Insecure
                | Self::StartingUp
                | Self::ShuttingDown
                | Self::NotAllowed
                | Self::UnknownDatabase
                | Self::FileGone
                | Self::CannotOpen
        )
    }

    /// The trouble that an error, or one that caused it, shows; `None` if it shows none.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut error = Some(error);
        while let Some(this) = error {
            match this.downcast_ref::<StoreError>() {
                Some(StoreError::Away { trouble, .. }) => return Some(*trouble),
                Some(StoreError::FileGone(_)) => return Some(Self::FileGone),
                Some(StoreError::NotSeen) => return Some(Self::Disk),
                _ => {}
            }
            if let Some(error) = this.downcast_ref::<DbErr>() {
                return of_library(error);
            }
            if let Some(error) = this.downcast_ref::<sqlx::Error>() {
                return of_driver(error);
            }
            error = this.source();
        }
        None
    }
}

fn of_library(error: &DbErr) -> Option<Trouble> {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Some(Trouble::NoneFree),
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => Some(Trouble::ShuttingDown),
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => of_driver(error),
        _ => None,
    }
}

fn of_driver(error: &sqlx::Error) -> Option<Trouble> {
    match error {
        sqlx::Error::Io(error) => Some(match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::NotFound => Trouble::Refused,
            ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Trouble::NoAnswer,
            _ if error.to_string().contains("lookup") => Trouble::UnknownHost,
            _ => Trouble::Broken,
        }),
        sqlx::Error::Tls(_) => Some(Trouble::Insecure),
        sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => Some(Trouble::Broken),
        sqlx::Error::PoolTimedOut => Some(Trouble::NoneFree),
        sqlx::Error::PoolClosed => Some(Trouble::ShuttingDown),
        sqlx::Error::Database(error) => {
            let code = error.code()?;
            if error.try_downcast_ref::<PgDatabaseError>().is_some() {
                of_postgres(&code)
            } else {
                of_sqlite(code.parse().ok()?)
            }
        }
        _ => None,
    }
}

/// By PostgreSQL's codes (its manual, appendix A).
fn of_postgres(code: &str) -> Option<Trouble> {
    Some(match code {
        "57P03" => Trouble::StartingUp,
        "57P01" | "57P02" | "57P05" => Trouble::ShuttingDown,
        "53300" => Trouble::TooManyConnections,
        "53100" => Trouble::Full,
        "25006" => Trouble::ReadOnly,
        "55P03" => Trouble::Locked,
        "57014" | "25P03" | "25P04" => Trouble::TooSlow,
        "3D000" => Trouble::UnknownDatabase,
        // Two changes waited for each other, and one was given up: the sender may try again.
        "40001" | "40P01" => Trouble::Busy,
        "58030" => Trouble::Disk,
        code if code.starts_with("28") => Trouble::NotAllowed,
        code if code.starts_with("08") || code == "57P04" => Trouble::Broken,
        code if code.starts_with("53") => Trouble::Busy,
        _ => return None,
    })
}

/// By SQLite's result codes; the lowest byte is the kind.
const fn of_sqlite(code: u32) -> Option<Trouble> {
    Some(match code & 0xff {
        3 | 23 => Trouble::NotAllowed,
        5 | 6 | 15 => Trouble::Locked,
        7 => Trouble::Busy,
        // SQLITE_READONLY_DBMOVED
        8 if code == 1032 => Trouble::FileGone,
        8 => Trouble::ReadOnly,
        10 => Trouble::Disk,
        13 => Trouble::Full,
        14 => Trouble::CannotOpen,
        _ => return None,
    })
}

/// The text that follows the database's name in a sentence.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refuses connections: it is not running, or not at this address",
            Self::UnknownHost => "has an address with an unknown host",
            Self::NoAnswer => "does not answer",
            Self::Broken => "closed the connection",
            Self::Insecure => "could not be reached over TLS",
            Self::StartingUp => "is starting up",
            Self::ShuttingDown => "is shutting down",
            Self::TooManyConnections => "accepts no more connections",
            Self::NoneFree => "had no connection free in time",
            Self::NotAllowed => "does not allow this role",
            Self::UnknownDatabase => "does not exist on its server",
            Self::ReadOnly => "is read-only",
            Self::Full => "has no space left on its disk",
            Self::Locked => "is locked by another writer",
            Self::TooSlow => "took too long and gave up",
            Self::FileGone => "is gone: its file was moved, deleted or replaced",
            Self::CannotOpen => "cannot be opened: its folder is missing, or not for this user",
            Self::Disk => "could not read or write its disk",
            Self::Busy => "is too busy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_pool_is_found_however_deep_it_lies() {
        let error = StoreError::Database(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
        assert_eq!(Trouble::of(&error), Some(Trouble::NoneFree));
        let refused = sqlx::Error::Io(std::io::Error::from(ErrorKind::ConnectionRefused));
        let error = StoreError::Database(DbErr::Conn(RuntimeErr::SqlxError(refused.into())));
        assert_eq!(Trouble::of(&error), Some(Trouble::Refused));
    }

    #[test]
    fn a_fault_of_this_program_is_no_trouble_of_the_database() {
        assert_eq!(Trouble::of(&StoreError::Unreadable { table: "event", column: "kind" }), None);
        assert_eq!(Trouble::of(&StoreError::Database(DbErr::Custom("…".to_owned()))), None);
    }

    #[test]
    fn codes_of_both_databases_are_known() {
        assert_eq!(of_postgres("57P03"), Some(Trouble::StartingUp));
        assert_eq!(of_postgres("28P01"), Some(Trouble::NotAllowed));
        assert_eq!(of_postgres("42P01"), None);
        assert_eq!(of_sqlite(5), Some(Trouble::Locked));
        // SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_SHORT_READ
        assert_eq!(of_sqlite(517), Some(Trouble::Locked));
        assert_eq!(of_sqlite(522), Some(Trouble::Disk));
        assert_eq!(of_sqlite(19), None);
    }
}
