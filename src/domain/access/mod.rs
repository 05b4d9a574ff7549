//! Who may do what, and whom they may see (DESIGN, section 4).
//!
//! A [`Principal`] asks for an [`Action`] and gets a [`Grant`], which alone carries the [`Visible`] set that every scoped
//! query demands. What is not visible does not exist for the asker; what is visible but not allowed is refused.

mod own_days;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::AdministrationCode;

pub use own_days::OwnDays;

/// What somebody is to Kurskoll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Operates the register.
    Admin,
    /// Reads all, and links.
    City,
    /// Reads, exports and links within its own administrations.
    Administration,
    /// Reads all, evidence and audit trail included; changes nothing.
    Auditor,
    /// The SCIM door and nothing else.
    Scim,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Admin, Self::City, Self::Administration, Self::Auditor, Self::Scim];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::City => "city",
            Self::Administration => "administration",
            Self::Auditor => "auditor",
            Self::Scim => "scim",
        }
    }
}

/// What can be asked for; each door's acts, by what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Figures per administration and requirement.
    ReadReport,
    /// Named people and their statuses.
    ReadPeople,
    /// A file of named people.
    Export,
    /// Results that wait unlinked.
    ReadUnlinked,
    /// Say by hand whose an identity is, and undo it.
    Link,
    /// Deliveries as they were received, their bytes included.
    ReadDeliveries,
    /// Read a quarantined delivery again.
    Replay,
    /// Who looked at, exported and changed what.
    ReadAudit,
    /// Which of HR's files were imported, and what each changed in the whole city.
    ReadImports,
    /// How the learning platforms fare.
    ReadPlatforms,
    /// Change the register itself: directory, requirements, platforms, tokens; back it up and verify it.
    Operate,
    /// Tell, as an identity provider, who works where; and read what was told, protected personal data included.
    Provision,
}

impl Action {
    pub const ALL: [Self; 12] = [
        Self::ReadReport,
        Self::ReadPeople,
        Self::Export,
        Self::ReadUnlinked,
        Self::Link,
        Self::ReadDeliveries,
        Self::Replay,
        Self::ReadAudit,
        Self::ReadImports,
        Self::ReadPlatforms,
        Self::Operate,
        Self::Provision,
    ];
}

/// Whether a role may act at all; within which administrations is the [`Grant`]'s matter.
#[must_use]
pub const fn role_permits(role: Role, action: Action) -> bool {
    match role {
        // The provider's door shows protected personal data as they were told: to the provider, and to nobody else.
        Role::Admin => !matches!(action, Action::Provision),
        Role::City => !matches!(
            action,
            Action::Replay | Action::ReadAudit | Action::ReadDeliveries | Action::Operate | Action::Provision
        ),
        Role::Administration => matches!(
            action,
            Action::ReadReport | Action::ReadPeople | Action::Export | Action::ReadUnlinked | Action::Link
        ),
        Role::Auditor => !matches!(action, Action::Link | Action::Replay | Action::Operate | Action::Provision),
        Role::Scim => matches!(action, Action::Provision),
    }
}

/// The administrations whose people, figures and existence somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    All,
    Only(BTreeSet<AdministrationCode>),
}

impl Visible {
    #[must_use]
    pub fn includes(&self, administration: &AdministrationCode) -> bool {
        match self {
            Self::All => true,
            Self::Only(own) => own.contains(administration),
        }
    }

    #[must_use]
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

/// Somebody who has proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's subject, or the operator at the command line.
    pub subject: String,
    pub roles: BTreeSet<Role>,
    pub administrations: BTreeSet<AdministrationCode>,
}

/// A right to act, within what is visible. Made by [`Principal::grant`] and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    subject: String,
    action: Action,
    visible: Visible,
}

/// The act is not within the asker's roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the roles of this token do not allow this")]
pub struct Refused;

impl Principal {
    /// The operator at the command line of the machine that holds the register.
    #[must_use]
    pub fn operator() -> Self {
        Self { subject: "operator".to_owned(), roles: BTreeSet::from([Role::Admin]), administrations: BTreeSet::new() }
    }

    /// What makes users of those who waited until the directory knew them: it may do what their provider may.
    #[must_use]
    pub fn waiting_users() -> Self {
        let roles = BTreeSet::from([Role::Scim]);
        Self { subject: "waiting users".to_owned(), roles, administrations: BTreeSet::new() }
    }

    /// The right to act: over all where some city-wide role permits it, else over the asker's own administrations.
    pub fn grant(&self, action: Action) -> Result<Grant, Refused> {
        let permitting = || self.roles.iter().filter(|role| role_permits(**role, action));
        let visible = if permitting().any(|role| *role != Role::Administration) {
            Visible::All
        } else if permitting().next().is_some() {
            Visible::Only(self.administrations.clone())
        } else {
            return Err(Refused);
        };
        Ok(Grant { subject: self.subject.clone(), action, visible })
    }
}

impl Grant {
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    #[must_use]
    pub const fn visible(&self) -> &Visible {
        &self.visible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table of who may do what; a change of a right shows up here as a change of a line.
    #[test]
    fn the_table_of_rights() {
        let table: Vec<String> = Role::ALL
            .into_iter()
            .map(|role| {
                let may: Vec<String> =
                    Action::ALL.into_iter().filter(|a| role_permits(role, *a)).map(|a| format!("{a:?}")).collect();
                format!("{}: {}", role.as_str(), may.join(" "))
            })
            .collect();
        assert_eq!(
            table,
            [
                "admin: ReadReport ReadPeople Export ReadUnlinked Link ReadDeliveries Replay ReadAudit ReadImports ReadPlatforms Operate",
                "city: ReadReport ReadPeople Export ReadUnlinked Link ReadImports ReadPlatforms",
                "administration: ReadReport ReadPeople Export ReadUnlinked Link",
                "auditor: ReadReport ReadPeople Export ReadUnlinked ReadDeliveries ReadAudit ReadImports ReadPlatforms",
                "scim: Provision",
            ]
        );
    }

    #[test]
    fn an_administration_sees_its_own_and_a_city_wide_role_sees_all() {
        let own = BTreeSet::from([AdministrationCode::parse("SEF").expect("a code")]);
        let officer = Principal {
            subject: "officer".to_owned(),
            roles: BTreeSet::from([Role::Administration]),
            administrations: own.clone(),
        };
        assert_eq!(officer.grant(Action::Export).map(|g| g.visible().clone()), Ok(Visible::Only(own)));
        assert_eq!(officer.grant(Action::ReadAudit), Err(Refused));
        let both = Principal { roles: BTreeSet::from([Role::Administration, Role::City]), ..officer };
        assert_eq!(both.grant(Action::Export).map(|g| g.visible().clone()), Ok(Visible::All));
    }
}
