"""What the tests stand on: lakes that database-to-lake writes, a Prefect server. No Docker, no network but loopback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from hypothesis import settings
from moto.server import ThreadedMotoServer
from prefect.testing.utilities import prefect_test_harness

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from lakes import BUCKET, CopiedLake, Writer, running_writer
from sql_files import MakeReport

# A property is tried on few examples while one writes, on many where nobody waits. On a busy machine any may be slow.
settings.register_profile("small", max_examples=15, deadline=None)
settings.register_profile("full", max_examples=100, deadline=None)
settings.load_profile("full" if os.environ.get("CI") else "small")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("DATA_FLOWS_", "AWS_", "LAKE_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    with running_writer(tmp_path_factory.mktemp("writer")) as running:
        yield running


@pytest.fixture
def lake(tmp_path: Path, writer: Writer) -> CopiedLake:
    root = tmp_path / "the lake"
    root.mkdir()
    return CopiedLake(root, writer)


@pytest.fixture
def make_report(tmp_path: Path) -> MakeReport:
    def write(**files: str) -> Path:
        directory = tmp_path / "reports" / "test"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "report.toml").write_text('title = "A test"\n')
        for name, text in files.items():
            (directory / f"{name}.sql").write_text(text)
        return tmp_path / "reports"

    return write


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
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
