"""Figures: detection at a rate of harmless requests wronged, per class; curves; calibration error."""

import math

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

RATES = (0.001, 0.003, 0.01)


def cut_at(harmless, rate):
    """The lowest threshold at which at most a share of harmless scores lies at or above it."""
    ordered = np.sort(np.asarray(harmless, np.float64))[::-1]
    allowed = int(math.floor(rate * len(ordered)))
    return float(np.nextafter(ordered[min(allowed, len(ordered) - 1)], np.inf))


def interval(hits, count):
    """Wilson's 95 % interval of a share."""
    if count == 0:
        return (0.0, 1.0)
    z, share = 1.96, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return (middle - half, middle + half)


def detection(scores, labels, classes, harmless=None):
    """Detection at each rate in all, and per class at the first. `harmless` marks what the rates are counted on."""
    scores, labels, classes = np.asarray(scores), np.asarray(labels), np.asarray(classes)
    base = scores[harmless if harmless is not None else labels == 0]
    attacked = labels == 1
    result = {"auc": float(roc_auc_score(labels, scores)), "average_precision": float(average_precision_score(labels, scores)), "at": {}, "classes": {}}
    for rate in RATES:
        cut = cut_at(base, rate)
        hits = scores[attacked] >= cut
        low, high = interval(int(hits.sum()), len(hits))
        result["at"][f"{rate:g}"] = {"threshold": cut, "detected": float(hits.mean()), "interval": [low, high]}
    cut = result["at"][f"{RATES[0]:g}"]["threshold"]
    for name in sorted(set(classes[attacked])):
        chosen = attacked & (classes == name)
        result["classes"][name] = {"count": int(chosen.sum()), "detected": float((scores[chosen] >= cut).mean())}
    return result


def roc(scores, labels, harmless, points=64):
    """The ROC curve in few points, dense where few harmless requests are wronged: [wronged, detected, threshold]."""
    attacks, base = np.sort(np.asarray(scores)[np.asarray(labels) == 1]), np.sort(np.asarray(scores)[harmless])
    shares = np.concatenate([[0.0], np.geomspace(1 / max(2, len(base)), 1.0, points - 1)])
    cuts = sorted({float(base[-1 - min(int(share * len(base)), len(base) - 1)]) for share in shares[1:]} | {cut_at(base, 0)}, reverse=True)

    def above(ordered, cut):
        return float(1 - np.searchsorted(ordered, cut, side="left") / len(ordered))
    return [[above(base, cut), above(attacks, cut), cut] for cut in cuts]


def confusion(scores, labels, harmless, cut):
    """What was taken for what at a threshold."""
    scores, labels = np.asarray(scores), np.asarray(labels)
    rows = [[int((chosen < cut).sum()), int((chosen >= cut).sum())] for chosen in (scores[harmless], scores[labels == 1])]
    return {"threshold": cut, "labels": ["harmless", "attack"], "rows": rows}


def calibration_error(probability, labels, bins=10):
    """Expected calibration error over bins of equal width."""
    probability, labels = np.asarray(probability), np.asarray(labels)
    index = np.minimum((probability * bins).astype(int), bins - 1)
    return float(sum(abs(probability[index == one].mean() - labels[index == one].mean()) * (index == one).mean() for one in range(bins) if (index == one).any()))


def precision_recall(curve, attacks, harmless):
    """Precision over recall from the points of a ROC curve: [recall, precision, threshold]."""
    return [[detected, detected * attacks / max(1e-12, detected * attacks + wronged * harmless), cut] for wronged, detected, cut in curve if detected > 0]


def reliability(probability, labels, bins=15):
    """Mean probability, share of attacks and count of each bin that is not empty."""
    probability, labels = np.asarray(probability), np.asarray(labels)
    index = np.minimum((probability * bins).astype(int), bins - 1)
    return [[float(probability[index == one].mean()), float(labels[index == one].mean()), int((index == one).sum())] for one in range(bins) if (index == one).any()]
