"""CloudFormation: how stacks stand, change sets to look at and to execute, what happened, deletion."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.clients.aws import client, code, text, told
from tools.clients.bounds import finite
from tools.errors import RemoteError
from tools.model.stacks import ResourceChange, StackEvent, StandingStack
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef

CHANGE_SET = "bootstrap"
"""One name for all: what a stopped run left is found and replaced by the next."""
MAX_BODY = 51_200
"""Bytes of a template that can be sent; a larger one has to lie in a bucket."""
_NO_CHANGE = ("didn't contain changes", "No updates are to be performed")
_MAKING_SECONDS = 300


class CloudFormation:
    """The stacks of an account and region.

    Args:
        connection: how AWS is reached.
        pause: seconds between two looks at something that is being made.
    """

    def __init__(self, connection: Connection, pause: float | None = None) -> None:
        self._connection = connection
        self._prepared: set[str] = set()
        self.pause = pause if pause is not None else 0.2 if connection.endpoint else 3.0

    @cached_property
    def _client(self) -> CloudFormationClient:
        made: CloudFormationClient = client(self._connection, "cloudformation")
        return made

    def stack(self, name: str) -> StandingStack | None:
        """How a stack stands, by its name or its id; None where there is none."""
        with told(f"reading the stack {name} (cloudformation:DescribeStacks)", self._connection):
            try:
                found = self._client.describe_stacks(StackName=name)["Stacks"][0]
            except ClientError as error:
                if _is_absent(error):
                    return None
                raise
        return StandingStack(
            found["StackName"],
            found["StackId"],
            found["StackStatus"],
            found.get("StackStatusReason", ""),
            found.get("EnableTerminationProtection", False),
            {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", ())},
        )

    def names(self) -> list[str]:
        """The names of all stacks that there are."""
        doing = "listing the stacks (cloudformation:DescribeStacks)"
        with told(doing, self._connection):
            pages = self._client.get_paginator("describe_stacks").paginate()
            return [text(item["StackName"]) for page in finite(pages, doing) for item in page["Stacks"]]

    def template(self, name: str) -> dict[str, Any]:
        """A stack's template as it stands; empty where there is no such stack."""
        with told(f"reading the template of {name} (cloudformation:GetTemplate)", self._connection):
            try:
                body: Any = self._client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
            except ClientError as error:
                if _is_absent(error):
                    return {}
                raise
        found: dict[str, Any] = json.loads(body if isinstance(body, str) else json.dumps(body))
        return found

    def prepare(self, name: str, template: dict[str, str], tags: dict[str, str], *, new: bool) -> list[ResourceChange]:
        """Makes the change set that brings a stack to a template; gives what it would do, which may be nothing.

        Args:
            name: the stack's.
            template: `TemplateBody` or `TemplateURL`.
            tags: of all that the stack makes.
            new: whether there is no such stack yet.

        Raises:
            RemoteError: CloudFormation cannot make it, and why.
        """
        self.discard(name)
        self._prepared.add(name)
        doing = f"preparing the changes of {name} (cloudformation:CreateChangeSet)"
        with told(doing, self._connection):
            request: Any = {
                "StackName": name,
                "ChangeSetName": CHANGE_SET,
                "ChangeSetType": "CREATE" if new else "UPDATE",
                "Capabilities": ["CAPABILITY_NAMED_IAM"],
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                "ClientToken": uuid.uuid4().hex,  # a request that is repeated is the same request
                **template,
            }
            self._client.create_change_set(**request)
            made = self._made(name, doing)
        if made["Status"] == "FAILED":
            reason = made.get("StatusReason", "")
            if any(words in reason for words in _NO_CHANGE):
                self.discard(name)
                return []
            said = "; ".join(dict.fromkeys(filter(None, [reason, *self._validation(name)])))
            self.discard(name)
            raise RemoteError(f"CloudFormation cannot change {name}: {said or 'it gives no reason'}")
        return [_change(item["ResourceChange"]) for item in self._changes(name)]

    def discard_prepared(self) -> None:
        """Removes what was prepared and not executed."""
        for name in sorted(self._prepared):
            self.discard(name)

    def discard(self, name: str) -> None:
        """Removes the change set of a stack, and the stack where there is nothing else of it."""
        found = self.stack(name)
        if found:
            with told(f"removing the prepared changes of {name} (cloudformation:DeleteChangeSet)", self._connection):
                try:
                    self._client.delete_change_set(StackName=name, ChangeSetName=CHANGE_SET)
                except ClientError as error:
                    if not (_is_absent(error) or code(error).startswith("ChangeSetNotFound")):
                        raise
        self._prepared.discard(name)
        if found and found.empty:
            self.delete(name)
            self.gone(found)

    def execute(self, name: str) -> None:
        """Begins to carry out what was prepared."""
        with told(f"changing {name} (cloudformation:ExecuteChangeSet)", self._connection):
            self._client.execute_change_set(
                StackName=name, ChangeSetName=CHANGE_SET, ClientRequestToken=uuid.uuid4().hex
            )
        self._prepared.discard(name)

    def delete(self, name: str) -> None:
        """Begins to delete a stack."""
        with told(f"deleting {name} (cloudformation:DeleteStack)", self._connection):
            self._client.delete_stack(StackName=name)

    def gone(self, stack: StandingStack) -> None:
        """Waits until a stack that held nothing is gone."""
        until = time.monotonic() + _MAKING_SECONDS
        while (now := self.stack(stack.id)) and now.status != "DELETE_COMPLETE":
            if now.status == "DELETE_FAILED" or time.monotonic() > until:
                raise RemoteError(f"CloudFormation cannot delete {stack.name}: {now.reason or now.status}")
            time.sleep(self.pause)

    def protect(self, name: str) -> None:
        """Makes a stack one that cannot be deleted by mistake."""
        with told(f"protecting {name} (cloudformation:UpdateTerminationProtection)", self._connection):
            self._client.update_termination_protection(StackName=name, EnableTerminationProtection=True)

    def events(self, stack_id: str, after: str = "") -> list[StackEvent]:
        """What happened to a stack, oldest first.

        Args:
            stack_id: its id: a stack that is deleted has no name any more.
            after: the id of an event; only later ones are given.
        """
        found: list[StackEvent] = []
        with told(f"reading the events of {stack_id} (cloudformation:DescribeStackEvents)", self._connection):
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
                events = [_event(item) for item in page["StackEvents"]]
                later = list(itertools.takewhile(lambda event: event.id != after, events))
                found += later
                if len(later) < len(events):
                    break
        return found[::-1]

    def _made(self, name: str, doing: str) -> DescribeChangeSetOutputTypeDef:
        until = time.monotonic() + _MAKING_SECONDS
        while True:
            made = self._client.describe_change_set(StackName=name, ChangeSetName=CHANGE_SET)
            if made["Status"] in ("CREATE_COMPLETE", "FAILED"):
                return made
            if time.monotonic() > until:
                raise RemoteError(f"AWS: {doing} did not end within {_MAKING_SECONDS} s", "run this again")
            time.sleep(self.pause)

    def _changes(self, name: str) -> Iterator[Any]:
        with told(f"reading the changes of {name} (cloudformation:DescribeChangeSet)", self._connection):
            for page in self._client.get_paginator("describe_change_set").paginate(
                StackName=name, ChangeSetName=CHANGE_SET
            ):
                yield from (item for item in page["Changes"] if "ResourceChange" in item)

    def _validation(self, name: str) -> list[str]:
        """What CloudFormation found wrong before anything was done; it says so nowhere else."""
        with told(f"reading why {name} cannot be changed (cloudformation:DescribeEvents)", self._connection):
            found = self._client.describe_events(StackName=name, ChangeSetName=CHANGE_SET)["OperationEvents"]
        said = [(item.get("LogicalResourceId", name), item.get("ValidationStatusReason")) for item in found]
        return [f"{where}: {reason}" for where, reason in said if reason]


def _is_absent(error: ClientError) -> bool:
    message = str(error.response.get("Error", {}).get("Message", ""))
    return code(error) == "ValidationError" and "does not exist" in message


def _change(item: Any) -> ResourceChange:
    causes = {detail["CausingEntity"] for detail in item.get("Details", ()) if detail.get("CausingEntity")}
    return ResourceChange(
        item["Action"],
        item["LogicalResourceId"],
        item["ResourceType"],
        item.get("PhysicalResourceId", ""),
        item.get("Replacement", ""),
        tuple(sorted(causes)),
    )


def _event(item: Any) -> StackEvent:
    return StackEvent(
        item["EventId"],
        item.get("LogicalResourceId", ""),
        item.get("ResourceType", ""),
        item.get("PhysicalResourceId", ""),
        item.get("ResourceStatus", ""),
        item.get("ResourceStatusReason", ""),
    )
