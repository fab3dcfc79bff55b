"""The words hold what they promise: overrides lie over what is declared, equal releases are equal, forms are told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from tools.model import values
from tools.model.release import Release
from tools.model.secrets import looks_secret
from tools.model.service import FARGATE, Declaration, ECSRun, ECSRunChanges, overlaid
from tools.tests.worlds import deployment, release, schedule

# The Fargate table --------------------------------------------------------------------------------------------------


def test_fargate_offers_its_74_pairs() -> None:
    assert sum(len(sizes) for sizes in FARGATE.values()) == 74


@pytest.mark.parametrize(
    ("cpu", "least", "most"),
    [
        (256, 512, 2048),
        (512, 1024, 4096),
        (1024, 2048, 8192),
        (2048, 4096, 16384),
        (4096, 8192, 30720),
        (8192, 16384, 61440),
        (16384, 32768, 122880),
    ],
)
def test_each_cpu_has_its_memories(cpu: int, least: int, most: int) -> None:
    assert ECSRun(cpu=cpu, memory=least).memory == least
    assert ECSRun(cpu=cpu, memory=most).memory == most
    for impossible in (least - 1, least // 2, most + 1, most + 1024):
        with pytest.raises(ValidationError, match=f"{impossible} does not go with cpu = {cpu}"):
            ECSRun(cpu=cpu, memory=impossible)


@given(st.integers(-1, 20000), st.integers(-1, 130000))
def test_no_other_pair_is_taken(cpu: int, memory: int) -> None:
    if memory in FARGATE.get(cpu, ()):
        assert ECSRun(cpu=cpu, memory=memory).cpu == cpu
    else:
        with pytest.raises(ValidationError):
            ECSRun(cpu=cpu, memory=memory)


# What differs in one environment --------------------------------------------------------------------------------------

READ = {"actions": ("s3:GetObject",), "resources": ("arn:aws:s3:::{bucket}/raw/*",), "conditions": {}}
WRITE = {**READ, "actions": ("s3:PutObject",)}
RUN = ECSRun.model_validate(
    {
        "cpu": 512,
        "memory": 1024,
        "env": {"A": "1", "B": "2"},
        "secrets": {"S": "S"},
        "permissions": [READ],
    }
)
OVERRIDES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "sizes": ({"cpu": 2048, "memory": 4096}, {"cpu": 2048, "memory": 4096}),
    "one variable more": ({"env": {"C": "3"}}, {"env": {"A": "1", "B": "2", "C": "3"}}),
    "one variable otherwise": ({"env": {"A": "9"}}, {"env": {"A": "9", "B": "2"}}),
    "a variable that becomes a secret": (
        {"secrets": {"A": "A"}},
        {"env": {"B": "2"}, "secrets": {"S": "S", "A": "A"}},
    ),
    "permissions": ({"permissions": [WRITE]}, {"permissions": (WRITE,)}),
    "no permissions": ({"permissions": []}, {"permissions": ()}),
    "a role of its own, which is not ours to give permissions to": (
        {"task_role": "guest"},
        {"task_role": "guest", "permissions": ()},
    ),
    "a secret that becomes a variable": ({"env": {"S": "x"}}, {"env": {"A": "1", "B": "2", "S": "x"}, "secrets": {}}),
}


@pytest.mark.parametrize(("changes", "expected"), OVERRIDES.values(), ids=OVERRIDES)
def test_an_environment_lies_over_what_is_declared(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert overlaid(RUN, ECSRunChanges.model_validate(changes)).model_dump() == RUN.model_dump() | expected


def test_permissions_in_place_of_a_role_are_of_the_role_that_bootstrap_makes() -> None:
    changed = overlaid(ECSRun(task_role="guest"), ECSRunChanges.model_validate({"permissions": [READ]}))

    assert (changed.task_role, len(changed.permissions)) == (None, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"env": "A=1"},
        {"env": ["A"]},
        {"secrets": 3},
        {"env": {"A": 1}},
        {"env": {"X": "1"}, "secrets": {"X": "X"}},
        {"cpu": "512"},
        {"cpu": 4096},
        {"nonsense": 1},
        {"task_role": "guest", "permissions": [READ]},
    ],
    ids=str,
)
def test_what_cannot_lie_over_it_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        overlaid(RUN, ECSRunChanges.model_validate(changes))


# Releases -------------------------------------------------------------------------------------------------------------

TWO = (deployment("a", tags=("x", "y"), schedules=(schedule("s"), schedule("t"))), deployment("b"))
SAME_RELEASES: dict[str, dict[str, Any]] = {
    "another commit": {"commit": "other", "by": "other", "at": "other"},
    "another revision": {"revision": 9, "arn": "arn:9"},
    "deployments in another order": {"deployments": TWO[::-1]},
    "schedules in another order": {
        "deployments": (TWO[0].model_copy(update={"schedules": TWO[0].schedules[::-1]}), TWO[1])
    },
    "tags in another order": {"deployments": (TWO[0].model_copy(update={"tags": ("y", "x")}), TWO[1])},
}
OTHER_RELEASES: dict[str, dict[str, Any]] = {
    "fingerprint": {"fingerprint": "f" * 16},
    "image": {"image": "registry.test/x@sha256:1"},
    "entrypoint": {"entrypoint": "other.py:hello"},
    "memory": {"ecs_run": ECSRun(memory=1024)},
    "command": {"ecs_run": ECSRun(command=("b", "a"))},
    "permissions": {"ecs_run": ECSRun.model_validate({"permissions": [READ]})},
    "the environment's variables": {"platform_env": {"LAKE_URL": "s3://other"}},
    "a secret's path": {"secret_paths": {"S": "/other"}},
    "log group": {"log_group": "/other"},
    "a deployment less": {"deployments": TWO[:1]},
    "parameter schema": {"parameter_schema": {"properties": {"x": {}}}},
}


@pytest.mark.parametrize("changes", SAME_RELEASES.values(), ids=SAME_RELEASES)
def test_a_release_says_the_same_with(changes: dict[str, Any]) -> None:
    one = release(1, deployments=TWO)

    assert one.model_copy(update=changes).content() == one.content()


@pytest.mark.parametrize("changes", OTHER_RELEASES.values(), ids=OTHER_RELEASES)
def test_a_release_says_something_else_with_another(changes: dict[str, Any]) -> None:
    one = release(1, deployments=TWO)

    assert one.model_copy(update=changes).content() != one.content()


def test_the_order_and_the_grouping_of_permissions_say_nothing() -> None:
    both = {"actions": ["s3:PutObject", "s3:GetObject"], "resources": READ["resources"]}

    assert (
        release(ecs_run={"permissions": [both]}).content() == release(ecs_run={"permissions": [READ, WRITE]}).content()
    )


def test_a_condition_makes_another_permission_and_one_value_is_said_with_or_without_brackets() -> None:
    def content(*conditions: dict[str, Any]) -> dict[str, Any]:
        return release(ecs_run={"permissions": [{**READ, "conditions": item} for item in conditions]}).content()

    one, two = {"StringEquals": {"aws:ResourceTag/a": "x"}}, {"StringEquals": {"aws:ResourceTag/a": "y"}}

    assert content(one) == content({"StringEquals": {"aws:ResourceTag/a": ["x"]}}) != content({})
    assert content(one, two) == content(two, one) != content(one)


def test_a_release_survives_its_label() -> None:
    one = release(None, deployments=TWO, ecs_run={"permissions": [READ]})

    assert Release.model_validate_json(one.model_dump_json()) == one


# Forms ----------------------------------------------------------------------------------------------------------------

FINE: dict[str, tuple[Any, Any]] = {
    "a cron": (values.Cron, "*/15 6-18 * * mon-fri"),
    "a cron of a leap day": (values.Cron, "0 0 29 2 *"),
    "a cron of the last day": (values.Cron, "0 0 L * *"),
    "an RRULE": (values.RRule, "FREQ=MONTHLY;BYDAY=-1FR"),
    "an RRULE with its start": (values.RRule, "DTSTART:20260101T000000\nRRULE:FREQ=HOURLY;INTERVAL=10;BYHOUR=8"),
    "a time zone": (values.Timezone, "America/Argentina/Buenos_Aires"),
    "a minute": (values.Seconds, 60),
    "a leap year": (values.Seconds, 31_622_400),
    "a slug of 64 letters": (values.Slug, "a" * 64),
    "a role by name": (values.RoleName, "team/role+x=y"),
    "a role by ARN": (values.RoleName, "arn:aws-cn:iam::123456789012:role/team/role"),
    "a deployment": (values.DeploymentName, "Daily_2.0-x"),
    "an entrypoint in a package": (values.Entrypoint, "flows/sub/main.py:_flow1"),
    "JSON": (values.Json, {"a": [1, 2.5, None, True, {"b": "c"}]}),
    "an empty variable": (values.EnvValue, ""),
}
WRONG: dict[str, tuple[Any, Any]] = {
    "a newline after a variable's name": (values.EnvName, "A\n"),
    "a variable's name in Arabic digits": (values.EnvName, "A\u0663"),
    "a NUL in a variable": (values.EnvValue, "a\0b"),
    "a newline after a slug": (values.Slug, "a\n"),
    "a slug of 65 letters": (values.Slug, "a" * 65),
    "a slug with two dashes": (values.Slug, "a--b"),
    "a role of another service": (values.RoleName, "arn:aws:iam::123456789012:user/me"),
    "a deployment that begins with a dot": (values.DeploymentName, ".hidden"),
    "a deployment of 101 letters": (values.DeploymentName, "a" * 101),
    "a cron of half a step": (values.Cron, "*/0 * * * *"),
    "a cron of a range that Prefect reads as all": (values.Cron, "0 6-6 * * *"),
    "a random cron": (values.Cron, "R * * * *"),
    "an RRULE of nothing but its start": (values.RRule, "DTSTART:20260101"),
    "an RRULE of too big a number": (values.RRule, "FREQ=DAILY;UNTIL=99999999999999999999"),
    "an RRULE without frequency": (values.RRule, "BYDAY=MO"),
    "an RRULE of every minute since long ago": (values.RRule, "FREQ=MINUTELY"),
    "an RRULE of 7000 characters": (values.RRule, "FREQ=DAILY;BYHOUR=" + ",".join(["1"] * 3500)),
    "a directory of time zones": (values.Timezone, "Europe"),
    "an absolute path of a time zone": (values.Timezone, "/usr/share/zoneinfo/UTC"),
    "text for seconds": (values.Seconds, "60"),
    "a path with .. inside": (values.InsidePath, "a/../../b"),
    "a space for a path": (values.InsidePath, " "),
}


@pytest.mark.parametrize(("form", "value"), FINE.values(), ids=FINE)
def test_this_is_taken_as_it_is(form: Any, value: Any) -> None:
    assert TypeAdapter(form).validate_python(value) == value


@pytest.mark.parametrize(("form", "value"), WRONG.values(), ids=WRONG)
def test_this_is_refused(form: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(form).validate_python(value)


@given(st.text(max_size=40))
def test_no_text_is_more_than_refused(text: str) -> None:
    v = values
    for form in (v.Cron, v.RRule, v.Timezone, v.Entrypoint, v.InsidePath, v.Slug, v.Json):
        try:
            assert TypeAdapter[Any](form).validate_python(text) == text
        except ValidationError:
            continue


SECRETS = {
    "a password": ("DB_PASSWORD", "x"),
    "a token": ("github_token", "x"),
    "a key": ("STRIPE_APIKEY", "x"),
    "a secret key": ("SECRET_KEY", "x"),
    "a connection string": ("DSN", "host=db user=me password=hunter2"),
    "a connection string of another kind": ("ODBC", "Server=db;Uid=me;Pwd=hunter2;"),
    "a URL's query": ("URL", "https://example.com/x?a=1&password=hunter2"),
    "a URL's first question": ("URL", "https://example.com/x?api_key=hunter2"),
    "a command's option": ("ARGUMENT", "--token=hunter2"),
    "credentials": ("GOOGLE_CREDENTIALS", "x"),
    "an AWS key": ("A", "AKIAABCDEFGHIJKLMNOP"),
    "a temporary AWS key": ("A", "ASIAABCDEFGHIJKLMNOP"),
    "a URL with a password": ("A", "postgresql+psycopg://me:pass@host:5432/db"),
    "a URL with a password only": ("A", "redis://:pass@host"),
    "a private key": ("A", "-----BEGIN RSA PRIVATE KEY-----"),
    "a GitHub token": ("A", "ghp_" + "a" * 36),
    "a Prefect key": ("A", "pnu_" + "a" * 36),
    "a Slack token": ("A", "xoxb-123456789012-abc"),
}
NO_SECRETS = {
    "a table": ("TABLE", "flights"),
    "a URL": ("URL", "https://example.com:8080/a@b"),
    "a URL with a user": ("URL", "postgresql://me@host/db"),
    "a number of tokens": ("MAX_TOKENS", "5"),
    "a word about passwords": ("HELP", "the password is asked for"),
    "an option without a value": ("ARGUMENT", "--password="),
    "a template": ("URL", "https://example.com/?token=${TOKEN}"),
    "a sum": ("FORMULA", "tokens = 5"),
    "a secret's name": ("SECRET_NAME", "lake"),
    "a monkey": ("MONKEY", "x"),
}


@pytest.mark.parametrize(("name", "value"), SECRETS.values(), ids=SECRETS)
def test_this_looks_like_a_secret(name: str, value: str) -> None:
    assert looks_secret(name, value)


@pytest.mark.parametrize(("name", "value"), NO_SECRETS.values(), ids=NO_SECRETS)
def test_this_does_not_look_like_a_secret(name: str, value: str) -> None:
    assert not looks_secret(name, value)


# The JSON Schema ------------------------------------------------------------------------------------------------------


def every_model(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema and those of the models in it."""
    return [schema, *schema["$defs"].values()]


def test_the_schema_says_what_editors_must_know() -> None:
    schema = json.loads(json.dumps(Declaration.model_json_schema()))

    assert all(model["additionalProperties"] is False for model in every_model(schema))
    assert schema["$defs"]["Schedule"]["properties"]["slug"]["pattern"].startswith("^(?=")
    assert schema["$defs"]["ECSRun"]["properties"]["capacity"]["enum"] == ["FARGATE", "FARGATE_SPOT"]


def test_the_words_cannot_be_changed() -> None:
    for word in (release(1), RUN, TWO[0]):
        assert isinstance(word, BaseModel)
        with pytest.raises(ValidationError):
            setattr(word, next(iter(type(word).model_fields)), "x")


def test_an_editor_knows_what_may_differ_in_an_environment() -> None:
    schema = Declaration.model_json_schema()
    fields = schema["$defs"]["ECSRunChanges"]["properties"]
    assert list(fields) == list(schema["$defs"]["ECSRun"]["properties"])
    assert fields["capacity"]["anyOf"][0]["enum"] == ["FARGATE", "FARGATE_SPOT"]
    assert (
        fields["ephemeral_storage"]["anyOf"][0] | {"minimum": 21, "maximum": 200}
        == (fields["ephemeral_storage"]["anyOf"][0])
    )
    assert "additionalProperties" in schema["$defs"]["ECSRunChanges"]
