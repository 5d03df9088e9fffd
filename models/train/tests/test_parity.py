"""Every kind of member: what ONNX Runtime computes is what was trained."""

import numpy as np
import pytest
import scipy.sparse

from portcullis_train import graph
from portcullis_train import train as trainer
from portcullis_train.catboosted import CatBoost, installed
from portcullis_train.gate import Gate, fit
from portcullis_train.nets import BehaviourNet, CharacterNet, RequestNet
from portcullis_train.outliers import Isolation, LocalOutliers, OneClass
from portcullis_train.supervised import Classifier, GradientBoosting, LightGbm, Part, RandomForest, Voting, XgBoost

SMALL = {LightGbm: {"trees": 20}, XgBoost: {"trees": 20}, RandomForest: {"trees": 20, "depth": 9, "least": 3, "features": 0.5}, GradientBoosting: {"trees": 20}, Voting: {"trees": 8, "boosted": 10}, Isolation: {"trees": 20, "sample": 128},
         LocalOutliers: {"references": 150}, OneClass: {"rows": 300}, RequestNet: {"epochs": 25, "batch": 32, "patience": 25}, BehaviourNet: {"epochs": 10, "batch": 64}}


def table(seed, rows=1200, columns=12):
    """Two classes that differ in a product and a threshold, on a grid so that splits meet values exactly."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(rows, columns)), 1).astype(np.float32)
    labels = ((values[:, 0] * values[:, 1] > 0.3) | (values[:, 2] > 1.2)).astype(np.uint8)
    return Part(values, labels)


@pytest.mark.parametrize("kind", list(SMALL), ids=lambda kind: kind.name)
def test_graph_computes_the_member(kind):
    train, dev = table(1), table(2, 600)
    member = kind(SMALL[kind]).fit(train, dev)
    expected = member.raw(dev.values)
    assert np.ptp(expected) > 1e-3, "a constant would agree with anything"
    assert graph.check_parity(member.to_onnx(), [dev.values], expected, member.name) <= graph.TOLERANCE


@pytest.mark.parametrize("kind", [LightGbm, XgBoost, RandomForest, GradientBoosting, Voting, RequestNet], ids=lambda kind: kind.name)
def test_supervised_members_learn(kind):
    train, dev = table(1), table(2, 600)
    score = kind(SMALL[kind]).fit(train, dev).raw(dev.values)
    assert score[dev.labels == 1].mean() > score[dev.labels == 0].mean() + 0.15


def test_catboost_where_it_is_installed():
    train, dev = table(1), table(2, 600)
    member = CatBoost({"trees": 20, "depth": 4, "rate": 0.2})
    if not installed():
        with pytest.raises(ValueError, match="catboost is not installed"):
            member.fit(train, dev)
        return
    expected = member.fit(train, dev).raw(dev.values)
    assert expected[dev.labels == 1].mean() > expected[dev.labels == 0].mean() + 0.15 and len(member.importance()) == train.values.shape[1]
    assert graph.check_parity(member.to_onnx(), [dev.values], expected, member.name) <= graph.TOLERANCE


def test_all_trains_the_same_members_everywhere():
    assert "catboost" in trainer.MEMBERS and "catboost" not in trainer.REQUEST_MEMBERS


def test_classifier_names_classes():
    train, dev = table(1), table(2, 600)
    for part in (train, dev):
        part.classes = np.where(part.labels == 0, "benign", np.where(part.values[:, 2] > 1.2, "xss", "sqli"))
    member = Classifier({"trees": 25, "patience": 30}).fit(train, dev)
    named = np.array(member.classes)[graph.infer(member.to_onnx(), dev.values).argmax(1)]
    assert member.classes[0] == "benign"
    assert (named == dev.classes).mean() > 0.85
    graph.check_parity(member.to_onnx(), [dev.values], member.raw(dev.values), member.name)


def test_outliers_ignore_the_columns_of_routine():
    train, dev = table(1), table(2, 600)
    names = ["path_length", "top_quotes"] + [f"header_{number}" for number in range(10)]
    member = Isolation({"trees": 20, "sample": 128}).choose(names).fit(train, dev)
    changed = dev.values.copy()
    changed[:, 0] = 99
    assert np.allclose(member.raw(changed), member.raw(dev.values))
    graph.check_parity(member.to_onnx(), [dev.values], member.raw(dev.values), member.name)


def test_character_net_learns_a_word_and_agrees():
    rng = np.random.default_rng(3)

    def part(count):
        values = np.zeros((count, 3, 256), np.uint8)
        values[:, :, :40] = rng.integers(97, 110, (count, 3, 40))
        labels = rng.integers(0, 2, count).astype(np.uint8)
        for row in np.flatnonzero(labels):
            start = rng.integers(0, 30)
            values[row, rng.integers(0, 3), start:start + 6] = np.frombuffer(b"'or'1=", np.uint8)
        return Part(values, labels)
    train, dev = part(768), part(256)
    member = CharacterNet({"epochs": 7, "batch": 32, "first": 24, "second": 24, "hidden": 16, "patience": 30, "rate": 0.006}).fit(train, dev)
    expected = member.raw(dev.values)
    assert ((expected > 0.5) == dev.labels).mean() > 0.9
    graph.check_parity(member.to_onnx(), [dev.values], expected, member.name)


def test_gate_graph_sums_its_columns():
    rng = np.random.default_rng(4)
    matrix = scipy.sparse.random(300, 1 << 18, density=2e-5, format="lil", random_state=5, dtype=np.float32)
    matrix[:150, 4096] = 1.0
    labels = np.array([1] * 150 + [0] * 150)
    gate = fit(matrix.tocsr(), labels, np.ones(300), {"bits": 14})
    assert gate.bits == 14 and ((gate.logits(matrix.tocsr()) > 0) == labels).mean() > 0.95
    made = graph.session(gate.to_onnx())
    for _ in range(20):
        columns = rng.choice(1 << 14, 30, replace=False).astype(np.int64)
        values = rng.random(30, np.float32)
        expected = float(gate.weight[columns] @ values + gate.bias)
        assert abs(float(graph.infer(made, columns, values)[0]) - expected) < 1e-5


def test_a_wrong_graph_is_refused():
    train, dev = table(1), table(2, 600)
    member = LightGbm(SMALL[LightGbm]).fit(train, dev)
    with pytest.raises(graph.ParityError, match="differs"):
        graph.check_parity(member.to_onnx(), [dev.values], member.raw(dev.values) + 2e-5, member.name)


def test_gate_of_zero_weights_says_its_bias():
    assert Gate(np.zeros(4096), -2.0).logits(scipy.sparse.csr_matrix((1, 1 << 18), dtype=np.float32))[0] == -2.0
