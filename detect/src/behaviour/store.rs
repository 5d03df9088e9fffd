//! The memory of subjects: sharded, bounded, and forgetting by itself.
//!
//! A shard holds its subjects in chunks that never move, found through an index of eight-byte keys. When it is full, a
//! hand goes round: of the next eight subjects the one goes that was quiet longest, where a risk makes up for quiet
//! time. Profiles are handed out the same way, to subjects that came back at least twice, so that a flood of new ones
//! takes no profile from anybody.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::behaviour::compact::Compact;
use crate::behaviour::profile::Profile;
use crate::behaviour::settings::Memory;
use crate::behaviour::state::Counts;
use crate::behaviour::subject::{SubjectId, SubjectKind, mix};

/// Chosen so that a million subjects fill the index of each shard to 85 %.
const SHARDS: usize = 72;

/// How many the hand looks at to find one that can go.
const LOOKED_AT: usize = 8;

/// From how many requests on a subject gets a profile.
const PROFILE_FROM: u32 = 2;

/// One point of risk makes up for this many milliseconds of quiet.
const RISK_KEEPS: f32 = 60_000.0;

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

#[derive(Debug)]
struct Shard {
    index: HashMap<u64, u32, BuildHasherDefault<Mixed>>,
    entries: Slab<Entry, 256>,
    free: Vec<u32>,
    profiles: Slab<Profile, 16>,
    free_profiles: Vec<u32>,
    hand: usize,
    profile_hand: usize,
    capacity: usize,
    profile_capacity: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: SubjectId,
    /// Its place in the profiles, or [`NONE`].
    profile: u32,
    live: bool,
    compact: Compact,
}

const NONE: u32 = u32::MAX;

/// A list in chunks: it grows without moving what it holds, and never takes more than one chunk too much.
#[derive(Debug)]
struct Slab<T, const CHUNK: usize> {
    chunks: Vec<Vec<T>>,
}

/// Keys are mixed already.
#[derive(Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
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
        let mut shard = self.shard(key);
        let at = match shard.index.get(&key) {
            Some(at) => *at,
            None => {
                let room = shard.make_room(tick, self);
                shard.insert(key, id, tick, room)
            }
        };
        let entry = shard.entries.at(at);
        if tick.saturating_sub(entry.compact.last) > self.patience(entry) {
            entry.compact = Compact::born(tick);
        }
        let before = entry.compact.last;
        entry.compact.pass(tick, half_life);
        let wants = entry.profile == NONE && entry.compact.total >= PROFILE_FROM;
        if wants {
            shard.give_profile(at, tick, self);
        }
        let Shard {
            entries, profiles, ..
        } = &mut *shard;
        let entry = entries.at(at);
        let profile = (entry.profile != NONE).then(|| profiles.at(entry.profile));
        look(&mut entry.compact, before, profile)
    }

    /// Runs `look` on a subject if it is known, as it was when last seen.
    pub(crate) fn peek<R>(
        &self,
        id: SubjectId,
        look: impl FnOnce(&Compact, Option<&Profile>) -> R,
    ) -> Option<R> {
        let key = self.key(id);
        let mut shard = self.shard(key);
        let at = *shard.index.get(&key)?;
        let Shard {
            entries, profiles, ..
        } = &mut *shard;
        let entry = entries.at(at);
        let profile = (entry.profile != NONE).then(|| &*profiles.at(entry.profile));
        Some(look(&entry.compact, profile))
    }

    /// Shows every profile to `look`, shard after shard, until it has enough.
    pub(crate) fn each_profile(&self, mut look: impl FnMut(&Compact, &mut Profile) -> bool) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let Shard {
                entries, profiles, ..
            } = &mut *shard;
            for at in 0..entries.len() {
                let entry = entries.at(at as u32);
                if entry.live
                    && entry.profile != NONE
                    && !look(&entry.compact, profiles.at(entry.profile))
                {
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

    fn shard(&self, key: u64) -> MutexGuard<'_, Shard> {
        // The index takes the low bits and the top seven of the key; these are others.
        let which = ((key >> 16) & 0xffff_ffff) as usize % SHARDS;
        lock(&self.shards[which])
    }
}

/// A worker that panicked under the lock left numbers behind, no broken pointers: they are kept.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn new(capacity: usize, profile_capacity: usize) -> Self {
        Self {
            index: HashMap::default(),
            entries: Slab::default(),
            free: Vec::new(),
            profiles: Slab::default(),
            free_profiles: Vec::new(),
            hand: 0,
            profile_hand: 0,
            capacity,
            profile_capacity,
        }
    }

    /// Forgets who was quiet for too long, and someone else if that was not enough; a place that is free now.
    fn make_room(&mut self, tick: u64, store: &Store) -> Option<u32> {
        let full = self.index.len() >= self.capacity;
        let looked_at = if full { LOOKED_AT } else { 2 };
        let mut weakest: Option<(u64, u32)> = None;
        for _ in 0..looked_at.min(self.entries.len()) {
            self.hand = (self.hand + 1) % self.entries.len();
            let at = self.hand as u32;
            let entry = self.entries.at(at);
            if !entry.live {
                continue;
            }
            let last = entry.compact.last;
            if tick.saturating_sub(last) > store.patience(entry) {
                self.remove(at, store);
                store.expired.fetch_add(1, Ordering::Relaxed);
                return self.free.pop();
            }
            let worth = last + (entry.compact.risk * RISK_KEEPS) as u64;
            if weakest.is_none_or(|(least, _)| worth < least) {
                weakest = Some((worth, at));
            }
        }
        if let Some((_, at)) = weakest.filter(|_| full) {
            self.remove(at, store);
            store.evicted.fetch_add(1, Ordering::Relaxed);
        }
        self.free.pop()
    }

    fn insert(&mut self, key: u64, id: SubjectId, tick: u64, room: Option<u32>) -> u32 {
        let entry = Entry {
            id,
            profile: NONE,
            live: true,
            compact: Compact::born(tick),
        };
        let at = match room {
            Some(at) => {
                *self.entries.at(at) = entry;
                at
            }
            None => self.entries.push(entry),
        };
        self.index.insert(key, at);
        at
    }

    fn remove(&mut self, at: u32, store: &Store) {
        let entry = self.entries.at(at);
        entry.live = false;
        let (id, profile) = (entry.id, std::mem::replace(&mut entry.profile, NONE));
        self.index.remove(&store.key(id));
        self.free.push(at);
        if profile != NONE {
            self.free_profiles.push(profile);
        }
    }

    fn give_profile(&mut self, at: u32, tick: u64, store: &Store) {
        let id = self.entries.at(at).id;
        let profile = Profile::new(id, tick);
        let place = match self.free_profiles.pop() {
            Some(place) => place,
            None if self.profiles.len() < self.profile_capacity => self.profiles.push(profile),
            None => self.take_profile(store),
        };
        *self.profiles.at(place) = profile;
        self.entries.at(at).profile = place;
    }

    /// Takes a profile from the one of the next few that used it longest ago.
    fn take_profile(&mut self, store: &Store) -> u32 {
        let mut oldest = (u64::MAX, 0);
        for _ in 0..LOOKED_AT {
            self.profile_hand = (self.profile_hand + 1) % self.profiles.len();
            let place = self.profile_hand as u32;
            oldest = oldest.min((self.profiles.at(place).last, place));
        }
        let owner = store.key(self.profiles.at(oldest.1).id);
        if let Some(at) = self.index.get(&owner) {
            self.entries.at(*at).profile = NONE;
        }
        store.profiles_evicted.fetch_add(1, Ordering::Relaxed);
        oldest.1
    }

    fn bytes(&self) -> usize {
        // A table of the standard library has a power of two of buckets, filled to 7/8, and a control byte for each.
        let buckets = (self.index.capacity() * 8 / 7).next_power_of_two();
        let lists = (self.free.capacity() + self.free_profiles.capacity()) * size_of::<u32>();
        buckets * (size_of::<(u64, u32)>() + 1)
            + self.entries.bytes()
            + self.profiles.bytes()
            + lists
    }
}

impl<T, const CHUNK: usize> Default for Slab<T, CHUNK> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T, const CHUNK: usize> Slab<T, CHUNK> {
    fn len(&self) -> usize {
        match self.chunks.last() {
            None => 0,
            Some(last) => (self.chunks.len() - 1) * CHUNK + last.len(),
        }
    }

    fn at(&mut self, at: u32) -> &mut T {
        &mut self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }

    fn push(&mut self, element: T) -> u32 {
        let at = self.len();
        if at.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(last) = self.chunks.last_mut() {
            last.push(element);
        }
        at as u32
    }

    fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<T>() + self.chunks.capacity() * size_of::<Vec<T>>()
    }
}
