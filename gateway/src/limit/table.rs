//! The state of a rate limit in a fixed amount of memory, whatever number of keys is thrown at it. A key can live in
//! eight slots; where all are taken, the one whose bucket is nearest to full again makes room. Who is being held
//! back has the emptiest bucket and is therefore forgotten last: spraying keys does not wash a limit away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::nanos::Nanos;
use governor::state::StateStore;
use prometheus::{IntCounter, IntGauge};

use super::ledger::Ledger;

/// Slots of a limit whose keys come from outside: 65,536 slots of 16 bytes, 1 MiB.
pub(super) const SLOTS: usize = 65_536;

/// Slots of a limit whose keys come from the configuration: 16 KiB.
pub(super) const FEW_SLOTS: usize = 1_024;

/// A set-associative table from the hash of a key to its theoretical arrival time (TAT), the moment at which its
/// bucket will be full again, in nanoseconds since the limiter started.
///
/// Two threads that touch one slot while it changes hands may misjudge one request between them; the table itself
/// stays sound. That is the price of doing without a lock.
pub(super) struct Table {
    sets: Box<[Set]>,
    /// Nanoseconds that one request is worth.
    cell: u64,
    keys: IntGauge,
    evictions: IntCounter,
    /// What was let through since it was last asked; only where limits are shared.
    ledger: Option<Ledger>,
}

/// A table as governor holds it.
#[derive(Clone)]
pub(super) struct SharedTable(pub(super) Arc<Table>);

impl std::ops::Deref for SharedTable {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.0
    }
}

/// Tags in one cache line, times in the next. Tag 0 marks a slot that was never used.
#[derive(Default)]
#[repr(align(128))]
struct Set {
    tags: [AtomicU64; WAYS],
    times: [AtomicU64; WAYS],
}

/// Where a key's state may be kept.
enum Seat<'a> {
    /// The slot was or is now the key's; if another had to leave it, the time that one had.
    Slot {
        /// Its number in the table.
        slot: usize,
        time: &'a AtomicU64,
        evicted: Option<u64>,
    },
    /// Others were quicker every time.
    Standing,
}

impl Table {
    pub(super) fn new(
        slots: usize,
        cell: u64,
        keys: IntGauge,
        evictions: IntCounter,
        shared: bool,
    ) -> Self {
        let sets = (slots / WAYS).max(1).next_power_of_two();
        Self {
            sets: std::iter::repeat_with(Set::default).take(sets).collect(),
            cell,
            keys,
            evictions,
            ledger: shared.then(|| Ledger::new(sets, WAYS)),
        }
    }

    /// What was let through since the last call, at most `most` keys and what shares a set with the last of them:
    /// the key and how many of its requests. Empty where limits are not shared.
    pub(super) fn passed(&self, most: usize) -> Vec<(u64, u32)> {
        let mut all = Vec::new();
        if let (Some(ledger), 1..) = (&self.ledger, most) {
            ledger.drain(|slot, count| {
                let tag = self.sets[slot / WAYS].tags[slot % WAYS].load(Ordering::Relaxed);
                all.push((tag, count));
                all.len() < most
            });
        }
        all
    }

    /// Takes requests that were let through elsewhere from the bucket of a key. The bucket may owe up to `most` cells
    /// afterwards: what several gateways let through at once is made up for by a pause, and no pause is longer than
    /// that. `now` in the table's time.
    pub(super) fn charge(&self, key: u64, count: u32, now: u64, most: u64) {
        let Seat::Slot { time, evicted, .. } = self.seat(key.max(1)) else {
            return;
        };
        let cells = u64::from(count).saturating_mul(self.cell);
        let limit = now.saturating_add(most.saturating_mul(self.cell));
        let charged = |seen: u64| seen.max(now).saturating_add(cells).min(limit).max(seen);
        let _ = time.fetch_update(Ordering::AcqRel, Ordering::Acquire, |seen| {
            Some(charged(seen))
        });
        self.count_eviction(evicted, now.saturating_add(self.cell));
    }

    /// Takes over the state of a table whose cells were of another size, counted in requests. `now` is the time of
    /// the old table; the new one starts at 0. No key ends up with more than `burst` requests used.
    pub(super) fn carry_over(&self, old: &Table, now: u64, burst: u32) {
        for set in &old.sets {
            for (tag, time) in set.tags.iter().zip(&set.times) {
                let (tag, time) = (tag.load(Ordering::Relaxed), time.load(Ordering::Relaxed));
                let used = time.saturating_sub(now);
                if tag == 0 || used == 0 {
                    continue;
                }
                let requests =
                    u128::from(used) * u128::from(self.cell) / u128::from(old.cell.max(1));
                let most = u128::from(burst) * u128::from(self.cell);
                let used = u64::try_from(requests.min(most)).unwrap_or(u64::MAX / 2);
                if let Seat::Slot { time, .. } = self.seat(tag) {
                    time.store(used, Ordering::Relaxed);
                }
            }
        }
    }

    fn set_of(&self, tag: u64) -> usize {
        // The number of sets is a power of two; the tag is a keyed hash, any bits of it will do.
        (tag >> 32) as usize & (self.sets.len() - 1)
    }

    fn seat(&self, tag: u64) -> Seat<'_> {
        let number = self.set_of(tag);
        let set = &self.sets[number];
        for _ in 0..ATTEMPTS {
            let mut best = 0;
            let mut best_rank = u64::MAX;
            for (i, slot) in set.tags.iter().enumerate() {
                let holder = slot.load(Ordering::Acquire);
                if holder == tag {
                    return Seat::Slot {
                        slot: number * WAYS + i,
                        time: &set.times[i],
                        evicted: None,
                    };
                }
                // A slot never used comes before any other, the first of them first.
                let rank = if holder == 0 {
                    0
                } else {
                    set.times[i].load(Ordering::Relaxed).max(1)
                };
                if rank < best_rank {
                    (best, best_rank) = (i, rank);
                }
            }
            if let Some(seat) = self.claim(number, best, tag) {
                return seat;
            }
        }
        Seat::Standing
    }

    /// Makes slot `i` of a set the tag's; `None` when another thread changed it meanwhile.
    fn claim(&self, number: usize, i: usize, tag: u64) -> Option<Seat<'_>> {
        let (set, slot) = (&self.sets[number], number * WAYS + i);
        let holder = set.tags[i].load(Ordering::Acquire);
        let time = set.times[i].load(Ordering::Relaxed);
        if holder == tag {
            return None;
        }
        // The time is cleared first: the newcomer must not inherit what its predecessor had used.
        if time != 0 {
            set.times[i]
                .compare_exchange(time, 0, Ordering::AcqRel, Ordering::Relaxed)
                .ok()?;
        }
        set.tags[i]
            .compare_exchange(holder, tag, Ordering::AcqRel, Ordering::Relaxed)
            .ok()?;
        if holder == 0 {
            self.keys.inc();
        } else if let Some(ledger) = &self.ledger {
            ledger.clear(slot);
        }
        Some(Seat::Slot {
            slot,
            time: &set.times[i],
            evicted: (holder != 0).then_some(time),
        })
    }

    /// Counts an eviction if the bucket that was forgotten was not yet full again: `next` is the newcomer's time
    /// after its first request, one cell after now.
    fn count_eviction(&self, evicted: Option<u64>, next: u64) {
        if evicted.is_some_and(|time| time > next.saturating_sub(self.cell)) {
            self.evictions.inc();
        }
    }

    /// Slots that are in use.
    fn used(&self) -> usize {
        self.sets
            .iter()
            .flat_map(|set| &set.tags)
            .filter(|tag| tag.load(Ordering::Relaxed) != 0)
            .count()
    }

    /// The memory that the slots take, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        std::mem::size_of_val(&*self.sets)
    }
}

impl StateStore for SharedTable {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Seat::Slot {
            slot,
            time,
            evicted,
        } = self.0.seat((*key).max(1))
        else {
            return f(None).map(|(outcome, _)| outcome);
        };
        let mut seen = time.load(Ordering::Acquire);
        loop {
            let (outcome, next) = f((seen != 0).then(|| Nanos::from(seen)))?;
            match time.compare_exchange_weak(
                seen,
                next.as_u64(),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => {
                    self.0.count_eviction(evicted, next.as_u64());
                    if let Some(ledger) = &self.0.ledger {
                        ledger.note(slot);
                    }
                    return Ok(outcome);
                }
                Err(current) => seen = current,
            }
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.keys.sub(i64::try_from(self.used()).unwrap_or(0));
    }
}

const WAYS: usize = 8;

/// How often a key tries for a slot that others keep taking.
const ATTEMPTS: usize = 8;
