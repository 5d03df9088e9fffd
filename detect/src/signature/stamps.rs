//! Sets of small numbers that are emptied in no time, so that a scan never clears memory between two fields.

/// A set of numbers below a length: each holds the round in which it was put in.
#[derive(Debug, Default)]
pub(crate) struct Stamps {
    stamps: Vec<u32>,
    round: u32,
}

impl Stamps {
    /// Empties the set, and makes room for the numbers below `length`.
    pub(crate) fn next(&mut self, length: usize) {
        if self.stamps.len() < length {
            self.stamps.resize(length, 0);
        }
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.stamps.fill(0);
            self.round = 1;
        }
    }

    /// Puts a number in, and says whether it was not yet there.
    pub(crate) fn mark(&mut self, number: usize) -> bool {
        std::mem::replace(&mut self.stamps[number], self.round) != self.round
    }

    /// Whether a number is in.
    pub(crate) fn has(&self, number: usize) -> bool {
        self.stamps[number] == self.round
    }
}

/// A set that also remembers the order in which its numbers were put in.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    stamps: Stamps,
    list: Vec<u32>,
}

impl Marked {
    /// Empties the set, and makes room for the numbers below `length`.
    pub(crate) fn next(&mut self, length: usize) {
        self.stamps.next(length);
        self.list.clear();
    }

    /// Puts a number in.
    pub(crate) fn mark(&mut self, number: u32) {
        if self.stamps.mark(number as usize) {
            self.list.push(number);
        }
    }

    /// Whether a number is in.
    pub(crate) fn has(&self, number: u32) -> bool {
        self.stamps.has(number as usize)
    }

    /// The numbers, in the order in which they were put in.
    pub(crate) fn list(&self) -> &[u32] {
        &self.list
    }

    /// Keeps only those in the list for which `keep` holds. The others still count as put in.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&u32) -> bool) {
        self.list.retain(keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_forgets_the_one_before() {
        let mut marked = Marked::default();
        for _ in 0..3 {
            marked.next(8);
            assert!(!marked.has(7));
            [7, 2, 7, 5].into_iter().for_each(|n| marked.mark(n));
            assert_eq!(marked.list(), [7, 2, 5]);
            marked.retain(|n| *n != 2);
            assert_eq!(marked.list(), [7, 5]);
            assert!(marked.has(2) && marked.has(7) && !marked.has(3));
        }
    }
}
