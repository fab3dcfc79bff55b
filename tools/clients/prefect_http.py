"""The Prefect API as plain requests: retries in bounded time, and one place where its failures become the tooling's.

Prefect's own client takes two seconds of CPU to import, which is longer than a whole deploy with nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tools.errors import RemoteError

TIMEOUT = (5, 30)
"""Seconds to connect, seconds between two bytes of an answer."""
PAGE = 200
"""The most that the API gives at a time."""


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
        self._hint = hint or "check PREFECT_API_URL and the network"
        retry = Retry(
            total=5,
            connect=2,
            backoff_factor=0.2,
            backoff_max=5,
            status_forcelist=(429, 502, 503, 504),
            allowed_methods=None,
            raise_on_status=False,
        )
        self._repeatable, self._once = _session(key, retry), _session(key, Retry(total=0))

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
        doing = f"{method} {path}"
        session = self._repeatable if repeatable else self._once
        try:
            response = session.request(method, self.url + path, json=body, timeout=TIMEOUT)
        except requests.Timeout as error:
            raise RemoteError(
                f"Prefect: no answer from {self.url} in time ({doing})", self._hint, passing=True
            ) from error
        except requests.RequestException as error:
            raise RemoteError(f"Prefect: nothing answers at {self.url} ({doing})", self._hint, passing=True) from error
        if gone_is_done and response.status_code == requests.codes.not_found:
            return None
        return self._checked(response, doing)

    def _checked(self, response: requests.Response, doing: str) -> Any:
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
                f"Prefect answered {status} to {doing}: {detail}", self._hint if broken else "", passing=broken
            )
        if status == requests.codes.no_content or not response.content:
            return None
        if "json" not in response.headers.get("content-type", ""):
            raise RemoteError(
                f"what answers at {self.url} is no Prefect API ({doing} gave no JSON)",
                "PREFECT_API_URL is the API's address, ending in /api; not the UI's",
            )
        return response.json()


def _session(key: str | None, retry: Retry) -> requests.Session:
    session = requests.Session()

    def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if key:
            request.headers["Authorization"] = f"Bearer {key}"
        return request

    session.auth = bearer  # given even without a key: otherwise ~/.netrc would be asked for one
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session
