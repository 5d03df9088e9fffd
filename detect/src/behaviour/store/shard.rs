//! One shard of the memory of subjects: finds them, makes room for new ones, and hands out profiles.

use std::sync::atomic::Ordering;

use crate::behaviour::compact::Compact;
use crate::behaviour::profile::Profile;
use crate::behaviour::store::Store;
use crate::behaviour::store::index::Index;
use crate::behaviour::store::slab::Slab;
use crate::behaviour::subject::SubjectId;

/// How many the hand looks at to find one that can go.
const LOOKED_AT: usize = 8;

/// From how many requests on a subject gets a profile, while there is one to be had.
const PROFILE_FROM: u32 = 2;

/// From how many requests within ten minutes on, faded, a profile is taken from somebody else for a subject. Without
/// this, many who come once in half an hour would take them from each other, and from those who are active.
const PROFILE_TAKEN_FROM: f32 = 1.0;

/// One point of risk makes up for this many milliseconds of quiet.
const RISK_KEEPS: f32 = 60_000.0;

/// Which window of rates is that of ten minutes.
const TEN_MINUTES: usize = 3;

#[derive(Debug)]
pub(super) struct Shard {
    pub(super) index: Index,
    pub(super) entries: Slab<Entry, 256>,
    free: Vec<u32>,
    pub(super) profiles: Slab<Profile, 16>,
    /// Who holds each profile.
    pub(super) holders: Vec<Holder>,
    pub(super) free_profiles: Vec<u32>,
    hand: usize,
    profile_hand: usize,
    capacity: usize,
    profile_capacity: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) id: SubjectId,
    /// Its place in the profiles, or [`NONE`]; good as long as it is the holder there.
    profile: u32,
    pub(super) live: bool,
    pub(super) compact: Compact,
}

pub(super) const NONE: u32 = u32::MAX;

/// Who holds a profile, and when it was last used: what the hand looks at, in as few lines of memory as will do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    last: u64,
    /// Its place in the entries, or [`NONE`].
    pub(super) entry: u32,
}

impl Shard {
    pub(super) fn new(capacity: usize, profile_capacity: usize) -> Self {
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
    pub(super) fn with<R>(
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
                let room = self.make_room(tick, store);
                self.insert(key, id, tick, room)
            }
        };
        let entry = self.entries.at(at);
        if tick.saturating_sub(entry.compact.last) > store.patience(entry) {
            entry.compact = Compact::born(tick);
        }
        let before = entry.compact.last;
        entry.compact.pass(tick, half_life);
        let often = entry.compact.total >= PROFILE_FROM;
        let lively = entry.compact.rates.window(TEN_MINUTES) >= PROFILE_TAKEN_FROM;
        let place = match self.profile_of(at) {
            None if often && (lively || self.has_profiles()) => {
                Some(self.give_profile(at, tick, store))
            }
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

    pub(super) fn find(&mut self, key: u64, id: SubjectId) -> Option<u32> {
        let entries = &mut self.entries;
        self.index.find(key, |at| entries.at(at).id == id)
    }

    /// The place of the profile that a subject holds.
    pub(super) fn profile_of(&mut self, at: u32) -> Option<u32> {
        let place = self.entries.at(at).profile;
        let holder = self.holders.get(place as usize)?;
        (holder.entry == at).then_some(place)
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

    /// Whether there is a profile that nobody holds.
    fn has_profiles(&self) -> bool {
        !self.free_profiles.is_empty() || self.profiles.len() < self.profile_capacity
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

    pub(super) fn bytes(&self) -> usize {
        let lists = (self.free.capacity() + self.free_profiles.capacity()) * size_of::<u32>()
            + self.holders.capacity() * size_of::<Holder>();
        self.index.bytes() + self.entries.bytes() + self.profiles.bytes() + lists
    }
}
