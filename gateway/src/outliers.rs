//! Outliers among clients: a sample of those who are active is grouped by DBSCAN (Ester, Kriegel, Sander, Xu 1996), and
//! how far each is from the nearest member of a group goes back to the behaviour stage, whose detector reads it. Runs on
//! a thread of its own beside the workers, or by the clock of a replay.
//!
//! The unit of distance is the reach within which two clients are neighbours, and it comes from the sample itself: for
//! three of four clients that many others as make a group are within it. Features are scaled by medians, so that a few
//! who are far off do not decide what is near.

mod scale;
mod watch;

use std::collections::HashMap;
use std::time::Duration;

use ndarray::{Array2, ArrayView1, Axis};
use petal_clustering::{Dbscan, Fit};
use petal_neighbors::BallTree;
use petal_neighbors::distance::Euclidean;
use portcullis_detect::Clock;
use portcullis_detect::behaviour::detect::Outlier;
use portcullis_detect::behaviour::{Sample, State, SubjectId, SubjectKind};

pub use watch::Watch;

/// Who sent nothing for longer is not compared.
const RECENT: Duration = Duration::from_secs(600);

/// Groups that could be found must fit into a sample so many times.
const GROUPS: usize = 4;

/// Clients whose neighbours are looked for to find the reach, and how many of them have enough within it.
const PROBES: usize = 500;
const REACHED: f32 = 0.75;

/// The shortest reach, in scaled units: where nearly all are the same, small differences are no distance.
const SHORTEST: f32 = 0.5;

/// Pairs of neighbours that are held at a time, eight bytes each. Where there are more, a part of the sample is
/// grouped, and the others are measured against that.
const PAIRS: f32 = 4e6;

/// What a measurement found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// How far each client is from the nearest group, in reaches; 0 for those within one.
    pub distances: HashMap<SubjectId, f32>,
    /// How many are in no group.
    pub outliers: usize,
}

/// Measures who is active now, and notes the distances.
pub fn measure(state: &State, settings: &Outlier, clock: &dyn Clock) -> Measured {
    let most = settings.sample.min(Outlier::MOST) as usize;
    let samples = state.sample(most, RECENT, clock);
    let measured = compare(&samples, settings.min_points as usize);
    state.note_distances(&measured.distances);
    measured
}

/// Compares clients with others of their kind: an address may hold many people, a session is one.
pub fn compare(samples: &[Sample], min_points: usize) -> Measured {
    let min_points = min_points.max(2);
    let mut measured = Measured::default();
    for kind in SubjectKind::ALL {
        let alike: Vec<&Sample> = samples.iter().filter(|s| s.subject.kind == kind).collect();
        if alike.len() < GROUPS * min_points {
            continue;
        }
        let found = distances(&scale::scaled(&alike), min_points);
        measured.outliers += found.iter().filter(|distance| **distance > 0.0).count();
        let subjects = alike.iter().map(|sample| sample.subject);
        measured.distances.extend(subjects.zip(found));
    }
    measured
}

/// Of each point the distance to the nearest one that is in a group, in reaches.
fn distances(points: &Array2<f32>, min_points: usize) -> Vec<f32> {
    let none = vec![0.0; points.nrows()];
    let Ok(tree) = BallTree::euclidean(points.view()) else {
        return none;
    };
    let (reach, neighbours) = reach(&tree, points, min_points);
    let some = part(points, neighbours);
    let (groups, _) = Dbscan::new(reach, min_points, Euclidean::default()).fit(&some, None);
    let members: Vec<usize> = groups.into_values().flatten().collect();
    let members = some.select(Axis(0), &members);
    let Ok(members) = BallTree::euclidean(members.view()) else {
        return none;
    };
    let far = |point: ArrayView1<'_, f32>| {
        let (_, distance) = members.query_nearest(&point);
        if distance > reach {
            distance / reach
        } else {
            0.0
        }
    };
    points.rows().into_iter().map(far).collect()
}

/// The reach within which three of four clients have enough neighbours, and how many neighbours a client has within it.
fn reach(
    tree: &BallTree<'_, f32, Euclidean>,
    points: &Array2<f32>,
    min_points: usize,
) -> (f32, f32) {
    let step = points.nrows().div_ceil(PROBES);
    let probes = || points.rows().into_iter().step_by(step);
    let mut reaches: Vec<f32> = probes()
        .filter_map(|point| tree.query(&point, min_points).1.last().copied())
        .collect();
    reaches.sort_by(f32::total_cmp);
    let at = (reaches.len() as f32 * REACHED) as usize;
    let reach = reaches.get(at).copied().unwrap_or(SHORTEST).max(SHORTEST);
    let within = probes().map(|point| tree.query_radius(&point, reach).len());
    let neighbours = within.sum::<usize>() as f32 / reaches.len().max(1) as f32;
    (reach, neighbours)
}

/// Every so-manieth point, so that the pairs of neighbours among them are bounded.
fn part(points: &Array2<f32>, neighbours: f32) -> Array2<f32> {
    let pairs = neighbours * points.nrows() as f32;
    let step = (pairs / PAIRS).sqrt().ceil().max(1.0) as usize;
    let rows: Vec<usize> = (0..points.nrows()).step_by(step).collect();
    points.select(Axis(0), &rows)
}

#[cfg(test)]
mod tests;
