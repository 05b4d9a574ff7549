//! Who may do what, and whom they may see (DESIGN, section 4).
//!
//! A [`Principal`] requests an [`Action`] and gets a [`Grant`]. Only a grant carries the [`Visible`] set, which every
//! scoped query needs. Data that is not visible does not exist for the caller; data that is visible but not allowed is
//! refused.

mod own_days;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::{AdministrationCode, EmployeeId};

pub use own_days::OwnDays;

/// The role of a caller.
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
    /// The SCIM endpoint and nothing else.
    Scim,
    /// Sees the people whose employment names them as manager. By sign-in only. A manager may not see the scores of
    /// attempts: these must be left out when sign-in is built. No caller has the role yet.
    Manager,
    /// Sees only themselves. By sign-in only.
    Employee,
}

impl Role {
    pub const ALL: [Self; 7] =
        [Self::Admin, Self::City, Self::Administration, Self::Auditor, Self::Scim, Self::Manager, Self::Employee];

    /// Whether a token may give the role. The other roles follow from the person who signs in.
    #[must_use]
    pub const fn is_by_token(self) -> bool {
        !matches!(self, Self::Manager | Self::Employee)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::City => "city",
            Self::Administration => "administration",
            Self::Auditor => "auditor",
            Self::Scim => "scim",
            Self::Manager => "manager",
            Self::Employee => "employee",
        }
    }
}

/// What a caller can request: the operations of all endpoints, by their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Figures per administration and requirement.
    ReadReport,
    /// Named people and their statuses.
    ReadPeople,
    /// A file of named people.
    Export,
    /// Unlinked results.
    ReadUnlinked,
    /// Link an identity to an employee by hand, and undo it.
    Link,
    /// Deliveries as they were received, their bytes included.
    ReadDeliveries,
    /// Read a quarantined delivery again.
    Replay,
    /// The audit trail: who read, exported and changed what.
    ReadAudit,
    /// Which of HR's files were imported, and what each changed in the whole city.
    ReadImports,
    /// The state of the learning platforms.
    ReadPlatforms,
    /// Change the register itself: directory, requirements, platforms, tokens; back it up and verify it.
    Operate,
    /// Provision users as an identity provider, and read what was provisioned, protected personal data included.
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

/// Whether a role may act at all. The [`Grant`] says in which administrations.
#[must_use]
pub const fn role_permits(role: Role, action: Action) -> bool {
    match role {
        // The SCIM endpoint shows protected personal data as they were provisioned, and only to the provider.
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
        Role::Manager | Role::Employee => matches!(action, Action::ReadPeople),
    }
}

/// The people whose data a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    All,
    Only(Own),
}

/// A part of the data: the union of what the caller's roles give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Administrations: their figures, and people on the days on which they are or were in one (`own_days`).
    pub administrations: BTreeSet<AdministrationCode>,
    /// People on all their days: a manager's people, and the caller.
    pub people: BTreeSet<EmployeeId>,
}

impl Visible {
    /// Some administrations.
    #[must_use]
    pub fn administrations(administrations: BTreeSet<AdministrationCode>) -> Self {
        Self::Only(Own { administrations, people: BTreeSet::new() })
    }

    /// Some people, for a manager.
    #[must_use]
    pub fn people(people: BTreeSet<EmployeeId>) -> Self {
        Self::Only(Own { administrations: BTreeSet::new(), people })
    }

    /// One person: the caller.
    #[must_use]
    pub fn oneself(employee: EmployeeId) -> Self {
        Self::people(BTreeSet::from([employee]))
    }

    /// Whether an administration's figures and existence are visible.
    #[must_use]
    pub fn includes(&self, administration: &AdministrationCode) -> bool {
        match self {
            Self::All => true,
            Self::Only(own) => own.administrations.contains(administration),
        }
    }

    /// Whether a person's data in an administration is visible.
    #[must_use]
    pub fn includes_of(&self, employee: EmployeeId, administration: &AdministrationCode) -> bool {
        self.includes(administration) || matches!(self, Self::Only(own) if own.people.contains(&employee))
    }

    #[must_use]
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

/// As an audit entry shows it: `city`, or the codes of administrations and the number of other people.
impl std::fmt::Display for Visible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Only(own) = self else { return f.write_str("city") };
        let codes = own.administrations.iter().map(ToString::to_string);
        let people = match own.people.len() {
            0 => None,
            1 => Some("1 person".to_owned()),
            several => Some(format!("{several} people")),
        };
        f.write_str(&codes.chain(people).collect::<Vec<_>>().join(", "))
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's subject, or the operator at the command line.
    pub subject: String,
    pub roles: BTreeSet<Role>,
    pub administrations: BTreeSet<AdministrationCode>,
    /// The caller as an employee, if the directory knows them: the scope of [`Role::Employee`].
    pub employee: Option<EmployeeId>,
    /// The people whose employment names the caller as manager: the scope of [`Role::Manager`].
    pub managed: BTreeSet<EmployeeId>,
}

/// A right to act on what is visible. Only [`Principal::grant`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    subject: String,
    action: Action,
    visible: Visible,
}

/// The caller's roles do not allow the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the roles of this token do not allow this")]
pub struct Refused;

impl Principal {
    /// The operator at the command line of the machine that holds the register.
    #[must_use]
    pub fn operator() -> Self {
        Self::with_token("operator".to_owned(), BTreeSet::from([Role::Admin]), BTreeSet::new())
    }

    /// The subject of a token, who is not known as an employee.
    #[must_use]
    pub const fn with_token(
        subject: String,
        roles: BTreeSet<Role>,
        administrations: BTreeSet<AdministrationCode>,
    ) -> Self {
        Self { subject, roles, administrations, employee: None, managed: BTreeSet::new() }
    }

    /// The job that resolves waiting users once the directory knows them. It may do what their provider may.
    #[must_use]
    pub fn waiting_users() -> Self {
        let roles = BTreeSet::from([Role::Scim]);
        Self::with_token("waiting users".to_owned(), roles, BTreeSet::new())
    }

    /// The right to act: on the whole city if a city-wide role permits it, otherwise on the union of what the other
    /// permitting roles give.
    pub fn grant(&self, action: Action) -> Result<Grant, Refused> {
        let mut own = Own::default();
        let mut is_permitted = false;
        let mut sees_all = false;
        for role in self.roles.iter().filter(|role| role_permits(**role, action)) {
            is_permitted = true;
            match role {
                Role::Admin | Role::City | Role::Auditor | Role::Scim => sees_all = true,
                Role::Administration => own.administrations.clone_from(&self.administrations),
                Role::Manager => own.people.extend(&self.managed),
                Role::Employee => own.people.extend(self.employee),
            }
        }
        if !is_permitted {
            return Err(Refused);
        }
        let visible = if sees_all { Visible::All } else { Visible::Only(own) };
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

    /// The whole table of permissions. A changed permission shows up here as a changed line.
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
                "manager: ReadPeople",
                "employee: ReadPeople",
            ]
        );
    }

    #[test]
    fn an_administration_sees_its_own_and_a_city_wide_role_sees_all() {
        let own = BTreeSet::from([AdministrationCode::parse("SEF").expect("a code")]);
        let officer = Principal::with_token("officer".to_owned(), BTreeSet::from([Role::Administration]), own.clone());
        assert_eq!(officer.grant(Action::Export).map(|g| g.visible().clone()), Ok(Visible::administrations(own)));
        assert_eq!(officer.grant(Action::ReadAudit), Err(Refused));
        let both = Principal { roles: BTreeSet::from([Role::Administration, Role::City]), ..officer };
        assert_eq!(both.grant(Action::Export).map(|g| g.visible().clone()), Ok(Visible::All));
    }

    #[test]
    fn an_officer_who_is_also_a_manager_sees_the_union_of_both() {
        let own = BTreeSet::from([AdministrationCode::parse("SEF").expect("a code")]);
        let roles = BTreeSet::from([Role::Administration, Role::Manager, Role::Employee]);
        let officer = Principal {
            employee: Some(EmployeeId(1)),
            managed: BTreeSet::from([EmployeeId(2), EmployeeId(3)]),
            ..Principal::with_token("officer".to_owned(), roles, own.clone())
        };
        let people = BTreeSet::from([EmployeeId(1), EmployeeId(2), EmployeeId(3)]);
        let seen = officer.grant(Action::ReadPeople).map(|grant| grant.visible().clone());
        assert_eq!(seen, Ok(Visible::Only(Own { administrations: own.clone(), people })));
        // An action that a manager may not do at all covers the administrations only.
        let exported = officer.grant(Action::Export).map(|grant| grant.visible().clone());
        assert_eq!(exported, Ok(Visible::administrations(own)));
    }

    #[test]
    fn a_manager_sees_their_people_and_an_employee_themselves() {
        let manager = Principal {
            managed: BTreeSet::from([EmployeeId(2)]),
            employee: Some(EmployeeId(1)),
            ..Principal::with_token("manager".to_owned(), BTreeSet::from([Role::Manager]), BTreeSet::new())
        };
        let seen = manager.grant(Action::ReadPeople).map(|grant| grant.visible().clone());
        assert_eq!(seen, Ok(Visible::people(BTreeSet::from([EmployeeId(2)]))));
        let employee = Principal { roles: BTreeSet::from([Role::Employee]), ..manager };
        let seen = employee.grant(Action::ReadPeople).map(|grant| grant.visible().clone());
        assert_eq!(seen, Ok(Visible::oneself(EmployeeId(1))));
        assert_eq!(employee.grant(Action::ReadReport), Err(Refused));
    }
}
