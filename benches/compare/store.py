#!/usr/bin/env python3
"""What recording costs behind the gateway: the same load, at a rate, through one gateway that records nothing, one that
writes lines, and one that also has the store.

All run at once; every round visits each, in turn, so that a slow minute of the machine falls on all of them. Printed are
medians over the rounds, and of p99 also the least: whatever else the machine does makes a p99 worse and never better, so
that the quietest rounds are compared. A round is long enough for dozens of batches of the store. CPU is that of the worker's
thread alone, which is the request's own. Only the ratios mean anything elsewhere. Nothing but loopback is loaded.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import measure
import peers
from measure import BenchError

# What is promised: p99 with the store as a multiple of that without, CPU µs of a record on the request's own thread.
P99_RATIO = 1.1
OWN_US = 2.0
# Each connection's mean pause between requests, in milliseconds; their number follows from the rate.
PAUSE = 16

CONFIG = """
listeners:
  - address: 127.0.0.1:{port}
admin:
  address: 127.0.0.1:{admin}
upstreams:
  api:
    servers: [http://127.0.0.1:{backend}]
routes:
  - {{ path: /, upstream: api }}
policies:
  default:
    mode: enforce
    limits: []
records:
  output: {records}
store:
  database: {database}
log:
  level: warn
workers:
  threads: 1
"""

# Name, where lines go, the database.
GATEWAYS = [
    ("nothing recorded", "none", "off"),
    ("lines", "{folder}/records.jsonl", "off"),
    ("lines and store", "{folder}/records.jsonl", "sqlite"),
]


@dataclass(frozen=True)
class Sample:
    """One run: requests per second, p50 and p99 in µs, CPU µs per request of the worker's thread and of all threads."""

    rate: float
    p50: float
    p99: float
    own: float
    cpu: float


def threads_ns(pid: int, name: str) -> int:
    """Time on a processor, in nanoseconds, of the threads whose names begin so; those that have ended are not in it."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            if (task / "comm").read_text().startswith(name):
                total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def start(binary: Path, folder: Path, number: int, backend: int) -> tuple[subprocess.Popen[bytes], int]:
    _, records, database = GATEWAYS[number]
    home = folder / str(number)
    home.mkdir()
    port = measure.free_port()
    config = home / "portcullis.yaml"
    records = records.format(folder=home)
    config.write_text(CONFIG.format(port=port, admin=measure.free_port(), backend=backend, records=records, database=database))
    command = [str(binary), "run", "--config", str(config), "--state-dir", str(home / "state")]
    log = (home / "output.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        measure.await_port(process, port)
    except BenchError as error:
        raise BenchError(f"{binary} {error}:\n{(home / 'output.log').read_text()[-1500:]}") from error
    return process, port


def one(pid: int, port: int, arguments: argparse.Namespace, core: int) -> Sample:
    connections = max(1, round(arguments.rate * PAUSE / 1000))
    measure.wrk(port, "get", connections, 1, core, PAUSE)
    own, cpu = threads_ns(pid, "worker-"), threads_ns(pid, "")
    result = measure.wrk(port, "get", connections, arguments.seconds, core, PAUSE)
    own, cpu = threads_ns(pid, "worker-") - own, threads_ns(pid, "") - cpu
    count = result["requests"]
    return Sample(
        rate=count / (result["duration_us"] / 1e6),
        p50=result["p50_us"],
        p99=result["p99_us"],
        own=own / 1000 / count,
        cpu=cpu / 1000 / count,
    )


def rounds(arguments: argparse.Namespace, folder: Path, core: int, processes: list[subprocess.Popen[bytes]]) -> list[list[Sample]]:
    home = folder / "backend"
    home.mkdir()
    backend = measure.free_port()
    processes.append(measure.start(peers.backend_command(home, backend), core, backend, home))
    running = []
    for number in range(len(GATEWAYS)):
        process, port = start(arguments.binary, folder, number, backend)
        processes.append(process)
        running.append((process.pid, port))
    samples: list[list[Sample]] = [[] for _ in GATEWAYS]
    for number in range(arguments.rounds):
        # The first in one round is the last in the next, so that none always follows the same.
        order = list(range(len(GATEWAYS)))[:: 1 if number % 2 == 0 else -1]
        for which in order:
            print(f"round {number + 1} of {arguments.rounds}: {GATEWAYS[which][0]}", file=sys.stderr, flush=True)
            samples[which].append(one(*running[which], arguments, core))
    return samples


def report(samples: list[list[Sample]]) -> str:
    def middle(number: int, key: str) -> float:
        return median(getattr(sample, key) for sample in samples[number])

    def least(number: int) -> float:
        return min(sample.p99 for sample in samples[number])

    def differ(key: str, one: int, other: int) -> float:
        return median(getattr(b, key) - getattr(a, key) for a, b in zip(samples[one], samples[other], strict=True))

    lines = [f"  {'':<18} {'requests/s':>10} {'p50 µs':>8} {'p99 µs':>8} {'least':>8} {'worker µs/req':>14} {'all threads':>12}"]
    for number, (name, *_) in enumerate(GATEWAYS):
        rate, p50, p99, spent, cpu = (middle(number, key) for key in ("rate", "p50", "p99", "own", "cpu"))
        lines.append(f"  {name:<18} {rate:>10.0f} {p50:>8.0f} {p99:>8.0f} {least(number):>8.0f} {spent:>14.1f} {cpu:>12.1f}")
    ratio, whole = least(2) / least(1), least(2) / least(0)
    own = differ("own", 0, 2)

    def promise(what: str, reached: float, limit: float) -> str:
        return f"  {'holds ' if reached <= limit else 'MISSED'}  {what}: {reached:.2f} (at most {limit:g})"

    return "\n".join(
        [
            *lines,
            "",
            promise("p99 with the store, × p99 without", ratio, P99_RATIO),
            promise("CPU µs of recording on the request's own thread", own, OWN_US),
            f"          of it the line {differ('own', 0, 1):.2f}, the store {differ('own', 1, 2):.2f};"
            f" on all threads the store {differ('cpu', 1, 2):.1f}; p99 × that of recording nothing {whole:.2f}",
        ]
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=Path("target/release/portcullis"))
    parser.add_argument("--rate", type=int, default=2000, help="requests a second (default 2000)")
    parser.add_argument("--seconds", type=float, default=8, help="length of one measured run (default 8)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds over the three (default 7)")
    arguments = parser.parse_args()
    if not arguments.binary.exists():
        parser.error(f"{arguments.binary} is not built")
    arguments.binary = arguments.binary.resolve()
    return arguments


def main() -> int:
    arguments = parse()
    core = max(os.sched_getaffinity(0))
    processes: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="portcullis-bench-") as folder:
        try:
            print(report(rounds(arguments, Path(folder), core, processes)))
        except BenchError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            for process in reversed(processes):
                measure.stop(process)
    return 0


if __name__ == "__main__":
    sys.exit(main())
