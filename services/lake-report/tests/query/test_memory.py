"""A query that needs more than the engine's memory does not take more of the task's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lakes import WrittenLake
from sql_files import MakeReport, sql

HEAVY = "SELECT count(*) AS n FROM (SELECT md5(n::text) AS a, list(n) AS l FROM t GROUP BY a ORDER BY a)"
PROGRAM = """
import resource, sys
from pathlib import Path
from query import definition, engine
from query.lake import Lake

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

lake, query = Lake(sys.argv[1]), definition.load("test", Path(sys.argv[2])).queries[0]
with engine.opened(lake, engine.needed([query], lake)) as tables:
    before = peak()
    assert tables.answer(query).rows == ((5_000_000,),)
print(peak() - before)
"""


def test_more_than_the_memory_goes_to_disk(lake: WrittenLake, make_report: MakeReport) -> None:
    lake.table("t", "SELECT range AS n FROM range(5000000)")
    root = make_report(a=sql(HEAVY, "table", ""), b=sql("SELECT 1 AS n, 'a' AS name"))
    command = [sys.executable, "-c", PROGRAM, lake.url, str(root)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1  # no progress bar in a log
    assert float(done.stdout) < 320  # MB
