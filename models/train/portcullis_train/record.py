"""Requests as JSON lines, in the shape of the public sets: reading, writing, hosts, seeded randomness.

A request is a dict with `label` (1 is an attack), `cls`, `src`, `method`, `url` (path and query), `headers`, `body`
and, where known, `host`. Grafted attacks add `location`, `name`, `payload`, `family` and `encoding`.
"""

import gzip
import hashlib
import json
import random
from pathlib import Path


def read(path, limit=None):
    """Yields the requests of a file of JSON lines, gzipped or not."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if limit is not None and number >= limit:
                return
            if line.strip():
                yield json.loads(line)


def write(path, requests):
    """Writes requests as JSON lines and returns how many there were. A name in `.gz` is compressed, without a time
    stamp, so that the same requests make the same bytes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with open(path, "wb") as raw:
        out = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=5) if path.suffix == ".gz" else raw
        for request in requests:
            # A lone surrogate cannot be UTF-8; escapes keep the file readable whatever a generator made.
            out.write(json.dumps(request, ensure_ascii=True).encode() + b"\n")
            count += 1
        if out is not raw:
            out.close()
    return count


def host(request):
    """The host a request is for: recorded, or from its header, or the name of its source."""
    named = request.get("host") or next(
        (value for name, value in request["headers"].items() if name.lower() == "host"), "")
    return (named or request.get("src", "unknown")).lower()


def domain(request):
    """The registered domain, roughly: what a split must not tear apart."""
    name = host(request).split(":")[0]
    labels = name.split(".")
    if len(labels) <= 2 or labels[-1].isdigit():
        return name
    short_second = len(labels[-2]) <= 3 and len(labels[-1]) == 2
    return ".".join(labels[-3:] if short_second else labels[-2:])


def stream(seed, *names):
    """A generator of random numbers for one purpose. Adding a purpose does not change what others draw."""
    digest = hashlib.sha256("\0".join([str(seed), *map(str, names)]).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def share(key, seed=0):
    """A number in [0, 1) that depends on the key alone: for splits that hold from run to run."""
    digest = hashlib.sha256(f"{seed}\0{key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
