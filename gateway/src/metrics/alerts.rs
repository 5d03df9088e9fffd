//! What alerts do: incidents opened, people told, and what got lost on the way.

use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_admin::alerts::Counts;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::{Name, counter, gauge, known_counters};

/// Handles of the alerts' metrics.
pub(crate) struct AlertMetrics {
    opened: IntCounter,
    lost: IntCounter,
    deliveries: IntCounterVec,
    groups: IntGauge,
}

const DELIVERIES: [&str; 3] = ["delivered", "failed", "dead"];

impl AlertMetrics {
    pub(super) fn new(r: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            opened: counter(r, Name::AlertsOpened)?,
            lost: counter(r, Name::AlertsLost)?,
            deliveries: known_counters(r, Name::AlertDeliveries, "outcome", DELIVERIES)?,
            groups: gauge(r, Name::AlertGroups)?,
        })
    }

    /// Takes over what was counted.
    pub(crate) fn refresh(&self, counts: &Counts) {
        let raise = |counter: &IntCounter, total: &AtomicU64| {
            let total = total.load(Ordering::Relaxed);
            counter.inc_by(total.saturating_sub(counter.get()));
        };
        raise(&self.opened, &counts.opened);
        raise(&self.lost, &counts.lost);
        let totals = [&counts.delivered, &counts.failed, &counts.dead];
        for (outcome, total) in DELIVERIES.iter().zip(totals) {
            raise(&self.deliveries.with_label_values(&[*outcome]), total);
        }
        let groups = counts.groups.load(Ordering::Relaxed);
        self.groups.set(i64::try_from(groups).unwrap_or(i64::MAX));
    }
}
