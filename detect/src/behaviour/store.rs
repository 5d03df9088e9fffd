//! The memory of subjects: sharded, bounded, and forgetting by itself.
//!
//! A shard holds its subjects in chunks that never move, found through an index of eight bytes each. When it is full, a
//! hand goes round: of the next eight subjects the one goes that was quiet longest, where a risk makes up for quiet
//! time. Profiles are handed out the same way, to subjects that came back at least twice, so that a flood of new ones
//! takes no profile from anybody. Who holds a profile is written beside it; what a subject says of its profile is only
//! where to look, so that nobody has to be told when it goes.
//!
//! With a million subjects the time of a request goes into waiting for memory. So each step looks at as few lines of it
//! as it can, and a request opens all its shards first ([`Store::open`]), so that it waits for its subjects at once.

mod index;
mod slab;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::behaviour::compact::Compact;
use crate::behaviour::profile::Profile;
use crate::behaviour::settings::Memory;
use crate::behaviour::state::Counts;
use crate::behaviour::store::index::Index;
use crate::behaviour::store::slab::Slab;
use crate::behaviour::subject::{SubjectId, mix};

/// Chosen so that a million subjects fill the index of each shard to 42 %, just below where it would double.
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
    evicted: AtomicU64,
    expired: AtomicU64,
    profiles_evicted: AtomicU64,
}

#[derive(Debug)]
struct Shard {
    index: Index,
    entries: Slab<Entry, 256>,
    free: Vec<u32>,
    profiles: Slab<Profile, 16>,
    /// Who holds each profile.
    holders: Vec<Holder>,
    free_profiles: Vec<u32>,
    hand: usize,
    profile_hand: usize,
    capacity: usize,
    profile_capacity: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: SubjectId,
    /// Its place in the profiles, or [`NONE`]; good as long as it is the holder there.
    profile: u32,
    live: bool,
    compact: Compact,
}

const NONE: u32 = u32::MAX;

/// Who holds a profile, and when it was last used: what the hand looks at, in as few lines of memory as will do.
#[derive(Clone, Copy, Debug)]
struct Holder {
    last: u64,
    /// Its place in the entries, or [`NONE`].
    entry: u32,
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

    /// Shows every profile to `look`, shard after shard, until it has enough.
    pub(crate) fn each_profile(&self, mut look: impl FnMut(&Compact, &mut Profile) -> bool) {
        for shard in &self.shards {
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
        for at in 0..N {
            if let (Some(key), Some(place)) = (keys[at], places[at]) {
                profiles[at] = self.shard(key).and_then(|shard| shard.profile_of(place));
            }
        }
        std::hint::black_box(profiles);
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

impl Shard {
    fn new(capacity: usize, profile_capacity: usize) -> Self {
        Self {
            index: Index::default(),
            entries: Slab::default(),
            free: Vec::new(),
            profiles: Slab::default(),
            holders: Vec::new(),
            free_profiles: Vec::new(),
            hand: 0,
            profile_hand: 0,
            capacity,
            profile_capacity,
        }
    }

    /// See [`Store::with`].
    fn with<R>(
        &mut self,
        store: &Store,
        key: u64,
        id: SubjectId,
        tick: u64,
        half_life: f32,
        look: impl FnOnce(&mut Compact, u64, Option<&mut Profile>) -> R,
    ) -> R {
        let at = match self.find(key, id) {
            Some(at) => at,
            None => {
                let room = self.make_room(tick, store.forget, store);
                self.insert(key, id, tick, room)
            }
        };
        let entry = self.entries.at(at);
        if tick.saturating_sub(entry.compact.last) > store.forget {
            entry.compact = Compact::born(tick);
        }
        let before = entry.compact.last;
        entry.compact.pass(tick, half_life);
        let often = entry.compact.total >= PROFILE_FROM;
        let place = match self.profile_of(at) {
            None if often => Some(self.give_profile(at, tick, store)),
            place => place,
        };
        let profile = match place {
            Some(place) => {
                self.holders[place as usize].last = tick;
                Some(self.profiles.at(place))
            }
            None => None,
        };
        look(&mut self.entries.at(at).compact, before, profile)
    }

    fn find(&mut self, key: u64, id: SubjectId) -> Option<u32> {
        let entries = &mut self.entries;
        self.index.find(key, |at| entries.at(at).id == id)
    }

    /// The place of the profile that a subject holds.
    fn profile_of(&mut self, at: u32) -> Option<u32> {
        let place = self.entries.at(at).profile;
        let holder = self.holders.get(place as usize)?;
        (holder.entry == at).then_some(place)
    }

    /// Forgets who was quiet for too long, and someone else if that was not enough; a place that is free now.
    fn make_room(&mut self, tick: u64, forget: u64, store: &Store) -> Option<u32> {
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
            if tick.saturating_sub(last) > forget {
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
        let profile = self.profile_of(at);
        let entry = self.entries.at(at);
        entry.live = false;
        entry.profile = NONE;
        let key = store.key(entry.id);
        self.index.remove(key, at);
        self.free.push(at);
        if let Some(place) = profile {
            self.holders[place as usize].entry = NONE;
            self.free_profiles.push(place);
        }
    }

    /// Gives a subject a profile of its own; its place.
    fn give_profile(&mut self, at: u32, tick: u64, store: &Store) -> u32 {
        let id = self.entries.at(at).id;
        let place = match self.free_profiles.pop() {
            Some(place) => place,
            None if self.profiles.len() < self.profile_capacity => self.new_profile(id, tick),
            None => self.take_profile(store),
        };
        self.profiles.at(place).renew(id, tick);
        self.holders[place as usize].entry = at;
        self.entries.at(at).profile = place;
        place
    }

    fn new_profile(&mut self, id: SubjectId, tick: u64) -> u32 {
        self.holders.push(Holder {
            last: tick,
            entry: NONE,
        });
        self.profiles.push(Profile::new(id, tick))
    }

    /// Takes a profile from the one of the next few that used it longest ago.
    fn take_profile(&mut self, store: &Store) -> u32 {
        let mut oldest = (u64::MAX, 0);
        for _ in 0..LOOKED_AT {
            self.profile_hand = (self.profile_hand + 1) % self.holders.len();
            let place = self.profile_hand as u32;
            oldest = oldest.min((self.holders[self.profile_hand].last, place));
        }
        store.profiles_evicted.fetch_add(1, Ordering::Relaxed);
        oldest.1
    }

    fn bytes(&self) -> usize {
        let lists = (self.free.capacity() + self.free_profiles.capacity()) * size_of::<u32>()
            + self.holders.capacity() * size_of::<Holder>();
        self.index.bytes() + self.entries.bytes() + self.profiles.bytes() + lists
    }
}
