"""Clients of both far systems on one small server, with bounds that a test can wait for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.clients import bounds
from tools.tests.far import SECRETS, Clients, Far, far_clients

SMALL: dict[str, float] = {"ANSWER_SECONDS": 0.6, "TRY_SECONDS": 3.0, "FIRST_PAUSE": 0.005, "LONGEST_PAUSE": 0.01}
SMALL |= {"LARGEST_ANSWER": 1 << 20, "READ_SECONDS": 0.4, "MOST_PAGES": 20}


@pytest.fixture(scope="module")
def far() -> Far:
    """The server, one for all tests of a module: each resets it."""
    return Far()


@pytest.fixture(scope="module")
def clients(far: Far) -> Iterator[Clients]:
    """The clients of the server. Making those of AWS is slow."""
    with pytest.MonkeyPatch.context() as patched, far_clients(far) as made:
        for name, secret in SECRETS.items():
            patched.setenv(name, secret)
        patched.setenv("AWS_ENDPOINT_URL", made.api.url.removesuffix("/api"))
        patched.delenv("AWS_PROFILE", raising=False)
        for name, value in SMALL.items():
            patched.setattr(bounds, name, value)
        yield made
