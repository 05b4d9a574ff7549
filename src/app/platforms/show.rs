//! The health of platforms: whether they send, and what arrives late, twice, out of order or not understood.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::platforms::pull::pull_state;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused};
use crate::domain::ids::PlatformCode;
use crate::domain::platform_health::{EARLIEST, PlatformHealth, ResultSilence, SilenceAlarm, Spread, depths};
use crate::domain::pulling::Pulls;
use crate::domain::report::PlatformSilence;
use crate::store::platform_health::{self, Arrivals, LatestDelivery, Spoke};
use crate::store::platforms::{self, Platform};
use crate::store::quarantine::{self, QuarantineFilter};
use crate::store::{Act, Connection, StoreError, Unscoped, pulls};

/// How far back a platform's figures go by default.
pub const STANDARD_WINDOW: TimeDelta = TimeDelta::days(7);

/// A summary of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformInShort {
    pub platform: Platform,
    pub last_delivery_at: Option<DateTime<Utc>>,
    pub alarm: SilenceAlarm,
    pub results: ResultSilence,
    /// How many deliveries wait in quarantine.
    pub quarantined: u64,
}

/// Why no platform was shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowPlatformsError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no platform has the code {0}")]
    UnknownPlatform(PlatformCode),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Summaries of all platforms, by code.
    pub async fn show_platforms(&self, caller: &Caller) -> Result<Vec<PlatformInShort>, ShowPlatformsError> {
        let grant = caller.grant(Action::ReadPlatforms)?;
        let reading = self.begin_read(caller, &grant, Act { action: "platforms.read", object: "platforms" }).await?;
        let connection = reading.connection();
        let known = platforms::list(connection).await?;
        let mut shown = Vec::with_capacity(known.len());
        for spoke in platform_health::spoke(connection, None).await? {
            let Some(platform) = known.iter().find(|platform| platform.id == spoke.platform) else { continue };
            let filter = QuarantineFilter { platform: Some(platform.id), ..QuarantineFilter::default() };
            shown.push(PlatformInShort {
                platform: platform.clone(),
                last_delivery_at: spoke.last_at,
                alarm: self.silence_alarm(connection, &spoke).await?,
                results: self.result_silence(connection, &spoke, (self.now(), None)).await?,
                quarantined: quarantine::count(connection, &filter).await?,
            });
        }
        Ok(shown)
    }

    /// A platform's health, counted from `since` on, and what pulls brought if it is pulled from.
    pub async fn platform_health(
        &self,
        caller: &Caller,
        code: &PlatformCode,
        since: Option<DateTime<Utc>>,
    ) -> Result<PlatformHealth, ShowPlatformsError> {
        let grant = caller.grant(Action::ReadPlatforms)?;
        // The answer must include what this process has counted; other processes' counts are written within seconds.
        self.write_platform_counts().await?;
        let since = since.unwrap_or_else(|| self.now() - STANDARD_WINDOW);
        let object = format!("platform {code}");
        let reading = self.begin_read(caller, &grant, Act { action: "platform.read", object: &object }).await?;
        let connection = reading.connection();
        let spoke = platform_health::spoke(connection, None).await?.into_iter().find(|spoke| spoke.code == *code);
        let spoke = spoke.ok_or_else(|| ShowPlatformsError::UnknownPlatform(code.clone()))?;
        let (deliveries, quarantined) = platform_health::deliveries_since(connection, spoke.platform, since).await?;
        let latest = platform_health::latest(connection, spoke.platform, since).await?;
        let occurred = platform_health::occurred_in(connection, &latest).await?;
        let shares = self.linked_shares_now(connection, self.today()).await?;
        let share = shares.platforms.iter().find(|(platform, _)| platform == code.as_str());
        let share = share.map(|(_, share)| share.now).unwrap_or_default();
        let platform = platforms::by_code(connection, code).await?;
        let platform = platform.ok_or_else(|| ShowPlatformsError::UnknownPlatform(code.clone()))?;
        let pull = match pull_state(connection, &platform, self.now()).await? {
            Some(state) => Some(Pulls { state, found: pulls::found_since(connection, platform.id, since).await? }),
            None => None,
        };
        let health = PlatformHealth {
            since,
            last_delivery_at: spoke.last_at,
            alarm: self.silence_alarm(connection, &spoke).await?,
            results: self.result_silence(connection, &spoke, (self.now(), None)).await?,
            deliveries,
            quarantined,
            linked: share.linked,
            waiting: share.waiting,
            linked_days: (shares.periods.from, shares.periods.to),
            clock_skew: Spread::of(latest.iter().filter_map(skew).collect()),
            out_of_order: Spread::of(depths(&occurred)),
            counted: platform_health::counts_since(connection, spoke.platform, since).await?,
            pull,
        };
        Ok(health)
    }

    /// Sets the metrics of how long each platform has been silent, whether that is too long, and whether pulls are
    /// late.
    pub async fn watch_silence(&self) -> Result<(), StoreError> {
        let connection = self.store.connection(Unscoped::Configuration);
        let mut settings = Vec::new();
        for platform in platforms::list(connection).await? {
            if let Some(pull) = pull_state(connection, &platform, self.now()).await? {
                settings.push((platform.code, pull.is_late));
            }
        }
        self.metrics.set_pulls_late(settings.iter().map(|(code, is_late)| (code.as_str(), *is_late)));
        for spoke in platform_health::spoke(connection, None).await? {
            let alarm = self.silence_alarm(connection, &spoke).await?;
            let results = self.result_silence(connection, &spoke, (self.now(), None)).await?.alarm;
            self.metrics.set_silence(spoke.code.as_str(), &alarm, &results);
        }
        Ok(())
    }

    async fn silence_alarm(&self, connection: &impl Connection, spoke: &Spoke) -> Result<SilenceAlarm, StoreError> {
        let now = self.now();
        let configured = self.silence_alarm_hours.get(spoke.code.as_str());
        let configured = configured.map(|hours| TimeDelta::hours(i64::from(*hours)));
        let arrivals = match configured {
            Some(_) => Vec::new(),
            None => platform_health::active_hours(connection, spoke, Arrivals::OfAnything, now).await?,
        };
        Ok(SilenceAlarm::of(now, spoke.last_at.unwrap_or(spoke.added_at), configured, &arrivals))
    }

    /// For how long a platform had reported no result at an instant, from what is known now or was known then.
    async fn result_silence(
        &self,
        connection: &impl Connection,
        spoke: &Spoke,
        (now, known_at): (DateTime<Utc>, Option<DateTime<Utc>>),
    ) -> Result<ResultSilence, StoreError> {
        let configured = self.result_alarm_days.get(spoke.code.as_str());
        let configured = configured.map(|days| TimeDelta::days(i64::from(*days)));
        let arrivals = match configured {
            Some(_) => Vec::new(),
            None => {
                let of = Arrivals::OfResults { known_at };
                platform_health::active_hours(connection, spoke, of, now).await?
            }
        };
        let silent_since = spoke.last_result_at.unwrap_or(spoke.added_at);
        let alarm = SilenceAlarm::of(now, silent_since, configured, &arrivals);
        Ok(ResultSilence { last_result_at: spoke.last_result_at, alarm })
    }

    /// Since when each platform had been silent at an instant, by code: from what is known now, or was known then.
    pub(in crate::app) async fn silences(
        &self,
        connection: &impl Connection,
        at: DateTime<Utc>,
        is_current: bool,
    ) -> Result<Vec<PlatformSilence>, StoreError> {
        let known_at = (!is_current).then_some(at);
        let mut silences = Vec::new();
        for spoke in platform_health::spoke(connection, known_at).await? {
            let silent_since = spoke.last_result_at.unwrap_or(spoke.added_at);
            // No alarm rings before this, so a report on an ordinary working day need not read the usual intervals.
            let results = if at.signed_duration_since(silent_since) <= EARLIEST {
                let alarm = SilenceAlarm::of(at, silent_since, None, &[]);
                ResultSilence { last_result_at: spoke.last_result_at, alarm }
            } else {
                self.result_silence(connection, &spoke, (at, known_at)).await?
            };
            silences.push(PlatformSilence { platform: spoke.code.to_string(), silent_since: spoke.last_at, results });
        }
        Ok(silences)
    }
}

/// The time from the instant that the sender signed to the delivery's arrival, if it is signed.
fn skew(delivery: &LatestDelivery) -> Option<TimeDelta> {
    let headers: serde_json::Value = serde_json::from_str(&delivery.headers).ok()?;
    let signed: i64 = headers.get("webhook-timestamp")?.as_str()?.trim().parse().ok()?;
    Some(delivery.received_at.signed_duration_since(DateTime::from_timestamp(signed, 0)?))
}
