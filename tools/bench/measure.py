"""How long commands take, and how much CPU and memory.

Takes commands, gives a `Measured` for each run of one. Memory is the resident set (RSS) of the command's process and of
all that it started, summed; what servers and the Docker engine use for it does not count. Linux only: it asks /proc.
Needs the standard library alone, so that any environment can import it. Never looks at what a command printed, but
shows the end of it where the command fails.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from tools.errors import RemoteError

INTERVAL = 0.02
SHOWN_BYTES = 4000


@dataclass(frozen=True)
class Measured:
    """One run: seconds by the clock, seconds of CPU of its own processes, peak memory in bytes."""

    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Summary:
    """Several runs of one thing."""

    best: float
    median: float
    noise: float
    """How far the slowest is from the fastest, as a share of the median."""
    cpu: float
    """The median."""
    peak: int
    """The highest."""


Way = Callable[[], Measured]


def measured(command: Sequence[str], cwd: Path, variables: Mapping[str, str]) -> Measured:
    """Runs a command to its end.

    Args:
        command: what to run; it gets no input.
        cwd: where.
        variables: its environment.

    Raises:
        RemoteError: it failed; the end of what it printed is given.
    """
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=cwd, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            with _watched(process.pid) as peak:
                _, status, usage = os.wait4(process.pid, 0)
                seconds = time.monotonic() - started
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(max(0, output.tell() - SHOWN_BYTES))
            said = output.read().decode("utf-8", "replace").strip()
            raise RemoteError(f"{' '.join(command)[:200]} ended with {process.returncode}:\n{said}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, max(peak))


def in_turn(ways: Mapping[str, Way], rounds: int) -> dict[str, list[Measured]]:
    """Runs all ways one after the other, as often as there are rounds, so that noise meets all of them alike."""
    found: dict[str, list[Measured]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found


def summary(runs: Sequence[Measured]) -> Summary:
    """What several runs of one thing come to."""
    seconds = [run.seconds for run in runs]
    median = statistics.median(seconds)
    noise = (max(seconds) - min(seconds)) / median if median else 0.0
    return Summary(
        min(seconds), median, noise, statistics.median(run.cpu for run in runs), max(run.peak for run in runs)
    )


def one_after_another(runs: Sequence[Measured]) -> Measured:
    """Several commands as one."""
    return Measured(sum(run.seconds for run in runs), sum(run.cpu for run in runs), max(run.peak for run in runs))


@contextmanager
def _watched(process: int) -> Iterator[list[int]]:
    """The peaks of a process's memory, sampled until the context ends."""
    peaks, ended = [0], Event()

    def watch() -> None:
        while not ended.wait(INTERVAL):
            tree = list(_tree(process))
            # Between two samples a single process may have needed more than the sum at either: Linux remembers that.
            peaks.append(max(sum(now for now, _ in tree), *(most for _, most in tree), 0))

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield peaks
    finally:
        ended.set()
        watcher.join()


def _tree(process: int) -> Iterator[tuple[int, int]]:
    """Bytes now and at most, of a process and of all below it."""
    try:
        status = Path(f"/proc/{process}/status").read_text("ascii", "replace")
        children = " ".join(path.read_text("ascii") for path in Path(f"/proc/{process}/task").glob("*/children"))
    except OSError:
        return  # it has just ended
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE))
    yield int(found.get("VmRSS", 0)) * 1024, int(found.get("VmHWM", 0)) * 1024
    for child in children.split():
        yield from _tree(int(child))
