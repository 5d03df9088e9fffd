"""Starting a process on one core, loading it with wrk from another, and reading what it cost from /proc."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOAD = Path(__file__).with_name("load.lua")
# So many that none of them asks more often than people do.
CLIENTS = 16384
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """One run of one load: requests per second, latencies in µs, CPU µs per request, resident MB."""

    rate: float
    p50: float
    p99: float
    cpu: float
    resident: float


class BenchError(Exception):
    """A measurement that would mean nothing, with the reason."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pinned(core: int) -> Callable[[], None]:
    return lambda: os.sched_setaffinity(0, {core})


def start(command: list[str], core: int, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Starts a server on a core and waits until it accepts connections."""
    with (folder / "output.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, preexec_fn=pinned(core))
    try:
        await_port(process, port)
    except BenchError as error:
        logs = [path.read_text(errors="replace")[-1500:] for path in sorted(folder.glob("*.log"))]
        raise BenchError(f"{command[0]} {error}:\n" + "\n".join(logs)) from error
    return process


def await_port(process: subprocess.Popen[bytes], port: int) -> None:
    """Waits until a server accepts connections; ends it where it does not in time."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    stop(process)
    raise BenchError("did not start")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that we started; its children end with it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process and of its descendants."""
    total = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_mb(pid: int) -> float:
    """Resident memory of the largest process of the family: the one that serves."""
    sizes = []
    for each in family(pid):
        for line in Path(f"/proc/{each}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                sizes.append(int(line.split()[1]) / 1024)
    return max(sizes)


def wrk(
    port: int, load: str, connections: int, seconds: float, core: int, pause: int | None = None, clients: int = CLIENTS
) -> dict[str, float]:
    """One run of wrk. Any answer but success makes the figures meaningless, and is an error, but to hostile requests."""
    words = [load, str(clients)] if pause is None else [load, str(clients), str(pause)]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(LOAD), f"http://127.0.0.1:{port}", "--", *words]
    run = subprocess.run(command, capture_output=True, text=True, preexec_fn=pinned(core), timeout=seconds + 60, check=False)
    for line in run.stdout.splitlines():
        if line.startswith("RESULT "):
            result: dict[str, float] = json.loads(line.removeprefix("RESULT "))
            break
    else:
        raise BenchError(f"wrk said: {run.stdout}{run.stderr}")
    refused = result["refused"] and load != "hostile"
    if refused or result["broken"] or not result["requests"]:
        raise BenchError(
            f"of {result['requests']:.0f} requests {result['refused']:.0f} were refused and {result['broken']:.0f} broke"
        )
    return result


def settled_mb(pid: int, port: int, core: int) -> float:
    """Resident memory of a fresh gateway that 1,000 clients have used, harmlessly and with attacks."""
    for load in ("get", "post", "hostile", "get"):
        wrk(port, load, 16, 4, core, pause=16, clients=1000)
    return resident_mb(pid)


def sample(pid: int, port: int, load: str, seconds: float, core: int) -> Sample:
    """A second of warming up, then one measured run at 16 connections."""
    wrk(port, load, 16, 1, core)
    before = cpu_seconds(pid)
    result = wrk(port, load, 16, seconds, core)
    spent = cpu_seconds(pid) - before
    return Sample(
        rate=result["requests"] / (result["duration_us"] / 1e6),
        p50=result["p50_us"],
        p99=result["p99_us"],
        cpu=spent * 1e6 / result["requests"],
        resident=resident_mb(pid),
    )
