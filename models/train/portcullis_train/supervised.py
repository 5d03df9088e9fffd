"""Members that learn from labels, over a table of features: forests, boosted trees, their soft vote, the classifier.

A member is fitted on `Part`s and then answers `raw(values)`: float, one per row, higher is worse; and `to_onnx()`: a
graph that computes the same. Names and file names are those of the manifest.
"""

import json
from dataclasses import dataclass

import lightgbm
import numpy as np
import xgboost
from onnx import TensorProto, helper
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from portcullis_train import forest
from portcullis_train.graph import features_input, model, score_output, tensor


@dataclass
class Part:
    """Rows of a view with labels, weights, and for the classifier the class names."""

    values: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None = None
    classes: np.ndarray | None = None


class Member:
    """What members share. `params` override `defaults`."""

    name, view, group, role, cost, weight = "", "request", "supervised", "vote", "cheap", 1.0
    needs_gate = True
    defaults = {}

    def __init__(self, params=None, seed=1):
        unknown = set(params or {}) - set(self.defaults)
        if unknown:
            raise ValueError(f"{self.name} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(sorted(self.defaults))}")
        self.params, self.seed = {**self.defaults, **(params or {})}, seed

    def importance(self):
        """What each feature contributed to the fit, or None."""
        return None


def flat(name):
    return helper.make_node("Reshape", [name, "flat"], ["score"])


def ensemble_model(name, count, nodes, initializers):
    return model(nodes, features_input(count), score_output(), [*initializers, tensor("flat", [-1], np.int64)], name)


class LightGbm(Member):
    name = "lightgbm"
    defaults = {"trees": 250, "leaves": 31, "rate": 0.06, "least": 30, "features": 0.6, "rows": 0.8, "l2": 2.0, "patience": 30}

    def fit(self, train, dev):
        p = self.params
        options = {"objective": "binary", "num_leaves": p["leaves"], "learning_rate": p["rate"], "min_data_in_leaf": p["least"], "feature_fraction": p["features"], "bagging_fraction": p["rows"], "bagging_freq": 1,
                   "lambda_l2": p["l2"], "verbose": -1, "num_threads": 2, "seed": self.seed, "deterministic": True, "force_row_wise": True}
        data = lightgbm.Dataset(train.values, train.labels, weight=train.weights)
        check = lightgbm.Dataset(dev.values, dev.labels, reference=data)
        self.booster = lightgbm.train(options, data, p["trees"], valid_sets=[check], callbacks=[lightgbm.early_stopping(p["patience"], verbose=False)])
        return self

    def raw(self, values):
        return self.booster.predict(values)

    def importance(self):
        return self.booster.feature_importance("gain")

    def to_onnx(self):
        nodes = [forest.node(forest.of_lightgbm(self.booster), "features", "sum"), helper.make_node("Sigmoid", ["sum"], ["p"]), flat("p")]
        return ensemble_model(self.name, self.booster.num_feature(), nodes, [])


class XgBoost(Member):
    name = "xgboost"
    defaults = {"trees": 250, "depth": 6, "rate": 0.08, "rows": 0.8, "features": 0.5, "l2": 2.0, "least": 3.0, "patience": 30}

    def fit(self, train, dev):
        p = self.params
        self.fitted = xgboost.XGBClassifier(n_estimators=p["trees"], max_depth=p["depth"], learning_rate=p["rate"], subsample=p["rows"], colsample_bytree=p["features"], reg_lambda=p["l2"], min_child_weight=p["least"],
                                            tree_method="hist", n_jobs=2, random_state=self.seed, early_stopping_rounds=p["patience"], eval_metric="logloss")
        self.fitted.fit(train.values, train.labels, sample_weight=train.weights, eval_set=[(dev.values, dev.labels)], verbose=False)
        self.booster = self.fitted.get_booster()[: self.fitted.best_iteration + 1]
        return self

    def raw(self, values):
        return self.fitted.predict_proba(values)[:, 1]

    def importance(self):
        return self.fitted.feature_importances_

    def bias(self):
        """The logit that training began from; versions write the probability with or without brackets."""
        start = json.loads(self.booster.save_config())["learner"]["learner_model_param"]["base_score"]
        # The library keeps the share as a float32, and the logit must begin from the same bits.
        share = float(np.float32(float(start.strip("[]"))))
        return np.log(share / (1 - share))

    def to_onnx(self):
        nodes = [forest.node(forest.of_xgboost(self.booster), "features", "sum", strict=True), helper.make_node("Add", ["sum", "bias"], ["shifted"]), helper.make_node("Sigmoid", ["shifted"], ["p"]), flat("p")]
        return ensemble_model(self.name, self.fitted.n_features_in_, nodes, [tensor("bias", [self.bias()], np.float32)])


def share_of_attacks(tree):
    """The value of a node of a scikit-learn classifier: the share of attacks that ended there."""
    return lambda node: tree.value[node][0][1] / tree.value[node][0].sum()


def classifier_trees(fitted):
    return [forest.of_sklearn(one.tree_, share_of_attacks(one.tree_)) for one in fitted.estimators_]


class RandomForest(Member):
    name = "random-forest"
    defaults = {"trees": 80, "depth": 13, "least": 8, "features": 0.15}

    def fit(self, train, _dev):
        p = self.params
        self.fitted = RandomForestClassifier(p["trees"], max_depth=p["depth"], min_samples_leaf=p["least"], max_features=p["features"], class_weight="balanced", n_jobs=2, random_state=self.seed)
        self.fitted.fit(train.values, train.labels, sample_weight=train.weights)
        return self

    def raw(self, values):
        return self.fitted.predict_proba(values)[:, 1]

    def importance(self):
        return self.fitted.feature_importances_

    def to_onnx(self):
        return ensemble_model(self.name, self.fitted.n_features_in_, [forest.node(classifier_trees(self.fitted), "features", "p", aggregate=forest.AVERAGE), flat("p")], [])


class GradientBoosting(Member):
    name = "gradient-boosting"
    defaults = {"trees": 150, "leaves": 24, "rate": 0.08, "least": 40, "l2": 1.0}

    def fit(self, train, _dev):
        p = self.params
        self.fitted = HistGradientBoostingClassifier(max_iter=p["trees"], max_leaf_nodes=p["leaves"], learning_rate=p["rate"], min_samples_leaf=p["least"], l2_regularization=p["l2"], early_stopping=True, n_iter_no_change=15,
                                                     max_features=0.5, random_state=self.seed)
        self.fitted.fit(train.values, train.labels, sample_weight=train.weights)
        return self

    def raw(self, values):
        return self.fitted.predict_proba(values)[:, 1]

    def nodes(self, source, target):
        trees = [forest.of_histogram(one[0]) for one in self.fitted._predictors]
        return [forest.node(trees, source, f"{target}_sum"), helper.make_node("Add", [f"{target}_sum", f"{target}_bias"], [f"{target}_logit"]), helper.make_node("Sigmoid", [f"{target}_logit"], [target])], [
            tensor(f"{target}_bias", self.fitted._baseline_prediction.ravel(), np.float32)]

    def to_onnx(self):
        nodes, initializers = self.nodes("features", "p")
        return ensemble_model(self.name, self.fitted.n_features_in_, [*nodes, flat("p")], initializers)


class Voting(Member):
    """The mean of three unlike models: a linear one, extremely random trees, boosted trees."""

    name = "voting"
    defaults = {"trees": 40, "depth": 11, "boosted": 60, "c": 0.05}

    def fit(self, train, dev):
        p = self.params
        self.scaler = StandardScaler().fit(train.values)
        self.linear = LogisticRegression(C=p["c"], max_iter=300, class_weight="balanced").fit(self.scale(train.values), train.labels, sample_weight=train.weights)
        self.trees = ExtraTreesClassifier(p["trees"], max_depth=p["depth"], min_samples_leaf=6, max_features=0.3, class_weight="balanced", n_jobs=2, random_state=self.seed + 1).fit(train.values, train.labels, sample_weight=train.weights)
        self.boosted = GradientBoosting({"trees": p["boosted"], "leaves": 16, "rate": 0.12}, self.seed + 2).fit(train, dev)
        return self

    def scale(self, values):
        return self.scaler.transform(np.asarray(values, np.float64))

    def raw(self, values):
        return (self.linear.predict_proba(self.scale(values))[:, 1] + self.trees.predict_proba(values)[:, 1] + self.boosted.raw(values)) / 3

    def importance(self):
        return self.trees.feature_importances_

    def to_onnx(self):
        # Scaling is folded into the linear model's weights.
        weight = self.linear.coef_[0] / self.scaler.scale_
        bias = self.linear.intercept_[0] - float(weight @ self.scaler.mean_)
        boosted, initializers = self.nodes_of_boosted()
        nodes = [helper.make_node("Gemm", ["features", "weight", "bias"], ["logit"]), helper.make_node("Sigmoid", ["logit"], ["one"]), forest.node(classifier_trees(self.trees), "features", "two", aggregate=forest.AVERAGE),
                 *boosted, helper.make_node("Sum", ["one", "two", "three"], ["sum"]), helper.make_node("Div", ["sum", "members"], ["p"]), flat("p")]
        return ensemble_model(self.name, len(weight), nodes, [*initializers, tensor("weight", weight.reshape(-1, 1), np.float32), tensor("bias", [bias], np.float32), tensor("members", [3.0], np.float32)])

    def nodes_of_boosted(self):
        return self.boosted.nodes("features", "three")


class Classifier(Member):
    """Names the attack. It is trained on attacks and harmless requests, so that it can also say `benign`."""

    name, role, group, weight = "classifier", "classifier", None, None
    defaults = {"trees": 60, "leaves": 15, "rate": 0.12, "least": 20, "patience": 10}

    def fit(self, train, dev):
        p = self.params
        self.classes = ["benign", *sorted(set(train.classes) - {"benign"})]
        index = {name: number for number, name in enumerate(self.classes)}
        y = np.array([index[name] for name in train.classes])
        counts = np.bincount(y, minlength=len(self.classes))
        # A class weighs as the root of its size: full balance would make rare names too eager.
        weights = np.sqrt(len(y) / (len(self.classes) * np.maximum(counts, 1)))[y]
        data = lightgbm.Dataset(train.values, y, weight=weights)
        check = lightgbm.Dataset(dev.values, [index[name] if name in index else 0 for name in dev.classes], reference=data)
        options = {"objective": "multiclass", "num_class": len(self.classes), "num_leaves": p["leaves"], "learning_rate": p["rate"], "min_data_in_leaf": p["least"], "feature_fraction": 0.6, "lambda_l2": 2.0, "verbose": -1,
                   "num_threads": 2, "seed": self.seed, "deterministic": True, "force_row_wise": True}
        self.booster = lightgbm.train(options, data, p["trees"], valid_sets=[check], callbacks=[lightgbm.early_stopping(p["patience"], verbose=False)])
        return self

    def raw(self, values):
        return self.booster.predict(values)

    def to_onnx(self):
        trees = forest.of_lightgbm(self.booster, len(self.classes))
        nodes = [forest.node(trees, "features", "sums", targets=len(self.classes)), helper.make_node("Softmax", ["sums"], ["classes"], axis=1)]
        return model(nodes, features_input(self.booster.num_feature()), [("classes", TensorProto.FLOAT, ["N", len(self.classes)])], [], self.name)
