use super::*;

/// A column, a test's threshold, and where the branches lead: a negative number is a leaf.
type Split = (i64, f32, i64, i64);

/// A field of protobuf: the number, and what is in it.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = varint(number << 3 | 2);
    out.extend(varint(bytes.len() as u64));
    out.extend_from_slice(bytes);
    out
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn attribute(name: &str, number: u64, values: &[i64]) -> Vec<u8> {
    let mut message = field(1, name.as_bytes());
    for value in values {
        message.extend(varint(number << 3));
        message.extend(varint(value.cast_unsigned()));
    }
    field(5, &message)
}

fn tensor_of(kind: u8, name: &str, raw: &[u8]) -> Vec<u8> {
    let mut tensor = vec![2 << 3, kind];
    tensor.extend(field(8, name.as_bytes()));
    tensor.extend(field(9, raw));
    tensor
}

fn floats(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn tensor_attribute(name: &str, tensor: &[u8]) -> Vec<u8> {
    let mut message = field(1, name.as_bytes());
    message.extend(field(5, tensor));
    field(5, &message)
}

fn operator(kind: &str, domain: &str, inputs: &[&str], output: &str, attributes: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    for input in inputs {
        message.extend(field(1, input.as_bytes()));
    }
    message.extend(field(2, output.as_bytes()));
    message.extend(field(4, kind.as_bytes()));
    message.extend(field(7, domain.as_bytes()));
    message.extend_from_slice(attributes);
    field(1, &message)
}

/// What a test changes of a model.
#[derive(Clone)]
struct Made {
    splits: Vec<Split>,
    leaves: Vec<f32>,
    roots: Vec<i64>,
    mode: u8,
    mean: bool,
    targets: i64,
    bias: f32,
    last: &'static str,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            splits: vec![(0, 0.5, -1, 1), (1, 2.0, -2, -3)],
            leaves: vec![1.0, 2.0, 4.0],
            roots: vec![0],
            mode: 0,
            mean: false,
            targets: 1,
            bias: -0.5,
            last: "Sigmoid",
        }
    }
}

impl Made {
    /// The model's file: trees, a constant added, a last operator.
    fn file(&self) -> Vec<u8> {
        let whole = |of: fn(&Split) -> i64| self.splits.iter().map(of).collect::<Vec<i64>>();
        let to = |child: i64| if child < 0 { -child - 1 } else { child };
        let ids = |of: fn(&Split) -> i64| whole(of).into_iter().map(to).collect::<Vec<i64>>();
        let flags = |of: fn(&Split) -> i64| {
            let leaf = whole(of).into_iter().map(|child| i64::from(child < 0));
            leaf.collect::<Vec<i64>>()
        };
        let thresholds: Vec<f32> = self.splits.iter().map(|split| split.1).collect();
        let modes = vec![self.mode; self.splits.len()];
        let mut attributes = attribute("n_targets", 3, &[self.targets]);
        for (name, values) in [
            ("aggregate_function", vec![i64::from(!self.mean)]),
            ("post_transform", vec![0]),
        ] {
            attributes.extend(attribute(name, 3, &values));
        }
        for (name, values) in [
            ("nodes_featureids", whole(|split| split.0)),
            ("nodes_truenodeids", ids(|split| split.2)),
            ("nodes_trueleafs", flags(|split| split.2)),
            ("nodes_falsenodeids", ids(|split| split.3)),
            ("nodes_falseleafs", flags(|split| split.3)),
            ("tree_roots", self.roots.clone()),
        ] {
            attributes.extend(attribute(name, 8, &values));
        }
        for (name, tensor) in [
            ("nodes_modes", tensor_of(2, "m", &modes)),
            ("nodes_splits", tensor_of(1, "s", &floats(&thresholds))),
            ("leaf_weights", tensor_of(1, "l", &floats(&self.leaves))),
        ] {
            attributes.extend(tensor_attribute(name, &tensor));
        }
        let mut graph = operator("TreeEnsemble", "ai.onnx.ml", &["x"], "sum", &attributes);
        graph.extend(operator("Add", "", &["sum", "bias"], "logit", &[]));
        graph.extend(operator(self.last, "", &["logit"], "y", &[]));
        graph.extend(field(5, &tensor_of(1, "bias", &floats(&[self.bias]))));
        graph.extend(field(11, &field(1, b"x")));
        graph.extend(field(12, &field(1, b"y")));
        field(7, &graph)
    }
}

#[test]
fn a_file_is_read_as_it_would_be_run() {
    let trees = Trees::read(&Made::default().file()).unwrap();
    for (row, leaf) in [
        ([0.5, 9.0], 1.0),
        ([0.6, 2.0], 2.0),
        ([0.6, 2.1], 4.0),
        ([-1.0, -1.0], 1.0),
    ] {
        assert_eq!(trees.sum(&row), leaf, "{row:?}");
        let expected = 1.0 / (1.0 + (-(leaf - 0.5)).exp());
        assert!((trees.output(trees.sum(&row)) - expected).abs() < 1e-12);
    }
    let strict = Made {
        mode: 1,
        mean: true,
        roots: vec![0, 1],
        splits: vec![(0, 0.5, -1, -2), (0, 0.5, -2, -3)],
        ..Made::default()
    };
    let trees = Trees::read(&strict.file()).unwrap();
    assert_eq!(trees.count(), 2);
    assert_eq!(trees.sum(&[0.5]), (2.0 + 4.0) / 2.0);
    assert_eq!(trees.sum(&[0.4]), (1.0 + 2.0) / 2.0);
}

#[test]
fn what_is_no_plain_ensemble_or_broken_is_refused() {
    use NoTrees::{Broken, Other};
    let made = Made::default;
    let cases: [(Made, NoTrees); 10] = [
        (
            Made {
                last: "Softmax",
                ..made()
            },
            Other("an operator that trees do not need"),
        ),
        (
            Made {
                targets: 2,
                ..made()
            },
            Other("trees with several outputs"),
        ),
        (Made { mode: 6, ..made() }, Other("splits by membership")),
        (
            Made {
                roots: vec![],
                ..made()
            },
            Broken("it has no roots"),
        ),
        (
            Made {
                roots: vec![2],
                ..made()
            },
            Broken("a branch leads nowhere"),
        ),
        (
            Made {
                roots: vec![-1],
                ..made()
            },
            Broken("a branch leads nowhere"),
        ),
        (
            Made {
                splits: vec![(0, 0.5, -1, -9)],
                ..made()
            },
            Broken("a branch leads nowhere"),
        ),
        (
            Made {
                splits: vec![(-1, 0.5, -1, -2)],
                ..made()
            },
            Broken("a split of a column that is not there"),
        ),
        (
            Made {
                splits: vec![(0, 0.5, -1, 0)],
                ..made()
            },
            Broken("a split is reached twice"),
        ),
        (
            Made {
                leaves: vec![1.0, f32::NAN, 2.0],
                ..made()
            },
            Broken("a leaf is no number"),
        ),
    ];
    for (made, expected) in cases {
        assert_eq!(Trees::read(&made.file()), Err(expected));
    }
    let many = Made {
        splits: vec![(128, 0.5, -1, -2)],
        ..made()
    };
    assert_eq!(
        Trees::read(&many.file()),
        Err(Other("more columns than are explained"))
    );
    let deep = (0..70).map(|at| (0, at as f32, -1, if at == 69 { -2 } else { at + 1 }));
    let deep = Made {
        splits: deep.collect(),
        ..made()
    };
    assert_eq!(
        Trees::read(&deep.file()),
        Err(Other("trees that are too deep"))
    );
}

/// Whatever a file holds, reading it ends, and what was read can be walked.
#[test]
fn no_file_breaks_the_reader() {
    let file = Made::default().file();
    let row = [0.6, 2.0];
    for end in 0..file.len() {
        assert!(Trees::read(&file[..end]).is_err(), "{end}");
    }
    for at in 0..file.len() {
        for byte in [
            0,
            1,
            2,
            0x7f,
            0x80,
            0xff,
            file[at] ^ 1,
            file[at].wrapping_add(1),
        ] {
            let mut changed = file.clone();
            changed[at] = byte;
            if let Ok(trees) = Trees::read(&changed) {
                let found = trees.contributions(&row, &[0.0; 2], || true).unwrap();
                let all: f64 = found.iter().sum();
                let difference = trees.sum(&row) - trees.sum(&[0.0; 2]);
                let largest = trees
                    .leaves
                    .iter()
                    .fold(1.0_f32, |most, leaf| most.max(leaf.abs()));
                assert!((all - difference).abs() <= 1e-6 * f64::from(largest));
            }
        }
    }
}

/// Shapley values as they are defined: over all orders of the columns, what each adds when its turn comes.
fn by_definition(trees: &Trees, row: &[f32], reference: &[f32]) -> Vec<f64> {
    let columns = row.len();
    let value = |set: usize| {
        let mixed: Vec<f32> = (0..columns)
            .map(|column| {
                if set >> column & 1 == 1 {
                    row[column]
                } else {
                    reference[column]
                }
            })
            .collect();
        trees.sum(&mixed)
    };
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    let gain = |column: usize, set: usize| {
        let size = set.count_ones() as usize;
        let weight = factorial(size) * factorial(columns - size - 1) / factorial(columns);
        weight * (value(set | 1 << column) - value(set))
    };
    (0..columns)
        .map(|column| {
            let without = (0..1_usize << columns).filter(|set| set >> column & 1 == 0);
            without.map(|set| gain(column, set)).sum()
        })
        .collect()
}

/// A tree of random splits over five columns, drawn by a seed.
fn grown(seed: &mut u64, depth: usize, splits: &mut Vec<Split>, leaves: &mut Vec<f32>) -> i64 {
    let mut draw = |below: u64| {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    };
    if depth == 0 || draw(6) == 0 {
        leaves.push(draw(100) as f32 / 10.0 - 5.0);
        return -i64::try_from(leaves.len()).unwrap();
    }
    let (column, threshold) = (i64::try_from(draw(5)).unwrap(), draw(10) as f32 / 10.0);
    let at = splits.len();
    splits.push((column, threshold, 0, 0));
    splits[at].2 = grown(seed, depth - 1, splits, leaves);
    splits[at].3 = grown(seed, depth - 1, splits, leaves);
    i64::try_from(at).unwrap()
}

#[test]
fn contributions_are_shapley_values() {
    let mut seed = 7;
    let mut apart = 0;
    for _ in 0..40 {
        let (mut splits, mut leaves, mut roots) = (Vec::new(), Vec::new(), Vec::new());
        while roots.len() < 3 {
            let root = grown(&mut seed, 6, &mut splits, &mut leaves);
            if root >= 0 {
                roots.push(root);
            }
        }
        let made = Made {
            splits,
            leaves,
            roots,
            mean: true,
            ..Made::default()
        };
        let trees = Trees::read(&made.file()).unwrap();
        let row = [0.95, 0.05, 0.45, 0.75, 0.25];
        let reference = [0.15, 0.85, 0.45, 0.35, 0.65];
        let found = trees.contributions(&row, &reference, || true).unwrap();
        for (column, expected) in by_definition(&trees, &row, &reference).iter().enumerate() {
            assert!(
                (found[column] - expected).abs() < 1e-9,
                "{column}: {} {expected}",
                found[column]
            );
            apart += usize::from(expected.abs() > 0.1);
        }
        assert_eq!(
            found[2], 0.0,
            "where both are the same nothing is contributed"
        );
        let all: f64 = found.iter().sum();
        assert!((all - (trees.sum(&row) - trees.sum(&reference))).abs() < 1e-9);
    }
    assert!(apart > 50, "random trees that say nothing prove nothing");
}

#[test]
fn without_time_there_is_no_explanation() {
    let trees = Trees::read(&Made::default().file()).unwrap();
    assert_eq!(trees.contributions(&[1.0], &[0.0], || false), None);
}
