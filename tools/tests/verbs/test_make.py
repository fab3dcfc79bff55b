"""`make` passes its variables on as they are: no value of them is run by a shell, nor by make itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TELL = """#!{python} -S
import json, os, sys
names = ("NAME", "TO", "PARAMS", "DEPLOYMENT", "ENVIRONMENT")
print(json.dumps([sys.argv[1:], {{name: os.environ[name] for name in names if name in os.environ}}]))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory with the Makefile, set up already, whose tools only tell how they were called."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", ".env.example", ".env"):
        (tmp_path / name).write_text("")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/.installed").write_text("")
    program = tmp_path / ".venv/bin/python"
    program.write_text(TELL.format(python=sys.executable))
    program.chmod(0o755)
    return tmp_path


def made(checkout: Path, *arguments: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    """What `make` calls the tools with: their arguments, and the variables they see."""
    done = subprocess.run(
        ["make", *arguments],
        cwd=checkout,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    called, seen = json.loads(done.stdout)
    assert called[:2] == ["-m", "tools"]
    return called[2:], seen


CALLS: dict[str, tuple[list[str], list[str]]] = {
    "new flow": (["new-flow", "NAME=x"], ["new", "x"]),
    "new flow, told all": (
        ["new-flow", "NAME=x", "DEPS=a b>1", "SECRET=S", "DESCRIPTION=it's $(shell echo)"],
        ["new", "x", "--description", "it's $(shell echo)", "--deps", "a b>1", "--secret", "S"],
    ),
    "new flow, asked": (["new-flow"], ["new"]),
    "removal": (["remove-flow", "NAME=x"], ["remove", "x"]),
    "removal for good": (["remove-flow", "NAME=x", "YES=1"], ["remove", "x", "--yes"]),
    "a secret of a flow": (["set-secret", "NAME=x", "SECRET=S"], ["secret", "S", "--flow", "x"]),
    "a secret that is not named": (["set-secret", "NAME=x"], ["secret", "--flow", "x"]),
    "lock": (["lock"], ["lock"]),
    "lock of one": (["lock", "NAME=x"], ["lock", "x"]),
    "plan": (["plan"], ["plan"]),
    "plan of one": (["plan", "NAME=x"], ["plan", "x"]),
    "plan for a pull request": (["plan", "ARGS=--format markdown"], ["plan", "--format", "markdown"]),
    "status": (["status", "ARGS=--json"], ["status", "--json"]),
    "history": (["history", "NAME=x"], ["history", "x"]),
    "rollback": (["rollback-flow", "NAME=x"], ["rollback", "x", "--to", ""]),
    "rollback to a release": (["rollback-flow", "NAME=x", "TO=3"], ["rollback", "x", "--to", "3"]),
    "rollback over drift": (
        ["rollback-flow", "NAME=x", "ARGS=--overwrite --wait"],
        ["rollback", "x", "--to", "", "--overwrite", "--wait"],
    ),
    "doctor": (["doctor"], ["doctor"]),
    "doctor for machines": (["doctor", "ARGS=--json"], ["doctor", "--json"]),
    "prune": (["prune"], ["prune"]),
    "bootstrap": (["bootstrap"], ["bootstrap"]),
    "bootstrap for good": (["bootstrap", "YES=1"], ["bootstrap", "--yes"]),
    "bootstrap away": (["bootstrap", "DELETE=1", "YES=1"], ["bootstrap", "--delete", "--yes"]),
    "prune for good": (["prune", "YES=1"], ["prune", "--yes"]),
    "prune, but not for good": (["prune", "YES="], ["prune"]),
}


@pytest.mark.parametrize(("arguments", "called"), CALLS.values(), ids=CALLS)
def test_a_target_calls_its_verb(checkout: Path, arguments: list[str], called: list[str]) -> None:
    assert made(checkout, *arguments)[0] == called


SWITCHES = {
    "prune": ("YES", "--yes"),
    "bootstrap": ("DELETE", "--delete"),
    "down": ("VOLUMES", "--volumes"),
    "lock": ("UPGRADE", "--upgrade"),
}


@pytest.mark.parametrize(("verb", "switch"), SWITCHES.items(), ids=SWITCHES)
@pytest.mark.parametrize("value", ["1", "yes", "true"])
def test_what_means_yes(checkout: Path, verb: str, switch: tuple[str, str], value: str) -> None:
    assert made(checkout, verb, f"{switch[0]}={value}")[0] == [verb, switch[1]]


@pytest.mark.parametrize(("verb", "switch"), SWITCHES.items(), ids=SWITCHES)
@pytest.mark.parametrize("value", ["", "0", "no", "false", "n", "off", "2", "0 1", "no yes", "YES", "$(shell echo 1)"])
def test_nothing_else_means_yes(checkout: Path, verb: str, switch: tuple[str, str], value: str) -> None:
    assert made(checkout, verb, f"{switch[0]}={value}")[0] == [verb]


@pytest.mark.parametrize(("verb", "switch"), SWITCHES.items(), ids=SWITCHES)
def test_an_exported_variable_deletes_nothing(checkout: Path, verb: str, switch: tuple[str, str]) -> None:
    assert made(checkout, verb, **{switch[0]: "1"})[0] == [verb]
    assert made(checkout, "-e", verb, **{switch[0]: "1"})[0] == [verb]


@pytest.mark.parametrize("target", ["plan", "status", "history", "rollback-flow", "prune", "bootstrap"])
def test_the_environment_is_passed_on(checkout: Path, target: str) -> None:
    assert made(checkout, target, "NAME=x", "ENVIRONMENT=Dev")[1]["ENVIRONMENT"] == "Dev"
    assert made(checkout, target, "NAME=x", ENVIRONMENT="Dev")[1]["ENVIRONMENT"] == "Dev"
    assert "ENVIRONMENT" not in made(checkout, target, "NAME=x")[1]


@pytest.mark.parametrize("flags", [[], ["-e"]])
def test_what_others_export_is_not_taken_for_a_new_flows(checkout: Path, flags: list[str]) -> None:
    assert made(checkout, *flags, "new-flow", "NAME=x", SECRET="hunter2", DEPS="x")[0] == ["new", "x"]
    assert made(checkout, *flags, "set-secret", "NAME=x", SECRET="hunter2")[0] == ["secret", "--flow", "x"]


HOSTILE = {
    "a command": "x; touch pwned",
    "a substitution": "$(touch pwned)",
    "backquotes": "`touch pwned`",
    "quotes": "x' \"; touch pwned; '",
    "make's own shell": "$(shell touch pwned)",
    "a pipe": "x | touch pwned",
    "dollars": "a$b$$c",
}


@pytest.mark.parametrize("by_environment", [False, True], ids=["argument", "environment"])
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    ("target", "name"),
    [("plan", "NAME"), ("history", "NAME"), ("rollback-flow", "TO"), ("status", "ENVIRONMENT"), ("run-flow", "PARAMS")],
)
def test_no_value_of_a_variable_is_run(
    checkout: Path, target: str, name: str, value: str, by_environment: bool
) -> None:
    more = {} if name == "NAME" else {"NAME": "x"}
    given = {name: value, **more}
    found = (
        made(checkout, target, **given)
        if by_environment
        else made(checkout, target, *(f"{key}={text}" for key, text in given.items()))
    )

    assert not (checkout / "pwned").exists()
    assert found[1][name] == value
    assert name == "ENVIRONMENT" or value in found[0]
