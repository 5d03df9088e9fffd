"""The first gate: a linear model over hashed n-grams of every judged field, which the gateway runs in its own code."""

import warnings

import numpy as np
from onnx import TensorProto, helper
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from portcullis_train.features import fold_columns
from portcullis_train.graph import model, tensor

DEFAULTS = {"bits": 18, "c": 1.0, "iterations": 120, "positive": 1.0, "rounds": 3}


class Gate:
    """logit = bias + Σ weight[column] · √count."""

    def __init__(self, weight, bias):
        self.weight, self.bias = np.asarray(weight, np.float32), np.float32(bias)

    @property
    def bits(self):
        return int(np.log2(len(self.weight)))

    def logits(self, matrix):
        return fold_columns(matrix, self.bits) @ self.weight + self.bias

    def to_onnx(self):
        nodes = [helper.make_node("Gather", ["weight", "columns"], ["picked"]), helper.make_node("Mul", ["picked", "values"], ["parts"]),
                 helper.make_node("ReduceSum", ["parts"], ["sum"], keepdims=1), helper.make_node("Add", ["sum", "bias"], ["logit"])]
        return model(nodes, [("columns", TensorProto.INT64, ["K"]), ("values", TensorProto.FLOAT, ["K"])], [("logit", TensorProto.FLOAT, [1])],
                     [tensor("weight", self.weight), tensor("bias", [self.bias], np.float32)], "gate", ml=False)


def labels_of(rows):
    """1 attacked, 0 harmless, -1 not known: the latter trains nothing."""
    return np.array([-1 if row.get("attacked") is None else int(row["attacked"]) for row in rows])


# Where the engine may list what was grafted into a place.
PLACES = {"query": {"query", "query-name"}, "form": {"form", "form-name"}, "json": {"json", "json-key"}, "header": {"header", "user-agent", "referer"}, "cookie": {"cookie", "cookie-name"}, "path": {"path"},
          "multipart": {"multipart", "multipart-name", "file-name", "file"}, "xml": {"xml", "xml-attribute", "xml-prolog"}, "target": {"path", "query", "query-name"}}


def resolve(rows, labels, requests):
    """Labels of attacks whose payload the command did not find again, as decoding went further than it knows (character
    references, script escapes) or the payload became part of the document: by the place it was put into."""
    by_request = {}
    for index, row in enumerate(rows):
        if labels[index] < 0:
            by_request.setdefault(row["request"], []).append(index)
    labels = labels.copy()
    for number, indices in by_request.items():
        item = requests[number]
        hits = [index for index in indices if stands_in(rows[index], item)]
        if hits:
            labels[indices] = 0
            labels[hits] = 1
    return labels


def stands_in(row, item):
    """Whether a field is where a payload was put: by location and name, or as a part of an object that was put there."""
    place = item.get("location", "")
    if row["location"] not in PLACES.get(place, ()):
        return False
    name, text = row.get("name", "").lower(), row.get("text", "")
    if place in ("path", "xml", "target") or (name and name == item.get("name", "").lower()):
        return True
    return place == "json" and len(text) > 1 and (text in item["payload"] or (name != "" and f'"{name}"' in item["payload"].lower()))


def weights_of(rows, labels, positive):
    """Harmless rows of a place that occurs often weigh less, and both classes weigh the same in all."""
    weights = np.ones(len(rows))
    places = {}
    for index, row in enumerate(rows):
        if labels[index] == 0:
            places.setdefault((row["location"], row.get("name", "")), []).append(index)
    for indices in places.values():
        weights[indices] = max(0.05, len(indices) ** -0.25)
    for label, share in ((0, 1.0), (1, positive)):
        chosen = labels == label
        total = weights[chosen].sum()
        if total > 0:
            weights[chosen] *= share * len(rows) / (2 * total)
    return weights


def fit(matrix, labels, weights, params, start=None):
    """A gate by logistic regression, from another gate on if one is given. Rows whose label is not known are left out."""
    params = {**DEFAULTS, **(params or {})}
    known = labels >= 0
    folded = fold_columns(matrix[known], params["bits"])
    # The solver measures its gradient per unit of weight, so that the usual tolerance would end it at once.
    fitted = LogisticRegression(C=params["c"], max_iter=params["iterations"], solver="lbfgs", tol=2e-6, warm_start=start is not None)
    if start is not None:
        fitted.classes_, fitted.coef_, fitted.intercept_ = np.array([0, 1]), start.weight.astype(np.float64)[None], np.array([float(start.bias)])
    with warnings.catch_warnings():
        # Stopping after so many iterations is the intent: the last ones fit the lists' own words.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(folded, labels[known], sample_weight=weights[known])
    return Gate(fitted.coef_[0], fitted.intercept_[0])


def by_request(logits, rows, count):
    """The highest logit of each request's fields, within what the gateway allows; -20 where no field is judged."""
    result = np.full(count, -20.0, np.float32)
    np.maximum.at(result, np.array([row["request"] for row in rows], np.int64), np.clip(logits, -20, 20).astype(np.float32))
    return result
