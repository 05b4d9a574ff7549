//! A person says whose an identity is, or takes it back.

use std::collections::BTreeSet;

use super::context::Act;
use super::{App, Asker};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::{EmployeeId, EmployeeNumber, PlatformCode};
use crate::domain::linking::{ByHand, Fit, Identity};
use crate::store::decisions::{self, Decision};
use crate::store::links::index_for;
use crate::store::{Connection, StoreError, people, platforms, waiting};

/// What somebody decides about an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRequest {
    pub platform: PlatformCode,
    pub identity: Identity,
    /// `None`: the identity links to nobody, whoever the directory knows by it.
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

/// How many decisions are listed at the most.
pub const LISTED_AT_MOST: u64 = 500;

impl App {
    /// Links an identity by hand; it links the same way from then on.
    ///
    /// An administration may link to its own, and only where some result of the identity waits and everybody whom any key
    /// of its learners fits is its own: else the link could take a result from another administration.
    pub async fn link_identity(&self, asker: &Asker, request: &LinkRequest) -> Result<LinkAnswer, LinkError> {
        let grant = asker.grant(Action::Link)?;
        let change = self.store.change(self.now()).await?;
        let connection = change.connection();
        let platform = platforms::by_code(connection, &request.platform).await?;
        let platform = platform.ok_or_else(|| LinkError::UnknownPlatform(request.platform.clone()))?;
        let employee = match &request.employee {
            None => None,
            Some(number) => {
                let unknown = || LinkError::UnknownEmployee(number.clone());
                let id = people::by_number(connection, number).await?.ok_or_else(unknown)?;
                let own = self.visible_among(connection, &grant, &BTreeSet::from([id])).await?;
                Some(own.first().copied().ok_or_else(unknown)?)
            }
        };
        if !grant.visible().is_all() {
            let named = waiting::named_by(connection, platform.id, &request.identity).await?;
            let identities: BTreeSet<Identity> = named.iter().flat_map(|(keys, _)| keys.identities()).collect();
            let index = index_for(connection, &identities).await?;
            let fits: BTreeSet<EmployeeId> = identities
                .iter()
                .flat_map(|identity| {
                    let Fit { employees, by_hand } = index.fit(platform.id, identity);
                    let by_hand = by_hand.and_then(|decided| match decided {
                        ByHand::Is(employee) => Some(employee),
                        ByHand::Nobody => None,
                    });
                    employees.into_iter().chain(by_hand)
                })
                .collect();
            let own = self.visible_among(connection, &grant, &fits).await?;
            let waits = named.iter().any(|(_, waits)| *waits);
            if fits.is_empty() || own != fits || !waits {
                return Err(LinkError::NotWaiting);
            }
        }
        let orders = platforms::link_orders(connection).await?;
        let by = (grant.subject(), request.reason.as_str());
        let decision =
            decisions::decide(&change, platform.id, &request.identity, employee, by, (&orders, self.calendar)).await?;
        let whose = request.employee.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
        let object = format!("link {}: {} on {} to {whose}", decision.id, request.identity.key.as_str(), platform.code);
        self.audit(&change, asker, &grant, Act { action: "link.make", object: &object }).await?;
        change.commit().await?;
        Ok(LinkAnswer {
            decision,
            platform: platform.code.to_string(),
            employee_number: request.employee.as_ref().map(ToString::to_string),
        })
    }

    /// Takes a link by hand back.
    pub async fn undo_link(&self, asker: &Asker, id: i64) -> Result<LinkAnswer, LinkError> {
        let grant = asker.grant(Action::Link)?;
        let change = self.store.change(self.now()).await?;
        let connection = change.connection();
        let standing = decisions::decision_by_id(connection, id).await?;
        let standing = standing.filter(|decision| decision.undone_at.is_none()).ok_or(LinkError::UnknownLink(id))?;
        if !grant.visible().is_all() {
            let linked: BTreeSet<_> = standing.employee.into_iter().collect();
            let own = self.visible_among(connection, &grant, &linked).await?;
            if linked.is_empty() || own != linked {
                return Err(LinkError::UnknownLink(id));
            }
        }
        let orders = platforms::link_orders(connection).await?;
        let undone = decisions::undo(&change, id, grant.subject(), (&orders, self.calendar)).await?;
        let undone = undone.ok_or(LinkError::UnknownLink(id))?;
        let answer = self.named(connection, vec![undone]).await?.pop().ok_or(LinkError::UnknownLink(id))?;
        let object = format!("link {id}");
        self.audit(&change, asker, &grant, Act { action: "link.undo", object: &object }).await?;
        change.commit().await?;
        Ok(answer)
    }

    /// Links by hand from the newest on, undone ones included; within what the asker may see.
    pub async fn list_links(&self, asker: &Asker, before: Option<i64>) -> Result<Vec<LinkAnswer>, LinkError> {
        let grant = asker.grant(Action::ReadUnlinked)?;
        self.look(asker, &grant, Act { action: "links.read", object: "links by hand" }).await?;
        let snapshot = self.store.snapshot().await?;
        let decisions = decisions::decisions(snapshot.connection(), before, LISTED_AT_MOST).await?;
        let employees: BTreeSet<_> = decisions.iter().filter_map(|decision| decision.employee).collect();
        let own = self.visible_among(snapshot.connection(), &grant, &employees).await?;
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
