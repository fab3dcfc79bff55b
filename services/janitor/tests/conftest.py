"""What the tests stand on: a Prefect server, an ECS of their own and moto's, in a process without an environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from moto.server import ThreadedMotoServer
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.testing.utilities import prefect_test_harness

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from ecs_server import EcsServer
from prefect_runs import Prefect

# A property is tried on few examples while one writes, on many where nobody waits. On a busy machine any may be slow.
settings.register_profile("small", max_examples=15, deadline=None)
settings.register_profile("full", max_examples=100, deadline=None)
settings.load_profile("full" if os.environ.get("CI") else "small")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(autouse=True)
def plain_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("DATA_FLOWS_", "AWS_", "ECS_", "LAKE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def client(prefect_server: None) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as made:
        yield made


@pytest.fixture
def prefect(client: SyncPrefectClient) -> Prefect:
    return Prefect(client)


@pytest.fixture
def ecs_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EcsServer]:
    """An ECS that boto3 finds, as it finds any, by AWS_ENDPOINT_URL."""
    made = EcsServer()
    with made.serving() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        yield made


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
