"""The Prefect API as plain requests: retries in bounded time, and one place where its failures become the tooling's.

Prefect's own client takes two seconds of CPU to import, which is longer than a whole deploy with nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Retry

from tools.errors import RemoteError

TIMEOUT = (5, 30)
"""Seconds to connect, seconds between two bytes of an answer."""
PAGE = 200
"""The most that the API gives at a time."""
_BUSY = "it answers, but is busy or broken: try again in a while; if it stays so, its log says why"


class Http:
    """A Prefect API as plain requests."""

    def __init__(self, url: str, key: str | None = None, hint: str = "") -> None:
        """Connects to nothing yet.

        Args:
            url: the API's address, ending in /api or in a Prefect Cloud workspace.
            key: sent as a bearer token.
            hint: what to do where nothing answers at this address.
        """
        self.url = url.rstrip("/")
        self.fence: Callable[[], None] = lambda: None
        """Called right before the bytes of a write leave, on each try; what it raises keeps them here."""
        self._hint = hint or "check PREFECT_API_URL and the network"
        retry = Retry(
            total=10,  # 25 s: SQLite answers 503 to writes that meet others, and its server then hangs up
            connect=2,
            read=5,
            backoff_factor=0.2,
            backoff_max=5,
            backoff_jitter=0.3,  # two that met at a busy server do not meet again
            status_forcelist=(429, 502, 503, 504),
            allowed_methods=None,
            raise_on_status=False,
        )
        self._reading = _session(key, HTTPAdapter(max_retries=retry))
        self._writing = _session(key, _fenced(HTTPAdapter(max_retries=retry), lambda: self.fence()))
        self._once = _session(key, _fenced(HTTPAdapter(max_retries=Retry(total=0)), lambda: self.fence()))

    def all(self, kind: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Everything that `POST /<kind>/filter` finds, page after page.

        Args:
            kind: e.g. `deployments`.
            body: the filter.
        """
        offset = 0
        while True:
            page = self.call("POST", f"/{kind}/filter", {**body, "limit": PAGE, "offset": offset})
            yield from page
            if len(page) < PAGE:
                return
            offset += PAGE

    def call(
        self, method: str, path: str, body: Any = None, *, repeatable: bool = True, gone_is_done: bool = False
    ) -> Any:
        """Sends a request and gives what the JSON of its answer says; None where the answer is empty.

        Args:
            method: `GET` and the like.
            path: below the API's address.
            body: sent as JSON.
            repeatable: whether it may be sent again where it is not known to have arrived.
            gone_is_done: whether 404 is an answer, None, and no error.

        Raises:
            RemoteError: the API refused or did not answer.
        """
        expected = (requests.codes.not_found,) if gone_is_done else ()
        response = self.answer(method, path, body, repeatable=repeatable, expected=expected)
        if not response.ok or response.status_code == requests.codes.no_content or not response.content:
            return None
        return response.json()

    def answer(
        self, method: str, path: str, body: Any = None, *, repeatable: bool = True, expected: Collection[int] = ()
    ) -> requests.Response:
        """The same, with all that the API says: its JSON, its status and its clock.

        Args:
            method: see `call`.
            path: see `call`.
            body: see `call`.
            repeatable: see `call`.
            expected: statuses that are answers and no errors.
        """
        doing = f"{method} {path}"
        reads = method == "GET" or path.endswith("/filter")
        session = self._reading if reads else self._writing if repeatable else self._once
        try:
            response = session.request(method, self.url + path, json=body, timeout=TIMEOUT)
        except requests.Timeout as error:
            raise RemoteError(
                f"Prefect: no answer from {self.url} in time ({doing})", self._hint, passing=True
            ) from error
        except requests.RequestException as error:
            raise RemoteError(f"Prefect: nothing answers at {self.url} ({doing})", self._hint, passing=True) from error
        if response.status_code not in expected:
            self._check(response, doing)
        return response

    def _check(self, response: requests.Response, doing: str) -> None:
        status = response.status_code
        if status in (401, 403):
            raise RemoteError(
                f"Prefect refused the key at {self.url} ({status} to {doing})",
                "check PREFECT_API_KEY, and that it is of the workspace of PREFECT_API_URL",
            )
        if not response.ok:
            detail = response.text.strip()[:500]
            broken = status >= 500 or status == requests.codes.too_many_requests
            raise RemoteError(
                f"Prefect answered {status} to {doing}: {detail}", _BUSY if broken else "", passing=broken
            )
        empty = status == requests.codes.no_content or not response.content
        if not empty and not _is_json(response):
            raise RemoteError(
                f"what answers at {self.url} is no Prefect API ({doing} gave no JSON)",
                "PREFECT_API_URL is the API's address, ending in /api; not the UI's",
            )


def _is_json(response: requests.Response) -> bool:
    if "json" not in response.headers.get("content-type", ""):
        return False
    try:
        response.json()
    except ValueError:  # it was cut off on its way
        return False
    return True


def _session(key: str | None, adapter: HTTPAdapter) -> requests.Session:
    session = requests.Session()

    def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if key:
            request.headers["Authorization"] = f"Bearer {key}"
        return request

    session.auth = bearer  # given even without a key: otherwise ~/.netrc would be asked for one
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _fenced(adapter: HTTPAdapter, fence: Callable[[], None]) -> HTTPAdapter:
    """An adapter that asks the fence at the last moment: a process may be stopped anywhere before, and go on later."""

    class Plain(HTTPConnection):
        def send(self, data: Any) -> None:
            fence()
            super().send(data)

    class Secure(HTTPSConnection):
        def send(self, data: Any) -> None:
            fence()
            super().send(data)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    adapter.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return adapter
