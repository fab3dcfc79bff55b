"""Every call of the clients meets every answer of another shape, first and last: one clear error, soon."""

from __future__ import annotations

import copy
import gzip
import json
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import pytest

from tools.clients import bounds
from tools.errors import ToolsError
from tools.tests.far import CALLS, DEPLOYMENT, LOG, Clients, Far, told
from tools.tests.proxy import Proxy, Reply, Request, Reset

JSON = {"content-type": "application/json"}
PIECE = b" " * (1 << 16)


def dripping() -> Iterator[bytes]:
    """A byte now and then."""
    for _ in range(200):
        time.sleep(0.03)
        yield b" "


def text(body: str | bytes) -> Callable[[Request], Reply]:
    """The answer of a body that says it is JSON."""
    return lambda _: Reply(200, body.encode() if isinstance(body, str) else body, JSON)


def echo(status: int) -> Callable[[Request], Reply]:
    """All that was sent, in an error's text."""

    def reply(request: Request) -> Reply:
        sent = " ".join(f"{name}: {value}" for name, value in request.headers.items())
        error = {"__type": "SignatureDoesNotMatch", "message": f"{sent}\n{sent}", "detail": sent}
        return Reply(status, json.dumps(error).encode(), JSON)

    return reply


#: Answers that nobody may take for what was asked for.
HOSTILE: dict[str, Callable[[Request], Reply]] = {
    "HTML": lambda _: Reply(200, b"<html>Welcome</html>", {"content-type": "text/html"}),
    "HTML that says it is JSON": text("<html>"),
    "nested deeply": text("[" * 200_000),
    "nested deeply in an object": text('{"a":' * 200_000),
    "NaN": text('{"a": NaN}'),
    "1e999": text('[{"id": 1e999}]'),
    "a huge number": text(f'[{{"id": {"9" * 5000}}}]'),
    "half a character": text('[{"id": "\\ud800"}]'),
    "no text": text(b"\xff\xfe\x00\xd8"),
    "cut off": lambda _: Reply(200, b'[{"id": "a"}', {**JSON, "content-length": "1000"}),
    "cut off unsaid": lambda _: Reply(200, [b'[{"id": "a'], JSON),
    "no end": lambda _: Reply(200, repeat(PIECE), JSON),
    "too large": lambda _: Reply(200, repeat(PIECE, 9600), {**JSON, "content-length": str(9600 << 16)}),
    "large when unpacked": lambda _: Reply(200, gzip.compress(bytes(1 << 22)), {**JSON, "content-encoding": "gzip"}),
    "a drip": lambda _: Reply(200, dripping(), JSON),
    "a redirect": lambda _: Reply(302, b"", {"location": "http://127.0.0.2:9/stolen?key=1"}),
    "a redirect to nowhere": lambda _: Reply(307, b"", {"location": "http://[::1"}),
    "a permanent redirect without a place": lambda _: Reply(308, b"", {}),
    "an unknown status": lambda _: Reply(199 + 500, b"{}", JSON),
    "an echo": echo(400),
    "a broken echo": echo(500),
}
#: JSON of the wrong shape.
SHAPES = ["[]", "{}", "5", '"x"', "null", "[5]", "[{}]", "[[]]", '{"id": 5}', '[{"id": "a"}]', "", '{"detail": "x"}']
#: Calls that take some of them for an answer, as they should: there is nothing.
NOTHING = {
    "PrefectApi.deployments": ["[]"],
    "PrefectApi.tagged": ["[]"],
    "PrefectApi.count": ["5"],
    "PrefectApi.every_deployment": ["[]"],
    "PrefectApi.logs": ["[]"],
    "PrefectApi.last_run": ["[]"],
    "PrefectApi.change_schedule": ["[]", '[{"id": "a"}]'],
    "prefect_runs.runs": ["[]"],
    "prefect_health.version": ['"x"'],
    "prefect_health.workers": ["[]"],
    "prefect_health.late_runs": ["[]"],
}


def came(far: Far, clients: Clients, name: str, hostile: Callable[[Request], Reply], at: int) -> str:
    """Makes a call that gets a hostile answer from its request of a number on; gives the error, if any."""
    far.reset(lambda request, answer: answer() if len(far.seen) - 1 < at else hostile(request))
    start, said = time.monotonic(), ""
    try:
        CALLS[name].of(clients)
    except ToolsError as error:
        said = told(error)
    assert time.monotonic() - start < 20
    assert len(said.splitlines()) <= 2
    assert len(said) < 1500
    return said


def requests_of(far: Far, clients: Clients, name: str) -> int:
    """How many a call sends where nothing is wrong."""
    far.reset()
    CALLS[name].of(clients)
    return len(far.seen)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", CALLS)
def test_an_answer_that_is_none_is_one_clear_error(
    name: str, hostile: str, far: Far, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = requests_of(far, clients, name) - 1
    if hostile == "a drip":  # it is waited for
        monkeypatch.setattr(bounds, "ANSWER_SECONDS", 0.3)
        monkeypatch.setattr(bounds, "TRY_SECONDS", 0.1)
    for at in {last} if hostile == "a drip" else {0, last}:
        assert came(far, clients, name, HOSTILE[hostile], at)


@pytest.mark.parametrize("name", CALLS)
def test_json_of_another_shape_is_one_clear_error(name: str, far: Far, clients: Clients) -> None:
    call, last = CALLS[name], requests_of(far, clients, name) - 1
    for at in range(last + 1):
        unread = call.unread and at == last
        for shape in SHAPES:
            said = came(far, clients, name, text(shape), at)
            assert said or unread or shape in NOTHING.get(name, ()), shape


def spoiled(value: Any, depth: int = 4) -> Iterator[Any]:
    """A JSON value with one part after another replaced by what it is not."""
    yield from (None, 5)
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        for other in spoiled(part, depth - 1) if depth else ():
            made = copy.copy(value)
            made[key] = other
            yield made


@pytest.mark.parametrize("name", [name for name in CALLS if not name.startswith("aws.")])
def test_an_answer_of_which_one_part_is_wrong_is_read_or_is_one_clear_error(
    name: str, far: Far, clients: Clients
) -> None:
    def answers(at: int) -> list[bytes]:
        found: list[bytes] = []

        def keep(_: Request, answer: Callable[[], Reply]) -> Reply | Reset:
            reply = answer()
            if len(far.seen) - 1 == at and isinstance(reply.body, bytes):
                found.append(reply.body)
            return reply

        far.reset(keep)
        CALLS[name].of(clients)
        return found

    for at in range(requests_of(far, clients, name)):
        for body in answers(at):
            for wrong in spoiled(json.loads(body)) if body else ():
                came(far, clients, name, text(json.dumps(wrong)), at)


def endless(request: Request) -> Reply:
    """Always one more page, of others or of the same."""
    at = len(request.body)
    names = [f"x{at}-{number}-{time.monotonic_ns()}" for number in range(200)]
    found: Any = [{**DEPLOYMENT, **LOG, "id": name, "flow_id": name, "name": name} for name in names]
    if request.action:
        found = {"families": [], "taskDefinitionArns": [], "repositories": [], "imageDetails": [], "Parameters": []}
        found |= {"nextToken": names[0], "NextToken": names[0]}
    return Reply(200, json.dumps(found).encode(), JSON)


def the_same(request: Request) -> Reply:
    """The same full page again and again, whatever is asked for."""
    found: Any = [{**DEPLOYMENT, **LOG, "id": f"x{number}"} for number in range(200)]
    if request.action:
        found = {"families": [], "taskDefinitionArns": [], "repositories": [], "imageDetails": [], "Parameters": []}
        found |= {"nextToken": "again", "NextToken": "again"}
    return Reply(200, json.dumps(found).encode(), JSON)


@pytest.mark.parametrize("hostile", [endless, the_same])
@pytest.mark.parametrize(
    "name",
    [
        *("Ecs.families", "Ecs.revisions", "Ecr.list_repositories", "Ecr.images", "ssm.tree"),
        *("PrefectApi.deployments", "PrefectApi.every_deployment", "PrefectApi.tagged", "PrefectApi.logs"),
    ],
)
def test_pages_without_an_end_are_one_clear_error(
    name: str, hostile: Callable[[Request], Reply], far: Far, clients: Clients
) -> None:
    assert came(far, clients, name, hostile, 0)
    assert len(far.seen) <= bounds.MOST_PAGES + 1


def test_a_page_that_moved_on_meanwhile_gives_each_thing_once(far: Far, clients: Clients) -> None:
    def moved(request: Request) -> Reply:
        start = max(json.loads(request.body)["offset"] - 3, 0)
        return Reply(
            200,
            json.dumps([{**LOG, "id": str(number)} for number in range(start, min(start + 200, 450))]).encode(),
            JSON,
        )

    far.reset(lambda request, _: moved(request))
    assert [line.id for line in clients.api.logs("r", None)] == [str(number) for number in range(450)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "name", ["PrefectApi.flow_run", "PrefectApi.patch", "PrefectVariables.create", "Ecs.release", "Ecr.login"]
)
def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(
    name: str, status: int, far: Far, clients: Clients
) -> None:
    elsewhere = Proxy(None, before=lambda _: Reply())
    with elsewhere.serving() as port:
        said = came(far, clients, name, lambda _: Reply(status, b"", {"location": f"http://127.0.0.1:{port}/x?k=1"}), 0)
    assert elsewhere.requests == []
    assert len(far.seen) == 1
    assert "which is not followed" in said
    assert not name.startswith("Prefect") or "on to http://127.0.0.1/x (" in said


@pytest.mark.parametrize("name", ["PrefectApi.flow_run", "Ecs.release"])
def test_of_600_megabytes_no_more_is_read_than_may_be(
    name: str, far: Far, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [0]

    def pieces() -> Iterator[bytes]:
        for _ in range(600):
            sent[0] += 1
            yield bytes(1 << 20)

    monkeypatch.setattr(bounds, "LARGEST_ANSWER", 8 << 20)
    monkeypatch.setattr(bounds, "ANSWER_SECONDS", 30.0)
    said = came(far, clients, name, lambda _: Reply(200, pieces(), {**JSON, "content-length": str(600 << 20)}), 0)
    assert "more than 8 MB" in said
    assert sent[0] < 60  # what lies in the sockets' buffers
