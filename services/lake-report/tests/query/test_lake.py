"""Where a browser finds what is written, and what lies there then."""

from __future__ import annotations

import boto3
import pytest
from lakes import BUCKET, CopiedLake

from errors import LakeError
from query.files import LakeFiles
from query.lake import File, Lake, Manifest


def test_addresses_of_a_directory_are_files(lake: CopiedLake) -> None:
    assert Lake(lake.url).address("_reports/a/latest.html") == f"{lake.url}/_reports/a/latest.html"


def test_addresses_of_a_bucket_are_in_the_console(s3: str) -> None:
    assert Lake(s3).address("_reports/a/latest.html") == (
        f"https://us-east-1.console.aws.amazon.com/s3/object/{BUCKET}?prefix=some/lake/_reports/a/latest.html"
    )


def test_addresses_are_below_the_one_that_is_given(lake: CopiedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_WEB_URL", "https://reports.example.com/x/")
    assert Lake(lake.url).address("_reports/a/latest.html") == "https://reports.example.com/x/_reports/a/latest.html"


def test_what_is_put_in_a_bucket_has_its_media_type(s3: str) -> None:
    Lake(s3).put("_reports/a/latest.html", b"<p>", "text/html; charset=utf-8")
    found = boto3.client("s3").get_object(Bucket=BUCKET, Key="some/lake/_reports/a/latest.html")
    assert found["ContentType"] == "text/html; charset=utf-8"
    assert found["Body"].read() == b"<p>"


def test_a_bucket_that_is_not_there_is_told(s3: str) -> None:
    with pytest.raises(LakeError, match="cannot list the lake s3://no-such-bucket/x"):
        Lake("s3://no-such-bucket/x").current("t")


def test_files_give_the_ranges_that_are_asked_for_and_are_not_written(lake: CopiedLake) -> None:
    (lake.root / "t").mkdir()
    (lake.root / "t" / "f").write_bytes(b"0123456789")
    file = File(path="t/f", rows=1, bytes=10)
    state = {"number": 1, "table": "t", "source": "s", "created": "2026-01-01T00:00:00Z", "arrow_schema": ""}
    files = LakeFiles(Lake(lake.url), [Manifest.model_validate(state | {"files": [file]})])
    with files.open("lake://t/f") as opened:
        assert opened.seek(-3, 2) == 7
        assert opened.read(2) == b"78"
        assert opened.read() == b"9"
        assert opened.read(5) == b""
    with pytest.raises(PermissionError, match="only for reading"):
        files.open("lake://t/f", "wb")
    assert not files.exists("lake://t/g")
