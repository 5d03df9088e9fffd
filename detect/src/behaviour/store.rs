//! The memory of subjects: sharded, bounded, and forgetting by itself.
//!
//! A shard holds its subjects in chunks that never move, found through an index of eight bytes each. When it is full, a
//! hand goes round: of the next eight subjects the one goes that was quiet longest, where a risk makes up for quiet
//! time. Profiles are handed out the same way, to subjects that came back at least twice, and within minutes where one
//! has to be taken from somebody, so that a flood of new ones takes no profile from anybody. Who holds a profile is written beside it; what a subject says of its profile is only
//! where to look, so that nobody has to be told when it goes.
//!
//! With a million subjects the time of a request goes into waiting for memory. So each step looks at as few lines of it
//! as it can, and a request opens all its shards first ([`Store::open`]), so that it waits for its subjects at once.

mod index;
mod shard;
mod slab;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::behaviour::compact::Compact;
use crate::behaviour::profile::Profile;
use crate::behaviour::settings::Memory;
use crate::behaviour::state::Counts;
use crate::behaviour::store::shard::{Entry, NONE, Shard};
use crate::behaviour::subject::{SubjectId, SubjectKind, mix};

/// Chosen so that a million subjects fill the index of each shard to 42 %, just below where it would double.
const SHARDS: usize = 72;

/// The memory of subjects.
#[derive(Debug)]
pub(crate) struct Store {
    shards: Box<[Mutex<Shard>]>,
    /// Keeps clients from choosing which subjects share a place.
    seed: u64,
    forget: u64,
    forget_users: u64,
    evicted: AtomicU64,
    expired: AtomicU64,
    profiles_evicted: AtomicU64,
}

impl Store {
    /// An empty one. Memory is taken as subjects come.
    pub(crate) fn new(memory: &Memory, seed: u64) -> Self {
        let of_each = |all: u32| (all as usize).div_ceil(SHARDS).max(4);
        let shard = || {
            Mutex::new(Shard::new(
                of_each(memory.subjects),
                of_each(memory.profiles),
            ))
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            seed,
            forget: u64::from(memory.forget) * 1000,
            forget_users: u64::from(memory.forget_users.max(memory.forget)) * 1000,
            evicted: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            profiles_evicted: AtomicU64::new(0),
        }
    }

    /// Runs `look` on a subject as it is at `tick`, new if it was not known, with the tick when it was last seen. The profile is given to those who have
    /// one, or who come often enough to get one.
    pub(crate) fn with<R>(
        &self,
        id: SubjectId,
        tick: u64,
        half_life: f32,
        look: impl FnOnce(&mut Compact, u64, Option<&mut Profile>) -> R,
    ) -> R {
        let key = self.key(id);
        let mut shard = lock(&self.shards[which(key)]);
        shard.with(self, key, id, tick, half_life, look)
    }

    /// Opens the shards of all subjects of a request, and looks each of them up before the first is worked on: the
    /// processor waits for all of them at the same time. Nothing else of the store may be asked until they are closed.
    pub(crate) fn open<const N: usize>(&self, ids: [Option<SubjectId>; N]) -> Opened<'_, N> {
        let keys = ids.map(|id| id.map(|id| self.key(id)));
        let mut wanted = keys.map(|key| key.map_or(usize::MAX, which));
        // One order for all, so that no two wait for each other.
        wanted.sort_unstable();
        let mut before = usize::MAX;
        let shards = wanted.map(|at| {
            let new = at != before && at != usize::MAX;
            before = at;
            new.then(|| (at, lock(&self.shards[at])))
        });
        let mut opened = Opened {
            store: self,
            shards,
        };
        opened.touch(&keys, &ids);
        opened
    }

    /// Runs `look` on a subject if it is known, as it was when last seen.
    pub(crate) fn peek<R>(
        &self,
        id: SubjectId,
        look: impl FnOnce(&Compact, Option<&Profile>) -> R,
    ) -> Option<R> {
        let key = self.key(id);
        let mut shard = lock(&self.shards[which(key)]);
        let at = shard.find(key, id)?;
        let place = shard.profile_of(at);
        let Shard {
            entries, profiles, ..
        } = &mut *shard;
        let profile = place.map(|place| &*profiles.at(place));
        Some(look(&entries.at(at).compact, profile))
    }

    /// Shows every profile to `look`, shard after shard, until it has enough. `from` says where it begins: who looks at
    /// some only should not look at the same ones each time.
    pub(crate) fn each_profile(
        &self,
        from: u64,
        mut look: impl FnMut(&Compact, &mut Profile) -> bool,
    ) {
        let first = (from % SHARDS as u64) as usize;
        for shard in self.shards[first..].iter().chain(&self.shards[..first]) {
            let mut shard = lock(shard);
            let Shard {
                entries,
                profiles,
                holders,
                ..
            } = &mut *shard;
            for (place, holder) in holders.iter().enumerate() {
                let held = holder.entry != NONE;
                if held && !look(&entries.at(holder.entry).compact, profiles.at(place as u32)) {
                    return;
                }
            }
        }
    }

    /// Shows every subject to `look`.
    pub(crate) fn each(&self, mut look: impl FnMut(SubjectId, &Compact)) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            for at in 0..shard.entries.len() {
                let entry = shard.entries.at(at as u32);
                if entry.live {
                    look(entry.id, &entry.compact);
                }
            }
        }
    }

    /// How full it is.
    pub(crate) fn count(&self, counts: &mut Counts) {
        for shard in &self.shards {
            let shard = lock(shard);
            counts.subjects += shard.index.len();
            counts.profiles += shard.profiles.len() - shard.free_profiles.len();
            counts.bytes += shard.bytes();
        }
        counts.subjects_evicted = self.evicted.load(Ordering::Relaxed);
        counts.subjects_expired = self.expired.load(Ordering::Relaxed);
        counts.profiles_evicted = self.profiles_evicted.load(Ordering::Relaxed);
    }

    /// How long a quiet subject is kept. Of users only those who were there, not those whom somebody tried to be.
    fn patience(&self, entry: &Entry) -> u64 {
        match entry.id.kind == SubjectKind::User && entry.compact.total > 0 {
            true => self.forget_users,
            false => self.forget,
        }
    }

    fn key(&self, id: SubjectId) -> u64 {
        mix(mix(id.hash.0 ^ self.seed) ^ id.kind as u64)
    }
}

/// The shards of the subjects of one request, held open.
pub(crate) struct Opened<'a, const N: usize> {
    store: &'a Store,
    /// In order of their numbers, each once.
    shards: [Option<(usize, MutexGuard<'a, Shard>)>; N],
}

impl<const N: usize> Opened<'_, N> {
    /// [`Store::with`], for one of the subjects that were opened.
    pub(crate) fn with<R>(
        &mut self,
        id: SubjectId,
        tick: u64,
        half_life: f32,
        look: impl FnOnce(&mut Compact, u64, Option<&mut Profile>) -> R,
    ) -> R {
        let store = self.store;
        let key = store.key(id);
        let shard = self.shard(key).expect("its shard was opened for it");
        shard.with(store, key, id, tick, half_life, look)
    }

    fn shard(&mut self, key: u64) -> Option<&mut Shard> {
        let which = which(key);
        let mut shards = self.shards.iter_mut().flatten();
        shards
            .find(|(at, _)| *at == which)
            .map(|(_, shard)| &mut **shard)
    }

    /// Loads what the way to each subject leads over, step by step for all of them. What it finds is looked at by the
    /// steps themselves again: all that matters is that the loads do not wait for one another.
    fn touch(&mut self, keys: &[Option<u64>; N], ids: &[Option<SubjectId>; N]) {
        let mut places = [None; N];
        for (place, (key, id)) in places.iter_mut().zip(keys.iter().zip(ids)) {
            if let (Some(key), Some(id)) = (key, id) {
                *place = self.shard(*key).and_then(|shard| shard.find(*key, *id));
            }
        }
        let mut profiles = [None; N];
        let mut seen = 0;
        for at in 0..N {
            if let (Some(key), Some(place)) = (keys[at], places[at])
                && let Some(shard) = self.shard(key)
            {
                seen ^= shard.entries.at(place).compact.glance();
                profiles[at] = shard.profile_of(place);
            }
        }
        for at in 0..N {
            if let (Some(key), Some(place)) = (keys[at], profiles[at])
                && let Some(shard) = self.shard(key)
            {
                seen ^= shard.profiles.at(place).glance();
            }
        }
        std::hint::black_box(seen);
    }
}

fn which(key: u64) -> usize {
    // The index takes the upper half of the key.
    (key & 0xffff_ffff) as usize % SHARDS
}

/// A worker that panicked under the lock left numbers behind, no broken pointers: they are kept.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
