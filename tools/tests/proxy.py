"""The one HTTP proxy of the tests: stands between the tooling and a server, or for one, and writes down what passes.

It can act on each request: before it is forwarded, and after it took effect but before its reply.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import requests

_READ_ACTION = re.compile(r"^(Describe|List|Get|BatchGet)")
_HOP = frozenset({"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"})
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Request:
    """A request as it arrived: the first has number 1."""

    number: int
    method: str
    path: str
    action: str
    """What AWS is asked to do; empty elsewhere."""
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        """`POST /api/deployments/`, `POST / RegisterTaskDefinition`."""
        return " ".join(part for part in (self.method, self.path, self.action) if part)


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes | Iterable[bytes] = b"{}"
    """In pieces it ends with the connection; shorter than a `content-length` of its own, it is cut off."""
    headers: Mapping[str, str] = field(default_factory=lambda: dict(_JSON))


class Reset:
    """In place of a reply: the connection is reset."""


Before = Callable[[Request], Reply | Reset | None]
After = Callable[[Request, Reply], Reply | Reset]


class Proxy:
    """Forwards to a server; `requests` has each method, path and, for AWS, action, in order.

    Args:
        upstream: the server's address; None where `before` answers everything.
        before: may answer a request in the server's place.
        after: may change or drop a reply.
    """

    def __init__(self, upstream: str | None, before: Before | None = None, after: After | None = None) -> None:
        self._upstream, self._before, self._after = upstream, before, after
        self._number, self._one_at_a_time = 0, Lock()
        self.requests: list[str] = []

    @property
    def writes(self) -> list[str]:
        """The requests that could change something."""
        return [item for item in self.requests if not reads(item)]

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

    def _reply(self, request: Request) -> Reply | Reset:
        early = self._before(request) if self._before else None
        if early is not None:
            return early
        if self._upstream is None:
            raise AssertionError(f"nobody answers {request}")
        headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
        url = self._upstream + request.path
        came = requests.request(
            request.method, url, data=request.body, headers=headers, timeout=60, allow_redirects=False
        )
        if came.status_code == requests.codes.unavailable:
            self.requests.remove(str(request))  # too busy to do it, which SQLite often is: it will come again
        kept = {name: value for name, value in came.headers.items() if name.lower() not in _HOP}
        reply = Reply(came.status_code, came.content, kept)
        return self._after(request, reply) if self._after else reply

    def _arrived(self, handler: BaseHTTPRequestHandler) -> Request:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        form = re.match(rb"Action=(\w+)", body)  # services that speak AWS's older protocol
        action = form[1].decode() if form else handler.headers.get("x-amz-target", "").rpartition(".")[2]
        with self._one_at_a_time:
            self._number += 1
            number = self._number
        return Request(number, handler.command, handler.path, action, dict(handler.headers.items()), body)

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request's inside
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two small packets

            def _answer(self) -> None:
                request = proxy._arrived(self)
                proxy.requests.append(str(request))
                _send(self, proxy._reply(request))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815 - http.server's names

            def handle(self) -> None:
                """A client that leaves, or was made to, is no news."""
                try:
                    super().handle()
                except (ConnectionError, OSError, ValueError):
                    self.close_connection = True

            def finish(self) -> None:
                """The same."""
                try:
                    super().finish()
                except (OSError, ValueError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler


def _send(handler: BaseHTTPRequestHandler, reply: Reply | Reset) -> None:
    if isinstance(reply, Reset):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close()
        return
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    told = {name.lower(): value for name, value in reply.headers.items()}.get("content-length")
    pieces = [reply.body] if isinstance(reply.body, bytes) else reply.body
    if isinstance(reply.body, bytes) and told is None:
        handler.send_header("content-length", str(len(reply.body)))
    elif not isinstance(reply.body, bytes) or int(told or 0) != len(reply.body):
        handler.send_header("connection", "close")
    handler.end_headers()
    if handler.command != "HEAD":
        for piece in pieces:
            handler.wfile.write(piece)


def reads(request: str) -> bool:
    """Whether a request, as `requests` has it, could change nothing."""
    method, path, *action = request.split(" ")
    if action:
        return bool(_READ_ACTION.match(action[0]))
    return method in ("GET", "HEAD") or path.endswith(("/filter", "/count"))
