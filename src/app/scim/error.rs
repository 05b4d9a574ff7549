//! Why a request to the SCIM endpoint was not carried out, with the status and the scimType that RFC 7644 gives it: the
//! answer to a bulk request may contain many of them.

use crate::domain::access::Refused;
use crate::domain::directory::plan::provision::ProvisionFault;
use crate::domain::ids::AdministrationCode;
use crate::intake::scim::ScimType;
use crate::intake::scim::bulk::BulkError;
use crate::intake::scim::group::GroupError;
use crate::intake::scim::paging::ListError;
use crate::intake::scim::patch::PatchError;
use crate::intake::scim::resource::{ProjectionError, ValueError};
use crate::intake::scim::user::UserError;
use crate::store::StoreError;

/// The kind of error.
#[derive(Debug, thiserror::Error)]
pub enum ScimError {
    #[error("the roles of this token do not allow this: the SCIM endpoint accepts tokens of the role scim alone")]
    Refused(#[from] Refused),
    #[error("there is no {kind} with the id {id}")]
    NotFound { kind: &'static str, id: String },
    #[error("groups are the administrations of the city and read-only: HR's file of administrations names them")]
    GroupsAreReadOnly,
    #[error("a token of the role scim is no person's: there is no user that /Me could be; query /Users")]
    NoMe,
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    Patch(#[from] PatchError),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Group(#[from] GroupError),
    #[error("members: there is no user with the id {0}; send the user first, or by bulkId")]
    UnknownMember(String),
    #[error(
        "this group stands for the administration {0}, which the register does not know: correct scim.groups, or import it"
    )]
    GroupOfUnknownAdministration(AdministrationCode),
    #[error("another group has this externalId, {location}: change that one")]
    GroupExists { location: String },
    #[error("{0} cannot be removed: the directory would go on showing what it knows; give another value")]
    CannotBeRemoved(String),
    #[error(transparent)]
    Bulk(#[from] BulkError),
    #[error("{fault}; {attribute} carries the administration's code, and these exist: {known}")]
    NoAdministration { fault: ProvisionFault, attribute: String, known: String },
    #[error(transparent)]
    Provision(ProvisionFault),
    #[error("{word:?} is no code of an administration; these exist: {known}")]
    UnknownAdministration { word: String, known: String },
    #[error("administration {0} is closed by then; name the one that has its people, or end the employment before")]
    ClosedAdministration(AdministrationCode),
    #[error("manager: there is no user with the id {0}; send the manager first, or by bulkId")]
    UnknownManager(String),
    #[error("another user has this {0}")]
    Taken(&'static str),
    #[error("this employee is a user already, {location}: change that one")]
    Exists { location: String },
    #[error("the employee number of a user cannot be changed: it says which person this is")]
    OtherEmployee,
    #[error("the resource has another version than If-Match names: read it again")]
    OtherVersion,
    #[error("the bulkId {0} is no operation's of this request, or that operation failed")]
    UnresolvedReference(String),
    #[error("operations refer to each other in a circle: {0}")]
    CircularReference(String),
    #[error("there is no {0} here; bulk takes POST /Users, and PUT, PATCH and DELETE of a user; the same of groups")]
    NoSuchOperation(String),
    #[error("the register failed; try again")]
    Store(#[from] StoreError),
}

impl ScimError {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Refused(_) => 403,
            Self::NotFound { .. } | Self::NoSuchOperation(_) => 404,
            Self::NoMe => 501,
            Self::GroupsAreReadOnly => 405,
            Self::Bulk(BulkError::TooManyOperations) => 413,
            Self::Taken(_)
            | Self::Exists { .. }
            | Self::GroupExists { .. }
            | Self::UnresolvedReference(_)
            | Self::CircularReference(_) => 409,
            Self::OtherVersion => 412,
            Self::Store(_) => 500,
            Self::List(_)
            | Self::Projection(_)
            | Self::Value(_)
            | Self::Patch(_)
            | Self::User(_)
            | Self::Group(_)
            | Self::UnknownMember(_)
            | Self::GroupOfUnknownAdministration(_)
            | Self::CannotBeRemoved(_)
            | Self::Bulk(_)
            | Self::NoAdministration { .. }
            | Self::Provision(_)
            | Self::UnknownAdministration { .. }
            | Self::ClosedAdministration(_)
            | Self::UnknownManager(_)
            | Self::OtherEmployee => 400,
        }
    }

    /// The scimType.
    #[must_use]
    pub const fn scim_type(&self) -> Option<ScimType> {
        match self {
            Self::Refused(_)
            | Self::NotFound { .. }
            | Self::NoSuchOperation(_)
            | Self::GroupsAreReadOnly
            | Self::NoMe
            | Self::OtherVersion
            | Self::Store(_)
            | Self::Bulk(BulkError::TooManyOperations) => None,
            Self::List(error) => Some(error.scim_type()),
            Self::Projection(_) => Some(ScimType::InvalidPath),
            Self::Value(ValueError::NotAnObject) => Some(ScimType::InvalidSyntax),
            Self::Value(_) => Some(ScimType::InvalidValue),
            Self::Patch(error) => Some(error.scim_type()),
            Self::User(error) => Some(error.scim_type()),
            Self::Group(error) => Some(error.scim_type()),
            Self::Bulk(error) => Some(error.scim_type()),
            Self::Taken(_) | Self::Exists { .. } | Self::GroupExists { .. } => Some(ScimType::Uniqueness),
            Self::OtherEmployee | Self::CannotBeRemoved(_) => Some(ScimType::Mutability),
            Self::UnknownMember(_)
            | Self::GroupOfUnknownAdministration(_)
            | Self::NoAdministration { .. }
            | Self::Provision(_)
            | Self::UnknownAdministration { .. }
            | Self::ClosedAdministration(_)
            | Self::UnknownManager(_)
            | Self::UnresolvedReference(_)
            | Self::CircularReference(_) => Some(ScimType::InvalidValue),
        }
    }
}

/// An error and its sources, as one line for the log.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
