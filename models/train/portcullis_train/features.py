"""Features from the gateway's own command: `portcullis features`, see docs/FEATURES.md. None is computed here."""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse

COLUMN_BITS = 18


class MissingBinary(RuntimeError):
    """The gateway's program was not found."""


def binary():
    """The program that computes features: `PORTCULLIS_BIN`, or a build of this repository, newest first."""
    named = os.environ.get("PORTCULLIS_BIN")
    if named:
        if not Path(named).is_file():
            raise MissingBinary(f"PORTCULLIS_BIN names {named}, which is no file")
        return Path(named)
    root = Path(__file__).resolve().parents[3]
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    built = [path for path in (target / profile / "portcullis" for profile in ("release", "quick", "debug")) if path.is_file()]
    if built:
        return max(built, key=lambda path: path.stat().st_mtime)
    found = shutil.which("portcullis")
    if found:
        return Path(found)
    raise MissingBinary("no portcullis program: build one (make build) or set PORTCULLIS_BIN; features come from it alone")


@dataclass
class Fields:
    """Judged fields as rows of hashed n-grams, with what is known of each."""

    matrix: scipy.sparse.csr_matrix
    rows: list
    schema: str
    requests: int


@dataclass
class View:
    """One row per request."""

    values: np.ndarray
    labels: np.ndarray
    names: list
    schema: str


def run(requests, out, view, gate=None, distinct=False, rules=None, records=None):
    """Runs the command over a file of requests. What it wrote before for the same inputs is kept and used again."""
    requests, out = Path(requests), Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [str(binary()), "features", str(requests), str(out), "--view", view]
    command += ["--gate", str(gate)] if gate else []
    command += ["--distinct"] if distinct else []
    command += ["--rules", str(rules)] if rules else []
    command += ["--records", str(records)] if records else []
    stamp = out.with_suffix(".stamp")
    key = stamp_of(command, [requests, gate, records, binary()])
    if stamp.is_file() and stamp.read_text() == key and out.is_file():
        return out
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    stamp.write_text(key)
    return out


def stamp_of(command, inputs):
    digest = hashlib.sha256("\0".join(command).encode())
    for path in filter(None, inputs):
        status = Path(path).stat()
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return digest.hexdigest()


def beside(out, ending):
    """A companion of `OUT.npy`: `OUT.labels.npy` and the like."""
    return Path(str(out)[: -len(".npy")] + ending)


def schema(out):
    return json.loads(beside(out, ".schema.json").read_text())


def request_view(requests, out, view="request", gate=None):
    out = run(requests, out, view, gate)
    described = schema(out)
    return View(np.load(out), np.load(beside(out, ".labels.npy")), described.get("names", []), described["schema"])


def fields(requests, out, gate=None, distinct=True):
    out = run(requests, out, "fields", gate, distinct)
    with open(beside(out, ".rows.jsonl"), encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    matrix = scipy.sparse.csr_matrix((np.load(out), np.load(beside(out, ".indices.npy")), np.load(beside(out, ".indptr.npy"))), shape=(len(rows), 1 << COLUMN_BITS))
    return Fields(matrix, rows, schema(out)["schema"], len(np.load(beside(out, ".labels.npy"))))


def fold_columns(matrix, bits):
    """The columns of a gate of fewer bits: counts (squares) add up before the root is taken."""
    if bits == COLUMN_BITS:
        return matrix
    squared = matrix.copy()
    squared.data = squared.data**2
    squared.indices = squared.indices >> (COLUMN_BITS - bits)
    folded = scipy.sparse.csr_matrix((squared.data, squared.indices, squared.indptr), shape=(matrix.shape[0], 1 << bits))
    folded.sum_duplicates()
    folded.data = np.sqrt(folded.data)
    return folded
