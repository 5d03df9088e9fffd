//! What nodes tell each other. Each node decides alone, from its own counters; what several of them must know
//! together (failed logins, users tried, risk) leaves as [`Delta`]s in batches and comes in the same way. Bans travel
//! by themselves, see [`super::Bans`].

use serde::{Deserialize, Serialize};

use crate::behaviour::subject::SubjectId;

/// What happened to one subject on one node since the last batch. Adding it twice counts it twice: the carrier must
/// deliver each at most once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// Whose.
    pub subject: SubjectId,
    /// Requests.
    pub requests: u32,
    /// Failed logins.
    pub failures: u32,
    /// Logins that worked.
    pub successes: u32,
    /// Distinct users tried: a set of hashes of 64 bits ("linear counting"); sets of nodes are joined by `or`, which
    /// takes the same [`super::Hashing`] on all of them.
    pub users: u64,
    /// Distinct addresses that tried, the same way.
    pub addresses: u64,
    /// The highest risk, 0 to 100.
    pub risk: u8,
}
