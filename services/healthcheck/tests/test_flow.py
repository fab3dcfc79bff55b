"""The flow as a whole, on a real Prefect server."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.settings import PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK, temporary_settings
from prefect_aws import AwsCredentials, S3Bucket

from flow import Report, healthcheck


def report() -> Report:
    """What a run gives that completes."""
    found = healthcheck()
    assert isinstance(found, dict)
    return found


def test_a_process_with_a_lake_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", tmp_path.as_uri())
    assert list(report()) == [
        "versions",
        "environment",
        "service",
        "image fingerprint",
        "release",
        "region",
        "Prefect API",
        "lake",
        "results",
    ]


def test_a_task_that_lacks_things_fails_and_names_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_FLOWS_ENVIRONMENT", "Dev")
    monkeypatch.setenv("DATA_FLOWS_SERVICE", "healthcheck")
    state = healthcheck(return_state=True)
    assert state.is_failed()
    message = state.message or ""
    for name in ("DATA_FLOWS_FINGERPRINT", "ECS_CONTAINER_METADATA_URI_V4", "AWS_REGION", "LAKE_URL"):
        assert name in message
    assert "DATA_FLOWS_SERVICE" not in message


def test_a_task_that_has_everything_is_healthy(bucket: str, metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_FLOWS_ENVIRONMENT", "Dev")
    monkeypatch.setenv("DATA_FLOWS_SERVICE", "healthcheck")
    monkeypatch.setenv("DATA_FLOWS_FINGERPRINT", "0123456789abcdef")
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", metadata)
    monkeypatch.setenv("LAKE_URL", f"s3://{bucket}/lake")
    S3Bucket(bucket_name=bucket, bucket_folder="results", credentials=AwsCredentials()).save("in-flow", overwrite=True)
    with temporary_settings({PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK: "s3-bucket/in-flow"}):
        found = report()
    assert found["release"] == "data-flows-Dev-healthcheck:7"
    assert "wrote and read" in found["results"]


def test_the_findings_are_an_artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", tmp_path.as_uri())
    healthcheck()
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["healthcheck"])))
    assert artifacts
    assert "Prefect API" in str(artifacts[-1].data)
