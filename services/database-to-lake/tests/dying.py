"""Loads the table t in processes that die; a program that `test_kill.py` talks to, a JSON object a line.

Takes {"source", "lake", "cursor", "at": k, "after": bool}: the process kills itself at its k-th request to the lake,
before or after the lake has done it; or {…, "seconds"}: it is killed after that time. Gives {"killed", "requests"}.
Each load is a fork of this process, which has imported all it needs and has started no thread: that takes milliseconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import obstore.auth.boto3

from lake.store import Store
from load import Request, load
from source import postgres, sqlite
from source.open import open_source
from source.relation import Wanted

IMPORTED = (obstore.auth.boto3, postgres, sqlite)


class DyingStore(Store):
    """A lake whose user dies at the k-th request."""

    def __init__(self, url: str, at: int | None, after: bool) -> None:
        super().__init__(url)
        self.requests, self._at, self._after = 0, at, after

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.requests += 1
        last = self.requests == self._at
        if last and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        yield
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    def listed(self, prefix: str) -> list[tuple[str, datetime]]:
        with self._counted():
            return super().listed(prefix)

    def get(self, path: str) -> bytes:
        with self._counted():
            return super().get(path)

    def create(self, path: str, content: bytes) -> bool:
        with self._counted():
            return super().create(path, content)

    def upload(self, path: str, file: Path) -> None:
        with self._counted():
            super().upload(path, file)

    def delete(self, paths: list[str]) -> None:
        with self._counted():
            super().delete(paths)


def child(command: dict[str, Any], report: int) -> None:
    store = DyingStore(command["lake"], command.get("at"), command.get("after", False))
    with open_source(command["source"]) as source:
        load(source, store, Request(Wanted("t"), command["cursor"]))
    os.write(report, str(store.requests).encode())


def run(command: dict[str, Any]) -> dict[str, Any]:
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            child(command, write)
        finally:
            os._exit(0)
    os.close(write)
    if "seconds" in command:
        time.sleep(command["seconds"])
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    with os.fdopen(read) as report:
        requests = report.read()
    return {"killed": os.WIFSIGNALED(status), "requests": int(requests or 0)}


for line in sys.stdin:
    sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
    sys.stdout.flush()
