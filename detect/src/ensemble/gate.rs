//! The gate: a linear model over the hashed columns of a field, run by our own code because a call of a runtime would
//! cost more than the whole field. It says which fields are worth a second look, and it votes.
//!
//! `logit = bias + Σ weight[column] · √count[column]`, see `docs/FEATURES.md`. Its file is ONNX, of which only the two
//! initializers are read.

use crate::ensemble::onnx::{self, Tensor};
use crate::feature::{COLUMN_BITS, MOST_OF_A_COLUMN, columns_of};
use crate::field::Location;

/// Bits of the smallest gate.
const FEWEST_BITS: u32 = 12;

/// What a request without a judged field gets, and the bound of every logit.
pub const BOUND: f32 = 20.0;

/// √(n + 1) − √n, by n.
static STEPS: std::sync::LazyLock<[f32; 256]> = std::sync::LazyLock::new(|| {
    let mut steps = [0.0; 256];
    for (count, step) in (0_u16..).zip(steps.iter_mut()) {
        let count = f32::from(count);
        *step = (count + 1.0).sqrt() - count.sqrt();
    }
    // Counts stop here.
    steps[usize::from(MOST_OF_A_COLUMN)] = 0.0;
    steps
});

/// A linear model over hashed columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    weights: Vec<f32>,
    bias: f32,
    /// How many of a column's lower bits the weights do not tell apart.
    shift: u32,
}

/// Why a file is no gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoGate {
    /// The file is no ONNX model.
    #[error("it is no ONNX file")]
    NotOnnx,
    /// An initializer is missing or of another type.
    #[error("it has no initializer `{0}` of float32")]
    Missing(&'static str),
    /// The weights are not a power of two between 2^12 and 2^18.
    #[error("it has {0} weights; a power of two from 4096 to 262144 is needed")]
    Size(usize),
    /// A weight is NaN or infinite.
    #[error("one of its weights is no finite number")]
    NotFinite,
}

/// Counts of columns while a field is read; all zero between two fields.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    counts: Vec<u8>,
    touched: Vec<u32>,
}

impl Gate {
    /// Reads a gate from the bytes of its file.
    ///
    /// # Errors
    /// When the bytes are no ONNX model, or its initializers are not those of a gate.
    pub fn read(bytes: &[u8]) -> Result<Self, NoGate> {
        let tensors = onnx::initializers(bytes).ok_or(NoGate::NotOnnx)?;
        let named = |name: &'static str| {
            let tensor = tensors.iter().find(|tensor| tensor.name == name);
            tensor.and_then(Tensor::floats).ok_or(NoGate::Missing(name))
        };
        let bias = named("bias")?;
        let bias = *bias.first().ok_or(NoGate::Missing("bias"))?;
        Self::new(named("weight")?, bias)
    }

    /// A gate of these weights.
    ///
    /// # Errors
    /// When their number is not a power of two from 2^12 to 2^18, or one is not finite.
    pub fn new(weights: Vec<f32>, bias: f32) -> Result<Self, NoGate> {
        let bits = weights.len().trailing_zeros();
        if !weights.len().is_power_of_two() || !(FEWEST_BITS..=COLUMN_BITS).contains(&bits) {
            return Err(NoGate::Size(weights.len()));
        }
        if !bias.is_finite() || weights.iter().any(|weight| !weight.is_finite()) {
            return Err(NoGate::NotFinite);
        }
        Ok(Self {
            weights,
            bias,
            shift: COLUMN_BITS - bits,
        })
    }

    /// The logit of a field, −20 to 20.
    pub(crate) fn logit(&self, bytes: &[u8], location: Location, counts: &mut Counts) -> f32 {
        counts.fit(self.weights.len());
        let mut sum = self.bias;
        columns_of(bytes, location, &mut |column, _| {
            let column = column >> self.shift;
            sum += self.weights[column as usize] * counts.step(column);
        });
        counts.clear();
        sum.clamp(-BOUND, BOUND)
    }

    /// The logit of columns (of [`COLUMN_BITS`] bits, each once) and how often each occurs, unbounded: what training
    /// stores of a gate.
    pub fn logit_of(&self, columns: impl IntoIterator<Item = (u32, u32)>) -> f32 {
        let columns = columns.into_iter();
        let parts = columns.map(|(column, count)| self.part(self.column(column), count));
        self.bias + parts.sum::<f32>()
    }

    /// Which of its own columns a column is.
    pub(super) const fn column(&self, column: u32) -> u32 {
        column >> self.shift
    }

    /// What one of its own columns adds to the logit when it occurs so often.
    pub(super) fn part(&self, column: u32, count: u32) -> f32 {
        let count = count.min(u32::from(MOST_OF_A_COLUMN));
        self.weights[column as usize] * (count as f32).sqrt()
    }

    /// How many bytes its weights take.
    pub fn size(&self) -> usize {
        self.weights.len() * size_of::<f32>()
    }
}

impl Counts {
    fn fit(&mut self, columns: usize) {
        if self.counts.len() != columns {
            self.counts.clear();
            self.counts.resize(columns, 0);
        }
    }

    /// Counts a column; what this adds to the root of its count.
    #[inline]
    fn step(&mut self, column: u32) -> f32 {
        let count = &mut self.counts[column as usize];
        if *count == 0 {
            self.touched.push(column);
        }
        let step = STEPS[usize::from(*count)];
        *count = count.saturating_add(1);
        step
    }

    fn clear(&mut self) {
        for column in self.touched.drain(..) {
            self.counts[column as usize] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str, bits: u32) -> Vec<f32> {
        let mut counts = vec![0.0_f32; 1 << bits];
        columns_of(text.as_bytes(), Location::Query, &mut |column, _| {
            counts[(column >> (COLUMN_BITS - bits)) as usize] += 1.0;
        });
        counts
    }

    #[test]
    fn the_logit_is_the_sum_of_weights_times_roots() {
        for bits in [12, 16, 18] {
            let weights: Vec<f32> = (0..1_u32 << bits)
                .map(|column| (f64::from(column) * 0.37).sin() as f32 * 0.1)
                .collect();
            let gate = Gate::new(weights.clone(), -1.5).unwrap();
            let mut counts = Counts::default();
            for text in ["", "a", "' or 1=1--", &"<b>".repeat(300)] {
                let sum: f32 = counted(text, bits)
                    .iter()
                    .zip(&weights)
                    .map(|(count, weight)| count.min(255.0).sqrt() * weight)
                    .sum();
                let expected = (sum - 1.5).clamp(-BOUND, BOUND);
                let logit = gate.logit(text.as_bytes(), Location::Query, &mut counts);
                assert!(
                    (logit - expected).abs() < 1e-3,
                    "{text}: {logit} {expected}"
                );
                // What one field left must not count for the next.
                let again = gate.logit(text.as_bytes(), Location::Query, &mut counts);
                assert_eq!(logit, again);
            }
        }
    }

    #[test]
    fn what_is_no_gate_is_refused() {
        assert_eq!(Gate::new(vec![0.0; 100], 0.0), Err(NoGate::Size(100)));
        assert_eq!(
            Gate::new(vec![0.0; 1 << 19], 0.0),
            Err(NoGate::Size(1 << 19))
        );
        assert_eq!(Gate::new(vec![f32::NAN; 4096], 0.0), Err(NoGate::NotFinite));
        assert_eq!(Gate::read(b"\xff\xff\xff"), Err(NoGate::NotOnnx));
        assert_eq!(Gate::read(b""), Err(NoGate::Missing("bias")));
    }
}
