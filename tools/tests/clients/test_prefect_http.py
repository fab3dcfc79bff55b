"""Requests to the Prefect API: what is tried again, what takes effect only once, and what the fence keeps back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_http import Http
from tools.errors import RemoteError
from tools.model.prefect import PrefectSchedule
from tools.tests.recorder import Recorder
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
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _handler(script) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request's inside
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                script.seen.append(f"{self.command} {body.decode()}")
                status = script._statuses.pop(0) if len(script._statuses) > 1 else script._statuses[0]
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(script.ANSWER)))
                self.end_headers()
                self.wfile.write(script.ANSWER)

            do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler


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
    assert caught.value.passing
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


class Forgetful(Recorder):
    """Forwards everything, and forgets some answers to a flow run's creation: 503 instead."""

    lost = 2

    def status(self, request: str, status: int) -> int:
        """503 where the answer is lost."""
        if "create_flow_run" in request and self.lost:
            self.lost -= 1
            return 503
        return status


def test_a_run_whose_answer_is_lost_is_started_once(prefect_api_url: str) -> None:
    make_pool(prefect_api_url)
    made = PrefectApi(prefect_api_url).create(prefect_deployment(unique("start"), schedules=()))
    recorder = Forgetful(prefect_api_url.removesuffix("/api"))
    with recorder.serving() as port:
        run = PrefectApi(f"http://127.0.0.1:{port}/api").start(made.id, {"table": "weather"})
    assert len([request for request in recorder.requests if "create_flow_run" in request]) == 3
    api = PrefectApi(prefect_api_url)
    wanted = {"deployments": {"id": {"any_": [made.id]}}}
    assert [item["id"] for item in api.all("flow_runs", wanted)] == [run.id]
    assert (run.state, api.start(made.id, {"table": "x"}).id != run.id) == ("Scheduled", True)


@pytest.mark.parametrize(
    ("statuses", "sent"), [((503, 200, 503, 200, 201), 3), ((503, 200, 422, 200), 2), ((422, 200), 1)]
)
def test_a_schedule_is_added_again_only_while_the_server_is_busy(statuses: tuple[int, ...], sent: int) -> None:
    script = Script(*statuses)
    extra = PrefectSchedule(slug="extra", schedule={"cron": "0 0 * * *", "timezone": "UTC"})
    with script.serving() as url:
        if statuses[-1] == 201:
            PrefectApi(url).add_schedule("x", extra)
        else:
            with pytest.raises(RemoteError, match="422"):
                PrefectApi(url).add_schedule("x", extra)

    # Between the tries it is read whether the schedule is there.
    assert [item[:4].strip() for item in script.seen] == ["POST", "GET"] * (sent - 1) + ["POST"] + ["GET"] * (sent < 3)


def test_a_schedule_whose_reply_was_lost_is_not_added_twice() -> None:
    class Added(Script):
        ANSWER = b'[{"slug": "extra"}]'

    script = Added(503, 200, 500)
    with script.serving() as url:
        PrefectApi(url).add_schedule("x", PrefectSchedule(slug="extra", schedule={"interval": 60.0}))

    assert [item[:4].strip() for item in script.seen] == ["POST", "GET"]
