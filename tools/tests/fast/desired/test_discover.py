"""Services are found as they are; what is wrong is told with place, what was found, what is allowed, all at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tools.desired.discover import check_name, services
from tools.errors import UserError
from tools.model.service import Schedule
from tools.tests.repositories import STORAGE, make_service

TOML = "services/hello/service.toml"


def problems(root: Path, *names: str) -> list[str]:
    """The lines of the error that discovery ends with."""
    with pytest.raises(UserError) as caught:
        services(root, names)
    return caught.value.message.splitlines()


# What is found ------------------------------------------------------------------------------------------------------


def test_services_are_the_directories_under_services_in_order_of_name(tmp_path: Path) -> None:
    for name in ("report", "a-copy", "b2"):
        make_service(tmp_path, name)
    (tmp_path / "services" / "README.md").write_text("no service")
    (tmp_path / "services" / ".cache").mkdir()
    (tmp_path / "services" / "__pycache__").mkdir()

    assert [service.name for service in services(tmp_path)] == ["a-copy", "b2", "report"]


def test_without_a_services_directory_there_are_none(tmp_path: Path) -> None:
    assert services(tmp_path) == []


def test_named_services_are_given_once_each_and_the_others_are_not_looked_at(tmp_path: Path) -> None:
    make_service(tmp_path, "right")
    make_service(tmp_path, "broken", {"service.toml": "nonsense"})

    assert [service.name for service in services(tmp_path, ["right", "right"])] == ["right"]


def test_everything_that_a_service_may_declare_is_read(tmp_path: Path) -> None:
    make_service(
        tmp_path,
        "hello",
        {
            "service.toml": """
description = "Says hello"
owner = "someone@example.com"
runbook = "services/hello/README.md"
[docker_storage]
entrypoint = "flows/main.py:greet"
dockerfile = "docker/Dockerfile"
build_args = { COLOUR = "blue" }
platform = "linux/arm64"
[ecs_run]
cpu = 512
memory = 1024
env = { LOG_LEVEL = "INFO" }
secrets = { SOURCE_URL = "SOURCE_URL" }
task_role = "hello"
execution_role = "arn:aws:iam::123456789012:role/execution"
ephemeral_storage = 30
capacity = "FARGATE_SPOT"
command = ["python", "-m", "prefect.engine"]
[[deployments]]
name = "daily"
description = "Every day"
tags = ["greeting"]
parameters = { name = "you", nested = { limit = 1.5, on = true, list = [1, 2] } }
schedules = [
  { slug = "morning", cron = "15 6 * * *", timezone = "Europe/Berlin" },
  { slug = "often", interval = 600, parameters = { name = "often" } },
  { slug = "rule", rrule = "FREQ=WEEKLY;BYDAY=MO" },
]
active_in = ["Prod"]
concurrency_limit = 1
[environments.Prod.ecs_run]
cpu = 2048
memory = 4096
""",
            "flows/main.py": '@flow(name="hello")\ndef greet(): ...\n',
            "docker/Dockerfile": "FROM base\n",
        },
    )

    (service,) = services(tmp_path)

    assert service.repository == "data-flows/hello"
    assert service.ecs_run("Dev").cpu == 512
    assert (service.ecs_run("Prod").cpu, service.ecs_run("Prod").memory) == (2048, 4096)
    assert service.ecs_run("Prod").env == {"LOG_LEVEL": "INFO"}
    (deployment,) = service.declaration.deployments
    assert deployment.parameters == {"name": "you", "nested": {"limit": 1.5, "on": True, "list": [1, 2]}}
    assert deployment.schedules[0] == Schedule(slug="morning", cron="15 6 * * *", timezone="Europe/Berlin")


# Names --------------------------------------------------------------------------------------------------------------

KEBAB = "small letters a-z and digits, words joined by single dashes"
BAD_NAMES = {
    "nothing": "",
    "upper case": "Hello",
    "a space": "hello world",
    "a leading dash": "-hello",
    "a trailing dash": "hello-",
    "two dashes": "hello--world",
    "an underscore": "hello_world",
    "a digit first": "1hello",
    "the directory above": "../hello",
    "just the directory above": "..",
    "the directory itself": ".",
    "an absolute path": "/hello",
    "a path": "hello/flow",
    "a command after it": "hello; rm -rf ~",
    "a command inside": "$(id)",
    "a newline after it": "hello\n",
    "a NUL": "hel\0lo",
    "an option": "--all",
    "300 letters": "h" * 300,
    "Cyrillic letters that look Latin": "һеllo",
    "a full-width letter": "ｈello",
    "a byte that is not UTF-8": "hello\udcff",
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_a_name_that_is_none_is_refused_and_shown_harmlessly(tmp_path: Path, name: str) -> None:
    make_service(tmp_path)

    (problem,) = problems(tmp_path, name)

    assert KEBAB in problem
    assert problem.isprintable()
    assert len(problem) < 300


RESERVED = ["base", "aws", "prefect-server", "worker"]


@pytest.mark.parametrize("name", RESERVED)
def test_a_name_of_the_platforms_own_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"'{name}' is reserved"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("helo", "did you mean hello?"), ("zzz", "there are: hello, other")],
    ids=["a slip", "something else"],
)
def test_an_unknown_name_comes_with_what_there_is(tmp_path: Path, name: str, hint: str) -> None:
    make_service(tmp_path, "hello")
    make_service(tmp_path, "other")

    with pytest.raises(UserError) as caught:
        services(tmp_path, [name])

    assert caught.value.message == f"there is no service '{name}' under services/"
    assert caught.value.hint == hint


BAD_DIRECTORIES = {name: text for name, text in BAD_NAMES.items() if text and "/" not in text and "\0" not in text} | {
    "a newline inside": "hel\nlo",
    "an escape sequence": "hel\x1b[31mlo",
}
del BAD_DIRECTORIES["the directory itself"], BAD_DIRECTORIES["just the directory above"], BAD_DIRECTORIES["300 letters"]


@pytest.mark.parametrize("name", BAD_DIRECTORIES.values(), ids=BAD_DIRECTORIES)
def test_a_directory_with_such_a_name_is_told(tmp_path: Path, name: str) -> None:
    make_service(tmp_path, name)

    (problem,) = problems(tmp_path)

    assert problem.startswith("services/: ")
    assert KEBAB in problem
    assert problem.isprintable()


def test_a_link_is_no_service(tmp_path: Path) -> None:
    make_service(tmp_path, "hello")
    (tmp_path / "services" / "again").symlink_to("hello")

    assert problems(tmp_path) == ["services/again: is a symbolic link; a service is a directory of its own"]


# service.toml as a file ----------------------------------------------------------------------------------------------

BAD_FILES: Mapping[str, tuple[str | bytes | None, str]] = {
    "missing": (None, f"{TOML}: is missing; every directory under services/ has one"),
    "empty": ("", f"{TOML}: docker_storage: is missing"),
    "not UTF-8": (b'a = 1\nb = "\xff"\n', f"{TOML}:2: not UTF-8: byte 0xff; save it as UTF-8"),
    "UTF-16": ("a = 1".encode("utf-16"), f"{TOML}:1: not UTF-8: byte 0xff; save it as UTF-8"),
    "a NUL": (STORAGE + 'owner = "a\0"\n', f"{TOML}:3: not TOML: Illegal character '\\x00'"),
    "no TOML": (
        "docker_storage:\n  entrypoint: x\n",
        f"{TOML}:1: not TOML: Expected '=' after a key in a key/value pair",
    ),
    "a key twice": ('owner = "a"\nowner = "b"\n', f"{TOML}:2: not TOML: Cannot overwrite a value"),
    "a table twice": (STORAGE + STORAGE, f"{TOML}:3: not TOML: Cannot declare ('docker_storage',) twice"),
    "too big": ("#" * (256 * 1024 + 1), f"{TOML}: has 262145 bytes; at most 262144 are read"),
    "nested too deep": ("a = " + "[" * 20_000, f"{TOML}: not TOML that anybody wrote: nested too deep"),
}


@pytest.mark.parametrize(("content", "expected"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_service_toml_that_cannot_be_read_is_told(tmp_path: Path, content: str | bytes | None, expected: str) -> None:
    make_service(tmp_path, "hello", {"service.toml": content})

    assert problems(tmp_path) == [expected]


def test_a_service_toml_of_50_megabytes_is_not_read(tmp_path: Path) -> None:
    path = make_service(tmp_path) / "service.toml"
    os.truncate(path, 50_000_000)

    assert problems(tmp_path) == [f"{TOML}: has 50000000 bytes; at most 262144 are read"]


def test_a_file_that_the_system_does_not_let_read_is_told(tmp_path: Path) -> None:
    path = make_service(tmp_path) / "service.toml"
    path.unlink()
    path.symlink_to("/proc/self/mem")  # reading it is an error, for root too

    assert problems(tmp_path) == [f"{TOML}: cannot be read: Input/output error"]


def test_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    make_service(tmp_path, "hello", {"service.toml": STORAGE.replace("\n", "\r\n") + "[ecs_run]\r\ncpu = 3\r\n"})

    assert problems(tmp_path) == [f"{TOML}:4: ecs_run.cpu: 3 is not offered by Fargate; it offers {CPUS}"]


# service.toml's content: what stands below STORAGE, from line 3 on ------------------------------------------------

CPUS = "256, 512, 1024, 2048, 4096, 8192, 16384"
SLUG = "a slug: small letters a-z and digits, words joined by single dashes, at most 64 characters"
DEPLOYMENT = '[[deployments]]\nname = "daily"\n'
EXAMPLES = "UTC, Europe/Berlin, America/New_York"
ENVIRONMENT = "an environment's name: letters a-z and digits, beginning with a letter, at most 32 characters"
DEPLOYMENT_NAME = (
    "a deployment's name: letters a-z, digits and _ . -, beginning with a letter or digit, at most 100 characters"
)


def schedule(text: str) -> str:
    """A deployment whose only schedule, on line 6, is of this text."""
    return f"{DEPLOYMENT}schedules = [\n  {{ {text} }},\n]\n"


def permission(
    actions: str = '["s3:GetObject"]',
    resources: str = '["arn:aws:s3:::x/*"]',
    more: str = "",
    table: str = "ecs_run",
) -> str:
    """A permission, whose actions are on line 4, its resources on line 5."""
    return f"[[{table}.permissions]]\nactions = {actions}\nresources = {resources}\n{more}\n"


MORE = (
    " could let a flow become more than it is; what needs it takes a role of its own, made by whoever answers for it: "
    "task_role"
)
PLACEHOLDERS = "there are {account}, {bucket}, {cluster}, {environment}, {partition}, {region}, {service}"
SCHEDULE = ":6: deployments.daily.schedules.hourly"
BAD_CONTENT: Mapping[str, tuple[str, str]] = {
    # keys
    "an unknown key with a near match": (
        "[ecs_run]\ncpus = 512\n",
        ":4: ecs_run.cpus: unknown key; did you mean cpu? allowed are cpu, memory, env, secrets, task_role, "
        "execution_role, ephemeral_storage, capacity, command, permissions",
    ),
    "a key in the wrong table": (
        DEPLOYMENT + 'slug = "x"\n',
        ":5: deployments.daily.slug: unknown key; it belongs to schedules; allowed are name, description, tags, "
        "parameters, schedules, active_in, concurrency_limit",
    ),
    "an unknown table": (
        "[nonsense]\n",
        ":3: nonsense: unknown key; allowed are description, owner, runbook, docker_storage, ecs_run, deployments, "
        "environments",
    ),
    "an unknown key of an environment": (
        "[environments.Prod]\ncpu = 512\n",
        ":4: environments.Prod.cpu: unknown key; it belongs to ecs_run; allowed are ecs_run",
    ),
    # types
    "text where a number is due": ('[ecs_run]\ncpu = "512"\n', ":4: ecs_run.cpu: must be a whole number, found '512'"),
    "a float where a number is due": (
        "[ecs_run]\nmemory = 512.0\n",
        ":4: ecs_run.memory: must be a whole number, found 512.0",
    ),
    "true where a number is due": ("[ecs_run]\ncpu = true\n", ":4: ecs_run.cpu: must be a whole number, found True"),
    "a number where text is due": (
        DEPLOYMENT + "description = 1\n",
        ":5: deployments.daily.description: must be text, found 1",
    ),
    "a number in env": ("[ecs_run]\nenv = { A = 1 }\n", ":4: ecs_run.env.A: 1 is not text; write it in quotes"),
    "true in env": ("[ecs_run.env]\nA = true\n", ":4: ecs_run.env.A: True is not text; write it in quotes"),
    "an array where a table is due": ("[[ecs_run]]\ncpu = 512\n", ":3: ecs_run: must be a table, found [{'cpu': 512}]"),
    "a table where an array is due": (
        '[deployments]\nname = "daily"\n',
        ":3: deployments: must be an array, found {'name': 'daily'}",
    ),
    "text where an array is due": (
        DEPLOYMENT + 'tags = "a"\n',
        ":5: deployments.daily.tags: must be an array, found 'a'",
    ),
    # sizes
    "a cpu that Fargate lacks": (
        "[ecs_run]\ncpu = 500\n",
        f":4: ecs_run.cpu: 500 is not offered by Fargate; it offers {CPUS}",
    ),
    "a memory that Fargate lacks": (
        "[ecs_run]\nmemory = 600\n",
        ":4: ecs_run.memory: 600 does not go with cpu = 256 on Fargate; with it go 512, 1024, 2048",
    ),
    "a cpu that does not go with the usual memory": (
        "[ecs_run]\ncpu = 1024\n",
        ":3: ecs_run.memory: 512 does not go with cpu = 1024 on Fargate; with it go 2048, 3072, 4096, 5120, 6144, 7168, 8192",  # noqa: E501 - a message as it is shown
    ),
    "too little storage": (
        "[ecs_run]\nephemeral_storage = 20\n",
        ":4: ecs_run.ephemeral_storage: must be from 21 to 200, found 20",
    ),
    "too much storage": (
        "[ecs_run]\nephemeral_storage = 201\n",
        ":4: ecs_run.ephemeral_storage: must be from 21 to 200, found 201",
    ),
    "an unknown capacity": (
        '[ecs_run]\ncapacity = "SPOT"\n',
        ":4: ecs_run.capacity: must be 'FARGATE' or 'FARGATE_SPOT', found 'SPOT'",
    ),
    # env and secrets
    "a secret in env, by its name": (
        '[ecs_run]\nenv = { DB_PASSWORD = "x" }\n',
        ":4: ecs_run.env.DB_PASSWORD: looks like a secret, and env is readable; name a parameter for it under secrets",
    ),
    "a secret in env, by its value": (
        '[ecs_run.env]\nURL = "postgresql://me:secret@host/db"\n',
        ":4: ecs_run.env.URL: looks like a secret, and env is readable; name a parameter for it under secrets",
    ),
    "a secret in parameters": (
        DEPLOYMENT + 'parameters = { url = "postgresql://me:secret@host/db" }\n',
        ":5: deployments.daily.parameters.url: looks like a secret, and parameters are readable; name a parameter for "
        "it under ecs_run.secrets",
    ),
    "a secret in a build argument": (
        'build_args = { PIP_TOKEN = "x" }\n',
        ":3: docker_storage.build_args.PIP_TOKEN: looks like a secret; docker history shows every build argument",
    ),
    "a variable's name with =": (
        '[ecs_run]\nenv = { "A=B" = "x" }\n',
        ":4: ecs_run.env.A=B: 'A=B' is not a variable's name: letters a-z, digits and _, no digit first",
    ),
    "a variable of the platform's": (
        '[ecs_run]\nenv = { DATA_FLOWS_SERVICE = "x" }\n',
        ":4: ecs_run.env.DATA_FLOWS_SERVICE: is set by the platform; it cannot be set here",
    ),
    "a region of its own": (
        '[ecs_run]\nsecrets = { AWS_REGION = "x" }\n',
        ":4: ecs_run.secrets.AWS_REGION: is set by the platform; it cannot be set here",
    ),
    "a Prefect API of its own": (
        '[ecs_run]\nenv = { PREFECT_API_URL = "x" }\n',
        ":4: ecs_run.env.PREFECT_API_URL: is set by the platform; it cannot be set here",
    ),
    "a variable in env and in secrets": (
        '[ecs_run]\nenv = { A = "x" }\nsecrets = { A = "A" }\n',
        ":5: ecs_run.secrets.A: stands in env too; a variable is either of the two",
    ),
    "a secret with a path": (
        '[ecs_run]\nsecrets = { A = "/DataFlows/Prod/A" }\n',
        ":4: ecs_run.secrets.A: '/DataFlows/Prod/A' is not the last part of a parameter's name: letters a-z, digits "
        "and _ . -",
    ),
    "a role with Cyrillic letters": (
        '[ecs_run]\ntask_role = "fеtch"\n',
        ":4: ecs_run.task_role: 'fеtch' is not the name or the ARN (arn:…:role/…) of a role",
    ),
    # deployments
    "a deployment without a name": ("[[deployments]]\n", ":3: deployments[0].name: is missing"),
    "an empty deployment name": (
        '[[deployments]]\nname = ""\n',
        f":4: deployments[0].name: '' is not {DEPLOYMENT_NAME}",
    ),
    "a deployment name with /": (
        '[[deployments]]\nname = "a/b"\n',
        f":4: deployments.a/b.name: 'a/b' is not {DEPLOYMENT_NAME}",
    ),
    "a deployment twice": (DEPLOYMENT + DEPLOYMENT, ":6: deployments.daily.name: 'daily' stands twice"),
    "a parameter that is a date": (
        DEPLOYMENT + "parameters = { day = 2026-01-01 }\n",
        ":5: deployments.daily.parameters.day: 2026-01-01 is a date; a parameter is a JSON value: write it as text in "
        "quotes",
    ),
    "a parameter that is no number": (
        DEPLOYMENT + "[deployments.parameters]\nlimit = nan\n",
        ":6: deployments.daily.parameters.limit: nan has no JSON form; a parameter is a JSON value",
    ),
    "a parameter with infinity inside": (
        DEPLOYMENT + "parameters = { deep = { list = [1, inf] } }\n",
        ":5: deployments.daily.parameters.deep: inf has no JSON form; a parameter is a JSON value",
    ),
    "a tag of the platform's": (
        DEPLOYMENT + 'tags = ["a", "data-flows:Prod"]\n',
        ":5: deployments.daily.tags[1]: 'data-flows:Prod' is not a tag: text without spaces around it; data-flows:… are "  # noqa: E501 - a message as it is shown
        "the platform's",
    ),
    "no runs at one time": (
        DEPLOYMENT + "concurrency_limit = 0\n",
        ":5: deployments.daily.concurrency_limit: must be from 1 to 10000, found 0",
    ),
    # permissions
    "a permission that is no table": (
        '[ecs_run]\npermissions = ["s3:GetObject"]\n',
        ":4: ecs_run.permissions[0]: must be a table, found 's3:GetObject'",
    ),
    "a permission's unknown key": (
        permission(more='action = ["s3:GetObject"]'),
        ":6: ecs_run.permissions[0].action: unknown key; did you mean actions? allowed are actions, resources, "
        "conditions",
    ),
    "a permission for nothing": (permission("[]"), ":4: ecs_run.permissions[0].actions: it is empty"),
    "a permission to nothing": (permission(resources="[]"), ":5: ecs_run.permissions[0].resources: it is empty"),
    "an action that is no array": (
        permission('"s3:GetObject"'),
        ":4: ecs_run.permissions[0].actions: must be an array, found 's3:GetObject'",
    ),
    "an action of many": (
        permission('["s3:PutObject", "s3:Get*"]'),
        ":4: ecs_run.permissions[0].actions[1]: 's3:Get*' is not one action of AWS as service:Action, without *, e.g. "
        "s3:GetObject",
    ),
    "a role to pass on": (permission('["iam:PassRole"]'), f":4: ecs_run.permissions[0].actions[0]: iam:PassRole{MORE}"),
    "a role to take": (
        permission('["sts:AssumeRole"]'),
        f":4: ecs_run.permissions[0].actions[0]: sts:AssumeRole{MORE}",
    ),
    "a shell in another task": (
        permission('["ecs:ExecuteCommand"]'),
        f":4: ecs_run.permissions[0].actions[0]: ecs:ExecuteCommand{MORE}",
    ),
    "a placeholder with a near match": (
        permission(resources='["arn:aws:s3:::{buckt}/raw/*"]'),
        ":5: ecs_run.permissions[0].resources[0]: {buckt} is no placeholder; did you mean {bucket}? " + PLACEHOLDERS,
    ),
    "a placeholder like no other": (
        permission(resources='["arn:aws:s3:::{}/raw/*"]'),
        f":5: ecs_run.permissions[0].resources[0]: {{}} is no placeholder; {PLACEHOLDERS}",
    ),
    "a brace by itself": (
        permission(resources='["arn:aws:s3:::{bucket/raw/*"]'),
        ":5: ecs_run.permissions[0].resources[0]: 'arn:aws:s3:::{bucket/raw/*' has a brace that belongs to no "
        "placeholder",
    ),
    "a resource that is no ARN": (
        permission(resources='["s3://{bucket}/raw/*"]'),
        ":5: ecs_run.permissions[0].resources[0]: 's3://{bucket}/raw/*' is no ARN, e.g. "
        "arn:{partition}:s3:::{bucket}/raw/*; '*' stands only for what AWS has no resources for",
    ),
    "a resource in any account": (
        permission(resources='["arn:aws:sqs:{region}:*:queue"]'),
        ":5: ecs_run.permissions[0].resources[0]: 'arn:aws:sqs:{region}:*:queue' leaves the account open; name it: "
        "{account}",
    ),
    "a resource of any name": (
        permission(resources='["arn:aws:s3:::*/raw"]'),
        ":5: ecs_run.permissions[0].resources[0]: 'arn:aws:s3:::*/raw' names nothing; something must stand before its "
        "first *",
    ),
    "a condition with a near match": (
        permission(more='conditions = { ArnEqual = { "ecs:cluster" = "x" } }'),
        ":6: ecs_run.permissions[0].conditions.ArnEqual: 'ArnEqual' is no condition of AWS; did you mean ArnEquals?",
    ),
    "a condition's value that is no text": (
        permission(more='conditions = { Bool = { "aws:SecureTransport" = true } }'),
        ":6: ecs_run.permissions[0].conditions.Bool.aws:SecureTransport: must be text or an array of texts, found True",
    ),
    "a condition's placeholder": (
        permission(more='conditions = { ArnEquals = { "ecs:cluster" = ["{clustr}"] } }'),
        ":6: ecs_run.permissions[0].conditions.ArnEquals.ecs:cluster[0]: {clustr} is no placeholder; did you mean "
        f"{{cluster}}? {PLACEHOLDERS}",
    ),
    "permissions for a role that is another's": (
        '[ecs_run]\ntask_role = "guest"\n' + permission(),
        ":5: ecs_run.permissions: they are of the role that bootstrap makes, and task_role names another: guest",
    ),
    "permissions for a role that is another's, in one environment": (
        '[environments.Prod.ecs_run]\ntask_role = "x"\n' + permission(table="environments.Prod.ecs_run"),
        ":5: environments.Prod.ecs_run.permissions: they are of the role that bootstrap makes, and task_role names "
        "another: x",
    ),
    # environments
    "an environment that is no name": (
        "[environments.my-env]\n",
        f":3: environments.my-env: 'my-env' is not {ENVIRONMENT}",
    ),
    "an environment in small letters": (
        "[environments.prod.ecs_run]\n",
        ":3: environments.prod: environment 'prod' is unknown; did you mean Prod? ENVIRONMENT=Prod",
    ),
    "active in an environment in small letters": (
        DEPLOYMENT + 'active_in = ["Dev", "prod"]\n',
        ":5: deployments.daily.active_in[1]: environment 'prod' is unknown; did you mean Prod? ENVIRONMENT=Prod",
    ),
    "an environment's unknown key": (
        "[environments.Prod.ecs_run]\nmemroy = 512\n",
        ":4: environments.Prod.ecs_run.memroy: unknown key; did you mean memory? allowed are cpu, memory, env, secrets, "  # noqa: E501 - a message as it is shown
        "task_role, execution_role, ephemeral_storage, capacity, command, permissions",
    ),
    "an environment's impossible size": (
        "[environments.Prod.ecs_run]\nmemory = 9000\n",
        ":4: environments.Prod.ecs_run.memory: 9000 does not go with cpu = 256 on Fargate; with it go 512, 1024, 2048",
    ),
    "an environment's cpu without its memory": (
        "[environments.Prod.ecs_run]\ncpu = 4096\n",
        ":3: environments.Prod.ecs_run.memory: 512 does not go with cpu = 4096 on Fargate; with it go "
        + ", ".join(str(size) for size in range(8192, 30721, 1024)),
    ),
    "an environment's env that is no table": (
        '[environments.Prod.ecs_run]\nenv = "A=1"\n',
        ":4: environments.Prod.ecs_run.env: must be a table, found 'A=1'",
    ),
    "an environment's variable in env and in secrets": (
        '[environments.Prod.ecs_run]\nenv = { A = "1" }\nsecrets = { A = "A" }\n',
        ":5: environments.Prod.ecs_run.secrets.A: stands in env too; a variable is either of the two",
    ),
    # schedules
    "no slug": (schedule('cron = "0 6 * * *"'), ":6: deployments.daily.schedules[0].slug: is missing"),
    "an empty slug": (
        schedule('slug = "", cron = "0 6 * * *"'),
        f":6: deployments.daily.schedules[0].slug: '' is not {SLUG}",
    ),
    "a slug with a space": (
        schedule('slug = "a b", cron = "0 6 * * *"'),
        f":6: deployments.daily.schedules.a b.slug: 'a b' is not {SLUG}",
    ),
    "a slug twice": (
        DEPLOYMENT
        + '[[deployments.schedules]]\nslug = "x"\ninterval = 60\n[[deployments.schedules]]\nslug = "x"\ninterval = 90\n',  # noqa: E501 - a message as it is shown
        ":9: deployments.daily.schedules.x.slug: 'x' stands twice",
    ),
    "neither cron nor interval nor rrule": (
        schedule('slug = "hourly"'),
        f"{SCHEDULE}: it has none; it needs exactly one of cron, interval and rrule",
    ),
    "cron and interval": (
        schedule('slug = "hourly", cron = "0 6 * * *", interval = 60'),
        f"{SCHEDULE}: it has cron and interval; it needs exactly one of cron, interval and rrule",
    ),
    "an empty cron": (
        schedule('slug = "hourly", cron = ""'),
        f"{SCHEDULE}.cron: '' has 0 fields; a cron has 5: minute hour day month weekday",
    ),
    "a cron of 6 fields": (
        schedule('slug = "hourly", cron = "0 0 6 * * *"'),
        f"{SCHEDULE}.cron: '0 0 6 * * *' has 6 fields; a cron has 5: minute hour day month weekday",
    ),
    "a cron in a word": (
        schedule('slug = "hourly", cron = "@daily"'),
        f"{SCHEDULE}.cron: '@daily' has 1 fields; a cron has 5: minute hour day month weekday",
    ),
    "a cron of no such hour": (
        schedule('slug = "hourly", cron = "0 25 * * *"'),
        f"{SCHEDULE}.cron: '0 25 * * *' is no cron expression: Bad hour",
    ),
    "a cron that never fires": (
        schedule('slug = "hourly", cron = "0 0 31 2 *"'),
        f"{SCHEDULE}.cron: '0 0 31 2 *' is no cron expression: Bad day-of-month",
    ),
    "a cron that Prefect does not read": (
        schedule('slug = "hourly", cron = "0 0 LW * *"'),
        f"{SCHEDULE}.cron: '0 0 LW * *' has LW, which Prefect refuses or reads in another way; write it out",
    ),
    "an unknown time zone": (
        schedule('slug = "hourly", cron = "0 6 * * *", timezone = "Europe/Berln"'),
        f"{SCHEDULE}.timezone: 'Europe/Berln' is no IANA time zone; examples: {EXAMPLES}",
    ),
    "an empty time zone": (
        schedule('slug = "hourly", cron = "0 6 * * *", timezone = ""'),
        f"{SCHEDULE}.timezone: '' is no IANA time zone; examples: {EXAMPLES}",
    ),
    "a time zone that is a path": (
        schedule('slug = "hourly", cron = "0 6 * * *", timezone = "../../etc/passwd"'),
        f"{SCHEDULE}.timezone: '../../etc/passwd' is no IANA time zone; examples: {EXAMPLES}",
    ),
    "an interval of 0": (
        schedule('slug = "hourly", interval = 0'),
        f"{SCHEDULE}.interval: must be from 60 to 31622400, found 0",
    ),
    "an interval of 10,000 years": (
        schedule('slug = "hourly", interval = 315576000000'),
        f"{SCHEDULE}.interval: must be from 60 to 31622400, found 315576000000",
    ),
    "an anchor without an interval": (
        schedule('slug = "hourly", cron = "0 6 * * *", anchor = 2026-01-01T06:00:00'),
        f"{SCHEDULE}: it has an anchor and no interval; a rule's start is its DTSTART, a cron has none",
    ),
    "an anchor in UTC": (
        schedule('slug = "hourly", interval = 3600, anchor = 2026-01-01T06:00:00Z'),
        f"{SCHEDULE}.anchor: '2026-01-01T06:00:00+00:00' is no local time; write 2026-01-01T06:00:00, in the "
        "schedule's `timezone`",
    ),
    "an anchor that is a date": (
        schedule('slug = "hourly", interval = 3600, anchor = 2026-01-01'),
        f"{SCHEDULE}.anchor: '2026-01-01' is no local time; write 2026-01-01T06:00:00, in the schedule's `timezone`",
    ),
    "an anchor of long ago": (
        schedule('slug = "hourly", interval = 3600, anchor = "1970-01-01T00:00:00"'),
        f"{SCHEDULE}.anchor: '1970-01-01T00:00:00' lies before 2000 or after 2100",
    ),
    "an anchor on a day that there is not": (
        schedule('slug = "hourly", interval = 3600, anchor = "2026-02-30T00:00:00"'),
        f"{SCHEDULE}.anchor: '2026-02-30T00:00:00' is no local time; write 2026-01-01T06:00:00, in the schedule's "
        "`timezone`",
    ),
    "an anchor that the clocks pass over": (
        schedule('slug = "hourly", interval = 3600, anchor = 2026-03-29T02:30:00, timezone = "Europe/Berlin"'),
        f"{SCHEDULE}: anchor 2026-03-29T02:30:00 does not exist in Europe/Berlin: the clocks are put forward over it",
    ),
    "an interval in words": (
        schedule('slug = "hourly", interval = "1h"'),
        f"{SCHEDULE}.interval: must be a whole number, found '1h'",
    ),
    "an RRULE that is none": (
        schedule('slug = "hourly", rrule = "DAILY"'),
        f"{SCHEDULE}.rrule: 'DAILY' is no single iCalendar RRULE, with or without a DTSTART line before it",
    ),
    "a secret in a nested parameter": (
        '[[deployments]]\nname = "daily"\nparameters = { db = { hosts = [{ url = "postgres://me:pw@db/x" }] } }\n',
        ":5: deployments.daily.parameters.db.hosts[0].url: looks like a secret, and parameters are readable; name a "
        "parameter for it under ecs_run.secrets",
    ),
    "a parameter that is called a secret": (
        '[[deployments]]\nname = "daily"\nparameters = { password = "hunter2" }\n',
        ":5: deployments.daily.parameters.password: looks like a secret, and parameters are readable; name a parameter "
        "for it under ecs_run.secrets",
    ),
    "a secret in a schedule's parameters": (
        schedule('slug = "hourly", cron = "0 * * * *", parameters = { dsn = "host=x password=y" }'),
        f"{SCHEDULE}.parameters.dsn: looks like a secret, and parameters are readable; name a parameter for it under "
        "ecs_run.secrets",
    ),
    "a secret in a command": (
        '[ecs_run]\ncommand = ["run", "--token=hunter2"]\n',
        ":4: ecs_run.command[1]: looks like a secret, and a command is readable; name a parameter for it under "
        "ecs_run.secrets",
    ),
    "a secret in an environment's command": (
        '[environments.Prod.ecs_run]\ncommand = ["run", "--password=hunter2"]\n',
        ":4: environments.Prod.ecs_run.command[1]: looks like a secret, and a command is readable; name a parameter "
        "for it under ecs_run.secrets",
    ),
    "a rule that would hang the server": (
        schedule('slug = "hourly", rrule = "DTSTART:19000101T000000\\nFREQ=SECONDLY"'),
        f"{SCHEDULE}.rrule: 'DTSTART:19000101T000000\\nFREQ=SECONDLY' starts before 2000; the server counts every run "
        "from there",
    ),
    "a rule of minutes": (
        schedule('slug = "hourly", rrule = "FREQ=MINUTELY;INTERVAL=5"'),
        f"{SCHEDULE}.rrule: 'FREQ=MINUTELY;INTERVAL=5': write FREQ=MINUTELY as a cron (*/5 * * * *) or an interval of "
        "seconds",
    ),
    "a rule that runs each second": (
        schedule(f'slug = "hourly", rrule = "FREQ=HOURLY;BYMINUTE={",".join(map(str, range(60)))};BYSECOND=0,30"'),
        f"{SCHEDULE}.rrule: 'FREQ=HOURLY;BYMINUTE={','.join(map(str, range(60)))};BYSECOND=0,30' runs 2880 times a "
        "day; at most 1440 are allowed",
    ),
    "a rule that ends in UTC": (
        schedule('slug = "hourly", rrule = "FREQ=DAILY;UNTIL=20300101T000000Z"'),
        f"{SCHEDULE}.rrule: 'FREQ=DAILY;UNTIL=20300101T000000Z': UNTIL is in UTC, and Prefect then never runs it; "
        "write a local time without Z",
    ),
    "a rule with a zone of its own": (
        schedule('slug = "hourly", rrule = "DTSTART;TZID=Europe/Berlin:20260101T000000\\nFREQ=DAILY"'),
        f"{SCHEDULE}.rrule: 'DTSTART;TZID=Europe/Berlin:20260101T000000\\nFREQ=DAILY' is no single iCalendar RRULE, "
        "with or without a DTSTART line before it",
    ),
    "a rule that starts in UTC": (
        schedule('slug = "hourly", rrule = "DTSTART:20260101T000000Z\\nFREQ=DAILY"'),
        f"{SCHEDULE}.rrule: 'DTSTART:20260101T000000Z\\nFREQ=DAILY': DTSTART is 20260101T000000Z; write a local time, "
        "DTSTART:20260101T000000, and `timezone`",
    ),
    "a rule with more dates": (
        schedule('slug = "hourly", rrule = "RRULE:FREQ=DAILY\\nRDATE:20260101T000000"'),
        f"{SCHEDULE}.rrule: 'RRULE:FREQ=DAILY\\nRDATE:20260101T000000' is no single iCalendar RRULE, with or without a "
        "DTSTART line before it",
    ),
    "a rule that never fires": (
        schedule('slug = "hourly", rrule = "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"'),
        f"{SCHEDULE}.rrule: 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30' never fires: no such day exists",
    ),
    "a cron that Prefect reads in another way": (
        schedule('slug = "hourly", cron = "0 9 */2 * 1-5"'),
        f"{SCHEDULE}.cron: '0 9 */2 * 1-5' restricts the day and the weekday, and Prefect runs it on days that fit "
        "either; write a step as a range (1-31/2), where that is meant",
    ),
    "a cron that Prefect cannot read": (
        schedule('slug = "hourly", cron = "0 9 * * 0#5"'),
        f"{SCHEDULE}.cron: '0 9 * * 0#5' has 0#5, which Prefect refuses or reads in another way; write it out",
    ),
    "a file of the zone database": (
        schedule('slug = "hourly", cron = "0 9 * * *", timezone = "posix/Europe/Berlin"'),
        f"{SCHEDULE}.timezone: 'posix/Europe/Berlin' is no IANA time zone; examples: UTC, Europe/Berlin, "
        "America/New_York",
    ),
    "this machine's own zone": (
        schedule('slug = "hourly", cron = "0 9 * * *", timezone = "localtime"'),
        f"{SCHEDULE}.timezone: 'localtime' is no IANA time zone; examples: UTC, Europe/Berlin, America/New_York",
    ),
    "an RRULE with an interval of 0": (
        schedule('slug = "hourly", rrule = "FREQ=DAILY;INTERVAL=0"'),
        f"{SCHEDULE}.rrule: 'FREQ=DAILY;INTERVAL=0' has an interval of 0; it must be 1 or more",
    ),
    "an RRULE that has run out": (
        schedule('slug = "hourly", rrule = "FREQ=DAILY;COUNT=3"'),
        f"{SCHEDULE}.rrule: 'FREQ=DAILY;COUNT=3' needs a start: a line DTSTART:20260101T000000 before it",
    ),
    # docker_storage
    "no entrypoint's form": (
        'dockerfile = "Dockerfile"\n[ecs_run]\n[docker_storage.x]\n',
        ":5: docker_storage.x: unknown key; allowed are entrypoint, dockerfile, build_args, platform",
    ),
    "an unknown platform": (
        'platform = "linux/riscv64"\n',
        ":3: docker_storage.platform: must be 'linux/amd64' or 'linux/arm64', found 'linux/riscv64'",
    ),
    "a Dockerfile elsewhere": (
        'dockerfile = "../Dockerfile"\n',
        ":3: docker_storage.dockerfile: '../Dockerfile' is not a path inside the service's directory",
    ),
    "a Dockerfile's path with a NUL": (
        'dockerfile = "a\\u0000b"\n',
        ":3: docker_storage.dockerfile: has a NUL, which no system takes in a text",
    ),
}


@pytest.mark.parametrize(("content", "expected"), BAD_CONTENT.values(), ids=BAD_CONTENT)
def test_what_cannot_be_is_told_with_its_line(tmp_path: Path, content: str, expected: str) -> None:
    make_service(tmp_path, "hello", {"service.toml": STORAGE + content})

    assert problems(tmp_path) == [f"{TOML}{expected}"]


@pytest.mark.parametrize(
    "entrypoint",
    ["flow", "flow.py", "flow:hello", "/flow.py:hello", "../flow.py:hello", "flow.py:hello()", "", "flow.py:"],
)
def test_an_entrypoint_of_another_form_is_told(tmp_path: Path, entrypoint: str) -> None:
    make_service(tmp_path, "hello", {"service.toml": f'[docker_storage]\nentrypoint = "{entrypoint}"\n'})

    form = "is not of the form FILE.py:FUNCTION with FILE inside the service's directory"
    assert problems(tmp_path) == [f"{TOML}:2: docker_storage.entrypoint: '{entrypoint}' {form}"]


# All at once ----------------------------------------------------------------------------------------------------------


def test_all_errors_of_all_services_are_told_at_once(tmp_path: Path) -> None:
    make_service(
        tmp_path,
        "first",
        {
            "service.toml": '[docker_storage]\nentrypoint = "flow.py:first"\nplatfrom = 1\n[ecs_run]\ncpu = 1\n'
            'env = { A_TOKEN = "x", ECS_X = "y" }\n[[deployments]]\nname = "a b"\n[[deployments.schedules]]\n'
            'slug = "s"\ncron = "*"\ntimezone = "Mars"\n',
            "Dockerfile": None,
        },
    )
    make_service(tmp_path, "right")
    make_service(tmp_path, "second", {"flow.py": "def second(: ...\n", "Dockerfile": "FROM debian\nENTRYPOINT x\n"})
    make_service(tmp_path, "Third")

    with pytest.raises(UserError) as caught:
        services(tmp_path)

    found = [re.split(": ", line)[0:2] for line in caught.value.message.splitlines()]
    assert found == [
        ["services/", "'Third' is no service name"],
        ["services/first/service.toml:3", "docker_storage.platfrom"],
        ["services/first/service.toml:5", "ecs_run.cpu"],
        ["services/first/service.toml:6", "ecs_run.env.ECS_X"],
        ["services/first/service.toml:6", "ecs_run.env.A_TOKEN"],
        ["services/first/service.toml:8", "deployments.a b.name"],
        ["services/first/service.toml:11", "deployments.a b.schedules.s.cron"],
        ["services/first/service.toml:12", "deployments.a b.schedules.s.timezone"],
        ["services/first/Dockerfile", "is missing; it builds the flow's image"],
        ["services/second/Dockerfile:1", "the image is built FROM debian; it must be built FROM base"],
        ["services/second/Dockerfile:2", "ENTRYPOINT is the base image's"],
        ["services/second/flow.py:1", "is not Python"],
    ]
    assert caught.value.hint == "12 to mend; nothing was built or written"


def make_fifo(path: Path) -> None:
    """Puts a FIFO in a file's place."""
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("make", [Path.unlink, make_fifo], ids=["no file", "a FIFO"])
def test_without_a_dockerfile_there_is_nothing_to_build(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(make_service(tmp_path) / "Dockerfile")

    assert problems(tmp_path) == ["services/hello/Dockerfile: is missing; it builds the flow's image"]


def test_a_flow_of_several_words_has_the_services_name_by_itself(tmp_path: Path) -> None:
    make_service(tmp_path, "database-to-lake")

    (service,) = services(tmp_path)

    assert service.declaration.docker_storage.entrypoint == "flow.py:database_to_lake"


def test_no_flow_is_imported(tmp_path: Path) -> None:
    canary = tmp_path / "imported"
    code = f"open({str(canary)!r}, 'w')\n@flow\ndef hello(): ...\n"
    make_service(tmp_path, "hello", {"flow.py": code})

    services(tmp_path)

    assert not canary.exists()
