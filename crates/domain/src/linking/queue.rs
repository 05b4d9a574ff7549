//! The queue of unlinked learners: which learners one decision resolves together, and the verdict on each of their
//! keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{ByHand, Fit, Identity, LearnerKeys, LinkingKey};
use crate::ids::{EmployeeId, PlatformId};

/// The verdict on a key of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No learner of the entry gives this key.
    NotGiven,
    /// No employee is known by it.
    Unknown,
    /// These are known by it, and the day does not decide which.
    Ambiguous(BTreeSet<EmployeeId>),
    /// The first is known by it, but the event's own number names the other.
    Contradicted { employee: EmployeeId, number_names: EmployeeId },
    /// This one is known by it, but the platform is not linked by this key.
    NotLinkedBy(EmployeeId),
    /// This one is known by it, and it would link if it were the only key.
    Fits(EmployeeId),
    /// It is dismissed by hand.
    Dismissed,
}

impl Verdict {
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotGiven => "not_given",
            Self::Unknown => "unknown",
            Self::Ambiguous(_) => "ambiguous",
            Self::Contradicted { .. } => "contradicted",
            Self::NotLinkedBy(_) => "not_linked_by",
            Self::Fits(_) => "fits",
            Self::Dismissed => "dismissed",
        }
    }
}

/// One key of an entry: its identity, if one is given, and the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVerdict {
    pub key: LinkingKey,
    pub identity: Option<Identity>,
    pub verdict: Verdict,
}

/// The part of a waiting learner that grouping needs.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    pub platform: PlatformId,
    pub keys: &'a LearnerKeys,
}

/// The learners that one decision about one identity resolves: for each entry its identity and the places of its
/// learners.
///
/// A learner belongs to the one of its linking identities that names the most waiting learners of its platform; of
/// several, the strongest. (A learner without a key that the platform links by belongs to its strongest identity.) So
/// `{e-mail x, user name u}` and `{e-mail x, user name v}` are one entry, of x; learners who share nothing never are.
#[must_use]
pub fn entries(
    learners: &[Named<'_>],
    order_of: impl Fn(PlatformId) -> Vec<LinkingKey>,
) -> Vec<(Identity, Vec<usize>)> {
    let mut orders: HashMap<PlatformId, Vec<LinkingKey>> = HashMap::new();
    let mut identities = Vec::with_capacity(learners.len());
    let mut named: HashMap<(PlatformId, Identity), usize> = HashMap::new();
    for learner in learners {
        let order = orders.entry(learner.platform).or_insert_with(|| order_of(learner.platform));
        let mut given: Vec<Identity> = order.iter().filter_map(|key| learner.keys.identity(*key)).collect();
        if given.is_empty() {
            given = learner.keys.identities().collect();
        }
        for identity in &given {
            *named.entry((learner.platform, identity.clone())).or_default() += 1;
        }
        identities.push(given);
    }
    let mut entries: BTreeMap<(PlatformId, Identity), Vec<usize>> = BTreeMap::new();
    for (place, (learner, given)) in learners.iter().zip(identities).enumerate() {
        let count = |identity: &Identity| named.get(&(learner.platform, identity.clone())).copied().unwrap_or_default();
        // The first of those that name the most: `max_by_key` would give the last.
        let chosen = given.into_iter().rev().max_by_key(count);
        if let Some(identity) = chosen {
            entries.entry((learner.platform, identity)).or_default().push(place);
        }
    }
    entries.into_iter().map(|((_, identity), places)| (identity, places)).collect()
}

/// The verdict on each key of an entry's learners, in the order of the platform's linking keys, the others last.
#[must_use]
pub fn verdicts(
    learners: &[&LearnerKeys],
    order: &[LinkingKey],
    mut fit_of: impl FnMut(&Identity) -> Fit,
) -> Vec<KeyVerdict> {
    let others = LinkingKey::DEFAULT_ORDER.into_iter().filter(|key| !order.contains(key));
    let mut verdicts = Vec::new();
    for key in order.iter().copied().chain(others) {
        let links = order.contains(&key);
        let mut seen: BTreeSet<Identity> = BTreeSet::new();
        for learner in learners {
            let Some(identity) = learner.identity(key).filter(|identity| seen.insert(identity.clone())) else {
                continue;
            };
            let number = learner.identity(LinkingKey::EmployeeNumber).map(|number| fit_of(&number));
            let number_names = number.as_ref().and_then(sole);
            let fit = fit_of(&identity);
            let verdict = verdict_of(&fit, number_names, links);
            verdicts.push(KeyVerdict { key, identity: Some(identity), verdict });
        }
        if seen.is_empty() && links {
            verdicts.push(KeyVerdict { key, identity: None, verdict: Verdict::NotGiven });
        }
    }
    verdicts
}

/// The only employee that a key fits.
fn sole(fit: &Fit) -> Option<EmployeeId> {
    match (fit.by_hand, fit.employees.as_slice()) {
        (Some(ByHand::Is(employee)), _) => Some(employee),
        (None, [employee]) => Some(*employee),
        _ => None,
    }
}

/// All employees that a key fits, by the directory or by hand.
#[must_use]
pub fn everybody(fit: &Fit) -> BTreeSet<EmployeeId> {
    let by_hand = fit.by_hand.and_then(|decided| match decided {
        ByHand::Is(employee) => Some(employee),
        ByHand::Dismissed => None,
    });
    fit.employees.iter().copied().chain(by_hand).collect()
}

fn verdict_of(fit: &Fit, number_names: Option<EmployeeId>, links: bool) -> Verdict {
    if fit.by_hand == Some(ByHand::Dismissed) {
        return Verdict::Dismissed;
    }
    match (sole(fit), number_names) {
        (Some(employee), Some(number_names)) if employee != number_names => {
            Verdict::Contradicted { employee, number_names }
        }
        (Some(employee), _) if !links => Verdict::NotLinkedBy(employee),
        (Some(employee), _) => Verdict::Fits(employee),
        (None, _) if fit.employees.is_empty() => Verdict::Unknown,
        (None, _) => Verdict::Ambiguous(fit.employees.iter().copied().collect()),
    }
}

#[cfg(test)]
mod tests;
