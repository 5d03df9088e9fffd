"""Members that read a connection: traffic that the simulator sends through the gateway itself, figures, the manifest.

`portcullis simulate --demo --flows` sends it, in real time, and the gateway's records carry what it measured of each
connection; `portcullis features --view flow` joins them to the labels. The parts are sent at once, each with a seed of
its own. What is judged, and how, is as of the members over histories.
"""

import subprocess

import numpy as np

from portcullis_train import features, history, train
from portcullis_train.train import say
from portcullis_train.work import write_json

MEMBERS = [name for name, kind in train.MEMBERS.items() if kind.view == "flow"]
SEEDS = {"train": 801, "dev": 851, "valid": 871}
# Real seconds, requests a second of harmless clients, share of requests by attackers, idle connections; rows of one
# client, or of one campaign, that are kept.
DEFAULTS = {"seconds": 40, "load": 30, "attacks": 0.4, "connections": 1000, "client": 24, "campaign": 60}


def parameters(work):
    unknown = set(work.of("flow")) - set(DEFAULTS)
    if unknown:
        raise ValueError(f"flow has no parameter {', '.join(sorted(unknown))}; it has {', '.join(sorted(DEFAULTS))}")
    return {**DEFAULTS, **work.of("flow")}


def place(work, part, what):
    return work.root / "data" / f"flow.{part}.{what}.jsonl"


def send(work, params):
    """Sends the traffic of all parts; each leaves what was sent and the gateway's records. What the simulator told of each:
    a machine with too little time to spare sends late."""
    running = {}
    for part, seed in SEEDS.items():
        command = [str(features.binary()), "simulate", "--demo", "--flows", str(place(work, part, "records")), "--out", str(place(work, part, "sent")), "--seed", str(seed), "--duration", f"{params['seconds']}s",
                   "--count", "1000000", "--load", str(params["load"]), "--attacks", str(params["attacks"]), "--connections", str(params["connections"])]
        running[part] = (command, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    failed, sentences = [], {}
    for part, (command, one) in running.items():
        _, told = one.communicate()
        if one.returncode != 0:
            failed.append(f"{' '.join(command)} failed:\n{told[-2000:]}")
        sentences[part] = next((line for line in told.splitlines() if "late" in line), "")
        say(f"{part}: {sentences[part]}")
    if failed:
        raise RuntimeError("\n".join(failed))
    return sentences


def view(work, part, params):
    """Values of the rows that are used, who sent them, and the schema."""
    sent = place(work, part, "sent")
    known = history.known(sent, params)
    out = features.run(sent, work.features(sent.stem, "flow"), "flow", records=place(work, part, "records"))
    picked = np.load(out)[known["row"]]
    # A request that was refused before anybody judged it left no row.
    there = np.abs(picked).max(axis=1) > 0
    return picked[there].astype(np.float32), known[there], features.schema(out)


def run(work, out):
    """Trains the members, judges them, and adds them to the manifest in `out`."""
    params = parameters(work)
    say(f"flow: {params['seconds']} s of traffic, {len(SEEDS)} worlds at once")
    sent = send(work, params)
    parts = {part: view(work, part, params) for part in SEEDS}
    rows = {part: {"rows": len(known), "hostile": int(known["hostile"].sum()), "clients": len(set(known["who"]))} for part, (_, known, _) in parts.items()}
    report = {"seeds": {part: [seed] for part, seed in SEEDS.items()}, "params": params, "sent": sent, "rows": {"flow": rows}, "scores": {}, "shadow": []}
    for name in MEMBERS:
        history.fit(work, name, parts)
        report["scores"][name] = history.judge(work, name, parts)
    report["shadow"] = history.shadows(report)
    write_json(work.root / "reports" / "flow.json", report)
    history.show(report, "flow")
    history.join(work, out, report, "flow")
