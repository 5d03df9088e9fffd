//! What the admin API does itself, and what it reads of the other counters.

use portcullis_admin::Counted;
use portcullis_admin::info::Health;
use portcullis_admin::live::Pulse;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::{CLASSES, Metrics, Name, Stage, counter, gauge, known_counters};
use crate::admin::serve::Kind;

/// Counters of the admin API.
pub(crate) struct AdminMetrics {
    answers: IntCounterVec,
    stalled: IntCounterVec,
    watchers: IntGauge,
    dropped: IntCounter,
    missed: IntCounter,
}

impl AdminMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let classes = CLASSES.iter().skip(1).copied();
        Ok(Self {
            answers: known_counters(registry, Name::AdminAnswers, "class", classes)?,
            stalled: known_counters(registry, Name::AdminStalled, "sent", ["answer", "export"])?,
            watchers: gauge(registry, Name::LiveClients)?,
            dropped: counter(registry, Name::LiveDropped)?,
            missed: counter(registry, Name::LiveMissed)?,
        })
    }

    /// Counts what the API did.
    pub(crate) fn count(&self, what: Counted) {
        match what {
            Counted::Answered(status) => {
                let class = CLASSES.get(usize::from(status / 100)).unwrap_or(&"5xx");
                self.answers.with_label_values(&[class]).inc();
            }
            Counted::Watchers(now) => self.watchers.set(i64::try_from(now).unwrap_or(i64::MAX)),
            Counted::Dropped => self.dropped.inc(),
            Counted::Missed(count) => self.missed.inc_by(count),
        }
    }
}

impl AdminMetrics {
    /// Counts a client that was given up because it did not read.
    pub(crate) fn gave_up(&self, sent: Kind) {
        let sent = match sent {
            Kind::Answer => "answer",
            Kind::Export => "export",
            Kind::Live => return self.dropped.inc(),
        };
        self.stalled.with_label_values(&[sent]).inc();
    }
}

impl Metrics {
    /// The counters that the live feed tells.
    pub(crate) fn pulse(&self) -> Pulse {
        self.process.refresh();
        let actions = ["allow", "tag", "throttle", "deny"];
        let requests = self.requests.collect();
        let responses = self.responses.collect();
        Pulse {
            at: std::time::Instant::now(),
            actions: actions.map(|action| sum(&requests, "action", action)),
            classes: CLASSES.map(|class| sum(&responses, "class", class)),
            inspection: self.inspection_duration[Stage::Inspect as usize].cumulative(),
            exchange: self.request_duration.cumulative(),
            connections: whole(&self.connections),
            bans: 0,
            resident_bytes: self.process.resident(),
            cpu_seconds: self.process.cpu(),
            records_dropped: self.records_dropped.get(),
        }
    }

    /// The counters that tell how the process is.
    pub(crate) fn health(&self) -> Health {
        self.process.refresh();
        let (open_descriptors, most_descriptors) = self.process.descriptors();
        let mut health = Health {
            records_dropped: self.records_dropped.get(),
            engine_failures: self.engine_failures.get(),
            connections: whole(&self.connections),
            resident_bytes: self.process.resident(),
            cpu_seconds: self.process.cpu(),
            open_descriptors,
            most_descriptors,
            ..Health::default()
        };
        let lines = (health.records_dropped > 0).then_some(("lines", health.records_dropped));
        let lost = lines.into_iter().chain(self.store.lost());
        health.records_lost = lost.map(|(place, lost)| (place.to_owned(), lost)).collect();
        for family in self.upstream_errors.collect() {
            for metric in family.get_metric() {
                let upstream = label(metric, "upstream").to_owned();
                let reason = label(metric, "reason").to_owned();
                let count = metric.get_counter().get_value() as u64;
                let errors = health.upstream_errors.entry(upstream).or_default();
                errors.insert(reason, count);
            }
        }
        health
    }
}

/// The sum of all series in which a label has this value.
fn sum(families: &[MetricFamily], name: &str, value: &str) -> u64 {
    let metrics = families.iter().flat_map(MetricFamily::get_metric);
    let wanted = metrics.filter(|metric| label(metric, name) == value);
    wanted
        .map(|metric| metric.get_counter().get_value() as u64)
        .sum()
}

fn label<'a>(metric: &'a prometheus::proto::Metric, name: &str) -> &'a str {
    let mut pairs = metric.get_label().iter();
    pairs
        .find(|pair| pair.name() == name)
        .map_or("", |pair| pair.value())
}

fn whole(gauge: &IntGauge) -> u64 {
    u64::try_from(gauge.get()).unwrap_or_default()
}
