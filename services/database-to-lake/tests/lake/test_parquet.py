"""Files of sensible size, in bounded memory."""

from __future__ import annotations

import random
import resource
import tempfile
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from errors import LakeError
from lake import parquet
from lake.parquet import ParquetWriter
from lake.store import Store
from lake.table import File, Table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(Store(tmp_path.as_uri()), "t")


def noise(rows: int, seed: int) -> pa.RecordBatch:
    """Rows that do not compress, 100 bytes each."""
    source = random.Random(seed)
    return pa.record_batch({"v": pa.array([source.randbytes(100) for _ in range(rows)], pa.binary(100))})


def write(table: Table, batches: list[pa.RecordBatch], known: tuple[File, ...] = ()) -> list[File]:
    with ParquetWriter(table, batches[0].schema, None, known) as writer:
        for batch in batches:
            writer.write(batch)
        return writer.finish()


def test_a_file_ends_near_its_size_and_holds_groups_of_their_size(table: Table, tmp_path: Path) -> None:
    files = write(table, [noise(10_000, seed) for seed in range(160)])
    assert sum(file.rows for file in files) == 1_600_000
    assert parquet.FILE_BYTES <= files[0].bytes <= parquet.FILE_BYTES * 1.25
    metadata = pq.read_metadata(tmp_path / files[0].path)
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [131_072] * len(groups)
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_same_rows_give_the_same_files_however_they_come(table: Table) -> None:
    rows = [noise(1_000, seed) for seed in range(300)]
    joined = pa.concat_batches(rows)
    files = write(table, rows)
    assert write(table, [joined.slice(0, 100_001), joined.slice(100_001)], known=tuple(files)) == files


def test_what_a_file_says_of_itself_is_so(table: Table, tmp_path: Path) -> None:
    (file,) = write(table, [noise(100, 1)])
    assert (tmp_path / file.path).stat().st_size == file.bytes
    assert pq.read_metadata(tmp_path / file.path).num_rows == file.rows == 100


def test_content_that_the_table_has_is_not_written_again(table: Table, tmp_path: Path) -> None:
    first = write(table, [noise(100, 1)])
    again = write(table, [noise(50, 2).slice(0, 0), noise(100, 1)], known=tuple(first))
    assert again == first
    other = write(table, [noise(100, 2)], known=tuple(first))
    assert other[0].path != first[0].path
    assert len(list(tmp_path.rglob("*.parquet"))) == 2


def test_rows_of_many_months_in_random_order_all_arrive(table: Table) -> None:
    source = random.Random(1)
    days = [source.randrange(0, 365 * 30) for _ in range(20_000)]
    schema = pa.schema([("day", pa.date32())])
    with ParquetWriter(table, schema, "day") as writer:
        for start in range(0, len(days), 1000):
            writer.write(pa.record_batch([pa.array(days[start : start + 1000], pa.date32())], schema=schema))
        files = writer.finish()
    assert sum(file.rows for file in files) == len(days)
    assert len({file.partition for file in files}) == 360


def test_a_failing_lake_fails_the_writer_with_its_reason(table: Table, tmp_path: Path) -> None:
    (tmp_path / "t").touch()
    with pytest.raises(LakeError, match="cannot write the lake"):
        write(table, [noise(10, 1)])


def test_a_disk_that_is_full_is_told(table: Table) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(LakeError, match="cannot write to the local disk"):
            write(table, [noise(10_000, seed) for seed in range(40)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_nothing_stays_on_the_local_disk(table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    write(table, [noise(10_000, 1)])
    with suppress(RuntimeError), ParquetWriter(table, noise(1, 1).schema, None) as writer:
        writer.write(noise(10_000, 1))
        raise RuntimeError
    assert list(spool.iterdir()) == []
