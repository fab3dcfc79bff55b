"""Memory does not grow with the table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from databases import Database

SERVICE = Path(__file__).parents[1]
#: 100 bytes a row, in months that come in random order.
ROWS = """
CREATE VIEW t AS
SELECT n AS id, timestamp '2015-01-01' + (n::bigint * 7919 % 3650) * interval '1 day' AS at, md5(n::text) AS hash,
       n * 0.5 AS amount, md5((n + 1)::text) AS other
FROM generate_series(1, {}) AS n
"""
#: As in a run: with Prefect in the same process. The peak is asked of Linux, because `getrusage` also counts that of
#: the process that started this one.
PROGRAM = """
import re, sys
from pathlib import Path
import flow
from lake.store import Store
from load import Request, load
from source.open import open_source
from source.relation import Wanted

with open_source(sys.argv[1]) as source:
    rows = load(source, Store(Path(sys.argv[2]).as_uri()), Request(Wanted("t"), partition="at")).manifest.rows
print(rows, int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is asked of Linux")


def rows_and_megabytes(url: str, lake: Path) -> tuple[int, int]:
    program = [sys.executable, "-c", PROGRAM, url, str(lake)]
    found = subprocess.run(program, cwd=SERVICE, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return int(found[0]), int(found[1])


def test_peak_memory_is_the_same_for_four_times_the_rows(postgres: Database, tmp_path: Path) -> None:
    peaks = []
    for rows in (300_000, 1_200_000):
        postgres.execute("DROP VIEW IF EXISTS t")
        postgres.execute(ROWS.format(rows))
        found, megabytes = rows_and_megabytes(postgres.url, tmp_path / str(rows))
        assert found == rows
        peaks.append(megabytes)
    assert peaks[1] < 400
    assert peaks[1] < peaks[0] * 1.25


def test_peak_memory_is_bounded_for_wide_rows(postgres: Database, tmp_path: Path) -> None:
    postgres.execute(
        "CREATE VIEW t AS SELECT date '2020-01-01' + n AS at, repeat(md5(n::text), 3000) AS wide "
        "FROM generate_series(1, 3000) AS n"
    )
    found, megabytes = rows_and_megabytes(postgres.url, tmp_path)
    assert found == 3000
    assert megabytes < 400
