"""Everything that a deploy touches, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

from tools.desired.draft import Desired, desire
from tools.desired.fingerprint import Fingerprint
from tools.environment.apply import Clients, apply
from tools.environment.kept import Kept
from tools.environment.observe import look_closer, observe, observe_some
from tools.model.observed import State
from tools.model.release import Release
from tools.model.service import Declaration, Deployment, DockerStorage, ECSRun, Schedule, Service
from tools.plan.actions import ALL, OnDrift, Plan, Stage
from tools.plan.deploy import plan
from tools.plan.results import Provenance, Result
from tools.settings import Connection, Settings
from tools.tests.fakes import FakeEcr, FakeEcs, FakeEngine, FakePrefect

SETTINGS = Settings(
    environment="Local",
    prefect_api_url="http://prefect.test/api",
    aws=Connection("us-east-1", "http://aws.test"),
    work_pool="pool",
    execution_role="execution",
    task_role="task",
    log_group="/data-flows/Local",
    lake_url="s3://lake",
)
ROOT = Path("/nowhere")
DAILY = Deployment(name="daily", schedules=(Schedule(slug="daily", cron="15 6 * * *"),))


def service(name: str, *deployments: Deployment, **run: Any) -> Service:
    """A service that declares these deployments."""
    declaration = Declaration(
        docker_storage=DockerStorage(entrypoint="flow.py:main"),
        ecs_run=ECSRun(**run),
        deployments=deployments or (DAILY,),
    )
    return Service(name=name, path=ROOT / name, declaration=declaration)


class World:
    """Everything that a deploy touches, in memory."""

    def __init__(self) -> None:
        self.ecs, self.ecr, self.prefect = FakeEcs(), FakeEcr(), FakePrefect()
        self.engine = FakeEngine(self.ecr)
        self.fingerprints: dict[str, str] = {}
        self.missing_parameters: set[str] = set()
        self.asked_who = 0
        self.kept = Kept()

    def _who(self) -> Provenance:
        self.asked_who += 1
        return Provenance("abc", "someone", f"2026-01-01T00:00:{self.asked_who:02}+00:00")

    def desired(self, services: Sequence[Service]) -> list[Desired]:
        """Each under its fingerprint, which is the same until it is changed."""
        return [
            desire(item, Fingerprint(self.fingerprints.get(item.name, "0" * 16), {}), SETTINGS) for item in services
        ]

    def plan(self, services: Sequence[Service], stages: Sequence[Stage] = ALL, on_drift: OnDrift = "stop") -> Plan:
        """What a deploy would do now."""
        desired = self.desired(services)
        state = observe(desired, self.ecs, self.ecr, self.prefect, self._missing)
        return self._plan(desired, state, stages, on_drift)

    def plan_by_what_is_kept(self, services: Sequence[Service], looks: int, on_drift: OnDrift = "stop") -> Plan:
        """The same, where of the flows that are in step by what is kept only so many are looked at."""
        desired = self.desired(services)
        state, unseen = observe_some(desired, self.ecs, self.ecr, self.prefect, self._missing, self.kept, looks)
        return replace(self._plan(desired, state, ALL, on_drift), unseen=unseen)

    def _missing(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in self.missing_parameters]

    def _plan(self, desired: Sequence[Desired], state: State, stages: Sequence[Stage], on_drift: OnDrift) -> Plan:
        drifting = [item.name for item in plan("Local", desired, state, stages, on_drift).services if item.drift]
        return plan("Local", desired, look_closer(state, drifting, self.ecs), stages, on_drift)

    def deploy(self, *services: Service, stages: Sequence[Stage] = ALL, on_drift: OnDrift = "stop") -> list[Result]:
        """Plans and applies."""
        clients = Clients(self.engine, self.ecr, self.ecs, self.prefect)
        return apply(self.plan(services, stages, on_drift), ROOT, clients, self._who, lambda *_: None)

    @property
    def writes(self) -> list[str]:
        """Everything that was written anywhere."""
        return [*self.ecr.writes, *self.ecs.writes, *self.prefect.writes]

    def dump(self) -> object:
        """What a run of a flow would see: no ids, no who and when."""
        live = [
            item.model_dump(exclude={"id": True, "schedules": {"__all__": {"id"}}})
            for item in sorted(self.prefect.by_id.values(), key=lambda item: item.full_name)
        ]
        for item in live:
            item["schedules"] = sorted(item["schedules"], key=itemgetter("slug"))
        arns = {item["job_variables"]["task_definition_arn"] for item in live}
        releases = {arn: found.content() for arn in sorted(arns) if isinstance(found := self.ecs.release(arn), Release)}
        return live, releases
