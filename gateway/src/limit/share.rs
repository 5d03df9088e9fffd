//! Limits that several gateways hold together: what this one let through, and what the others did. How it travels is
//! the matter of [`crate::share`].

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use governor::clock::Clock as _;
use portcullis_detect::behaviour::Hashing;

use super::{LimitKey, Limiter, Limits, Place};

/// Requests of one key that one limit let through: the limit, the key, how many.
pub(crate) type Passed = (u64, u64, u32);

/// A bucket may owe as many requests as its burst, and at least these: so many gateways may each let one through at
/// the same moment before one of them must be forgiven.
const LEAST_DEBT: u64 = 64;

impl Limits {
    /// Limits whose keys hash alike on every gateway with this secret, and that note what they let through.
    #[must_use]
    pub(crate) fn shared(mut self, hashing: Hashing) -> Self {
        self.hashing = hashing;
        self.shared = true;
        self
    }

    /// What was let through here since the last call, at most about `most` keys.
    pub(crate) fn passed(&self, most: usize) -> Vec<Passed> {
        let mut all = Vec::new();
        for limiter in self.live() {
            let left = most.saturating_sub(all.len());
            let passed = limiter.table.passed(left);
            all.extend(
                passed
                    .into_iter()
                    .map(|(key, count)| (limiter.id, key, count)),
            );
        }
        all
    }

    /// Charges what was let through elsewhere. What belongs to limits that this gateway does not have is passed over.
    pub(crate) fn charge(&self, passed: &[Passed]) {
        let live: HashMap<u64, Arc<Limiter>> = self
            .live()
            .into_iter()
            .map(|limiter| (limiter.id, limiter))
            .collect();
        for (id, key, count) in passed {
            if let Some(limiter) = live.get(id) {
                let now = self.clock.now().saturating_sub(limiter.started).as_u64();
                let burst = u64::from(limiter.burst);
                let most = burst.saturating_add(burst.max(LEAST_DEBT));
                limiter.table.charge(*key, *count, now, most);
            }
        }
    }

    fn live(&self) -> Vec<Arc<Limiter>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .values()
            .filter_map(std::sync::Weak::upgrade)
            .collect()
    }
}

impl Place {
    /// A number for the place that every gateway with the secret finds.
    pub(super) fn id(&self, hashing: &Hashing) -> u64 {
        let (kind, name) = match &self.key {
            LimitKey::Client => ("client", ""),
            LimitKey::Header(name) => ("header", name.as_str()),
            LimitKey::Route => ("route", ""),
        };
        let text = format!("{}\0{kind}\0{name}\0{}", self.policy, self.ordinal);
        hashing.name("limiter", text.as_bytes()).value()
    }
}
