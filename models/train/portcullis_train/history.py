"""Members that read what a subject did before: the simulator's traffic, who is hostile in it, figures, the manifest.

The traffic comes from `portcullis simulate`, one seed for each world, and other seeds for training, thresholds and
figures; what was known of each sender comes from `portcullis features`. A row is what was known when a request came.
"""

import collections
import json
import shutil
import subprocess

import numpy as np

from portcullis_train import calibrate, card, export, features, graph, metrics, pictures, record, train
from portcullis_train.supervised import Part
from portcullis_train.train import described, say
from portcullis_train.work import write_json

MEMBERS = [name for name, kind in train.MEMBERS.items() if kind.view in ("behaviour", "sequence")]
# Seeds of worlds, by part. None is one of those by which the gateway's own evaluation judges.
SEEDS = {"train": [901, 902, 903], "dev": [951, 952], "valid": [971, 972]}
# `requests` of each world, in so many virtual hours; rows of one client, or of one campaign, that are kept.
DEFAULTS = {"requests": 15000, "hours": 12, "attacks": 0.4, "worlds": 1, "client": 24, "campaign": 60}
# A member whose threshold wrongs more than this, or finds less than that, is shown and has no say.
MOST_WRONGED, LEAST_DETECTED = 0.002, 0.05
CLOCK = ("hour", "day", "weekend")


class Worlds:
    """The traffic of a part: the rows that are used, who sent them, and what each view says of them."""

    def __init__(self, work, part):
        self.work, self.part = work, part
        unknown = set(work.of("history")) - set(DEFAULTS)
        if unknown:
            raise ValueError(f"history has no parameter {', '.join(sorted(unknown))}; it has {', '.join(sorted(DEFAULTS))}")
        self.params = {**DEFAULTS, **work.of("history")}
        self.seeds = SEEDS[part][: self.params["worlds"]]
        self.files = [self.simulate(seed) for seed in self.seeds]
        self.known = [known(path, self.params) for path in self.files]

    def simulate(self, seed):
        path = self.work.root / "data" / f"history.{self.part}.{seed}.jsonl"
        p = self.params
        command = [str(features.binary()), "simulate", "--out", str(path), "--seed", str(seed), "--hours", str(p["hours"]), "--count", str(p["requests"]), "--attacks", str(p["attacks"])]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        return path

    def view(self, view):
        """Values of the rows of which something was known, and who sent them."""
        values, rows = [], []
        for path, known in zip(self.files, self.known):
            out = features.run(path, self.work.features(path.stem, view), view)
            # A sequence takes two kilobytes, so only the rows that are used are read.
            picked = np.load(out, mmap_mode="r")[known["row"]]
            there = np.abs(picked).reshape(len(picked), -1).max(axis=1) > 0
            values.append(picked[there])
            rows.append(known[there])
        described = features.schema(out)
        values = np.concatenate(values).astype(np.float32)
        if view == "behaviour":
            values = any_hour(values, described["names"], self.work.seed)
        return values, np.concatenate(rows), described


def known(path, params):
    """The rows of a world that are used: of each client and campaign so many, spread over its time.

    Left out is what attackers sent before they did anything hostile, and what was sent in the name of somebody whose
    account others abuse: nobody could tell there.
    """
    rows, began = collections.defaultdict(list), set()
    for number, item in enumerate(record.read(path)):
        if item["attacker"]:
            began |= {item["group"]} if item["label"] else set()
            if item["group"] in began:
                rows[True, item["scenario"], str(item["group"])].append(number)
        elif not item.get("victim"):
            rows[False, item["scenario"], item["actor"]].append(number)
    made = []
    for (hostile, scenario, who), numbers in sorted(rows.items()):
        most = params["campaign" if hostile else "client"]
        chosen = np.array(numbers)[np.unique(np.linspace(0, len(numbers) - 1, min(most, len(numbers))).astype(int))]
        made += [(number, hostile, scenario, f"{path.stem}/{who}") for number in chosen]
    return np.array(sorted(made), dtype=[("row", np.int64), ("hostile", np.uint8), ("scenario", "U40"), ("who", "U80")])


def any_hour(values, names, seed):
    """The same rows at any hour of any day: worlds that are made up in one week must not teach which hours are hostile."""
    rng = np.random.default_rng(seed)
    values = values.copy()
    day = rng.integers(0, 7, len(values))
    drawn = {"hour": rng.integers(0, 24, len(values)) / 24, "day": day / 7, "weekend": day >= 5}
    for name in CLOCK:
        if name in names:
            values[:, names.index(name)] = drawn[name]
    return values


def run(work, out, wanted=MEMBERS):
    """Trains the members, judges them, and adds them to the manifest in `out`."""
    worlds = {part: Worlds(work, part) for part in SEEDS}
    report = {"seeds": {part: one.seeds for part, one in worlds.items()}, "params": worlds["train"].params, "scores": {}, "shadow": []}
    loaded = {}
    for name in wanted:
        view = train.MEMBERS[name].view
        if view not in loaded:
            say(f"history: {view}")
            loaded[view] = {part: one.view(view) for part, one in worlds.items()}
            report.setdefault("rows", {})[view] = {part: {"rows": len(rows), "hostile": int(rows["hostile"].sum()), "clients": len(set(rows["who"]))} for part, (_, rows, _) in loaded[view].items()}
        fit(work, name, loaded[view])
        report["scores"][name] = judge(work, name, loaded[view])
    report["shadow"] = shadows(report)
    write_json(work.root / "reports" / "history.json", report)
    show(report)
    join(work, out, report)


def shadows(report):
    """Members that are shown and have no say."""
    at = {name: one["transfer"]["0.001"] for name, one in report["scores"].items()}
    return [name for name, one in at.items() if one["wronged"] > MOST_WRONGED or one["detected"] < LEAST_DETECTED]


def fit(work, name, parts):
    values = {part: Part(values, rows["hostile"]) for part, (values, rows, _) in parts.items()}
    described = parts["train"][2]
    train.train_member(work, name, {"train": values["train"], "dev": values["dev"], "names": described["names"] if train.MEMBERS[name].view == "behaviour" else [], "schema": described["schema"]})


def judge(work, name, parts):
    """Thresholds from dev, what they do on valid, and the curve there."""
    running, calibration = graph.session(str(work.model(name))), described(work, name)["calibration"]
    scores = {part: calibrate.apply(calibration, np.concatenate([graph.infer(running, values[start:start + 1024]).ravel() for start in range(0, len(values), 1024)])) for part, (values, _, _) in parts.items()}
    dev, valid = parts["dev"][1], parts["valid"][1]
    harmless = dev["hostile"] == 0
    chosen = {f"{rate:g}": min(1.0, calibrate.threshold_at(scores["dev"][harmless], dev["who"][harmless], rate)) for rate in metrics.RATES}
    result = metrics.detection(scores["valid"], valid["hostile"], valid["scenario"])
    result.update(thresholds=chosen, transfer={rate: effect(scores["valid"], valid, cut) for rate, cut in chosen.items()}, calibration_error=metrics.calibration_error(scores["valid"], valid["hostile"]))
    result.update(roc=metrics.roc(scores["valid"], valid["hostile"], valid["hostile"] == 0), confusion=metrics.confusion(scores["valid"], valid["hostile"], valid["hostile"] == 0, chosen["0.001"]))
    result["scenarios"] = by_scenario(scores["valid"], valid, chosen["0.001"])
    worth = pictures.of_file(work.model(name), parts["valid"][0], valid["hostile"], parts["valid"][2]["names"])
    pictures.write(work.root / "reports", name, pictures.figures(scores["valid"], valid["hostile"], valid["hostile"] == 0, chosen["0.001"], worth))
    return result


def effect(score, rows, cut):
    """Rows, and clients or campaigns with any row, at or above a threshold."""
    made = {}
    for name, chosen in (("wronged", rows["hostile"] == 0), ("detected", rows["hostile"] == 1)):
        above = set(rows["who"][chosen & (score >= cut)])
        made[name] = float((score[chosen] >= cut).mean())
        made[f"{name}_ever"] = len(above) / max(1, len(set(rows["who"][chosen])))
    return made


def by_scenario(score, rows, cut):
    result = {}
    for name in sorted(set(rows["scenario"])):
        chosen = rows["scenario"] == name
        hostile = bool(rows["hostile"][chosen][0])
        above = chosen & (score >= cut)
        result[name] = {"hostile": hostile, "rows": int(chosen.sum()), "above": float(above.sum() / chosen.sum()), "clients": len(set(rows["who"][chosen])), "clients_above": len(set(rows["who"][above]))}
    return result


def show(report, what="history"):
    print(f"{what:20} {'AUC':>7} {'found':>7} {'wronged':>8} {'campaigns':>10} {'clients':>8}   at the threshold of dev for 0.1 %, on valid")
    for name, one in report["scores"].items():
        at = one["transfer"]["0.001"]
        print(f"{name:20} {one['auc']:7.4f} {100 * at['detected']:6.1f}% {100 * at['wronged']:7.2f}% {100 * at['detected_ever']:9.1f}% {100 * at['wronged_ever']:7.2f}%" + ("   no say" if name in report["shadow"] else ""))


def join(work, out, report, what="history"):
    """Adds the members to the manifest beside which their files are put; those of the same name are replaced. `what` they
    read names the report."""
    folder = out / "artifacts"
    manifest = json.loads((folder / "manifest.json").read_text())
    parity = json.loads((folder / "parity.json").read_text())
    kept = [model for model in manifest["models"] if model["name"] not in report["scores"]]
    for name in report["scores"]:
        worst = export.check(work, name)
        kept.append(export.place(work, name, report, ["simulator"], folder))
        parity[name] = export.samples(work, name)
        say(f"{name}: parity {worst:.1e}")
        card.write_history(work, name, report, out / "cards", what)
    manifest["models"] = kept
    tell(folder, manifest, report)
    export.write_manifest(folder, manifest, parity)
    (out / "reports").mkdir(parents=True, exist_ok=True)
    write_json(out / "reports" / f"{what}.json", report)
    for path in (path for name in report["scores"] for path in sorted((work.root / "reports").glob(f"member-{name}.*"))):
        shutil.copyfile(path, out / "reports" / path.name)


def tell(folder, manifest, report):
    """Adds the members to the figures that travel with the artifacts."""
    told = json.loads((folder / "report.json").read_text())
    for model in manifest["models"]:
        if model["name"] not in report["scores"]:
            continue
        one, rows = report["scores"][model["name"]], report["rows"][model["view"]]["valid"]
        made = {"sha256": model["sha256"], "importance": None, **export.judged(one, rows["rows"], rows["hostile"])}
        made["metrics"]["sources"] = [{"source": name, "count": value["rows"], "wronged": export.rounded(value["above"])} for name, value in one["scenarios"].items() if not value["hostile"]]
        told["models"][model["name"]] = made
    (folder / "report.json").write_text(json.dumps(told, separators=(",", ":")) + "\n")
