//! Employments by membership of a provider's group that represents an administration: a member gets an employment there
//! if their own attributes name none.
//!
//! Such an employment is one of the provider's. It begins on the day on which the membership is provisioned, and its
//! last day is the one on which the membership ends.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::super::super::EmploymentForm;
use super::{KnownPerson, Post, ProvisionFault, Register, acts};
use crate::directory::plan::Change;
use crate::ids::{AdministrationCode, EmployeeNumber, EmploymentId};

/// The changes by a membership.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    pub changes: Vec<Change>,
    /// The employments that the account governs then.
    pub governs: BTreeSet<EmploymentId>,
}

/// A person becomes a member of a group that represents `code`. Nothing changes if the account has an employment there
/// that continues.
pub fn carried(
    number: &EmployeeNumber,
    known: &KnownPerson,
    (code, post): (&AdministrationCode, &Post),
    default_form: EmploymentForm,
    today: NaiveDate,
) -> Result<Carried, ProvisionFault> {
    let mut register = register(number, known, default_form, today);
    if register.carried_ids(code).is_empty() {
        let post = Post { administration: Some(code.clone()), ..post.clone() };
        let ends_on = post.ends_on.filter(|last| *last >= today);
        let starts_on = register.first_day(&post);
        register.add(&Post { ends_on, ..post }, starts_on, None)?;
    }
    Ok(outcome(register, known))
}

/// A person is no longer a member of any group that represents `code`: the account's employments there end today.
#[must_use]
pub fn no_longer_carried(
    number: &EmployeeNumber,
    known: &KnownPerson,
    code: &AdministrationCode,
    today: NaiveDate,
) -> Carried {
    let mut register = register(number, known, EmploymentForm::Permanent, today);
    for id in register.carried_ids(code) {
        register.end(&id, today);
    }
    outcome(register, known)
}

fn register<'a>(
    number: &'a EmployeeNumber,
    known: &'a KnownPerson,
    default_form: EmploymentForm,
    today: NaiveDate,
) -> Register<'a> {
    let (successions, beside) = (&known.successions, &known.beside);
    let employments = known.employments.clone();
    Register { number, employments, restored: BTreeSet::new(), successions, beside, default_form, today }
}

impl Register<'_> {
    /// The account's own employments in an administration that continue after today.
    fn carried_ids(&self, code: &AdministrationCode) -> Vec<EmploymentId> {
        let there = self.employments.values().filter(|employment| employment.administration == *code);
        let own = there.filter(|employment| self.owns(&employment.employment_id) && self.goes_on(employment));
        own.map(|employment| employment.employment_id.clone()).collect()
    }
}

fn outcome(register: Register<'_>, known: &KnownPerson) -> Carried {
    let added = register.employments.keys().filter(|id| !known.employments.contains_key(*id));
    let own = known.beside.own.iter().filter(|id| register.employments.contains_key(*id));
    let governs = own.chain(added).cloned().collect();
    let changes = acts(&known.employments, &register.employments).into_iter().map(Change::Employment).collect();
    Carried { changes, governs }
}

#[cfg(test)]
mod tests {
    use super::super::super::Act;
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn after(known: &KnownPerson, carried: &Carried) -> KnownPerson {
        let mut known = known.clone();
        for change in &carried.changes {
            let Change::Employment(act) = change else { continue };
            match (act.before(), act.after()) {
                (_, Some(after)) => drop(known.employments.insert(after.employment_id.clone(), after.clone())),
                (Some(before), None) => drop(known.employments.remove(&before.employment_id)),
                (None, None) => {}
            }
        }
        known.beside.own = carried.governs.clone();
        known
    }

    fn lines(known: &KnownPerson) -> Vec<String> {
        let last = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        let employments = known.employments.values();
        employments
            .map(|e| format!("{} {} {}..{}", e.employment_id, e.administration, e.starts_on, last(e.ends_on)))
            .collect()
    }

    #[test]
    fn a_membership_is_an_employment_from_its_first_to_its_last_day() {
        let number = EmployeeNumber::parse("1").expect("a number");
        let sef = AdministrationCode::parse("SEF").expect("a code");
        let join = |known: &KnownPerson, today: &str| {
            let carried = carried(&number, known, (&sef, &Post::default()), EmploymentForm::Permanent, day(today))
                .expect("carried");
            after(known, &carried)
        };
        let member = join(&KnownPerson::default(), "2026-03-01");
        assert_eq!(lines(&member), ["scim:2026-03-01 SEF 2026-03-01.."]);
        assert_eq!(join(&member, "2026-03-02"), member, "the same again changes nothing");
        let left = after(&member, &no_longer_carried(&number, &member, &sef, day("2026-03-10")));
        assert_eq!(lines(&left), ["scim:2026-03-01 SEF 2026-03-01..2026-03-10"]);
        assert!(no_longer_carried(&number, &left, &sef, day("2026-03-12")).changes.is_empty());
        let back = join(&left, "2026-04-01");
        assert_eq!(lines(&back), ["scim:2026-03-01 SEF 2026-03-01..2026-03-10", "scim:2026-04-01 SEF 2026-04-01.."]);
    }

    #[test]
    fn what_the_account_did_not_tell_is_not_ended() {
        let number = EmployeeNumber::parse("1").expect("a number");
        let sef = AdministrationCode::parse("SEF").expect("a code");
        let known = KnownPerson::default();
        let carried = carried(&number, &known, (&sef, &Post::default()), EmploymentForm::Hourly, day("2026-03-01"))
            .expect("carried");
        assert!(
            matches!(carried.changes.as_slice(), [Change::Employment(Act::Added(e))] if e.form == EmploymentForm::Hourly)
        );
        let mut of_another = after(&known, &carried);
        of_another.beside.own.clear();
        assert!(no_longer_carried(&number, &of_another, &sef, day("2026-03-10")).changes.is_empty());
    }
}
