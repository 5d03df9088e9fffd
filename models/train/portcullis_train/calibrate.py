"""From raw outputs to probabilities, and from probabilities to thresholds."""

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression


def logit(values):
    clipped = np.clip(np.asarray(values, np.float64), 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def balanced(labels):
    """Weights under which attacks and harmless requests are equally frequent: traffic's own share differs per site."""
    labels = np.asarray(labels)
    ones = max(1, int(labels.sum()))
    return np.where(labels == 1, len(labels) / (2 * ones), len(labels) / (2 * max(1, len(labels) - ones)))


def platt(raw, labels):
    """A sigmoid over the raw output."""
    fitted = LogisticRegression(C=1e3, max_iter=500).fit(np.asarray(raw, np.float64).reshape(-1, 1), labels, sample_weight=balanced(labels))
    slope = float(fitted.coef_[0][0])
    return {"kind": "platt", "a": max(slope, 1e-6), "b": float(fitted.intercept_[0])}


def tabulated(probability, labels):
    """A sigmoid over the logit of a probability, as points to draw lines between. Unlike steps it keeps the order of
    any two outputs, which the mean of several members needs."""
    fitted = platt(logit(probability), labels)
    points = np.unique(np.concatenate([[0], np.logspace(-5, -1.3, 20), np.linspace(0.06, 0.94, 23), 1 - np.logspace(-1.3, -5, 20), [1]]))
    values = 1 / (1 + np.exp(-np.clip(fitted["a"] * logit(points) + fitted["b"], -60, 60)))
    return {"kind": "isotonic", "x": [round(float(x), 8) for x in points], "y": [round(float(y), 8) for y in values]}


def isotonic(raw, labels, most=48):
    """The monotone curve that fits best, thinned to a number of points."""
    fitted = IsotonicRegression(out_of_bounds="clip", y_min=0.0, y_max=1.0).fit(raw, labels, sample_weight=balanced(labels))
    keep = np.unique(np.linspace(0, len(fitted.X_thresholds_) - 1, most).astype(int))
    return {"kind": "isotonic", "x": [float(x) for x in fitted.X_thresholds_[keep]], "y": [float(y) for y in fitted.y_thresholds_[keep]]}


def apply(calibration, raw):
    """What the gateway computes from a member's output."""
    raw = np.asarray(raw, np.float64)
    kind = calibration["kind"]
    if kind == "none":
        return raw
    if kind == "platt":
        return 1 / (1 + np.exp(-np.clip(calibration["a"] * raw + calibration["b"], -60, 60)))
    return np.interp(raw, calibration["x"], calibration["y"])


def threshold_at(scores, domains, rate, seed=1, rounds=200, quantile=0.75):
    """The threshold that wrongs a share of harmless requests, chosen by bootstrap over domains.

    A site's requests resemble each other, so that requests are no independent draws: domains are drawn with
    repetition, each draw gives a threshold, and a high quantile of these is taken.
    """
    scores, domains = np.asarray(scores, np.float64), np.asarray(domains)
    names, index = np.unique(domains, return_inverse=True)
    rng = np.random.default_rng(seed)
    order = np.argsort(-scores, kind="stable")
    sorted_scores, sorted_domain = scores[order], index[order]
    found = []
    for _ in range(rounds):
        times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        above = np.cumsum(times[sorted_domain])
        allowed = rate * above[-1]
        position = np.searchsorted(above, allowed, side="right")
        found.append(sorted_scores[min(position, len(sorted_scores) - 1)])
    # Just above the last request that may not be wronged.
    return float(np.nextafter(np.quantile(found, quantile), np.inf))


def joint(probabilities, groups, weights, shares=None):
    """The joint probability: the mean in each group by weight, then the groups by their share."""
    shares = shares or {"unsupervised": 35, "supervised": 50, "neural": 15}
    total, used = 0.0, 0.0
    for group, share in shares.items():
        members = [name for name in probabilities if groups[name] == group and weights[name] > 0]
        if members:
            weight = sum(weights[name] for name in members)
            total = total + share * sum(weights[name] * np.asarray(probabilities[name]) for name in members) / weight
            used += share
    return total / used
