"""Requests to the Prefect API: what is tried again, what takes effect only once, and what the fence keeps back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_http import Http
from tools.errors import PassingError, RemoteError
from tools.model.prefect import PrefectSchedule
from tools.tests.proxy import Proxy, Reply, Request
from tools.tests.samples import prefect_deployment, unique
from tools.tests.servers import make_pool


class Script:
    """A server that gives some statuses one after another, the last of them for ever; `seen` has what arrived."""

    ANSWER = b"{}"

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.seen: list[str] = []

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Gives its address."""
        with Proxy(None, before=self._answer).serving() as port:
            yield f"http://127.0.0.1:{port}/api"

    def _answer(self, request: Request) -> Reply:
        self.seen.append(f"{request.method} {request.body.decode()}")
        return Reply(self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0], self.ANSWER)


class Fence:
    """Lets some tries pass."""

    def __init__(self, passes: int) -> None:
        self.left = passes

    def __call__(self) -> None:
        if self.left <= 0:
            raise RemoteError("the lock expired")
        self.left -= 1


def test_a_busy_server_is_asked_again() -> None:
    script = Script(503, 503, 200)
    with script.serving() as url:
        assert Http(url).call("PATCH", "/x", {"a": 1}) == {}
    assert script.seen == ['PATCH {"a": 1}'] * 3


def test_what_is_not_repeatable_is_sent_once_and_a_server_that_answers_is_not_called_down() -> None:
    script = Script(503)
    with script.serving() as url, pytest.raises(RemoteError) as caught:
        Http(url, hint="make up").call("POST", "/x", {}, repeatable=False)
    assert len(script.seen) == 1
    assert isinstance(caught.value, PassingError)
    assert "answered 503 to POST /x" in caught.value.message
    assert "busy" in caught.value.hint
    assert "make up" not in caught.value.hint


def test_a_fenced_write_never_leaves_and_a_read_does() -> None:
    script = Script(200)
    with script.serving() as url:
        api = Http(url)
        api.fence = Fence(0)
        for method, repeatable in (("POST", True), ("POST", False), ("PATCH", True)):
            with pytest.raises(RemoteError, match="the lock expired"):
                api.call(method, "/x", {}, repeatable=repeatable)
        assert script.seen == []
        assert api.call("GET", "/x") == api.call("POST", "/x/filter", {}) == {}
        api.fence = Fence(99)
        assert api.call("PATCH", "/x", {}) == {}  # the connection is as good as before


def test_the_fence_is_asked_again_before_a_write_is_tried_again() -> None:
    script = Script(503)
    sends = 2  # the head and the body of a request
    with script.serving() as url:
        api = Http(url)
        api.fence = Fence(2 * sends)
        with pytest.raises(RemoteError, match="the lock expired"):
            api.call("PATCH", "/x", {})
    assert len(script.seen) == 2


def test_a_fence_between_head_and_body_keeps_the_write_from_happening() -> None:
    script = Script(200)
    with script.serving() as url:
        api = Http(url)
        api.fence = Fence(1)
        with pytest.raises(RemoteError, match="the lock expired"):
            api.call("PATCH", "/x", {"name": "x"})
    assert [item for item in script.seen if json.loads(item.removeprefix("PATCH ") or "null")] == []


def test_a_run_whose_answer_is_lost_is_started_once(prefect_api_url: str) -> None:
    make_pool(prefect_api_url)
    made = PrefectApi(prefect_api_url).create(prefect_deployment(unique("start"), schedules=()))
    lost = [503, 503]

    def forget(request: Request, reply: Reply) -> Reply:
        return Reply(lost.pop()) if "create_flow_run" in request.path and lost else reply

    proxy = Proxy(prefect_api_url.removesuffix("/api"), after=forget)
    with proxy.serving() as port:
        run = PrefectApi(f"http://127.0.0.1:{port}/api").start(made.id, {"table": "weather"})
    assert len([request for request in proxy.requests if "create_flow_run" in request]) == 3
    api = PrefectApi(prefect_api_url)
    wanted = {"deployments": {"id": {"any_": [made.id]}}}
    assert [item["id"] for item in api.all("flow_runs", wanted)] == [run.id]
    assert (run.state, api.start(made.id, {"table": "x"}).id != run.id) == ("Scheduled", True)


@pytest.mark.parametrize(
    ("statuses", "sent"), [((503, 200, 503, 200, 201), 3), ((503, 200, 422, 200), 2), ((422, 200), 1)]
)
def test_a_schedule_is_added_again_only_while_the_server_is_busy(statuses: tuple[int, ...], sent: int) -> None:
    class Empty(Script):
        ANSWER = b"[]"

    script = Empty(*statuses)
    extra = PrefectSchedule(slug="extra", schedule={"cron": "0 0 * * *", "timezone": "UTC"})
    with script.serving() as url:
        if statuses[-1] == 201:
            PrefectApi(url).add_schedule("x", extra)
        else:
            with pytest.raises(RemoteError, match="422"):
                PrefectApi(url).add_schedule("x", extra)

    # Between the tries it is read whether the schedule is there, and after the last one, where an earlier one may have
    # been late; a refusal of the first was no effect.
    assert [item[:4].strip() for item in script.seen] == ["POST", "GET"] * (sent - 1) + ["POST"] + ["GET"] * (sent == 2)


def test_a_schedule_whose_reply_was_lost_is_not_added_twice() -> None:
    class Added(Script):
        ANSWER = b'[{"slug": "extra"}]'

    script = Added(503, 200, 500)
    with script.serving() as url:
        PrefectApi(url).add_schedule("x", PrefectSchedule(slug="extra", schedule={"interval": 60.0}))

    assert [item[:4].strip() for item in script.seen] == ["POST", "GET"]
