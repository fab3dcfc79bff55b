"""The Prefect API as plain requests: bounded in time and size, and one place where its failures become the tooling's.

Prefect's own client takes two seconds of CPU to import, which is longer than a whole deploy with nothing to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.exceptions import ChunkedEncodingError, ContentDecodingError, ProxyError, SSLError
from urllib3.exceptions import HTTPError, MaxRetryError

from tools.clients import bounds
from tools.clients.adapter import Adapter
from tools.errors import PassingError, RefusedKeyError, RemoteError, UserError
from tools.model.credential import CREDENTIALS, FORMS, KEY, WORDS, Credential

REFUSED = (requests.codes.unauthorized, requests.codes.forbidden)
"""What an API answers whoever shows nothing, or the wrong thing."""
PAGE = 200
"""The most that the API gives at a time."""
_BUSY = "it answers, but is busy or broken: try again in a while; if it stays so, its log says why"
_CANNOT_BE_ASKED = "look at PREFECT_API_URL, HTTP_PROXY and HTTPS_PROXY"
_CA_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Answer:
    """What the API answered: an expected status, its headers, and its JSON; None where it is empty."""

    status: int
    headers: Mapping[str, str]
    json: Any

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300


class Http:
    """A Prefect API as plain requests."""

    def __init__(self, url: str, credential: Credential | None = None, hint: str = "") -> None:
        """Connects to nothing yet.

        Args:
            url: the API's address, ending in /api or in a Prefect Cloud workspace.
            credential: sent with each request.
            hint: what to do where nothing answers at this address.
        """
        self.url = url.rstrip("/")
        self.fence: Callable[[], None] = lambda: None
        """Called right before the bytes of a write leave, on each try; what it raises keeps them here."""
        self._credential, self._hint = credential, hint or "check PREFECT_API_URL and the network"
        self._reading = _session(credential, lambda: None)
        self._writing = _session(credential, lambda: self.fence())

    def all(
        self, kind: str, body: Mapping[str, Any], read: Callable[[dict[str, Any]], Any] = dict[str, Any]
    ) -> Iterator[Any]:
        """Everything that `POST /<kind>/filter` finds, page after page, each once.

        Args:
            kind: e.g. `deployments`.
            body: the filter.
            read: see `call`; here of each item.
        """
        path, seen = f"/{kind}/filter", set[str]()

        def pages() -> Iterator[list[dict[str, Any]]]:
            full = True
            while full:
                page = self.call("POST", path, {**body, "limit": PAGE, "offset": len(seen)}, read=_page)
                new = [item for item in page if item["id"] not in seen]
                full = len(page) >= PAGE
                if full and not new:
                    raise self._foreign(f"POST {path}", "gave the same page again")
                seen.update(item["id"] for item in new)
                yield new

        for page in bounds.finite(pages(), f"Prefect: POST {path}"):
            for item in page:
                yield self.understood(f"POST {path}", read, item)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        read: Callable[[Any], Any] | None = None,
        repeatable: bool = True,
        gone_is_done: bool = False,
    ) -> Any:
        """Sends a request and gives what the JSON of its answer says; None where the answer is empty.

        Args:
            method: `GET` and the like.
            path: below the API's address.
            body: sent as JSON.
            read: makes a value of the JSON, and raises what Python raises where it is of another shape.
            repeatable: whether it may be sent again where it is not known to have arrived.
            gone_is_done: whether 404 is an answer, None, and no error.

        Raises:
            RemoteError: the API refused or did not answer, or is none.
        """
        expected = (requests.codes.not_found,) if gone_is_done else ()
        answer = self.answer(method, path, body, repeatable=repeatable, expected=expected)
        if not answer.ok:
            return None
        return self.understood(f"{method} {path}", read, answer.json) if read else answer.json

    def understood(self, doing: str, read: Callable[[Any], Any], found: Any) -> Any:
        """What an answer says; one of another shape is the error of one who is no Prefect API."""
        try:
            return read(found)
        except _UNREADABLE as error:
            shape = f"an object of {', '.join(list(found)[:5])}" if isinstance(found, dict) else type(found).__name__
            raise self._foreign(doing, f"gave JSON of another shape: {self._shown(shape)}") from error

    def answer(
        self, method: str, path: str, body: Any = None, *, repeatable: bool = True, expected: Collection[int] = ()
    ) -> Answer:
        """The same, with all that the API says: its JSON, its status and its clock.

        Args:
            method: see `call`.
            path: see `call`.
            body: see `call`.
            repeatable: see `call`.
            expected: statuses that are answers and no errors.
        """

        def attempt() -> Answer:
            return self._sent(method, path, body, expected)

        return bounds.patiently(attempt) if repeatable else attempt()

    def _sent(self, method: str, path: str, body: Any, expected: Collection[int]) -> Answer:
        doing = f"{method} {path}"
        reads = method == "GET" or path.endswith(("/filter", "/count"))
        session = self._reading if reads else self._writing
        timeout = (bounds.CONNECT_SECONDS, bounds.READ_SECONDS)
        with self._told(doing):
            response = session.request(
                method, self.url + path, json=body, timeout=timeout, allow_redirects=False, stream=True
            )
            with response:
                content = _content(response)
        if response.status_code in expected:
            return Answer(response.status_code, response.headers, None)
        self._check(response, content, doing)
        empty = response.status_code == requests.codes.no_content or not content
        return Answer(response.status_code, response.headers, None if empty else self._json(response, content, doing))

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Maps what requests raises, and what it forgets to map."""
        at = f"{self.url} ({doing})"
        try:
            yield
        except requests.Timeout as error:
            tries = bounds.ABSENT if isinstance(error, requests.ConnectTimeout) else bounds.LOST
            raise PassingError(f"Prefect: no answer from {at} in time", self._hint, tries=tries) from error
        except ProxyError as error:
            hint = "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
            raise PassingError(f"Prefect: the proxy does not lead to {at}", hint, tries=bounds.ABSENT) from error
        except SSLError as error:
            why = self._shown(error)
            raise UserError(
                f"Prefect: no trusted connection to {at}: {why}", bounds.certificates(*_CA_BUNDLES)
            ) from error
        except (requests.ConnectionError, ChunkedEncodingError, ContentDecodingError) as error:
            if error.args and isinstance(error.args[0], MaxRetryError):
                raise PassingError(f"Prefect: nothing answers at {at}", self._hint, tries=bounds.ABSENT) from error
            raise PassingError(f"Prefect: the answer of {at} broke off", self._hint, tries=bounds.LOST) from error
        except (requests.RequestException, HTTPError, ValueError) as error:
            raise UserError(f"Prefect: {at} cannot be asked: {bounds.shown(error)}", _CANNOT_BE_ASKED) from error
        except OSError as error:  # requests' own, where a file of certificates is missing
            raise UserError(
                f"Prefect: {at} cannot be asked: {bounds.shown(error)}", bounds.certificates(*_CA_BUNDLES)
            ) from error

    def _check(self, response: requests.Response, content: bytes, doing: str) -> None:
        status = response.status_code
        if status in REFUSED:
            raise self._refused(f"at {self.url} ({status} to {doing})")
        if 300 <= status < 400:
            target = self._shown(_place(response.headers.get("location", "")))
            raise RemoteError(
                f"what answers at {self.url} sends {doing} on to {target} ({status}), which is not followed",
                "set PREFECT_API_URL to the address where the API itself answers",
            )
        if not 200 <= status < 300:
            said = f"Prefect answered {status} to {doing}"
            detail = self._shown(content[:2000].decode("utf-8", "replace"))
            if status >= 500 or status in (requests.codes.request_timeout, requests.codes.too_many_requests):
                after = bounds.retry_after(response.headers)
                tries = {
                    requests.codes.server_error: bounds.LOST,
                    requests.codes.too_many_requests: bounds.THROTTLED,
                }.get(status, bounds.BUSY)
                raise PassingError(f"{said}{bounds.asks(after)}: {detail}", _BUSY, tries=tries, after=after)
            raise RemoteError(f"{said}: {detail}")

    def _refused(self, where: str) -> RefusedKeyError:
        if self._credential is None:
            return RefusedKeyError(
                f"Prefect wants a key, or a user and a password, {where}",
                f'give one of {" and ".join(CREDENTIALS)}: README.md, "Initial deployment"',
            )
        of = "workspace" if self._credential.name == KEY else "server"
        return RefusedKeyError(
            f"Prefect refused the {WORDS[self._credential.name]} {where}",
            f"check {self._credential.name}, and that it is of the {of} of PREFECT_API_URL",
        )

    def _shown(self, said: object) -> str:
        return bounds.shown(said, *(self._credential.secrets if self._credential else ()))

    def _json(self, response: requests.Response, content: bytes, doing: str) -> Any:
        if "json" not in response.headers.get("content-type", ""):
            raise self._foreign(doing, "gave no JSON")
        try:
            return _strict_json(content)
        except json.JSONDecodeError as error:
            raise PassingError(
                f"Prefect: the answer of {self.url} broke off ({doing})", self._hint, tries=bounds.LOST
            ) from error
        except _UNREADABLE as error:
            raise self._foreign(doing, "gave JSON that cannot be read") from error

    def _foreign(self, doing: str, what: str) -> RemoteError:
        return RemoteError(
            f"what answers at {self.url} is no Prefect API ({doing} {what})",
            "PREFECT_API_URL is the API's address, ending in /api; not the UI's",
        )


def _page(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(item["id"], str) for item in found):
        raise TypeError("no list of things with ids")
    return found


def _content(response: requests.Response) -> bytes:
    """The body, unpacked: a small one may unpack to a large one."""
    found = bytearray()
    for chunk in response.iter_content(1 << 16):
        found += chunk
        if len(found) > bounds.LARGEST_ANSWER:
            raise bounds.too_large()
    return bytes(found)


def _strict_json(content: bytes) -> Any:
    """The value of a JSON text, if it is one that can be written again."""

    def number(text: str) -> float:
        found = float(text)
        if found - found != 0:
            raise OverflowError(text)
        return found

    def constant(text: str) -> float:
        raise OverflowError(text)

    found = json.loads(content, parse_float=number, parse_constant=constant)
    if re.search(rb"\\u[dD][89a-fA-F]", content):
        json.dumps(found, ensure_ascii=False).encode()  # half a character is none
    return found


def _place(location: str) -> str:
    """Where a redirect leads, without what may be secret in it."""
    try:
        parts = urlsplit(location)
        return f"{parts.scheme}://{parts.hostname}{parts.path}" if parts.hostname else parts.path or "nowhere"
    except ValueError:
        return "nowhere"


def _session(credential: Credential | None, fence: Callable[[], None]) -> requests.Session:
    session = requests.Session()

    def authorized(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if credential:
            if not re.fullmatch(FORMS[credential.name][0], credential.value):
                word = WORDS[credential.name]
                raise UserError(f"Prefect: no header can hold the {word}", f"look at {credential.name}")
            request.headers["Authorization"] = credential.header
        return request

    session.auth = authorized  # given even without a credential: otherwise ~/.netrc would be asked for one
    session.headers["Cache-Control"] = "no-cache"  # what a cache remembers of a lock is not how it stands
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter(fence))
    return session
