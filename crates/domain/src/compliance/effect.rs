//! What effect a result has among others. So a sender learns why an accepted result has no effect.

use std::collections::HashSet;

use super::withdrawal::{State, states};
use crate::ids::{EventId, PlatformId};
use crate::training::{LinkedResult, Revokes};

/// What a result does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It counts, and no other effective result says the same; or it withdraws or restores something.
    Some {
        /// Whether a result that says the same is withdrawn, and this one counts again.
        is_anew: bool,
    },
    /// It counts, and so does another result that says the same.
    Repeats,
    None(NoEffect),
}

/// Why a result has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEffect {
    #[error("it is withdrawn by {0}; restore it by hand if that is wrong, or have the platform revoke the revocation")]
    Withdrawn(EventId),
    #[error("it is withdrawn by hand ({0}); restore it by hand if that is wrong")]
    WithdrawnByHand(EventId),
    #[error("it names the event {0}, which is not known here: it takes effect if that event arrives")]
    UnknownEvent(EventId),
    #[error("the event that it names, {event}, is withdrawn already by {by}")]
    WithdrawnBefore { event: EventId, by: EventId },
    #[error("an administrator decided that {0} counts: withdraw it by hand if that is wrong")]
    RestoredByHand(EventId),
    #[error("it names {0}, which voids a statement, and a voiding statement cannot be voided")]
    OfVoiding(EventId),
    #[error("it revokes itself, alone or in a circle with others")]
    Circular,
    #[error("that learner has no result there up to then")]
    NothingUpTo,
    #[error(
        "that learner has no result there on that day or the day before; a reset withdraws nothing from earlier days"
    )]
    NothingRecent,
}

impl NoEffect {
    /// The event that withdraws it, if any.
    #[must_use]
    pub const fn withdrawn_by(&self) -> Option<&EventId> {
        match self {
            Self::Withdrawn(by) | Self::WithdrawnByHand(by) | Self::WithdrawnBefore { by, .. } => Some(by),
            _ => None,
        }
    }
}

/// The effect of an event's result among the results of its person; `None` if it is not among them.
#[must_use]
pub fn effect_of(results: &[LinkedResult], (platform, event_id): (PlatformId, &EventId)) -> Option<Effect> {
    let is_it = |result: &LinkedResult| result.platform == platform && result.event_id == *event_id;
    let all = states(results);
    let (result, state) = all.iter().find(|(result, _)| is_it(result)).copied()?;
    let without: Vec<LinkedResult> = match state {
        State::InEffect => results.iter().filter(|result| !is_it(result)).cloned().collect(),
        State::Counts(_) | State::Withdrawn { .. } | State::Circular => Vec::new(),
    };
    let without = states(&without);
    let named = |named: &EventId| {
        without.iter().find(|(other, _)| other.platform == platform && other.event_id == *named).copied()
    };
    Some(match state {
        State::Withdrawn { by } => Effect::None(withdrawn(by)),
        State::Circular => Effect::None(NoEffect::Circular),
        State::Counts(_) => {
            let counts = all.iter().filter(|(other, _)| {
                !is_it(other)
                    && other.platform == platform
                    && (&other.target, &other.kind, other.occurred_at)
                        == (&result.target, &result.kind, result.occurred_at)
            });
            let counts: Vec<State<'_>> = counts.map(|(_, state)| *state).collect();
            if counts.iter().any(|state| matches!(state, State::Counts(_))) {
                Effect::Repeats
            } else {
                Effect::Some { is_anew: !counts.is_empty() }
            }
        }
        State::InEffect if changes_something(&all, &without, &is_it) => Effect::Some { is_anew: false },
        State::InEffect => Effect::None(match result.kind.revokes() {
            Some(Revokes::Recent) => NoEffect::NothingRecent,
            Some(Revokes::UpTo) | None => NoEffect::NothingUpTo,
            Some(Revokes::Event(event) | Revokes::Statement(event) | Revokes::ByHand { event_id: event, .. }) => {
                match named(event) {
                    None => NoEffect::UnknownEvent(event.clone()),
                    Some((of, _)) if matches!(of.kind.revokes(), Some(Revokes::Statement(_))) => {
                        NoEffect::OfVoiding(event.clone())
                    }
                    Some((_, State::Withdrawn { by })) => {
                        NoEffect::WithdrawnBefore { event: event.clone(), by: by.event_id.clone() }
                    }
                    Some((_, State::Circular)) => NoEffect::Circular,
                    Some((_, State::Counts(_) | State::InEffect)) => NoEffect::RestoredByHand(event.clone()),
                }
            }
        }),
    })
}

fn withdrawn(by: &LinkedResult) -> NoEffect {
    match by.kind.revokes() {
        Some(Revokes::ByHand { .. }) => NoEffect::WithdrawnByHand(by.event_id.clone()),
        _ => NoEffect::Withdrawn(by.event_id.clone()),
    }
}

/// Whether any other result would change between counting (or being in effect) and not, without this result.
fn changes_something(
    with: &[(&LinkedResult, State<'_>)],
    without: &[(&LinkedResult, State<'_>)],
    is_it: &impl Fn(&LinkedResult) -> bool,
) -> bool {
    let effective_others = |states: &[(&LinkedResult, State<'_>)]| -> HashSet<(PlatformId, EventId)> {
        let effective = states.iter().filter(|(_, state)| matches!(state, State::Counts(_) | State::InEffect));
        let others = effective.filter(|(result, _)| !is_it(result));
        others.map(|(result, _)| (result.platform, result.event_id.clone())).collect()
    };
    effective_others(with) != effective_others(without)
}
