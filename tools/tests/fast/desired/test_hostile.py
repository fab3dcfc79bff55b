"""Whatever stands in a service's files, the answer is a service or one clear error, never a traceback (I22)."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tools.desired.discover import discover
from tools.desired.fingerprint import of_each
from tools.tests.repositories import STORAGE, make_base, make_service

DEPLOYMENT = STORAGE + '[[deployments]]\nname = "a"\n'
HOSTILE: dict[str, tuple[dict[str, str | bytes | None], str]] = {
    "a number of 4,400 digits": (
        {"service.toml": STORAGE + f"[ecs_run]\ncpu = {'1' * 4400}\n"},
        "not TOML that anybody wrote: Exceeds the limit",
    ),
    "900 dotted keys": ({"service.toml": STORAGE + f"{'.'.join(['a'] * 900)} = 1\n"}, "unknown key"),
    "900 dotted parameters": (
        {"service.toml": DEPLOYMENT + f"parameters.{'.'.join(['a'] * 900)} = 1\n"},
        "it is nested more than 60 deep",
    ),
    "arrays 400 deep": (
        {"service.toml": DEPLOYMENT + f"parameters = {{ x = {'[' * 400}{']' * 400} }}\n"},
        "it is nested more than 60 deep",
    ),
    "a dockerfile that is a number": (
        {"service.toml": f"{STORAGE}dockerfile = 5\n"},
        "docker_storage.dockerfile: must be text, found 5",
    ),
    "a dockerfile that is an array": ({"service.toml": f'{STORAGE}dockerfile = ["a"]\n'}, "must be text, found ['a']"),
    "a dockerfile of 300 letters": (
        {"service.toml": f'{STORAGE}dockerfile = "{"a" * 300}"\n'},
        "docker_storage.dockerfile: it has 300 characters",
    ),
    "an entrypoint of 300 letters": (
        {"service.toml": f'[docker_storage]\nentrypoint = "{"a" * 300}.py:x"\n'},
        "docker_storage.entrypoint: it has 303 characters",
    ),
    "an entrypoint that is a number": (
        {"service.toml": "[docker_storage]\nentrypoint = 5\n"},
        "docker_storage.entrypoint: must be text, found 5",
    ),
    "a NUL in a description": (
        {"service.toml": f'description = "a\\u0000"\n{STORAGE}'},
        "service.toml:1: description: has a NUL",
    ),
    "a NUL in a parameter": (
        {"service.toml": DEPLOYMENT + 'parameters = { x = ["\\u0000"] }\n'},
        "deployments.a.parameters.x[0]: has a NUL",
    ),
    "a NUL in a command": ({"service.toml": f'{STORAGE}[ecs_run]\ncommand = ["\\u0000"]\n'}, "ecs_run.command[0]: has"),
    "an empty command": ({"service.toml": f"{STORAGE}[ecs_run]\ncommand = []\n"}, "ecs_run.command: it is empty"),
    "a cron of 120,000 characters": (
        {"service.toml": DEPLOYMENT + f'schedules = [{{ slug = "a", cron = "{"1," * 60_000}1 0 * * *" }}]\n'},
        "a cron has at most 500",
    ),
    "a rule of hours of a day that there is not": (
        {"service.toml": DEPLOYMENT + 'schedules = [{ slug = "a", rrule = "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30" }]\n'},
        "write FREQ=DAILY",
    ),
    "a flow.py of 12 MB": ({"flow.py": "x = [\n" + "1,\n" * 4_000_000 + "]\n"}, "flow.py: has 12000008 bytes"),
    "a flow.py nested deep": ({"flow.py": f"x = {'(' * 5000}{')' * 5000}"}, "flow.py:1: is not Python"),
    "a flow.py with a NUL": ({"flow.py": b"\0"}, "flow.py: is not Python"),
    "a flow.py that is a directory": ({"flow.py": None, "flow.py/x": ""}, "there is no flow.py"),
    "a Dockerfile that is a directory": ({"Dockerfile": None, "Dockerfile/x": ""}, "Dockerfile: is missing"),
    "a .dockerignore that is a directory": (
        {".dockerignore": None, ".dockerignore/x": ""},
        ".dockerignore: is missing",
    ),
}


def problems(root: Path) -> list[str]:
    """All that is told of a repository."""
    found, broken = discover(root)
    _, unfit = of_each(root, found)
    return [problem for item in (*broken, *unfit) for problem in item.problems]


@pytest.mark.parametrize(("files", "said"), HOSTILE.values(), ids=HOSTILE)
def test_it_is_one_clear_error_with_its_place(tmp_path: Path, files: dict[str, str | bytes | None], said: str) -> None:
    make_base(tmp_path)
    make_service(tmp_path, "hello", files)
    (problem,) = problems(tmp_path)
    assert problem.startswith("services/hello/")
    assert said in problem


def test_directories_a_thousand_deep_are_one_clear_error(tmp_path: Path) -> None:
    make_base(tmp_path)
    home, here = make_service(tmp_path), os.getcwd()
    os.chdir(home)
    try:
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
        (problem,) = problems(tmp_path)
        assert "hello/d: has directories within directories, more than 100 deep" in problem
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", str(home / "d")], check=True)  # pytest cannot


KEYS = st.sampled_from(
    [
        *("description", "owner", "docker_storage", "entrypoint", "dockerfile", "build_args", "platform", "ecs_run"),
        *("cpu", "memory", "env", "secrets", "task_role", "ephemeral_storage", "capacity", "command", "deployments"),
        *("name", "tags", "parameters", "schedules", "slug", "cron", "interval", "rrule", "timezone", "active_in"),
        *("environments", "Prod", "prod", "a.b", '"a b"', '""', '"\\u0000"', "x"),
    ]
)
SCALARS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["true", "nan", "inf", "1e400", "1979-05-27T07:32:00Z", "1979-05-27", "07:32:00", "0x10", "''"]),
    st.text(st.characters(codec="utf-8", exclude_characters="'\n\r", exclude_categories=["Cc"]), max_size=12).map(
        lambda text: f"'{text}'"
    ),
    st.sampled_from(['"flow.py:hello"', '"0 6 * * *"', '"FREQ=DAILY"', '"Europe/Berlin"', '"a"', '"\\u0000"', '"\\n"']),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(KEYS, inner, max_size=3).map(
            lambda table: "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"
        ),
    ),
    max_leaves=6,
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(" = ".join),
    KEYS.map(lambda key: f"[{key}]"),
    KEYS.map(lambda key: f"[[{key}]]"),
    st.just("[environments.Prod.ecs_run]"),
    st.text(max_size=8),
)


@example(lines=['description = [{ description = 0, "\\u0000" = 0, name = "\\n" }]'], begun=False)
@example(lines=['"a\\nb" = 1'], begun=True)
@given(st.lists(LINES, max_size=8), st.booleans())
def test_no_service_toml_is_more_than_refused(lines: list[str], begun: bool) -> None:
    with tempfile.TemporaryDirectory() as home:
        root = Path(home)
        make_base(root)
        text = (STORAGE if begun else "") + "\n".join(lines)
        make_service(root, "hello", {"service.toml": text.encode("utf-8", "replace")})
        assert all(problem.startswith("services/hello/") for problem in problems(root))
