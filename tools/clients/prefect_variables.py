"""Prefect Variables: small JSON values under unique names. Writes here are never fenced: the lock is made of them."""

from __future__ import annotations

from typing import Any

import requests
from pydantic import TypeAdapter

from tools.clients.bounds import http_date
from tools.clients.prefect_http import Http
from tools.model.names import PLATFORM
from tools.model.prefect import Variable

TAGS = (PLATFORM,)
_VARIABLE = TypeAdapter(Variable).validate_python


class PrefectVariables(Http):
    """The variables of a Prefect API."""

    def read(self, name: str) -> Variable | None:
        """The variable of a name; None where there is none."""
        answer = self.answer("GET", f"/variables/name/{name}", expected=(requests.codes.not_found,))
        if not answer.ok:
            return None
        date = http_date(answer.headers.get("date", ""))
        doing = f"GET /variables/name/{name}"
        found: Variable = self.understood(doing, lambda item: _VARIABLE({**item, "date": date}), answer.json)
        return found

    def exists(self, variable_id: str) -> bool:
        """Whether just this variable is still there; another one of its name has another id."""

        def right(item: Any) -> bool:
            if item["id"] != variable_id:
                raise ValueError("it is another variable")
            return True

        return bool(self.call("GET", f"/variables/{variable_id}", read=right, gone_is_done=True))

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
