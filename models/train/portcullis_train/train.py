"""Trains members in their order: the gate with rounds of hard negatives, the tables out of fold, then each member.

Each member leaves its ONNX file, its calibration and rows to check parity with in the working folder; nothing else is
kept, so that what is evaluated and shipped is the file and not an object in memory.
"""

import json
import time

import numpy as np
import scipy.sparse

from portcullis_train import calibrate, features, gate, graph, record
from portcullis_train.catboosted import CatBoost
from portcullis_train.nets import BehaviourNet, CharacterNet, RequestNet
from portcullis_train.outliers import Isolation, LocalOutliers, OneClass
from portcullis_train.sequence import BiLstm, FlowIsolation, FlowNet, Lstm
from portcullis_train.supervised import Classifier, GradientBoosting, LightGbm, Part, RandomForest, Voting, XgBoost
from portcullis_train.work import describe, folds_of, write_json

MEMBERS = {kind.name: kind for kind in (LightGbm, XgBoost, RandomForest, GradientBoosting, Voting, Classifier, Isolation, LocalOutliers, CharacterNet, RequestNet, OneClass, BehaviourNet, Lstm, BiLstm, FlowIsolation, FlowNet, CatBoost)}
# Those that `all` trains; catboost only by its name, where its package is installed.
REQUEST_MEMBERS = [name for name, kind in MEMBERS.items() if kind.view in ("request", "characters") and kind is not CatBoost]
FOLDS = 3
# Hard negatives of a round, at most.
MINED = 30000
# Rows that train the members of a view, at most; `--params` changes it under `rows`. A convolution takes a millisecond a
# row and pass, and gains little from more.
ROWS = {"characters": 40000}


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Rows:
    """Judged fields with labels and the fold of the request each came from."""

    def __init__(self, work, part, folds):
        loaded = features.fields(work.data(part), work.features(part, "fields"))
        self.matrix, self.rows, self.schema = loaded.matrix, loaded.rows, loaded.schema
        self.labels = gate.resolve(loaded.rows, gate.labels_of(loaded.rows), list(record.read(work.data(part))))
        self.folds = folds[[row["request"] for row in loaded.rows]]


def train_gate(work):
    """Trains the gate and one gate per fold, with harmless fields of the pool that earlier rounds accused."""
    params = {**gate.DEFAULTS, **work.of("gate")}
    domains = describe(work.data("train")).domains
    train = Rows(work, "train", folds_of(domains, FOLDS, work.seed))
    say(f"gate: {len(train.rows)} distinct fields, {int((train.labels == 1).sum())} attacked, {train.matrix.nnz} values")
    weights = gate.weights_of(train.rows, train.labels, params["positive"])
    fitted = gate.fit(train.matrix, train.labels, weights, params)
    mined, history = None, []
    if work.data("pool").is_file() and params["rounds"]:
        pool_domains = np.array([record.domain(item) for item in record.read(work.data("pool"))])
        pool = Rows(work, "pool", folds_of(pool_domains, FOLDS, work.seed))
        mined = np.zeros(len(pool.rows), bool)
        for number in range(params["rounds"]):
            fitted, fresh = mine(fitted, train, weights, pool, mined, params)
            history.append(fresh)
            say(f"gate: round {number + 1} of hard negatives added {fresh['added']} fields of {len(pool.rows)}")
            if fresh["added"] < 50:
                break
    save_gate(work, fitted, train, history)
    for fold in range(FOLDS):
        inside = train.folds != fold
        matrix, labels, weight = train.matrix[inside], train.labels[inside], weights[inside]
        if mined is not None and mined.any():
            chosen = mined & (pool.folds != fold)
            matrix, labels, weight = joined(matrix, labels, weight, pool, chosen)
        work.gate(fold).write_bytes(gate.fit(matrix, labels, weight, params).to_onnx().SerializeToString())
        say(f"gate: fold {fold + 1} of {FOLDS} trained on {matrix.shape[0]} fields")
    return fitted


def mine(fitted, train, weights, pool, mined, params):
    """Marks harmless fields of the pool that score like attacks, and fits again with them."""
    attacked = fitted.logits(train.matrix[train.labels == 1])
    cut = np.quantile(attacked, 0.05)
    scores = np.where(mined, -np.inf, fitted.logits(pool.matrix))
    accused = np.flatnonzero(scores > min(cut, 0.0) - 1.0)
    accused = accused[np.argsort(-scores[accused])][:MINED]
    mined[accused] = True
    matrix, labels, weight = joined(train.matrix, train.labels, weights, pool, mined)
    return gate.fit(matrix, labels, weight, {**params, "iterations": params["iterations"] // 3}, fitted), {"added": len(accused), "cut": float(cut)}


def joined(matrix, labels, weights, pool, chosen):
    """Training rows and the mined rows of the pool. These weigh as the mean harmless row: they were drawn for being
    hard, not for being frequent."""
    usual = weights[labels == 0].mean()
    return scipy.sparse.vstack([matrix, pool.matrix[chosen]], format="csr"), np.concatenate([labels, np.zeros(int(chosen.sum()), labels.dtype)]), np.concatenate([weights, np.full(int(chosen.sum()), usual)])


def save_gate(work, fitted, train, history):
    made = fitted.to_onnx()
    work.gate().write_bytes(made.SerializeToString())
    work.model("gate").write_bytes(made.SerializeToString())
    say("gate: scoring dev")
    dev = describe(work.data("dev"))
    loaded = features.fields(work.data("dev"), work.features("dev", "fields"), distinct=False)
    logits = gate.by_request(fitted.logits(loaded.matrix), loaded.rows, loaded.requests)
    calibration = calibrate.platt(logits, dev.labels)
    rows = sample_rows(features.fold_columns(loaded.matrix, fitted.bits))
    expected = [float(row["values"].astype(np.float64) @ fitted.weight[row["columns"]].astype(np.float64) + fitted.bias) for row in rows]
    running = graph.session(made)
    worst = max(graph.check_parity(running, [row["columns"], row["values"]], [value], "gate") for row, value in zip(rows, expected))
    np.savez_compressed(work.model("gate", ".npz"), columns=np.concatenate([row["columns"] for row in rows]), values=np.concatenate([row["values"] for row in rows]), lengths=[len(row["columns"]) for row in rows], expected=expected)
    write_json(work.model("gate", ".json"), {"name": "gate", "view": "fields", "schema": loaded.schema, "role": "gate", "group": "supervised", "weight": 1.0, "cost": "cheap", "needs_gate": False, "calibration": calibration,
                                             "params": {**gate.DEFAULTS, **work.of("gate")}, "rounds": history, "fields": len(train.rows), "parity": worst})


def sample_rows(matrix, count=24):
    rows = []
    for index in np.linspace(0, matrix.shape[0] - 1, count).astype(int):
        start, end = matrix.indptr[index], matrix.indptr[index + 1]
        rows.append({"columns": matrix.indices[start:end].astype(np.int64), "values": matrix.data[start:end].astype(np.float32)})
    return [row for row in rows if len(row["columns"])]


def rows_of(work, view):
    """How many rows of the training part a view may use."""
    return work.of("rows").get(view, ROWS.get(view, 10**9))


def table(work, part, view):
    """A view of a part. The training part gets the gate's opinion out of fold: that of a gate that has not seen it."""
    if part != "train":
        return features.request_view(work.data(part), work.features(part, view), view, work.gate())
    folds = folds_of(describe(work.data("train")).domains, FOLDS, work.seed)[: rows_of(work, view)]
    pieces = []
    for fold in range(FOLDS):
        path = work.root / "data" / f"fold{fold}.{view}.jsonl.gz"
        if not path.is_file() or path.stat().st_mtime < work.data("train").stat().st_mtime:
            record.write(path, (item for index, item in enumerate(record.read(work.data("train"), len(folds))) if folds[index] == fold))
        pieces.append(features.request_view(path, work.features(f"fold{fold}", view), view, work.gate(fold)))
    values = np.zeros((len(folds), *pieces[0].values.shape[1:]), pieces[0].values.dtype)
    for fold, piece in enumerate(pieces):
        values[folds == fold] = piece.values
    return features.View(values, None, pieces[0].names, pieces[0].schema)


def part_of(view, known):
    return Part(view.values, known.labels[: len(view.values)], None, known.classes[: len(view.values)])


def train_member(work, name, parts):
    """Fits one member, checks its graph, calibrates it on dev, and leaves its files."""
    started = time.time()
    member = MEMBERS[name](work.of(name), work.seed)
    if hasattr(member, "choose"):
        member.choose(parts["names"])
    if hasattr(member, "log_folder"):
        member.log_folder = str(work.root / "logs")
    member.fit(parts["train"], parts["dev"])
    return leave(work, member, parts, started)


def leave(work, member, parts, started):
    made = member.to_onnx()
    dev = parts["dev"]
    rows = dev.values[np.random.default_rng(work.seed).choice(len(dev.values), min(400, len(dev.values)), replace=False)]
    expected = member.raw(rows)
    worst = graph.check_parity(made, [rows], expected, member.name)
    work.model(member.name).write_bytes(made.SerializeToString())
    np.savez_compressed(work.model(member.name, ".npz"), rows=rows, expected=expected)
    described = {"name": member.name, "view": member.view, "schema": parts["schema"], "role": member.role, "group": member.group, "weight": member.weight, "cost": member.cost, "needs_gate": member.needs_gate, "params": member.params,
                 "parity": worst, "bytes": work.model(member.name).stat().st_size, "seconds": round(time.time() - started, 1), "importance": importance(member, parts["names"])}
    if member.role == "classifier":
        described["classes"] = member.classes
    else:
        raw = graph.infer(made, dev.values).ravel()
        described["calibration"] = calibration_of(member, raw, dev.labels)
    write_json(work.model(member.name, ".json"), described)
    say(f"{member.name}: {described['seconds']} s, {described['bytes']} bytes, parity {worst:.1e}")
    return described


def calibration_of(member, raw, labels):
    """Outputs between 0 and 1 are spread by their logit first; outlier scores are no probabilities."""
    return calibrate.platt(raw, labels) if member.group == "unsupervised" else calibrate.tabulated(raw, labels)


def importance(member, names):
    gains = member.importance()
    if gains is None or not len(names):
        return {}
    gains = np.asarray(gains, np.float64) / max(1e-12, float(np.sum(gains)))
    return {names[index]: round(float(gains[index]), 5) for index in np.argsort(-gains)[:40]}


def load_parts(work, view):
    train, dev = table(work, "train", view), table(work, "dev", view)
    return {"train": part_of(train, describe(work.data("train"))), "dev": part_of(dev, describe(work.data("dev"))), "names": train.names if view == "request" else [], "schema": train.schema}


def run(work, wanted="all"):
    """Trains the gate and the members of the request that are wanted."""
    names = ["gate", *REQUEST_MEMBERS] if wanted == "all" else wanted.split(",")
    unknown = set(names) - {"gate", *MEMBERS}
    if unknown:
        raise ValueError(f"no model named {', '.join(sorted(unknown))}; there are: gate, {', '.join(MEMBERS)}")
    other = [name for name in names if name != "gate" and MEMBERS[name].view not in ("request", "characters")]
    if other:
        raise ValueError(f"{', '.join(other)}: requests one by one do not train these; those over histories are trained by the command history, those over connections by flow")
    if "gate" in names:
        train_gate(work)
    loaded = {}
    for name in names:
        if name == "gate":
            continue
        view = MEMBERS[name].view
        if view not in loaded:
            loaded[view] = load_parts(work, view)
        train_member(work, name, loaded[view])


def described(work, name):
    return json.loads(work.model(name, ".json").read_text())


def trained(work):
    """Names of the members whose files stand in the working folder, the gate first."""
    found = {path.stem for path in (work.root / "models").glob("*.onnx")}
    return [name for name in ["gate", *MEMBERS] if name in found]
