//! What the behaviour stage remembers and does. The stage counts for itself; the keeper of its memory carries the
//! counts over once a second, so that no request pays for them.

use std::time::Duration;

use portcullis_detect::behaviour::{BanCounts, Counts, Kind};
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::{Histogram, Name, counter, gauge, histogram, histograms, known_counters, known_gauges};

/// Handles of the behaviour stage's metrics.
pub(crate) struct BehaviourMetrics {
    remembered: IntGaugeVec,
    forgotten: IntCounterVec,
    bytes: IntGauge,
    bans: IntGauge,
    ban_changes: IntCounterVec,
    ban_refusals: IntCounter,
    findings: IntCounterVec,
    outlier_duration: Histogram,
    outlier_sample: IntGauge,
    outliers: IntGauge,
}

const REMEMBERED: [&str; 3] = ["subject", "profile", "template"];
const FORGOTTEN: [&str; 4] = ["subject", "subject-quiet", "profile", "template"];
const CHANGES: [&str; 4] = ["added", "removed", "expired", "evicted"];

impl BehaviourMetrics {
    pub(super) fn new(r: &Registry) -> prometheus::Result<Self> {
        let findings = known_counters(
            r,
            Name::BehaviourFindings,
            "detector",
            Kind::ALL.iter().map(|kind| kind.as_str()),
        )?;
        let outlier_duration = Histogram::new(histogram::EXCHANGE);
        histograms(
            r,
            Name::OutlierDuration,
            None,
            vec![("", outlier_duration.clone())],
        )?;
        Ok(Self {
            remembered: known_gauges(r, Name::BehaviourRemembered, "what", REMEMBERED)?,
            forgotten: known_counters(r, Name::BehaviourForgotten, "what", FORGOTTEN)?,
            bytes: gauge(r, Name::BehaviourBytes)?,
            bans: gauge(r, Name::Bans)?,
            ban_changes: known_counters(r, Name::BanChanges, "change", CHANGES)?,
            ban_refusals: counter(r, Name::BanRefusals)?,
            findings,
            outlier_duration,
            outlier_sample: gauge(r, Name::OutlierSample)?,
            outliers: gauge(r, Name::Outliers)?,
        })
    }

    /// Counts what a detector found in a request.
    pub(crate) fn found(&self, kind: Kind) {
        self.findings.with_label_values(&[kind.as_str()]).inc();
    }

    /// Takes over what a measurement of outliers found, and how long it took.
    pub(crate) fn measured(&self, sample: usize, outliers: usize, took: Duration) {
        self.outlier_duration.observe(took);
        self.outlier_sample.set(whole(sample));
        self.outliers.set(whole(outliers));
    }

    /// Takes over how much is remembered, and what was forgotten since the start.
    pub(crate) fn memory(&self, counts: &Counts) {
        for (what, count) in
            REMEMBERED
                .iter()
                .zip([counts.subjects, counts.profiles, counts.templates])
        {
            self.remembered.with_label_values(&[what]).set(whole(count));
        }
        for (what, total) in FORGOTTEN.iter().zip([
            counts.subjects_evicted,
            counts.subjects_expired,
            counts.profiles_evicted,
            counts.templates_evicted,
        ]) {
            catch_up(&self.forgotten.with_label_values(&[what]), total);
        }
        self.bytes.set(whole(counts.bytes));
    }

    /// Takes over what became of bans; `holding` hold now.
    pub(crate) fn bans(&self, counts: &BanCounts, holding: usize) {
        self.bans.set(whole(holding));
        for (change, total) in
            CHANGES
                .iter()
                .zip([counts.added, counts.removed, counts.expired, counts.evicted])
        {
            catch_up(&self.ban_changes.with_label_values(&[change]), total);
        }
        catch_up(&self.ban_refusals, counts.refusals);
    }
}

/// Brings a counter to `total`. A total that went back, because the memory was replaced, adds nothing.
fn catch_up(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
