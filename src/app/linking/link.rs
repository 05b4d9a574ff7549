//! Links an identity to an employee by hand, dismisses it, or undoes that.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::app::linking::moves::{Deciding, LinkMoves};
use crate::app::linking::own_waiting::answers_for;
use crate::app::linking::unlinked::concealed;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::{EmployeeId, EmployeeNumber, PlatformCode, PlatformId};
use crate::domain::linking::holding::Decided;
use crate::domain::linking::queue::everybody;
use crate::domain::linking::{ByHand, Identity};
pub use crate::store::decisions::DecisionDays;
use crate::store::decisions::{self, Decision};
use crate::store::links::index_for;
use crate::store::waiting::{self, NamedLearner};
use crate::store::whose::Whose;
use crate::store::{
    Act, Changing, Connection, Scope, StoreError, Unscoped, employees, merges, people, platforms, protection,
};

/// A decision about an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRequest {
    pub platform: PlatformCode,
    pub identity: Identity,
    /// `None`: dismisses the identity and the results that wait for it, even if the directory knows an employee by it.
    pub employee: Option<EmployeeNumber>,
    /// `None`: the days of the results that wait.
    pub days: Option<DecisionDays>,
    pub reason: String,
    /// Whether it may take results from another employee.
    pub moves_results: bool,
    /// Whether this is a dry run.
    pub is_dry_run: bool,
}

/// A decision with the names by which the caller knows things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAnswer {
    /// Its identity has no value if it is withheld: the identity is, or fits, that of an employee with protected
    /// personal data.
    pub decision: Decision,
    pub platform: String,
    pub employee_number: Option<String>,
}

/// A decision that was made or undone, or would be, and what it moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedAnswer {
    pub link: LinkAnswer,
    pub moves: LinkMoves,
    pub is_dry_run: bool,
}

/// Why nothing was decided or undone.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error("no employee {0} is known here")]
    UnknownEmployee(EmployeeNumber),
    #[error("no results of this identity wait here")]
    NotWaiting,
    #[error("no results of this identity wait, so that their days are none; say from and to (null: without an end)")]
    SayTheDays,
    #[error(
        "this would take {} away; look at moves, and send the same with move_results: true if it shall be so",
        .0.losses()
    )]
    TakesResults(Box<LinkMoves>),
    #[error("no link with the id {0} is in force")]
    UnknownLink(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many decisions are listed at most.
pub const LISTED_AT_MOST: u64 = 500;

impl App {
    /// Decides by hand to which employee an identity belongs on some days, or dismisses it together with its waiting
    /// results. The decision also applies to later results of these days. It takes results from an employee only if the
    /// request allows it.
    ///
    /// An administration may link only to its own employees, and only if some result of the identity waits and every
    /// employee whom a key of its learners fits on these days is its own: otherwise it could take a result from another
    /// administration.
    pub async fn link_identity(&self, caller: &Caller, request: &LinkRequest) -> Result<DecidedAnswer, LinkError> {
        let grant = caller.grant(Action::Link)?;
        let change = self.begin_change(caller, &grant).await?;
        let answer = self.decide_link(&change, request).await?;
        let decided = BTreeSet::from([request.identity.clone()]);
        self.finish_link(change, &decided, request.is_dry_run).await?;
        Ok(answer)
    }

    /// Undoes a decision by hand, or returns what that would move.
    pub async fn undo_link(&self, caller: &Caller, id: i64, is_dry_run: bool) -> Result<DecidedAnswer, LinkError> {
        let grant = caller.grant(Action::Link)?;
        let change = self.begin_change(caller, &grant).await?;
        let (mut answer, identity) = self.take_back(&change, id).await?;
        answer.is_dry_run = is_dry_run;
        self.finish_link(change, &BTreeSet::from([identity]), is_dry_run).await?;
        Ok(answer)
    }

    /// Relinks what the decisions affect and commits them; a dry run rolls them back and records its audit entry.
    pub(in crate::app) async fn finish_link(
        &self,
        change: Changing<'_>,
        decided: &BTreeSet<Identity>,
        is_dry_run: bool,
    ) -> Result<(), StoreError> {
        if is_dry_run {
            let object = "what links by hand would move";
            return self.end_preview(change, Act { action: "link.preview", object }).await;
        }
        decisions::relink_decided(&change, decided, self.calendar).await?;
        change.commit_noted().await
    }

    /// Records a decision within a change, with its audit entry; the caller of this function relinks.
    pub(in crate::app) async fn decide_link(
        &self,
        change: &Changing<'_>,
        request: &LinkRequest,
    ) -> Result<DecidedAnswer, LinkError> {
        let (connection, scope) = (change.connection(), change.scope());
        let platform = platforms::by_code(connection, &request.platform).await?;
        let platform = platform.ok_or_else(|| LinkError::UnknownPlatform(request.platform.clone()))?;
        let employee = match &request.employee {
            None => None,
            Some(number) => {
                let unknown = || LinkError::UnknownEmployee(number.clone());
                let id = people::by_number(connection, number).await?.unwrap_or(EmployeeId::NOBODY);
                let id = Some(id).filter(|id| *id != EmployeeId::NOBODY || !scope.is_all()).ok_or_else(unknown)?;
                let own = self.own_among(connection, scope, &BTreeSet::from([id])).await?;
                Some(own.first().copied().ok_or_else(unknown)?)
            }
        };
        let named = waiting::named_by(connection, platform.id, &request.identity).await?;
        let all = scope.is_all();
        if !all && named.iter().all(|learner| learner.dismissal.is_none()) {
            return Err(LinkError::NotWaiting);
        }
        let days = match request.days {
            Some(days) => days,
            None => self.days_that_wait(connection, (platform.id, &request.identity), employee, &named).await?,
        };
        if !all && !self.are_named_within(connection, scope, (platform.id, &named), days).await? {
            return Err(LinkError::NotWaiting);
        }
        let by_hand = employee.map_or(ByHand::Dismissed, ByHand::Is);
        let decided = Decided { id: i64::MAX, decided_at: i64::MAX, from: days.from, to: days.to, by_hand };
        let deciding = Deciding::Make(decided);
        let moves = self.moves(connection, (&platform, &request.identity), &named, deciding).await?;
        if moves.takes_from_somebody() && !request.moves_results && !request.is_dry_run {
            return Err(LinkError::TakesResults(Box::new(moves)));
        }
        let by = (change.subject(), request.reason.as_str());
        let decision = decisions::decide(change, platform.id, &request.identity, (employee, days), by).await?;
        let (id, key) = (decision.id, request.identity.key.as_str());
        let (action, to) = match &request.employee {
            Some(number) => ("link.make", number.as_str()),
            None => ("link.dismiss", "nobody"),
        };
        let object = format!("link {id}: {key} on {} to {to}{}", platform.code, shown(days));
        change.note(Act { action, object: &object }).await?;
        let link = self.named(connection, vec![decision]).await?.pop().ok_or(LinkError::UnknownLink(id))?;
        Ok(DecidedAnswer { link, moves, is_dry_run: request.is_dry_run })
    }

    /// The days of a decision that names none: those of the waiting results. All days if no other employee could lose
    /// results by it: if no result waits yet, or the identity is dismissed, and the directory knows no employee by it.
    async fn days_that_wait(
        &self,
        connection: &impl Connection,
        (platform, identity): (PlatformId, &Identity),
        employee: Option<EmployeeId>,
        named: &[NamedLearner],
    ) -> Result<DecisionDays, LinkError> {
        let waiting = || named.iter().filter_map(|learner| learner.dismissal);
        let first = waiting().map(|(first, _)| first).min().map(|at| self.calendar.day_of(at));
        let last = waiting().map(|(_, last)| last).max().map(|at| self.calendar.day_of(at));
        if first.is_none() || employee.is_none() {
            let index = index_for(connection, &BTreeSet::from([identity.clone()]), self.calendar).await?;
            let holding = index.holding(platform, identity);
            if holding.always.is_none() && holding.claims.is_empty() {
                return Ok(DecisionDays::default());
            }
        }
        if first.is_none() {
            return Err(LinkError::SayTheDays);
        }
        Ok(DecisionDays { from: first, to: last })
    }

    /// Undoes a decision within a change, with its audit entry; the caller of this function relinks the identity.
    pub(in crate::app) async fn take_back(
        &self,
        change: &Changing<'_>,
        id: i64,
    ) -> Result<(DecidedAnswer, Identity), LinkError> {
        let (connection, scope) = (change.connection(), change.scope());
        let state = decisions::decision_by_id(connection, id).await?;
        let state = state.filter(|decision| decision.undone_at.is_none());
        if !scope.is_all() {
            let is_own = match &state {
                Some(Decision { employee: None, platform, identity, days, .. }) => {
                    let named = waiting::named_by(connection, *platform, identity).await?;
                    self.are_named_within(connection, scope, (*platform, &named), *days).await?
                }
                // What is not there takes what it takes for what is another's.
                _ => !self.own_links(connection, scope, state.as_slice()).await?.is_empty(),
            };
            if !is_own {
                return Err(LinkError::UnknownLink(id));
            }
        }
        let state = state.ok_or(LinkError::UnknownLink(id))?;
        let named = waiting::named_by(connection, state.platform, &state.identity).await?;
        let platform = platforms::list(connection).await?.into_iter().find(|platform| platform.id == state.platform);
        let moves = match platform {
            Some(platform) => {
                let of = (&platform, &state.identity);
                self.moves(connection, of, &named, Deciding::TakeBack(id)).await?
            }
            None => LinkMoves::default(),
        };
        let undone = decisions::undo(change, id, change.subject()).await?.ok_or(LinkError::UnknownLink(id))?;
        let link = self.named(connection, vec![undone]).await?.pop().ok_or(LinkError::UnknownLink(id))?;
        change.note(Act { action: "link.undo", object: &format!("link {id}") }).await?;
        Ok((DecidedAnswer { link, moves, is_dry_run: false }, state.identity))
    }

    /// Whether an administration may decide about an identity for some days: some key of the learners with that
    /// identity fits an employee on these days, and every employee whom a key fits is the administration's own.
    async fn are_named_within(
        &self,
        connection: &impl Connection,
        scope: &Scope,
        (platform, named): (PlatformId, &[NamedLearner]),
        days: DecisionDays,
    ) -> Result<bool, StoreError> {
        let identities: BTreeSet<Identity> = named.iter().flat_map(|learner| learner.keys.identities()).collect();
        let index = index_for(connection, &identities, self.calendar).await?;
        let (first, last) = (days.from.unwrap_or(NaiveDate::MIN), days.to.unwrap_or(NaiveDate::MAX));
        let fits = identities.iter().map(|identity| index.holding(platform, identity).within(first, last));
        let fits: BTreeSet<EmployeeId> = fits.flat_map(|fit| everybody(&fit)).collect();
        let own = self.own_among(connection, scope, &fits).await?;
        // A caller must not find out by trying whether an address belongs to an employee with protected personal data.
        let protected = protection::protected_among(connection, &fits).await?;
        Ok(!fits.is_empty() && own == fits && protected.is_empty())
    }

    /// Links by hand, newest first, undone ones included, as far as the caller may see them.
    pub async fn list_links(&self, caller: &Caller, before: Option<i64>) -> Result<Vec<LinkAnswer>, LinkError> {
        let grant = caller.grant(Action::ReadUnlinked)?;
        let snapshot = self.begin_read(caller, &grant, Act { action: "links.read", object: "links by hand" }).await?;
        let decisions = decisions::decisions(snapshot.connection(), before, LISTED_AT_MOST).await?;
        let own = self.own_links(snapshot.connection(), snapshot.scope(), &decisions).await?;
        let seen = decisions.into_iter().filter(|decision| own.contains(&decision.id));
        Ok(self.named(snapshot.connection(), seen.collect()).await?)
    }

    /// Those decisions that link to an employee for whom the caller's administrations answer, both today and on the day
    /// of the decision: a link of another administration's days shows an address of those days.
    async fn own_links(
        &self,
        connection: &impl Connection,
        scope: &Scope,
        decisions: &[Decision],
    ) -> Result<BTreeSet<i64>, StoreError> {
        if scope.is_all() {
            return Ok(decisions.iter().map(|decision| decision.id).collect());
        }
        let merges = merges::merges(connection, None).await?;
        let person = |decision: &Decision| merges.person(decision.employee.unwrap_or(EmployeeId::NOBODY));
        let mut ids: BTreeSet<EmployeeId> = decisions.iter().map(person).collect();
        if ids.is_empty() {
            ids.insert(EmployeeId::NOBODY);
        }
        let ids: Vec<EmployeeId> = ids.into_iter().collect();
        let known = employees::known(connection, &Unscoped::RestsOnEverybody.scope(), Whose::Only(&ids), None).await?;
        let is_own = |decision: &&Decision| {
            let days = [self.today(), self.calendar.day_of(decision.decided_at)];
            known.get(&person(decision)).is_some_and(|e| days.iter().all(|day| answers_for(scope, e, *day)))
        };
        Ok(decisions.iter().filter(is_own).map(|decision| decision.id).collect())
    }

    async fn named(
        &self,
        connection: &impl Connection,
        decisions: Vec<Decision>,
    ) -> Result<Vec<LinkAnswer>, StoreError> {
        let identities = decisions.iter().map(|decision| decision.identity.clone()).collect();
        let index = index_for(connection, &identities, self.calendar).await?;
        let whose = |decision: &Decision| -> BTreeSet<EmployeeId> {
            let holding = index.holding(decision.platform, &decision.identity);
            let fits = everybody(&holding.within(NaiveDate::MIN, NaiveDate::MAX));
            fits.into_iter().chain(decision.employee).collect()
        };
        let employees: BTreeSet<EmployeeId> = decisions.iter().flat_map(whose).collect();
        let numbers = people::numbers_of(connection, &employees).await?;
        let protected = protection::protected_among(connection, &employees).await?;
        let platforms = platforms::list(connection).await?;
        let answer = |mut decision: Decision| {
            if !whose(&decision).is_disjoint(&protected) {
                decision.identity = concealed(decision.identity);
            }
            LinkAnswer {
                platform: platforms
                    .iter()
                    .find(|platform| platform.id == decision.platform)
                    .map(|platform| platform.code.to_string())
                    .unwrap_or_default(),
                employee_number: decision.employee.and_then(|employee| numbers.get(&employee).cloned()),
                decision,
            }
        };
        Ok(decisions.into_iter().map(answer).collect())
    }
}

/// Days as an audit entry names them; empty for all days.
fn shown(days: DecisionDays) -> String {
    let from = days.from.map(|day| format!(" from {day}")).unwrap_or_default();
    let to = days.to.map(|day| format!(" to {day}")).unwrap_or_default();
    format!("{from}{to}")
}
