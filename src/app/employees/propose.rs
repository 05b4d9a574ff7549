//! Exemptions and recognised prior training: proposed, approved by another person where two must agree, and withdrawn.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::app::compliance::refresh::versions_of_all;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::approval::State;
use crate::domain::calendar::{LAST_DAY, Stretch};
use crate::domain::compliance::state::Case;
use crate::domain::compliance::{Person, RequirementVersion};
use crate::domain::directory::proposal::{Proposal, ProposalContent, ProposalKind};
use crate::domain::directory::records::{PriorTrainingRecord, Row};
use crate::domain::ids::{EmployeeId, EmployeeNumber, RequirementCode};
use crate::store::proposals::{self, ProposalFilter};
use crate::store::whose::Whose;
use crate::store::{Act, Changing, Connection, Scope, StoreError, employees, merges, people, requirements};

/// Which decisions need two persons: one proposes, and another approves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Approval {
    pub exemptions: bool,
    pub prior_training: bool,
    /// Results that are withdrawn or restored by hand.
    pub results: bool,
}

impl Approval {
    const fn needed_for(self, kind: ProposalKind) -> bool {
        match kind {
            ProposalKind::Exemption => self.exemptions,
            ProposalKind::PriorTraining => self.prior_training,
        }
    }
}

/// A proposal, and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalRequest {
    pub number: EmployeeNumber,
    pub content: ProposalContent,
    pub reason: String,
}

/// A proposal with the number by which the caller knows the employee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalAnswer {
    pub proposal: Proposal,
    pub number: String,
}

/// Which proposals are requested.
#[derive(Debug, Clone)]
pub struct ProposalsRequest {
    pub kind: ProposalKind,
    pub number: Option<EmployeeNumber>,
    pub state: Option<State>,
    /// The id of the last one that the caller has seen.
    pub before: Option<i64>,
    pub at_most: usize,
}

/// What to do with a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Approve,
    /// For a reason; only a proposal that does not count yet.
    Reject(String),
    /// For a reason; only a decision that counts.
    Withdraw(String),
}

impl Decision {
    /// The state that a proposal must be in.
    const fn wants(&self) -> State {
        match self {
            Self::Approve | Self::Reject(_) => State::Proposed,
            Self::Withdraw(_) => State::Decided,
        }
    }
}

/// Why nothing was proposed or decided.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no employee {0} is known here")]
    UnknownEmployee(EmployeeNumber),
    #[error("no requirement {0} is known; apply its file first")]
    UnknownRequirement(RequirementCode),
    #[error("completed_on {0} lies in the future; give the day on which it was done")]
    InTheFuture(NaiveDate),
    #[error("the same is proposed or decided already, as {0}; withdraw or reject that one first")]
    Known(i64),
    #[error("nothing of this kind with the id {0} is known here")]
    Unknown(i64),
    #[error("{subject} proposed this and cannot approve it: two persons must agree, so somebody else has to")]
    SamePerson { subject: String },
    #[error("{id} is {}, and only what is {} can be dealt with like this", .state.as_str(), .wanted.as_str())]
    NotInThatState { id: i64, state: State, wanted: State },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a file of prior training was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RecogniseError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the file names employees who are not known, on the lines {}; import their employments first", listed(.0))]
    UnknownEmployees(Vec<u64>),
    #[error("the file names days in the future, on the lines {}; give the days on which it was done", listed(.0))]
    InTheFuture(Vec<u64>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn listed(lines: &[u64]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What a file of prior training did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recognised {
    /// Recognised, or proposed where two must agree.
    pub added: usize,
    /// Known already, and left unchanged.
    pub known: usize,
    /// Whether they wait for another person's approval.
    pub are_proposals: bool,
}

/// The most lines that a refusal names.
const LINES_NAMED: usize = 20;

impl App {
    /// Proposes an exemption or prior training; it is decided at once where two persons need not agree.
    pub async fn propose(&self, caller: &Caller, request: &ProposalRequest) -> Result<ProposalAnswer, DecideError> {
        let grant = caller.grant(Action::Operate)?;
        let ProposalRequest { number, content, reason } = request;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let employee = people::by_number(connection, number).await?;
        let employee = employee.ok_or_else(|| DecideError::UnknownEmployee(number.clone()))?;
        if let ProposalContent::Exemption { requirement, .. } = content
            && !requirements::codes(connection).await?.contains(requirement)
        {
            return Err(DecideError::UnknownRequirement(requirement.clone()));
        }
        if let ProposalContent::PriorTraining { completed_on, .. } = content
            && *completed_on > self.today()
        {
            return Err(DecideError::InTheFuture(*completed_on));
        }
        let of_employee = proposals::of_employee(connection, employee).await?;
        if let Some(known) = of_employee.iter().find(|known| is_in_force(known) && known.content == *content) {
            return Err(DecideError::Known(known.id));
        }
        let proposal = self.keep(&change, (employee, number), (content, reason)).await?;
        change.commit_noted().await?;
        Ok(ProposalAnswer { proposal, number: number.to_string() })
    }

    async fn keep(
        &self,
        change: &Changing<'_>,
        (employee, number): (EmployeeId, &EmployeeNumber),
        (content, reason): (&ProposalContent, &str),
    ) -> Result<Proposal, StoreError> {
        let kind = content.kind();
        let decided = !self.approval.needed_for(kind);
        let by = (change.subject(), reason);
        let proposal = proposals::insert(change, employee, content, by, decided).await?;
        let object = format!("{} {} of employee {number}, because {reason}", kind.as_str(), proposal.id);
        let action = match (kind, decided) {
            (ProposalKind::Exemption, true) => "exemption.decide",
            (ProposalKind::Exemption, false) => "exemption.propose",
            (ProposalKind::PriorTraining, true) => "prior_training.decide",
            (ProposalKind::PriorTraining, false) => "prior_training.propose",
        };
        change.note(Act { action, object: &object }).await?;
        Ok(proposal)
    }

    /// Approves, rejects or withdraws. An approved proposal counts from now on: it is known from the instant of its
    /// approval.
    pub async fn decide(
        &self,
        caller: &Caller,
        (kind, id): (ProposalKind, i64),
        decision: &Decision,
    ) -> Result<ProposalAnswer, DecideError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let proposal = proposals::by_id(connection, kind, id).await?.ok_or(DecideError::Unknown(id))?;
        if proposal.state() != decision.wants() {
            return Err(DecideError::NotInThatState { id, state: proposal.state(), wanted: decision.wants() });
        }
        match decision {
            Decision::Approve => {
                if !proposal.may_be_approved_by(grant.subject()) {
                    return Err(DecideError::SamePerson { subject: grant.subject().to_owned() });
                }
                proposals::decide(&change, &proposal, grant.subject()).await?;
            }
            Decision::Reject(because) | Decision::Withdraw(because) => {
                proposals::end(&change, &proposal, (grant.subject(), because)).await?;
            }
        }
        let action = match (kind, decision) {
            (ProposalKind::Exemption, Decision::Approve) => "exemption.approve",
            (ProposalKind::Exemption, Decision::Reject(_)) => "exemption.reject",
            (ProposalKind::Exemption, Decision::Withdraw(_)) => "exemption.withdraw",
            (ProposalKind::PriorTraining, Decision::Approve) => "prior_training.approve",
            (ProposalKind::PriorTraining, Decision::Reject(_)) => "prior_training.reject",
            (ProposalKind::PriorTraining, Decision::Withdraw(_)) => "prior_training.withdraw",
        };
        let because = match decision {
            Decision::Approve => String::new(),
            Decision::Reject(because) | Decision::Withdraw(because) => format!(", because {because}"),
        };
        let object = format!("{} {id}{because}", kind.as_str());
        let settled = proposals::by_id(connection, kind, id).await?.ok_or(DecideError::Unknown(id))?;
        let answer = named(connection, vec![settled]).await?.pop().ok_or(DecideError::Unknown(id))?;
        change.commit(Act { action, object: &object }).await?;
        Ok(answer)
    }

    /// One proposal, as far as it belongs to the caller's own days.
    pub async fn show_proposal(
        &self,
        caller: &Caller,
        (kind, id): (ProposalKind, i64),
    ) -> Result<ProposalAnswer, DecideError> {
        let grant = caller.grant(Action::ReadPeople)?;
        let object = format!("{} {id}", kind.as_str());
        let snapshot = self.begin_read(caller, &grant, Act { action: "proposal.read", object: &object }).await?;
        let found = proposals::by_id(snapshot.connection(), kind, id).await?;
        let mut seen = self.seen(snapshot.connection(), snapshot.scope(), None, found.into_iter().collect()).await?;
        seen.pop().ok_or(DecideError::Unknown(id))
    }

    /// Proposals as far as they belong to the caller's own days, with the numbers by which the caller knows the
    /// employees; `number`: those of one employee.
    async fn seen(
        &self,
        connection: &impl Connection,
        scope: &Scope,
        number: Option<&EmployeeNumber>,
        found: Vec<Proposal>,
    ) -> Result<Vec<ProposalAnswer>, StoreError> {
        if scope.is_all() {
            return named(connection, found).await;
        }
        let merges = merges::merges(connection, None).await?;
        let ids: BTreeSet<EmployeeId> = found.iter().map(|proposal| merges.person(proposal.employee)).collect();
        let mut ids: Vec<EmployeeId> = ids.into_iter().collect();
        if ids.is_empty() {
            // One query in either case, so that the time shows no difference between an unknown and a hidden proposal.
            ids.push(EmployeeId::NOBODY);
        }
        let known = employees::known(connection, scope, Whose::Only(&ids), None).await?;
        let versions = versions_of_all(connection).await?;
        let seen = found.into_iter().filter_map(|proposal| {
            let employee = known.get(&merges.person(proposal.employee))?;
            let is_pulled =
                |number: &EmployeeNumber| employee.number == *number || employee.merged_numbers.contains(number);
            if !number.is_none_or(is_pulled) {
                return None;
            }
            let holds = versions.values().flatten().flat_map(|version| holding(&proposal, version));
            let proposal = scope.own_days(employee).proposal(&proposal, self.calendar, holds)?;
            Some(ProposalAnswer { number: employee.number.to_string(), proposal })
        });
        Ok(seen.collect())
    }

    /// Proposals, newest first, as far as they belong to the caller's own days.
    pub async fn list_proposals(
        &self,
        caller: &Caller,
        request: &ProposalsRequest,
    ) -> Result<Vec<ProposalAnswer>, DecideError> {
        let grant = caller.grant(Action::ReadPeople)?;
        let of = request.number.as_ref().map_or_else(String::new, |number| format!(" of employee {number}"));
        let object = format!("list of {}{of}", request.kind.as_str());
        let snapshot = self.begin_read(caller, &grant, Act { action: "proposal.read", object: &object }).await?;
        let (connection, scope) = (snapshot.connection(), snapshot.scope());
        let employee = match &request.number {
            None => None,
            Some(number) => {
                let id = people::by_number(connection, number).await?.unwrap_or(EmployeeId::NOBODY);
                if !scope.is_all() {
                    let person = merges::merges(connection, None).await?.person(id);
                    let own = employees::known(connection, scope, Whose::Only(&[person]), None).await?;
                    if !own.values().any(|employee| scope.knows(employee, number)) {
                        return Ok(Vec::new());
                    }
                }
                Some(id)
            }
        };
        let mut filter = ProposalFilter { kind: request.kind, employee, state: request.state, before: None };
        if let Some(before) = request.before {
            let Some(last) = proposals::by_id(connection, request.kind, before).await? else { return Ok(Vec::new()) };
            filter.before = Some((last.proposed.at, last.id));
        }
        let mut seen = Vec::new();
        while seen.len() < request.at_most {
            let found = proposals::list(connection, filter, AT_ONCE).await?;
            let Some(last) = found.last() else { break };
            filter.before = Some((last.proposed.at, last.id));
            seen.extend(self.seen(connection, scope, request.number.as_ref(), found).await?);
        }
        seen.truncate(request.at_most);
        Ok(seen)
    }

    /// Recognises the prior training of a file, all or nothing; what is known already is left unchanged.
    pub async fn recognise_prior_training(
        &self,
        caller: &Caller,
        rows: &[Row<PriorTrainingRecord>],
        dry_run: bool,
    ) -> Result<Recognised, RecogniseError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let mut recognised = Recognised { are_proposals: self.approval.prior_training, ..Recognised::default() };
        let (mut unknown, mut too_late) = (Vec::new(), Vec::new());
        for Row { line, record } in rows {
            let Some(employee) = people::by_number(connection, &record.employee_number).await? else {
                unknown.push(*line);
                continue;
            };
            if record.completed_on > self.today() {
                too_late.push(*line);
                continue;
            }
            let content = record.content();
            let known = proposals::of_employee(connection, employee).await?;
            if known.iter().any(|known| is_in_force(known) && known.content == content) {
                recognised.known += 1;
                continue;
            }
            let whose = (employee, &record.employee_number);
            self.keep(&change, whose, (&content, &record.reason)).await?;
            recognised.added += 1;
        }
        if !unknown.is_empty() {
            unknown.truncate(LINES_NAMED);
            return Err(RecogniseError::UnknownEmployees(unknown));
        }
        if !too_late.is_empty() {
            too_late.truncate(LINES_NAMED);
            return Err(RecogniseError::InTheFuture(too_late));
        }
        if dry_run || recognised.added == 0 {
            change.roll_back().await?;
        } else {
            change.commit_noted().await?;
        }
        Ok(recognised)
    }
}

/// How many proposals are read at a time.
const AT_ONCE: u64 = 500;

/// The days on which prior training holds as evidence under a version of a requirement.
fn holding(proposal: &Proposal, version: &RequirementVersion) -> Vec<Stretch> {
    let person = Person { results: proposal.as_result().into_iter().collect(), ..Person::default() };
    Case::new(&person, version).evidence(LAST_DAY).map(|(_, _, holds)| holds).collect()
}

/// Whether a proposal counts, or may count once it is approved.
fn is_in_force(proposal: &Proposal) -> bool {
    matches!(proposal.state(), State::Proposed | State::Decided)
}

async fn named(connection: &impl Connection, found: Vec<Proposal>) -> Result<Vec<ProposalAnswer>, StoreError> {
    let employees: BTreeSet<EmployeeId> = found.iter().map(|proposal| proposal.employee).collect();
    let numbers: BTreeMap<_, _> = people::numbers_of(connection, &employees).await?.into_iter().collect();
    let answer = |proposal: Proposal| ProposalAnswer {
        number: numbers.get(&proposal.employee).cloned().unwrap_or_default(),
        proposal,
    };
    Ok(found.into_iter().map(answer).collect())
}
