"""A small HTTP proxy that stands between the tooling and a server and writes down what passes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import requests

_READ_ACTION = re.compile(r"^(Describe|List|Get|BatchGet)")
_HOP = frozenset({"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"})


class Recorder:
    """Forwards to a server; `requests` has each method, path and, for AWS, action, in order."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.requests: list[str] = []

    @property
    def writes(self) -> list[str]:
        """The requests that could change something."""
        return [item for item in self.requests if not _reads(item)]

    def status(self, request: str, status: int) -> int:
        """The status to answer a request with, once it took effect: the server's own."""
        return status

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Serves on a free port of the loopback interface and gives it."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _handler(recorder) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request's inside
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                action = self.headers.get("x-amz-target", "").rpartition(".")[2]
                request = " ".join(part for part in (self.command, self.path, action) if part)
                recorder.requests.append(request)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                url = recorder._upstream + self.path
                answer = requests.request(self.command, url, data=body, headers=headers, timeout=60)
                if answer.status_code == requests.codes.unavailable:
                    recorder.requests.remove(request)  # too busy to do it, which SQLite often is: it will come again
                self.send_response(recorder.status(request, answer.status_code))
                for name, value in answer.headers.items():
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _forward  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler


def _reads(request: str) -> bool:
    method, path, *action = request.split(" ")
    if action:
        return bool(_READ_ACTION.match(action[0]))
    return method in ("GET", "HEAD") or path.endswith("/filter")
