//! From a model's file to its trees: the graph must be a chain from the input over one `TreeEnsemble` node of
//! `ai.onnx.ml` 5 to the output, with nothing but constants added, multiplied, a sigmoid or an exponential behind it.
//! Every index is checked and every node reached at most once, so that a walk ends and stays inside.

use super::{Child, DEEPEST, MOST_COLUMNS, NoTrees, Node, Step, Test, Trees};
use crate::ensemble::onnx::{self, Graph, Operator, Tensor};

/// More splits than this are not read.
const MOST_NODES: usize = 1 << 20;

/// The arrays of a `TreeEnsemble`, as the file has them.
struct Arrays {
    columns: Vec<i64>,
    tests: Vec<u8>,
    thresholds: Vec<f32>,
    yes: Vec<i64>,
    yes_is_leaf: Vec<i64>,
    no: Vec<i64>,
    no_is_leaf: Vec<i64>,
    leaves: Vec<f32>,
    roots: Vec<i64>,
}

pub(super) fn trees(model: &[u8]) -> Result<Trees, NoTrees> {
    let graph = onnx::graph(model).ok_or(NoTrees::Broken("it is no ONNX file"))?;
    let mut value = graph
        .input
        .ok_or(NoTrees::Other("it has no single input"))?;
    let (mut picked, mut trees) = (None, None);
    let mut steps = Vec::new();
    for operator in &graph.operators {
        let other = operator.besides(value)?;
        match (operator.kind, &mut trees) {
            ("Gather", None) if picked.is_none() && operator.integer("axis") == Some(1) => {
                picked = Some(integers(&graph, other)?);
            }
            ("TreeEnsemble", None) if operator.domain == "ai.onnx.ml" => {
                trees = Some(ensemble(operator, picked.as_deref())?);
            }
            // The output has one column; what shape it has does not matter.
            ("Reshape" | "Identity" | "Flatten" | "Squeeze", Some(_)) => {}
            ("Add", Some(_)) => steps.push(Step::Add(constant(&graph, other)?)),
            ("Mul", Some(_)) => steps.push(Step::Multiply(constant(&graph, other)?)),
            ("Sigmoid", Some(_)) => steps.push(Step::Sigmoid),
            ("Exp", Some(_)) => steps.push(Step::Exp),
            _ => return Err(NoTrees::Other("an operator that trees do not need")),
        }
        value = match operator.outputs.as_slice() {
            [one] => one,
            _ => return Err(NoTrees::Other("an operator with several outputs")),
        };
    }
    if graph.output != Some(value) {
        return Err(NoTrees::Other("its last operator is not its output"));
    }
    let trees = trees.ok_or(NoTrees::Other("it has no trees"))?;
    Ok(Trees { steps, ..trees })
}

impl<'a> Operator<'a> {
    /// The input beside `value`, which is read once; what is left out is empty.
    fn besides(&self, value: &str) -> Result<&'a str, NoTrees> {
        match self.inputs.as_slice() {
            [one] if *one == value => Ok(""),
            [one, other] if *one == value && *other != value => Ok(other),
            [other, one] if *one == value && *other != value => Ok(other),
            _ => Err(NoTrees::Other("its operators are no chain")),
        }
    }
}

fn initializer<'a, 'g>(graph: &'a Graph<'g>, name: &str) -> Result<&'a Tensor<'g>, NoTrees> {
    let found = graph.initializers.iter().find(|tensor| tensor.name == name);
    found.ok_or(NoTrees::Other("an operand is no constant"))
}

fn constant(graph: &Graph<'_>, name: &str) -> Result<f32, NoTrees> {
    match initializer(graph, name)?.floats().as_deref() {
        Some([value]) if value.is_finite() => Ok(*value),
        _ => Err(NoTrees::Other("an operand is no single number")),
    }
}

fn integers(graph: &Graph<'_>, name: &str) -> Result<Vec<i64>, NoTrees> {
    let integers = initializer(graph, name)?.integers();
    integers.ok_or(NoTrees::Other(
        "columns are picked by what are no whole numbers",
    ))
}

/// The trees of an operator, over the columns of the input or over those that were picked of it.
fn ensemble(operator: &Operator<'_>, picked: Option<&[i64]>) -> Result<Trees, NoTrees> {
    if operator.integer("post_transform").unwrap_or(0) != 0 {
        return Err(NoTrees::Other("trees with a transformation of their own"));
    }
    if operator.integer("n_targets") != Some(1) {
        return Err(NoTrees::Other("trees with several outputs"));
    }
    let mean = match operator.integer("aggregate_function").unwrap_or(1) {
        0 => true,
        1 => false,
        _ => return Err(NoTrees::Other("neither the sum nor the mean of its trees")),
    };
    let arrays = Arrays::of(operator)?;
    let nodes = arrays.nodes(picked)?;
    let count = arrays.roots.len().max(1);
    let trees = Trees {
        roots: arrays
            .roots
            .iter()
            .map(|root| child(*root, 0, nodes.len(), arrays.leaves.len()))
            .collect::<Result<_, _>>()?,
        nodes,
        leaves: arrays.leaves,
        scale: if mean { 1.0 / count as f64 } else { 1.0 },
        steps: Vec::new(),
    };
    trees.check()?;
    Ok(trees)
}

impl Arrays {
    fn of(operator: &Operator<'_>) -> Result<Self, NoTrees> {
        let whole = |name| {
            let found = operator.integers(name);
            found.ok_or(NoTrees::Broken("an array of its nodes is missing"))
        };
        let tensor = |name| {
            let found = operator.tensor(name);
            found.ok_or(NoTrees::Broken("a tensor of its nodes is missing"))
        };
        let single = |name| -> Result<Vec<f32>, NoTrees> {
            let floats = tensor(name)?.floats();
            floats.ok_or(NoTrees::Other("trees that are not in single precision"))
        };
        let tests = tensor("nodes_modes")?.bytes();
        Ok(Self {
            columns: whole("nodes_featureids")?,
            tests: tests
                .ok_or(NoTrees::Broken("the kinds of its splits are no bytes"))?
                .to_vec(),
            thresholds: single("nodes_splits")?,
            yes: whole("nodes_truenodeids")?,
            yes_is_leaf: whole("nodes_trueleafs")?,
            no: whole("nodes_falsenodeids")?,
            no_is_leaf: whole("nodes_falseleafs")?,
            leaves: single("leaf_weights")?,
            roots: whole("tree_roots")?,
        })
    }

    fn nodes(&self, picked: Option<&[i64]>) -> Result<Vec<Node>, NoTrees> {
        let count = self.columns.len();
        if count > MOST_NODES || self.leaves.len() > MOST_NODES {
            return Err(NoTrees::Other("more splits than are read"));
        }
        let lengths = [
            self.tests.len(),
            self.thresholds.len(),
            self.yes.len(),
            self.yes_is_leaf.len(),
            self.no.len(),
            self.no_is_leaf.len(),
        ];
        if lengths.iter().any(|length| *length != count) {
            return Err(NoTrees::Broken("its arrays are not of one length"));
        }
        if self.leaves.iter().any(|leaf| !leaf.is_finite()) {
            return Err(NoTrees::Broken("a leaf is no number"));
        }
        (0..count).map(|index| self.node(index, picked)).collect()
    }

    fn node(&self, index: usize, picked: Option<&[i64]>) -> Result<Node, NoTrees> {
        let branch = |to: &[i64], is_leaf: &[i64]| {
            child(
                to[index],
                is_leaf[index],
                self.columns.len(),
                self.leaves.len(),
            )
        };
        Ok(Node {
            column: column(self.columns[index], picked)?,
            test: test(self.tests[index])?,
            threshold: self.thresholds[index],
            yes: branch(&self.yes, &self.yes_is_leaf)?,
            no: branch(&self.no, &self.no_is_leaf)?,
        })
    }
}

/// The input's column behind a split's.
fn column(named: i64, picked: Option<&[i64]>) -> Result<u16, NoTrees> {
    let broken = NoTrees::Broken("a split of a column that is not there");
    let named = match picked {
        None => named,
        Some(picked) => {
            let place = usize::try_from(named).map_err(|_| broken.clone())?;
            *picked.get(place).ok_or(broken.clone())?
        }
    };
    match u16::try_from(named) {
        Ok(column) if usize::from(column) < MOST_COLUMNS => Ok(column),
        Ok(_) => Err(NoTrees::Other("more columns than are explained")),
        Err(_) => Err(broken),
    }
}

/// The numbers are those of `nodes_modes` in the description of the operator.
fn test(mode: u8) -> Result<Test, NoTrees> {
    Ok(match mode {
        0 => Test::AtMost,
        1 => Test::Below,
        2 => Test::AtLeast,
        3 => Test::Above,
        4 => Test::Equal,
        5 => Test::Unequal,
        _ => return Err(NoTrees::Other("splits by membership")),
    })
}

fn child(to: i64, is_leaf: i64, nodes: usize, leaves: usize) -> Result<Child, NoTrees> {
    let broken = NoTrees::Broken("a branch leads nowhere");
    let (to, most) = (
        u32::try_from(to).map_err(|_| broken.clone())?,
        if is_leaf == 0 { nodes } else { leaves },
    );
    match (to as usize) < most {
        false => Err(broken),
        true if is_leaf == 0 => Ok(Child::Node(to)),
        true => Ok(Child::Leaf(to)),
    }
}

impl Trees {
    /// Whether each split is reached at most once, and no path is too long: a walk of all trees ends.
    fn check(&self) -> Result<(), NoTrees> {
        if self.roots.is_empty() {
            return Err(NoTrees::Broken("it has no roots"));
        }
        let mut seen = vec![false; self.nodes.len()];
        let mut open: Vec<(Child, usize)> = self.roots.iter().map(|root| (*root, 1)).collect();
        while let Some((at, depth)) = open.pop() {
            let Child::Node(node) = at else { continue };
            if std::mem::replace(&mut seen[node as usize], true) {
                return Err(NoTrees::Broken("a split is reached twice"));
            }
            if depth > DEEPEST {
                return Err(NoTrees::Other("trees that are too deep"));
            }
            let node = self.nodes[node as usize];
            open.extend([(node.yes, depth + 1), (node.no, depth + 1)]);
        }
        Ok(())
    }
}
