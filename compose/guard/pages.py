"""Refuses what a web page in a browser on this machine sends to a server of the local cloud.

Takes an ASGI application and what its server answers to; gives an application that asks it only what is no foreign
page's: a request for one of its own names (a page whose own name leads here by DNS asks for another), without the
Origin of another page, and not begun by another page (Sec-Fetch-Site, which browsers send and pages cannot change).
Programs send none of these headers. Never looks at bodies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY_VIOLATION = 1008


@dataclass(frozen=True)
class Rules:
    """What a server answers to."""

    names: frozenset[str]
    """Its host names beside localhost and addresses."""
    own_pages: bool = False
    """Whether it has pages of its own, which may use all of it."""
    readable: str = ""
    """Begins the paths that any page of this machine may show or lead to; none where empty."""

    def refusal(self, scope: Mapping[str, Any]) -> str:
        """Why a request is refused; empty where it is not."""
        sent = _headers(scope["headers"])
        for host in sent.get("host", ()):
            if not self._is_own(host):
                return f"Host {host!r} is none of this server's names"
        own = {f"http://{host}" for host in sent.get("host", ())} if self.own_pages else set()
        for origin in sent.get("origin", ()):
            if origin not in own:
                return f"a page of {origin} may not use this server"
        for site in sent.get("sec-fetch-site", ()):
            if not self._may_ask(site, scope, sent):
                return "another page may not use this server"
        return ""

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self.names or name == "localhost" or name.endswith(".localhost") or _is_address(name)

    def _may_ask(self, site: str, scope: Mapping[str, Any], sent: Mapping[str, Sequence[str]]) -> bool:
        """Whether a browser may ask this for a page of the given relation."""
        if self.own_pages and site in ("same-origin", "none"):
            return True
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return False
        followed = sent.get("sec-fetch-mode") == ["navigate"] and sent.get("sec-fetch-dest") == ["document"]
        if self.own_pages:
            return followed
        shown = bool(self.readable) and scope["path"].startswith(self.readable) and not scope["query_string"]
        return shown and (followed or site != "cross-site")


class NoPages:
    """An application that foreign pages cannot use."""

    def __init__(self, application: Application, rules: Rules) -> None:
        self._application, self._rules = application, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
        elif refusal := self._rules.refusal(scope):
            await refuse(scope, send, refusal)
        else:
            await self._application(scope, receive, _without_cors(send))


async def refuse(scope: Scope, send: Send, why: str) -> None:
    """Answers a request with 403 and the reason."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": why})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": f"refused: {why}\n".encode()})


def _headers(sent: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in sent:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _without_cors(send: Send) -> Send:
    """Lets no page read an answer that it could not ask for."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [item for item in message.get("headers", ()) if not item[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return sending
