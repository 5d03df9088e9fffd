//! Values that were looked at before and raised nothing. Clients repeat themselves: the same browsers, the same
//! accepted types, the same names of parameters and keys in each request. A worker keeps the last few hundred of them
//! byte by byte, and one that comes again under the same rules costs a comparison.
//!
//! Only what depends on nothing but the value is kept: no rule held, none was tried that asks the rest of the request,
//! and the decoders noted nothing. So a request is judged the same with it and without. Values that carry credentials
//! or what people typed are never kept.

use crate::field::{Encoding, Location, Locations};

/// How many values are kept; a power of two.
const SLOTS: usize = 512;
/// The longest name and value, in bytes, that are kept. All slots together take 320 KiB at most.
const LONGEST: usize = 512;
/// How often a value that comes again and again is passed over before another takes its place.
const MOST_LIVES: u8 = 7;

/// Where clients repeat themselves.
pub(crate) const REPEATED: Locations = Locations::of(&[
    Location::Method,
    Location::Host,
    Location::Path,
    Location::Header,
    Location::HeaderName,
    Location::UserAgent,
    Location::Referer,
    Location::QueryName,
    Location::FormName,
    Location::MultipartName,
    Location::JsonKey,
    Location::CookieName,
    Location::JwtHeader,
]);

/// What decides whether a value raises anything, its bytes aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub location: Location,
    pub encoding: Encoding,
    pub paranoia: u8,
}

/// A value in its setting.
#[derive(Clone, Copy)]
pub(crate) struct Key<'k> {
    setting: Setting,
    name: &'k [u8],
    value: &'k [u8],
    hash: u64,
}

impl<'k> Key<'k> {
    /// The key of a value, unless it is too long to be kept.
    pub(crate) fn new(setting: Setting, name: &'k [u8], value: &'k [u8]) -> Option<Self> {
        let seed = (setting.location as u64) << 16 | u64::from(setting.paranoia);
        (name.len() + value.len() <= LONGEST).then(|| Key {
            setting,
            name,
            value,
            hash: hash(hash(seed, name), value),
        })
    }
}

/// A quick sum. Who makes two values collide only makes them take turns.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = seed ^ bytes.len() as u64;
    let mut stir = |word: u64| sum = (sum.rotate_left(23) ^ word).wrapping_mul(ODD);
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        stir(u64::from_le_bytes(word.try_into().unwrap_or_default()));
    }
    let rest = words.remainder().iter();
    stir(rest.fold(0, |word, byte| word << 8 | u64::from(*byte)));
    sum ^ sum >> 32
}

#[derive(Clone, Debug)]
struct Slot {
    setting: Setting,
    hash: u64,
    /// Where the name ends in `bytes`.
    name: u16,
    lives: u8,
    bytes: Vec<u8>,
}

impl Slot {
    fn holds(&self, key: &Key<'_>) -> bool {
        let name = usize::from(self.name);
        self.hash == key.hash
            && self.setting == key.setting
            && self.bytes.get(..name) == Some(key.name)
            && self.bytes.get(name..) == Some(key.value)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Familiar {
    slots: Vec<Option<Slot>>,
    rules: u64,
}

impl Familiar {
    /// Forgets everything unless it was learnt under these rules.
    pub(crate) fn begin(&mut self, rules: u64) {
        if self.rules != rules {
            self.rules = rules;
            self.slots.clear();
        }
    }

    /// Whether a value raised nothing before. One that is met keeps its slot longer.
    pub(crate) fn knows(&mut self, key: &Key<'_>) -> bool {
        let slot = self.slots.get_mut(place(key)).and_then(Option::as_mut);
        let Some(slot) = slot.filter(|slot| slot.holds(key)) else {
            return false;
        };
        slot.lives = MOST_LIVES.min(slot.lives + 1);
        true
    }

    /// Keeps a value, unless another still has the right to its slot.
    pub(crate) fn learn(&mut self, key: &Key<'_>) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, None);
        }
        let place = &mut self.slots[place(key)];
        if let Some(slot) = place
            && slot.lives > 0
        {
            slot.lives -= 1;
            return;
        }
        let mut bytes = place.take().map(|slot| slot.bytes).unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(key.name);
        bytes.extend_from_slice(key.value);
        *place = Some(Slot {
            setting: key.setting,
            hash: key.hash,
            name: u16::try_from(key.name.len()).unwrap_or(u16::MAX),
            lives: 0,
            bytes,
        });
    }
}

fn place(key: &Key<'_>) -> usize {
    (key.hash % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key<'k>(location: Location, paranoia: u8, name: &'k str, value: &'k str) -> Key<'k> {
        let setting = Setting {
            location,
            encoding: Encoding::Plain,
            paranoia,
        };
        Key::new(setting, name.as_bytes(), value.as_bytes()).unwrap()
    }

    #[test]
    fn only_the_same_value_in_the_same_setting_is_known() {
        let mut familiar = Familiar::default();
        familiar.begin(1);
        let known = key(Location::Header, 1, "accept", "text/html");
        assert!(!familiar.knows(&known));
        familiar.learn(&known);
        assert!(familiar.knows(&known));
        let others = [
            key(Location::Referer, 1, "accept", "text/html"),
            key(Location::Header, 2, "accept", "text/html"),
            key(Location::Header, 1, "accept", "text/htm"),
            key(Location::Header, 1, "accep", "ttext/html"),
        ];
        for other in &others {
            assert!(!familiar.knows(other));
        }
        familiar.begin(2);
        assert!(!familiar.knows(&known), "other rules, other answers");
    }

    #[test]
    fn a_value_that_comes_often_outlives_a_flood_of_others() {
        let mut familiar = Familiar::default();
        let known = key(Location::UserAgent, 1, "user-agent", "browser");
        familiar.learn(&known);
        for flood in 0..20_000 {
            let value = format!("tool/{flood}");
            familiar.learn(&key(Location::UserAgent, 1, "user-agent", &value));
            if flood % 100 == 0 {
                assert!(familiar.knows(&known), "after {flood}");
            }
        }
        let bytes = familiar.slots.iter().flatten().map(|slot| slot.bytes.len());
        assert!(bytes.sum::<usize>() <= SLOTS * LONGEST);
    }

    #[test]
    fn long_values_are_not_kept() {
        let setting = Setting {
            location: Location::Header,
            encoding: Encoding::Plain,
            paranoia: 1,
        };
        assert!(Key::new(setting, b"x", &[b'a'; LONGEST]).is_none());
    }
}
