"""Requests of a plan with nothing to do grow with pages and not with flows (I25), on a real server and an emulator.

Nothing is built: an image is a manifest that is put into the emulator's registry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_variables import PrefectVariables
from tools.desired.draft import Desired, desire
from tools.desired.fingerprint import Fingerprint
from tools.environment.apply import Clients, apply
from tools.environment.connect import Environment
from tools.environment.deploy import compare, keep_written
from tools.environment.kept import Kept
from tools.environment.observe import LOOKS
from tools.environment.prune import strays
from tools.model.service import Deployment
from tools.plan.actions import ALL, Plan
from tools.plan.results import Result
from tools.settings import Connection
from tools.tests.memory import ROOT, SETTINGS, World, service
from tools.tests.proxy import Proxy
from tools.tests.real import WHO, Engine, an_environment
from tools.tests.served import served
from tools.tests.servers import make_pool

FEW, MORE = 12, 24
PLANNED = Counter(
    {
        "POST /api/deployments/filter": 1,
        "POST /api/deployments/count": 1,
        "POST / DescribeTaskDefinition": LOOKS,
        "POST / DescribeImages": LOOKS,
    }
)
"""What a plan asks on a machine that deployed before, where all deployments are on one page."""
BEFORE = 4
"""What it asks AWS for the settings before: three pages of parameters at the most, and whose credentials these are."""


@dataclass
class Counted:
    """An environment of its own, and what was asked in it."""

    environment: Environment
    prefect: Proxy
    aws: Proxy

    def desired(self, count: int) -> list[Desired]:
        """So many flows, whose names are its own."""
        settings = self.environment.settings
        names = [f"{settings.environment.lower()}-{number}" for number in range(count)]
        return [desire(service(name, Deployment(name="main")), Fingerprint("0" * 16, {}), settings) for name in names]

    def deploy(self, desired: Sequence[Desired]) -> list[Result]:
        """As the verb does it."""
        planned, _ = compare(desired, self.environment, ALL, "stop", every=False)
        ecs, ecr, prefect = self.environment.ecs, self.environment.ecr, self.environment.prefect
        engine = Engine(self.environment.settings.aws)
        results = apply(planned, ROOT, Clients(engine, ecr, ecs, prefect), lambda: WHO, lambda *_: None)
        keep_written(results, self.environment)
        return results

    def plan(self, desired: Sequence[Desired], kept: Kept) -> tuple[Plan, Counter[str]]:
        """As the verb does it in a process of its own, and what it asked."""
        self.prefect.requests.clear()
        self.aws.requests.clear()
        again = replace(self.environment, prefect=PrefectApi(self.environment.settings.prefect_api_url), kept=kept)
        planned, state = compare(desired, again, ALL, "stop", every=False)
        assert strays(again, {item.service.name for item in desired}, state) == []
        asked = self.prefect.requests if self.aws is self.prefect else [*self.prefect.requests, *self.aws.requests]
        return planned, Counter(asked)


@pytest.fixture
def counted(prefect_api_url: str, moto: Connection, tmp_path: Path) -> Iterator[Counted]:
    """An environment whose flows are gone afterwards."""
    make_pool(prefect_api_url)
    prefect, aws = Proxy(prefect_api_url.removesuffix("/api")), Proxy(str(moto.endpoint))
    with prefect.serving() as one, aws.serving() as other:
        url, connection = f"http://127.0.0.1:{one}/api", replace(moto, endpoint=f"http://127.0.0.1:{other}")
        clients = (Ecs(connection), Ecr(connection, "registry.test"), PrefectApi(url), PrefectVariables(url))
        yield Counted(
            Environment(an_environment(url, connection), *clients, Kept(tmp_path / "kept.json")), prefect, aws
        )


def test_requests_grow_with_pages_where_it_was_deployed_before_and_with_flows_elsewhere(
    counted: Counted, tmp_path: Path
) -> None:
    for count in (FEW, MORE):
        desired = counted.desired(count)
        assert [result.error for result in counted.deploy(desired)] == [None] * count

        planned, asked = counted.plan(desired, Kept(tmp_path / "kept.json"))

        assert (planned.changes, asked) == (0, PLANNED)
        assert planned.unseen is not None
        assert planned.unseen.flows == count - LOOKS

    fresh = tmp_path / "fresh.json"
    planned, asked = counted.plan(desired, Kept(fresh))
    reads = {"POST / DescribeTaskDefinition": MORE, "POST / DescribeImages": MORE, "POST /api/flows/filter": 1}
    assert (planned.changes, planned.unseen, asked) == (0, None, Counter({**PLANNED, **reads}))
    assert counted.plan(desired, Kept(fresh))[1] == PLANNED


def test_a_thousand_flows_take_thirty_requests_at_the_most(tmp_path: Path) -> None:
    world = World()
    services = [service(f"f{number}") for number in range(1000)]
    results = world.deploy(*services)
    server = Proxy(None, served(world))
    with server.serving() as port:
        settings = replace(SETTINGS, prefect_api_url=f"http://127.0.0.1:{port}/api", registry="registry.test")
        connection = Connection("us-east-1", f"http://127.0.0.1:{port}")
        prefect = PrefectApi(settings.prefect_api_url)
        clients = (Ecs(connection), Ecr(connection, "registry.test"), prefect, PrefectVariables(prefect.url))
        environment = Environment(settings, *clients, Kept(tmp_path / "kept.json"))
        prefect.flow_names |= {f"id-{item.name}": item.name for item in services}
        keep_written(results, environment)
        counted = Counted(environment, server, server)

        planned, asked = counted.plan(world.desired(services), Kept(tmp_path / "kept.json"))

    assert planned.changes == 0
    assert planned.unseen is not None
    assert (planned.unseen.flows, asked) == (1000 - LOOKS, {**PLANNED, "POST /api/deployments/filter": 6})
    assert asked.total() <= 30 - BEFORE
