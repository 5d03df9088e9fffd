"""Boosted trees of CatBoost: symmetric trees, every node of a level asks the same.

The package is large and not among those that the trainer comes with (`pip install catboost`, or the extra `catboost`).
Where it is installed, `train --model catboost` fits this member; `all` leaves it out, so that what is shipped does not
depend on who trained. The graph is CatBoost's own export with the one output that the gateway asks for.
"""

import importlib.util
import tempfile
from pathlib import Path

import onnx
from onnx import helper

from portcullis_train.graph import IR, OPSET, features_input, score_output, tensor
from portcullis_train.supervised import Member

# The version of the domain in which the exported node is not yet deprecated.
EXPORTED_ML = 3


def installed():
    return importlib.util.find_spec("catboost") is not None


class CatBoost(Member):
    name = "catboost"
    defaults = {"trees": 250, "depth": 6, "rate": 0.1, "l2": 3.0, "patience": 30}

    def fit(self, train, dev):
        if not installed():
            raise ValueError("catboost is not installed: pip install catboost, or leave this model out")
        import catboost
        p = self.params
        self.width = train.values.shape[1]
        self.fitted = catboost.CatBoostClassifier(iterations=p["trees"], depth=p["depth"], learning_rate=p["rate"], l2_leaf_reg=p["l2"], early_stopping_rounds=p["patience"], random_seed=self.seed, thread_count=2, verbose=0, allow_writing_files=False)
        self.fitted.fit(train.values, train.labels, sample_weight=train.weights, eval_set=(dev.values, dev.labels))
        return self

    def raw(self, values):
        return self.fitted.predict_proba(values)[:, 1]

    def importance(self):
        return self.fitted.get_feature_importance()

    def to_onnx(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "catboost.onnx"
            self.fitted.save_model(str(path), format="onnx")
            exported = next(node for node in onnx.load(str(path)).graph.node if node.op_type == "TreeEnsembleClassifier")
        exported.input[0], exported.output[1] = "features", "both"
        nodes = [exported, helper.make_node("Gather", ["both", "attack"], ["p"], axis=1), helper.make_node("Reshape", ["p", "flat"], ["score"])]
        graph = helper.make_graph(nodes, self.name, [helper.make_tensor_value_info(*item) for item in features_input(self.width)], [helper.make_tensor_value_info(*item) for item in score_output()], [tensor("attack", [1], "int64"), tensor("flat", [-1], "int64")])
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", EXPORTED_ML)], producer_name="portcullis-train", ir_version=IR)
        onnx.checker.check_model(made)
        return made
