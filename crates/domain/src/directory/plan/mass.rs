//! Changes to many people at once (DESIGN, "Files in"). HR's files seldom make them, but a spreadsheet, a shifted
//! column or an old file makes them to everyone. They are counted, shown by examples, and refused unless their kind is
//! allowed.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::renumbering::Renumbering;
use crate::ids::{AdministrationCode, EmployeeNumber};

/// The kind of a change to many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MassKind {
    /// Employments end; or a file without rows ends all known records of its kind.
    Ending,
    /// People get other numbers.
    Renumbering,
    /// Employments begin on another day.
    StartChanges,
    /// Employments are in another administration, and no reorganisation explains it.
    Moves,
    /// People lose their address or user name, or get another.
    KeyChanges,
    /// People get another name.
    NameChanges,
    /// Employments get another form.
    FormChanges,
    /// Personal data are protected no longer.
    Unprotecting,
}

impl MassKind {
    pub const ALL: [Self; 8] = [
        Self::Ending,
        Self::Renumbering,
        Self::StartChanges,
        Self::Moves,
        Self::KeyChanges,
        Self::NameChanges,
        Self::FormChanges,
        Self::Unprotecting,
    ];

    /// The option that allows this kind and no other.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Ending => "--allow-mass-ending",
            Self::Renumbering => "--allow-mass-renumbering",
            Self::StartChanges => "--allow-mass-start-changes",
            Self::Moves => "--allow-mass-moves",
            Self::KeyChanges => "--allow-mass-key-changes",
            Self::NameChanges => "--allow-mass-name-changes",
            Self::FormChanges => "--allow-mass-form-changes",
            Self::Unprotecting => "--allow-mass-unprotecting",
        }
    }
}

/// More changes of one kind at once than are accepted without an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MassChange {
    pub kind: MassKind,
    pub affected: usize,
    /// How many it could affect.
    pub of: usize,
    /// The first few; only the number for a person with protected personal data.
    pub examples: Vec<String>,
    /// What is affected.
    #[serde(skip)]
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A share of the whole register.
    Share,
    /// All employments of some administrations, even if they are less than a tenth of the city's.
    WholeAdministrations(BTreeSet<AdministrationCode>),
    /// All records of a kind, by a file that has no rows.
    EmptyFile(&'static str),
}

/// How many examples are shown.
pub(super) const EXAMPLES: usize = 3;

/// The mass changes that the caller allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    pub kinds: BTreeSet<MassKind>,
    /// Numbers of people who are really new, even if they resemble a known person.
    pub new_persons: BTreeSet<EmployeeNumber>,
}

impl Allowed {
    /// Nothing unusual.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { kinds: BTreeSet::new(), new_persons: BTreeSet::new() }
    }

    /// Every kind of mass change.
    #[must_use]
    pub fn everything() -> Self {
        Self { kinds: MassKind::ALL.into(), new_persons: BTreeSet::new() }
    }
}

/// Why files are refused unless the caller allows the changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unusual {
    pub mass_changes: Vec<MassChange>,
    /// People who seem to be known under another number, however few.
    pub renumberings: Vec<Renumbering>,
}

impl Unusual {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.mass_changes.is_empty() && self.renumberings.is_empty()
    }

    /// The options that allow all of it.
    #[must_use]
    pub fn options(&self) -> BTreeSet<&'static str> {
        let kinds = self.mass_changes.iter().map(|mass| mass.kind);
        let renumbering = (!self.renumberings.is_empty()).then_some(MassKind::Renumbering);
        kinds.chain(renumbering).map(MassKind::option).collect()
    }

    /// The part that is not allowed.
    #[must_use]
    pub fn without(&self, allowed: &Allowed) -> Self {
        let kinds = &allowed.kinds;
        let mass_changes = self.mass_changes.iter().filter(|mass| !kinds.contains(&mass.kind)).cloned().collect();
        let is_said =
            |pair: &&Renumbering| !kinds.contains(&MassKind::Renumbering) && !allowed.new_persons.contains(&pair.new);
        Self { mass_changes, renumberings: self.renumberings.iter().filter(is_said).cloned().collect() }
    }
}

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, mass) in self.mass_changes.iter().enumerate() {
            f.write_str(if nth == 0 { "the files would " } else { "; and they would " })?;
            write!(f, "{mass}: allow it with {}", mass.kind.option())?;
        }
        if self.renumberings.is_empty() {
            return Ok(());
        }
        f.write_str(if self.mass_changes.is_empty() { "the files have " } else { "; and they have " })?;
        Renumbering::write_all(&self.renumberings, f)
    }
}

impl fmt::Display for MassChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, affected, of, examples, what } = self;
        match kind {
            MassKind::Ending => write!(f, "end {affected} of {of} ")?,
            MassKind::StartChanges => write!(f, "change the first day of {affected} of {of} ")?,
            MassKind::Moves => {
                write!(f, "move to other administrations, without a reorganisation, {affected} of {of} ")?
            }
            MassKind::KeyChanges => write!(f, "change or take away the address or user name of {affected} of {of} ")?,
            MassKind::NameChanges => write!(f, "change the name of {affected} of {of} ")?,
            MassKind::FormChanges => write!(f, "change the form of {affected} of {of} ")?,
            MassKind::Unprotecting => write!(f, "uncover {affected} of {of} ")?,
            MassKind::Renumbering => write!(f, "give other numbers to {affected} of {of} ")?,
        }
        match what {
            What::EmptyFile(records) => write!(f, "{records}, since their file has no rows")?,
            What::WholeAdministrations(codes) => {
                let codes: Vec<&str> = codes.iter().map(AdministrationCode::as_str).collect();
                write!(f, "employments, all that run or are to come in {}", codes.join(", "))?;
            }
            What::Share => f.write_str(match kind {
                MassKind::Ending | MassKind::StartChanges | MassKind::Moves | MassKind::FormChanges => {
                    "employments, more than a tenth"
                }
                MassKind::Unprotecting => "people with protected personal data, more than a tenth",
                _ => "people, more than a tenth",
            })?,
        }
        if !examples.is_empty() {
            write!(f, " (for example {})", examples.join("; "))?;
        }
        Ok(())
    }
}
