"""Whom the local cloud's servers answer: programs and their own pages, and no page of somebody else's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from guard.pages import NoPages, Rules

EMULATOR = Rules(frozenset({"aws"}), readable="/data-flows-local/")
PREFECT = Rules(frozenset({"prefect-server"}), own_pages=True)
LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FRAME = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}


async def everything(_scope: Any, _receive: Any, send: Any) -> None:
    """A server that answers every page."""
    headers = [(b"Access-Control-Allow-Origin", b"*"), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"secret"})


def asked(rules: Rules, method: str, target: str, headers: dict[str, str], kind: str = "http") -> list[dict[str, Any]]:
    """What a server behind the guard sends."""
    path, _, query = target.partition("?")
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody reads the body")

    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(NoPages(everything, rules)(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:4566", "localhost:4566", "localhost", "aws:4566", "[::1]:4566", "172.18.0.3:4566", "x.localhost"],
)
def test_a_program_is_answered_at_each_of_the_servers_names(host: str) -> None:
    assert asked(EMULATOR, "POST", "/", {"host": host})[0]["status"] == 200


def test_a_request_of_the_old_protocol_names_no_host() -> None:
    assert asked(EMULATOR, "GET", "/_ministack/ready", {})[0]["status"] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4566", "127.0.0.1.evil.example", "localhost.evil.example", "a@b:c", "", "[x"],
)
@pytest.mark.parametrize("rules", [EMULATOR, PREFECT])
def test_a_name_that_leads_here_by_dns_is_refused(rules: Rules, host: str) -> None:
    assert asked(rules, "POST", "/", {"host": host})[0]["status"] == 403


@pytest.mark.parametrize(
    ("rules", "origin"),
    [
        (EMULATOR, "http://evil.example"),
        (EMULATOR, "null"),
        (EMULATOR, "http://127.0.0.1:4566"),  # it has no pages; a report that lies in it is not its own
        (PREFECT, "http://evil.example"),
        (PREFECT, "null"),
        (PREFECT, "http://127.0.0.1:4566"),
        (PREFECT, "https://127.0.0.1:4200"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_another_pages_origin_is_refused(rules: Rules, origin: str, method: str) -> None:
    sent = asked(rules, method, "/data-flows-local/x", {"host": "127.0.0.1:4200", "origin": origin})
    assert sent[0]["status"] == 403
    assert b"secret" not in sent[1]["body"]


@pytest.mark.parametrize(
    ("rules", "method", "target", "site", "more", "answered"),
    [
        # What a browser begins by itself, without an Origin.
        (EMULATOR, "POST", "/", "cross-site", {}, False),
        (EMULATOR, "GET", "/?Action=CreateRole&RoleName=x", "cross-site", {}, False),
        (EMULATOR, "GET", "/?Action=CreateRole&RoleName=x", "cross-site", LINK, False),
        (EMULATOR, "GET", "/?Action=CreateRole&RoleName=x", "none", LINK, False),
        (EMULATOR, "GET", "/data-flows-local/?Action=CreateRole&RoleName=x", "none", LINK, False),
        (EMULATOR, "PUT", "/data-flows-local/x", "same-origin", {}, False),
        (EMULATOR, "GET", "/data-flows-local/lake/x.png", "cross-site", {}, False),
        # A report of the lake, and its pictures in the Prefect server's pages.
        (EMULATOR, "GET", "/data-flows-local/lake/x.html", "none", LINK, True),
        (EMULATOR, "GET", "/data-flows-local/lake/x.html", "cross-site", LINK, True),
        (EMULATOR, "GET", "/data-flows-local/lake/x.png", "same-site", {}, True),
        # The Prefect server's own pages, and a link to one.
        (PREFECT, "GET", "/api/health", "same-origin", {}, True),
        (PREFECT, "POST", "/api/flows/filter", "same-origin", {"origin": "http://127.0.0.1:4200"}, True),
        (PREFECT, "GET", "/runs", "none", LINK, True),
        (PREFECT, "GET", "/runs", "cross-site", LINK, True),
        (PREFECT, "GET", "/runs", "cross-site", FRAME, False),
        (PREFECT, "GET", "/api/flows", "same-site", {}, False),
        (PREFECT, "POST", "/api/admin/database/clear", "cross-site", LINK, False),
    ],
)
def test_a_browser_is_answered_for_whom_it_asks(
    rules: Rules, method: str, target: str, site: str, more: dict[str, str], answered: bool
) -> None:
    headers = {"host": "127.0.0.1:4200", "sec-fetch-site": site, **more}
    assert asked(rules, method, target, headers)[0]["status"] == (200 if answered else 403)


def test_a_socket_of_another_page_is_closed_before_it_opens() -> None:
    headers = {"host": "127.0.0.1:4200", "origin": "http://evil.example"}
    assert asked(PREFECT, "GET", "/api/events/out", headers, "websocket")[0]["type"] == "websocket.close"
    own = {"host": "127.0.0.1:4200", "origin": "http://127.0.0.1:4200"}
    assert asked(PREFECT, "GET", "/api/events/out", own, "websocket")[0]["type"] != "websocket.close"


def test_no_answer_lets_a_page_read_it() -> None:
    sent = asked(EMULATOR, "POST", "/", {"host": "aws:4566"})
    assert [name for name, _ in sent[0]["headers"]] == [b"content-type"]
    assert sent[1]["body"] == b"secret"
