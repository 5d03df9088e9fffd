//! What the store does: what it took, what it lost and why. The store counts for itself; its thread carries the counts
//! over a few times a second.

use portcullis_store::Tally;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::{Name, counter, gauge, known_counters};

/// Handles of the store's metrics.
pub(crate) struct StoreMetrics {
    up: IntGauge,
    records: IntCounterVec,
    lost: IntCounterVec,
    spooled: IntCounter,
    spool_bytes: IntGauge,
    bytes: IntGauge,
    failures: IntCounter,
    missed: IntCounter,
    sink_records: IntCounterVec,
    sink_failures: IntCounter,
}

const RECORDS: [&str; 3] = ["written", "known", "retired"];
const LOST: [&str; 5] = ["queue", "spool", "disk", "torn", "refused"];
const SINK: [&str; 2] = ["sent", "lost"];

impl StoreMetrics {
    pub(super) fn new(r: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            up: gauge(r, Name::StoreUp)?,
            records: known_counters(r, Name::StoreRecords, "outcome", RECORDS)?,
            lost: known_counters(r, Name::StoreLost, "reason", LOST)?,
            spooled: counter(r, Name::StoreSpooled)?,
            spool_bytes: gauge(r, Name::StoreSpoolBytes)?,
            bytes: gauge(r, Name::StoreBytes)?,
            failures: counter(r, Name::StoreFailures)?,
            missed: counter(r, Name::StoreMissed)?,
            sink_records: known_counters(r, Name::StoreSinkRecords, "outcome", SINK)?,
            sink_failures: counter(r, Name::StoreSinkFailures)?,
        })
    }

    /// Records lost to the store, by reason; those without a loss are left out.
    pub(crate) fn lost(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let of = |reason| (reason, self.lost.with_label_values(&[reason]).get());
        LOST.into_iter().map(of).filter(|(_, lost)| *lost > 0)
    }

    /// Takes over what the store counted.
    pub(crate) fn refresh(&self, tally: &Tally) {
        let labelled = |counters: &IntCounterVec, names: &[&str], totals: &[u64]| {
            for (name, total) in names.iter().zip(totals) {
                raise(&counters.with_label_values(&[*name]), *total);
            }
        };
        let known = [tally.written.now(), tally.known.now(), tally.retired.now()];
        labelled(&self.records, &RECORDS, &known);
        let lost = [
            tally.lost_queue.now(),
            tally.lost_spool.now(),
            tally.lost_disk.now(),
            tally.lost_torn.now(),
            tally.lost_refused.now(),
        ];
        labelled(&self.lost, &LOST, &lost);
        labelled(
            &self.sink_records,
            &SINK,
            &[tally.sink_sent.now(), tally.sink_lost.now()],
        );
        raise(&self.spooled, tally.spooled.now());
        raise(&self.failures, tally.failures.now());
        raise(&self.missed, tally.missed.now());
        raise(&self.sink_failures, tally.sink_failures.now());
        for (gauge, now) in [
            (&self.up, &tally.up),
            (&self.spool_bytes, &tally.spool_bytes),
            (&self.bytes, &tally.bytes),
        ] {
            gauge.set(i64::try_from(now.now()).unwrap_or(i64::MAX));
        }
    }
}

/// Brings a counter up to a total that never falls.
fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}
