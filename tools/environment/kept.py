"""What was read of an environment's releases, in a file of this machine. Without it the same is done, by more requests.

A revision of a task definition never changes, so what was read of an ARN is true for ever. An emulator that was wiped
gives the same ARNs again: what is kept of one holds only for the Prefect deployments that pointed at it then. A release
is kept as its record, where today's rules allow all that stands in it, so no secret is; and only where it reads back as
it was.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.clients.record import UnreadableError, read, written
from tools.errors import UserError
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.plan.live import points_at


class _Flow(BaseModel):
    """A flow that was in step when it was last looked at."""

    model_config = ConfigDict(extra="forbid", strict=True)

    looked: float
    """When, in seconds since 1970."""
    arn: str
    revision: int
    record: str
    deployments: frozenset[str] = Field(strict=False)
    """The ids of those that pointed at the release."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1] = 1
    flows: dict[str, _Flow] = Field(default_factory=dict)
    flow_names: dict[str, str] = Field(default_factory=dict)


class Kept:
    """What is kept of one environment.

    Args:
        path: the file; None where nothing outlasts the process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    @cached_property
    def _file(self) -> _File:
        """What is in the file; nothing where there is none that can be read: then all is read anew."""
        if self._path is None:
            return _File()
        try:
            return _File.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return _File()

    @property
    def flow_names(self) -> Mapping[str, str]:
        """The names of flows by their ids in Prefect."""
        return self._file.flow_names

    def release(self, flow: str, deployments: Sequence[PrefectDeployment]) -> Release | None:
        """The release that all deployments of a flow point at, where it was read before.

        Args:
            flow: its name.
            deployments: as they are now.
        """
        found = self._file.flows.get(flow)
        pointing = {item.id: points_at(item) for item in deployments if points_at(item)}
        if found is None or set(pointing.values()) != {found.arn} or not pointing.keys() <= found.deployments:
            return None
        try:
            return _released(found)
        except UnreadableError:
            return None

    def longest_ago(self, flows: Iterable[str], now: datetime) -> list[str]:
        """Flows in the order in which they are to be looked at; those that were looked at together in any order.

        Args:
            flows: names of some that are kept.
            now: the time.
        """
        spread = {name: random.random() for name in flows}  # noqa: S311 - machines that share a file spread their looks
        return sorted(spread, key=lambda name: (self.looked(name, now), spread[name]))

    def looked(self, flow: str, now: datetime) -> datetime:
        """When a flow was last looked at; long ago where the file says that it will be."""
        seconds = self._file.flows[flow].looked
        return datetime.fromtimestamp(seconds if 0 <= seconds <= now.timestamp() else 0, UTC)

    def keep(self, flow: str, release: Release, deployments: Iterable[PrefectDeployment], now: datetime) -> None:
        """Keeps the release that a flow's deployments point at.

        Args:
            flow: its name.
            release: as it was read.
            deployments: of the flow.
            now: when it was looked at.
        """
        self.drop([flow])
        with suppress(UserError, UnreadableError):
            made = _Flow(
                looked=now.timestamp(),
                arn=release.arn,
                revision=release.revision or 0,
                record=written(release),
                deployments=frozenset(item.id for item in deployments if points_at(item) == release.arn),
            )
            if _released(made) == release:
                self._file.flows[flow] = made

    def drop(self, flows: Iterable[str]) -> None:
        """Forgets what is kept of some flows."""
        for flow in flows:
            self._file.flows.pop(flow, None)

    def only(self, flows: Collection[str]) -> None:
        """Forgets what is kept of all other flows."""
        self.drop([name for name in self._file.flows if name not in flows])

    def save(self, flow_names: Mapping[str, str]) -> None:
        """Writes the file: whole or not at all, for its owner alone. Where that fails, more is read the next time.

        Args:
            flow_names: more of them; those of flows of which nothing is kept are left out.
        """
        if self._path is None or not (self._file.flows or self._path.exists()):
            return
        names = {**self._file.flow_names, **flow_names}
        self._file.flow_names = {key: name for key, name in names.items() if name in self._file.flows}
        with suppress(OSError, ValueError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f"{self._path.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(self._file.model_dump_json())
                Path(name).replace(self._path)
            except (OSError, ValueError):
                Path(name).unlink()


def _released(kept: _Flow) -> Release:
    return read(kept.record).model_copy(update={"arn": kept.arn, "revision": kept.revision})
