"""Builds on a real engine: who fails is told with its own words, and nobody else fails with it (I10)."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.clients.bake import build
from tools.clients.engine import Engine
from tools.errors import UserError
from tools.model.images import Target
from tools.repository import BASE_DIRECTORY, ROOT
from tools.tests.samples import unique

BASE = ROOT / BASE_DIRECTORY
GOOD = "FROM base\nRUN true\n"
#: What a Dockerfile may be, and what must be told of it.
BROKEN = {
    "a step that fails": ("FROM base\nRUN echo own words; exit 3\n", ["exit code: 3", "own words"]),
    "no Dockerfile at all": ("FORM base\n", ["unknown instruction: FORM"]),
    "a file that is missing": ("FROM base\nCOPY nowhere .\n", ["nowhere"]),
    "a stage that is missing": ("FROM base\nCOPY --from=elsewhere:never /x .\n", ["elsewhere"]),
}


def target(home: Path, dockerfile: str, **args: str) -> Target:
    """An image to build of one Dockerfile."""
    name = unique("bake")
    (home / name).mkdir()
    (home / name / "Dockerfile").write_text(dockerfile)
    return Target(name, "0" * 16, home / name, "Dockerfile", args, "linux/amd64")


@pytest.fixture(autouse=True)
def _no_images_left() -> Iterator[None]:
    yield
    listing = ["docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}", "--filter=reference=data-flows/bake-*"]
    if shutil.which("docker"):
        names = subprocess.run(listing, capture_output=True, text=True, check=False).stdout.split()
        subprocess.run(["docker", "image", "rm", *names], capture_output=True, check=False)


def quiet(*_: str) -> None:
    """Tells nobody."""


@pytest.mark.docker
@pytest.mark.parametrize(("dockerfile", "words"), BROKEN.values(), ids=BROKEN)
def test_one_that_fails_is_told_with_its_own_words_and_the_others_are_built(
    tmp_path: Path, dockerfile: str, words: list[str]
) -> None:
    good, other, bad = (target(tmp_path, text) for text in (GOOD, GOOD, dockerfile))

    failed = build(BASE, [good, bad, other], quiet)

    assert list(failed) == [bad.service]
    message = failed[bad.service].message
    assert message.startswith("its image cannot be built: ")
    assert {word for word in words if word not in message} == set()
    assert [Engine().has(item.tag) for item in (good, other, bad)] == [True, True, False]


@pytest.mark.docker
def test_two_that_fail_by_the_same_step_both_fail(tmp_path: Path) -> None:
    good = target(tmp_path, GOOD)
    bad = [target(tmp_path, "FROM base\nRUN echo the same; exit 4\n") for _ in range(2)]

    failed = build(BASE, [bad[0], good, bad[1]], quiet)

    assert set(failed) == {item.service for item in bad}
    assert all("exit code: 4" in error.message for error in failed.values())
    assert Engine().has(good.tag)


@pytest.mark.docker
def test_where_the_base_cannot_be_built_that_is_what_is_told_of_all(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "Dockerfile").write_text("FROM python:3.13-slim\nRUN echo words of the base; exit 5\n")
    targets = [target(tmp_path, GOOD) for _ in range(3)]

    failed = build(base, targets, quiet)

    assert set(failed) == {item.service for item in targets}
    for error in failed.values():
        assert error.message.startswith("the base image cannot be built: ")
        assert "words of the base" in error.message
        assert "exit code: 5" in error.message


def buildx(home: Path, says: str, code: int = 0) -> str:
    """A PATH with a docker whose buildx says what version it has."""
    program = home / "docker"
    program.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return f"{home}{os.pathsep}/usr/bin{os.pathsep}/bin"


@pytest.mark.parametrize(
    ("says", "code", "told"),
    [
        ("github.com/docker/buildx v0.9.1 ed00243", 0, r"buildx v0\.9\.1 is too old; 0\.13 or newer is needed"),
        ("github.com/docker/buildx 0.12.1+ds1", 0, r"buildx 0\.12\.1 is too old"),
        ("docker: 'buildx' is not a docker command.", 1, "Docker has no buildx"),
    ],
)
def test_a_buildx_that_is_too_old_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, code: int, told: str
) -> None:
    one = target(tmp_path, GOOD)
    monkeypatch.setenv("PATH", buildx(tmp_path, says, code))
    with pytest.raises(UserError, match=told):
        build(BASE, [one], quiet)


HOMES = {
    "a home that cannot be made": ({"HOME": "/proc/nobody"}, "/proc/nobody/.docker/buildx"),
    "a home that is a file": ({"HOME": "{file}"}, "{file}/.docker/buildx"),
    "a configuration that is a file": ({"DOCKER_CONFIG": "{file}"}, "{file}/buildx"),
    "a place of its own that is a file": ({"BUILDX_CONFIG": "{file}"}, "{file}"),
    "one that only reads": ({"BUILDX_CONFIG": "/proc/self"}, "/proc/self"),
}


@pytest.mark.parametrize(("variables", "place"), HOMES.values(), ids=HOMES)
def test_where_docker_cannot_write_no_dockerfile_is_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], place: str
) -> None:
    file = tmp_path / "a-file"
    file.touch()
    for name in ("DOCKER_CONFIG", "BUILDX_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(file=file))
    with pytest.raises(UserError, match=f"docker buildx cannot write to {place.format(file=file)}: ") as caught:
        build(BASE, [target(tmp_path, GOOD)], quiet)
    assert "BUILDX_CONFIG" in caught.value.hint


@pytest.mark.docker
def test_a_place_of_its_own_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path / "state"))
    assert build(BASE, [target(tmp_path, GOOD)], quiet) == {}
