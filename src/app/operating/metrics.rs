//! The operator's metrics: counters, gauges and histograms in Prometheus' terms.
//!
//! Names and units follow Prometheus' conventions (base units, `_total` for counters). Labels come from closed sets and
//! route patterns only, never from what a client sent.

use std::time::Duration;

use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::domain::platform_health::SilenceAlarm;
use crate::domain::pulling::Brought;
use crate::domain::report::LinkedShares;

/// From half a millisecond to the five seconds after which platforms give up.
const LATENCY_BUCKETS_SECONDS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Deliveries in one commit, by powers of two.
const BATCH_BUCKETS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The outcome of a delivery, as its sender was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryOutcome {
    /// Stored, and new.
    Accepted,
    /// Known already, with the same bytes.
    Duplicate,
    /// Stored, of a type that is not known.
    Ignored,
    /// A known id with other bytes; the first stays.
    Conflict,
    /// Authentic but not understood.
    Quarantined,
    /// The signature, its secret or its time is not valid.
    Unauthenticated,
    /// Refused unread: too large, too many, or not now.
    Refused,
}

impl DeliveryOutcome {
    pub const ALL: [Self; 7] = [
        Self::Accepted,
        Self::Duplicate,
        Self::Ignored,
        Self::Conflict,
        Self::Quarantined,
        Self::Unauthenticated,
        Self::Refused,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Conflict => "conflict",
            Self::Quarantined => "quarantined",
            Self::Unauthenticated => "unauthenticated",
            Self::Refused => "refused",
        }
    }
}

/// The figures that `/metrics` shows. Shared by everything that counts: all methods take `&self`, and none blocks.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    deliveries: IntCounterVec,
    delivery_duration: Histogram,
    commit_batch: Histogram,
    queue_depth: IntGauge,
    events: IntCounterVec,
    stale_employees: IntGauge,
    waiting_users: IntGauge,
    database_writable: IntGauge,
    clock_ahead: Gauge,
    clock_warnings: IntGauge,
    refused_for_time: IntCounterVec,
    chain_links: IntGauge,
    chain_through: IntGauge,
    clock_set_back: IntGauge,
    verify_differences: IntGauge,
    unlinked_results: IntGaugeVec,
    recent_results: IntGaugeVec,
    linked_share_fallen: IntGauge,
    platform_silence: IntGaugeVec,
    platform_silent: IntGaugeVec,
    platform_result_silence: IntGaugeVec,
    platform_results_silent: IntGaugeVec,
    pulls: IntCounterVec,
    pulled_results: IntCounterVec,
    pull_late: IntGaugeVec,
    http_requests: IntCounterVec,
    http_duration: HistogramVec,
}

impl Metrics {
    /// A set of figures of its own, all at zero.
    ///
    /// # Errors
    /// Two figures have the same name, which is a fault of this file.
    pub fn new() -> Result<Self, prometheus::Error> {
        let metrics = Self {
            registry: Registry::new(),
            deliveries: IntCounterVec::new(
                Opts::new("kurskoll_deliveries_total", "Deliveries answered, by outcome."),
                &["outcome"],
            )?,
            delivery_duration: Histogram::with_opts(
                HistogramOpts::new(
                    "kurskoll_delivery_duration_seconds",
                    "Time from a delivery's arrival to its answer, when what it says is durable.",
                )
                .buckets(LATENCY_BUCKETS_SECONDS.to_vec()),
            )?,
            commit_batch: Histogram::with_opts(
                HistogramOpts::new("kurskoll_commit_batch_deliveries", "Deliveries made durable by one commit.")
                    .buckets(BATCH_BUCKETS.to_vec()),
            )?,
            queue_depth: IntGauge::new("kurskoll_intake_queue_deliveries", "Deliveries that wait for a commit.")?,
            events: IntCounterVec::new(
                Opts::new("kurskoll_events_total", "Events understood, by whether they linked to an employee at once."),
                &["link"],
            )?,
            chain_links: IntGauge::new("kurskoll_chain_links", "Links of the chain of digests.")?,
            chain_through: IntGauge::new(
                "kurskoll_chain_through_timestamp_seconds",
                "The instant of knowledge up to which the chain covers what was recorded.",
            )?,
            clock_set_back: IntGauge::new(
                "kurskoll_clock_set_back",
                "1 while the clock of knowledge stands before the chain's newest link, which says that it was set back.",
            )?,
            verify_differences: IntGauge::new(
                "kurskoll_verify_differences",
                "Differences that the last nightly verification found.",
            )?,
            stale_employees: IntGauge::new(
                "kurskoll_stale_employees",
                "Employees whose derived state waits to be worked out again.",
            )?,
            waiting_users: IntGauge::new(
                "kurskoll_waiting_users",
                "Users of the identity provider whom the directory does not know yet.",
            )?,
            database_writable: IntGauge::new(
                "kurskoll_database_writable",
                "1 where the register could be written when that was last tried, else 0.",
            )?,
            clock_ahead: Gauge::new(
                "kurskoll_clock_ahead_of_database_seconds",
                "How far this machine's clock is ahead of the database server's; 0 on SQLite.",
            )?,
            clock_warnings: IntGauge::new(
                "kurskoll_clock_warnings",
                "Things about the clocks that somebody should look at: /health/ready says which.",
            )?,
            refused_for_time: IntCounterVec::new(
                Opts::new(
                    "kurskoll_deliveries_refused_for_time_total",
                    "Deliveries whose signature is valid except for its time, by platform.",
                ),
                &["platform"],
            )?,
            unlinked_results: IntGaugeVec::new(
                Opts::new(
                    "kurskoll_unlinked_results",
                    "Results that are not linked: those that wait, and those dismissed by hand.",
                ),
                &["state"],
            )?,
            recent_results: IntGaugeVec::new(
                Opts::new(
                    "kurskoll_recent_results",
                    "Results of the last 28 days by whether they are linked, dismissed ones left out.",
                ),
                &["link"],
            )?,
            linked_share_fallen: IntGauge::new(
                "kurskoll_linked_share_fallen",
                "1 while some platform's share of linked results lies well below that of the 28 days before, else 0.",
            )?,
            platform_silence: IntGaugeVec::new(
                Opts::new("kurskoll_platform_silence_seconds", "Time since a platform's last delivery."),
                &["platform"],
            )?,
            platform_silent: IntGaugeVec::new(
                Opts::new(
                    "kurskoll_platform_silent",
                    "1 while a platform is silent for longer than it is configured or known to be, else 0.",
                ),
                &["platform"],
            )?,
            platform_result_silence: IntGaugeVec::new(
                Opts::new(
                    "kurskoll_platform_result_silence_seconds",
                    "Time since a platform's last result, a completion or a graded attempt.",
                ),
                &["platform"],
            )?,
            platform_results_silent: IntGaugeVec::new(
                Opts::new(
                    "kurskoll_platform_results_silent",
                    "1 while a platform sends no result for longer than it is configured or known to, else 0.",
                ),
                &["platform"],
            )?,
            pulls: IntCounterVec::new(
                Opts::new("kurskoll_pulls_total", "Pulls from a platform, by whether they succeeded."),
                &["platform", "outcome"],
            )?,
            pulled_results: IntCounterVec::new(
                Opts::new("kurskoll_pulled_results_total", "Results found by asking that the platform had not sent."),
                &["platform"],
            )?,
            pull_late: IntGaugeVec::new(
                Opts::new(
                    "kurskoll_pull_late",
                    "1 while a platform has not been asked with success for more than twice its time, else 0.",
                ),
                &["platform"],
            )?,
            http_requests: IntCounterVec::new(
                Opts::new("kurskoll_http_requests_total", "Requests answered, by route pattern, method and status."),
                &["route", "method", "status"],
            )?,
            http_duration: HistogramVec::new(
                HistogramOpts::new(
                    "kurskoll_http_request_duration_seconds",
                    "Time from a request's arrival to the head of its answer.",
                )
                .buckets(LATENCY_BUCKETS_SECONDS.to_vec()),
                &["route", "method"],
            )?,
        };
        metrics.register()?;
        // It was opened.
        metrics.set_database_writable(true);
        // A series that exists from the start, at zero, makes its first increase visible as a rate.
        for outcome in DeliveryOutcome::ALL {
            metrics.deliveries.with_label_values(&[outcome.as_str()]);
        }
        for linked in [true, false] {
            metrics.events.with_label_values(&[link_label(linked)]);
            metrics.recent_results.with_label_values(&[link_label(linked)]);
        }
        for state in ["waiting", "dismissed"] {
            metrics.unlinked_results.with_label_values(&[state]);
        }
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let build = IntGaugeVec::new(
            Opts::new("kurskoll_build_info", "Always 1; the label has the version that runs."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        self.registry.register(Box::new(build))?;
        self.registry.register(Box::new(self.deliveries.clone()))?;
        self.registry.register(Box::new(self.delivery_duration.clone()))?;
        self.registry.register(Box::new(self.commit_batch.clone()))?;
        self.registry.register(Box::new(self.queue_depth.clone()))?;
        self.registry.register(Box::new(self.events.clone()))?;
        self.registry.register(Box::new(self.stale_employees.clone()))?;
        self.registry.register(Box::new(self.waiting_users.clone()))?;
        self.registry.register(Box::new(self.database_writable.clone()))?;
        self.registry.register(Box::new(self.clock_ahead.clone()))?;
        self.registry.register(Box::new(self.clock_warnings.clone()))?;
        self.registry.register(Box::new(self.refused_for_time.clone()))?;
        self.registry.register(Box::new(self.chain_links.clone()))?;
        self.registry.register(Box::new(self.chain_through.clone()))?;
        self.registry.register(Box::new(self.clock_set_back.clone()))?;
        self.registry.register(Box::new(self.verify_differences.clone()))?;
        self.registry.register(Box::new(self.unlinked_results.clone()))?;
        self.registry.register(Box::new(self.recent_results.clone()))?;
        self.registry.register(Box::new(self.linked_share_fallen.clone()))?;
        self.registry.register(Box::new(self.platform_silence.clone()))?;
        self.registry.register(Box::new(self.platform_silent.clone()))?;
        self.registry.register(Box::new(self.platform_result_silence.clone()))?;
        self.registry.register(Box::new(self.platform_results_silent.clone()))?;
        self.registry.register(Box::new(self.pulls.clone()))?;
        self.registry.register(Box::new(self.pulled_results.clone()))?;
        self.registry.register(Box::new(self.pull_late.clone()))?;
        self.registry.register(Box::new(self.http_requests.clone()))?;
        self.registry.register(Box::new(self.http_duration.clone()))
    }

    /// A delivery was answered, that long after its arrival.
    pub fn delivery_answered(&self, outcome: DeliveryOutcome, took: Duration) {
        self.deliveries.with_label_values(&[outcome.as_str()]).inc();
        self.delivery_duration.observe(took.as_secs_f64());
    }

    /// One commit made that many deliveries durable.
    pub fn batch_committed(&self, deliveries: usize) {
        self.commit_batch.observe(f64::from(u32::try_from(deliveries).unwrap_or(u32::MAX)));
    }

    /// That many deliveries wait for a commit now.
    pub fn set_queue_depth(&self, deliveries: usize) {
        self.queue_depth.set(i64::try_from(deliveries).unwrap_or(i64::MAX));
    }

    /// An event was understood, and linked to an employee at once or not.
    pub fn event_understood(&self, linked: bool) {
        self.events.with_label_values(&[link_label(linked)]).inc();
    }

    /// That many employees' derived state waits to be refreshed.
    pub fn set_stale_employees(&self, employees: u64) {
        self.stale_employees.set(i64::try_from(employees).unwrap_or(i64::MAX));
    }

    /// That many users of the identity provider wait for the directory to know them.
    pub fn set_waiting_users(&self, users: u64) {
        self.waiting_users.set(i64::try_from(users).unwrap_or(i64::MAX));
    }

    /// Whether the register could be written, just now.
    pub fn set_database_writable(&self, is_writable: bool) {
        self.database_writable.set(is_writable.into());
    }

    /// How far this machine's clock is ahead of the database server's, and how many warnings there are.
    pub fn set_clock(&self, ahead_of_server: chrono::TimeDelta, warnings: usize) {
        self.clock_ahead.set(ahead_of_server.as_seconds_f64());
        self.clock_warnings.set(i64::try_from(warnings).unwrap_or(i64::MAX));
    }

    /// A platform's authentic delivery was refused for its time alone.
    pub fn refused_for_time(&self, platform: &str) {
        self.refused_for_time.with_label_values(&[platform]).inc();
    }

    /// Where the chain of digests ends.
    pub fn set_chain_head(&self, number: i64, through: chrono::DateTime<chrono::Utc>) {
        self.chain_links.set(number);
        self.chain_through.set(through.timestamp());
    }

    /// Whether the transaction-time clock is behind the chain's newest link.
    pub fn set_clock_set_back(&self, is_set_back: bool) {
        self.clock_set_back.set(i64::from(is_set_back));
    }

    /// How many differences the last nightly verification found.
    pub fn set_verify_differences(&self, differences: u64) {
        self.verify_differences.set(i64::try_from(differences).unwrap_or(i64::MAX));
    }

    /// The state of linking: results that wait and that were dismissed, and the latest by whether they are linked.
    pub fn set_linking(&self, waiting: u64, dismissed: u64, shares: &LinkedShares) {
        let set = |gauge: &IntGaugeVec, label: &str, results: u64| {
            gauge.with_label_values(&[label]).set(i64::try_from(results).unwrap_or(i64::MAX));
        };
        set(&self.unlinked_results, "waiting", waiting);
        set(&self.unlinked_results, "dismissed", dismissed);
        set(&self.recent_results, link_label(true), shares.overall.now.linked);
        set(&self.recent_results, link_label(false), shares.overall.now.waiting);
        self.linked_share_fallen.set(shares.warns().into());
    }

    /// For how long a platform has been silent, and has reported no result, and whether that is too long. Platforms are
    /// a closed set: the operator's.
    pub fn set_silence(&self, platform: &str, alarm: &SilenceAlarm, results: &SilenceAlarm) {
        let gauges = [
            (&self.platform_silence, &self.platform_silent, alarm),
            (&self.platform_result_silence, &self.platform_results_silent, results),
        ];
        for (seconds, rings, alarm) in gauges {
            seconds.with_label_values(&[platform]).set(alarm.silence.num_seconds());
            rings.with_label_values(&[platform]).set(alarm.rings().into());
        }
    }

    /// A pull from a platform ended, with success or not, and brought so much.
    pub fn pulled(&self, platform: &str, came_to_its_end: bool, brought: Brought) {
        let outcome = if came_to_its_end { "succeeded" } else { "failed" };
        self.pulls.with_label_values(&[platform, outcome]).inc();
        self.pulled_results.with_label_values(&[platform]).inc_by(brought.found);
    }

    /// The platforms that are pulled from, and whether that is late; the others are no longer shown.
    pub fn set_pulls_late<'a>(&self, late: impl Iterator<Item = (&'a str, bool)>) {
        self.pull_late.reset();
        for (platform, is_late) in late {
            self.pull_late.with_label_values(&[platform]).set(is_late.into());
        }
    }

    /// A request was answered. `route` is the pattern that matched, never the requested path.
    pub fn request_answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.http_requests.with_label_values(&[route, method, &status.to_string()]).inc();
        self.http_duration.with_label_values(&[route, method]).observe(took.as_secs_f64());
    }

    /// All figures in Prometheus' text format 0.0.4.
    ///
    /// # Errors
    /// A figure cannot be written down, which is a fault of this file.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

const fn link_label(linked: bool) -> &'static str {
    if linked { "linked" } else { "unlinked" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(metrics: &Metrics, part: &str) -> Vec<String> {
        let text = metrics.render().expect("text");
        text.lines().filter(|line| !line.starts_with('#') && line.contains(part)).map(str::to_owned).collect()
    }

    #[test]
    fn every_outcome_and_link_is_there_from_the_start_at_zero() {
        let metrics = Metrics::new().expect("metrics");
        assert_eq!(
            samples(&metrics, "_total"),
            [
                r#"kurskoll_deliveries_total{outcome="accepted"} 0"#,
                r#"kurskoll_deliveries_total{outcome="conflict"} 0"#,
                r#"kurskoll_deliveries_total{outcome="duplicate"} 0"#,
                r#"kurskoll_deliveries_total{outcome="ignored"} 0"#,
                r#"kurskoll_deliveries_total{outcome="quarantined"} 0"#,
                r#"kurskoll_deliveries_total{outcome="refused"} 0"#,
                r#"kurskoll_deliveries_total{outcome="unauthenticated"} 0"#,
                r#"kurskoll_events_total{link="linked"} 0"#,
                r#"kurskoll_events_total{link="unlinked"} 0"#,
            ]
        );
    }

    #[test]
    fn what_happens_is_counted_once_where_it_belongs() {
        let metrics = Metrics::new().expect("metrics");
        metrics.delivery_answered(DeliveryOutcome::Accepted, Duration::from_millis(3));
        metrics.delivery_answered(DeliveryOutcome::Quarantined, Duration::from_secs(6));
        metrics.batch_committed(5);
        metrics.set_queue_depth(7);
        metrics.set_queue_depth(2);
        metrics.event_understood(false);
        metrics.set_stale_employees(11);
        metrics.request_answered("/api/v1/platforms/<code>", "GET", 404, Duration::from_millis(1));
        let text = metrics.render().expect("text");
        for line in [
            r#"kurskoll_deliveries_total{outcome="accepted"} 1"#,
            r#"kurskoll_deliveries_total{outcome="quarantined"} 1"#,
            r#"kurskoll_delivery_duration_seconds_bucket{le="0.0025"} 0"#,
            r#"kurskoll_delivery_duration_seconds_bucket{le="0.005"} 1"#,
            r#"kurskoll_delivery_duration_seconds_bucket{le="5"} 1"#,
            r#"kurskoll_delivery_duration_seconds_bucket{le="+Inf"} 2"#,
            r#"kurskoll_commit_batch_deliveries_bucket{le="4"} 0"#,
            r#"kurskoll_commit_batch_deliveries_bucket{le="8"} 1"#,
            "kurskoll_intake_queue_deliveries 2",
            r#"kurskoll_events_total{link="unlinked"} 1"#,
            "kurskoll_stale_employees 11",
            r#"kurskoll_http_requests_total{method="GET",route="/api/v1/platforms/<code>",status="404"} 1"#,
            r#"kurskoll_http_request_duration_seconds_count{method="GET",route="/api/v1/platforms/<code>"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn every_figure_says_what_it_is() {
        let text = Metrics::new().expect("metrics").render().expect("text");
        for sample in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(sample.starts_with("kurskoll_"), "{sample}");
        }
        let reported = |kind: &str| text.lines().filter(|line| line.starts_with(kind)).count();
        assert_eq!(reported("# HELP"), reported("# TYPE"));
    }
}
