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


def main():
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
