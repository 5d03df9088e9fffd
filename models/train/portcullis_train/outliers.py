"""Members that learn what is usual, from harmless rows alone: isolation forest, local outlier factor, one-class SVM."""

import numpy as np
from onnx import helper
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from portcullis_train import forest
from portcullis_train.graph import features_input, model, score_output, tensor
from portcullis_train.supervised import Member, ensemble_model, flat

# Columns that say where a request is going, not what is wrong with it; an outlier there is a rare client, no attack.
ROUTINE = ("method_", "path_length", "path_depth", "path_asset", "path_script", "query_length", "query_parameters", "body_", "header_", "cookie_", "user_agent_", "referer_", "authorization_", "fetch_",
           "field_count", "field_judged", "longest_value", "top_path", "top_query", "top_body", "top_header", "top_cookie", "top_length", "top_letters", "top_digits", "top_words", "top_longest_word", "top_entropy")


def suspicious_columns(names):
    """The columns an outlier detector reads."""
    return np.array([index for index, name in enumerate(names) if not name.startswith(ROUTINE)] or range(len(names)))


def harmless_sample(part, most, seed):
    """Rows without attacks, at most so many."""
    rows = np.flatnonzero(part.labels == 0)
    if len(rows) > most:
        rows = np.random.default_rng(seed).choice(rows, most, replace=False)
    return part.values[np.sort(rows)]


def path_length(count):
    """Expected path length of an unsuccessful search in a binary tree of so many points (Liu, Ting, Zhou 2008)."""
    if count <= 1:
        return 0.0
    if count == 2:
        return 1.0
    return 2.0 * (np.log(count - 1.0) + np.euler_gamma) - 2.0 * (count - 1.0) / count


def depths(tree):
    """The depth of every node."""
    depth = np.zeros(tree.node_count)
    for node in range(tree.node_count):
        for child in (tree.children_left[node], tree.children_right[node]):
            if child != -1:
                depth[child] = depth[node] + 1
    return depth


class Outlier(Member):
    group, needs_gate = "unsupervised", True

    def choose(self, names):
        """Sets which columns are read; all of them where names are not known."""
        self.columns = suspicious_columns(names) if len(names) else None
        return self

    def picked(self, values):
        return values if getattr(self, "columns", None) is None else values[:, self.columns]

    def pick_nodes(self, width):
        """Nodes and initializers that select the columns, and the name of the result."""
        if getattr(self, "columns", None) is None:
            return [], [], "features", width
        return [helper.make_node("Gather", ["features", "columns"], ["picked"], axis=1)], [tensor("columns", self.columns, np.int64)], "picked", len(self.columns)


class Isolation(Outlier):
    name = "isolation-forest"
    defaults = {"trees": 120, "sample": 512, "rows": 30000, "features": 1.0}

    def fit(self, train, _dev):
        p = self.params
        self.width = train.values.shape[1]
        self.fitted = IsolationForest(n_estimators=p["trees"], max_samples=p["sample"], max_features=p["features"], n_jobs=2, random_state=self.seed)
        self.fitted.fit(self.picked(harmless_sample(train, p["rows"], self.seed)))
        return self

    def raw(self, values):
        return -self.fitted.score_samples(self.picked(values))

    def to_onnx(self):
        trees = []
        for one, columns in zip(self.fitted.estimators_, self.fitted.estimators_features_):
            depth = depths(one.tree_)
            tree = forest.of_sklearn(one.tree_, lambda node, one=one, depth=depth: depth[node] + path_length(one.tree_.n_node_samples[node]))
            tree.feature = [int(columns[feature]) for feature in tree.feature]
            trees.append(tree)
        nodes, initializers, source, _ = self.pick_nodes(self.width)
        factor = -np.log(2.0) / path_length(self.fitted.max_samples_)
        nodes += [forest.node(trees, source, "length", aggregate=forest.AVERAGE), helper.make_node("Mul", ["length", "factor"], ["exponent"]), helper.make_node("Exp", ["exponent"], ["p"]), flat("p")]
        return ensemble_model(self.name, self.width, nodes, [*initializers, tensor("factor", [factor], np.float32)])


class LocalOutliers(Outlier):
    """Local outlier factor against a sample of usual requests.

    Written by hand for few references: distances by one matrix product, then the nearest by TopK. The score is the
    factor's logarithm, as single factors of duplicates reach millions.
    """

    name, weight = "local-outlier-factor", 0.25
    defaults = {"references": 1000, "neighbours": 20}

    def choose(self, names):
        """Distances drown in many columns that are nearly always zero: only the gate, the counts of findings and the
        figures of the most suspicious field are read."""
        self.columns = np.array([index for index in suspicious_columns(names) if names[index].startswith(("gate_", "findings_", "top_"))]) if len(names) else None
        if self.columns is not None and not len(self.columns):
            self.columns = suspicious_columns(names)
        return self

    def fit(self, train, _dev):
        p = self.params
        self.width = train.values.shape[1]
        usual = self.picked(harmless_sample(train, 40000, self.seed)).astype(np.float64)
        self.scaler = StandardScaler().fit(usual)
        # Duplicates make a density infinite, so each reference is a different point.
        scaled = np.unique(np.round(self.scale(usual), 3), axis=0)
        rows = np.random.default_rng(self.seed).choice(len(scaled), min(p["references"], len(scaled)), replace=False)
        self.references = scaled[rows].astype(np.float32).astype(np.float64)
        neighbours = min(p["neighbours"], len(self.references) - 1)
        fitted = LocalOutlierFactor(n_neighbors=neighbours, novelty=True).fit(self.references)
        self.neighbours, self.reach, self.density = neighbours, fitted._distances_fit_X_[:, neighbours - 1], fitted._lrd
        return self

    def scale(self, values):
        spread = np.where(self.scaler.scale_ > 1e-9, self.scaler.scale_, 1.0)
        return np.clip((np.asarray(values, np.float64) - self.scaler.mean_) / spread, -6, 6)

    def raw(self, values):
        result = []
        for start in range(0, len(values), 2000):
            scaled = self.scale(self.picked(values[start:start + 2000]))
            squared = np.maximum((scaled**2).sum(1)[:, None] + (self.references**2).sum(1)[None] - 2 * scaled @ self.references.T, 0)
            distance = np.sqrt(squared)
            nearest = np.argpartition(distance, self.neighbours - 1, axis=1)[:, : self.neighbours]
            near = np.take_along_axis(distance, nearest, 1)
            own = 1.0 / (np.maximum(near, self.reach[nearest]).mean(1) + 1e-10)
            result.append(np.log(np.maximum(self.density[nearest].mean(1) / own, 1e-6)))
        return np.concatenate(result) if result else np.zeros(0)

    def to_onnx(self):
        nodes, initializers, source, _ = self.pick_nodes(self.width)
        spread = np.where(self.scaler.scale_ > 1e-9, self.scaler.scale_, 1.0)
        nodes += [helper.make_node("Sub", [source, "mean"], ["centred"]), helper.make_node("Div", ["centred", "spread"], ["scaled"]), helper.make_node("Clip", ["scaled", "low", "high"], ["x"]),
                  helper.make_node("Mul", ["x", "x"], ["xx"]), helper.make_node("ReduceSum", ["xx", "rows"], ["norm"], keepdims=1), helper.make_node("MatMul", ["x", "references"], ["product"]),
                  helper.make_node("Add", ["norm", "reference_norm"], ["norms"]), helper.make_node("Sub", ["norms", "product"], ["squared"]), helper.make_node("Max", ["squared", "zero"], ["positive"]), helper.make_node("Sqrt", ["positive"], ["distance"]),
                  helper.make_node("TopK", ["distance", "neighbours"], ["near", "nearest"], largest=0, sorted=0), helper.make_node("Gather", ["reach", "nearest"], ["reached"]), helper.make_node("Max", ["near", "reached"], ["reachable"]),
                  helper.make_node("ReduceMean", ["reachable"], ["mean_reach"], axes=[1], keepdims=0), helper.make_node("Add", ["mean_reach", "tiny"], ["inverse"]), helper.make_node("Gather", ["density", "nearest"], ["densities"]),
                  helper.make_node("ReduceMean", ["densities"], ["mean_density"], axes=[1], keepdims=0), helper.make_node("Mul", ["mean_density", "inverse"], ["factor"]), helper.make_node("Max", ["factor", "least"], ["bounded"]), helper.make_node("Log", ["bounded"], ["p"]), flat("p")]
        # Products are doubled in the references themselves: squared = x² + r² − x·2r.
        initializers += [tensor("mean", self.scaler.mean_, np.float32), tensor("spread", spread, np.float32), tensor("low", np.float32(-6)), tensor("high", np.float32(6)), tensor("rows", [1], np.int64), tensor("references", 2 * self.references.T, np.float32),
                         tensor("reference_norm", (self.references**2).sum(1)[None], np.float32), tensor("zero", [0.0], np.float32), tensor("neighbours", [self.neighbours], np.int64), tensor("reach", self.reach, np.float32), tensor("density", self.density, np.float32),
                         tensor("tiny", [1e-10], np.float32), tensor("least", [1e-6], np.float32)]
        return ensemble_model(self.name, self.width, nodes, initializers)


class OneClass(Outlier):
    """One-class support vectors with a radial kernel, for windows of behaviour."""

    name, view, cost, needs_gate = "one-class-svm", "behaviour", "deep", False
    defaults = {"nu": 0.03, "gamma": 0.0, "rows": 3000}

    def fit(self, train, _dev):
        p = self.params
        self.width = train.values.shape[1]
        usual = harmless_sample(train, p["rows"], self.seed).astype(np.float64)
        self.scaler = StandardScaler().fit(usual)
        self.gamma = p["gamma"] or 1.0 / self.width
        self.fitted = OneClassSVM(nu=p["nu"], gamma=self.gamma).fit(self.scale(usual))
        return self

    def scale(self, values):
        spread = np.where(self.scaler.scale_ > 1e-9, self.scaler.scale_, 1.0)
        return np.clip((np.asarray(values, np.float64) - self.scaler.mean_) / spread, -8, 8)

    def raw(self, values):
        return -self.fitted.decision_function(self.scale(values)) / len(self.fitted.support_)

    def to_onnx(self):
        vectors = self.fitted.support_vectors_
        count = len(vectors)
        spread = np.where(self.scaler.scale_ > 1e-9, self.scaler.scale_, 1.0)
        nodes = [helper.make_node("Sub", ["features", "mean"], ["centred"]), helper.make_node("Div", ["centred", "spread"], ["scaled"]), helper.make_node("Clip", ["scaled", "low", "high"], ["x"]), helper.make_node("Mul", ["x", "x"], ["xx"]),
                 helper.make_node("ReduceSum", ["xx", "rows"], ["norm"], keepdims=1), helper.make_node("MatMul", ["x", "vectors"], ["product"]), helper.make_node("Add", ["norm", "vector_norm"], ["norms"]), helper.make_node("Sub", ["norms", "product"], ["squared"]),
                 helper.make_node("Max", ["squared", "zero"], ["positive"]), helper.make_node("Mul", ["positive", "gamma"], ["exponent"]), helper.make_node("Exp", ["exponent"], ["kernel"]), helper.make_node("MatMul", ["kernel", "weight"], ["sum"]), helper.make_node("Add", ["sum", "bias"], ["p"]), flat("p")]
        # The graph computes the decision's negative over the number of support vectors, which keeps it near one.
        return model(nodes, features_input(self.width), score_output(), [
            tensor("mean", self.scaler.mean_, np.float32), tensor("spread", spread, np.float32), tensor("low", np.float32(-8)), tensor("high", np.float32(8)), tensor("rows", [1], np.int64), tensor("vectors", 2 * vectors.T, np.float32),
            tensor("vector_norm", (vectors**2).sum(1)[None], np.float32), tensor("zero", [0.0], np.float32), tensor("gamma", [-self.gamma], np.float32), tensor("weight", -self.fitted.dual_coef_.reshape(-1, 1) / count, np.float32),
            tensor("bias", [-float(self.fitted.intercept_[0]) / count], np.float32), tensor("flat", [-1], np.int64)], self.name)
