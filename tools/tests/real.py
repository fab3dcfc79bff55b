"""A flow of its own on a real Prefect server, with releases and images in memory or in an AWS emulator."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from tools.clients.aws import code, told
from tools.clients.prefect_api import PrefectApi
from tools.desired.draft import desire
from tools.desired.fingerprint import Fingerprint
from tools.environment.apply import Clients, apply
from tools.environment.observe import observe
from tools.model.images import Login, OnProgress
from tools.model.prefect import PrefectDeployment
from tools.model.service import Deployment, Schedule, Service
from tools.plan.actions import OnDrift, Plan
from tools.plan.deploy import plan
from tools.plan.results import Provenance, Result
from tools.settings import Connection, Settings
from tools.tests.fakes import FakeEcr, FakeEcs, FakeEngine
from tools.tests.memory import ROOT, service
from tools.tests.proxy import Proxy
from tools.tests.servers import ask, put_image

WHO = Provenance("abc", "someone", "2026-01-01T00:00:00+00:00")
DAILY = Schedule(slug="daily", cron="15 6 * * *")


class Engine(FakeEngine):
    """Builds nothing; what it pushes is a manifest."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(FakeEcr())
        self._connection = connection

    def push(self, tag: str, address: str, login: Login, step: OnProgress) -> None:
        """Puts a manifest that follows from the tag into the emulator's registry; one that is there is the same."""
        with told(f"pushing {tag}", self._connection):
            try:
                put_image(self._connection, *tag.rsplit(":", 1))
            except ClientError as error:
                if code(error) != "ImageAlreadyExistsException":
                    raise


class Real:
    """A flow of its own in an environment; what is written to its systems is recorded."""

    def __init__(self, direct_url: str, clients: Clients, settings: Settings, *recorded: Proxy) -> None:
        self.flow = f"flow-{uuid.uuid4().hex[:8]}"
        self.direct_url, self.clients, self.settings, self._recorded = direct_url, clients, settings, recorded

    def plan(self, declared: Service, fingerprint: str = "0" * 16, on_drift: OnDrift = "stop") -> Plan:
        """What a deploy would do."""
        desired = [desire(declared, Fingerprint(fingerprint, {}), self.settings)]
        clients: Any = self.clients
        state = observe(desired, clients.ecs, clients.ecr, clients.prefect, lambda _: [])
        return plan(self.settings.environment, desired, state, on_drift=on_drift)

    def deploy(self, declared: Service, fingerprint: str = "0" * 16, on_drift: OnDrift = "stop") -> Result:
        """Plans and applies."""
        planned = self.plan(declared, fingerprint, on_drift)
        (result,) = apply(planned, ROOT, self.clients, lambda: WHO, lambda *_: None)
        return result

    def service(self, *schedules: Schedule, **more: Any) -> Service:
        """The flow with one deployment."""
        return service(self.flow, Deployment(name="main", schedules=schedules or (DAILY,)), **more)

    @property
    def live(self) -> PrefectDeployment:
        """Its one deployment."""
        (found,) = self.clients.prefect.deployments([self.flow])
        return found

    def hand(self, method: str, path: str, body: object = None) -> Any:
        """What an operator sends to the Prefect API, past the recorder."""
        answer = ask(method, f"{self.direct_url}{path}", body)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    @property
    def writes(self) -> list[str]:
        """Everything that was written anywhere since the last look."""
        found = [item for recorder in self._recorded for item in recorder.writes]
        for recorder in self._recorded:
            recorder.requests.clear()
        for memory in (self.clients.ecs, self.clients.ecr):
            if isinstance(memory, FakeEcs | FakeEcr):
                found += memory.writes
                memory.writes.clear()
        return found


def an_environment(prefect_url: str, aws: Connection) -> Settings:
    """The settings of an environment of its own."""
    return Settings(
        environment=f"Real{uuid.uuid4().hex[:6]}",
        prefect_api_url=prefect_url,
        aws=aws,
        registry="registry.test",
        work_pool="pool",
        execution_role="execution",
        task_role="task",
        log_group="/data-flows/test",
        lake_url="s3://lake",
    )


def remove_deployments(url: str, flow: str) -> None:
    """Leaves nothing to schedule for the server, which others use too."""
    api = PrefectApi(url)
    for found in api.deployments([flow]):
        api.remove(found.id)


def comparable(found: Sequence[PrefectDeployment]) -> list[dict[str, Any]]:
    """Deployments without ids: a deployment that comes back has new ones."""
    values = [item.model_dump(exclude={"id": True, "schedules": {"__all__": {"id"}}}) for item in found]
    return [{**item, "schedules": sorted(item["schedules"], key=lambda one: str(one["slug"]))} for item in values]
