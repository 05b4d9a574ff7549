//! Decisions by hand about results as history entries: proposed, decided, rejected, ended, and by whom.

use super::{Entry, Field, Happened, HistoryRecord, Kind, change};
use crate::approval::Act;
use crate::training::{ResultDecision, Verdict};

/// A decision about a platform's result.
struct Decided<'a> {
    decision: &'a ResultDecision,
    platform: &'a str,
}

impl HistoryRecord for Decided<'_> {
    const KIND: Kind = Kind::Withdrawal;

    fn key(&self) -> String {
        self.decision.id.to_string()
    }

    fn name(&self) -> String {
        format!("hand:{}", self.decision.id)
    }

    fn fields(&self) -> Vec<Field> {
        let decision = match self.decision.verdict {
            Verdict::Withdraw => "withdrawn",
            Verdict::Restore => "restored",
        };
        vec![
            Field::new("decision", decision),
            Field::new("platform", self.platform),
            Field::new("event_id", &self.decision.event_id),
        ]
    }

    fn reason(&self) -> Option<&str> {
        Some(&self.decision.reason)
    }
}

/// The entries of a decision about a platform's result. One that was decided when it was made has one entry, as added.
#[must_use]
pub fn entries_of_decision(decision: &ResultDecision, platform: &str) -> Vec<Entry> {
    let record = Decided { decision, platform };
    let entry = |act: &Act, comes: bool| {
        let described = change(act.at, (!comes).then_some(&record), comes.then_some(&record));
        described.map(|entry| Entry { by: Some(act.by.clone()), ..entry })
    };
    let mut entries = Vec::new();
    if decision.decided.as_ref().map(|act| act.at) != Some(decision.proposed.at) {
        let proposed = entry(&decision.proposed, true);
        entries.extend(proposed.map(|entry| Entry { happened: Happened::Proposed, ..entry }));
    }
    // A restoration that only undid a withdrawal never counted itself: the withdrawal's end is its entry.
    let ended_at = decision.ended.as_ref().map(|(act, _)| act.at);
    if decision.decided.is_some() && decision.decided.as_ref().map(|act| act.at) == ended_at {
        return entries;
    }
    entries.extend(decision.decided.as_ref().and_then(|act| entry(act, true)));
    if let Some((act, because)) = &decision.ended {
        let happened = if decision.decided.is_some() { Happened::Withdrawn } else { Happened::Rejected };
        let ended = entry(act, false);
        entries.extend(ended.map(|entry| Entry { happened, reason: Some(because.clone()), ..entry }));
    }
    entries
}
