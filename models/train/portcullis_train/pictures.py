"""One picture and one JSON file for each member: confusion, ROC, precision and recall, calibration, features.

Everything is measured on rows that neither trained nor set a threshold. What a feature is worth is measured alike for all
members, whatever they are made of: how much of the area under the ROC curve is lost when that column is shuffled.
"""

import numpy as np
from sklearn.metrics import roc_auc_score

from portcullis_train import graph, metrics
from portcullis_train.train import say
from portcullis_train.work import write_json

# Rows that are shuffled, half of them attacks, and features that are told.
ROWS, TOLD = 1200, 20


def shuffled(measure, values, names, seed=1):
    """How much of a measure is lost without each column, the last axis; strongest first."""
    rng, values = np.random.default_rng(seed), values.copy()
    whole, worth = measure(values), {}
    for column, name in enumerate(names):
        kept = values[..., column].copy()
        # A column that is the same everywhere tells nothing, and shuffling it costs a run.
        if np.ptp(kept):
            values[..., column] = kept[rng.permutation(len(kept))]
            worth[name] = whole - measure(values)
            values[..., column] = kept
    strongest = sorted(worth.items(), key=lambda one: -one[1])[:TOLD]
    return [{"feature": name, "lost": round(float(lost), 5)} for name, lost in strongest if lost > 0]


def some(labels, seed=1):
    """Rows of both kinds, as many of each."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(labels == label))[: ROWS // 2] for label in (0, 1)])


def of_file(path, values, labels, names):
    """What a model's columns are worth by the area under its curve. Of characters whole fields are shuffled, by their rank."""
    running, rows = graph.session(str(path)), some(labels)
    values, labels = values[rows], labels[rows]
    if values.dtype != np.uint8:
        return shuffled(lambda rows: roc_auc_score(labels, graph.infer(running, rows).ravel()), values, names)

    def area(rows):
        return roc_auc_score(labels, graph.infer(running, np.ascontiguousarray(np.moveaxis(rows, 2, 1))).ravel())
    return shuffled(area, np.moveaxis(values, 1, 2), ("first field", "second field", "third field"))


def of_classifier(path, values, classes, names, known):
    """What the columns are worth to the member that names attacks, by the share that it names right."""
    running = graph.session(str(path))
    rows = np.random.default_rng(1).permutation(np.flatnonzero(classes != known[0]))[:ROWS]
    truth = np.array([known.index(name) if name in known else -1 for name in classes[rows]])
    # An attack that was stopped has a name other than harmless, so the best of the others is taken.
    return shuffled(lambda rows: float((graph.infer(running, rows)[:, 1:].argmax(1) + 1 == truth).mean()), values[rows], names)


def figures(scores, labels, harmless, cut, importance):
    """What is told of a member: its scores are probabilities of rows of valid."""
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels)
    counted = harmless | (labels == 1)
    roc = metrics.roc(scores, labels, harmless)
    return {"rows": int(counted.sum()), "attacks": int((labels == 1).sum()), "threshold": cut, "confusion": metrics.confusion(scores, labels, harmless, cut), "roc": [[short(value) for value in point] for point in roc],
            "precision_recall": [[short(value) for value in point] for point in metrics.precision_recall(roc, int((labels == 1).sum()), int(harmless.sum()))],
            "calibration": [[short(value) for value in point] for point in metrics.reliability(scores[counted], labels[counted])], "calibration_error": short(metrics.calibration_error(scores[counted], labels[counted])), "importance": importance}


def short(value):
    return float(f"{value:.5g}")


def write(folder, name, told):
    """Writes `member-NAME.json`, and the picture where matplotlib is installed."""
    draw(folder, name, told, (confusion, roc, precision_recall, calibration, importance), (14, 2.6))


def write_classifier(folder, name, told, worth):
    """The same of the member that names attacks: what was called what, the figure of each class, and the features."""
    draw(folder, name, {**told, "importance": worth}, (names, classes, importance), (14, 4.6))


def draw(folder, name, told, panels, size):
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"member-{name}.json", told)
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plot
    figure, axes = plot.subplots(1, len(panels), figsize=size, layout="constrained")
    for axis, panel in zip(axes, panels):
        axis.tick_params(labelsize=7)
        panel(axis, told)
    figure.suptitle(name, fontsize=9)
    figure.savefig(folder / f"member-{name}.png", dpi=65, metadata={"Software": None})
    plot.close(figure)
    say(f"{name}: drawn")


def confusion(axis, told):
    matrix(axis, told["confusion"])
    axis.set_title(f"at its threshold, {told['threshold']:.3f}", fontsize=7)


def matrix(axis, counted, size=8):
    """Draws a confusion matrix: counts, shaded by their share of a row."""
    rows = np.array(counted["rows"], float)
    axis.imshow(rows / np.maximum(1, rows.sum(1, keepdims=True)), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(rows):
        share = count / max(1, rows[row].sum())
        axis.text(column, row, f"{int(count)}", ha="center", va="center", fontsize=size, color="white" if share > 0.5 else "black")
    axis.set_xticks(range(len(rows)), counted["labels"], fontsize=7)
    axis.set_yticks(range(len(rows)), counted["labels"], fontsize=7, rotation=90, va="center")


def roc(axis, told):
    wronged, detected, _ = zip(*told["roc"])
    axis.plot(np.maximum(wronged, 1e-4), detected)
    axis.set(xscale="log", xlim=(1e-4, 1), ylim=(0, 1.02))
    axis.set_title("detected by share of harmless wronged", fontsize=7)


def precision_recall(axis, told):
    recall, precision, _ = zip(*told["precision_recall"])
    axis.plot(recall, precision)
    axis.set(xlim=(0, 1.02), ylim=(0, 1.02))
    axis.set_title("precision by recall", fontsize=7)


def calibration(axis, told):
    said, share, _ = zip(*told["calibration"])
    axis.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axis.plot(said, share, marker="o", markersize=3)
    axis.set_title(f"share of attacks by probability, error {told['calibration_error']:.3f}", fontsize=7)


def importance(axis, told):
    strongest = (told["importance"] or [])[:12][::-1]
    axis.barh([one["feature"] for one in strongest], [one["lost"] for one in strongest])
    axis.set_title(("share named right" if "macro_f1" in told else "area under the curve") + " lost without" if strongest else "no column is worth anything alone", fontsize=7)


def names(axis, told):
    matrix(axis, told["confusion"], 5)
    axis.tick_params(axis="x", labelrotation=90)
    axis.tick_params(axis="y", labelrotation=0)
    axis.set_title("what it was, and what it was called", fontsize=7)


def classes(axis, told):
    by_name = sorted(told["f1"].items(), key=lambda one: one[1])
    axis.barh([name for name, _ in by_name], [value for _, value in by_name])
    axis.set(xlim=(0, 1))
    axis.set_title(f"F1 by class, macro {told['macro_f1']:.3f}", fontsize=7)
