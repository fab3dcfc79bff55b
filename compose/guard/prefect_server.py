"""The Prefect server, behind its guard: `prefect server start`, of which no foreign page uses anything.

Run by the compose service `prefect-server` and by `make ui`, with the host and the port to listen at.
"""

from __future__ import annotations

import sys

import uvicorn
from prefect.server.api.server import create_app

from guard.pages import NoPages, Rules

RULES = Rules(frozenset({"prefect-server"}), own_pages=True)


def main(host: str, port: str) -> None:
    # As Prefect itself starts it: in this process, with its services.
    uvicorn.run(NoPages(create_app(final=True), RULES), host=host, port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
