//! What happens at the door of the admin plane: log-ins, refusals, and what the audit trail lost. `portcullis-admin`
//! counts; the counts are carried over when somebody reads the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_admin::access::Counts;
use prometheus::{IntCounter, IntCounterVec, Registry};

use super::{Name, counter, known_counters};

/// Counters of access.
pub(crate) struct AccessMetrics {
    log_ins: IntCounterVec,
    refused: IntCounterVec,
    audit_lost: IntCounter,
}

impl AccessMetrics {
    pub(super) fn new(r: &Registry) -> prometheus::Result<Self> {
        let outcomes = ["succeeded", "failed", "throttled"];
        let reasons = ["unauthorized", "forbidden"];
        Ok(Self {
            log_ins: known_counters(r, Name::AdminLogIns, "outcome", outcomes)?,
            refused: known_counters(r, Name::AdminRefused, "reason", reasons)?,
            audit_lost: counter(r, Name::AdminAuditLost)?,
        })
    }

    /// Carries over what has been counted since the last time.
    pub(crate) fn refresh(&self, counts: &Counts) {
        for (outcome, count) in [
            ("succeeded", &counts.log_ins),
            ("failed", &counts.failed_log_ins),
            ("throttled", &counts.throttled_log_ins),
        ] {
            carry(&self.log_ins.with_label_values(&[outcome]), count);
        }
        for (reason, count) in [
            ("unauthorized", &counts.unauthorized),
            ("forbidden", &counts.forbidden),
        ] {
            carry(&self.refused.with_label_values(&[reason]), count);
        }
        carry(&self.audit_lost, &counts.audit_lost);
    }
}

fn carry(counter: &IntCounter, count: &AtomicU64) {
    counter.inc_by(count.load(Ordering::Relaxed).saturating_sub(counter.get()));
}
