"""Which source a URL means.

Takes SOURCE_URL, gives the `Source` there. Loads the driver that is needed and no other.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from errors import SourceError, without_secrets
from source.relation import Source

#: The source that comes with the service.
SAMPLE_URL = "sample:nycflights13"


def open_source(url: str) -> AbstractContextManager[Source]:
    """The source at a URL: `sqlite:////absolute/path`, `sqlite:///relative/path`, `postgresql://…` or the sample."""
    # Each driver is a library of its own, and importing one takes a while.
    if url == SAMPLE_URL:
        from source.sample import open_sample

        return open_sample(url)
    if url.startswith("sqlite://"):
        from source.sqlite import open_sqlite

        return open_sqlite(url)
    if url.startswith(("postgresql://", "postgres://")):
        from source.postgres import open_postgres

        return open_postgres(url)
    if url.startswith("sample:"):
        raise SourceError(f"there is no {url}; the embedded source is called {SAMPLE_URL}")
    raise SourceError(
        f"SOURCE_URL is {without_secrets(url)}; it must begin with postgresql:// or sqlite:///, or be {SAMPLE_URL}"
    )
