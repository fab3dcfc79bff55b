"""What is told of a copy while it goes on."""

from __future__ import annotations

import logging

import prefect
import pytest
from prefect.client.orchestration import get_client

from summary import Progress


def test_progress_is_told_and_is_an_artifact(prefect_server: None, caplog: pytest.LogCaptureFixture) -> None:
    @prefect.flow
    def copies() -> None:
        with Progress("orders", every=0.0) as progress:
            progress(1_000, 4_000)
            progress(6_000, 4_000)

    with caplog.at_level(logging.INFO):
        copies()
    assert "orders: 1,000 of about 4,000 rows read" in caplog.text
    assert "orders: 6,000 of about 6,000 rows read" in caplog.text
    with get_client(sync_client=True) as client:
        progress = [found for found in client.read_artifacts() if found.description == "Rows of orders read"]
    assert [float(str(found.data)) for found in progress] == [100.0]
