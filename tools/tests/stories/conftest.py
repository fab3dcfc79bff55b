"""The local cloud of the story; what strangers may do in it is tried when the story is told (test_strangers.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.tests.clouds import Cloud, own_cloud, record

SERVICES = ("database-to-lake", "healthcheck")


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with own_cloud(tmp_path_factory.mktemp("story"), SERVICES) as made:
        record(made)
        yield made
