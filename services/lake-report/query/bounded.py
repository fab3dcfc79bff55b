"""Runs a report's SQL in a process of its own, because DuckDB's limit of memory does not count all that a query takes.

Takes a report's queries and the lake's URL; gives the tables that they read, then one answer after another. A query
that takes too much memory ends that process at the worst, and is one error here. Never imports DuckDB: `child` does.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from errors import LakeError, ReportError
from query.answers import Answer, Row
from query.lake import Source
from query.limits import MEMORY
from query.report import Query

_SERVICE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Asked:
    """What the process is told: it answers these queries in their order."""

    lake: str
    queries: tuple[Query, ...]
    #: A directory for what does not fit into memory.
    spill: Path


@dataclass(frozen=True)
class Opened:
    """What the process tells first: the tables that are read, and those of them that each query reads."""

    sources: tuple[Source, ...]
    read: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Given:
    """What the process tells of each query."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class Tables:
    """The tables of the lake that some queries read."""

    def __init__(self, queries: Sequence[Query], child: subprocess.Popen[bytes], pipe: Connection) -> None:
        self._queries, self._child, self._pipe = tuple(queries), child, pipe
        self._opened: Opened = self._told(None)

    @property
    def sources(self) -> tuple[Source, ...]:
        return self._opened.sources

    def read_by(self, query: Query) -> tuple[str, ...]:
        """The names of the tables that a query reads."""
        return self._opened.read[self._queries.index(query)]

    def answers(self) -> Iterator[Answer]:
        """The answer to each query, in their order.

        Raises:
            DefinitionError: the SQL is wrong, takes too much memory, or gives what does not fit the chart.
            LakeError: a file cannot be read.
        """
        for query in self._queries:
            given: Given = self._told(query)
            yield Answer(query, given.columns, given.rows)

    def _told(self, query: Query | None) -> Any:
        """What the process tells next, which is about this query, or about the tables."""
        try:
            told = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise _died(self._child.wait(), query) from None
        if isinstance(told, ReportError):
            raise told
        return told


@contextmanager
def opened(queries: Sequence[Query], lake: str) -> Iterator[Tables]:
    """A process that has the tables of these queries, until the block ends.

    Raises:
        DefinitionError: a file does not hold just one SELECT.
        MissingTablesError: the lake lacks tables; all of them are named.
        LakeError: it cannot be read.
    """
    pipe, end = Pipe()
    with tempfile.TemporaryDirectory(prefix="lake-report-") as spill, pipe:
        command = [sys.executable, "-m", "query.child", str(end.fileno())]
        with end:
            child = subprocess.Popen(command, cwd=_SERVICE, pass_fds=[end.fileno()])
        try:
            pipe.send(Asked(lake, tuple(queries), Path(spill)))
            yield Tables(queries, child, pipe)
        finally:
            child.kill()
            child.wait()


def _died(code: int, query: Query | None) -> Exception:
    if code >= 0:
        return RuntimeError(f"the process that runs the SQL ended with exit code {code}; what it said stands above")
    reason = (
        f"the process that ran it was ended by {signal.Signals(-code).name}, "
        f"most likely for want of memory: it may have {MEMORY} MB"
    )
    return query.wrong(query.line, reason) if query else LakeError(f"the lake's tables cannot be opened: {reason}")
