"""A flow is imported in its image as its task will, whatever the flow contains, raises or prints (I4, I22)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tools.clients.bake import build
from tools.clients.engine import IMPORT_LABEL, Engine
from tools.errors import UserError
from tools.model.images import FlowDescription, Target
from tools.model.release import Release
from tools.repository import BASE_DIRECTORY, ROOT
from tools.tests.samples import draft, unique

pytestmark = pytest.mark.docker

COPY = "FROM base\nCOPY . .\n"
FLOW = "from prefect import flow\n\n\n@flow(name='x')\ndef main(table: str, limit: int = 3) -> None:\n    pass\n"
SCHEMA = {
    "table": {"title": "table", "type": "string", "position": 0},
    "limit": {"title": "limit", "type": "integer", "position": 1, "default": 3},
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A directory for build contexts; the images that are made of them are gone afterwards."""
    yield tmp_path
    client = docker.from_env()
    for image in client.images.list(filters={"reference": "data-flows/import-*"}):
        client.images.remove(str(image.id), force=True)


def image(home: Path, flow: str, dockerfile: str = COPY) -> str:
    """An image of one file; gives its tag."""
    name = unique("import")
    (home / name).mkdir()
    (home / name / "flow.py").write_text(flow)
    (home / name / "Dockerfile").write_text(dockerfile)
    (home / name / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    target = Target(name, "0" * 16, home / name, "Dockerfile", {}, "linux/amd64")
    assert build(ROOT / BASE_DIRECTORY, [target], lambda *_: None) == {}
    return target.tag


def release(**ecs_run: object) -> Release:
    """A release of an image."""
    return draft("x", ecs_run={"task_role": "task", "execution_role": "execution", **ecs_run})


def described(tag: str, of: Release | None = None, seconds: float = 120) -> FlowDescription:
    """What its import gives."""
    return Engine(seconds).describe_flow(tag, of or release())


def test_a_flow_gives_its_name_and_its_schema(home: Path) -> None:
    found = described(image(home, FLOW))
    assert (found.name, found.parameter_schema["properties"]) == ("x", SCHEMA)
    assert found.parameter_schema["required"] == ["table"]


def test_a_flow_has_the_env_that_its_task_has_and_no_network(home: Path) -> None:
    own = "import os, socket\nassert os.environ['MODE'] == 'fast' and os.environ['AWS_REGION'] == 'us-east-1'\n"
    own += "assert [name for _, name in socket.if_nameindex()] == ['lo']\n"
    tag = image(home, own + FLOW)

    assert described(tag, release(env={"MODE": "fast"})).name == "x"
    with pytest.raises(UserError, match="KeyError: 'MODE'"):
        described(tag)


IMAGES = {
    "another working directory": ("FROM base\nWORKDIR /opt/app\nCOPY . .\n", "working directory is /opt/app"),
    "root by an argument": ("FROM base\nCOPY . .\nARG U=root\nUSER $U\n", "the image runs as root"),
    "root by a number": ("FROM base\nCOPY . .\nUSER 000\n", "the image runs as root"),
    "root by another name": (
        "FROM base\nCOPY . .\nUSER root\nRUN echo 'toor:x:0:0::/:/bin/sh' >> /etc/passwd\nUSER toor\n",
        "the image runs as root",
    ),
    "another init": ('FROM base\nCOPY . .\nENTRYPOINT ["python"]\n', "the image's ENTRYPOINT is"),
    "no init": ("FROM base\nCOPY . .\nENTRYPOINT []\n", "the image's ENTRYPOINT is"),
    "no Python": (
        "FROM base\nCOPY . .\nUSER root\nRUN rm /opt/venv/bin/python\nUSER flow\n",
        "cannot be imported|ended",
    ),
}


@pytest.mark.parametrize(("dockerfile", "said"), IMAGES.values(), ids=IMAGES)
def test_the_image_s_own_configuration_decides(home: Path, dockerfile: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        described(image(home, FLOW, dockerfile))
    assert caught.value.hint


FLOWS = {
    "raises": ("raise ValueError('own words')\n", r"ValueError: own words \(flow.py:1\)"),
    "exits": ("raise SystemExit(3)\n", "SystemExit: 3"),
    "ends at once": ("import os\nos._exit(0)\n", "ended before it could import"),
    "imitates the answer and ends": (
        'import os\nos.write(1, b\'data-flows describes: {"name": "x"}\\n\')\nos._exit(0)\n',
        "ended before it could import",
    ),
    "is not there": ("main = 1\n", "is no flow"),
    "has a default that is no text": (
        FLOW.replace("table: str", "table: str = '\\udcff'"),
        "says of itself is no text that anybody can store",
    ),
    "takes more memory than its task has": (
        "x = bytearray(2_000_000_000)\nx[::4096] = b'1' * len(x[::4096])\n",
        "killed|Memory",
    ),
    "waits for ever": ("import time\ntime.sleep(600)\n", "no answer within 8 s"),
}


@pytest.mark.parametrize(("flow", "said"), FLOWS.values(), ids=FLOWS)
def test_whatever_a_flow_does_is_one_clear_error(home: Path, flow: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        described(image(home, flow), seconds=8)


HARMLESS = {
    "imitates the answer": 'print(\'data-flows describes: {"name": "other", "schema": {}, "uid": 0}\')\n',
    "prints 20 MB": "for _ in range(20):\n    print('x' * 1_000_000)\n",
    "prints what is no text": "import sys\nsys.stdout.buffer.write(bytes(range(256)) * 4)\n",
    "leaves a thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n",
    "speaks at its end": "import atexit\natexit.register(print, 'data-flows describes: {}')\n",
}


@pytest.mark.parametrize("own", HARMLESS.values(), ids=HARMLESS)
def test_what_a_flow_prints_or_leaves_running_changes_nothing(home: Path, own: str) -> None:
    found = described(image(home, own + FLOW), seconds=60)
    assert (found.name, found.parameter_schema["properties"]) == ("x", SCHEMA)


def test_a_killed_deploy_s_container_is_removed_by_a_later_one_and_a_fresh_one_stays(home: Path) -> None:
    tag, client = image(home, FLOW), docker.from_env()
    old = client.containers.run(tag, ["sleep", "600"], detach=True, labels={IMPORT_LABEL: "1"})
    seconds = 8
    time.sleep(2 * seconds + 1)
    fresh = client.containers.run(tag, ["sleep", "600"], detach=True, labels={IMPORT_LABEL: "1"})
    try:
        described(tag, seconds=seconds)
        left = {item.id for item in client.containers.list(all=True, filters={"label": IMPORT_LABEL})}
        assert (old.id in left, fresh.id in left) == (False, True)
    finally:
        fresh.remove(force=True)
