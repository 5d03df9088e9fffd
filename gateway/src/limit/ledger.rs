//! What a limit let through since it was last asked, for gateways that share their limits. A worker adds one to a
//! number beside the key's slot; the thread that shares collects the numbers. Nobody waits for anybody.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// One number for each slot of a table, and one bit for each set of slots in which some number is not zero. Takes
/// four bytes a slot.
pub(super) struct Ledger {
    counts: Box<[AtomicU32]>,
    dirty: Box<[AtomicU64]>,
    ways: usize,
    /// The set with which the next collection begins, so that a bound on it starves nobody.
    cursor: AtomicUsize,
}

impl Ledger {
    /// For so many sets of so many slots.
    pub(super) fn new(sets: usize, ways: usize) -> Self {
        let zeros = |n: usize| std::iter::repeat_with(AtomicU64::default).take(n).collect();
        Self {
            counts: std::iter::repeat_with(AtomicU32::default)
                .take(sets * ways)
                .collect(),
            dirty: zeros(sets.div_ceil(64)),
            ways,
            cursor: AtomicUsize::new(0),
        }
    }

    /// Counts a request of the key in this slot.
    pub(super) fn note(&self, slot: usize) {
        // Sequential consistency: either the bit is seen to be gone, or the collector that takes it sees the number.
        self.counts[slot].fetch_add(1, Ordering::SeqCst);
        let set = slot / self.ways;
        let (word, bit) = (&self.dirty[set / 64], 1 << (set % 64));
        if word.load(Ordering::SeqCst) & bit == 0 {
            word.fetch_or(bit, Ordering::SeqCst);
        }
    }

    /// The slot was given to another key: what its last one had used is nobody's any more.
    pub(super) fn clear(&self, slot: usize) {
        self.counts[slot].store(0, Ordering::SeqCst);
    }

    /// Hands over the slots that have counted something, each with its number, and begins again at zero. Stops when
    /// `take` says so; what was not handed over comes first the next time.
    pub(super) fn drain(&self, mut take: impl FnMut(usize, u32) -> bool) {
        let first = self.cursor.load(Ordering::Relaxed);
        let (word, upper) = (first / 64, !0_u64 << (first % 64));
        // The word with the cursor comes twice: its upper part first, its lower part last.
        for step in 0..=self.dirty.len() {
            let at = (word + step) % self.dirty.len();
            let mask = match step {
                0 => upper,
                _ if step == self.dirty.len() => !upper,
                _ => !0,
            };
            if self.dirty[at].load(Ordering::SeqCst) & mask == 0 {
                continue;
            }
            let mut bits = self.dirty[at].fetch_and(!mask, Ordering::SeqCst) & mask;
            while bits != 0 {
                let set = at * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if !self.drain_set(set, &mut take) {
                    self.dirty[at].fetch_or(bits, Ordering::SeqCst);
                    let next = (set + 1) % (self.dirty.len() * 64);
                    self.cursor.store(next, Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    /// All slots of a set; whether there is room for more.
    fn drain_set(&self, set: usize, take: &mut impl FnMut(usize, u32) -> bool) -> bool {
        let slots = set * self.ways..(set + 1) * self.ways;
        let mut more = true;
        for slot in slots {
            let count = self.counts[slot].swap(0, Ordering::SeqCst);
            if count > 0 {
                more &= take(slot, count);
            }
        }
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(ledger: &Ledger, most: usize) -> Vec<(usize, u32)> {
        let mut all = Vec::new();
        ledger.drain(|slot, count| {
            all.push((slot, count));
            all.len() < most
        });
        all
    }

    #[test]
    fn what_was_counted_is_handed_over_once() {
        let ledger = Ledger::new(256, 8);
        for slot in [3, 3, 900, 2047] {
            ledger.note(slot);
        }
        ledger.note(901);
        ledger.clear(901);
        assert_eq!(drained(&ledger, 10), [(3, 2), (900, 1), (2047, 1)]);
        assert_eq!(drained(&ledger, 10), []);
    }

    #[test]
    fn a_bound_starves_nobody() {
        let ledger = Ledger::new(256, 8);
        let mut found = Vec::new();
        for _ in 0..4 {
            // Slot 0 counts without end; the others must get their turn all the same.
            ledger.note(0);
            for slot in [80, 1000, 2000] {
                ledger.note(slot);
            }
            found.extend(drained(&ledger, 1).into_iter().map(|(slot, _)| slot));
        }
        found.sort_unstable();
        assert_eq!(found, [0, 80, 1000, 2000]);
    }

    #[test]
    fn threads_lose_nothing() {
        let ledger = Ledger::new(64, 8);
        let mut total = 0;
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| (0..20_000).for_each(|n| ledger.note(n % 512))))
                .collect();
            while workers.iter().any(|worker| !worker.is_finished()) {
                ledger.drain(|_, count| {
                    total += count;
                    true
                });
            }
        });
        ledger.drain(|_, count| {
            total += count;
            true
        });
        assert_eq!(total, 60_000);
    }
}
