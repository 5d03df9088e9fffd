"""Calibration, thresholds, the joint vote, figures, folds: by small tables."""

import json

import numpy as np
import pytest
import scipy.sparse

from portcullis_train import calibrate, features, gate, metrics, pictures
from portcullis_train.work import folds_of, write_json


def test_calibrations_are_monotone_and_probable():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 4000)
    raw = np.clip(rng.normal(0.3 + 0.4 * labels, 0.2), 0, 1)
    for calibration in (calibrate.platt(raw, labels), calibrate.tabulated(raw, labels), calibrate.isotonic(raw, labels)):
        grid = calibrate.apply(calibration, np.linspace(0, 1, 200))
        assert (np.diff(grid) >= -1e-9).all() and 0 <= grid.min() and grid.max() <= 1
        applied = calibrate.apply(calibration, raw)
        chosen = (applied > 0.4) & (applied < 0.6)
        assert abs(labels[chosen].mean() - 0.5) < 0.15


def test_tables_keep_the_order_of_any_two():
    rng = np.random.default_rng(2)
    calibration = calibrate.tabulated(rng.random(500), rng.integers(0, 2, 500) | (rng.random(500) > 0.5))
    assert (np.diff(calibration["y"]) > 0).all() or calibration["y"][0] == calibration["y"][-1]
    assert (np.diff(calibration["x"]) > 0).all()


@pytest.mark.parametrize(("calibration", "raw", "expected"), [({"kind": "none"}, 0.3, 0.3), ({"kind": "platt", "a": 2.0, "b": -1.0}, 0.5, 0.5), ({"kind": "isotonic", "x": [0, 0.5, 1], "y": [0.1, 0.2, 0.9]}, 0.75, 0.55), ({"kind": "isotonic", "x": [0, 1], "y": [0.1, 0.9]}, 7, 0.9)])
def test_calibration_by_table(calibration, raw, expected):
    assert calibrate.apply(calibration, raw) == pytest.approx(expected)


def test_joint_by_table():
    groups = {"a": "supervised", "b": "supervised", "c": "unsupervised", "d": "neural", "e": "neural"}
    votes = {"a": np.array([1.0]), "b": np.array([0.5]), "c": np.array([0.2]), "d": np.array([0.4]), "e": np.array([0.0])}
    weights = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 60.0, "e": 0.0}
    assert calibrate.joint(votes, groups, weights)[0] == pytest.approx((50 * 0.75 + 35 * 0.2 + 15 * 0.4) / 100)
    # A group in which nobody votes leaves its share to the others.
    assert calibrate.joint({name: votes[name] for name in "ab"}, groups, weights)[0] == pytest.approx(0.75)


def test_threshold_wrongs_no_more_than_asked_for():
    rng = np.random.default_rng(3)
    domains = rng.integers(0, 80, 20000)
    scores = rng.random(20000) * (0.5 + domains / 160)
    cut = calibrate.threshold_at(scores, domains, 0.01)
    assert (scores >= cut).mean() <= 0.012
    assert (scores >= calibrate.threshold_at(scores, domains, 0.1)).mean() > 0.05


def test_thresholds_answer_for_a_domain_that_is_all_wrong():
    scores, domains = np.concatenate([np.linspace(0, 0.5, 990), np.full(10, 0.9)]), np.array([*(f"d{number % 40}" for number in range(990)), *["odd"] * 10])
    # With that domain drawn, one in a hundred lies at 0.9: a careful threshold must be above it.
    assert calibrate.threshold_at(scores, domains, 0.005) > 0.9


def test_cut_counts_ties_as_wronged():
    assert metrics.cut_at([0.5] * 100, 0.01) > 0.5
    assert (np.arange(1000) / 1000 >= metrics.cut_at(np.arange(1000) / 1000, 0.01)).sum() == 10


def test_detection_by_class():
    scores = np.array([0.1] * 999 + [0.5] + [0.9] * 8 + [0.2] * 2)
    labels = np.array([0] * 1000 + [1] * 10)
    classes = np.array(["benign"] * 1000 + ["sqli"] * 8 + ["xss"] * 2)
    found = metrics.detection(scores, labels, classes)
    assert found["at"]["0.001"]["detected"] == pytest.approx(1.0) and found["classes"]["sqli"]["detected"] == 1.0
    strict = metrics.detection(np.where(scores == 0.5, 0.95, scores), labels, classes)
    assert strict["at"]["0.001"]["detected"] == pytest.approx(1.0)
    assert metrics.interval(50, 100)[0] < 0.5 < metrics.interval(50, 100)[1]


def test_folding_columns_adds_counts():
    matrix = scipy.sparse.csr_matrix((np.sqrt(np.array([4.0, 5.0, 1.0], np.float32)), np.array([0, 3, 64], np.int32), np.array([0, 3], np.int64)), shape=(1, 1 << 18))
    folded = features.fold_columns(matrix, 12)
    assert folded.shape == (1, 4096)
    assert folded[0, 0] == pytest.approx(3.0) and folded[0, 1] == pytest.approx(1.0)
    assert features.fold_columns(matrix, 18) is matrix


def test_requests_take_their_worst_field():
    rows = [{"request": 0}, {"request": 0}, {"request": 2}]
    assert gate.by_request(np.array([-1.0, 3.0, 90.0]), rows, 4).tolist() == [3.0, -20.0, 20.0, -20.0]


def test_labels_that_are_not_known_train_nothing():
    assert gate.labels_of([{"attacked": True}, {"attacked": False}, {"attacked": None}, {}]).tolist() == [1, 0, -1, -1]
    weights = gate.weights_of([{"location": "query", "name": "q"}] * 6, np.array([0, 0, 0, 0, 1, 1]), 1.0)
    assert weights[:4].sum() == pytest.approx(weights[4:].sum())


def test_a_domain_stays_in_one_fold():
    domains = np.array([f"d{number % 50}" for number in range(500)])
    folds = folds_of(domains, 3, 1)
    assert all(len(set(folds[domains == name])) == 1 for name in set(domains)) and set(folds) == {0, 1, 2}


def test_no_program_is_a_clear_message(monkeypatch, tmp_path):
    monkeypatch.setenv("PORTCULLIS_BIN", str(tmp_path / "none"))
    with pytest.raises(features.MissingBinary, match="PORTCULLIS_BIN"):
        features.binary()


def test_payloads_that_were_not_found_are_labelled_by_place():
    rows = [{"request": 0, "location": "query", "name": "q", "text": "alert(1)"}, {"request": 0, "location": "cookie", "name": "q", "text": "x=1;"}, {"request": 1, "location": "json", "name": "$ne", "text": "abc"},
            {"request": 1, "location": "json", "name": "other", "text": "a b"}, {"request": 2, "location": "cookie", "name": "c", "text": "; id"}, {"request": 3, "location": "query", "name": "a", "text": "'"}]
    requests = [{"location": "query", "name": "Q", "payload": "al&#101;rt(1)"}, {"location": "json", "name": "user", "payload": '{"$ne": "abc"}'}, {"location": "query", "name": "c", "payload": "; id"}, {}]
    assert gate.resolve(rows, np.array([-1, -1, -1, -1, -1, 1]), requests).tolist() == [1, 0, 1, 0, -1, 1]


def test_lists_stand_on_one_line(tmp_path):
    value = {"x": [0.5, 1, 2], "names": ["a", "b"], "nested": [{"y": [1, 2]}], "empty": []}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == value and '"x": [0.5, 1, 2],' in text


def test_roc_and_confusion_by_table():
    labels = np.array([0] * 8 + [1] * 4)
    scores = np.array([0.0, 0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.3, 0.6, 0.9, 1.0])
    curve = metrics.roc(scores, labels, labels == 0, points=8)
    wronged, detected, cuts = (np.array(column) for column in zip(*curve))
    assert (np.diff(cuts) < 0).all() and (np.diff(wronged) >= 0).all() and (np.diff(detected) >= 0).all()
    assert wronged[0] == 0 and detected[0] == pytest.approx(0.5), "above the highest harmless score"
    assert wronged[-1] == 1 and detected[-1] == 1
    for share, found, cut in curve:
        assert share == pytest.approx((scores[labels == 0] >= cut).mean()) and found == pytest.approx((scores[labels == 1] >= cut).mean())
    assert metrics.confusion(scores, labels, labels == 0, 0.5) == {"threshold": 0.5, "labels": ["harmless", "attack"], "rows": [[6, 2], [1, 3]]}


def test_precision_and_reliability_by_table():
    curve = [[0.0, 0.0, 1.0], [0.0, 0.5, 0.9], [0.25, 1.0, 0.4]]
    assert metrics.precision_recall(curve, attacks=4, harmless=8) == [[0.5, 1.0, 0.9], [1.0, pytest.approx(4 / 6), 0.4]]
    told = metrics.reliability([0.1, 0.2, 0.9, 1.0], [0, 1, 1, 1], bins=2)
    assert told == [[pytest.approx(0.15), 0.5, 2], [pytest.approx(0.95), 1.0, 2]]


def test_the_column_that_tells_is_the_one_that_is_missed():
    labels = np.array([0, 1] * 200)
    values = np.stack([labels + 0.0, np.random.default_rng(1).random(400), np.ones(400)], axis=1)
    worth = pictures.shuffled(lambda rows: float((rows[:, 0] == labels).mean()), values, ["telling", "noise", "constant"])
    assert [one["feature"] for one in worth] == ["telling"] and worth[0]["lost"] > 0.3
    assert (values[:, 0] == labels).all(), "the caller's rows stay as they are"
    assert sorted(labels[pictures.some(labels)]) == sorted(labels)
