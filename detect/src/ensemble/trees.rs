//! Exact explanations of tree ensembles: the trees of a model's file, and by how much each column moved their sum away
//! from that of a reference row.
//!
//! Contributions are Shapley values against one reference (interventional: a column that is left out has the
//! reference's value; Lundberg et al., "From local explanations to global understanding with explainable AI for trees",
//! 2020). A tree is walked once: where row and reference agree, or the column was decided above, one branch is followed,
//! and both where they part, so a leaf is reached at most once. They add up to the difference of the two sums.

mod read;

#[cfg(test)]
mod tests;

/// More columns than this are not explained: sets of them are bits of a number.
const MOST_COLUMNS: usize = 128;

/// Deeper trees are not read: the walk is a recursion, and [`Weights`] has so many rows.
const DEEPEST: usize = 64;

/// The trees of a model with one output, and what its file makes of their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Trees {
    nodes: Vec<Node>,
    leaves: Vec<f32>,
    /// Where each tree begins.
    roots: Vec<Child>,
    /// What the sum is multiplied by: 1, or one divided by the number of trees where their mean is taken.
    scale: f64,
    /// What comes after, in this order.
    steps: Vec<Step>,
}

/// A split.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Node {
    column: u16,
    test: Test,
    threshold: f32,
    yes: Child,
    no: Child,
}

/// What a split asks of its column.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Test {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    Unequal,
}

/// Where a branch leads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Child {
    Node(u32),
    Leaf(u32),
}

/// What a file does to the trees' sum, or mean.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Add(f32),
    Multiply(f32),
    Sigmoid,
    Exp,
}

/// Why a file is not explained by its trees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTrees {
    /// It computes something else, or more: it is a model all the same.
    #[error("no plain tree ensemble: {0}")]
    Other(&'static str),
    /// It says of itself that it is one, and is broken.
    #[error("a broken tree ensemble: {0}")]
    Broken(&'static str),
}

/// What each column contributed.
pub type Contributions = [f64; MOST_COLUMNS];

/// Two rows that are compared.
struct Walk<'a> {
    trees: &'a Trees,
    weights: &'a Weights,
    row: &'a [f32],
    reference: &'a [f32],
    found: &'a mut Contributions,
}

/// Which columns were decided for which row on the way down, as sets of bits.
#[derive(Clone, Copy, Default)]
struct Decided {
    row: u128,
    reference: u128,
}

/// `a! b! / (a + b + 1)!`: the share of the orders in which `a` given columns come before one, and `b` after it.
struct Weights(Box<[[f64; DEEPEST + 1]; DEEPEST + 1]>);

/// How many trees are walked before the time is looked at.
const AT_ONCE: usize = 16;

impl Trees {
    /// More columns than this are not explained.
    pub const MOST_COLUMNS: usize = MOST_COLUMNS;

    /// Reads the trees of a model's file.
    ///
    /// # Errors
    /// When it is no plain tree ensemble over the columns of a view, or a broken one. Nothing in the file is trusted.
    pub fn read(model: &[u8]) -> Result<Self, NoTrees> {
        read::trees(model)
    }

    /// How many trees there are.
    pub fn count(&self) -> usize {
        self.roots.len()
    }

    /// The trees' sum (or mean) for a row, before anything is done to it. Columns that the row does not have are 0.
    pub fn sum(&self, row: &[f32]) -> f64 {
        let sum: f64 = self.roots.iter().map(|root| self.tree(*root, row)).sum();
        sum * self.scale
    }

    /// What the model answers where its trees add up to `sum`.
    pub fn output(&self, sum: f64) -> f64 {
        self.steps.iter().fold(sum, |value, step| step.of(value))
    }

    fn tree(&self, root: Child, row: &[f32]) -> f64 {
        let mut at = root;
        loop {
            match at {
                Child::Leaf(leaf) => return f64::from(self.leaves[leaf as usize]),
                Child::Node(node) => at = self.nodes[node as usize].branch(row),
            }
        }
    }

    /// By how much each column moved the trees' sum from that of the reference to that of the row; all of them add up
    /// to the difference. `None` where `goes_on` says no, which is asked every few trees.
    pub fn contributions(
        &self,
        row: &[f32],
        reference: &[f32],
        mut goes_on: impl FnMut() -> bool,
    ) -> Option<Contributions> {
        let mut found = [0.0; MOST_COLUMNS];
        for roots in self.roots.chunks(AT_ONCE) {
            if !goes_on() {
                return None;
            }
            let mut walk = Walk {
                trees: self,
                weights: Weights::shared(),
                row,
                reference,
                found: &mut found,
            };
            for root in roots {
                walk.follow(*root, Decided::default());
            }
        }
        for contribution in &mut found {
            *contribution *= self.scale;
        }
        Some(found)
    }
}

impl Walk<'_> {
    /// What the leaves below add to a column that was decided for the row further up, and what they take from one that
    /// was decided for the reference.
    fn follow(&mut self, at: Child, decided: Decided) -> (f64, f64) {
        let node = match at {
            Child::Leaf(leaf) => return self.leaf(leaf, decided),
            Child::Node(node) => self.trees.nodes[node as usize],
        };
        let (with, without) = (node.branch(self.row), node.branch(self.reference));
        let bit = 1 << node.column;
        if with == without || decided.row & bit != 0 {
            return self.follow(with, decided);
        }
        if decided.reference & bit != 0 {
            return self.follow(without, decided);
        }
        let for_row = self.follow(with, decided.with_row(bit));
        let for_reference = self.follow(without, decided.with_reference(bit));
        self.found[usize::from(node.column)] += for_row.0 - for_reference.1;
        (for_row.0 + for_reference.0, for_row.1 + for_reference.1)
    }

    fn leaf(&self, leaf: u32, decided: Decided) -> (f64, f64) {
        let value = f64::from(self.trees.leaves[leaf as usize]);
        let row = decided.row.count_ones() as usize;
        let reference = decided.reference.count_ones() as usize;
        let weight = |of: usize, others: usize| match of {
            0 => 0.0,
            of => value * self.weights.0[of - 1][others],
        };
        (weight(row, reference), weight(reference, row))
    }
}

impl Decided {
    fn with_row(self, bit: u128) -> Self {
        Self {
            row: self.row | bit,
            ..self
        }
    }

    fn with_reference(self, bit: u128) -> Self {
        Self {
            reference: self.reference | bit,
            ..self
        }
    }
}

impl Node {
    fn branch(&self, row: &[f32]) -> Child {
        let value = row.get(usize::from(self.column)).copied().unwrap_or(0.0);
        if self.test.holds(value, self.threshold) {
            self.yes
        } else {
            self.no
        }
    }
}

impl Test {
    fn holds(self, value: f32, threshold: f32) -> bool {
        match self {
            Self::AtMost => value <= threshold,
            Self::Below => value < threshold,
            Self::AtLeast => value >= threshold,
            Self::Above => value > threshold,
            Self::Equal => value == threshold,
            Self::Unequal => value != threshold,
        }
    }
}

impl Step {
    fn of(self, value: f64) -> f64 {
        match self {
            Self::Add(addend) => value + f64::from(addend),
            Self::Multiply(factor) => value * f64::from(factor),
            Self::Sigmoid => 1.0 / (1.0 + (-value).exp()),
            Self::Exp => value.exp(),
        }
    }
}

impl Weights {
    fn shared() -> &'static Self {
        static WEIGHTS: std::sync::LazyLock<Weights> = std::sync::LazyLock::new(Weights::new);
        &WEIGHTS
    }

    /// By `w(a, 0) = 1 / (a + 1)` and `w(a, b) = w(a, b - 1) · b / (a + b + 1)`.
    fn new() -> Self {
        let mut weights = Box::new([[0.0; DEEPEST + 1]; DEEPEST + 1]);
        for (before, row) in weights.iter_mut().enumerate() {
            // At most 64: exact.
            let before = before as f64;
            let mut weight = 1.0 / (before + 1.0);
            row[0] = weight;
            for (after, cell) in row.iter_mut().enumerate().skip(1) {
                let after = after as f64;
                weight *= after / (before + after + 1.0);
                *cell = weight;
            }
        }
        Self(weights)
    }
}
