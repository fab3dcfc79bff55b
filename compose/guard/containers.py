"""PURE: what the AWS emulator may ask the Docker engine for: the containers of its own tasks, and nothing of the host.

Takes a request; gives the request that the engine gets, or refuses. A container's description is not passed on: one
is made anew of the few fields that a task has, so what is not known here cannot reach the engine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

INSTANCE_LABEL = "ministack.instance"
"""The emulator marks what it started with it; the guard sees to it, and by it knows whose a container is."""

_VERSION = r"(?P<version>/v1\.[0-9]{1,3})?"
_CONTAINER = rf"{_VERSION}/containers/(?P<container>[A-Za-z0-9][A-Za-z0-9_.-]*)"
#: Method and path -> the parameters that may follow.
_ALLOWED: tuple[tuple[str, re.Pattern[str], frozenset[str]], ...] = tuple(
    (method, re.compile(path), frozenset(parameters.split()))
    for method, path, parameters in (
        ("GET", rf"{_VERSION}/_ping", ""),
        ("GET", rf"{_VERSION}/version", ""),
        ("GET", rf"{_VERSION}/containers/json", "all filters limit size trunc_cmd"),
        ("POST", rf"{_VERSION}/containers/create", "name platform"),
        ("GET", rf"{_CONTAINER}/(?P<reads>json)", ""),
        ("GET", rf"{_CONTAINER}/logs", "follow since stderr stdout tail timestamps until"),
        ("POST", rf"{_CONTAINER}/start", ""),
        ("POST", rf"{_CONTAINER}/stop", "t"),
        ("POST", rf"{_CONTAINER}/kill", "signal"),
        ("POST", rf"{_CONTAINER}/wait", ""),
        ("DELETE", rf"{_CONTAINER}", "force link v"),
        ("POST", rf"{_VERSION}/images/create", "fromImage platform tag"),
        ("GET", rf"{_VERSION}/images/(?P<image>.+)/json", ""),
    )
)
#: What a container's description may say; what is empty says nothing.
_DESCRIPTION = frozenset({"Image", "Cmd", "Env", "Labels", "HostConfig", "NetworkingConfig"})
_LABELS = ("ministack", "com.amazonaws.ecs.")
_NAME = re.compile(r"ministack-ecs-[A-Za-z0-9_.-]+")
_IMAGE = re.compile(r"/[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_.-]+)?(@sha256:[0-9a-f]{64})?")


class RefusedError(Exception):
    """The emulator may not ask for this; the text says why."""


@dataclass(frozen=True)
class Request:
    """A request that the engine may get."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    container: str = ""
    """The container that it is about, whose owner must be asked first; empty where it is about none."""
    reads: bool = False
    """Whether it only asks how that container is."""

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def about(self, container: str) -> Request:
        """The same about a container by its id: its name may be another's in a moment."""
        return replace(self, path=self.path.replace(f"/containers/{self.container}", f"/containers/{container}"))


@dataclass(frozen=True)
class Cloud:
    """A local cloud, as its containers show it."""

    project: str
    """Of Docker Compose; its network has the same name."""
    registry: str
    """Host and port, which the names of its images begin with."""

    @property
    def instance(self) -> str:
        """Marks the containers of its tasks."""
        return f"{self.project}-aws:4566"

    def request(self, method: str, target: str, body: bytes) -> Request:
        """The request for the engine.

        Raises:
            RefusedError: it is not one that the emulator may make.
        """
        path, _, query = target.partition("?")
        path = unquote(path)
        for allowed, pattern, parameters in _ALLOWED:
            found = pattern.fullmatch(path)
            if found and method == allowed:
                return self._request(method, path, found.groupdict(), _query(query, parameters), body)
        raise RefusedError(f"{method} {path} is nothing that a task needs")

    def owns(self, labels: Mapping[str, str]) -> bool:
        """Whether a container is one of its tasks'."""
        return labels.get(INSTANCE_LABEL) == self.instance

    def is_emulator(self, labels: Mapping[str, str]) -> bool:
        """Whether a container is its emulator, which looks for its own network."""
        found = (labels.get("com.docker.compose.project"), labels.get("com.docker.compose.service"))
        return found == (self.project, "aws")

    def _request(
        self, method: str, path: str, found: Mapping[str, str | None], query: dict[str, str], body: bytes
    ) -> Request:
        if path.endswith("/containers/json"):
            query["filters"] = self._filters(query.get("filters", ""))
        elif path.endswith("/containers/create"):
            if not _NAME.fullmatch(query.get("name", "")):
                raise RefusedError("a task's container is called ministack-ecs-…")
            return Request(method, path, urlencode(query), self._description(body))
        elif path.endswith("/images/create"):
            self._check_image(query.get("fromImage", ""))
        elif image := found.get("image"):
            self._check_image(image)
        container = found.get("container") or ""
        return Request(method, quote(path), urlencode(query), b"", container, bool(found.get("reads")))

    def _filters(self, text: str) -> str:
        """Of all containers, its own."""
        given = _object(text or "{}", "filters")
        if not set(given) <= {"label", "status"}:
            raise RefusedError("containers are listed by label and status only")
        labels = given.get("label", [])
        return json.dumps({**given, "label": [*labels, f"{INSTANCE_LABEL}={self.instance}"]})

    def _description(self, body: bytes) -> bytes:
        """A container's description with just what a task has."""
        given = _said(_object(body, "a container"))
        if strange := sorted(set(given) - _DESCRIPTION):
            raise RefusedError(f"a task's container has no {', '.join(strange)}")
        self._check_image(given.get("Image", ""))
        self._check_host(given)
        labels = given.get("Labels", {})
        if not isinstance(labels, dict) or not all(name.startswith(_LABELS) for name in labels):
            raise RefusedError("a task's container has the emulator's labels only")
        made: dict[str, Any] = {name: given[name] for name in ("Image", "Cmd", "Env") if name in given}
        made["Labels"] = {**labels, INSTANCE_LABEL: self.instance}
        made["HostConfig"] = {"NetworkMode": self.project}
        return json.dumps(made).encode()

    def _check_host(self, given: Mapping[str, Any]) -> None:
        """What a container would have of the host: a place in the cloud's network."""
        host = given.get("HostConfig", {})
        if strange := sorted(set(_said(host)) - {"NetworkMode"}) if isinstance(host, dict) else ["HostConfig"]:
            raise RefusedError(f"a task has nothing of the host, so no {', '.join(strange)}")
        networks = given.get("NetworkingConfig", {})
        networks = networks.get("EndpointsConfig") or networks if isinstance(networks, dict) else {"": networks}
        if host.get("NetworkMode") != self.project or _said(networks) or not set(networks) <= {self.project}:
            raise RefusedError(f"a task starts in the network {self.project} only")

    def _check_image(self, image: Any) -> None:
        """Whatever else the engine has is not the cloud's."""
        name = str(image).removeprefix(self.registry)
        if name == image or "/." in name or not _IMAGE.fullmatch(name):
            raise RefusedError(f"a task's image comes from {self.registry}, not {image}")


def _query(text: str, allowed: frozenset[str]) -> dict[str, str]:
    given = parse_qsl(text, keep_blank_values=True)
    query = dict(given)
    if len(query) != len(given) or not set(query) <= allowed:
        raise RefusedError(f"a parameter stands there twice, or is none of: {', '.join(sorted(allowed))}")
    return query


def _object(text: str | bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RefusedError(f"{what}: no JSON object")
    return found


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty."""
    return {name: value for name, value in given.items() if value not in (None, False, 0, "", [], {})}
