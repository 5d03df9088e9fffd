"""The working folder of a training: sets, features, gates, trained members.

    data/      train, dev, valid, pool
    features/  what the gateway's command wrote
    gates/     one gate per fold, and the whole one
    models/    NAME.onnx, NAME.json (calibration, thresholds, importance), NAME.npz (rows and outputs for parity)
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from portcullis_train import record


@dataclass
class Work:
    """Paths of one training."""

    root: Path
    seed: int = 1
    params: dict = field(default_factory=dict)

    def __post_init__(self):
        self.root = Path(self.root)
        for name in ("data", "features", "gates", "models", "logs", "reports"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def data(self, part):
        return self.root / "data" / f"{part}.jsonl.gz"

    def features(self, part, view):
        return self.root / "features" / f"{part}.{view}.npy"

    def gate(self, fold=None):
        return self.root / "gates" / ("gate.onnx" if fold is None else f"fold{fold}.onnx")

    def model(self, name, ending=".onnx"):
        return self.root / "models" / f"{name}{ending}"

    def summary(self):
        return json.loads((self.root / "data" / "dataset.json").read_text())

    def of(self, name):
        """The parameters of a member, from --params."""
        return self.params.get(name, {})


@dataclass
class Requests:
    """What is known of the requests of a part, by column."""

    labels: np.ndarray
    classes: np.ndarray
    sources: np.ndarray
    domains: np.ndarray
    families: np.ndarray

    def recorded(self):
        """Harmless requests that somebody really sent: what rates of false alarms are counted on."""
        return (self.labels == 0) & np.isin(self.sources, ["browser", "vcr_github", "browser_benign.valid", "api_benign.valid"])


def describe(path):
    """Reads labels, classes, sources and domains of a set."""
    rows = [(item["label"], item["cls"], item.get("src", ""), item.get("domain") or record.domain(item), "/".join(item.get("family", "").split("/")[:2])) for item in record.read(path)]
    labels, classes, sources, domains, families = (np.array(column) for column in zip(*rows))
    return Requests(labels.astype(np.uint8), classes, sources, domains, families)


def folds_of(domains, count, seed):
    """A fold per domain: requests of one domain never stand on both sides."""
    by_name = {name: int(record.share(name, f"fold{seed}") * count) for name in set(domains)}
    return np.array([by_name[name] for name in domains])


def write_json(path, value):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1, default=plain)
    # Lists of numbers and names on one line: a calibration has a hundred of them.
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: "[" + re.sub(r"\s*\n\s*", " ", found.group(1)) + "]", text)
    Path(path).write_text(text + "\n")


def plain(value):
    """Numbers of numpy as JSON."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(type(value).__name__)
