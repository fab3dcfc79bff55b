"""A release is written strictly and read for ever: records of every version that was ever written come back (I19)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.clients.record import VERSION, UnreadableError, read, written
from tools.clients.task_definition import LABEL, from_task_definition
from tools.errors import UserError
from tools.model.release import Release
from tools.plan.deployments import prefect_deployments
from tools.tests.worlds import deployment, release, schedule

RECORDS = sorted((Path(__file__).parents[2] / "records").glob("*.json"))
"""Task definitions as each version registered them. Never changed; a new version adds one."""
ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/data-flows-Dev-database-to-lake:3"


def told(path: Path) -> Release:
    """The release of a task definition as ECS describes it."""
    definition = json.loads(path.read_text("utf-8"))
    found = from_task_definition({**definition, "taskDefinitionArn": ARN, "revision": 3})
    assert isinstance(found, Release)
    return found


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_of_any_version_comes_back_with_all_that_a_rollback_needs(path: Path) -> None:
    found = told(path)

    assert (found.service, found.environment, found.revision, found.arn) == ("database-to-lake", "Dev", 3, ARN)
    assert found.image.endswith(f"@sha256:{'3f2a9c1e5b7d8046' * 4}")
    assert (found.fingerprint, found.commit, found.by) == ("3f2a9c1e5b7d8046", "0123456789ab+changes", "somebody")
    assert (found.ecs_run.cpu, found.ecs_run.memory, found.ecs_run.capacity) == (2048, 4096, "FARGATE_SPOT")
    assert found.ecs_run.env["GREETING"] == "héllo → 世界"
    assert {**found.platform_env, **found.ecs_run.env}["LAKE_URL"] == "s3://example-dev/lake"
    assert found.secret_paths == {"SOURCE_URL": "/DataFlows/Dev/database-to-lake/SOURCE_URL"}
    daily = prefect_deployments(found, "pool")["daily"]
    assert daily.parameters == {"table": "flights", "nested": {"limit": 1.5, "on": True, "none": None}}
    assert [(item.slug, item.active) for item in daily.schedules] == [
        ("daily", False),
        ("often", False),
        ("rule", False),
    ]
    assert found.unknown == {}


def test_a_record_of_each_version_is_kept() -> None:
    versions = {json.loads(_record(path)).get("version", 0) for path in RECORDS}
    assert versions == set(range(VERSION + 1))


def _record(path: Path) -> str:
    (container,) = json.loads(path.read_text("utf-8"))["containerDefinitions"]
    return str(container["dockerLabels"][LABEL])


def test_what_is_written_today_bears_the_version_of_its_form() -> None:
    assert json.loads(written(release()))["version"] == VERSION
    assert read(written(release())) == release().model_copy(update={"revision": None, "arn": ""})


Change = Callable[[dict[str, Any]], object]
#: What today's service.toml may not say, and a record of the past may.
OLD_RULES: dict[str, Change] = {
    "a size no longer offered": lambda record: record["ecs_run"].update(cpu=300, memory=700),
    "a capacity no longer offered": lambda record: record["ecs_run"].update(capacity="EC2"),
    "more storage than is offered": lambda record: record["ecs_run"].update(ephemeral_storage=2000),
    "a name that is called a secret now": lambda record: record["ecs_run"]["env"].update(THE_TOKEN="x"),
    "a name that is the platform's now": lambda record: record["ecs_run"]["env"].update(DATA_FLOWS_SERVICE="x"),
    "a variable that is plain and secret": lambda record: record["ecs_run"].update(env={"A": "1"}, secrets={"A": "A"}),
    "a role of another form": lambda record: record["ecs_run"].update(task_role="a role!"),
    "a permission for more than is allowed now": lambda record: record["ecs_run"].update(
        permissions=[{"actions": ["iam:*"], "resources": ["{everything}"], "conditions": {"Is": {"x": ["y"]}}}]
    ),
    "a cron that is refused now": lambda record: record["deployments"][0]["schedules"][0].update(cron="* * * * * *"),
    "a rule that is refused now": lambda record: record["deployments"][0]["schedules"][0].update(rrule="FREQ=NO"),
    "an unknown time zone": lambda record: record["deployments"][0]["schedules"][0].update(timezone="Mars/Olympus"),
    "an interval of years": lambda record: record["deployments"][0]["schedules"][0].update(interval=10**10),
    "a slug of another form": lambda record: record["deployments"][0]["schedules"][0].update(slug="A B"),
    "a slug twice": lambda record: record["deployments"][0]["schedules"].append({"slug": "daily", "cron": "0 0 * * *"}),
    "a deployment's name of another form": lambda record: record["deployments"][0].update(name="a/b"),
    "a tag of ours": lambda record: record["deployments"][0].update(tags=["data-flows:Prod"]),
    "runs without end": lambda record: record["deployments"][0].update(concurrency_limit=10**6),
    "an environment's name of another form": lambda record: record["deployments"][0].update(active_in=["a-b"]),
    "a parameter that looks like a secret": lambda record: record["deployments"][0].update(
        parameters={"url": "postgres://user:password@host/x"}
    ),
}


@pytest.mark.parametrize("change", OLD_RULES.values(), ids=OLD_RULES)
def test_the_rules_of_today_do_not_hold_for_the_past(change: Change) -> None:
    record = json.loads(written(release()))
    change(record)

    found = read(json.dumps(record))

    assert json.loads(found.model_dump_json(exclude={"unknown"})) == {
        name: value for name, value in _completed(record).items() if name != "version"
    }


def _completed(record: dict[str, Any]) -> dict[str, Any]:
    """A record with the fields that an added schedule leaves to their defaults."""
    for item in record["deployments"][0]["schedules"]:
        for name in ("interval", "rrule", "anchor"):
            item.setdefault(name, None)
        item.setdefault("timezone", "UTC")
        item.setdefault("parameters", {})
    return record


@pytest.mark.parametrize("change", OLD_RULES.values(), ids=OLD_RULES)
def test_but_what_breaks_them_is_not_written(change: Change) -> None:
    record = json.loads(written(release()))
    change(record)
    past = read(json.dumps(record))

    with pytest.raises(UserError, match="the release of hello cannot be written: "):
        written(past)


def test_what_a_later_version_added_is_kept_by_its_path_and_told_as_a_difference() -> None:
    may = {"permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::x/*"]}]}
    one = release(deployments=(deployment(schedules=(schedule(),)),), ecs_run=may)
    record = json.loads(written(one))
    record["sla"] = 5
    record["ecs_run"]["gpu"] = 1
    record["ecs_run"]["permissions"][0]["until"] = "2027-01-01"
    record["deployments"][0]["retries"] = {"delay": 3}
    record["deployments"][0]["schedules"][0]["catch_up"] = "2026-01-01"

    found = read(json.dumps(record))

    assert found.unknown == {
        "sla": 5,
        "ecs_run.gpu": 1,
        "ecs_run.permissions.0.until": "2027-01-01",
        "deployments.main.retries": {"delay": 3},
        "deployments.main.schedules.daily.catch_up": "2026-01-01",
    }
    assert found.content()["unknown"] == found.unknown
    assert found.model_copy(update={"unknown": {}}).content() == one.content()


UNREADABLE: dict[str, tuple[str, str]] = {
    "a later version's": (json.dumps({"version": VERSION + 1}), "written by a later version of the tools"),
    "a version that is no number": ('{"version": "1"}', "the version of its record is '1'"),
    "a version that is a truth": ('{"version": true}', "the version of its record is True"),
    "no JSON": ("{", "its record is no JSON"),
    "nested without end": ("[" * 100_000, "its record is no JSON"),
    "a list": ("[]", "its record is no JSON object"),
    "nothing in it": ("{}", r"its record cannot be read: service: Field required"),
    "a number as text": (
        re.sub(r'"cpu":\d+', '"cpu":"256"', written(release())),
        r"its record cannot be read: ecs_run\.cpu: Input should be a valid integer",
    ),
    "a schedule that is a text": (
        json.dumps({**json.loads(written(release())), "deployments": [{"name": "x", "schedules": ["daily"]}]}),
        r"its record cannot be read: deployments\.0\.schedules\.0: Input should be",
    ),
}


@pytest.mark.parametrize(("text", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_says_why(text: str, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read(text)
