//! What gateways share: whether the server answers, how much goes to and fro, and what was lost.

use std::time::Duration;

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Registry};

use super::{Name, gauge, known_counters, register};

/// Handles of the metrics of sharing.
pub(crate) struct ShareMetrics {
    up: IntGauge,
    /// Batches sent.
    pub sent: IntCounter,
    /// Batches of others that were taken in.
    pub received: IntCounter,
    dropped: IntCounterVec,
    lag: Gauge,
}

/// Why something was not shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Keys of limits whose requests were let through while the server was away.
    Outage,
    /// Things whose batch left but was not acknowledged; they are not sent twice, since they would count twice.
    Unsent,
    /// Batches that came so late that charging for them would punish the wrong.
    Stale,
    /// Batches and bans that were not made with the secret, came twice, or cannot be read.
    Unsigned,
}

impl Loss {
    const ALL: [Self; 4] = [Self::Outage, Self::Unsent, Self::Stale, Self::Unsigned];

    const fn reason(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Unsent => "unsent",
            Self::Stale => "stale",
            Self::Unsigned => "unsigned",
        }
    }
}

impl ShareMetrics {
    pub(super) fn new(r: &Registry) -> prometheus::Result<Self> {
        let batches = known_counters(r, Name::ShareBatches, "direction", ["sent", "received"])?;
        let lag = Gauge::new(Name::ShareLag.text(), Name::ShareLag.help())?;
        Ok(Self {
            up: gauge(r, Name::ShareUp)?,
            sent: batches.with_label_values(&["sent"]),
            received: batches.with_label_values(&["received"]),
            dropped: known_counters(r, Name::ShareDropped, "reason", Loss::ALL.map(Loss::reason))?,
            lag: register(r, lag)?,
        })
    }

    /// Whether the server answers.
    pub(crate) fn up(&self, up: bool) {
        self.up.set(i64::from(up));
    }

    /// How long the last exchange is ago.
    pub(crate) fn lag(&self, lag: Duration) {
        self.lag.set(lag.as_secs_f64());
    }

    /// Counts what was lost.
    pub(crate) fn lost(&self, why: Loss, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.dropped
            .with_label_values(&[why.reason()])
            .inc_by(count);
    }
}
