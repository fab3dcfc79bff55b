"""Manifests: all or nothing, one winner, nothing lost by cleaning up. On local files and on S3."""

from __future__ import annotations

import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pyarrow as pa
import pytest

from errors import LakeError, LostRaceError
from lake.parquet import ParquetWriter
from lake.store import Store
from lake.table import RETENTION, File, Manifest, Table, encoded, table_names

NOW = dt.datetime.now(dt.UTC)
SCHEMA = pa.schema([("id", pa.int64())])


def manifest(number: int, run: str = "run", files: tuple[File, ...] = (), created: dt.datetime = NOW) -> Manifest:
    return Manifest(
        number=number, table="t", source="sqlite:///x", created=created, run=run, arrow_schema=encoded(SCHEMA),
        partition=None, cursor=None, watermark=None, files=files,
    )  # fmt: skip


def written(table: Table, ids: list[int]) -> tuple[File, ...]:
    with ParquetWriter(table, SCHEMA, None) as writer:
        writer.write(pa.record_batch({"id": ids}))
        return tuple(writer.finish())


def test_a_table_is_what_its_last_manifest_names(lake_url: str) -> None:
    table = Table(Store(lake_url), "t")
    assert table.current() is None
    first, second = written(table, [1, 2]), written(table, [3])
    table.commit(manifest(1, files=first), NOW)
    assert table.read()["id"].to_pylist() == [1, 2]
    table.commit(manifest(2, files=first + second), NOW)
    assert table.read()["id"].to_pylist() == [1, 2, 3]
    assert table_names(table.store) == ["t"]
    assert table.current() == manifest(2, files=first + second)


def test_a_table_without_files_has_its_columns(lake_url: str) -> None:
    Table(Store(lake_url), "t").commit(manifest(1), NOW)
    assert Table(Store(lake_url), "t").read().schema == SCHEMA


def test_of_many_commits_at_once_one_wins_and_the_others_know_it(lake_url: str) -> None:
    tables = [Table(Store(lake_url), "t") for _ in range(8)]
    for number in range(1, 6):

        def commit(runner: int, number: int = number) -> bool:
            with suppress(LostRaceError):
                tables[runner].commit(manifest(number, run=f"run {runner}"), NOW)
                return True
            return False

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(commit, range(8)))
        assert won.count(True) == 1
        current = tables[0].current()
        assert current
        assert current.run == f"run {won.index(True)}"


def test_a_commit_that_meets_itself_has_won(lake_url: str) -> None:
    """As when the reply was lost and the store's client sent the request again."""
    table = Table(Store(lake_url), "t")
    table.commit(manifest(1), NOW)
    table.commit(manifest(1), NOW)
    assert table.current() == manifest(1)


def test_a_run_that_took_too_long_does_not_commit(lake_url: str) -> None:
    table = Table(Store(lake_url), "t")
    with pytest.raises(LakeError, match="longer than"):
        table.commit(manifest(1), NOW - RETENTION)
    assert table.current() is None


def grown_old(path: Path, age: dt.timedelta) -> None:
    then = (NOW - age).timestamp()
    os.utime(path, (then, then))


def test_orphans_older_than_a_day_are_removed_and_no_others(tmp_path: Path) -> None:
    table = Table(Store(tmp_path.as_uri()), "t")
    named, old, fresh = written(table, [1]), written(table, [2]), written(table, [3])
    table.commit(manifest(1, files=named), NOW)
    for file in named + old:
        grown_old(tmp_path / file.path, 2 * RETENTION)
    assert table.tidy(NOW) == 1
    assert table.tidy(NOW) == 0
    assert sorted(path.name for path in tmp_path.rglob("*.parquet")) == sorted(
        Path(file.path).name for file in named + fresh
    )
    assert table.read()["id"].to_pylist() == [1]


def test_a_state_is_kept_for_a_day_after_it_was_followed(tmp_path: Path) -> None:
    """A reader may have begun with it just before."""
    table = Table(Store(tmp_path.as_uri()), "t")
    first, second, third = written(table, [1]), written(table, [2]), written(table, [3])
    for number, files, age in ((1, first, 3 * RETENTION), (2, second, 2 * RETENTION), (3, third, RETENTION / 2)):
        table.commit(manifest(number, files=files, created=NOW - age), NOW)
        for path in (files[0].path, f"t/_manifests/{number:010}.json"):
            grown_old(tmp_path / path, age)
    assert table.tidy(NOW) == 1
    assert not (tmp_path / first[0].path).exists()
    assert (tmp_path / second[0].path).exists()
    assert [path.name for path in sorted((tmp_path / "t/_manifests").iterdir())] == [
        "0000000002.json",
        "0000000003.json",
    ]
    assert table.read()["id"].to_pylist() == [3]


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../x", "sales.orders", "Tä ble ☃", "x%2Fy", "a=b", "_t"])
def test_any_name_of_a_table_stays_inside_the_lake(lake_url: str, tmp_path: Path, name: str) -> None:
    table = Table(Store(lake_url), name)
    table.commit(manifest(1).model_copy(update={"table": name}), NOW)
    assert table_names(table.store) == [name]
    assert table.current()
    assert table.path("", "f").count("/") == 1
    assert [path.name for path in tmp_path.iterdir()] in ([], ["the lake"])


def test_a_file_that_is_gone_is_told(lake_url: str) -> None:
    table = Table(Store(lake_url), "t")
    files = written(table, [1])
    table.commit(manifest(1, files=files), NOW)
    table.store.delete([files[0].path])
    with pytest.raises(LakeError, match=r"cannot read the lake .* not found"):
        table.read()


def test_a_table_that_is_not_there_is_told(lake_url: str) -> None:
    with pytest.raises(LakeError, match="has no table t"):
        Table(Store(lake_url), "t").read()


def test_objects_lie_below_the_prefix_under_the_names_that_the_manifest_says(s3: str) -> None:
    table = Table(Store(s3), "t")
    files = written(table, [1])
    table.commit(manifest(1, files=files), NOW)
    bucket = boto3.Session().resource("s3").Bucket(urlsplit(s3).netloc)
    keys = [entry.key for entry in bucket.objects.all()]
    assert keys == ["some/lake/t/_manifests/0000000001.json", f"some/lake/{files[0].path}"]
