"""Small fakes of the clients. The contract tests run on them and on the real things alike (test_contracts.py)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

from tools.errors import RemoteError, ToolsError, UserError
from tools.model.images import FlowDescription, Image, Login, OnProgress, Target
from tools.model.observed import Revision
from tools.model.prefect import PrefectDeployment, PrefectSchedule, Variable
from tools.model.release import AnyRelease, Release


def arn(family: str, revision: int) -> str:
    """The ARN of a revision."""
    return f"arn:aws:ecs:us-east-1:000000000000:task-definition/{family}:{revision}"


def digest(tag: str) -> str:
    """The digest under which an image is pushed."""
    return f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"


class FakeEcs:
    """Task definitions in memory."""

    def __init__(self, there: Iterable[AnyRelease] = ()) -> None:
        self.known: dict[str, list[AnyRelease]] = {}
        for release in sorted(there, key=lambda item: item.revision or 0):
            self.known.setdefault(release.family, []).append(release)
        self._numbers = {family: releases[-1].revision or 0 for family, releases in self.known.items()}
        self.writes: list[str] = []

    def warm_up(self) -> None:
        """Nothing to make."""

    def release(self, reference: str) -> AnyRelease | None:
        """By family the newest revision, by ARN just that."""
        if self.known.get(reference):
            return self.known[reference][-1]
        everything = [release for releases in self.known.values() for release in releases]
        return next((release for release in everything if release.arn == reference), None)

    def families(self, prefix: str) -> list[str]:
        """Those with a revision."""
        return sorted(name for name, known in self.known.items() if name.startswith(prefix) and known)

    def releases(self, family: str) -> list[AnyRelease]:
        """Newest first."""
        return self.known.get(family, [])[::-1]

    def revisions(self, family: str) -> list[Revision]:
        """Newest first."""
        return [
            Revision(release.arn, (release.image,) if isinstance(release, Release) else (), release)
            for release in self.releases(family)
        ]

    def deregister(self, arn: str) -> None:
        """Whether or not it is still there."""
        for revisions in self.known.values():
            revisions[:] = [release for release in revisions if release.arn != arn]
        self.writes.append(f"deregister {arn.rsplit('/', 1)[1]}")

    def make_release(self, draft: Release) -> Release:
        """Adds a revision."""
        revisions = self.known.setdefault(draft.family, [])
        number = self._numbers[draft.family] = self._numbers.get(draft.family, 0) + 1
        made = draft.model_copy(update={"revision": number, "arn": arn(draft.family, number)})
        revisions.append(made)
        self.writes.append(f"register {draft.family}:{number}")
        return made


class FakeEcr:
    """A registry in memory, with what a FakeEngine pushed to it."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, str]] = {}
        self.writes: list[str] = []

    def warm_up(self) -> None:
        """Nothing to make."""

    def digest(self, repository: str, tag: str) -> str | None:
        """None for an image or a repository that is not there."""
        return self.repositories.get(repository, {}).get(tag)

    def holds(self, repository: str, digest: str) -> bool:
        """By digest."""
        return digest in self.repositories.get(repository, {}).values()

    def list_repositories(self, prefix: str) -> list[str]:
        """By name."""
        return sorted(name for name in self.repositories if name.startswith(prefix))

    def images(self, repository: str) -> list[Image]:
        """All pushed at the beginning of time, one for each tag."""
        tags = self.repositories.get(repository, {})
        return [Image(repository, digest, (tag,), datetime(1970, 1, 1, tzinfo=UTC), 1) for tag, digest in tags.items()]

    def remove(self, image: Image) -> None:
        """Whether or not it is still there."""
        tags = self.repositories[image.repository]
        self.repositories[image.repository] = {tag: digest for tag, digest in tags.items() if digest != image.digest}
        self.writes.append(f"remove {image.repository}:{','.join(image.tags)}")

    def ensure(self, repository: str) -> None:
        """Creates it once."""
        if repository not in self.repositories:
            self.repositories[repository] = {}
            self.writes.append(f"create {repository}")

    def address(self, repository: str) -> str:
        """Whatever the name: a registry's address follows from it."""
        return f"registry.test/{repository}"

    def login(self) -> Login:
        """A login that opens nothing."""
        return Login("AWS", "canary-password")


class FakeEngine:
    """A Docker engine in memory whose images are as `flows` and `broken` say."""

    def __init__(self, ecr: FakeEcr) -> None:
        self._ecr = ecr
        self.images: set[str] = set()
        self.flows: dict[str, FlowDescription] = {}
        self.unbuildable: set[str] = set()
        self.unimportable: set[str] = set()
        self.unpushable: set[str] = set()
        self.torn: set[str] = set()
        self.built: list[str] = []
        self.imported: list[str] = []

    def has(self, reference: str) -> bool:
        """What was built or pulled."""
        return reference in self.images

    def build(self, base: Path, targets: Sequence[Target], step: OnProgress) -> dict[str, ToolsError]:
        """All but the unbuildable."""
        failed: dict[str, ToolsError] = {}
        for target in targets:
            step(target.service, "1/1 FROM base")
            if target.service in self.unbuildable:
                failed[target.service] = UserError("its image cannot be built")
            else:
                self.images.add(target.tag)
                self.built.append(target.service)
        return failed

    def push(self, tag: str, address: str, login: Login, step: OnProgress) -> None:
        """Puts the image into the registry under a digest that follows from its tag."""
        repository, version = tag.rsplit(":", 1)
        if repository.rsplit("/", 1)[1] in self.unpushable:
            raise RemoteError(f"the registry refused {address}:{version}: 500")
        step(tag, "1 of 1 MB")
        self._ecr.repositories[repository][version] = digest(tag)
        self._ecr.writes.append(f"push {tag}")

    def pull(self, reference: str, login: Login) -> None:
        """The image is here afterwards, where the registry has all of it."""
        if reference in self.torn:
            raise RemoteError(f"the registry no longer has all of {reference}")
        self.images.add(reference)

    def describe_flow(self, reference: str, release: Release) -> FlowDescription:
        """The service's flow, unless it is unimportable."""
        self.imported.append(reference)
        service = reference.split("/")[-1].split(":")[0].split("@")[0]
        if service in self.unimportable:
            raise UserError("the flow cannot be imported in its image: ModuleNotFoundError: No module named 'nowhere'")
        return self.flows.get(service) or FlowDescription(service, {"type": "object", "properties": {}})


class FakePrefect:
    """Deployments in memory."""

    def __init__(self, there: Iterable[PrefectDeployment] = ()) -> None:
        self.by_id = {item.id: item for item in there}
        self.writes: list[str] = []
        self._count = 0

    def _id(self) -> str:
        self._count += 1
        return f"00000000-0000-0000-0000-{self._count:012}"

    def deployments(self, flows: Sequence[str]) -> list[PrefectDeployment]:
        """In order of their full names."""
        found = [item for item in self.by_id.values() if item.flow in flows]
        return sorted(found, key=lambda item: item.full_name)

    def tagged(self, tag: str) -> list[PrefectDeployment]:
        """In order of their full names."""
        return sorted((item for item in self.by_id.values() if tag in item.tags), key=lambda item: item.full_name)

    def count(self, tag: str) -> int:
        """Of those with a tag."""
        return len(self.tagged(tag))

    def every_deployment(self) -> list[PrefectDeployment]:
        """In order of their full names."""
        return sorted(self.by_id.values(), key=lambda item: item.full_name)

    def remove(self, deployment_id: str) -> None:
        """Whether or not it is still there."""
        gone = self.by_id.pop(deployment_id, None)
        self.writes.append(f"delete {gone.full_name if gone else deployment_id}")

    def create(self, wanted: PrefectDeployment) -> PrefectDeployment:
        """With ids for it and its schedules."""
        schedules = tuple(item.model_copy(update={"id": self._id()}) for item in wanted.schedules)
        made = wanted.model_copy(update={"id": self._id(), "schedules": schedules, "tags": tuple(sorted(wanted.tags))})
        self.by_id[made.id] = made
        self.writes.append(f"create {made.full_name}")
        return made

    def patch(self, live: PrefectDeployment, wanted: PrefectDeployment, fields: Iterable[str]) -> None:
        """Only these fields."""
        changes: dict[str, Any] = {name: getattr(wanted, name) for name in fields}
        self.by_id[live.id] = self.by_id[live.id].model_copy(update=changes)
        self.writes.append(f"patch {live.full_name}")

    def _replace(self, deployment_id: str, schedules: Iterable[PrefectSchedule]) -> None:
        self.by_id[deployment_id] = self.by_id[deployment_id].model_copy(update={"schedules": tuple(schedules)})

    def add_schedule(self, deployment_id: str, schedule: PrefectSchedule) -> None:
        """With an id."""
        self._replace(
            deployment_id, [*self.by_id[deployment_id].schedules, schedule.model_copy(update={"id": self._id()})]
        )
        self.writes.append(f"add {schedule.slug}")

    def change_schedule(
        self, deployment_id: str, live: PrefectSchedule, wanted: PrefectSchedule, active: bool | None
    ) -> None:
        """In place."""
        changed = wanted.model_copy(
            update={
                "id": live.id,
                "active": live.active if active is None else active,
                "anchor": wanted.anchor or live.anchor,
            }
        )
        self._replace(
            deployment_id, [changed if item.id == live.id else item for item in self.by_id[deployment_id].schedules]
        )
        self.writes.append(f"change {wanted.slug}")

    def remove_schedule(self, deployment_id: str, schedule_id: str) -> None:
        """Whether or not it is still there."""
        self._replace(deployment_id, [item for item in self.by_id[deployment_id].schedules if item.id != schedule_id])
        self.writes.append(f"delete {schedule_id}")


class FakeVariables:
    """Variables in memory. `ahead` moves the server's clock on by seconds, `answers_ahead` only that of its answers."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.answers_ahead: float | None = 0.0
        self._one_at_a_time = RLock()
        self._by_name: dict[str, dict[str, Any]] = {}

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def read(self, name: str) -> Variable | None:
        """With the time of the answer, where it is told."""
        with self._one_at_a_time:
            found = self._by_name.get(name)
            if found is None:
                return None
            told = None if self.answers_ahead is None else self._now() + timedelta(seconds=self.answers_ahead)
            return Variable(found["id"], found["value"], found["created"], found["updated"], told)

    def _find(self, variable_id: str) -> dict[str, Any] | None:
        return next((item for item in self._by_name.values() if item["id"] == variable_id), None)

    def exists(self, variable_id: str) -> bool:
        """By id."""
        with self._one_at_a_time:
            return self._find(variable_id) is not None

    def create(self, name: str, value: Any) -> bool:
        """Only where the name is free."""
        with self._one_at_a_time:
            if name in self._by_name:
                return False
            now = self._now()
            self._by_name[name] = {"id": str(uuid.uuid4()), "value": value, "created": now, "updated": now}
            return True

    def touch(self, variable_id: str) -> bool:
        """As if it was written now."""
        with self._one_at_a_time:
            found = self._find(variable_id)
            if found is None:
                return False
            found["updated"] = self._now()
            return True

    def delete(self, variable_id: str) -> None:
        """Whether or not it is still there."""
        with self._one_at_a_time:
            self._by_name = {name: item for name, item in self._by_name.items() if item["id"] != variable_id}
