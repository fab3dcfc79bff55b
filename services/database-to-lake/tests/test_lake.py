"""Manifests: all or nothing, one winner, nothing lost by cleaning up. On local files and on S3."""

from __future__ import annotations

import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import boto3
import obstore
import pyarrow as pa
import pytest
from conftest import BUCKET

from errors import LakeError, LostRaceError
from lake.parquet import ParquetWriter
from lake.table import RETENTION, File, Lake, Manifest, data_path, encoded

NOW = dt.datetime.now(dt.UTC)
SCHEMA = pa.schema([("id", pa.int64())])


def manifest(number: int, run: str = "run", files: tuple[File, ...] = (), created: dt.datetime = NOW) -> Manifest:
    return Manifest(
        number=number, table="t", source="sqlite:///x", created=created, run=run, arrow_schema=encoded(SCHEMA),
        partition=None, cursor=None, watermark=None, files=files,
    )  # fmt: skip


def written(lake: Lake, ids: list[int]) -> tuple[File, ...]:
    with ParquetWriter(lake, "t", SCHEMA, None) as writer:
        writer.write(pa.record_batch({"id": ids}))
        return tuple(writer.finish())


def test_a_table_is_what_its_last_manifest_names(lake_url: str) -> None:
    lake = Lake(lake_url)
    assert lake.current("t") is None
    first, second = written(lake, [1, 2]), written(lake, [3])
    lake.commit(manifest(1, files=first), NOW)
    assert lake.read("t")["id"].to_pylist() == [1, 2]
    lake.commit(manifest(2, files=first + second), NOW)
    assert lake.read("t")["id"].to_pylist() == [1, 2, 3]
    assert lake.tables() == ["t"]
    assert lake.current("t") == manifest(2, files=first + second)


def test_a_table_without_files_has_its_columns(lake_url: str) -> None:
    Lake(lake_url).commit(manifest(1), NOW)
    assert Lake(lake_url).read("t").schema == SCHEMA


def test_of_many_commits_at_once_one_wins_and_the_others_know_it(lake_url: str) -> None:
    lakes = [Lake(lake_url) for _ in range(8)]
    for number in range(1, 6):

        def commit(runner: int, number: int = number) -> bool:
            with suppress(LostRaceError):
                lakes[runner].commit(manifest(number, run=f"run {runner}"), NOW)
                return True
            return False

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(commit, range(8)))
        assert won.count(True) == 1
        current = lakes[0].current("t")
        assert current
        assert current.run == f"run {won.index(True)}"


def test_a_commit_that_meets_itself_has_won(lake_url: str) -> None:
    """As when the reply was lost and the store's client sent the request again."""
    lake = Lake(lake_url)
    lake.commit(manifest(1), NOW)
    lake.commit(manifest(1), NOW)
    assert lake.current("t") == manifest(1)


def test_a_run_that_took_too_long_does_not_commit(lake_url: str) -> None:
    lake = Lake(lake_url)
    with pytest.raises(LakeError, match="longer than"):
        lake.commit(manifest(1), NOW - RETENTION)
    assert lake.current("t") is None


def grown_old(path: Path, age: dt.timedelta) -> None:
    then = (NOW - age).timestamp()
    os.utime(path, (then, then))


def test_orphans_older_than_a_day_are_removed_and_no_others(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    named, old, fresh = written(lake, [1]), written(lake, [2]), written(lake, [3])
    lake.commit(manifest(1, files=named), NOW)
    for file in named + old:
        grown_old(tmp_path / file.path, 2 * RETENTION)
    assert lake.tidy("t", NOW) == 1
    assert lake.tidy("t", NOW) == 0
    assert sorted(path.name for path in tmp_path.rglob("*.parquet")) == sorted(
        Path(file.path).name for file in named + fresh
    )
    assert lake.read("t")["id"].to_pylist() == [1]


def test_a_state_is_kept_for_a_day_after_it_was_followed(tmp_path: Path) -> None:
    """A reader may have begun with it just before."""
    lake = Lake(tmp_path.as_uri())
    first, second, third = written(lake, [1]), written(lake, [2]), written(lake, [3])
    for number, files, age in ((1, first, 3 * RETENTION), (2, second, 2 * RETENTION), (3, third, RETENTION / 2)):
        lake.commit(manifest(number, files=files, created=NOW - age), NOW)
        for path in (files[0].path, f"t/_manifests/{number:010}.json"):
            grown_old(tmp_path / path, age)
    assert lake.tidy("t", NOW) == 1
    assert not (tmp_path / first[0].path).exists()
    assert (tmp_path / second[0].path).exists()
    assert [path.name for path in sorted((tmp_path / "t/_manifests").iterdir())] == [
        "0000000002.json",
        "0000000003.json",
    ]
    assert lake.read("t")["id"].to_pylist() == [3]


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../x", "sales.orders", "Tä ble ☃", "x%2Fy", "a=b", "_t"])
def test_any_name_of_a_table_stays_inside_the_lake(lake_url: str, tmp_path: Path, name: str) -> None:
    lake = Lake(lake_url)
    lake.commit(manifest(1).model_copy(update={"table": name}), NOW)
    assert lake.tables() == [name]
    assert lake.current(name)
    assert data_path(name, "", "f").count("/") == 1
    assert [path.name for path in tmp_path.iterdir()] in ([], ["the lake"])


def test_a_file_that_is_gone_is_told(lake_url: str) -> None:
    lake = Lake(lake_url)
    files = written(lake, [1])
    lake.commit(manifest(1, files=files), NOW)
    lake.delete([files[0].path])
    with pytest.raises(LakeError, match=r"cannot read the lake .* not found"):
        lake.read("t")


def test_a_table_that_is_not_there_is_told(lake_url: str) -> None:
    with pytest.raises(LakeError, match="has no table t"):
        Lake(lake_url).read("t")


@pytest.mark.parametrize("url", ["", "lake", "/tmp/lake", "gs://bucket/lake", "s3://", "file://"])
def test_a_lake_of_another_kind_is_told(url: str) -> None:
    with pytest.raises(LakeError, match="must be file:///directory or s3://bucket/prefix"):
        Lake(url)


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="cannot open the lake"):
        Lake((tmp_path / "file" / "lake").as_uri())


def test_a_bucket_that_is_not_there_is_told(s3: str) -> None:
    with pytest.raises(LakeError, match="NoSuchBucket"):
        Lake("s3://no-such-bucket/lake").current("t")


def test_missing_credentials_are_told(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(LakeError, match="credentials"):
        Lake(s3)


def test_objects_lie_below_the_prefix_under_the_names_that_the_manifest_says(s3: str) -> None:
    lake = Lake(s3)
    files = written(lake, [1])
    lake.commit(manifest(1, files=files), NOW)
    keys = [entry["Key"] for entry in boto3.Session().client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == ["some/lake/t/_manifests/0000000001.json", f"some/lake/{files[0].path}"]


def test_an_object_half_uploaded_is_never_seen(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    with pytest.raises(LakeError):
        lake.upload("t/x.parquet", tmp_path / "missing")
    assert list(tmp_path.rglob("*.parquet")) == []


def test_the_store_refuses_what_is_there_already(s3: str) -> None:
    """The ground on which commits stand: S3's If-None-Match."""
    lake = Lake(s3)
    obstore.put(lake._store, "x", b"1", mode="create")
    with pytest.raises(obstore.exceptions.AlreadyExistsError):
        obstore.put(lake._store, "x", b"2", mode="create")
