"""What the processes of test_rivals.py do: deploy, or take a lock over, in competition with others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_variables import PrefectVariables
from tools.desired.draft import Desired, desire
from tools.desired.fingerprint import Fingerprint
from tools.environment.connect import Environment
from tools.environment.deploy import carry_out
from tools.environment.guard import under_lock
from tools.environment.lock import EnvironmentLock
from tools.environment.observe import observe
from tools.errors import ToolsError
from tools.model.service import Declaration, Deployment, DockerStorage, ECSRun, Schedule, Service
from tools.plan.actions import Plan
from tools.plan.deploy import plan
from tools.settings import Connection, Settings

NOWHERE = Path("/nowhere")
FINGERPRINT = "0" * 16
SCHEMA = {"type": "object", "properties": {"side": {"type": "string"}}}


@dataclass(frozen=True)
class Side:
    """One of two who deploy to an environment, and what it wants there."""

    mark: str
    """What it writes wherever it can, e.g. `A3`: A in round 3."""
    prefect_url: str
    aws: Connection
    environment: str
    service: str
    time_to_live: float
    skew: float = 0.0

    @property
    def connected(self) -> Environment:
        """The environment with clients of its own."""
        settings = Settings(
            environment=self.environment,
            prefect_api_url=self.prefect_url,
            aws=self.aws,
            work_pool="pool",
            execution_role="execution",
            task_role="task",
            log_group="/data-flows/test",
            lake_url="s3://lake",
        )
        url = self.prefect_url
        return Environment(
            settings, Ecs(self.aws), Ecr(self.aws, "registry.test"), PrefectApi(url), PrefectVariables(url)
        )

    def desired(self, settings: Settings) -> Desired:
        """Its service, with two deployments, everywhere with its mark."""
        minute = int(self.mark[1:]) * 2 + (self.mark[0] == "B")
        deployments = tuple(
            Deployment(
                name=deployment,
                description=self.mark,
                parameters={"side": self.mark},
                schedules=(Schedule(slug="daily", cron=f"{minute} {hour} * * *"),),
                active_in=("Prod",),  # paused: runs that the server plans for each would keep SQLite busy
            )
            for hour, deployment in enumerate(("first", "second"))
        )
        declaration = Declaration(
            docker_storage=DockerStorage(entrypoint="flow.py:main"),
            ecs_run=ECSRun(env={"SIDE": self.mark}),
            deployments=deployments,
        )
        service = Service(name=self.service, path=NOWHERE / self.service, declaration=declaration)
        return desire(service, Fingerprint(FINGERPRINT, {}), settings)

    def plan(self, environment: Environment) -> Plan:
        """What it would do now."""
        desired = [self.desired(environment.settings)]
        state = observe(desired, environment.ecs, environment.ecr, environment.prefect, lambda _: [])
        return plan(self.environment, desired, state)


@dataclass(frozen=True)
class Came:
    """What came of a deploy."""

    errors: Sequence[str]
    done: Sequence[str]


def deploy(side: Side) -> Came:
    """As the verb does it."""
    environment = side.connected

    def make() -> Plan:
        return side.plan(environment)

    def quiet(*_: str) -> None:
        pass

    try:
        with under_lock(make, environment, "deploy", wait=True, tell=quiet, time_to_live=side.time_to_live) as (
            planned,
            guard,
        ):
            results = carry_out(NOWHERE, planned, environment, quiet, guard)
    except ToolsError as error:
        return Came([error.message], [])
    errors = [result.error.message for result in results if result.error]
    return Came(errors, [done for result in results for done in result.said])


def deploy_late(side: Side, answers: Queue[Any]) -> None:
    """A process that deploys after its skew, and answers what came of it."""
    time.sleep(side.skew)
    answers.put(deploy(side))


def hold(url: str, environment: str, time_to_live: float, answers: Queue[Any]) -> None:
    """A process that takes the lock, says when, and keeps it until it is killed."""
    with EnvironmentLock(
        PrefectVariables(url), environment, "deploy", wait=False, tell=print, time_to_live=time_to_live
    ):
        answers.put(time.monotonic())
        time.sleep(600)


def steal(url: str, environment: str, time_to_live: float, answers: Queue[Any]) -> None:
    """A process that waits for the lock, holds it for a moment, and says from when to when."""
    with EnvironmentLock(
        PrefectVariables(url), environment, "deploy", wait=True, tell=lambda _: None, time_to_live=time_to_live
    ) as lock:
        start = time.monotonic()
        time.sleep(0.1)
        lock.check()
        end = time.monotonic()
    answers.put((start, end))
