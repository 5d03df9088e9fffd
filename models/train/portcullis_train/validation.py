"""Five folds, stratified by label and grouped by domain: how much the figures depend on which sites were seen."""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from portcullis_train import metrics
from portcullis_train.supervised import Part
from portcullis_train.train import MEMBERS, load_parts, say
from portcullis_train.work import describe, write_json

FOLDS = 5
DEFAULT = "lightgbm,xgboost,random-forest,gradient-boosting"


def run(work, wanted):
    """Writes reports/cv.json with mean and spread of detection at each rate."""
    parts, known = load_parts(work, "request"), describe(work.data("train"))
    train = parts["train"]
    report = {}
    for name in (DEFAULT if wanted == "all" else wanted).split(","):
        found = []
        for inside, outside in StratifiedGroupKFold(FOLDS).split(train.values, train.labels, known.domains):
            # A tenth of the inner part stops training early; the outer part only judges.
            stop = inside[np.random.default_rng(work.seed).random(len(inside)) < 0.1]
            member = MEMBERS[name](work.of(name), work.seed).fit(Part(train.values[inside], train.labels[inside]), Part(train.values[stop], train.labels[stop]))
            usual = known.recorded()[outside] if known.recorded().any() else None
            found.append(metrics.detection(member.raw(train.values[outside]), train.labels[outside], known.classes[outside], usual))
        report[name] = {rate: {"mean": float(np.mean([one["at"][rate]["detected"] for one in found])), "spread": float(np.std([one["at"][rate]["detected"] for one in found]))} for rate in found[0]["at"]}
        report[name]["auc"] = {"mean": float(np.mean([one["auc"] for one in found])), "spread": float(np.std([one["auc"] for one in found]))}
        say(f"cv {name}: " + ", ".join(f"{rate} {100 * value['mean']:.1f} ± {100 * value['spread']:.1f}" for rate, value in report[name].items()))
    write_json(work.root / "reports" / "cv.json", report)
    return report
