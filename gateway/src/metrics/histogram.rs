//! A histogram for the request path. Each worker thread adds to a shard of its own, so that no cache line travels
//! between cores; a scrape sums the shards. The crate's own histogram costs several contended additions per
//! observation, or is up to date only after a flush.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto;

/// Upper bounds in nanoseconds.
pub(super) type Bounds = &'static [u64];

/// A histogram of durations. Cloning shares the counts.
#[derive(Clone)]
pub(crate) struct Histogram(Arc<Inner>);

struct Inner {
    bounds: Bounds,
    shards: [Shard; SHARDS],
}

/// Two cache lines are fetched together on common processors, hence 128.
#[derive(Default)]
#[repr(align(128))]
struct Shard {
    /// One count per bound, and a last one for what lies beyond them all.
    counts: [AtomicU64; MAX_BOUNDS + 1],
    nanoseconds: AtomicU64,
}

/// Histograms of one name, told apart by at most one label.
pub(super) struct Family {
    desc: Desc,
    label: Option<&'static str>,
    members: Vec<(&'static str, Histogram)>,
}

impl Histogram {
    /// An empty histogram; at most [`MAX_BOUNDS`] bounds are used.
    pub(super) fn new(bounds: Bounds) -> Self {
        let bounds = bounds.get(..MAX_BOUNDS).unwrap_or(bounds);
        Self(Arc::new(Inner {
            bounds,
            shards: Default::default(),
        }))
    }

    /// Counts one duration.
    pub(crate) fn observe(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bounds = self.0.bounds;
        let bucket = bounds
            .iter()
            .position(|bound| nanoseconds <= *bound)
            .unwrap_or(bounds.len());
        let shard = &self.0.shards[SHARD.with(|shard| *shard)];
        shard.counts[bucket].fetch_add(1, Ordering::Relaxed);
        shard.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Upper bounds in microseconds, infinity last, each with how many were at most that long.
    pub(crate) fn cumulative(&self) -> Vec<(f64, u64)> {
        let sample = self.sample();
        let bounds = sample.get_bucket().iter();
        let bounds = bounds.map(|bucket| (bucket.upper_bound() * 1e6, bucket.cumulative_count()));
        let all = (f64::INFINITY, sample.get_sample_count());
        bounds.chain([all]).collect()
    }

    fn sample(&self) -> proto::Histogram {
        let sum = |read: &dyn Fn(&Shard) -> &AtomicU64| -> u64 {
            self.0.shards.iter().fold(0u64, |total, shard| {
                total.wrapping_add(read(shard).load(Ordering::Relaxed))
            })
        };
        let mut total = 0u64;
        let mut buckets = Vec::with_capacity(self.0.bounds.len());
        for (i, bound) in self.0.bounds.iter().enumerate() {
            total += sum(&|shard| &shard.counts[i]);
            let mut bucket = proto::Bucket::default();
            bucket.set_cumulative_count(total);
            bucket.set_upper_bound(seconds(*bound));
            buckets.push(bucket);
        }
        total += sum(&|shard| &shard.counts[self.0.bounds.len()]);
        let mut sample = proto::Histogram::default();
        sample.set_bucket(buckets);
        sample.set_sample_count(total);
        sample.set_sample_sum(seconds(sum(&|shard| &shard.nanoseconds)));
        sample
    }
}

impl Family {
    /// Describes the family; `label` is `None` for a single histogram.
    pub(super) fn new(
        name: &str,
        help: &str,
        label: Option<&'static str>,
        members: Vec<(&'static str, Histogram)>,
    ) -> prometheus::Result<Self> {
        let labels = label.iter().map(ToString::to_string).collect();
        let desc = Desc::new(name.into(), help.into(), labels, Default::default())?;
        Ok(Self {
            desc,
            label,
            members,
        })
    }
}

impl Collector for Family {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let metrics = self.members.iter().map(|(value, histogram)| {
            let labels = self.label.map(|name| {
                let mut pair = proto::LabelPair::default();
                pair.set_name(name.into());
                pair.set_value((*value).into());
                pair
            });
            let mut metric = proto::Metric::from_label(labels.into_iter().collect());
            metric.set_histogram(histogram.sample());
            metric
        });
        let mut family = proto::MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(proto::MetricType::HISTOGRAM);
        family.set_metric(metrics.collect());
        vec![family]
    }
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// More workers than this share shards, which costs time and loses nothing.
const SHARDS: usize = 16;

const MAX_BOUNDS: usize = 20;

/// For whole exchanges: 100 µs to 30 s.
pub(super) const EXCHANGE: Bounds = &[
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
];

/// For stages of inspection: 1 µs to 50 ms.
pub(super) const STAGE: Bounds = &[
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 50_000_000,
];

static NEXT_SHARD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: usize = NEXT_SHARD.fetch_add(1, Ordering::Relaxed) % SHARDS;
}
