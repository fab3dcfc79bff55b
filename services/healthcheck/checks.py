"""Looks at one thing each and says what it found.

A check takes the process's environment and gives a `Finding`. It never raises for what it looks at, writes only what it
removes or overwrites again, and never shows a secret.
"""

from __future__ import annotations

import os
import platform
import uuid
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import httpx
import prefect
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.filesystems import WritableFileSystem
from prefect.settings import PREFECT_API_URL, PREFECT_LOCAL_STORAGE_PATH, PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK

_SECONDS = 5
_CONTENT = b"Written by the flow healthcheck. It may be removed."
_METADATA = "ECS_CONTAINER_METADATA_URI_V4"


class Verdict(Enum):
    """How a finding is to be taken."""

    OK = "ok"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    what: str
    value: str
    verdict: Verdict = Verdict.OK


def in_cloud() -> bool:
    """Whether this is a task of an environment, rather than a plain process."""
    return bool(os.environ.get("DATA_FLOWS_ENVIRONMENT"))


def versions() -> Finding:
    """Python, Prefect and the platform."""
    found = f"Python {platform.python_version()}, Prefect {prefect.__version__}, {platform.platform()}"
    return Finding("versions", found)


def named(what: str, *variables: str) -> Finding:
    """What the first of these variables that is set holds."""
    value = next((os.environ[name] for name in variables if os.environ.get(name)), None)
    return Finding(what, value) if value else _absent(what, f"{' or '.join(variables)} is not set")


def release() -> Finding:
    """The revision of the task definition that this task was started from, as ECS tells it."""
    uri = os.environ.get(_METADATA)
    if not uri:
        return _absent("release", f"{_METADATA} is not set")
    try:
        task = httpx.get(f"{uri}/task", timeout=_SECONDS).raise_for_status().json()
        return Finding("release", f"{task['Family']}:{task['Revision']}")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as exc:
        return Finding("release", f"ECS does not tell it at {uri}/task: {_reason(exc)}", Verdict.MISSING)


def lake() -> Finding:
    """Writes, reads and removes a small object in the lake."""
    url = os.environ.get("LAKE_URL", "")
    name = f"_healthcheck/{uuid.uuid4().hex}"
    parts = urlsplit(url)
    try:
        if parts.scheme == "file":
            found = _through_directory(Path(unquote(parts.path)) / name)
        elif parts.scheme == "s3":
            found = _through_bucket(parts.netloc, f"{parts.path.strip('/')}/{name}".lstrip("/"))
        else:
            return Finding("lake", "LAKE_URL must be file:///directory or s3://bucket/prefix", Verdict.MISSING)
    except (BotoCoreError, ClientError, OSError, ValueError) as exc:
        return Finding("lake", f"{url} cannot be used: {_reason(exc)}", Verdict.MISSING)
    if found != _CONTENT:
        return Finding("lake", f"{url} gives back something else than was written", Verdict.MISSING)
    return Finding("lake", f"{url} (wrote, read and removed an object)")


def results() -> Finding:
    """Loads the block that keeps results, writes a small object through it and reads that."""
    name = PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK.value()
    if not name:
        return _results_on_disk()
    try:
        block = Block.load(name)
        if not isinstance(block, WritableFileSystem):
            return Finding("results", f"the block {name} is no storage that can be written", Verdict.MISSING)
        storage: Any = block  # its methods are declared async, and work without await where no event loop runs
        storage.write_path("healthcheck", _CONTENT)
        if storage.read_path("healthcheck") != _CONTENT:
            return Finding("results", f"the block {name} gives back something else than was written", Verdict.MISSING)
    # Whatever library the block brings may raise whatever it likes.
    except Exception as exc:
        return Finding("results", f"the block {name} cannot be used: {_reason(exc)}", Verdict.MISSING)
    return Finding("results", f"the block {name} (wrote and read an object)")


def api() -> Finding:
    """The version of the Prefect API, if it answers."""
    url = PREFECT_API_URL.value()
    try:
        with get_client(sync_client=True) as client:
            version = client.api_version()
    except (httpx.HTTPError, PrefectHTTPStatusError, RuntimeError) as exc:
        return Finding("Prefect API", f"{url} does not answer: {_reason(exc)}", Verdict.MISSING)
    if url:
        return Finding("Prefect API", f"{url}, version {version}")
    embedded = f"embedded in this process, version {version}"
    return Finding("Prefect API", embedded, Verdict.MISSING if in_cloud() else Verdict.OK)


def _absent(what: str, reason: str) -> Finding:
    if in_cloud():
        return Finding(what, reason, Verdict.MISSING)
    return Finding(what, "none: this is a process, not a task of an environment")


def _results_on_disk() -> Finding:
    if not in_cloud():
        return Finding("results", f"local disk: {PREFECT_LOCAL_STORAGE_PATH.value()}")
    return Finding(
        "results",
        "local disk of the task, lost with it: PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK is not set",
        Verdict.MISSING,
    )


def _through_directory(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_bytes(_CONTENT)
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def _through_bucket(bucket: str, key: str) -> bytes:
    config = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 2})
    s3: Any = boto3.Session().client("s3", config=config)
    s3.put_object(Bucket=bucket, Key=key, Body=_CONTENT)
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body
    finally:
        s3.delete_object(Bucket=bucket, Key=key)


def _reason(exc: Exception) -> str:
    return " ".join(f"{type(exc).__name__}: {exc}".split())[:300]
