"""The emulator of a local cloud that writes down what it is asked. Runs in the emulator's container, in place of it.

Appends a line of JSON for each request that is signed, as requests to AWS are, or that a registry gets: who asked (the
container's name; `host` for what comes from outside the cloud), for what, and how it was answered. What objects and
images contain is left out.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from guard import emulator
from ministack import app as ministack

Messages = Callable[..., Awaitable[Any]]
#: What of the headers says what is asked for.
_TOLD = ("authorization", "user-agent", "x-amz-target", "x-amz-copy-source")
_WITH_ANSWER = (".RegisterTaskDefinition", ".RunTask")
"""End the targets whose answers are needed too: they say which roles a task has, and of which family it is."""


class Recorder:
    """An application, and a record of what it is asked.

    Args:
        application: the emulator.
        record: a file that is appended to.
    """

    def __init__(self, application: Messages, record: Path) -> None:
        self._application, self._record = application, record
        self._outside = _gateway()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Messages, send: Messages) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not scope["path"].startswith("/v2/") and "authorization" not in headers:
            await self._application(scope, receive, send)
            return
        caller = await asyncio.to_thread(self._caller, scope["client"][0])
        asked, answered, status = bytearray(), bytearray(), 0
        with_body = scope["method"] == "POST" and not scope["path"].startswith("/v2/")

        async def received() -> Any:
            message = await receive()
            if with_body:
                asked.extend(message.get("body", b""))
            return message

        async def sent(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            if headers.get("x-amz-target", "").endswith(_WITH_ANSWER):
                answered.extend(message.get("body", b""))
            await send(message)

        try:
            await self._application(scope, received, sent)
        finally:
            line = {
                "caller": caller,
                "method": scope["method"],
                "path": scope["path"],
                "query": scope["query_string"].decode(),
                "headers": {name: headers[name] for name in _TOLD if name in headers},
                "body": asked.decode("utf-8", "replace"),
                "status": status,
                "answer": answered.decode("utf-8", "replace"),
            }
            with self._record.open("a") as lines:
                lines.write(json.dumps(line) + "\n")

    def _caller(self, address: str) -> str:
        """The name of the container that has an address."""
        if address == self._outside:
            return "host"
        try:
            return socket.gethostbyaddr(address)[0].partition(".")[0]
        except OSError:
            return address


def _gateway() -> str:
    """The address from which requests come that are none of the cloud's network."""
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        _, destination, gateway, *_ = line.split()
        if destination == "00000000":
            return socket.inet_ntoa(struct.pack("<L", int(gateway, 16)))
    return ""


if __name__ == "__main__":
    serve = ministack.main

    def record_and_serve() -> None:
        """As the guard's emulator serves, with the recorder before it."""
        ministack.app = Recorder(ministack.app, Path(sys.argv.pop()))
        serve()

    ministack.main = record_and_serve
    emulator.main()
