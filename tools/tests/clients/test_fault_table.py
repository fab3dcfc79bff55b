"""Every call of the clients meets every fault, at each of its requests: what passes is waited for, what does not fails.

No write takes effect twice, and no message holds a credential.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tools.clients import bounds
from tools.errors import RemoteError
from tools.tests.far import CALLS, SECRETS, Call, Clients, Far, every_call, far_clients, is_sts, told
from tools.tests.proxy import Reply, Request, Reset

Answer = Callable[[], Reply]


@dataclass(frozen=True)
class Fault:
    """What happens to a request, so many times; `ends` says what the error then says, empty where it passes."""

    of: Callable[[Request, Answer], Reply | Reset]
    times: int = 2
    ends: str = ""


def refused(status: int, code: str, aws_status: int = 400, **headers: str) -> Callable[[Request, Answer], Reply]:
    """A refusal in the words of whoever is asked."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}

    def reply(request: Request, _: Answer) -> Reply:
        if is_sts(request):
            text = f"<ErrorResponse><Error><Code>{code}</Code><Message>said</Message></Error></ErrorResponse>"
            return Reply(aws_status, text.encode(), {"content-type": "text/xml", **more})
        kind = {"content-type": "application/json", **more}
        if request.action:
            return Reply(aws_status, f'{{"__type": "{code}", "message": "said"}}'.encode(), kind)
        return Reply(status, b'{"detail": "said"}', kind)

    return reply


def lost(_: Request, answer: Answer) -> Reset:
    """It took effect, and the reply was lost."""
    answer()
    return Reset()


def truncated(_: Request, answer: Answer) -> Reply:
    """The same, and half of the reply came."""
    whole = answer()
    assert isinstance(whole.body, bytes)
    return Reply(200, b'{"', {**whole.headers, "content-length": str(len(whole.body) + 2)})


FAULTS = {
    "throttled": Fault(refused(429, "ThrottlingException")),
    "500": Fault(refused(500, "ServerException", 500)),
    "502": Fault(refused(502, "ServerException", 502)),
    "503": Fault(refused(503, "ServiceUnavailable", 503)),
    "reset before": Fault(lambda *_: Reset()),
    "reset after": Fault(lost, 1),
    "truncated": Fault(truncated, 1),
    "soon": Fault(refused(429, "ThrottlingException", retry_after="soon"), 1),
    "wait a day": Fault(refused(429, "ThrottlingException", retry_after="86400"), 99, "asks to wait 86400 s"),
    "busy for ever": Fault(refused(503, "ThrottlingException", 503), 99, "answered 503|ThrottlingException"),
    "401": Fault(refused(401, "UnrecognizedClientException"), 99, "refused the (key|credentials)"),
    "403": Fault(refused(403, "AccessDeniedException"), 99, "refused the key|does not allow"),
    "404": Fault(refused(404, "InvalidParameterException"), 99, "404|cannot be found|InvalidParameterException"),
    "422": Fault(refused(422, "ValidationException"), 99, "422|ValidationException"),
    "expired token": Fault(refused(401, "ExpiredTokenException"), 99, "refused the (key|credentials)"),
}


def test_every_call_stands_in_the_table() -> None:
    assert set(CALLS) == every_call()


def meet(far: Far, clients: Clients, call: Call, fault: Fault, at: int) -> tuple[str, int]:
    """Makes a call whose request of a number meets a fault; gives the error's text, and how often that was sent."""
    met, which = [0], list[str]()

    def spoil(request: Request, answer: Answer) -> Reply | Reset:
        if len(far.seen) - 1 == at:
            which.append(far.seen[-1])
        if which and far.seen[-1] == which[0] and met[0] < fault.times:
            met[0] += 1
            return fault.of(request, answer)
        return answer()

    far.reset(spoil)
    try:
        call.of(clients)
    except RemoteError as error:
        return told(error), met[0]
    return "", met[0]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CALLS)
def test_what_passes_is_waited_for_and_what_does_not_fails_at_once(
    name: str, fault: str, far: Far, clients: Clients
) -> None:
    call, what = CALLS[name], FAULTS[fault]
    far.reset()
    call.of(clients)
    assert len(far.made) == int(call.makes)
    for at in range(len(far.seen)):
        said, met = meet(far, clients, call, what, at)
        assert len(far.made) <= int(call.makes)
        if not what.ends or (call.gone and fault == "404"):
            assert (said, met) == ("", min(what.times, met))
        else:
            assert re.search(what.ends, said)
            assert met == (bounds.BUSY if fault == "busy for ever" else 1)


def test_a_server_that_asks_for_a_second_is_given_it_by_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    far = Far()
    asked = refused(429, "ThrottlingException", retry_after="1")
    with far_clients(far) as clients:
        monkeypatch.setenv("AWS_ENDPOINT_URL", clients.api.url.removesuffix("/api"))
        clients.ecs.warm_up()
        clients.ecr.warm_up()
        first = {CALLS[name].of: name for name in ("Ecs.release", "Ecr.digest", "PrefectApi.patch", "PrefectApi.start")}
        for of, name in first.items():
            far.reset(lambda request, answer: answer() if len(far.seen) > 1 else asked(request, answer))
            start = time.monotonic()
            of(clients)
            assert 1 <= time.monotonic() - start < 2, name
            assert len(far.seen) == 2


@pytest.mark.parametrize("name", ["Ecs.release", "Ecs.make_release", "PrefectApi.patch"])
def test_what_is_throttled_is_asked_again_while_there_is_time(
    name: str, far: Far, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, throttled = CALLS[name], refused(429, "ThrottlingException")
    assert meet(far, clients, call, Fault(throttled, 3 * bounds.BUSY), 0) == ("", 3 * bounds.BUSY)
    assert len(far.made) == int(call.makes)
    monkeypatch.setattr(bounds, "TRY_SECONDS", 0.3)
    said, met = meet(far, clients, call, Fault(throttled, 10_000), 0)
    assert re.search("answered 429|ThrottlingException", said)
    assert met < bounds.THROTTLED


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("86400", 86400),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("9" * 5000, None),
        ("Thu, 99 Jan 2026 00:00:30 GMT", None),
        ("Thu, 01 Jan 99999 00:00:30 GMT", None),
        ("", None),
    ],
)
def test_both_forms_of_retry_after_are_read_and_what_is_neither_says_nothing(said: str, seconds: float | None) -> None:
    assert bounds.retry_after({"retry-after": said, "date": "Thu, 01 Jan 2026 00:00:00 GMT"}) == seconds
