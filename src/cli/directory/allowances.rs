//! Unusual changes that an import may make because its operator allows them.

use clap::Args;

use crate::cli::CommandError;
use crate::domain::directory::plan::{Allowed, MassKind};
use crate::domain::ids::EmployeeNumber;

/// One option for each kind of change that is refused as unusual.
#[derive(Debug, Args)]
pub struct Allowances {
    /// Accept a full file that ends more than a tenth of the employments, or all of an administration
    #[arg(long)]
    allow_mass_ending: bool,
    /// Accept files that change the first day of more than a tenth of the employments
    #[arg(long)]
    allow_mass_start_changes: bool,
    /// Accept files that move more than a tenth of the employments without a reorganisation
    #[arg(long)]
    allow_mass_moves: bool,
    /// Accept files that change or remove the address or user name of more than a tenth of the people
    #[arg(long)]
    allow_mass_key_changes: bool,
    /// Accept files that change the name of more than a tenth of the people
    #[arg(long)]
    allow_mass_name_changes: bool,
    /// Accept files that change the form of more than a tenth of the employments
    #[arg(long)]
    allow_mass_form_changes: bool,
    /// Accept files that uncover more than a tenth of the people with protected personal data
    #[arg(long)]
    allow_mass_unprotecting: bool,
    /// Accept every new number as a new person, even if someone seems to be known under another number
    #[arg(long)]
    allow_mass_renumbering: bool,
    /// A new number that belongs to a new person, though it seems to be a known person's new number; may be repeated
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    new_person: Vec<String>,
}

impl Allowances {
    /// What is allowed; an error where a number is none.
    pub fn allowed(&self) -> Result<Allowed, CommandError> {
        let is_allowed = |kind: &MassKind| match kind {
            MassKind::Ending => self.allow_mass_ending,
            MassKind::Renumbering => self.allow_mass_renumbering,
            MassKind::StartChanges => self.allow_mass_start_changes,
            MassKind::Moves => self.allow_mass_moves,
            MassKind::KeyChanges => self.allow_mass_key_changes,
            MassKind::NameChanges => self.allow_mass_name_changes,
            MassKind::FormChanges => self.allow_mass_form_changes,
            MassKind::Unprotecting => self.allow_mass_unprotecting,
        };
        // The parser of arguments would repeat what it does not accept, and a personal identity number must not be
        // repeated.
        let number = |text: &String| EmployeeNumber::parse(text).map_err(|why| format!("--new-person {why}"));
        Ok(Allowed {
            kinds: MassKind::ALL.into_iter().filter(is_allowed).collect(),
            new_persons: self.new_person.iter().map(number).collect::<Result<_, _>>()?,
        })
    }
}
