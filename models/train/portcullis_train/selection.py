"""Which features carry the trees: permutation on dev, and what is left with the strongest alone."""

import numpy as np

from portcullis_train import metrics
from portcullis_train.supervised import LightGbm, Part
from portcullis_train.train import load_parts, say
from portcullis_train.work import describe, write_json

KEPT = (16, 32, 64, 96)


def run(work):
    """Writes reports/selection.json: the loss of average precision when a column is shuffled, and detection by count."""
    parts, known = load_parts(work, "request"), describe(work.data("dev"))
    usual = known.recorded() if known.recorded().any() else None
    train, dev, names = parts["train"], parts["dev"], parts["names"]
    member = LightGbm(work.of("lightgbm"), work.seed).fit(train, dev)
    base = metrics.detection(member.raw(dev.values), dev.labels, known.classes, usual)
    rng, lost = np.random.default_rng(work.seed), np.zeros(len(names))
    for column in np.flatnonzero(member.importance() > 0):
        shuffled = dev.values.copy()
        shuffled[:, column] = rng.permutation(shuffled[:, column])
        lost[column] = base["average_precision"] - metrics.detection(member.raw(shuffled), dev.labels, known.classes, usual)["average_precision"]
    order = np.argsort(-lost)
    report = {"all": base["at"], "lost": {names[index]: float(lost[index]) for index in order if lost[index] > 0}, "unused": [names[index] for index in np.flatnonzero(member.importance() == 0)], "kept": {}}
    for count in KEPT:
        chosen = np.sort(order[:count])
        fitted = LightGbm(work.of("lightgbm"), work.seed).fit(Part(train.values[:, chosen], train.labels), Part(dev.values[:, chosen], dev.labels))
        report["kept"][count] = metrics.detection(fitted.raw(dev.values[:, chosen]), dev.labels, known.classes, usual)["at"]
        say(f"select: {count} features detect {100 * report['kept'][count]['0.001']['detected']:.1f} % at 0.1 %, all {100 * base['at']['0.001']['detected']:.1f} %")
    write_json(work.root / "reports" / "selection.json", report)
    return report
