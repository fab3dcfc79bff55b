"""Files in a directory and in a bucket, and what is said where they cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import LakeError
from lake.store import Store


@pytest.mark.parametrize("url", ["", "lake", "/tmp/lake", "gs://bucket/lake", "s3://", "file://"])
def test_a_lake_of_another_kind_is_told(url: str) -> None:
    with pytest.raises(LakeError, match="must be file:///directory or s3://bucket/prefix"):
        Store(url)


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="cannot open the lake"):
        Store((tmp_path / "file" / "lake").as_uri())


def test_a_bucket_that_is_not_there_is_told(s3: str) -> None:
    with pytest.raises(LakeError, match="NoSuchBucket"):
        Store("s3://no-such-bucket/lake").listed("t")


def test_missing_credentials_are_told(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(LakeError, match="credentials"):
        Store(s3)


def test_an_object_half_uploaded_is_never_seen(tmp_path: Path) -> None:
    store = Store(tmp_path.as_uri())
    with pytest.raises(LakeError):
        store.upload("t/x.parquet", tmp_path / "missing")
    assert list(tmp_path.rglob("*.parquet")) == []


def test_a_file_that_is_there_is_not_written_again(lake_url: str) -> None:
    """The ground on which commits stand: in S3 its If-None-Match."""
    store = Store(lake_url)
    assert store.create("x", b"1")
    assert not store.create("x", b"2")
    assert store.get("x") == b"1"
