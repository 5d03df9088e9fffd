"""Training fit: models trained on one textbook set alone and tested on a part of it, for the report and never shipped.

These sets say little about traffic that nobody has seen (CSIC 2010 and TORPEDA are one made-up shop each, CICIDS2017 is
packet flows, the Kaggle table labels what one of its columns says). They are fitted here because others quote figures of
them. Writes `reports/fit.json` and a picture of the confusion matrices.
"""

import json

import numpy as np

from portcullis_train import fit_engine, fit_requests, fit_tables, pictures
from portcullis_train.evaluation import PICTURE
from portcullis_train.train import say
from portcullis_train.work import write_json

# Name, what computes it, and the F1 (or the share of attacks denied) that is to be reached.
SETS = {"csic2010_raw": (fit_requests.csic, 0.97), "torpeda2012": (fit_requests.torpeda, 0.99), "api_access_behaviour_supervised": (fit_tables.behaviour, 0.98),
        "cicids2017": (fit_tables.flows, 0.98), "httpparams": (fit_engine.httpparams, 0.995)}
NOTE = "Training fit: each model saw nothing but other rows of the set that it is tested on. None is shipped, and none of these figures says how the gateway does on other traffic."


def scores(truth, said):
    """Counts and the three figures of attacks, from 0 and 1."""
    truth, said = np.asarray(truth, bool), np.asarray(said, bool)
    hits = int((truth & said).sum())
    precision, recall = hits / max(1, int(said.sum())), hits / max(1, int(truth.sum()))
    rows = [[int((~truth & ~said).sum()), int((~truth & said).sum())], [int((truth & ~said).sum()), hits]]
    return {"precision": precision, "recall": recall, "f1": 2 * hits / max(1, int(said.sum()) + int(truth.sum())), "confusion": {"labels": ["harmless", "attack"], "rows": rows}}


def of(tests):
    """The figures over all rows that were tested, and of each test by itself."""
    pooled = scores(np.concatenate([one["truth"] for one in tests]), np.concatenate([one["said"] for one in tests]))
    parts = [{"test": one["name"], "trained": one["trained"], "tested": len(one["truth"]), "attacks": int(np.sum(one["truth"])), **{key: value for key, value in scores(one["truth"], one["said"]).items() if key != "confusion"}} for one in tests]
    return {**pooled, "tests": parts}


def run(work, data, out, wanted=None, manifest=None):
    """Fits the wanted sets, keeps the stored figures of the others, and shows all."""
    if not data:
        raise ValueError("fit needs --data: the sets that it is about are not generated")
    unknown = set(wanted or ()) - set(SETS)
    if unknown:
        raise ValueError(f"no set named {', '.join(sorted(unknown))}; there are: {', '.join(SETS)}")
    path = out / "reports" / "fit.json"
    stored = json.loads(path.read_text())["sets"] if path.is_file() else {}
    for name in wanted or SETS:
        say(f"fit: {name}")
        compute, bar = SETS[name]
        described, tests = compute(work, data, manifest)
        others = described.pop("others", {})
        stored[name] = {**described, **of(tests), "beside": {key: of(one) for key, one in others.items()}, "bar": bar}
        stored[name]["reached"] = reached(stored[name])
    report = {"note": NOTE, "sets": {name: stored[name] for name in SETS if name in stored}}
    write_json(path, report)
    picture(out / "reports" / "fit.png", report["sets"])
    show(report["sets"])
    return report


def reached(one):
    """Whether the measure of a set is what it has to be, at no more false alarms than it allows."""
    return bool(one[one["measure"]] >= one["bar"] and one["confusion"]["rows"][0][1] <= one.get("alarms_allowed", np.inf))


def show(sets):
    print(f"{'training fit':34} {'rows':>7} {'copies':>7} {'tested':>7} {'precision':>9} {'recall':>8} {'F1':>8}   to reach")
    for name, one in sets.items():
        tested = sum(map(sum, one["confusion"]["rows"]))
        print(f"{name:34} {one['rows']:7} {one['duplicates']:7} {tested:7} {one['precision']:9.4f} {one['recall']:8.4f} {one['f1']:8.4f}   {one['measure']} {one['bar']:g}: {'reached' if one['reached'] else 'missed'}")


def picture(path, sets):
    """The confusion matrices side by side; nothing where matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        say("no picture: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plot
    figure, axes = plot.subplots(1, len(sets), figsize=(2.9 * len(sets), 2.9), squeeze=False)
    for axis, (name, one) in zip(axes[0], sets.items()):
        pictures.matrix(axis, one["confusion"])
        axis.set_title(f"{name}\nF1 {one['f1']:.4f}", fontsize=8)
    figure.suptitle("training fit, not shipped", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, **PICTURE)
    plot.close(figure)

