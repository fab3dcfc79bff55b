"""The lock as somebody at a terminal meets it: a second deploy leaves or waits, `unlock` tells and removes.

Needs no Docker: the flow's image counts as pushed and released already, so a deploy only registers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from tools.clients.prefect_variables import PrefectVariables
from tools.environment.connect import connect
from tools.environment.deploy import declared
from tools.environment.lock import EnvironmentLock, holder
from tools.repository import KEPT
from tools.settings import Connection
from tools.tests.proxy import Proxy
from tools.tests.servers import bare_environment, make_pool, released_image

ROOT = Path(__file__).resolve().parents[3]
SERVICE = "healthcheck"
LONG = 60


class Gate(list[str]):
    """Requests as they arrive; writes of what runs wait here until the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.open = Event(), Event()

    def append(self, request: str) -> None:
        """Lets reads and the lock pass."""
        super().append(request)
        method, path = request.split(" ")[:2]
        if method != "GET" and not path.endswith("/filter") and "/variables" not in path:
            self.reached.set()
            self.open.wait(LONG)


@dataclass
class Terminal:
    """Runs the verbs in an environment."""

    name: str
    gate: Gate
    direct_url: str
    variables: dict[str, str] = field(repr=False)

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Starts a verb."""
        return subprocess.Popen(
            [sys.executable, "-m", "tools", *arguments, "--environment", self.name],
            cwd=ROOT,
            env={**self.variables, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Runs a verb past the gate; gives its exit code and what it said."""
        process = self.start(*arguments, PREFECT_API_URL=self.direct_url)
        said, _ = process.communicate(timeout=LONG)
        return process.returncode, said

    @property
    def holder(self) -> str:
        """Who holds the lock; empty where nobody does."""
        return str(holder(PrefectVariables(self.direct_url), self.name) or "")


@pytest.fixture
def terminal(prefect_api_url: str, moto: Connection) -> Iterator[Terminal]:
    """A terminal in an environment where the image of one flow is released already."""
    make_pool(prefect_api_url)
    name = f"Verbs{uuid.uuid4().hex[:8]}"
    recorder, gate = Proxy(prefect_api_url.removesuffix("/api")), Gate()
    recorder.requests = gate
    variables = bare_environment(
        AWS_ENDPOINT_URL=moto.endpoint or "",
        AWS_REGION=moto.region,
        REGISTRY="registry.test",
        WORK_POOL="pool",
        EXECUTION_ROLE="execution",
        TASK_ROLE="task",
        LOG_GROUP="/data-flows/test",
        LAKE_URL="s3://lake",
        COLUMNS="160",
    )
    environment = connect(name, {**variables, "PREFECT_API_URL": prefect_api_url}, Path("/nonexistent"))
    (desired,), _ = declared(ROOT, [SERVICE], environment)
    schema = {"type": "object", "properties": {key: {} for d in desired.draft.deployments for key in d.parameters}}
    image = released_image(environment.ecr, environment.settings.aws, desired.draft)
    environment.ecs.make_release(desired.draft.model_copy(update={"image": image, "parameter_schema": schema}))
    with recorder.serving() as port:
        yield Terminal(name, gate, prefect_api_url, {**variables, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"})
        gate.open.set()
    (ROOT / KEPT / f"{name}.json").unlink(missing_ok=True)
    for deployment in environment.prefect.deployments([SERVICE]):
        environment.prefect.remove(deployment.id)  # the next one's environment is another on the same API


def test_a_second_deploy_leaves_or_waits_and_a_terminated_one_frees_the_lock(terminal: Terminal) -> None:
    first = terminal.start("deploy", SERVICE)
    assert terminal.gate.reached.wait(LONG)
    code, said = terminal.run("deploy", SERVICE)
    assert code == 1
    assert f"error: {terminal.name} is locked by " in said
    assert f"process {first.pid} (deploy) since " in said
    assert "if its holder died" in said
    assert f"--wait, or look: python -m tools unlock --environment {terminal.name}" in said

    code, said = terminal.run("unlock")
    assert code == 0
    assert f"process {first.pid} (deploy)" in said
    assert "--yes removes it all the same" in said
    assert f"process {first.pid}" in terminal.holder

    waiting = terminal.start("deploy", SERVICE, "--wait", PREFECT_API_URL=terminal.direct_url)
    assert waiting.stdout is not None
    assert waiting.stdout.readline().startswith(f"waiting: {terminal.name} is locked by ")
    first.send_signal(signal.SIGTERM)
    said, _ = first.communicate(timeout=LONG)
    assert first.returncode == 130, said
    assert "stopped; run it again to go on where it was" in said
    said, _ = waiting.communicate(timeout=LONG)
    assert waiting.returncode == 0, said
    assert "created" in said
    assert terminal.holder == ""
    assert terminal.run("unlock") == (0, f"{terminal.name} is not locked.\n")


def test_whoever_lost_the_lock_to_unlock_writes_nothing_more(terminal: Terminal) -> None:
    first = terminal.start("deploy", SERVICE)
    assert terminal.gate.reached.wait(LONG)
    code, said = terminal.run("unlock", "--yes")
    assert (code, terminal.holder) == (0, "")
    assert f"process {first.pid} (deploy)" in said
    assert "The lock is removed." in said
    terminal.gate.open.set()
    said, _ = first.communicate(timeout=LONG)
    assert first.returncode == 1
    assert "was removed, or expired and is free again: nothing more is written" in said


def test_a_deploy_with_nothing_to_do_does_not_ask_for_the_lock(terminal: Terminal) -> None:
    terminal.gate.open.set()
    code, said = terminal.run("deploy", SERVICE)
    assert code == 0, said
    with EnvironmentLock(PrefectVariables(terminal.direct_url), terminal.name, "deploy", wait=False, tell=print):
        process = terminal.start("deploy", SERVICE)
        said, _ = process.communicate(timeout=LONG)
    assert process.returncode == 0
    assert "Nothing differs" in said
    assert not [request for request in terminal.gate if "/variables" in request]
    assert str(os.getpid()) not in said
