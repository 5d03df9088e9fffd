"""Copies trained members to models/artifacts with a manifest; every file is checked once more against stored rows."""

import hashlib
import json
import shutil
import time

import numpy as np

from portcullis_train import graph
from portcullis_train.train import described, say, trained
from portcullis_train.work import write_json

# The repository holds at most this many bytes of artifacts.
MOST_BYTES = 20_000_000
SAMPLES = 6


def check(work, name):
    """Parity of a file with what its training stored. Raises ParityError."""
    stored = np.load(work.model(name, ".npz"))
    running = graph.session(str(work.model(name)))
    if "rows" in stored:
        return graph.check_parity(running, [stored["rows"]], stored["expected"], name)
    worst, ends = 0.0, np.cumsum(stored["lengths"])
    for end, length, expected in zip(ends, stored["lengths"], stored["expected"]):
        worst = max(worst, graph.check_parity(running, [stored["columns"][end - length:end], stored["values"][end - length:end]], [expected], name))
    return worst


def samples(work, name):
    """A few inputs with the trained model's own outputs, for the gateway's test of parity."""
    stored = np.load(work.model(name, ".npz"))
    if "rows" in stored:
        rows, expected = stored["rows"][:SAMPLES], stored["expected"][:SAMPLES]
        return {"inputs": [[short(value) for value in row.ravel()] for row in rows], "shape": list(rows.shape[1:]), "outputs": expected.tolist()}
    ends = np.cumsum(stored["lengths"])[:SAMPLES]
    return {"columns": [stored["columns"][end - length:end].tolist() for end, length in zip(ends, stored["lengths"])], "values": [[short(value) for value in stored["values"][end - length:end]] for end, length in zip(ends, stored["lengths"])], "outputs": stored["expected"][:SAMPLES].tolist()}


def short(value):
    """A float32 as the shortest text that reads back the same."""
    return int(value) if float(value).is_integer() else float(str(np.float32(value)))


def entry(work, name, report, trained_on):
    """One model of the manifest."""
    about = described(work, name)
    path = work.model(name)
    made = {"name": name, "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "view": about["view"], "schema": about["schema"], "role": about["role"]}
    if about["role"] == "classifier":
        made["classes"] = about["classes"]
    else:
        scored = report["scores"].get(name)
        made.update(group=about["group"], weight=about["weight"])
        made.update(calibration=about["calibration"], threshold=scored["thresholds"]["0.001"], false_alarm_rate=scored["transfer"]["0.001"]["wronged"])
    made.update(cost=about["cost"], mode="shadow" if name in report["shadow"] else "active", needs_gate=about["needs_gate"], data=trained_on, date=time.strftime("%Y-%m-%d"), card=f"../cards/{name}.md")
    return made


def joint_thresholds(report):
    """Thresholds of the vote. Models alone deny above the stricter of two thresholds, of dev and of valid; between tag and
    deny they need company."""
    one = report["scores"]["joint"]
    chosen, measured = one["thresholds"]["0.001"], one["at"]["0.001"]["threshold"]
    deny, rate = (chosen, one["transfer"]["0.001"]["wronged"]) if chosen >= measured else (measured, 0.001)
    tag = min(max(one["thresholds"]["0.01"], one["at"]["0.01"]["threshold"]), deny)
    return {"tag": round(tag, 6), "deny": round(deny, 6), "false_alarm_rate": rate, "lower": round(min(one["lower"], 0.5 * tag), 6), "grey": report["grey"]["zone"], "clear": report["clear"]["below"]}


RECORDED = {"browser": "browser_benign.train", "vcr_github": "api_benign.train", "content": "text_and_sql_content"}


def sources(summary):
    """Names of the sets that trained: those the training part holds requests or payloads of."""
    counts = summary["counts"]["train"]
    named = {RECORDED.get(name, name) for name in counts["sources"]} | {name.split("/")[0] for name in counts["families"]}
    return sorted(name for name in named if name in summary["licences"])


MOST_FEATURES = 40


def rounded(value):
    return None if value is None else float(f"{value:.6g}")


def measured(work, name, report, digest):
    """What the gateway's API tells of how a model was measured; `digest` says of which file."""
    made = {"sha256": digest, "importance": [{"feature": feature, "share": rounded(share)} for feature, share in list(described(work, name).get("importance", {}).items())[:MOST_FEATURES]] or None}
    if name in report["scores"]:
        one, valid = report["scores"][name], report["data"]["valid"]
        made.update(judged(one, valid["recorded_harmless"] + valid["attacks"], valid["attacks"]))
        made["metrics"]["sources"] = [{"source": source, "count": value["count"], "wronged": rounded(value["wronged"])} for source, value in one["wronged_at_0.001"].items()]
    elif described(work, name)["role"] == "classifier" and "classifier" in report:
        one = report["classifier"]
        made["metrics"] = {"accuracy": rounded(one["accuracy"]), "macro_f1": rounded(one["macro_f1"]), "classes": [{"class": cls, "f1": rounded(value)} for cls, value in one["f1"].items()]}
        made["confusion"] = one["confusion"]
    return made


def judged(one, rows, attacks):
    """Figures, curve and confusion of a member that votes."""
    return {"metrics": {
        "requests": rows, "attacks": attacks, **{key: rounded(one.get(key)) for key in ("auc", "average_precision", "calibration_error")},
        "at": [{"wronged": float(rate), "threshold": rounded(at["threshold"]), "detected": rounded(at["detected"]), "interval": [rounded(end) for end in at["interval"]]} for rate, at in one["at"].items()],
        "classes": [{"class": cls, "count": value["count"], "detected": rounded(value["detected"])} for cls, value in one["classes"].items()]},
        "roc": [dict(zip(("wronged", "detected", "threshold"), map(rounded, point))) for point in one["roc"]], "confusion": one["confusion"]}


def figures(work, models, report):
    """The file of figures that travels with the artifacts."""
    return {"format": 1, "models": {model["name"]: measured(work, model["name"], report, model["sha256"]) for model in models}}


def run(work, out):
    report = json.loads((work.root / "reports" / "evaluation.json").read_text())
    trained_on = sources(work.summary())
    folder = out / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    models, parity = [], {}
    for name in trained(work):
        if described(work, name)["view"] not in ("fields", "request", "characters"):
            continue
        worst = check(work, name)
        models.append(place(work, name, report, trained_on, folder))
        parity[name] = samples(work, name)
        say(f"{name}: {work.model(name).stat().st_size} bytes, parity {worst:.1e}")
    write_manifest(folder, {"format": 1, "joint": joint_thresholds(report), "models": models}, parity)
    (folder / "report.json").write_text(json.dumps(figures(work, models, report), separators=(",", ":")) + "\n")
    reports = out / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    for path in [work.root / "data" / "dataset.json", *sorted((work.root / "reports").iterdir())]:
        shutil.copyfile(path, reports / path.name)


def place(work, name, report, trained_on, folder):
    """Copies a model's file; its entry in the manifest."""
    shutil.copyfile(work.model(name), folder / work.model(name).name)
    return entry(work, name, report, trained_on)


def write_manifest(folder, manifest, parity):
    total = sum((folder / model["file"]).stat().st_size for model in manifest["models"])
    if total > MOST_BYTES:
        raise RuntimeError(f"artifacts take {total} bytes, allowed are {MOST_BYTES}")
    write_json(folder / "manifest.json", manifest)
    (folder / "parity.json").write_text(json.dumps(parity, separators=(",", ":")) + "\n")
    say(f"{len(manifest['models'])} models, {total} bytes in {folder}")
