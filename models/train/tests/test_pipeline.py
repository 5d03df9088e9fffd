"""From nothing to a manifest: every command in order on a tiny set, with a stand-in for the gateway's features."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from portcullis_train import __main__ as command
from portcullis_train import export, graph, hardening, history
from portcullis_train.work import Work

PARAMS = {"dataset": {"services": 600, "content": 80, "attacks": 400, "valid_services": 200, "valid_attacks": 160}, "gate": {"iterations": 30, "bits": 14}, "lightgbm": {"trees": 25}, "xgboost": {"trees": 20},
          "random-forest": {"trees": 10, "depth": 6}, "gradient-boosting": {"trees": 15}, "voting": {"trees": 6, "boosted": 8}, "classifier": {"trees": 6, "leaves": 7}, "isolation-forest": {"trees": 15, "sample": 64},
          "local-outlier-factor": {"references": 100}, "dnn-request": {"epochs": 2, "batch": 64}, "harden": {"valid": 80, "train": 120}, "character-cnn": {"epochs": 1, "batch": 64, "first": 8, "second": 8, "hidden": 8},
          "history": {"requests": 2500}, "flow": {"load": 30}, "flow-isolation-forest": {"trees": 15, "sample": 64}, "flow-cnn": {"epochs": 12, "first": 8, "second": 8, "batch": 32}, "lstm": {"epochs": 2, "hidden": 4}, "bilstm": {"epochs": 8, "hidden": 6, "rate": 0.02, "batch": 32}, "dnn-behaviour": {"epochs": 30, "batch": 32}}


HISTORY = ("behaviour", "sequence", "flow")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    program = folder / "portcullis"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {Path(__file__).parent / 'fake_portcullis.py'} \"$@\"\n")
    program.chmod(0o755)
    params = folder / "params.json"
    params.write_text(json.dumps(PARAMS))
    patch = pytest.MonkeyPatch()
    patch.setenv("PORTCULLIS_BIN", str(program))
    command.main(["all", "--work", str(folder / "work"), "--params", str(params), "--models", str(folder / "models")])
    yield folder
    patch.undo()


def test_the_manifest_lists_what_lies_there(trained):
    artifacts = trained / "models" / "artifacts"
    manifest = json.loads((artifacts / "manifest.json").read_text())
    assert 0 < manifest["joint"]["grey"][0] < manifest["joint"]["grey"][1] < 1
    assert manifest["format"] == 1 and 0 < manifest["joint"]["lower"] < manifest["joint"]["tag"] <= manifest["joint"]["deny"] <= 1.001
    names = {model["name"] for model in manifest["models"]}
    assert names == {"gate", "lightgbm", "xgboost", "random-forest", "gradient-boosting", "voting", "classifier", "isolation-forest", "local-outlier-factor", "dnn-request", "character-cnn", "one-class-svm", "dnn-behaviour", "lstm", "bilstm", "flow-isolation-forest", "flow-cnn"}
    for model in manifest["models"]:
        assert hashlib.sha256((artifacts / model["file"]).read_bytes()).hexdigest() == model["sha256"]
        assert (artifacts / model["card"]).resolve().is_file()
        assert len(model["schema"]) == 16 and model["data"] == (["simulator"] if model["view"] in HISTORY else ["generator", "grammar"])
        assert model["role"] == "classifier" or (0 <= model["false_alarm_rate"] <= 1 and model["calibration"]["kind"] in ("none", "platt", "isotonic") and model["group"])


def test_files_compute_the_rows_that_lie_beside_them(trained):
    artifacts = trained / "models" / "artifacts"
    stored = json.loads((artifacts / "parity.json").read_text())
    kinds = {model["name"]: model["view"] for model in json.loads((artifacts / "manifest.json").read_text())["models"]}
    for name, sample in stored.items():
        running = graph.session(str(artifacts / f"{name}.onnx"))
        if kinds[name] == "fields":
            for columns, values, expected in zip(sample["columns"], sample["values"], sample["outputs"]):
                graph.check_parity(running, [np.array(columns, np.int64), np.array(values, np.float32)], [expected], name)
        else:
            rows = np.array(sample["inputs"], np.uint8 if kinds[name] == "characters" else np.float32).reshape(-1, *sample["shape"])
            graph.check_parity(running, [rows], np.array(sample["outputs"]), name)


def test_figures_are_written(trained):
    report = json.loads((trained / "models" / "reports" / "evaluation.json").read_text())
    assert report["scores"]["joint"]["auc"] > 0.7, "even crude features tell marks from none"
    assert set(report["scores"]["joint"]["at"]) == {"0.001", "0.003", "0.01"}
    assert 0 <= report["classifier"]["macro_f1"] <= 1
    card = (trained / "models" / "cards" / "lightgbm.md").read_text()
    assert "## Data" in card and "generator: own" in card and "## Limits" in card


def test_figures_travel_with_the_artifacts(trained):
    artifacts = trained / "models" / "artifacts"
    told = json.loads((artifacts / "report.json").read_text())["models"]
    for model in json.loads((artifacts / "manifest.json").read_text())["models"]:
        one = told[model["name"]]
        assert one["sha256"] == model["sha256"]
        rows = one["confusion"]["rows"]
        assert len(rows) == len(one["confusion"]["labels"]) and sum(map(sum, rows)) > 0
        if model["role"] != "classifier":
            assert one["metrics"]["auc"] > 0 and one["roc"][-1]["wronged"] == 1
    assert told["lightgbm"]["importance"][0]["share"] > 0 and told["gate"]["importance"] is None


def test_members_over_histories_are_judged_on_worlds_of_their_own(trained):
    report = json.loads((trained / "models" / "reports" / "history.json").read_text())
    flows = json.loads((trained / "models" / "reports" / "flow.json").read_text())
    seeds = [seed for told in (report, flows) for part in told["seeds"].values() for seed in part]
    assert len(seeds) == len(set(seeds)) == 6
    # 0.905 was seen; a training this small differs from machine to machine, and chance is 0.5.
    assert report["scores"]["bilstm"]["auc"] > 0.8, "errors give the campaigns away"
    manifest = json.loads((trained / "models" / "artifacts" / "manifest.json").read_text())
    for model in manifest["models"]:
        if model["view"] in HISTORY:
            told = flows if model["view"] == "flow" else report
            measured = told["scores"][model["name"]]["transfer"]["0.001"]
            assert model["cost"] == "deep" and (model["weight"] == 0) == (model["name"] in ("lstm", *flows["scores"])) and model["false_alarm_rate"] == measured["wronged"]
            assert (model["mode"] == "shadow") == (measured["wronged"] > 0.002 or measured["detected"] < 0.05)
    card = (trained / "models" / "cards" / "bilstm.md").read_text()
    assert (trained / "models" / "cards" / "flow-cnn.md").read_text().count("Weight 0") == 2
    assert "| scraping |" in card and "| browser (harmless) |" in card and "## Limits" in card


def test_members_over_connections_are_trained_on_rows_of_records(trained):
    flows = json.loads((trained / "models" / "reports" / "flow.json").read_text())
    # Every tenth request left no record.
    for part, count in flows["rows"]["flow"].items():
        sent = sum(1 for _ in (trained / "work" / "data" / f"flow.{part}.sent.jsonl").open())
        assert 0 < count["hostile"] < count["rows"] < 0.95 * sent, part
    # 0.976 was seen; a training this small differs from machine to machine, and chance is 0.5.
    assert flows["scores"]["flow-cnn"]["auc"] > 0.8, "errors give the campaigns away"


def test_rows_of_attackers_begin_with_their_first_hostile_request(tmp_path):
    lines = [{"attacker": True, "label": label, "group": 1, "scenario": "bot", "actor": "a"} for label in (0, 1, 0)]
    lines += [{"attacker": False, "label": 0, "scenario": "browser", "actor": "b", "victim": victim} for victim in (False, True)]
    path = tmp_path / "world.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    rows = history.known(path, history.DEFAULTS)
    assert [(int(row["row"]), int(row["hostile"])) for row in rows] == [(1, 1), (2, 1), (3, 0)]
    assert set(rows["who"]) == {"world/1", "world/b"}


def test_hours_and_days_carry_no_sign():
    values = np.full((500, 4), 7, np.float32)
    drawn = history.any_hour(values, ["hour", "other", "day", "weekend"], 1)
    assert (drawn[:, 1] == 7).all() and (values == 7).all()
    assert len(np.unique(drawn[:, 0])) == 24 and len(np.unique(drawn[:, 2])) == 7
    assert ((drawn[:, 3] == 1) == (drawn[:, 2] > 4.5 / 7)).all()


def test_a_file_that_was_tampered_with_fails_the_export(trained, tmp_path):
    work = Work(trained / "work")
    path = work.model("lightgbm")
    kept = path.read_bytes()
    path.write_bytes(work.model("xgboost").read_bytes())
    try:
        with pytest.raises(graph.ParityError, match="lightgbm"):
            export.run(work, tmp_path)
    finally:
        path.write_bytes(kept)


def test_hardening_reports_before_and_after(trained):
    work = Work(trained / "work", params=PARAMS)
    hardening.run(work, None, 1)
    report = json.loads((work.root / "reports" / "hardening.json").read_text())
    before = report["before_training"]
    assert before["after_search"]["all"] <= before["unchanged"]["all"], "a search for misses cannot find fewer"
    assert set(report["after_training"]) >= {"added", "unchanged", "after_search"}


def test_unknown_parameters_and_models_are_named(trained, tmp_path):
    params = tmp_path / "bad.json"
    params.write_text('{"lightgbm": {"leafs": 3}}')
    with pytest.raises(SystemExit, match="no parameter leafs"):
        command.main(["train", "--model", "lightgbm", "--work", str(trained / "work"), "--params", str(params)])
    with pytest.raises(SystemExit, match="no model named nothing"):
        command.main(["train", "--model", "nothing", "--work", str(trained / "work")])


def test_every_member_has_figures_and_a_picture(trained):
    reports = trained / "models" / "reports"
    manifest = json.loads((trained / "models" / "artifacts" / "manifest.json").read_text())
    for model in manifest["models"]:
        told = json.loads((reports / f"member-{model['name']}.json").read_text())
        if model["role"] == "classifier":
            assert set(told["f1"]) <= set(told["confusion"]["labels"])
            continue
        (kept, wronged), (missed, found) = told["confusion"]["rows"]
        assert kept + wronged + missed + found == told["rows"] and missed + found == told["attacks"] and told["threshold"] == model["threshold"]
        assert sum(count for _, _, count in told["calibration"]) == told["rows"]
        assert all(0 <= precision <= 1 and 0 < recall <= 1 for recall, precision, _ in told["precision_recall"])
        assert told["importance"] is None if model["role"] == "gate" else all(one["lost"] > 0 for one in told["importance"])
