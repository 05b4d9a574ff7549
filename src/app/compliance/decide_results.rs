//! Withdraws and restores results by hand: an administrator decides with a reason, or two persons where both must
//! agree.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::app::compliance::judge::Requirements;
use crate::app::compliance::refresh::versions_of_all;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::approval::State;
use crate::domain::compliance::span::state_spans;
use crate::domain::compliance::state::state_on;
use crate::domain::compliance::withdrawal::{State as Stands, states};
use crate::domain::compliance::{ComplianceState, Person, StateSpan};
use crate::domain::ids::{EmployeeId, EmployeeNumber, EventId, PlatformCode, PlatformId, RequirementCode};
use crate::domain::training::{LinkedResult, ResultDecision, ResultKind, Revokes, Verdict};
use crate::store::people::KnownEmployee;
use crate::store::revocations::{Around, around, platforms_of};
use crate::store::whose::Whose;
use crate::store::{
    Act, Change, Connection, StoreError, Unscoped, employees, merges, people, platforms, result_decisions, stale,
};

/// A request to withdraw or restore a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultDecisionRequest {
    pub event_id: EventId,
    /// May be omitted if only one platform reported an event with that id.
    pub platform: Option<PlatformCode>,
    pub verdict: Verdict,
    pub reason: String,
    /// Whether this is a dry run.
    pub dry_run: bool,
}

/// A decision, and the platform whose result it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionAnswer {
    pub decision: ResultDecision,
    pub platform: PlatformCode,
}

/// What was decided, or would be, and which people's states it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedAnswer {
    /// `None` in a dry run.
    pub decision: Option<ResultDecision>,
    pub platform: PlatformCode,
    pub event: LinkedResult,
    /// Whether it has no effect until another person approves it.
    pub needs_approval: bool,
    pub changes: Vec<StateChange>,
}

/// How a decision changes an employee's state in a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    pub number: EmployeeNumber,
    pub requirement: RequirementCode,
    /// The first day on which the state changes.
    pub from: NaiveDate,
    /// Today's status; `None`: the requirement does not bind the employee.
    pub before: Option<ComplianceState>,
    pub after: Option<ComplianceState>,
}

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum DecideResultError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error("no platform reported an event {0}; give the id as the evidence or the delivery shows it")]
    UnknownEvent(EventId),
    #[error("{0} is prior training that was recognised here: withdraw it where it was recognised")]
    PriorTraining(EventId),
    #[error("several platforms reported an event {event_id}: {}; say whose is meant", listed(.platforms))]
    SeveralPlatforms { event_id: EventId, platforms: Vec<PlatformCode> },
    #[error("{event_id} is withdrawn by hand already, as decision {id}; nothing changes")]
    WithdrawnAlready { event_id: EventId, id: i64 },
    #[error("{0} is not withdrawn: there is nothing to restore")]
    NotWithdrawn(EventId),
    #[error("the decision {0} about this result waits for its approval; approve or reject that one first")]
    Proposed(i64),
    #[error("no decision about a result has the id {0}")]
    UnknownDecision(i64),
    #[error("{subject} proposed this and cannot approve it: two persons must agree, so somebody else has to")]
    SamePerson { subject: String },
    #[error("the decision {id} is {}, and only what is proposed can be approved or rejected", .state.as_str())]
    NotProposed { id: i64, state: State },
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn listed(codes: &[PlatformCode]) -> String {
    codes.iter().map(PlatformCode::as_str).collect::<Vec<_>>().join(", ")
}

/// A result that somebody decides about.
struct Meant {
    platform: PlatformId,
    code: PlatformCode,
    around: Around,
}

impl App {
    /// Withdraws or restores a result, or proposes it where two persons must agree.
    pub async fn decide_result(
        &self,
        caller: &Caller,
        request: &ResultDecisionRequest,
    ) -> Result<DecidedAnswer, DecideResultError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let meant = self.meant(connection, request).await?;
        let name = (meant.platform, &request.event_id);
        let known = result_decisions::of_event(connection, name).await?;
        if let Some(waiting) = known.iter().find(|known| known.state() == State::Proposed) {
            return Err(DecideResultError::Proposed(waiting.id));
        }
        check(request, &meant.around, &known)?;
        let requirements = versions_of_all(connection).await?;
        let before = self.people_of(connection, &meant.around).await?;
        let needs_approval = self.approval.results;
        let because = (grant.subject(), request.reason.as_str());
        let decision = result_decisions::propose(&change, name, request.verdict, because).await?;
        self.take_effect(&change, &decision, &meant.around, grant.subject()).await?;
        let after = self.people_of(connection, &meant.around).await?;
        let mut answer = DecidedAnswer {
            decision: None,
            platform: meant.code.clone(),
            event: meant.around.event.clone(),
            needs_approval,
            changes: changes(&before, &after, &requirements, self.today()),
        };
        if request.dry_run {
            let object = format!("event {} of {}", request.event_id, meant.code);
            self.end_preview(change, Act { action: "result.preview", object: &object }).await?;
            return Ok(answer);
        }
        let (change, decision) = if needs_approval {
            // The change was only tried, for the preview.
            change.roll_back().await?;
            let change = self.begin_change(caller, &grant).await?;
            let proposed = result_decisions::propose(&change, name, request.verdict, because).await?;
            (change, proposed)
        } else {
            (change, decision)
        };
        let action = match (request.verdict, needs_approval) {
            (Verdict::Withdraw, false) => "result.withdraw",
            (Verdict::Restore, false) => "result.restore",
            (Verdict::Withdraw, true) => "result.propose-withdrawal",
            (Verdict::Restore, true) => "result.propose-restoration",
        };
        let object = format!(
            "decision {} about event {} of {}, because {}",
            decision.id, request.event_id, meant.code, request.reason
        );
        answer.decision = result_decisions::by_id(change.connection(), decision.id).await?;
        change.commit(Act { action, object: &object }).await?;
        Ok(answer)
    }

    /// Approves a decision that another person proposed; it counts from now on.
    pub async fn approve_result_decision(&self, caller: &Caller, id: i64) -> Result<DecisionAnswer, DecideResultError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let decision = proposed(connection, id).await?;
        if !decision.may_be_approved_by(grant.subject()) {
            return Err(DecideResultError::SamePerson { subject: grant.subject().to_owned() });
        }
        let name = (decision.platform, &decision.event_id);
        let around = around(connection, name, self.calendar).await?;
        let around = around.ok_or_else(|| DecideResultError::UnknownEvent(decision.event_id.clone()))?;
        self.take_effect(&change, &decision, &around, grant.subject()).await?;
        let object = format!("decision {id} about event {}", decision.event_id);
        let answer = answer_of(connection, id).await?;
        change.commit(Act { action: "result.approve", object: &object }).await?;
        Ok(answer)
    }

    /// Rejects a proposed decision; it never counts.
    pub async fn reject_result_decision(
        &self,
        caller: &Caller,
        id: i64,
        because: &str,
    ) -> Result<DecisionAnswer, DecideResultError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let decision = proposed(connection, id).await?;
        result_decisions::end(&change, id, (grant.subject(), because)).await?;
        let object = format!("decision {id} about event {}, because {because}", decision.event_id);
        let answer = answer_of(connection, id).await?;
        change.commit(Act { action: "result.reject", object: &object }).await?;
        Ok(answer)
    }

    /// One decision about a result.
    pub async fn show_result_decision(&self, caller: &Caller, id: i64) -> Result<DecisionAnswer, DecideResultError> {
        let grant = caller.grant(Action::ReadDeliveries)?;
        let object = format!("decision {id}");
        let reading = self.begin_read(caller, &grant, Act { action: "result.read", object: &object }).await?;
        answer_of(reading.connection(), id).await
    }

    /// Decisions about results, newest first; `before` is the id of the last one that the caller has seen.
    pub async fn list_result_decisions(
        &self,
        caller: &Caller,
        state: Option<State>,
        before: Option<i64>,
        at_most: u64,
    ) -> Result<Vec<DecisionAnswer>, DecideResultError> {
        let grant = caller.grant(Action::ReadDeliveries)?;
        let entry = Act { action: "result.read", object: "decisions about results" };
        let reading = self.begin_read(caller, &grant, entry).await?;
        let connection = reading.connection();
        let found = result_decisions::list(connection, reading.scope(), state, before, at_most).await?;
        named(connection, found).await
    }

    /// The result that is meant.
    async fn meant(
        &self,
        connection: &impl Connection,
        request: &ResultDecisionRequest,
    ) -> Result<Meant, DecideResultError> {
        let event_id = &request.event_id;
        let unknown = || DecideResultError::UnknownEvent(event_id.clone());
        let all = platforms::list(connection).await?;
        let found = match &request.platform {
            Some(code) => {
                let platform = all.iter().find(|platform| platform.code == *code);
                vec![platform.ok_or_else(|| DecideResultError::UnknownPlatform(code.clone()))?.id]
            }
            None => platforms_of(connection, event_id).await?,
        };
        let code_of = |id: &PlatformId| all.iter().find(|platform| platform.id == *id).map(|known| known.code.clone());
        let [platform] = found.as_slice() else {
            if found.is_empty() && event_id.as_str().starts_with("prior:") {
                return Err(DecideResultError::PriorTraining(event_id.clone()));
            }
            if found.is_empty() {
                return Err(unknown());
            }
            let platforms = found.iter().filter_map(code_of).collect();
            return Err(DecideResultError::SeveralPlatforms { event_id: event_id.clone(), platforms });
        };
        let around = around(connection, (*platform, event_id), self.calendar).await?.ok_or_else(unknown)?;
        Ok(Meant { platform: *platform, code: code_of(platform).ok_or_else(unknown)?, around })
    }

    /// Makes a decision effective; it replaces any earlier one.
    async fn take_effect(
        &self,
        change: &Change,
        decision: &ResultDecision,
        around: &Around,
        by: &str,
    ) -> Result<(), StoreError> {
        let name = (decision.platform, &decision.event_id);
        for earlier in result_decisions::of_event(change.connection(), name).await? {
            if earlier.state() == State::Decided {
                let because = format!("decision {} took its place: {}", decision.id, decision.reason);
                result_decisions::end(change, earlier.id, (by, &because)).await?;
            }
        }
        result_decisions::decide(change, decision.id, by).await?;
        // If only a withdrawal by hand withdrew the result, its end is enough, and this decision ends too: the platform
        // may still revoke the result.
        let is_about_it = |result: &&LinkedResult| match result.kind.revokes() {
            Some(Revokes::ByHand { event_id, .. }) => *event_id == decision.event_id,
            _ => false,
        };
        let undecided: Vec<LinkedResult> =
            around.results.iter().filter(|result| !is_about_it(result)).cloned().collect();
        if decision.verdict == Verdict::Restore && stands(&undecided, &around.event) {
            let because = "the withdrawal by hand was undone, and nothing else withdraws the result";
            result_decisions::end(change, decision.id, (by, because)).await?;
        }
        let touched: Vec<EmployeeId> = around.employees.iter().copied().collect();
        stale::mark_stale_people(change, touched).await
    }

    /// The people whose results a decision affects, as known now.
    async fn people_of(&self, connection: &impl Connection, around: &Around) -> Result<Vec<KnownEmployee>, StoreError> {
        let merges = merges::merges(connection, None).await?;
        let ids: BTreeSet<EmployeeId> = around.employees.iter().map(|employee| merges.person(*employee)).collect();
        let ids: Vec<EmployeeId> = ids.into_iter().collect();
        let mut people =
            employees::known(connection, &Unscoped::RestsOnEverybody.scope(), Whose::Only(&ids), None).await?;
        people::attach_linked_results(connection, &mut people, self.calendar).await?;
        Ok(people.into_values().collect())
    }
}

/// Whether a result counts, or a revocation is in effect, among others.
fn stands(results: &[LinkedResult], event: &LinkedResult) -> bool {
    let is_it = |result: &LinkedResult| result.platform == event.platform && result.event_id == event.event_id;
    let state = states(results).into_iter().find(|(result, _)| is_it(result)).map(|(_, state)| state);
    matches!(state, Some(Stands::Counts(_) | Stands::InEffect))
}

fn check(request: &ResultDecisionRequest, around: &Around, known: &[ResultDecision]) -> Result<(), DecideResultError> {
    let event_id = request.event_id.clone();
    match request.verdict {
        Verdict::Withdraw => {
            let stands =
                |known: &&ResultDecision| known.state() == State::Decided && known.verdict == Verdict::Withdraw;
            match known.iter().find(stands) {
                Some(known) => Err(DecideResultError::WithdrawnAlready { event_id, id: known.id }),
                None => Ok(()),
            }
        }
        Verdict::Restore if stands(&around.results, &around.event) => Err(DecideResultError::NotWithdrawn(event_id)),
        Verdict::Restore => Ok(()),
    }
}

async fn proposed(connection: &impl Connection, id: i64) -> Result<ResultDecision, DecideResultError> {
    let decision = result_decisions::by_id(connection, id).await?.ok_or(DecideResultError::UnknownDecision(id))?;
    match decision.state() {
        State::Proposed => Ok(decision),
        state => Err(DecideResultError::NotProposed { id, state }),
    }
}

async fn answer_of(connection: &impl Connection, id: i64) -> Result<DecisionAnswer, DecideResultError> {
    let decision = result_decisions::by_id(connection, id).await?.ok_or(DecideResultError::UnknownDecision(id))?;
    named(connection, vec![decision]).await?.pop().ok_or(DecideResultError::UnknownDecision(id))
}

async fn named(
    connection: &impl Connection,
    decisions: Vec<ResultDecision>,
) -> Result<Vec<DecisionAnswer>, DecideResultError> {
    let all = platforms::list(connection).await?;
    let answer = |decision: ResultDecision| {
        let platform = all.iter().find(|platform| platform.id == decision.platform)?.code.clone();
        Some(DecisionAnswer { decision, platform })
    };
    Ok(decisions.into_iter().filter_map(answer).collect())
}

/// The differences between people before and after, by requirement.
pub(in crate::app) fn changes(
    before: &[KnownEmployee],
    after: &[KnownEmployee],
    requirements: &Requirements,
    today: NaiveDate,
) -> Vec<StateChange> {
    let nobody = Person::default();
    let mut changes = Vec::new();
    for employee in after {
        let then = before.iter().find(|then| then.id == employee.id).map_or(&nobody, |then| &then.person);
        for (code, versions) in requirements {
            let (was, is) = (state_spans(then, versions), state_spans(&employee.person, versions));
            let Some(from) = first_difference(&was, &is) else { continue };
            let on = |person: &Person| state_on(person, versions, today).map(|(_, state)| state);
            changes.push(StateChange {
                number: employee.number.clone(),
                requirement: code.clone(),
                from,
                before: on(then),
                after: on(&employee.person),
            });
        }
    }
    changes
}

/// The first day on which spans differ.
fn first_difference(before: &[StateSpan], after: &[StateSpan]) -> Option<NaiveDate> {
    let place = before.iter().zip(after).position(|(before, after)| before != after);
    let place = place.or_else(|| (before.len() != after.len()).then(|| before.len().min(after.len())))?;
    match (before.get(place), after.get(place)) {
        (Some(was), Some(is)) if was.days.first == is.days.first && was.state == is.state => {
            was.days.until.into_iter().chain(is.days.until).min()
        }
        (was, is) => was.into_iter().chain(is).map(|span| span.days.first).min(),
    }
}

/// The kind of a result, as people read it.
#[must_use]
pub const fn kind_of(kind: &ResultKind) -> &'static str {
    match kind {
        ResultKind::Completion => "completion",
        ResultKind::Attempt { .. } => "attempt",
        ResultKind::Revocation(_) => "revocation",
    }
}
