"""HttpParams' test file through the gateway itself: each value as an argument of a plain GET, at default thresholds.

The list's training file is among those that the shipped models learnt from, so this, too, is training fit. It is
measured by `portcullis eval`, by rules alone and with the models beside them.
"""

import csv
import json
import os
import subprocess
import urllib.parse
from pathlib import Path

import numpy as np

from portcullis_train import features, record

HEADERS = {"Host": "shop.example.com", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36", "Accept": "*/*"}
NAME = "httpparams_test"


def requests(path):
    """The rows of the test file as requests; `norm` is harmless."""
    with open(path, newline="", encoding="utf-8", errors="replace") as lines:
        for row in csv.DictReader(lines):
            yield {"label": int(row["attack_type"] != "norm"), "cls": row["attack_type"], "src": NAME, "host": HEADERS["Host"], "method": "GET", "url": "/search?q=" + urllib.parse.quote(row["payload"], safe=""), "headers": HEADERS, "body": ""}


def library():
    """Environment in which the gateway finds ONNX Runtime: the one that came with the trainer, if none is named."""
    import onnxruntime
    found = sorted((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so*"))
    return {**({"ORT_DYLIB_PATH": str(found[0])} if found else {}), **os.environ}


def judged(folder, manifest=None):
    """What `eval` counted, by class."""
    command = [str(features.binary()), "eval", "--data", str(folder), "--set", f"requests/{NAME}", "--json", *(["--ensemble", str(manifest)] if manifest else [])]
    done = subprocess.run(command, capture_output=True, text=True, env=library())
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    if "no library of ONNX Runtime" in done.stderr:
        raise RuntimeError(f"{' '.join(command)} found no library of ONNX Runtime: its figures would be those of rules alone")
    return json.loads(done.stdout)["sets"][0]["classes"]


def counted(name, classes):
    """The counts of all classes as rows, so that they are reported like those of the other sets. Stopped is what is
    denied, and of harmless requests what is throttled, too."""
    truth, said = [], []
    for one in classes:
        attack = one["class"] != "norm"
        stopped = one["denied"] + (0 if attack else one["throttled"])
        truth.append(np.full(one["count"], attack))
        said.append(np.arange(one["count"]) < stopped)
    return {"name": name, "trained": 0, "truth": np.concatenate(truth).astype(int), "said": np.concatenate(said)}


def httpparams(work, data, manifest):
    source = Path(data) / "payloads" / "httpparams" / "payload_test.csv"
    everything = list(requests(source))
    distinct = list({request["url"]: request for request in everything}.values())
    folder = work.root / "data" / "fit"
    record.write(folder / "requests" / f"{NAME}.jsonl.gz", distinct)
    alone, beside = judged(folder), judged(folder, manifest)
    attacks = {one["class"]: {"count": one["count"], "denied": one["denied"]} for one in beside if one["class"] != "norm"}
    missed = sum(one["count"] - one["denied"] for one in attacks.values())
    remarks = ["Measured as recall: attacks denied, at no harmless value denied or throttled.",
               f"{missed} attacks of the test file pass or are only tagged. Most of them bear no sign of an attack any more: names of files whose slashes the list has lost, a slash before a row of letters, sums such as 5739-5738."]
    return {"measure": "recall", "alarms_allowed": 0, "rows": len(everything), "duplicates": len(everything) - len(distinct), "contradictory": 0, "attacks": int(sum(one["count"] for one in attacks.values())), "split": "the list's own test file",
            "model": "the whole gateway with the shipped models, at default thresholds", "classes": attacks, "remarks": remarks, "others": {"rules_alone": [counted("rules alone", alone)]}}, [counted("rules and models", beside)]
