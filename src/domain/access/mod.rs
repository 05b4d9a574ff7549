//! Who may do what, and whom they may see (DESIGN, section 4).
//!
//! A [`Principal`] asks for an [`Action`] and gets a [`Grant`], which alone carries the [`Visible`] set that every scoped
//! query demands. What is not visible does not exist for the asker; what is visible but not allowed is refused.

mod own_days;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::{AdministrationCode, EmployeeId};

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
    /// The SCIM endpoint and nothing else.
    Scim,
    /// Sees the people whose employment names them as manager. By sign-in alone. What of these people a manager may not see
    /// (scores of attempts) is to be left out where the sign-in is made: no caller has the role yet.
    Manager,
    /// Sees themselves. By sign-in alone.
    Employee,
}

impl Role {
    pub const ALL: [Self; 7] =
        [Self::Admin, Self::City, Self::Administration, Self::Auditor, Self::Scim, Self::Manager, Self::Employee];

    /// Whether a token may give the role; the others follow from who signs in.
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
        Role::Manager | Role::Employee => matches!(action, Action::ReadPeople),
    }
}

/// Whose data somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    All,
    Only(Own),
}

/// What is somebody's own: the union of what their roles give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Administrations: figures, and people on the days on which they are or were in one (`own_days`).
    pub administrations: BTreeSet<AdministrationCode>,
    /// People on all their days: a manager's, and the caller.
    pub people: BTreeSet<EmployeeId>,
}

impl Visible {
    /// Some administrations.
    #[must_use]
    pub fn administrations(administrations: BTreeSet<AdministrationCode>) -> Self {
        Self::Only(Own { administrations, people: BTreeSet::new() })
    }

    /// Some people: a manager's.
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

    /// Whether what a person has in an administration is visible.
    #[must_use]
    pub fn includes_of(&self, employee: EmployeeId, administration: &AdministrationCode) -> bool {
        self.includes(administration) || matches!(self, Self::Only(own) if own.people.contains(&employee))
    }

    #[must_use]
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

/// As an audit entry shows it: `city`, or the codes of administrations and how many people beside them.
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

/// Somebody who has proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's subject, or the operator at the command line.
    pub subject: String,
    pub roles: BTreeSet<Role>,
    pub administrations: BTreeSet<AdministrationCode>,
    /// Who the caller is, as far as the directory knows them: the scope of [`Role::Employee`].
    pub employee: Option<EmployeeId>,
    /// Whose employment names the caller as manager: the scope of [`Role::Manager`].
    pub managed: BTreeSet<EmployeeId>,
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
        Self::with_token("operator".to_owned(), BTreeSet::from([Role::Admin]), BTreeSet::new())
    }

    /// Somebody with a token: not known as an employee.
    #[must_use]
    pub const fn with_token(
        subject: String,
        roles: BTreeSet<Role>,
        administrations: BTreeSet<AdministrationCode>,
    ) -> Self {
        Self { subject, roles, administrations, employee: None, managed: BTreeSet::new() }
    }

    /// What makes users of those who waited until the directory knew them: it may do what their provider may.
    #[must_use]
    pub fn waiting_users() -> Self {
        let roles = BTreeSet::from([Role::Scim]);
        Self::with_token("waiting users".to_owned(), roles, BTreeSet::new())
    }

    /// The right to act: over all where some city-wide role permits it, else over the union of what the other roles that
    /// permit it give.
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
        // What a manager may not do at all is within the administrations alone.
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
