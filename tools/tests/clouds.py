"""A local cloud of a test's own, and what a test asks of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from botocore.config import Config

from tools.bench.own_cloud import OwnCloud
from tools.bench.own_cloud import own_cloud as made_cloud
from tools.clients.aws import session
from tools.model import names
from tools.settings import LOCAL, Connection
from tools.tests.recorded import ONLOOKER, RECORD

CLUSTER = names.cluster(LOCAL)
BUCKET = names.bucket("000000000000", "us-east-1", LOCAL)

CLUSTER = names.cluster("Local")
BUCKET = names.bucket("000000000000", "us-east-1", "Local")
SERVICE_TOML = """
[docker_storage]
entrypoint = "flow.py:{function}"

[[deployments]]
name = "manual"
schedules = [{{ slug = "nightly", cron = "15 6 * * *" }}]
"""
RECORDER = Path(__file__).parent / "stories" / "recorder.py"


class Cloud(OwnCloud):
    """A cloud whose commands must do as they are expected to."""

    def call(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs `python -m tools` as a user does.

        Whoever makes an environment has no role of it, and is nobody; what the doctor looks at is not judged either.
        """
        nobody = {"AWS_SDK_UA_APP_ID": ONLOOKER} if arguments[0] in ("up", "bootstrap", "doctor") else {}
        return super().call(*arguments, **nobody, **more)

    def tools(self, *arguments: str, code: int = 0, **variables: str) -> str:
        """Runs `python -m tools` as a user does; gives what it printed on both outputs."""
        done = self.call(*arguments, **variables)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "Traceback (most recent call last)" not in done.stderr, said
        return said

    def results(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """The results of a deploy by service."""
        said = self.tools("deploy", *arguments, "--json", code=code)
        answer = json.loads(said[said.index("{\n") : said.rindex("\n}") + 2])
        return {item["name"]: item for item in answer["flows"]}

    def aws(self, name: str) -> Any:
        """A client of the emulator, for what the test itself asks: where that is recorded, it is nobody's call."""
        connection = Connection("us-east-1", f"http://127.0.0.1:{self.aws_port}")
        made: Any = session(connection)
        return made.client(name, endpoint_url=connection.endpoint, config=Config(user_agent_extra=ONLOOKER))

    def write_service(self, name: str, code: str) -> None:
        """Adds a service of one small file."""
        home = self.root / "services" / name
        home.mkdir(parents=True, exist_ok=True)
        (home / "flow.py").write_text(code)
        (home / "service.toml").write_text(SERVICE_TOML.format(function=name))
        (home / "Dockerfile").write_text("FROM base\nCOPY . .\n")
        (home / ".dockerignore").write_text("service.toml\n")
        (home / "requirements.lock").write_text("")


@contextmanager
def own_cloud(home: Path, services: Collection[str]) -> Iterator[Cloud]:
    """A clone of the repository with a local cloud of its own, which is gone afterwards with all its data.

    Args:
        home: an empty directory.
        services: which of the repository's services the clone has.
    """
    with made_cloud(home, services) as made:
        yield Cloud(made.root, made.prefect_port, made.aws_port, made.environment)


def record(cloud: Cloud) -> None:
    """Lets the cloud's emulator write down what it is asked, from its next start on.

    As in AWS it has queues, and the worker is told which one is its.
    """
    (cloud.root / RECORD).parent.mkdir()
    shutil.copy(RECORDER, (cloud.root / RECORD).parent)
    file = cloud.root / "compose" / "compose.yaml"
    whole = yaml.safe_load(file.read_text())
    aws, worker = whole["services"]["aws"], whole["services"]["worker"]
    aws["command"] = ["python", f"/{RECORD.parent}/{RECORDER.name}", f"/{RECORD}"]
    aws["volumes"].append(f"../{RECORD.parent}:/{RECORD.parent}")
    aws["environment"]["SERVICES"] += ",sqs"
    worker["environment"]["PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_NAME"] = names.events_queue(LOCAL)
    file.write_text(yaml.safe_dump(whole, sort_keys=False))


def wait(until: Callable[[], Any], what: str, seconds: int = 90) -> None:
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.5)
