//! The memory in which patterns run. A lazy automaton is as fast as the states that it keeps, and an attacker decides
//! how many that are; so a worker keeps one cache for each pattern that ran lately, and all of them within a bound.

use regex_automata::meta::{Cache, Regex};
use regex_automata::{Input, PatternSet, Span};

/// The most bytes that the caches of one worker keep. Harmless traffic needs a tenth of it; what exceeds it throws all
/// caches away, which costs their next use some time.
pub(crate) const MOST_BYTES: usize = 4 << 20;
/// How many patterns a set holds at most.
pub(crate) const MOST_PATTERNS: usize = 8;

#[derive(Debug)]
struct Kept {
    cache: Cache,
    bytes: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Caches {
    /// By the number of the regex.
    list: Vec<Option<Box<Kept>>>,
    bytes: usize,
    /// The most that they may take.
    most: usize,
    found: PatternSet,
    rules: u64,
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            bytes: 0,
            most: MOST_BYTES,
            found: PatternSet::new(MOST_PATTERNS),
            rules: 0,
        }
    }
}

impl Caches {
    /// Forgets everything unless it belongs to these rules.
    pub(crate) fn begin(&mut self, rules: u64) {
        if self.rules != rules {
            self.clear();
            self.rules = rules;
        }
    }

    /// Lifts the bound: without the prefilter all patterns run on all fields, and only tests do that.
    pub(crate) fn lift_bound(&mut self) {
        self.most = usize::MAX;
    }

    fn clear(&mut self) {
        self.list.clear();
        self.bytes = 0;
    }

    /// Where a regex matches first. Within one set of rules a number stands for one regex.
    pub(crate) fn find(&mut self, number: usize, regex: &Regex, bytes: &[u8]) -> Option<Span> {
        let mut kept = self.take(number, regex);
        let found = regex.search_with(&mut kept.cache, &Input::new(bytes));
        self.put(number, kept);
        found.map(|found| found.span())
    }

    /// Which patterns of a set match somewhere.
    pub(crate) fn which(&mut self, number: usize, regex: &Regex, bytes: &[u8]) -> &PatternSet {
        let mut kept = self.take(number, regex);
        self.found.clear();
        let input = Input::new(bytes);
        regex.which_overlapping_matches_with(&mut kept.cache, &input, &mut self.found);
        self.put(number, kept);
        &self.found
    }

    fn take(&mut self, number: usize, regex: &Regex) -> Box<Kept> {
        let kept = self.list.get_mut(number).and_then(Option::take);
        kept.unwrap_or_else(|| {
            let cache = regex.create_cache();
            Box::new(Kept { cache, bytes: 0 })
        })
    }

    /// Keeps a cache, and sees to the bound.
    fn put(&mut self, number: usize, mut kept: Box<Kept>) {
        let bytes = kept.cache.memory_usage();
        self.bytes = (self.bytes + bytes).saturating_sub(kept.bytes);
        kept.bytes = bytes;
        if self.bytes > self.most {
            return self.clear();
        }
        if self.list.len() <= number {
            self.list.resize_with(number + 1, || None);
        }
        self.list[number] = Some(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::pattern;

    #[test]
    fn caches_find_what_the_regex_finds_and_keep_to_their_bound() {
        let mut caches = Caches::default();
        caches.begin(1);
        let text: Vec<u8> = (0..20_000_u32).map(|i| (i * i % 97) as u8).collect();
        let mut most = 0;
        for number in 0..400 {
            let source = format!("[a-{{]{{2,9}}x{{{}}}|\\d.{{3,7}}B", number % 5 + 1);
            let regex = pattern::compile(&source).unwrap();
            let expected = regex.find(&text).map(|found| found.span());
            assert_eq!(caches.find(number, &regex, &text), expected);
            most = most.max(caches.bytes);
        }
        assert!(most > 0 && most <= MOST_BYTES, "{most}");
        let set = pattern::compile_set(&["a", "b", "ab"]).unwrap();
        let which: Vec<usize> = caches
            .which(500, &set, b"xab")
            .iter()
            .map(|id| id.as_usize())
            .collect();
        assert_eq!(which, [0, 1, 2]);
        caches.begin(2);
        assert_eq!(caches.bytes, 0);
    }
}
