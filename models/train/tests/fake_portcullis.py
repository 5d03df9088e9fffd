#!/usr/bin/env python3
"""A stand-in for `portcullis features`, in the file formats of docs/FEATURES.md, for tests of the trainer alone.

Its features are crude on purpose: counts of marks in the values of a request. It is never used for real models.
"""

import hashlib
import json
import sys
import urllib.parse
import zlib

import numpy as np

sys.path.insert(0, __file__.rsplit("/tests/", 1)[0])
from portcullis_train import record  # noqa: E402

MARKS = "'\"<>();|&${}[]\\`"


def fields(item):
    """(location, name, text) of values that hold a mark."""
    path, _, query = item["url"].partition("?")
    found = [("path", "", urllib.parse.unquote(path))]
    for location, pairs in (("query", query), ("form", item["body"] if "=" in item["body"][:100] and item["body"][:1] not in "{[<-" else "")):
        for pair in filter(None, pairs.split("&")):
            name, _, value = pair.partition("=")
            found.append((location, name, urllib.parse.unquote_plus(urllib.parse.unquote(value))))
    if item["body"][:1] in "{[<-":
        found.append(("json" if item["body"][:1] in "{[" else "xml", "body", item["body"]))
    found += [("header", name.lower(), value) for name, value in item["headers"].items() if name not in ("Accept", "Host")]
    return [one for one in found if set(one[2]) & set(MARKS)]


def gate_of(path):
    import onnx
    from onnx import numpy_helper
    stored = {item.name: numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer}
    return stored["weight"], float(stored["bias"][0])


def columns(text):
    text = text.lower()[:400]
    grams, counts = np.unique([zlib.crc32(text[start:start + size].encode()) & 0x3FFFF for size in (2, 3) for start in range(len(text) - size + 1)], return_counts=True)
    return grams.astype(np.int32), np.sqrt(counts).astype(np.float32)


def simulate():
    """Clients that rest between requests, and campaigns that do not and are answered with errors."""
    out, seed, count = (sys.argv[sys.argv.index(name) + 1] for name in ("--out", "--seed", "--count"))
    flows = sys.argv[sys.argv.index("--flows") + 1] if "--flows" in sys.argv else None
    if flows:
        count = 30 * int(sys.argv[sys.argv.index("--load") + 1])
    rng = np.random.default_rng(int(seed))
    lines = []
    for number in range(int(count)):
        actor = int(rng.integers(0, 60))
        hostile = actor < 15
        line = {"time": 1.7e9 + number, "client": f"240.0.0.{actor}", "actor": f"{actor:016x}", "attacker": hostile, "label": int(hostile), "cls": "", "src": "simulate", "scenario": "scraping" if hostile else "browser",
                "status": int(rng.choice([200, 404], p=[0.2, 0.8] if hostile else [0.9, 0.1])), "method": "GET", "url": f"/{rng.integers(0, 9)}", "headers": {}, "body": "", "request_id": f"{seed}-{number}"}
        lines.append(json.dumps(line | ({"group": actor} if hostile else {"victim": actor == 20})))
    with open(out, "w") as written:
        written.write("\n".join(lines) + "\n")
    if flows:
        items = [json.loads(line) for line in lines]
        rows = flow(items)
        with open(flows, "w") as written:
            written.write("\n".join(json.dumps({"id": item["request_id"], "flow": row.tolist()}) for number, (item, row) in enumerate(zip(items, rows)) if number % 10) + "\n")


def flow(items):
    """Rows of 52: requests and the share of errors of each sender so far, and the present one."""
    known = history(items, "behaviour")
    rows = np.zeros((len(items), 52), np.float32)
    rows[:, 0], rows[:, 30], rows[:, 47] = 1, known[:, 0], known[:, 1]
    return rows


def history(items, view):
    """Rows of what was known of each sender: requests and errors, or the last statuses."""
    seen, rows = {}, []
    for item in items:
        steps = seen.setdefault(item["client"], [])
        if view == "behaviour":
            rows.append([np.log1p(len(steps)), sum(status >= 400 for status in steps) / len(steps), 0.4] if steps else [0, 0, 0])
        else:
            rows.append([[0, 0]] * (32 - len(steps[-32:])) + [[1, status >= 400] for status in steps[-32:]])
        steps.append(item["status"])
    return np.array(rows, np.float32)


def evaluate():
    """Counts by class as `eval --json` prints them: denied is what holds two marks or more."""
    folder, name = (sys.argv[sys.argv.index(option) + 1] for option in ("--data", "--set"))
    classes = {}
    for item in record.read(f"{folder}/{name}.jsonl.gz"):
        one = classes.setdefault(item["cls"], {"class": item["cls"], "count": 0, "denied": 0, "throttled": 0})
        one["count"] += 1
        one["denied"] += sum(sign in MARKS for sign in urllib.parse.unquote(item["url"])) >= 2
    print(json.dumps({"sets": [{"set": name, "classes": list(classes.values())}]}))


def main():
    if sys.argv[1] in ("simulate", "eval"):
        return simulate() if sys.argv[1] == "simulate" else evaluate()
    source, out, view = sys.argv[2], sys.argv[3], sys.argv[sys.argv.index("--view") + 1]
    gate = gate_of(sys.argv[sys.argv.index("--gate") + 1]) if "--gate" in sys.argv else None
    items = list(record.read(source))
    names = {"request": [f"mark_{sign}" for sign in MARKS] + ["length", "gate_first"]}.get(view, [])

    def logit(text):
        grams, values = columns(text)
        return float(values @ gate[0][grams >> (18 - int(np.log2(len(gate[0]))))] + gate[1]) if gate and len(grams) else -20.0
    judged = [sorted(fields(item), key=lambda one: -logit(one[2])) for item in items]
    if view == "request":
        rows = [[float(np.log1p(sum(text.count(sign) for _, _, text in one))) for sign in MARKS] + [float(np.log1p(max([len(text) for _, _, text in one], default=0))), max([logit(text) for _, _, text in one], default=-20.0) if gate else 0.0] for one in judged]
        np.save(out, np.array(rows, np.float32))
    elif view == "characters":
        values = np.zeros((len(items), 3, 256), np.uint8)
        for row, one in enumerate(judged):
            for column, (_, _, text) in enumerate(one[:3]):
                raw = np.frombuffer(text.encode()[:256], np.uint8)
                values[row, column, : len(raw)] = raw
        np.save(out, values)
    elif view in ("behaviour", "sequence"):
        names = ["sequence_length", "success_rate_deviation", "hour"] if view == "behaviour" else ["present", "error"]
        np.save(out, history(items, view))
    elif view == "flow":
        with open(sys.argv[sys.argv.index("--records") + 1]) as records:
            measured = {one["id"]: one["flow"] for one in map(json.loads, records)}
        np.save(out, np.array([measured.get(item["request_id"], [0] * 52) for item in items], np.float32))
    else:
        write_fields(out, items, judged, "--distinct" in sys.argv)
    stem = out[: -len(".npy")]
    np.save(stem + ".labels.npy", np.array([item["label"] for item in items], np.uint8))
    with open(stem + ".schema.json", "w") as described:
        json.dump({"view": view, "schema": hashlib.sha256(view.encode()).hexdigest()[:16], "names": names}, described)


def write_fields(out, items, judged, distinct):
    indptr, indices, values, lines, seen = [0], [], [], [], set()
    for number, (item, one) in enumerate(zip(items, judged)):
        for location, name, text in one:
            attacked = item.get("payload", "\0") in text if item["label"] else False
            if distinct and (location, text, attacked) in seen:
                continue
            seen.add((location, text, attacked))
            grams, weights = columns(text)
            indices.append(grams)
            values.append(weights)
            indptr.append(indptr[-1] + len(grams))
            lines.append(json.dumps({"request": number, "location": location, "name": name, "attacked": attacked, "text": text[:240], "length": len(text)}))
    stem = out[: -len(".npy")]
    np.save(out, np.concatenate(values))
    np.save(stem + ".indices.npy", np.concatenate(indices))
    np.save(stem + ".indptr.npy", np.array(indptr, np.int64))
    with open(stem + ".rows.jsonl", "w") as written:
        written.write("\n".join(lines) + "\n")


main()
