"""The requests to AWS that a local cloud recorded (stories/recorder.py)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

RECORD = Path("recorded/calls.jsonl")
"""Where a cloud's record lies in its copy of the repository."""
ONLOOKER = "onlooker"
"""Stands in the user agent of what a test itself asks, and of what makes the environment: no role's call."""


@dataclass(frozen=True)
class Call:
    """A request as it was recorded."""

    caller: str
    """The container's name; `host` for what came from outside the cloud."""
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    status: int
    answer: str

    @property
    def agent(self) -> str:
        """The caller's user agent."""
        return self.headers.get("user-agent", "")

    @property
    def service(self) -> str:
        """The service by its name in signatures, which is that of its actions; `registry` for ECR's other API."""
        if self.path.startswith("/v2/"):
            return "registry"
        found = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request", self.headers.get("authorization", ""))
        if not found:
            raise ValueError(f"{self.method} {self.path} of {self.caller} is not signed as requests to AWS are")
        return found[1]

    @property
    def operation(self) -> str:
        """What it asks for, e.g. `RunTask`; for S3 and the registry the method and the path's form."""
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        return parse_qs(self.body).get("Action", [""])[0]

    @property
    def parameters(self) -> Any:
        """Of an operation whose body is JSON, or a form."""
        if "x-amz-target" in self.headers:
            return json.loads(self.body or "{}")
        return {name: values[0] for name, values in parse_qs(self.body).items()}

    def __str__(self) -> str:
        return f"{self.caller}: {self.service} {self.operation or f'{self.method} {self.path}?{self.query}'}"


def recorded(root: Path) -> list[Call]:
    """The requests that were recorded so far in a copy of the repository."""
    whole, _, _ = (root / RECORD).read_text().rpartition("\n")  # the last line may be under way
    return [Call(**json.loads(line)) for line in whole.splitlines()]
