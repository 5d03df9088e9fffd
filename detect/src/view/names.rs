//! A bounded set of names, to notice the same one twice.
//!
//! Used for parameters of a query or form and for keys of a JSON object. The hash is keyed by a secret of the
//! process, so that nobody can choose names that collide and hide one behind another.

use std::hash::{BuildHasher, Hasher, RandomState};

/// An open-addressing table of fixed size. When it is crowded, new names count as unseen.
#[derive(Debug)]
pub(super) struct Names {
    slots: Vec<Slot>,
    stamp: u32,
    seed: u64,
    scope: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u64,
    /// The request it belongs to; a slot of another request is free.
    stamp: u32,
    index: u32,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            stamp: 1,
            seed: RandomState::new().build_hasher().finish() | 1,
            scope: 0,
        }
    }
}

impl Names {
    /// Forgets all names.
    pub(super) fn clear(&mut self) {
        self.scope = 0;
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.slots.fill(Slot::default());
            self.stamp = 1;
        }
    }

    /// A number for a new set of names: one object, one query.
    pub(super) fn scope(&mut self) -> u64 {
        self.scope += 1;
        self.scope
    }

    /// The hash of `name`, for [`Names::within`].
    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        let mut hash = fold(self.seed, name.len() as u64 ^ MULTIPLIER);
        let mut words = name.chunks_exact(8);
        for word in &mut words {
            let word = word.try_into().map_or(0, u64::from_le_bytes);
            hash = fold(hash ^ word, MULTIPLIER ^ self.seed);
        }
        let tail = words
            .remainder()
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        fold(hash ^ tail, MULTIPLIER ^ self.seed)
    }

    /// A name's hash within `scope`.
    pub(super) fn within(&self, scope: u64, hash: u64) -> u64 {
        fold(hash ^ self.seed, scope.wrapping_mul(MULTIPLIER) | 1)
    }

    /// Enters a hash with an index of the caller's. The index entered before, if there was one, stays and is
    /// returned.
    pub(super) fn enter(&mut self, hash: u64, index: u32) -> Option<u32> {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, Slot::default());
        }
        for step in 0..PROBES {
            let slot = &mut self.slots[(hash as usize).wrapping_add(step) % SLOTS];
            if slot.stamp != self.stamp {
                *slot = Slot {
                    hash,
                    stamp: self.stamp,
                    index,
                };
                return None;
            }
            if slot.hash == hash {
                return Some(slot.index);
            }
        }
        None
    }

    /// Replaces the index of a hash that was entered.
    pub(super) fn replace(&mut self, hash: u64, index: u32) {
        for step in 0..PROBES {
            if let Some(slot) = self
                .slots
                .get_mut((hash as usize).wrapping_add(step) % SLOTS)
                && slot.stamp == self.stamp
                && slot.hash == hash
            {
                slot.index = index;
                return;
            }
        }
    }
}

/// Multiplies to 128 bits and folds both halves: each bit of either side reaches every bit of the result.
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
const SLOTS: usize = 4096;
const PROBES: usize = 16;
