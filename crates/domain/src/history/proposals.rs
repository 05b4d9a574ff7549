//! Proposals as history entries: proposed, decided, rejected, withdrawn, and by whom.

use super::{DecidedExemption, Entry, Happened, PriorTraining, change};
use crate::approval::Act;
use crate::directory::proposal::{Proposal, ProposalContent};

/// The entry of a proposal's whole content coming or going.
fn entry(proposal: &Proposal, act: &Act, comes: bool) -> Option<Entry> {
    let (id, reason) = (proposal.id, proposal.reason.clone());
    let described = match &proposal.content {
        ProposalContent::Exemption { requirement, starts_on, ends_on } => {
            let record = DecidedExemption {
                id,
                requirement: requirement.clone(),
                starts_on: *starts_on,
                ends_on: *ends_on,
                reason,
            };
            change(act.at, (!comes).then_some(&record), comes.then_some(&record))
        }
        ProposalContent::PriorTraining { target, score, completed_on } => {
            let record =
                PriorTraining { id, target: target.clone(), score: *score, completed_on: *completed_on, reason };
            change(act.at, (!comes).then_some(&record), comes.then_some(&record))
        }
    };
    described.map(|entry| Entry { by: Some(act.by.clone()), ..entry })
}

/// The entries of a proposal. One that was decided when it was made has one entry, as added.
#[must_use]
pub fn entries_of_proposal(proposal: &Proposal) -> Vec<Entry> {
    let mut entries = Vec::new();
    let decided_at = proposal.decided.as_ref().map(|act| act.at);
    if decided_at != Some(proposal.proposed.at) {
        let proposed = entry(proposal, &proposal.proposed, true);
        entries.extend(proposed.map(|entry| Entry { happened: Happened::Proposed, ..entry }));
    }
    entries.extend(proposal.decided.as_ref().and_then(|act| entry(proposal, act, true)));
    if let Some((act, because)) = &proposal.ended {
        let happened = if proposal.decided.is_some() { Happened::Withdrawn } else { Happened::Rejected };
        let ended = entry(proposal, act, false);
        entries.extend(ended.map(|entry| Entry { happened, reason: Some(because.clone()), ..entry }));
    }
    entries
}
