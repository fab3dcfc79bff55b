"""How much SQL may take, and how much it may give."""

from __future__ import annotations

from query.report import Chart

#: Megabytes of data of the process that runs SQL. Prefect's own process beside it has about 150.
MEMORY = 768
#: Megabytes of these in which DuckDB sorts, groups and joins; what does not fit goes to local disk.
DUCKDB_MEMORY = 256
THREADS = 2
#: More rows than a reader of a page can take in; a query that gives more is a mistake.
MOST_ROWS = {Chart.TABLE: 1000}
MOST_ROWS_OF_A_CHART = 500
MOST_COLUMNS = 100
