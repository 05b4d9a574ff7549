//! A pull: reserved by one process, carried out page by page, and ended with its result.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use uuid::Uuid;

use super::configure::known;
use super::{PullError, PullFault};
use crate::app::Caller;
use crate::app::receiving::readers::PlatformReader;
use crate::app::receiving::receive::Receiving;
use crate::domain::access::Action;
use crate::domain::ids::PlatformCode;
use crate::domain::pulling::{Brought, SourceKind, next_due};
use crate::store::platforms::{self, Platform};
use crate::store::pulls::{self, Ended, Had, Progress, Pull};
use crate::store::{Act, StoreError, Unscoped};

/// For how long a pull stays reserved without a sign of progress. Every page is one.
const RESERVED_FOR: TimeDelta = TimeDelta::minutes(10);

/// A pull on its way.
pub(super) struct UnderWay<'a> {
    pub receiving: &'a Receiving,
    pub platform: &'a Platform,
    /// What reads the platform's answers.
    pub reader: PlatformReader,
    pub pull: Pull,
    holder: &'a str,
    /// How far it has come.
    pub had: Had,
    pub brought: Brought,
}

impl UnderWay<'_> {
    /// Writes down how far it has come; fails where the platform is not this one's to ask any more.
    pub async fn note(&self) -> Result<(), PullFault> {
        let app = self.receiving.app();
        let reserved_until = app.now() + RESERVED_FOR;
        let progress = Progress { had: self.had, brought: self.brought, reserved_until };
        let is_pending = app.store.note_pull(self.platform.id, self.holder, &progress).await?;
        if is_pending { Ok(()) } else { Err(PullFault::HeldByAnother) }
    }
}

impl Receiving {
    /// Pulls from every platform that is due, all at once; returns how many there were. `holder` names the process.
    ///
    /// What goes wrong with one is written down with it, and tried again later.
    pub async fn pull_due(&self, holder: &str) -> Result<usize, StoreError> {
        let app = self.app();
        let due = pulls::due(app.store.connection(Unscoped::Receiving), app.now()).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let all = platforms::list(app.store.connection(Unscoped::Receiving)).await?;
        let settings = all.iter().filter(|platform| due.contains(&platform.id));
        let pulled = join_all(settings.map(|platform| self.pull(platform, holder, None))).await;
        let begun = pulled.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(begun.into_iter().flatten().count())
    }

    /// Lets others ask what `holder` was asking when it stopped.
    pub async fn release_pulls(&self, holder: &str) -> Result<(), StoreError> {
        self.app().store.release_pulls(holder).await
    }

    /// Pulls from a platform now, whether or not it is due; returns what that brought.
    ///
    /// * `since`: from where a store is queried once more, if that is before where the last pull had come.
    pub async fn pull_now(
        &self,
        caller: &Caller,
        code: &PlatformCode,
        since: Option<DateTime<Utc>>,
    ) -> Result<Brought, PullError> {
        let grant = caller.grant(Action::Operate)?;
        let app = self.app();
        let platform = known(app.store.connection(Unscoped::Receiving), code).await?;
        if pulls::of(app.store.connection(Unscoped::Receiving), platform.id).await?.is_none() {
            return Err(PullError::NotSetUp(code.clone()));
        }
        let change = app.begin_change(caller, &grant).await?;
        let object = format!("platform {code}");
        change.commit(Act { action: "platform.pull", object: &object }).await?;
        let holder = Uuid::now_v7().to_string();
        let pulled = self.pull(&platform, &holder, since).await?;
        Ok(pulled.ok_or_else(|| PullError::UnderWay(code.clone()))??)
    }

    /// Pulls from a platform; `None` if another process does already.
    async fn pull(
        &self,
        platform: &Platform,
        holder: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Option<Result<Brought, PullFault>>, StoreError> {
        let app = self.app();
        let begun_at = app.now();
        let Some(pull) = app.store.hold_pull(platform.id, holder, begun_at, begun_at + RESERVED_FOR).await? else {
            return Ok(None);
        };
        let (failures, every) = (pull.failures, pull.settings.every);
        // Never from later than where it had come: what lies between would not be pulled any more.
        let since = since.map(|since| pull.since.map_or(since, |had| had.min(since)));
        let had = Had { since: since.or(pull.since), newest: pull.newest };
        let reader = PlatformReader::of(app.store.connection(Unscoped::Receiving), platform.clone()).await?;
        let mut under_way =
            UnderWay { receiving: self, platform, reader, pull, holder, had, brought: Brought::default() };
        let ended = match under_way.pull.settings.source {
            SourceKind::Xapi => under_way.pull_statements().await,
            SourceKind::Moodle => under_way.pull_completions().await,
        };
        let (had, brought) = (under_way.had, under_way.brought);
        let failures = if ended.is_ok() { 0 } else { failures.saturating_add(1) };
        let at = app.now();
        let problem = ended.as_ref().err().map(ToString::to_string);
        if let Some(problem) = &problem {
            tracing::warn!(platform = platform.code.as_str(), problem, "a platform could not be pulled from");
        }
        app.metrics.pulled(platform.code.as_str(), ended.is_ok(), brought);
        let due_at = next_due(at, every, failures);
        let ending = Ended { had, brought, at, due_at, failures, problem };
        // Where it is another's by now, that one says how it ended.
        app.store.end_pull(platform.id, holder, ending).await?;
        Ok(Some(ended.map(|()| brought)))
    }
}
