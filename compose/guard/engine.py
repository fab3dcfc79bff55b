"""Stands between the AWS emulator and the Docker engine. Run by the compose service `engine`: it alone has the socket.

Listens on a socket of its own, in a volume that only the emulator has beside it, and is in no network. Takes requests
of Docker's API; passes on those that `containers` lets through, about the emulator's own containers; answers the others
with 403 and the reason, which becomes the reason why a task was stopped. Keeps nothing.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

from guard.containers import Cloud, RefusedError, Request

ENGINE = "/var/run/docker.sock"
LISTENS = "/run/engine/docker.sock"
MAX_BODY = 2**20
CHUNK = 2**16


class Engine(HTTPConnection):
    """A connection to the engine's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


class Server(ThreadingUnixStreamServer):
    """Serves a cloud's emulator, each request in a thread: that for a log ends when the task does."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, listens: str, engine: str, cloud: Cloud) -> None:
        self.engine, self.cloud = engine, cloud
        super().__init__(listens, Guard)


class Guard(BaseHTTPRequestHandler):
    """One connection of the emulator's."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def log_message(self, *_: Any) -> None:
        """Says nothing of what passes."""

    def _handle(self) -> None:
        engine = Engine(self.server.engine)
        try:
            answer = self._asked(engine, self.server.cloud.request(self.command, self.path, self._body()))
        except RefusedError as refused:
            sys.stderr.write(f"refused: {refused}\n")
            self._answer(HTTPStatus.FORBIDDEN, f"refused by the local cloud: {refused}")
        except (OSError, HTTPException) as error:
            self._answer(HTTPStatus.BAD_GATEWAY, f"the Docker engine does not answer: {error}")
        else:
            self._pass_on(answer)
        finally:
            engine.close()

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            raise RefusedError("a body must say its length, at most 1 MiB")
        return self.rfile.read(int(length))

    def _asked(self, engine: Engine, request: Request) -> HTTPResponse:
        """The engine's answer, where the request is about a container also whose that is."""
        if request.container:
            engine.request("GET", f"/containers/{request.container}/json")
            answer = engine.getresponse()
            if answer.status != HTTPStatus.OK:
                return answer
            request = self._owned(request, json.load(answer))
        headers = {"Content-Type": "application/json"} if request.body else {}
        engine.request(request.method, request.target, request.body or None, headers)
        return engine.getresponse()

    def _owned(self, request: Request, container: Mapping[str, Any]) -> Request:
        """The request by the container's id, where the emulator may make it."""
        labels, cloud = container["Config"]["Labels"] or {}, self.server.cloud
        if not cloud.owns(labels) and not (request.reads and cloud.is_emulator(labels)):
            raise RefusedError(f"the container {request.container} is none of the local cloud's tasks")
        return request.about(container["Id"])

    def _pass_on(self, answer: HTTPResponse) -> None:
        """Gives an answer as it comes: a log does not end before its task."""
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        if answer.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.end_headers()
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while piece := answer.read1(CHUNK):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except (OSError, HTTPException):
            self.close_connection = True  # one of the two left; what has been said cannot be taken back

    def _answer(self, status: HTTPStatus, message: str) -> None:
        body = json.dumps({"message": message}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    cloud = Cloud(os.environ["PROJECT"], os.environ["REGISTRY"])
    Path(LISTENS).unlink(missing_ok=True)  # of the container before this one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with Server(LISTENS, ENGINE, cloud) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
