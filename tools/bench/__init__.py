"""The benches: the tooling and its flows beside what else does the same, in one run on one machine.

    load     rows of PostgreSQL to Parquet: database-to-lake beside `psql \\copy` and beside polars
    deploy   many flows to one environment: a deploy beside `prefect deploy --all` and `docker buildx bake`

`measure` times a command and watches its memory, `table` shows the figures; `load` and `deploy` run the parts. What
they compare with is locked in `requirements.lock` here and in the service's `bench/`, and is no part of the project.
"""
