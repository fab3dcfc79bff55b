"""Charts and tables of the lake as one HTML page."""

from prefect import flow


@flow(name="lake-report")
def lake_report(report: str = "flights") -> None:
    """Publishes a report."""
    raise NotImplementedError(report)
