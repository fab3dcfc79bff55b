"""A first deploy of many flows under AWS's throttling of ECS ends right, and takes as long as the rate asks for.

Task definitions are in an AWS emulator, behind token buckets as AWS's table has them; the rest is in memory.
"""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tools.clients import bounds
from tools.clients.ecs import Ecs
from tools.desired.draft import desire
from tools.desired.fingerprint import Fingerprint
from tools.environment.apply import Clients, apply
from tools.environment.observe import observe
from tools.plan.deploy import plan
from tools.settings import Connection
from tools.tests.buckets import ECS, Buckets
from tools.tests.fakes import FakeEcr, FakeEngine, FakePrefect
from tools.tests.memory import ROOT, service
from tools.tests.proxy import Proxy
from tools.tests.real import WHO, an_environment

FLOWS = 100
FASTER = 10.0
"""So many times as fast as in AWS the buckets fill, and the clients wait so much less."""


def test_a_first_deploy_of_a_hundred_flows_takes_as_long_as_the_rate_and_ends_right(
    moto: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "LONGEST_WAIT", "TRY_SECONDS"):
        monkeypatch.setattr(bounds, name, getattr(bounds, name) / FASTER)
    buckets = Buckets(FASTER)
    with Proxy(str(moto.endpoint), buckets).serving() as port:
        connection = replace(moto, endpoint=f"http://127.0.0.1:{port}")
        settings = an_environment("http://prefect.test/api", connection)
        desired = [desire(service(f"f{number}"), Fingerprint("0" * 16, {}), settings) for number in range(FLOWS)]
        ecs, ecr, prefect = Ecs(connection), FakeEcr(), FakePrefect()
        clients = Clients(FakeEngine(ecr), ecr, ecs, prefect)

        started = time.monotonic()
        state = observe(desired, ecs, ecr, prefect, lambda _: [])
        results = apply(plan(settings.environment, desired, state), ROOT, clients, lambda: WHO, lambda *_: None)
        seconds = time.monotonic() - started

    assert [result.error for result in results] == [None] * FLOWS
    live = prefect.deployments([item.service.name for item in desired])
    pointed_at = {str(item.job_variables["task_definition_arn"]).rpartition("/")[2] for item in live}
    assert pointed_at == {f"{item.draft.family}:1" for item in desired}
    registering, reading = (sum(buckets.passed[action] for action in row.actions) for row in ECS)
    assert registering == FLOWS
    assert seconds >= (FLOWS - ECS[0].capacity) / ECS[0].rate / FASTER
    # It was refused, and did not storm: between two tries of a registration it is read once whether it took effect.
    refused = buckets.refused["RegisterTaskDefinition"]
    assert 0 < refused < 10 * FLOWS
    assert reading <= FLOWS + refused + buckets.refused["DescribeTaskDefinition"]
