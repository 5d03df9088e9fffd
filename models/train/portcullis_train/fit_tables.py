"""Training fit on the two tables: the Kaggle set of API access behaviour, and flows of CICIDS2017.

No column is computed here; the tables are taken as they lie, without those that name who took part.
"""

import csv
import io
import zipfile
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

BEHAVIOUR = ("inter_api_access_duration(sec)", "api_access_uniqueness", "sequence_length(count)", "vsession_duration(min)", "ip_type", "num_sessions", "num_users", "num_unique_apis")
# Columns of a flow that name machines or the hour instead of describing traffic.
NAMES = {"Flow ID", "Source IP", "Source Port", "Destination IP", "Timestamp", "Protocol", "Label"}
PORT = "Destination Port"


def trees(values, labels, test, columns):
    """Boosted trees on some columns, and what they say of other rows."""
    values, test = values[:, columns], test[:, columns]
    fitted = lightgbm.LGBMClassifier(n_estimators=200, num_leaves=31, min_child_samples=max(2, min(20, len(labels) // 60)), n_jobs=1, random_state=1, verbose=-1)
    return fitted.fit(values, labels).predict(test).astype(bool)


def distinct(rows, labels):
    """Indices of rows without copies and without rows that bear both labels, and how many of either were dropped."""
    found = {}
    for index, row in enumerate(rows):
        found.setdefault(row, []).append(index)
    kept = [copies[0] for copies in found.values() if len({labels[index] for index in copies}) == 1]
    return np.array(kept), sum(len(copies) - 1 for copies in found.values()), len(found) - len(kept)


def behaviour(_work, data, _manifest):
    """Trained on source E, tested on source F."""
    with open(Path(data) / "behaviour" / "api_access_behaviour_supervised.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    kinds = sorted({row["ip_type"] for row in rows})
    every = [tuple(row[name] for name in (*BEHAVIOUR, "source")) for row in rows]
    kept, copies, contradictory = distinct(every, [row["classification"] for row in rows])
    values = np.array([[kinds.index(row[name]) if name == "ip_type" else float(row[name] or "nan") for name in BEHAVIOUR] for row in (rows[index] for index in kept)])
    labels = np.array([int(rows[index]["classification"] == "outlier") for index in kept])
    source = np.array([rows[index]["source"] for index in kept])
    train, test = source == "E", source == "F"
    users = BEHAVIOUR.index("num_users")
    about = {"name": "source F", "trained": int(train.sum()), "truth": labels[test]}
    without = [column for column in range(len(BEHAVIOUR)) if column != users]
    alone = {**about, "trained": 0, "name": "num_users below 101, and nothing else", "said": values[test][:, users] < 101}
    described = {"measure": "f1", "rows": len(rows), "duplicates": copies, "contradictory": contradictory, "attacks": int(labels.sum()), "split": "trained on source E, tested on source F", "model": "LightGBM over the eight columns",
                 "remarks": ["The labels follow from one column: a row is an outlier if and only if num_users is below 101. one_column shows that test by itself.", f"Source F has {int(labels[test].sum())} outliers: the figure is coarse."],
                 "others": {"one_column": [alone], "without_num_users": [{**about, "said": trees(values[train], labels[train], values[test], without)}]}}
    return described, [{**about, "said": trees(values[train], labels[train], values[test], list(range(len(BEHAVIOUR))))}]


def table(path):
    """Names of the columns and rows of a file, zipped or not."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode("utf-8", "replace")
    else:
        text = path.read_text(errors="replace")
    lines = csv.reader(io.StringIO(text))
    names = [name.strip() for name in next(lines)]
    return names, [row for row in lines if len(row) == len(names)]


def number(text):
    """A rate of a flow that took no time is endless or no number; both become -1, which no rate is."""
    try:
        value = float(text)
    except ValueError:
        return -1.0
    return value if np.isfinite(value) else -1.0


def numbers(path):
    """Values, labels, names of the columns that are used."""
    names, rows = table(path)
    chosen = [index for index, name in enumerate(names) if name not in NAMES]
    values = np.array([[number(row[index]) for index in chosen] for row in rows])
    labels = np.array([int(row[names.index("Label")].strip() != "BENIGN") for row in rows])
    return values, labels, [names[index] for index in chosen]


def flows(_work, data, _manifest):
    """Each file by itself: a fifth of its rows tested, the same share of attacks on both sides."""
    total, copies, contradictory, attacks, tests, portless = 0, 0, 0, 0, [], []
    folder = Path(data) / "flows"
    for path in sorted([*folder.glob("*_ISCX.csv.zip"), *folder.glob("CICIDS2017_sample.csv")]):
        values, labels, names = numbers(path)
        kept, repeated, both = distinct([row.tobytes() for row in values], labels)
        total, copies, contradictory, attacks = total + len(labels), copies + repeated, contradictory + both, attacks + int(labels[kept].sum())
        values, labels = values[kept], labels[kept]
        train, test = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=1).split(values, labels))
        about = {"name": path.name.partition(".")[0], "trained": len(train), "truth": labels[test]}
        every = list(range(len(names)))
        tests.append({**about, "said": trees(values[train], labels[train], values[test], every)})
        portless.append({**about, "said": trees(values[train], labels[train], values[test], [column for column in every if names[column] != PORT])})
    remarks = ["Packet flows of one laboratory's week; they say nothing about requests. Its labels are known to have errors, and the Wednesday of the DoS attacks is not among the files.",
               "The port that a flow went to names the attack in some files; without_port leaves that column out. The sample has no such column.", "The file of Infilteration has 36 attacks in all, so that one row of its test is worth several points."]
    return {"measure": "f1", "rows": total, "duplicates": copies, "contradictory": contradictory, "attacks": attacks, "split": "80/20 within each file, stratified; figures over all files", "model": "LightGBM over the flow columns, one model a file",
            "remarks": remarks, "others": {"without_port": portless}}, tests
