"""How many requests a command sends: stands before a server on loopback, forwards to it, and counts. Judges nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from tools.bench.own_cloud import OwnCloud
from tools.repository import KEPT

_OF_ONE_HOP = frozenset({"connection", "content-length", "date", "host", "server", "transfer-encoding"})
ANSWER_SECONDS = 120


class Counter:
    """Counts what passes to a server.

    Args:
        port: the server's, on loopback.
    """

    def __init__(self, port: int) -> None:
        self.requests = 0
        self._upstream, self._one_at_a_time = port, Lock()

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Serves on a free port of the loopback interface and gives it."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _handler(counter) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request's inside
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two small packets

            def _forward(self) -> None:
                with counter._one_at_a_time:
                    counter.requests += 1
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                sent = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_HOP}
                upstream = HTTPConnection("127.0.0.1", counter._upstream, timeout=ANSWER_SECONDS)
                try:
                    upstream.request(self.command, self.path, body, sent)
                    came = upstream.getresponse()
                    content = came.read()
                finally:
                    upstream.close()
                self.send_response(came.status)
                for name, value in came.getheaders():
                    if name.lower() not in _OF_ONE_HOP:
                        self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler


def asked(cloud: OwnCloud, *, fresh: bool) -> int:
    """How many requests a deploy of all flows of a cloud sends to Prefect and AWS.

    Args:
        cloud: where.
        fresh: whether on a machine that has not deployed before: without what is kept there.
    """
    if fresh:
        shutil.rmtree(cloud.root / KEPT)
    prefect, aws = Counter(cloud.prefect_port), Counter(cloud.aws_port)
    with prefect.serving() as one, aws.serving() as other:
        cloud.done("deploy", PREFECT_PORT=str(one), AWS_PORT=str(other))
    return prefect.requests + aws.requests
