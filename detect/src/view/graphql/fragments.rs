//! Which fragments of a GraphQL document contain which. One that contains itself has no end; servers have to refuse it
//! (specification of October 2021, section 5.5.2.2), and those that do not can be made to recurse until they fall.

/// The fragments of one document, of which the first 32 names are followed.
#[derive(Default)]
pub(super) struct Fragments<'t> {
    names: [&'t [u8]; MOST],
    count: usize,
    /// For each name, one bit for each name that its fragment spreads.
    spreads: [u32; MOST],
    /// The fragment that is being read.
    current: Option<usize>,
    open: bool,
}

impl<'t> Fragments<'t> {
    /// The definition of `name` begins.
    pub(super) fn open(&mut self, name: &'t [u8]) {
        self.current = self.number(name);
        self.open = true;
    }

    /// A definition ends.
    pub(super) fn close(&mut self) {
        self.current = None;
        self.open = false;
    }

    /// Whether a fragment is being read, and not an operation.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// `...name` stands in what is being read.
    pub(super) fn spread(&mut self, name: &'t [u8]) {
        if let (Some(from), Some(to)) = (self.current, self.number(name)) {
            self.spreads[from] |= 1 << to;
        }
    }

    /// Whether a fragment reaches itself (Warshall's transitive closure over the bits).
    pub(super) fn are_cyclic(&self) -> bool {
        let mut reach = self.spreads;
        for through in 0..self.count {
            for from in 0..self.count {
                if reach[from] & (1 << through) != 0 {
                    reach[from] |= reach[through];
                }
            }
        }
        reach.iter().enumerate().any(|(n, set)| set & (1 << n) != 0)
    }

    /// The number of a name; `None` when there is no room for another.
    fn number(&mut self, name: &'t [u8]) -> Option<usize> {
        let known = self.names.iter().take(self.count).position(|n| *n == name);
        if known.is_some() || self.count == MOST {
            return known;
        }
        self.names[self.count] = name;
        self.count += 1;
        Some(self.count - 1)
    }
}

/// As many as a `u32` has bits.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles() {
        // Each fragment's name, and the names it spreads.
        let cases: &[(&[(&str, &str)], bool)] = &[
            (&[], false),
            (&[("a", "b"), ("b", "c"), ("c", "")], false),
            (&[("a", "bc"), ("b", "c"), ("c", "d")], false),
            (&[("a", "a")], true),
            (&[("a", "b"), ("b", "a")], true),
            (&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "xb")], true),
        ];
        for (fragments, cyclic) in cases {
            let mut read = Fragments::default();
            for (name, spreads) in *fragments {
                read.open(name.as_bytes());
                for at in 0..spreads.len() {
                    read.spread(&spreads.as_bytes()[at..=at]);
                }
                read.close();
            }
            assert_eq!(read.are_cyclic(), *cyclic, "{fragments:?}");
        }
    }

    #[test]
    fn more_names_than_room() {
        let names: Vec<String> = (0..100).map(|n| format!("f{n}")).collect();
        let mut read = Fragments::default();
        for pair in names.windows(2) {
            read.open(pair[0].as_bytes());
            read.spread(pair[1].as_bytes());
            read.close();
        }
        assert!(!read.are_cyclic());
    }
}
