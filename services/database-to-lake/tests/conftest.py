"""What the tests stand on: real databases, real lakes, a real Prefect server. No Docker, no network but loopback."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import adbc_driver_postgresql.dbapi
import boto3
import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from databases import Database

# How much hypothesis tries: on one's own machine a little, in CI all of it, the same in each run.
settings.register_profile(
    "local",
    max_examples=10,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.register_profile("ci", settings.get_profile("local"), max_examples=100, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

BUCKET = "data-flows-test"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        name for name in os.environ if name.startswith(("DATA_FLOWS_", "AWS_", "LAKE_URL", "SOURCE_URL", "PG"))
    ]:
        monkeypatch.delenv(name)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "source.db"
    connection = sqlite3.connect(path, isolation_level=None)

    def execute(statement: str, parameters: list[tuple[object, ...]] | None = None) -> None:
        if parameters is None:
            connection.execute(statement)
        else:
            connection.execute("BEGIN")
            connection.executemany(statement, parameters)
            connection.execute("COMMIT")

    yield Database(f"sqlite:///{path}", execute)
    connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    from postgres_server import postgres_program, running_postgres

    if not postgres_program("initdb") or not postgres_program("postgres"):
        pytest.skip("PostgreSQL's server programs (initdb, postgres) are not on this machine")
    with running_postgres({"fsync": "off"}) as url:
        yield url


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[Database]:
    administrator = adbc_driver_postgresql.dbapi.connect(f"{postgres_server}/postgres", autocommit=True)
    with administrator, administrator.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS source WITH (FORCE)")
        cursor.execute("CREATE DATABASE source")
    with adbc_driver_postgresql.dbapi.connect(f"{postgres_server}/source", autocommit=True) as connection:

        def execute(statement: str, parameters: list[tuple[object, ...]] | None = None) -> None:
            with connection.cursor() as cursor:
                if parameters is None:
                    cursor.execute(statement)
                else:
                    cursor.executemany(statement, parameters)

        yield Database(f"{postgres_server}/source", execute)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each kind of source in turn."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """An S3 of the tests' own, or the one at TEST_S3_URL."""
    if url := os.environ.get("TEST_S3_URL"):
        yield url
        return
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty lake in S3."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    bucket = boto3.Session().resource("s3").Bucket(BUCKET)
    bucket.create()
    bucket.objects.delete()
    return f"s3://{BUCKET}/some/lake"


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Where Prefect keeps its runs, for as long as the tests last."""
    from prefect.testing.utilities import prefect_test_harness  # here, because it takes seconds

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(params=["file", "s3"])
def lake_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind of lake in turn."""
    return request.getfixturevalue("s3") if request.param == "s3" else (tmp_path / "the lake").as_uri()
