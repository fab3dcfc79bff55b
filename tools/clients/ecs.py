"""ECS task definitions: a family's revisions are a service's releases. Reads them, registers and deregisters."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import TypeAdapter

from tools.clients.aws import PARALLEL, client, code, text, told
from tools.clients.bounds import finite, patiently
from tools.clients.task_definition import from_task_definition, to_task_definition
from tools.model.observed import Revision, Running
from tools.model.release import AnyRelease, Release
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient


#: What ECS understands: a family or an ARN, with or without a revision.
_REFERENCE = re.compile(r"(arn:[\w-]+:ecs:[\w-]+:\d{12}:task-definition/)?[\w-]{1,255}(:\d{1,9})?")
_RUNNING = TypeAdapter(Running).validate_python
_REVISION = re.compile(r".+:\d{1,9}")


class Ecs:
    """The releases of an environment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _client(self) -> ECSClient:
        made: ECSClient = client(self._connection, "ecs")
        return made

    @cached_property
    def _once(self) -> ECSClient:
        """For the write that must not be repeated blindly."""
        made: ECSClient = client(self._connection, "ecs", patient=False)
        return made

    def warm_up(self) -> None:
        """Makes the client now: making one is slow and not safe in threads, using it is."""
        _ = self._client

    def release(self, reference: str) -> AnyRelease | None:
        """A release by its family (the newest revision) or its ARN; None where there is none, or none of ours.

        Raises:
            RemoteError: ECS refused or did not answer.
        """
        found = self._described(reference)
        return found.release if found else None

    def _described(self, reference: str) -> Revision | None:
        if not _REFERENCE.fullmatch(reference):  # somebody wrote it into a deployment by hand
            return None
        with told(f"reading the task definition {reference} (ecs:DescribeTaskDefinition)", self._connection):
            try:
                answer = self._client.describe_task_definition(taskDefinition=reference)
            except ClientError as error:
                if code(error) == "ClientException":  # "Unable to describe task definition": there is none
                    return None
                raise
            found: dict[str, Any] = dict(answer["taskDefinition"])
            if found.get("status") == "INACTIVE":
                return None
            images = tuple(text(container.get("image", "")) for container in found.get("containerDefinitions", ()))
            if not _REVISION.fullmatch(found["taskDefinitionArn"]) or not isinstance(found["revision"], int):
                raise ValueError("no revision")
            return Revision(found["taskDefinitionArn"], images, from_task_definition(found))

    def families(self, prefix: str) -> list[str]:
        """The families with an active revision whose names begin with a prefix."""
        doing = f"listing the task definitions {prefix}* (ecs:ListTaskDefinitionFamilies)"
        with told(doing, self._connection):
            pages = self._client.get_paginator("list_task_definition_families").paginate(
                familyPrefix=prefix, status="ACTIVE"
            )
            names = [text(name) for page in finite(pages, doing) for name in page["families"]]
        return sorted(name for name in names if name.startswith(prefix))

    def releases(self, family: str) -> list[AnyRelease]:
        """The releases of a family that are still active, newest first; revisions that are none of ours left out."""
        return [item.release for item in self.revisions(family) if item.release]

    def active(self, family: str) -> list[str]:
        """The ARNs of the revisions of a family that are still active, newest first."""
        doing = f"listing the revisions of {family} (ecs:ListTaskDefinitions)"
        with told(doing, self._connection):
            pages = self._client.get_paginator("list_task_definitions").paginate(
                familyPrefix=family, status="ACTIVE", sort="DESC"
            )
            arns = [text(arn) for page in finite(pages, doing) for arn in page["taskDefinitionArns"]]
            return [arn for arn in arns if arn.rsplit("/", 1)[1].rsplit(":", 1)[0] == family]

    def running(self, cluster: str, service: str) -> Running | None:
        """How many tasks of an ECS service run; None where there is no such service."""
        with told(f"looking at the ECS service {service} of {cluster} (ecs:DescribeServices)", self._connection):
            try:
                answer = self._client.describe_services(cluster=cluster, services=[service])
            except ClientError as error:
                if code(error) == "ClusterNotFoundException":
                    return None
                raise
            alive = [item for item in answer["services"] if item["status"] == "ACTIVE"]
            if not alive:
                return None
            said = [text(event.get("message", "")) for event in alive[0].get("events", ())]
            return _RUNNING({"wanted": alive[0]["desiredCount"], "running": alive[0]["runningCount"], "said": said[:1]})

    def revisions(self, family: str) -> list[Revision]:
        """Every revision of a family that is still active, newest first."""
        ours = self.active(family)
        with ThreadPoolExecutor(PARALLEL) as pool:
            found = [revision for revision in pool.map(self._described, ours) if revision]
        return sorted(found, key=lambda revision: int(revision.arn.rpartition(":")[2]), reverse=True)

    def deregister(self, arn: str) -> None:
        """Takes a release out of the history. Tasks that run on it go on. One that is out already is done."""
        with told(f"deregistering {arn} (ecs:DeregisterTaskDefinition)", self._connection):
            text(self._client.deregister_task_definition(taskDefinition=arn)["taskDefinition"]["taskDefinitionArn"])

    def make_release(self, draft: Release) -> Release:
        """Registers a revision. Where that failed and may pass it is read whether it took effect, and tried again.

        ECS knows no token for it: it took effect where the newest revision is the draft, its time and author included.

        Raises:
            RemoteError: ECS refused or did not answer.
        """
        wanted = to_task_definition(draft)

        def attempt() -> Release:
            with told(f"registering the task definition {draft.family} (ecs:RegisterTaskDefinition)", self._connection):
                answer = self._once.register_task_definition(**wanted)
                registered = from_task_definition(dict(answer["taskDefinition"]))
                if not isinstance(registered, Release):
                    raise TypeError("a task definition without the label that it was given")
                return registered

        def done() -> Release | None:
            newest = self.release(draft.family)
            return newest if isinstance(newest, Release) and newest.model_dump() == draft.model_dump() else None

        return patiently(attempt, done)
