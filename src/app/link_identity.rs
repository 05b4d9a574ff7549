//! A person says whose an identity is, or takes it back.

use std::collections::BTreeSet;

use super::context::Act;
use super::{App, Asker};
use crate::domain::access::{Action, Grant, Refused};
use crate::domain::ids::{EmployeeId, EmployeeNumber, PlatformCode, PlatformId};
use crate::domain::linking::Identity;
use crate::domain::linking::queue::everybody;
use crate::store::decisions::{self, Decision};
use crate::store::links::index_for;
use crate::store::{Change, Connection, StoreError, people, platforms, waiting};

/// What somebody decides about an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRequest {
    pub platform: PlatformCode,
    pub identity: Identity,
    /// `None`: the identity links to nobody, whoever the directory knows by it, and what waits for it is dismissed.
    pub employee: Option<EmployeeNumber>,
    pub reason: String,
}

/// A decision with the names by which the asker knows things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAnswer {
    pub decision: Decision,
    pub platform: String,
    pub employee_number: Option<String>,
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
    #[error("no link with the id {0} stands")]
    UnknownLink(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether results wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waits(bool);

/// How many decisions are listed at the most.
pub const LISTED_AT_MOST: u64 = 500;

impl App {
    /// Decides by hand whose an identity is: an employee's, or nobody's, which dismisses what waits. It is decided the same
    /// way from then on.
    ///
    /// An administration may link to its own, and only where some result of the identity waits and everybody whom any key
    /// of its learners fits is its own: else the link could take a result from another administration.
    pub async fn link_identity(&self, asker: &Asker, request: &LinkRequest) -> Result<LinkAnswer, LinkError> {
        let grant = asker.grant(Action::Link)?;
        let change = self.store.change(self.now()).await?;
        let answer = self.decide_link(&change, asker, &grant, request).await?;
        decisions::relink_decided(&change, &BTreeSet::from([request.identity.clone()]), self.calendar).await?;
        change.commit().await?;
        Ok(answer)
    }

    /// Takes a decision by hand back.
    pub async fn undo_link(&self, asker: &Asker, id: i64) -> Result<LinkAnswer, LinkError> {
        let grant = asker.grant(Action::Link)?;
        let change = self.store.change(self.now()).await?;
        let answer = self.take_back(&change, asker, &grant, id).await?;
        decisions::relink_decided(&change, &BTreeSet::from([answer.decision.identity.clone()]), self.calendar).await?;
        change.commit().await?;
        Ok(answer)
    }

    /// Records a decision within a change, with its audit entry; the caller relinks.
    pub(super) async fn decide_link(
        &self,
        change: &Change,
        asker: &Asker,
        grant: &Grant,
        request: &LinkRequest,
    ) -> Result<LinkAnswer, LinkError> {
        let connection = change.connection();
        let platform = platforms::by_code(connection, &request.platform).await?;
        let platform = platform.ok_or_else(|| LinkError::UnknownPlatform(request.platform.clone()))?;
        let employee = match &request.employee {
            None => None,
            Some(number) => {
                let unknown = || LinkError::UnknownEmployee(number.clone());
                let id = people::by_number(connection, number).await?.ok_or_else(unknown)?;
                let own = self.own_among(connection, grant, &BTreeSet::from([id])).await?;
                Some(own.first().copied().ok_or_else(unknown)?)
            }
        };
        if !grant.visible().is_all() {
            let named = self.named_within(connection, grant, platform.id, &request.identity).await?;
            if named != Some(Waits(true)) {
                return Err(LinkError::NotWaiting);
            }
        }
        let by = (grant.subject(), request.reason.as_str());
        let decision = decisions::decide(change, platform.id, &request.identity, employee, by).await?;
        let (id, key) = (decision.id, request.identity.key.as_str());
        let (action, object) = match &request.employee {
            Some(number) => ("link.make", format!("link {id}: {key} on {} to {number}", platform.code)),
            None => ("link.dismiss", format!("link {id}: {key} on {} to nobody", platform.code)),
        };
        self.audit(change, asker, grant, Act { action, object: &object }).await?;
        Ok(LinkAnswer {
            decision,
            platform: platform.code.to_string(),
            employee_number: request.employee.as_ref().map(ToString::to_string),
        })
    }

    /// Takes a decision back within a change, with its audit entry; the caller relinks.
    pub(super) async fn take_back(
        &self,
        change: &Change,
        asker: &Asker,
        grant: &Grant,
        id: i64,
    ) -> Result<LinkAnswer, LinkError> {
        let connection = change.connection();
        let standing = decisions::decision_by_id(connection, id).await?;
        let standing = standing.filter(|decision| decision.undone_at.is_none()).ok_or(LinkError::UnknownLink(id))?;
        if !grant.visible().is_all() {
            let is_own = match standing.employee {
                Some(employee) => {
                    let linked = BTreeSet::from([employee]);
                    self.own_among(connection, grant, &linked).await? == linked
                }
                None => self.named_within(connection, grant, standing.platform, &standing.identity).await?.is_some(),
            };
            if !is_own {
                return Err(LinkError::UnknownLink(id));
            }
        }
        let undone = decisions::undo(change, id, grant.subject()).await?.ok_or(LinkError::UnknownLink(id))?;
        let answer = self.named(connection, vec![undone]).await?.pop().ok_or(LinkError::UnknownLink(id))?;
        self.audit(change, asker, grant, Act { action: "link.undo", object: &format!("link {id}") }).await?;
        Ok(answer)
    }

    /// Whether results of an identity wait, where an administration may decide about it: some key of the learners whom it
    /// names fits somebody, and everybody whom any fits is the administration's own.
    async fn named_within(
        &self,
        connection: &impl Connection,
        grant: &Grant,
        platform: PlatformId,
        identity: &Identity,
    ) -> Result<Option<Waits>, StoreError> {
        let named = waiting::named_by(connection, platform, identity).await?;
        let identities: BTreeSet<Identity> = named.iter().flat_map(|(keys, _)| keys.identities()).collect();
        let index = index_for(connection, &identities).await?;
        let fits: BTreeSet<EmployeeId> =
            identities.iter().flat_map(|identity| everybody(&index.fit(platform, identity))).collect();
        let own = self.own_among(connection, grant, &fits).await?;
        let waits = Waits(named.iter().any(|(_, waits)| *waits));
        Ok((!fits.is_empty() && own == fits).then_some(waits))
    }

    /// Links by hand from the newest on, undone ones included; within what the asker may see.
    pub async fn list_links(&self, asker: &Asker, before: Option<i64>) -> Result<Vec<LinkAnswer>, LinkError> {
        let grant = asker.grant(Action::ReadUnlinked)?;
        self.look(asker, &grant, Act { action: "links.read", object: "links by hand" }).await?;
        let snapshot = self.store.snapshot().await?;
        let decisions = decisions::decisions(snapshot.connection(), before, LISTED_AT_MOST).await?;
        let employees: BTreeSet<_> = decisions.iter().filter_map(|decision| decision.employee).collect();
        let own = self.own_among(snapshot.connection(), &grant, &employees).await?;
        let seen = decisions.into_iter().filter(|decision| {
            grant.visible().is_all() || decision.employee.is_some_and(|employee| own.contains(&employee))
        });
        Ok(self.named(snapshot.connection(), seen.collect()).await?)
    }

    async fn named(
        &self,
        connection: &impl Connection,
        decisions: Vec<Decision>,
    ) -> Result<Vec<LinkAnswer>, StoreError> {
        let employees: BTreeSet<_> = decisions.iter().filter_map(|decision| decision.employee).collect();
        let numbers = people::numbers_of(connection, &employees).await?;
        let platforms = platforms::list(connection).await?;
        let answer = |decision: Decision| LinkAnswer {
            platform: platforms
                .iter()
                .find(|platform| platform.id == decision.platform)
                .map(|platform| platform.code.to_string())
                .unwrap_or_default(),
            employee_number: decision.employee.and_then(|employee| numbers.get(&employee).cloned()),
            decision,
        };
        Ok(decisions.into_iter().map(answer).collect())
    }
}
