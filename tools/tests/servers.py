"""What tests need of real servers: ports, processes, requests that are made again, what a server must have."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tools.clients.aws import session
from tools.clients.ecr import Ecr
from tools.model.release import Release
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ecr.client import ECRClient

EMULATORS = ["ministack", "moto"]
START_SECONDS = 90


def bare_environment(**more: str) -> dict[str, str]:
    """This process's variables without those that could lead a test to somebody's real account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PREFECT_"))}
    bundle = {name: value for name, value in os.environ.items() if name == "AWS_CA_BUNDLE"}
    return {**kept, **bundle, **more}


def ask(method: str, url: str, body: object = None) -> requests.Response:
    """Asks a Prefect server; again where it is too busy to do it, which SQLite often is."""
    for wait in (0.2, 0.5, 1.0, 2.0, 4.0):
        answer = requests.request(method, url, json=body, timeout=30)
        if answer.status_code != requests.codes.unavailable:
            return answer
        time.sleep(wait)
    return requests.request(method, url, json=body, timeout=30)


def serving(command: list[str], url: str, log: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Runs a server until the fixture ends; gives its address once it answers."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=dict(environment))
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                requests.get(url, timeout=2)
                break
            except requests.RequestException:
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"{command[0]} did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def make_pool(url: str) -> None:
    """The work pool that the deployments name."""
    ask("POST", f"{url}/work_pools/", {"name": "pool", "type": "process"})


def released_image(ecr: Ecr, connection: Connection, draft: Release) -> str:
    """Puts an image into the registry that is a release's; gives it by digest."""
    ecr.ensure(draft.repository)
    digest = ecr.digest(draft.repository, draft.fingerprint)
    digest = digest or put_image(connection, draft.repository, draft.fingerprint)
    return f"{ecr.address(draft.repository)}@{digest}"


@cache
def _ecr(connection: Connection) -> ECRClient:
    """A client; making one takes longer than what it is asked."""
    made: ECRClient = session(connection).client("ecr", endpoint_url=connection.endpoint)
    return made


def put_image(connection: Connection, repository: str, tag: str) -> str:
    """Puts the manifest of an image that is its own into a repository; gives its digest."""
    client = _ecr(connection)
    manifest = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": '
    manifest += f'{{"digest": "sha256:{tag * 4}", "size": 2}}, "layers": []}}'
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    answer = client.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag, imageDigest=digest)
    return answer["image"]["imageId"]["imageDigest"]
