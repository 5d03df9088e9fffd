//! What the store counts of itself, read by whoever exports metrics.

pub use crate::intake::Count;

/// Counts since the start, and how it stands now.
#[derive(Debug, Default)]
pub struct Tally {
    /// Records that were written.
    pub written: Count,
    /// Records that came again and were there already.
    pub known: Count,
    /// Records lost because too many waited for the writer.
    pub lost_queue: Count,
    /// Records lost because the spool was full, or there is none.
    pub lost_spool: Count,
    /// Records lost because the disk refused to take them.
    pub lost_disk: Count,
    /// Lines lost because they are no records: torn by a crash.
    pub lost_torn: Count,
    /// Records that the database refused for what is in them.
    pub lost_refused: Count,
    /// Records that went to the spool.
    pub spooled: Count,
    /// Bytes in the spool now.
    pub spool_bytes: Count,
    /// Attempts to write that failed.
    pub failures: Count,
    /// Records that retention removed.
    pub retired: Count,
    /// Batches that a watcher of the feed missed.
    pub missed: Count,
    /// Bytes that the records take, as of the last look.
    pub bytes: Count,
    /// 1 while the database answers.
    pub up: Count,
    /// Records lost on their way to Elasticsearch.
    pub sink_lost: Count,
    /// Records that Elasticsearch took.
    pub sink_sent: Count,
    /// Requests to Elasticsearch that failed.
    pub sink_failures: Count,
}
