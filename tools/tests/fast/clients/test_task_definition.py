"""A release becomes a task definition and comes back from it as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.clients.task_definition import LABEL, from_task_definition, to_task_definition
from tools.model.release import Release, UnreadRelease
from tools.tests.worlds import arn, deployment, release, schedule


def made(**changes: Any) -> dict[str, Any]:
    """The task definition of a release."""
    return to_task_definition(release(None, **changes))


def described(definition: dict[str, Any], revision: int = 7) -> dict[str, Any]:
    """A task definition as ECS gives it back."""
    return {**definition, "taskDefinitionArn": arn(revision), "revision": revision, "status": "ACTIVE"}


@pytest.mark.parametrize(
    ("owner", "tag"),
    [
        ("data-products@example.com", "data-products@example.com"),
        ("Team Flüge & Co (EU)", "Team Flüge _ Co _EU_"),
        ("x" * 300, "x" * 256),
    ],
)
def test_the_owner_is_a_tag_in_the_signs_that_aws_allows(owner: str, tag: str) -> None:
    tags = {item["key"]: item["value"] for item in made(owner=owner)["tags"]}

    assert tags == {"data-flows:environment": "Dev", "data-flows:service": "hello", "data-flows:owner": tag}


def test_ecs_gets_all_that_it_acts_on() -> None:
    definition = made(
        ecs_run={
            "cpu": 512,
            "memory": 2048,
            "env": {"LOG_LEVEL": "INFO", "A": ""},
            "task_role": "task",
            "execution_role": "execution",
            "ephemeral_storage": 30,
            "command": ("sleep", "1"),
        },
        platform_env={"AWS_REGION": "eu-west-1"},
        secret_paths={"SOURCE_URL": "/DataFlows/Dev/hello/SOURCE_URL"},
        platform="linux/arm64",
    )
    (container,) = definition.pop("containerDefinitions")
    container.pop("dockerLabels")

    assert definition == {
        "family": "data-flows-Dev-hello",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "cpu": "512",
        "memory": "2048",
        "executionRoleArn": "execution",
        "taskRoleArn": "task",
        "ephemeralStorage": {"sizeInGiB": 30},
        "tags": [
            {"key": "data-flows:environment", "value": "Dev"},
            {"key": "data-flows:service", "value": "hello"},
        ],
    }
    assert container == {
        "name": "flow",
        "image": release().image,
        "essential": True,
        "environment": [
            {"name": "A", "value": ""},
            {"name": "AWS_REGION", "value": "eu-west-1"},
            {"name": "LOG_LEVEL", "value": "INFO"},
        ],
        "secrets": [{"name": "SOURCE_URL", "valueFrom": "/DataFlows/Dev/hello/SOURCE_URL"}],
        "command": ["sleep", "1"],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "/data-flows/Dev",
                "awslogs-region": "eu-west-1",
                "awslogs-stream-prefix": "hello",
            },
        },
    }


def test_what_is_not_asked_for_is_left_to_ecs() -> None:
    definition = made()

    assert "ephemeralStorage" not in definition
    assert "command" not in definition["containerDefinitions"][0]


def test_the_fingerprint_can_be_read_without_the_tools() -> None:
    labels = made()["containerDefinitions"][0]["dockerLabels"]

    assert labels["data-flows.fingerprint"] == "0" * 16
    assert json.loads(labels[LABEL])["deployments"][0]["name"] == "main"


def test_a_service_s_own_variable_goes_before_the_environment_s() -> None:
    definition = made(
        ecs_run={"env": {"LAKE_URL": "s3://own"}}, platform_env={"AWS_REGION": "x", "LAKE_URL": "s3://environment"}
    )

    assert {"name": "LAKE_URL", "value": "s3://own"} in definition["containerDefinitions"][0]["environment"]


TEXT = st.text(st.characters(codec="utf-8"), max_size=10)
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False), TEXT
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)


@given(
    parameters=st.dictionaries(TEXT, JSON, max_size=3),
    description=TEXT,
    env=st.dictionaries(st.sampled_from(["A", "B"]), TEXT.filter(lambda text: "\0" not in text and ":" not in text)),
    schema=st.dictionaries(TEXT, JSON, max_size=2),
    who=TEXT,
)
def test_a_release_comes_back_as_it_was(
    parameters: dict[str, Any], description: str, env: dict[str, str], schema: dict[str, Any], who: str
) -> None:
    declared = deployment(description=description, parameters=parameters, schedules=(schedule(parameters=parameters),))
    one = release(None, deployments=(declared,), ecs_run={"env": env}, parameter_schema=schema, by=who)

    definition = json.loads(json.dumps(described(to_task_definition(one))))

    assert from_task_definition(definition) == one.model_copy(update={"revision": 7, "arn": arn(7)})


OTHERS: dict[str, dict[str, Any]] = {
    "none of ours": {"dockerLabels": {"com.example": "x"}},
    "one without labels": {},
    "one whose labels are null": {"dockerLabels": None},
}


@pytest.mark.parametrize("container", OTHERS.values(), ids=OTHERS)
def test_a_task_definition_that_holds_no_release_gives_none(container: dict[str, Any]) -> None:
    assert from_task_definition(described({"containerDefinitions": [{"name": "flow", **container}]})) is None


UNREAD = {"{": "its record is no JSON", '{"version": 99}': "written by a later version of the tools"}


@pytest.mark.parametrize(("record", "why"), UNREAD.items())
def test_a_task_definition_whose_record_cannot_be_read_says_so(record: str, why: str) -> None:
    definition = {**described(made()), "containerDefinitions": [{"name": "flow", "dockerLabels": {LABEL: record}}]}

    assert from_task_definition(definition) == UnreadRelease("data-flows-Dev-hello", 7, arn(7), why)


def test_a_side_car_does_not_hide_the_release() -> None:
    definition = made()
    definition["containerDefinitions"].insert(0, {"name": "side-car"})

    found = from_task_definition(described(definition))

    assert isinstance(found, Release)
    assert found.revision == 7
