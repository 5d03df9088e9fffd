#!/usr/bin/env python3
"""The same load through Portcullis and through its peers, side by side.

The proxy has one core, the load generator and the backend share another. Every round visits all proxies, so that
a slow minute of the machine falls on all of them; the medians over the rounds are printed. Absolute figures belong to
the machine: only ratios between proxies measured in one run say anything elsewhere. Nothing but loopback is loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median

import measure
import peers
from measure import BenchError, Sample

LOADS = ("get", "post")
# What Portcullis promises: CPU per request as a multiple of nginx's, resident MB, added µs at one connection.
PROMISES = {
    "portcullis-off": {"get": 1.7, "post": 1.7},
    "portcullis-rules": {"get": 3.6, "post": 5.8},
    # 70 and 140 µs where nginx takes 12.6 and 13.9.
    "portcullis-on": {"get": 5.56, "post": 10.07},
}
RESIDENT_MB = {"portcullis-off": 40, "portcullis-rules": 40}
SETTLED_MB = {1: 100, 2: 120}
ADDED_US = 150


class Bench:
    """All processes of one comparison, and what was measured of them."""

    def __init__(self, arguments: argparse.Namespace, folder: Path, cores: list[int]) -> None:
        self.arguments = arguments
        self.folder = folder
        self.proxy_core, self.load_core = cores[0], cores[1]
        self.processes: list[subprocess.Popen[bytes]] = []
        self.running: dict[str, tuple[int, int]] = {}
        self.labels: dict[str, str] = {}
        self.samples: dict[tuple[str, str], list[Sample]] = {}
        self.failed: dict[str, str] = {}
        self.backend = measure.free_port()
        self.binary = Path()

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def start(self) -> None:
        target = Path(self.arguments.target_dir).resolve() / self.arguments.profile
        self.binary = target / "portcullis"
        all_peers = peers.all_peers(self.binary, target / "examples" / "bare", measure.free_port)
        wanted = set(self.arguments.only.split(",")) if self.arguments.only else {peer.name for peer in all_peers}
        if unknown := wanted - {peer.name for peer in all_peers}:
            raise BenchError(f"no proxy is called {', '.join(sorted(unknown))}")
        for needed in ("wrk", "nginx"):
            if reason := peers.needs(needed)():
                raise BenchError(f"{reason}; it makes the load or is the backend (make bench installs it as root)")
        home = self.home("backend")
        command = peers.backend_command(home, self.backend)
        self.processes.append(measure.start(command, self.load_core, self.backend, home))
        for peer in all_peers:
            if peer.name in wanted:
                self.start_peer(peer)

    def home(self, name: str) -> Path:
        home = self.folder / name
        home.mkdir()
        return home

    def start_peer(self, peer: peers.Peer) -> None:
        self.labels[peer.name] = peer.label
        if reason := peer.missing():
            self.failed[peer.name] = reason
            return
        home, port = self.home(peer.name), measure.free_port()
        try:
            process = measure.start(peer.command(home, port, self.backend), self.proxy_core, port, home)
        except BenchError as error:
            self.failed[peer.name] = str(error)
            return
        self.processes.append(process)
        self.running[peer.name] = (process.pid, port)

    def rounds(self) -> None:
        for number in range(self.arguments.rounds):
            for load in LOADS:
                for name in list(self.running):
                    self.note(f"round {number + 1} of {self.arguments.rounds}: {load} {name}")
                    self.measure_one(name, load)

    def measure_one(self, name: str, load: str) -> None:
        pid, port = self.running[name]
        try:
            sample = measure.sample(pid, port, load, self.arguments.seconds, self.load_core)
            self.samples.setdefault((name, load), []).append(sample)
        except (BenchError, OSError) as error:
            self.failed[name] = f"{load}: {error}"
            del self.running[name]
        finally:
            # Records are appended to a file, as in earnest; it need not fill the disk.
            records = self.folder / name / "records.jsonl"
            if records.exists():
                os.truncate(records, 0)

    def added_p50(self) -> float | None:
        """Median over the rounds of p50 through Portcullis minus p50 straight to the backend, at one connection."""
        if "portcullis-rules" not in self.running:
            return None
        port = self.running["portcullis-rules"][1]
        added = []
        for _ in range(self.arguments.rounds):
            self.note("one connection: straight, then through Portcullis")
            straight = measure.wrk(self.backend, "get", 1, min(self.arguments.seconds, 3), self.load_core)
            through = measure.wrk(port, "get", 1, min(self.arguments.seconds, 3), self.load_core)
            added.append(through["p50_us"] - straight["p50_us"])
        return median(added)

    def memory(self, workers: int) -> float | None:
        """Resident MB of a fresh gateway with everything on, used by 1,000 clients."""
        if "portcullis-on" not in self.running:
            return None
        self.note(f"memory with {workers} workers")
        home, port = self.home(f"memory-{workers}"), measure.free_port()
        peer = peers.everything_on(self.binary, measure.free_port, workers)
        process = measure.start(peer(home, port, self.backend), self.proxy_core, port, home)
        try:
            return measure.settled_mb(process.pid, port, self.load_core)
        finally:
            measure.stop(process)

    def row(self, name: str, load: str) -> dict[str, float] | None:
        samples = self.samples.get((name, load))
        if not samples or name in self.failed:
            return None
        row = {key: median(asdict(sample)[key] for sample in samples) for key in asdict(samples[0])}
        nginx = self.samples.get(("nginx", load), [])
        if len(nginx) == len(samples):
            row["ratio"] = median(mine.cpu / theirs.cpu for mine, theirs in zip(samples, nginx, strict=True))
        return row

    def stop(self) -> None:
        for process in reversed(self.processes):
            measure.stop(process)


def machine() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, Linux {platform.release()}"


def table(bench: Bench, added: float | None, memory: dict[int, float | None]) -> str:
    lines = [f"{machine()}; {bench.arguments.rounds} rounds of {bench.arguments.seconds:g} s, 16 connections, medians"]
    for load, title in zip(LOADS, ("GET, 4 parameters, JWT, 2 cookies", "POST, 1,079 bytes of JSON"), strict=True):
        lines += ["", title]
        heads = f"{'requests/s':>10} {'p50 µs':>8} {'p99 µs':>8} {'RSS MB':>7} {'CPU µs/req':>10} {'× nginx':>8}"
        lines.append(f"  {'':<30} {heads}")
        for name, label in bench.labels.items():
            row = bench.row(name, load)
            if row is None:
                continue
            ratio = f"{row['ratio']:>8.2f}" if "ratio" in row else f"{'-':>8}"
            lines.append(
                f"  {label:<30} {row['rate']:>10.0f} {row['p50']:>8.0f} {row['p99']:>8.0f} {row['resident']:>7.1f}"
                f" {row['cpu']:>10.1f} {ratio}"
            )
    lines += ["", *promises(bench, added, memory)]
    for name, reason in bench.failed.items():
        lines.append(f"not measured: {bench.labels[name]}: {reason}")
    lines.append("Only ratios between lines of one run mean anything; absolute figures belong to this machine.")
    return "\n".join(lines)


def promises(bench: Bench, added: float | None, memory: dict[int, float | None]) -> list[str]:
    """What Portcullis is to reach, beside what it reached here."""

    def line(what: str, reached: float, limit: float, unit: str) -> str:
        return f"  {'holds ' if reached <= limit else 'MISSED'}  {what}: {reached:.2f} (at most {limit:g}) {unit}"

    lines = []
    for name, limits in PROMISES.items():
        for load, limit in limits.items():
            row = bench.row(name, load)
            if row and "ratio" in row:
                lines.append(line(f"{bench.labels[name]}, {load}", row["ratio"], limit, "× nginx, CPU per request"))
    for name, limit in RESIDENT_MB.items():
        resident = [row["resident"] for load in LOADS if (row := bench.row(name, load))]
        if resident:
            lines.append(line(f"{bench.labels[name]}, resident memory", max(resident), limit, "MB"))
    for workers, limit in SETTLED_MB.items():
        if (reached := memory.get(workers)) is not None:
            text = f"everything on, {workers} worker(s), resident after harmless and hostile load of 1,000 clients"
            lines.append(line(text, reached, limit, "MB"))
    if added is not None:
        lines.append(line("Portcullis, rules and limits, added p50 at one connection", added, ADDED_US, "µs"))
    return lines


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="length of one measured run, at most 10 (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds over all proxies (default 3)")
    parser.add_argument("--only", help="comma-separated: nginx,haproxy,bare,portcullis-off,portcullis-rules,portcullis-on,modsecurity")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--target-dir", default="target", help="cargo's target folder (default target)")
    parser.add_argument("--profile", default="release", help="cargo profile whose binaries are taken (default release)")
    arguments = parser.parse_args(argv)
    if not 1 <= arguments.seconds <= 10 or arguments.rounds < 1:
        parser.error("--seconds is 1 to 10, --rounds at least 1")
    return arguments


def main() -> int:
    arguments = parse()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("two cores are needed: one for the proxy, one for the load", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="portcullis-bench-") as folder:
        bench = Bench(arguments, Path(folder), cores)
        try:
            bench.start()
            bench.rounds()
            added = bench.added_p50()
            memory = {workers: bench.memory(workers) for workers in SETTLED_MB}
        except BenchError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            bench.stop()
        if arguments.json:
            rows = [
                {"proxy": name, "load": load, **row}
                for name in bench.labels
                for load in LOADS
                if (row := bench.row(name, load))
            ]
            print(json.dumps({"machine": machine(), "rows": rows, "added_p50_us": added, "not_measured": bench.failed}, indent=2))
        else:
            print(table(bench, added, memory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
