"""A flow is made, runs and passes its tests as it is; it is removed again. What cannot be made leaves nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.desired.discover import load
from tools.local.new_flow import NewFlow, rendered
from tools.tests.repositories import Repository, make_service, write
from tools.tests.servers import bare_environment

ROOT = Path(__file__).resolve().parents[3]
FILES = [
    ".dockerignore",
    "Dockerfile",
    "README.md",
    "flow.py",
    "pyproject.toml",
    "requirements.lock",
    "service.toml",
    "tests/conftest.py",
    "tests/test_flow.py",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Repository:
    """A repository with one flow, whose base pins nothing."""
    made = Repository(tmp_path)
    make_service(tmp_path, "hello")
    (tmp_path / "base-image/requirements.lock").write_text("")
    (tmp_path / "compose").mkdir()
    assert made.run("compose").returncode == 0
    return made


def test_a_new_flow_runs_tests_and_is_clean(checkout: Repository) -> None:
    made = checkout.run("new", "orders-daily", "--secret", "ORDERS_TOKEN", "--owner", "a@example.com")

    assert made.returncode == 0, made.stderr
    home = checkout.root / "services/orders-daily"
    assert sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()) == FILES
    for line in ("make run-flow NAME=orders-daily", "make test-flow NAME=orders-daily", "make deploy-flow NAME="):
        assert line in made.stdout
    assert "orders-daily" in (checkout.root / "compose/flows.yaml").read_text()
    assert not (checkout.root / ".local/new/orders-daily").exists()
    listed = checkout.run("list", "--json")
    assert '"owner": "a@example.com"' in listed.stdout
    shutil.copy(ROOT / "pyproject.toml", checkout.root)
    for command in (["check"], ["format", "--check"]):
        ruff = checkout.call([sys.executable, "-m", "ruff", *command, str(home)])
        assert ruff.returncode == 0, ruff.stdout
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests"],
        cwd=home,
        env=bare_environment(),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout


@pytest.mark.parametrize("name", ["import", "match", "flow", "task", "read", "os", "a1"])
def test_any_name_that_a_service_may_have_makes_a_flow(tmp_path: Path, name: str) -> None:
    home = write(tmp_path / "services" / name, {**rendered(NewFlow(name)), "requirements.lock": ""})

    service = load(home, tmp_path)

    assert service.name == name
    assert f'@flow(name="{name}")' in (home / "flow.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the flow has no name"),
        (["Orders"], "'Orders' is no service name"),
        (["../orders"], "is no service name"),
        (["worker"], "'worker' is reserved"),
        (["hello"], "services/hello is there already"),
        (["orders", "--secret", "lower-case"], "the secret is 'lower-case'; it must be a variable's name"),
        (["orders", "--description", 'a "quoted" word'], "without quotation marks and backslashes"),
        (["orders", "--description", "two\nlines"], "it must be one line"),
        (["orders", "--deps", "polars right!"], "the dependency is 'right!'"),
        (["orders", "--deps", '"]\nevil=["'], "it must be a package as pyproject.toml has it"),
        (["orders", "--deps", "git+https://example.com/x"], "it must be a package as pyproject.toml has it"),
        (["orders", "--secret", "PREFECT_API_KEY"], "PREFECT_API_KEY"),
    ],
)
def test_what_cannot_be_made_is_told_and_leaves_nothing(checkout: Repository, arguments: list[str], told: str) -> None:
    before = checkout.files()

    made = checkout.run("new", *arguments)

    assert made.returncode == 2
    assert told in made.stderr
    assert "Traceback" not in made.stderr
    assert checkout.files() == before


def test_a_flow_is_removed_when_that_is_said(checkout: Repository) -> None:
    before = checkout.files()
    assert checkout.run("new", "orders").returncode == 0
    there = checkout.files()

    shown = checkout.run("remove", "orders")

    assert shown.returncode == 0
    assert "services/orders/flow.py: git has no copy of it" in shown.stdout
    assert "make remove-flow NAME=orders YES=1" in shown.stdout
    assert checkout.files() == there
    removed = checkout.run("remove", "orders", "--yes")
    assert removed.returncode == 0
    assert "make prune ENVIRONMENT=…" in removed.stdout
    assert checkout.files() == before


def test_what_git_has_is_not_told_as_lost(checkout: Repository) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for command in (["init", "-q"], ["add", "services"], ["commit", "-qm", "x"]):
        assert checkout.call([*git, *command]).returncode == 0
    (checkout.root / "services/hello/flow.py").write_text("# changed\n")

    shown = checkout.run("remove", "hello").stdout

    assert "services/hello/flow.py: git has no copy" in shown
    assert "services/hello/Dockerfile" not in shown


def test_a_flow_that_is_not_there_is_not_removed(checkout: Repository) -> None:
    done = checkout.run("remove", "helo", "--yes")
    assert done.returncode == 2
    assert "did you mean hello?" in done.stderr


def test_a_lock_is_compiled_by_name_and_a_bad_one_stops_no_other(checkout: Repository) -> None:
    assert checkout.run("new", "orders").returncode == 0
    (checkout.root / "services/orders/requirements.lock").unlink()

    named = checkout.run("lock", "orders")
    both = checkout.run("lock", "hello", "orders")

    assert (named.returncode, named.stdout) == (0, "services/orders/requirements.lock: written\n")
    assert both.returncode == 2
    assert "services/hello/pyproject.toml is missing" in both.stderr
    assert "services/orders/requirements.lock: unchanged" in both.stdout


def test_a_run_says_which_secrets_are_not_set(checkout: Repository) -> None:
    assert checkout.run("new", "orders", "--secret", "ORDERS_TOKEN OTHER_TOKEN").returncode == 0
    (checkout.root / ".env").write_text("OTHER_TOKEN=x\n")
    home = checkout.root / "services/orders/.venv"
    (home / "bin").mkdir(parents=True)
    program = home / "bin/python"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (checkout.root / "base-image/requirements-test.lock").write_text("")
    (home / ".locks").write_text("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

    said = checkout.run("run", "orders").stderr

    assert "ORDERS_TOKEN is a secret of orders that is not set: make set-secret NAME=orders SECRET=ORDERS_TOKEN" in said
    assert "OTHER_TOKEN is" not in said
