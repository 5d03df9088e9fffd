"""Forests of four libraries as one ONNX node each.

Converters write a forest as arrays of repeated attributes; one `TreeEnsemble` node of ai.onnx.ml 5 is a third of the
size and loads faster. A split of scikit-learn and LightGBM compares a float32 with a double: the largest float32 that
is not above the double makes the same decision for every input, so that trees agree exactly.
"""

import json
from dataclasses import dataclass

import numpy as np
from onnx import helper

from portcullis_train.graph import tensor

LESS_OR_EQUAL, LESS = 0, 1
AVERAGE, SUM = 0, 1


@dataclass
class Tree:
    """Nodes of a tree. A child below zero is the leaf `-child - 1`; a tree of one leaf has no nodes."""

    feature: list
    threshold: list
    left: list
    right: list
    leaves: list
    target: int = 0


def round_down(value):
    """The largest float32 that is not above a double."""
    single = np.float32(value)
    return float(np.nextafter(single, np.float32(-np.inf)) if float(single) > float(value) else single)


def of_sklearn(tree, leaf_value, target=0):
    """A fitted scikit-learn tree; `leaf_value` gives the value of a node."""
    result = Tree([], [], [], [], [], target)

    def place(node):
        if tree.children_left[node] == -1:
            result.leaves.append(float(leaf_value(node)))
            return -len(result.leaves)
        index = len(result.feature)
        result.feature.append(int(tree.feature[node]))
        result.threshold.append(round_down(tree.threshold[node]))
        result.left.append(0)
        result.right.append(0)
        result.left[index] = place(tree.children_left[node])
        result.right[index] = place(tree.children_right[node])
        return index

    place(0)
    return result


def of_histogram(predictor, target=0):
    """A tree of scikit-learn's histogram gradient boosting."""
    nodes = predictor.nodes
    result = Tree([], [], [], [], [], target)

    def place(index):
        node = nodes[index]
        if node["is_leaf"]:
            result.leaves.append(float(node["value"]))
            return -len(result.leaves)
        here = len(result.feature)
        result.feature.append(int(node["feature_idx"]))
        result.threshold.append(round_down(node["num_threshold"]))
        result.left.append(0)
        result.right.append(0)
        result.left[here] = place(node["left"])
        result.right[here] = place(node["right"])
        return here

    place(0)
    return result


def of_lightgbm(booster, classes=1):
    """The trees of a LightGBM booster, up to its best iteration."""
    dumped = booster.dump_model(num_iteration=booster.best_iteration or None)["tree_info"]
    return [nested(info["tree_structure"], "split_feature", "threshold", "left_child", "right_child", "leaf_value", int, round_down, number % classes) for number, info in enumerate(dumped)]


def of_xgboost(booster, classes=1):
    """The trees of an XGBoost booster. Its splits are strict, and float32 as they are."""
    def children(node):
        by_id = {child["nodeid"]: child for child in node["children"]}
        return {**node, "yes_node": by_id[node["yes"]], "no_node": by_id[node["no"]]}

    def walk(node):
        return node if "leaf" in node else {**children(node), "yes_node": walk(children(node)["yes_node"]), "no_node": walk(children(node)["no_node"])}

    dumped = [walk(json.loads(text)) for text in booster.get_dump(dump_format="json")]
    return [nested(root, "split", "split_condition", "yes_node", "no_node", "leaf", lambda name: int(str(name).lstrip("f")), float, number % classes) for number, root in enumerate(dumped)]


def nested(root, feature, threshold, left, right, leaf, index_of, threshold_of, target):
    result = Tree([], [], [], [], [], target)

    def place(node):
        if feature not in node:
            result.leaves.append(float(node[leaf]))
            return -len(result.leaves)
        here = len(result.feature)
        result.feature.append(index_of(node[feature]))
        result.threshold.append(threshold_of(node[threshold]))
        result.left.append(0)
        result.right.append(0)
        result.left[here] = place(node[left])
        result.right[here] = place(node[right])
        return here

    place(root)
    return result


def node(trees, name_in, name_out, targets=1, aggregate=SUM, strict=False):
    """One `TreeEnsemble` node: float32 [N, F] to float32 [N, targets]."""
    features, thresholds, true_ids, true_leaf, false_ids, false_leaf, roots = [], [], [], [], [], [], []
    leaf_targets, leaf_values = [], []
    for tree in trees:
        first_node, first_leaf = len(features), len(leaf_values)
        leaf_targets += [tree.target] * len(tree.leaves)
        leaf_values += tree.leaves
        roots.append(first_node)
        if not tree.feature:
            # The node has no form for a tree of one leaf: both branches of a split lead there.
            tree = Tree([0], [0.0], [-1], [-1], tree.leaves, tree.target)
        features += tree.feature
        thresholds += tree.threshold
        for child, ids, flags in ((tree.left, true_ids, true_leaf), (tree.right, false_ids, false_leaf)):
            ids += [first_leaf - index - 1 if index < 0 else first_node + index for index in child]
            flags += [int(index < 0) for index in child]
    return helper.make_node(
        "TreeEnsemble", [name_in], [name_out], domain="ai.onnx.ml", aggregate_function=aggregate, n_targets=targets, post_transform=0, tree_roots=roots,
        nodes_featureids=features, nodes_splits=tensor("splits", thresholds, np.float32), nodes_modes=tensor("modes", np.full(len(features), LESS if strict else LESS_OR_EQUAL), np.uint8),
        nodes_truenodeids=true_ids, nodes_trueleafs=true_leaf, nodes_falsenodeids=false_ids, nodes_falseleafs=false_leaf, leaf_targetids=leaf_targets, leaf_weights=tensor("weights", leaf_values, np.float32))
