"""What asking a remote system may cost: how long an answer may take, how large it may be, how often it is tried again.

One place for AWS and Prefect. A single answer is bounded below both of their libraries, where its bytes come from the
socket; trying again is decided by the kind of failure, the time that is spent, and what the server asks for.
"""

from __future__ import annotations

import http.client
import io
import os
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, TypeVar

from tools.errors import PassingError, RemoteError

CONNECT_SECONDS, READ_SECONDS = 5, 30
"""To connect; between two bytes."""
ANSWER_SECONDS = 60.0
"""From the end of a request to the end of its answer."""
LARGEST_ANSWER = 64 * 2**20
"""Bytes. The largest that is meant: a page of 200 deployments with their schemas."""
MOST_PAGES = 1000
TRY_SECONDS = 60.0
"""Nothing is tried again when so much time has passed since the first try."""
LONGEST_WAIT = 30.0
"""A server that asks for a longer wait is not waited for."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
THROTTLED, BUSY, LOST, ABSENT = 100, 10, 6, 3
"""Tries in all: of what is refused because too much was asked, which TRY_SECONDS ends before; of what is refused for
now; what broke on its way; what nobody answers at."""

T = TypeVar("T")


def patiently(attempt: Callable[[], T], done: Callable[[], T | None] = lambda: None) -> T:
    """Tries until it succeeds, fails for good, or is not worth waiting for.

    Args:
        attempt: what is tried; a PassingError says that it may be tried again.
        done: for a write that must not be repeated blindly: reads whether it took effect all the same; what it made.

    Raises:
        RemoteError: the last failure.
    """
    started = time.monotonic()
    for tried in count(1):
        try:
            return attempt()
        except RemoteError as error:
            passing = isinstance(error, PassingError)
            made = done() if passing or tried > 1 else None
            if made is not None:
                return made
            wait = pause(tried, started, error.tries, error.after) if isinstance(error, PassingError) else None
            if wait is None:
                raise
        time.sleep(wait)
    raise AssertionError("it counts for ever")


def pause(tried: int, started: float, tries: int, after: float | None) -> float | None:
    """Seconds to wait before trying again; None where it is not tried again.

    Args:
        tried: how often it was tried.
        started: when, by the monotonic clock.
        tries: how often it may be in all.
        after: for how long the server asks to wait.
    """
    own: float = min(FIRST_PAUSE * 2 ** (tried - 1), LONGEST_PAUSE) * random.uniform(0.7, 1.3)  # noqa: S311 - spreads rivals
    wait = max(own, after or 0.0)
    if tried >= tries or wait > LONGEST_WAIT or time.monotonic() - started + wait > TRY_SECONDS:
        return None
    return wait


def retry_after(headers: Mapping[str, str]) -> float | None:
    """For how many seconds a server asks to wait, in either form of the header; what is neither says nothing.

    Args:
        headers: of its answer, by names in any case.
    """
    said = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", said):
        return float(said)
    until = http_date(said)
    if until is None:
        return None
    now = http_date(headers.get("date", "")) or datetime.now(UTC)  # by the clock that wrote it, where that is told
    return max((until - now).total_seconds(), 0.0)


def asks(after: float | None) -> str:
    """The words for it."""
    return f", and asks to wait {after:.0f} s" if after else ""


def http_date(text: str) -> datetime | None:
    """A moment as HTTP's headers write it; None where it is none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def shown(said: object, *secrets: str | None) -> str:
    """What a remote system or a library said, short enough for a message, without credentials."""
    text = " ".join(str(said).split())
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return re.sub(r"//[^/\s@]*@", "//***@", text)[:500]


def certificates(*names: str) -> str:
    """What to do where certificates are of no use: which of these variables name files of them here."""
    found = [f"{name}={os.environ[name]}" for name in names if os.environ.get(name)]
    return f"look at {', '.join(found)}" if found else f"{names[0]} may name a file of the network's own certificates"


def finite(pages: Iterable[T], doing: str) -> Iterator[T]:
    """The pages of a listing, which must end.

    Raises:
        RemoteError: it does not.
    """
    for number, page in enumerate(pages):
        if number >= MOST_PAGES:
            raise RemoteError(f"{doing} gave {MOST_PAGES} pages and no end", "look what answers there")
        yield page


class _Bounded(io.RawIOBase):
    """The bytes of one answer as they come from its socket."""

    def __init__(self, sock: Any, raw: io.RawIOBase) -> None:
        super().__init__()
        self._sock, self._raw = sock, raw
        self._left, self._until = LARGEST_ANSWER, time.monotonic() + ANSWER_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer came too slowly")
        if left < READ_SECONDS:
            self._sock.settimeout(left)
        read = self._raw.readinto(buffer)
        self._left -= read or 0
        if self._left < 0:
            raise too_large()
        return read

    def close(self) -> None:
        self._raw.close()
        super().close()


def too_large() -> RemoteError:
    """The error for an answer that is larger than any that is meant."""
    return RemoteError(
        f"an answer of more than {LARGEST_ANSWER >> 20} MB is none that was asked for", "look what answers"
    )


class _BoundedAnswer(http.client.HTTPResponse):
    """An answer that ends: its head and body by size and time."""

    def __init__(self, sock: Any, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(_Bounded(sock, self.fp.detach()), 1 << 16)


def bounded(pool: Any, fence: Callable[[], None] = lambda: None) -> Any:
    """A urllib3 pool of connections, whichever library's, whose answers are bounded and which follows no redirect.

    Args:
        pool: its class.
        fence: called right before bytes are sent, on each try; what it raises keeps them here.
    """
    plain = pool.ConnectionCls

    def send(self: Any, data: Any) -> Any:
        fence()
        return plain.send(self, data)

    def urlopen(self: Any, *args: Any, **more: Any) -> Any:
        return pool.urlopen(self, *args, **{**more, "redirect": False})

    connection = type(plain.__name__, (plain,), {"response_class": _BoundedAnswer, "send": send})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection, "urlopen": urlopen})
