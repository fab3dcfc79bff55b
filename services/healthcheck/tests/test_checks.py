"""Each check against the real thing: directories, S3, blocks of a Prefect server, an HTTP server in ECS's place."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from prefect.blocks.system import Secret
from prefect.filesystems import LocalFileSystem
from prefect.settings import PREFECT_API_URL, PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK, temporary_settings
from prefect_aws import AwsCredentials, S3Bucket

import checks
from checks import Verdict


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_FLOWS_ENVIRONMENT", "Dev")


def test_a_variable_that_a_process_lacks_is_told_and_is_no_fault() -> None:
    finding = checks.named("service", "DATA_FLOWS_SERVICE")
    assert finding.verdict is Verdict.OK
    assert "process" in finding.value


def test_a_variable_that_a_task_lacks_is_missing_by_its_name(task: None) -> None:
    finding = checks.named("region", "AWS_REGION", "AWS_DEFAULT_REGION")
    assert finding.verdict is Verdict.MISSING
    assert "AWS_REGION or AWS_DEFAULT_REGION" in finding.value


def test_the_first_of_several_variables_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert checks.named("region", "AWS_REGION", "AWS_DEFAULT_REGION").value == "eu-west-1"


def test_the_release_is_what_ecs_says(metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", metadata)
    assert checks.release().value == "data-flows-Dev-healthcheck:7"


def test_a_release_that_ecs_does_not_tell_is_missing(metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", metadata + "/elsewhere")
    finding = checks.release()
    assert finding.verdict is Verdict.MISSING
    assert "404" in finding.value


def test_a_lake_in_a_directory_is_written_and_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", (tmp_path / "my lake").as_uri())
    assert checks.lake().verdict is Verdict.OK
    assert [*(tmp_path / "my lake").rglob("*")] == []


def test_a_lake_that_cannot_be_written_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAKE_URL", (tmp_path / "file" / "lake").as_uri())
    finding = checks.lake()
    assert finding.verdict is Verdict.MISSING
    assert "NotADirectoryError" in finding.value


@pytest.mark.parametrize("url", ["", "lake", "gs://bucket/lake"])
def test_a_lake_of_another_kind_is_missing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", url)
    finding = checks.lake()
    assert finding.verdict is Verdict.MISSING
    assert "s3://bucket/prefix" in finding.value


@pytest.mark.parametrize("prefix", ["/lake", "", "/"])
def test_a_lake_in_a_bucket_is_written_and_left_as_it_was(
    bucket: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_URL", f"s3://{bucket}{prefix}")
    assert checks.lake().verdict is Verdict.OK
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=bucket)


def test_a_lake_in_a_bucket_that_is_not_there_is_missing(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", "s3://no-such-bucket/lake")
    finding = checks.lake()
    assert finding.verdict is Verdict.MISSING
    assert "NoSuchBucket" in finding.value


def test_a_lake_without_credentials_is_missing(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("LAKE_URL", "s3://bucket/lake")
    finding = checks.lake()
    assert finding.verdict is Verdict.MISSING
    assert "NoCredentials" in finding.value


def test_results_of_a_process_are_on_local_disk() -> None:
    finding = checks.results()
    assert finding.verdict is Verdict.OK
    assert finding.value.startswith("local disk: ")


def test_results_on_the_disk_of_a_task_are_missing(task: None) -> None:
    finding = checks.results()
    assert finding.verdict is Verdict.MISSING
    assert "lost with it" in finding.value


def test_results_in_a_bucket_are_written_and_read(bucket: str, task: None) -> None:
    S3Bucket(bucket_name=bucket, bucket_folder="results", credentials=AwsCredentials()).save("results", overwrite=True)
    with temporary_settings({PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK: "s3-bucket/results"}):
        assert checks.results().verdict is Verdict.OK
    assert boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"][0]["Key"] == "results/healthcheck"


def test_results_in_a_bucket_that_is_not_there_are_missing(bucket: str) -> None:
    S3Bucket(bucket_name="no-such-bucket", credentials=AwsCredentials()).save("gone", overwrite=True)
    with temporary_settings({PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK: "s3-bucket/gone"}):
        finding = checks.results()
    assert finding.verdict is Verdict.MISSING
    assert "NoSuchBucket" in finding.value


def test_results_in_a_block_that_is_not_there_are_missing() -> None:
    with temporary_settings({PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK: "s3-bucket/unknown"}):
        finding = checks.results()
    assert finding.verdict is Verdict.MISSING
    assert "s3-bucket/unknown" in finding.value


def test_results_in_a_block_that_is_no_storage_are_missing() -> None:
    Secret(value="hidden").save("no-storage", overwrite=True)
    with temporary_settings({PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK: "secret/no-storage"}):
        finding = checks.results()
    assert finding.verdict is Verdict.MISSING
    assert "hidden" not in finding.value


def test_results_in_a_directory_block_are_written_and_read(tmp_path: Path) -> None:
    LocalFileSystem(basepath=str(tmp_path)).save("directory", overwrite=True)
    with temporary_settings({PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK: "local-file-system/directory"}):
        assert checks.results().verdict is Verdict.OK


def test_the_api_that_answers_tells_its_version() -> None:
    finding = checks.api()
    assert finding.verdict is Verdict.OK
    assert "version 3." in finding.value


def test_an_api_that_does_not_answer_is_missing() -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        finding = checks.api()
    assert finding.verdict is Verdict.MISSING
    assert "http://127.0.0.1:1/api does not answer" in finding.value
