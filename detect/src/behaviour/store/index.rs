//! Where a subject is: an open-addressed table of eight bytes a place, at most half full. A look-up at a million
//! subjects is one miss of the cache, where a general map takes two, one after the other.

/// Places of subjects by their keys. Two keys may look the same here; who asks says which one is meant.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Empty, or the upper half of the key and the place plus one.
    slots: Vec<u64>,
    length: usize,
}

/// The smallest table; a power of two, like all of them.
const SMALLEST: usize = 64;

impl Index {
    /// How many it holds.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// The bytes it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u64>()
    }

    /// The first place under a key that `is` the one.
    pub(super) fn find(&self, key: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = home(key, mask);
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            if slot >> 32 == key >> 32 && is(place(slot)) {
                return Some(place(slot));
            }
            at = (at + 1) & mask;
        }
    }

    /// Notes a place that is not there yet. Places are below 2^32 − 1.
    pub(super) fn insert(&mut self, key: u64, place: u32) {
        if (self.length + 1) * 16 > self.slots.len() * 7 {
            self.grow();
        }
        self.put(key & UPPER | (u64::from(place) + 1));
        self.length += 1;
    }

    /// Forgets a place. What stands behind it moves up, so that no gap cuts it off.
    pub(super) fn remove(&mut self, key: u64, gone: u32) {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return;
        };
        let wanted = key & UPPER | (u64::from(gone) + 1);
        let mut hole = home(key, mask);
        while self.slots[hole] != wanted {
            if self.slots[hole] == 0 {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.close(hole, mask);
        self.length -= 1;
    }

    fn close(&mut self, mut hole: usize, mask: usize) {
        let mut next = hole;
        loop {
            next = (next + 1) & mask;
            let slot = self.slots[next];
            if slot == 0 {
                break;
            }
            // It may move up unless its home lies behind the hole.
            let from_home = next.wrapping_sub(home(slot, mask)) & mask;
            if from_home >= next.wrapping_sub(hole) & mask {
                self.slots[hole] = slot;
                hole = next;
            }
        }
        self.slots[hole] = 0;
    }

    fn grow(&mut self) {
        let larger = vec![0; (self.slots.len() * 2).max(SMALLEST)];
        for slot in std::mem::replace(&mut self.slots, larger) {
            if slot != 0 {
                self.put(slot);
            }
        }
    }

    fn put(&mut self, slot: u64) {
        let mask = self.slots.len() - 1;
        let mut at = home(slot, mask);
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }
}

const UPPER: u64 = 0xffff_ffff_0000_0000;

/// Where a key, or what is kept of it, would stand in an empty table.
const fn home(key: u64, mask: usize) -> usize {
    (key >> 32) as usize & mask
}

const fn place(slot: u64) -> u32 {
    (slot as u32).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few different keys, so that they crowd, wrap around the end and look the same.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((any::<bool>(), 0_u64..40, any::<bool>()), 1..400)) {
            let mut index = Index::default();
            let mut truth: HashMap<u64, u32> = HashMap::new();
            let mut keys: HashMap<u32, u64> = HashMap::new();
            for (number, (adds, key, crowded)) in steps.into_iter().enumerate() {
                let key = if crowded { (key % 3) << 32 | key } else { (key.wrapping_mul(0x9e37_79b9)) << 32 | key };
                let at = number as u32;
                if adds && !truth.contains_key(&key) {
                    index.insert(key, at);
                    truth.insert(key, at);
                    keys.insert(at, key);
                } else if let Some(at) = truth.remove(&key) {
                    index.remove(key, at);
                }
                prop_assert_eq!(index.len(), truth.len());
                for (key, at) in &truth {
                    prop_assert_eq!(index.find(*key, |at| keys[&at] == *key), Some(*at));
                }
                prop_assert_eq!(index.find(u64::MAX, |_| true), None);
            }
        }
    }

    #[test]
    fn it_grows_and_stays_half_empty() {
        let mut index = Index::default();
        for at in 0..10_000_u32 {
            index.insert(u64::from(at).wrapping_mul(0x9e37_79b9_7f4a_7c15), at);
        }
        assert_eq!((index.len(), index.bytes()), (10_000, 32_768 * 8));
        index.remove(1, 5);
        assert_eq!(index.len(), 10_000, "who is not there cannot go");
    }
}
