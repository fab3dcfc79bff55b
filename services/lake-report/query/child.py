"""The process that `bounded` starts: runs a report's SQL in bounded memory, and tells what comes of it.

Started as `python -m query.child DESCRIPTOR`, one end of a pipe: takes `Asked` from it, gives `Opened` and then a
`Given` for each query, or the first `ReportError` instead. Ends when it has told all, or when nobody listens.
"""

from __future__ import annotations

import resource
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from errors import ReportError
from query import engine
from query.bounded import Asked, Given, Opened
from query.lake import Lake
from query.limits import MEMORY


def main(descriptor: int) -> None:
    """Answers what is asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the flow, which ends this process
    _bound(resource.RLIMIT_DATA, MEMORY * 2**20)
    _bound(resource.RLIMIT_CORE, 0)
    with Connection(descriptor) as pipe, suppress(BrokenPipeError, ConnectionResetError):
        asked: Asked = pipe.recv()
        try:
            _answer(asked, pipe)
        except ReportError as exc:
            pipe.send(exc)


def _bound(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _answer(asked: Asked, pipe: Connection) -> None:
    lake = Lake(asked.lake)
    manifests = engine.needed(asked.queries, lake)
    with engine.opened(lake, manifests, asked.spill) as tables:
        named = [engine.tables_of(query) for query in asked.queries]
        read = tuple(tuple(one.told.table for one in manifests if one.table in names) for names in named)
        pipe.send(Opened(tuple(manifest.told for manifest in manifests), read))
        for query in asked.queries:
            answer = tables.answer(query)
            pipe.send(Given(answer.columns, answer.rows))


if __name__ == "__main__":
    main(int(sys.argv[1]))
