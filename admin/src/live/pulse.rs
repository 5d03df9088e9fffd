//! The counters of the process, and what two readings of them say of the time between.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::{now_ms, rfc3339};

/// The counters at one moment.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// When they were read.
    pub at: Instant,
    /// Requests by what was done: allow, tag, throttle, deny.
    pub actions: [u64; 4],
    /// Answers by class of status: aborted, 1xx to 5xx.
    pub classes: [u64; 6],
    /// Times of inspection: upper bounds in microseconds, and how many were at most that long.
    pub inspection: Vec<(f64, u64)>,
    /// The same of whole exchanges.
    pub exchange: Vec<(f64, u64)>,
    /// Client connections open now.
    pub connections: u64,
    /// Bans that hold now.
    pub bans: u64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Processor time spent, in seconds.
    pub cpu_seconds: f64,
    /// Records lost.
    pub records_dropped: u64,
}

/// What the second before has brought. Counts are totals since the start, as in `/metrics`; rates are of the second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// When it was told.
    #[schema(format = "date-time")]
    pub time: String,
    /// Requests since the start.
    pub requests: u64,
    /// Requests by what was done, since the start.
    pub actions: Actions,
    /// Requests a second.
    pub requests_per_second: f64,
    /// Requests a second that were throttled or denied.
    pub stopped_per_second: f64,
    /// Answers a second with a status from 500 on.
    pub errors_per_second: f64,
    /// The middle time of inspection, in microseconds; absent without requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub inspection_p50_us: Option<f64>,
    /// The time that 99 of 100 inspections stay below.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub inspection_p99_us: Option<f64>,
    /// The middle time of a whole exchange, the upstream's included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exchange_p50_us: Option<f64>,
    /// The time that 99 of 100 exchanges stay below.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exchange_p99_us: Option<f64>,
    /// Client connections open now.
    pub connections: u64,
    /// Bans that hold now.
    pub bans: u64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Processor time, in percent of one core.
    pub cpu_percent: f64,
    /// Records lost since the start.
    pub records_dropped: u64,
    /// Clients that watch live.
    pub watchers: usize,
}

/// Requests by what was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Actions {
    /// Passed.
    pub allow: u64,
    /// Passed with the score in a header.
    pub tag: u64,
    /// Delayed or answered 429.
    pub throttle: u64,
    /// Answered 403.
    pub deny: u64,
}

impl Stats {
    /// What happened between two readings.
    pub fn between(before: &Pulse, now: &Pulse, watchers: usize) -> Self {
        let seconds = now
            .at
            .saturating_duration_since(before.at)
            .as_secs_f64()
            .max(0.001);
        let rate = |now: u64, before: u64| round(now.saturating_sub(before) as f64 / seconds);
        let stopped = |pulse: &Pulse| pulse.actions[2] + pulse.actions[3];
        let [allow, tag, throttle, deny] = now.actions;
        let total = |pulse: &Pulse| pulse.actions.iter().sum::<u64>();
        Self {
            time: rfc3339(now_ms()),
            requests: total(now),
            actions: Actions {
                allow,
                tag,
                throttle,
                deny,
            },
            requests_per_second: rate(total(now), total(before)),
            stopped_per_second: rate(stopped(now), stopped(before)),
            errors_per_second: rate(now.classes[5], before.classes[5]),
            inspection_p50_us: quantile(&before.inspection, &now.inspection, 0.5),
            inspection_p99_us: quantile(&before.inspection, &now.inspection, 0.99),
            exchange_p50_us: quantile(&before.exchange, &now.exchange, 0.5),
            exchange_p99_us: quantile(&before.exchange, &now.exchange, 0.99),
            connections: now.connections,
            bans: now.bans,
            resident_bytes: now.resident_bytes,
            cpu_percent: round((now.cpu_seconds - before.cpu_seconds).max(0.0) / seconds * 100.0),
            records_dropped: now.records_dropped,
            watchers,
        }
    }
}

/// The quantile of what came between two readings of a histogram, straight between the bounds of its bucket; the last
/// bound where it lies beyond all.
fn quantile(before: &[(f64, u64)], now: &[(f64, u64)], share: f64) -> Option<f64> {
    let count = |index: usize| {
        let old = before.get(index).map_or(0, |(_, count)| *count);
        now.get(index)
            .map_or(0, |(_, count)| *count)
            .saturating_sub(old)
    };
    let total = count(now.len().checked_sub(1)?);
    if total == 0 {
        return None;
    }
    let rank = share * total as f64;
    let (mut low, mut below) = (0.0, 0);
    for (index, (bound, _)) in now.iter().enumerate() {
        let reached = count(index);
        if reached as f64 >= rank {
            if bound.is_infinite() {
                return Some(round(low));
            }
            let inside = (reached - below).max(1) as f64;
            return Some(round(low + (bound - low) * (rank - below as f64) / inside));
        }
        (low, below) = (*bound, reached);
    }
    Some(round(low))
}

/// To a tenth.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_within_their_bucket() {
        let none = [(10.0, 0), (20.0, 0), (f64::INFINITY, 0)];
        let now = [(10.0, 50), (20.0, 100), (f64::INFINITY, 100)];
        assert_eq!(quantile(&none, &none, 0.5), None);
        assert_eq!(quantile(&none, &now, 0.5), Some(10.0));
        assert_eq!(quantile(&none, &now, 0.75), Some(15.0));
        let later = [(10.0, 50), (20.0, 100), (f64::INFINITY, 110)];
        assert_eq!(quantile(&now, &later, 0.5), Some(20.0), "beyond all bounds");
        assert_eq!(quantile(&[], &[], 0.5), None);
    }

    #[test]
    fn rates_are_of_the_time_between() {
        let at = Instant::now();
        let before = Pulse {
            at,
            actions: [10, 0, 0, 0],
            classes: [0; 6],
            inspection: Vec::new(),
            exchange: Vec::new(),
            connections: 1,
            bans: 0,
            resident_bytes: 1,
            cpu_seconds: 1.0,
            records_dropped: 0,
        };
        let now = Pulse {
            at: at + std::time::Duration::from_secs(2),
            actions: [20, 0, 4, 6],
            classes: [0, 0, 0, 0, 0, 3],
            cpu_seconds: 1.5,
            ..before.clone()
        };
        let stats = Stats::between(&before, &now, 3);
        assert_eq!((stats.requests, stats.actions.deny), (30, 6));
        assert_eq!(stats.requests_per_second, 10.0);
        assert_eq!(stats.stopped_per_second, 5.0);
        assert_eq!(stats.errors_per_second, 1.5);
        assert_eq!(stats.cpu_percent, 25.0);
        assert_eq!(stats.inspection_p50_us, None);
    }
}
