"""What is done before the stacks: what is shown of it, and that the registry's setting is changed where it differs.

Neither emulator has that setting: a small server stands for AWS, in the forms that botocore knows of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tools.clients.aws import Caller
from tools.clients.cloudformation import CloudFormation
from tools.clients.foundations import Foundations
from tools.environment.beforehand import Beforehand, carry_out, needed
from tools.environment.bootstrap import Account
from tools.errors import RemoteError, UserError
from tools.model.stacks import ResourceStep
from tools.settings import Connection
from tools.tests.proxy import Proxy, Reply, Request
from tools.tests.servers import EMULATORS
from tools.tests.stack_inputs import inputs

CLOUD = inputs(credential=None)
NO_WORKER = inputs(credential=None, worker_image=None)
TAGGED = inputs(worker_image="registry.test/data-flows/worker:0123456789abcdef")
PATH = "/DataFlows/Dev/PREFECT_API_KEY"


def account(aws: Connection) -> Account:
    """An account."""
    return Account("Dev", aws, Caller("000000000000", "aws"), {}, CloudFormation(aws), Foundations(aws))


class Registry:
    """An ECR that has but the one setting."""

    def __init__(self, value: str) -> None:
        self.value, self.asked = value, list[str]()

    def __call__(self, request: Request) -> Reply:
        said: dict[str, Any] = json.loads(request.body)
        assert said["name"] == "BLOB_MOUNTING"
        self.asked.append(request.action)
        self.value = said.get("value", self.value)
        return Reply(200, json.dumps({"name": "BLOB_MOUNTING", "value": self.value}).encode())


@contextmanager
def answering(registry: Any) -> Iterator[Account]:
    """An account whose registry answers so."""
    with Proxy(None, before=registry).serving() as port:
        yield account(Connection("us-east-1", f"http://127.0.0.1:{port}"))


def test_the_registry_is_told_to_keep_shared_layers_once_where_it_does_not() -> None:
    registry, told = Registry("DISABLED"), list[str]()
    with answering(registry) as there:
        first = needed(there, inputs(), can_ask=False)
        assert [(step.verb, step.subject) for step in first.steps] == [("change", "account setting BLOB_MOUNTING")]
        assert registry.asked == ["GetAccountSetting"]

        assert carry_out(Path("/nowhere"), there, first, "", lambda what, _: told.append(what)) == inputs()

        assert needed(there, inputs(), can_ask=False) == Beforehand("Dev", inputs())
    assert registry.asked == ["GetAccountSetting", "PutAccountSetting", "GetAccountSetting"]
    assert told == ["BLOB_MOUNTING"]


@pytest.mark.parametrize("emulator", EMULATORS)
def test_an_emulator_that_has_no_such_setting_is_noted(emulator: str, request: pytest.FixtureRequest) -> None:
    found = needed(account(request.getfixturevalue(emulator)), inputs(), can_ask=False)

    assert found.steps == ()
    assert found.notes == ("whether the registry keeps shared layers once (BLOB_MOUNTING) cannot be told here",)


@contextmanager
def refusing(code: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account of AWS itself, whose registry refuses so."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "canary")
    refusal = Reply(400, json.dumps({"__type": code, "message": "no"}).encode())
    with Proxy(None, before=lambda _: refusal).serving() as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        yield account(Connection("us-east-1"))


def test_an_aws_that_does_not_allow_the_question_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        refusing("AccessDeniedException", monkeypatch) as there,
        pytest.raises(RemoteError, match="does not allow reading the registry's settings"),
    ):
        needed(there, inputs(), can_ask=False)


def test_a_region_that_has_no_such_setting_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing("InvalidParameterException", monkeypatch) as there:
        assert "BLOB_MOUNTING" in needed(there, inputs(), can_ask=False).notes[0]


def test_a_secret_that_the_api_wants_is_asked_for_where_somebody_can_be_asked() -> None:
    with answering(Registry("ENABLED")) as there:
        asked = needed(there, CLOUD, can_ask=True)
        noted = needed(there, NO_WORKER, can_ask=False)
        with pytest.raises(UserError) as refused:
            needed(there, CLOUD, can_ask=False)

    assert asked.asks == asked.inputs.credential == "PREFECT_API_KEY"
    assert asked.steps == (ResourceStep("create", f"secret {PATH}", ("the Prefect API wants it; it is asked for",)),)
    command = "python -m tools secret PREFECT_API_KEY --environment Dev"
    assert (noted.inputs, noted.notes) == (NO_WORKER, (f"the Prefect API wants PREFECT_API_KEY: {command}",))
    assert refused.value.message == (
        f"the worker could not start: the Prefect API wants PREFECT_API_KEY, and there is none at {PATH}"
    )
    assert refused.value.hint == f"store it first: {command}"


def test_the_worker_s_image_is_shown_by_its_tag_until_it_is_pushed() -> None:
    with answering(Registry("ENABLED")) as there:
        first = needed(there, TAGGED, can_ask=False)

    assert first.steps == (
        ResourceStep(
            "create", "image data-flows/worker:0123456789abcdef", ("this repository's base image: built and pushed",)
        ),
    )
