//! Features on one scale: each less its median, over how far from the median half of all are. A few extreme clients move
//! neither, which is what a mean and a standard deviation would let them do.

use ndarray::Array2;
use portcullis_detect::behaviour::Sample;

/// Of a normal distribution, the standard deviation in median absolute deviations.
const NORMAL: f32 = 1.4826;

/// Least spread of a feature: where nearly all are the same, a small difference is none.
const LEAST: f32 = 0.15;

/// Beyond so many spreads a feature says no more: one that is wild must not outweigh all others.
const MOST: f32 = 6.0;

/// The samples as points, a row each.
pub(super) fn scaled(samples: &[&Sample]) -> Array2<f32> {
    let mut points = Array2::zeros((samples.len(), Sample::NAMES.len()));
    for (feature, mut column) in points.columns_mut().into_iter().enumerate() {
        let values: Vec<f32> = samples
            .iter()
            .map(|sample| finite(sample.values[feature]))
            .collect();
        let middle = median(values.clone());
        let spread = median(values.iter().map(|value| (value - middle).abs()).collect());
        let spread = (NORMAL * spread).max(LEAST);
        for (point, value) in column.iter_mut().zip(values) {
            *point = ((value - middle) / spread).clamp(-MOST, MOST);
        }
    }
    points
}

const fn finite(value: f32) -> f32 {
    if value.is_finite() { value } else { 0.0 }
}

fn median(mut values: Vec<f32>) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}
