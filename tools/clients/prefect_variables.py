"""Prefect Variables: small JSON values under unique names, aged by the server's own clocks.

Two machines whose clocks differ read the same ages. Writes here are never fenced: the lock itself is made of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from tools.clients.prefect_http import Http
from tools.model.names import PLATFORM
from tools.model.prefect import Variable

TAGS = (PLATFORM,)


class PrefectVariables(Http):
    """The variables of a Prefect API."""

    def read(self, name: str) -> Variable | None:
        """The variable of a name; None where there is none."""
        answer = self.answer("GET", f"/variables/name/{name}", expected=(requests.codes.not_found,))
        return _variable(answer) if answer.ok else None

    def exists(self, variable_id: str) -> bool:
        """Whether just this variable is still there; another one of its name has another id."""
        return self.answer("GET", f"/variables/{variable_id}", expected=(requests.codes.not_found,)).ok

    def create(self, name: str, value: Any) -> bool:
        """Creates a variable; False where the name is taken, be it by an earlier try of this very request."""
        body = {"name": name, "value": value, "tags": TAGS}
        return self.answer("POST", "/variables/", body, expected=(requests.codes.conflict,)).ok

    def touch(self, variable_id: str) -> bool:
        """Makes a variable as good as just written; False where it is gone."""
        path = f"/variables/{variable_id}"
        return self.answer("PATCH", path, {"tags": TAGS}, expected=(requests.codes.not_found,)).ok

    def delete(self, variable_id: str) -> None:
        """Deletes just this variable. One that is gone already is done."""
        self.call("DELETE", f"/variables/{variable_id}", gone_is_done=True)


def _variable(answer: requests.Response) -> Variable:
    item = answer.json()
    created, updated = datetime.fromisoformat(item["created"]), datetime.fromisoformat(item["updated"])
    date = answer.headers.get("date")
    now = parsedate_to_datetime(date) if date else datetime.now(UTC)
    age, idle = ((now - at).total_seconds() for at in (created, updated))
    return Variable(item["id"], item["value"], created, max(age, 0.0), max(idle, 0.0))
