//! What announces a test: literals, all looked for in one Aho-Corasick pass over a form, and the bytes that occur in
//! it. A test that is not announced cannot hold and is never run; most fields announce nothing.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

use crate::field::{Location, Locations};
use crate::rule::needs::{Bytes, Needs, Traits, Way};
use crate::signature::stamps::Marked;

/// A set of forms, one bit for each [`crate::decode::FormId`] by its index.
pub(crate) type FormMask = u64;

/// One leaf that literals or bytes announce.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    pub leaf: u32,
    pub rule: u32,
    pub form: u8,
    pub paranoia: u8,
    /// Finding it makes the rule worth a look.
    pub trigger: bool,
    /// The rule is asked of the request, not of the field.
    pub wide: bool,
    pub locations: Locations,
    /// Where its needs stand in the lexicon's list of ways; a draft fills it in.
    pub ways: (u32, u32),
}

impl Use {
    /// Whether it applies to a text, needs left aside.
    const fn applies(&self, text: &Text<'_>) -> bool {
        self.locations.contains(text.location) && text.forms & (1 << self.form) != 0
    }
}

/// Bytes to scan.
#[derive(Clone, Copy)]
pub(crate) struct Text<'t> {
    /// The bytes.
    pub bytes: &'t [u8],
    /// The forms of the field that these bytes are.
    pub forms: FormMask,
    /// Where the field stands.
    pub location: Location,
}

/// Literals and their uses while they are collected.
#[derive(Default)]
pub(crate) struct Draft {
    literals: BTreeMap<Vec<u8>, Vec<Use>>,
    /// Uses without a literal.
    bare: Vec<Use>,
    ways: Vec<Way>,
}

impl Draft {
    /// A use that one of these literals announces, where its needs are met.
    pub(crate) fn add(&mut self, one: Use, needs: &Needs, literals: BTreeSet<Vec<u8>>) {
        let one = self.with(one, needs);
        for literal in literals {
            self.literals.entry(literal).or_default().push(one);
        }
    }

    /// A use that its needs alone announce.
    pub(crate) fn add_bare(&mut self, one: Use, needs: &Needs) {
        let one = self.with(one, needs);
        self.bare.push(one);
    }

    fn with(&mut self, one: Use, needs: &Needs) -> Use {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let first = number(self.ways.len());
        self.ways.extend_from_slice(needs.ways());
        Use {
            ways: (first, number(self.ways.len())),
            ..one
        }
    }
}

/// How many first bytes of a literal lead through states with a table of their own. Text that is no attack seldom gets
/// further, so beyond them states are small lists: with tables for all, thousands of literals took 49 MiB.
const DENSE_DEPTH: usize = 3;

/// One literal.
#[derive(Debug)]
struct Entry {
    /// Its part of [`Lexicon::uses`].
    first: u32,
    end: u32,
    /// Where any of its uses applies, and to which forms.
    locations: Locations,
    forms: FormMask,
}

/// Literals, bytes, and what finding them means.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    automaton: Option<NFA>,
    literals: Vec<Entry>,
    uses: Vec<Use>,
    ways: Vec<Way>,
    /// Which forms are worth scanning, by location.
    pub forms: Vec<FormMask>,
    /// By location, the uses that bytes alone announce.
    watches: Vec<Watch>,
}

impl Lexicon {
    /// Of a draft the uses that `wanted` asks for.
    pub(crate) fn build(draft: &Draft, wanted: impl Fn(&Use) -> bool) -> Self {
        let mut lexicon = Lexicon {
            forms: vec![0; Location::COUNT],
            ways: draft.ways.clone(),
            ..Lexicon::default()
        };
        let mut texts = Vec::new();
        for (text, uses) in &draft.literals {
            if lexicon.add(uses.iter().filter(|one| wanted(one))) {
                texts.push(text);
            }
        }
        let bare: Vec<&Use> = draft.bare.iter().filter(|one| wanted(one)).collect();
        lexicon.watches = Location::ALL
            .iter()
            .map(|location| Watch::build(&bare, *location, &draft.ways))
            .collect();
        lexicon.note_forms(&bare);
        lexicon.automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .dense_depth(DENSE_DEPTH)
            .build(texts)
            .ok()
            .filter(|_| !lexicon.literals.is_empty());
        lexicon
    }

    /// Adds the next literal, unless nothing uses it.
    fn add<'u>(&mut self, uses: impl Iterator<Item = &'u Use>) -> bool {
        let first = self.uses.len();
        self.uses.extend(uses);
        let added = &self.uses[first..];
        if added.is_empty() {
            return false;
        }
        let none = (Locations::default(), 0);
        let (locations, forms) = added.iter().fold(none, |(locations, forms), one| {
            (locations.union(one.locations), forms | 1 << one.form)
        });
        self.literals.push(Entry {
            first: u32::try_from(first).unwrap_or(u32::MAX),
            end: u32::try_from(self.uses.len()).unwrap_or(u32::MAX),
            locations,
            forms,
        });
        true
    }

    fn note_forms(&mut self, bare: &[&Use]) {
        for one in self.uses.iter().chain(bare.iter().copied()) {
            for location in Location::ALL {
                if one.locations.contains(location) {
                    self.forms[location as usize] |= 1 << one.form;
                }
            }
        }
    }

    /// How many literals there are.
    pub(crate) fn len(&self) -> usize {
        self.literals.len()
    }

    /// The bytes that the automaton takes.
    pub(crate) fn memory(&self) -> usize {
        self.automaton.as_ref().map_or(0, Automaton::memory_usage)
    }

    /// Calls `found` for each use that a text announces. `seen` keeps the literals that occur in it: one that occurs
    /// ten thousand times is looked up once.
    pub(crate) fn scan(&self, text: &Text<'_>, seen: &mut Marked, mut found: impl FnMut(&Use)) {
        let traits = Traits::with(self.walk(text, seen), text.bytes);
        for literal in seen.list() {
            let entry = &self.literals[*literal as usize];
            for one in &self.uses[entry.first as usize..entry.end as usize] {
                if one.applies(text) && self.is_met(one, &traits) {
                    found(one);
                }
            }
        }
        self.watches[text.location as usize].each(text, &traits, found);
    }

    /// Notes the literals that occur, and says which bytes do.
    fn walk(&self, text: &Text<'_>, seen: &mut Marked) -> Bytes {
        seen.next(self.literals.len());
        let Some(automaton) = &self.automaton else {
            return Bytes::of(text.bytes);
        };
        let Ok(mut state) = automaton.start_state(Anchored::No) else {
            return Bytes::of(text.bytes);
        };
        let mut bytes = Bytes::NONE;
        for byte in text.bytes {
            bytes = bytes.and(*byte);
            state = automaton.next_state(Anchored::No, state, *byte);
            if !automaton.is_special(state) || !automaton.is_match(state) {
                continue;
            }
            for which in 0..automaton.match_len(state) {
                let literal = automaton.match_pattern(state, which);
                let entry = &self.literals[literal.as_usize()];
                if entry.forms & text.forms != 0 && entry.locations.contains(text.location) {
                    seen.mark(literal.as_u32());
                }
            }
        }
        bytes
    }

    fn is_met(&self, one: &Use, text: &Traits) -> bool {
        let (first, end) = one.ways;
        let ways = &self.ways[first as usize..end as usize];
        ways.iter().any(|way| way.met_by(text))
    }
}

/// One way in which bytes announce a use.
#[derive(Clone, Debug)]
struct Ask {
    way: Way,
    one: Use,
}

/// The uses at one location that bytes alone announce, filed under the rarest byte that each way needs.
#[derive(Debug, Default)]
struct Watch {
    /// The bytes that have a file.
    keys: u128,
    /// By the number of the byte, the part of `asks` that is its file.
    files: Vec<(u32, u32)>,
    /// The ways that no rare byte tells apart come first.
    asks: Vec<Ask>,
    /// How many these are.
    common: usize,
}

impl Watch {
    fn build(bare: &[&Use], location: Location, ways: &[Way]) -> Self {
        let mut common = Vec::new();
        let mut files: BTreeMap<u8, Vec<Ask>> = BTreeMap::new();
        for one in bare.iter().filter(|one| one.locations.contains(location)) {
            for way in &ways[one.ways.0 as usize..one.ways.1 as usize] {
                let ask = Ask {
                    way: *way,
                    one: **one,
                };
                match way.key() {
                    None => common.push(ask),
                    Some(key) => key
                        .numbers()
                        .for_each(|byte| files.entry(byte).or_default().push(ask.clone())),
                }
            }
        }
        let mut watch = Watch {
            keys: files.keys().fold(0, |keys, byte| keys | 1 << byte),
            files: vec![(0, 0); 128],
            common: common.len(),
            asks: common,
        };
        for (byte, asks) in files {
            let first = u32::try_from(watch.asks.len()).unwrap_or(u32::MAX);
            watch.asks.extend(asks);
            let end = u32::try_from(watch.asks.len()).unwrap_or(u32::MAX);
            watch.files[usize::from(byte)] = (first, end);
        }
        watch
    }

    fn each(&self, text: &Text<'_>, traits: &Traits, mut found: impl FnMut(&Use)) {
        let mut ask = |asks: &[Ask]| {
            for Ask { way, one } in asks {
                if text.forms & (1 << one.form) != 0 && way.met_by(traits) {
                    found(one);
                }
            }
        };
        ask(&self.asks[..self.common]);
        let mut keys = self.keys & traits.bytes.0;
        while keys != 0 {
            let (first, end) = self.files[keys.trailing_zeros() as usize];
            ask(&self.asks[first as usize..end as usize]);
            keys &= keys - 1;
        }
    }
}
