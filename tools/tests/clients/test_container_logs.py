"""What a container printed, read from both emulators' CloudWatch Logs."""

from __future__ import annotations

import time

import pytest

from tools.clients.aws import client
from tools.clients.container_logs import container_lines
from tools.settings import Connection
from tools.tests.samples import unique

TASK = "arn:aws:ecs:us-east-1:123456789012:task/cluster/0123456789abcdef"


@pytest.fixture(params=["ministack", "moto"])
def connection(request: pytest.FixtureRequest) -> Connection:
    """Each emulator."""
    found: Connection = request.getfixturevalue(request.param)
    return found


def test_every_line_is_read_in_its_order_however_many_pages_there_are(connection: Connection) -> None:
    group, logs = f"/{unique('logs')}", client(connection, "logs")
    stream, now = "hello/flow/0123456789abcdef", int(time.time() * 1000)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    for start in range(0, 12_000, 4_000):
        events = [{"timestamp": now + at, "message": f"line {at}"} for at in range(start, start + 4_000)]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    lines = container_lines(connection, group, "hello", TASK)

    assert lines is not None
    assert [line.message for line in lines] == [f"line {at}" for at in range(12_000)]
    assert lines[0].at < lines[-1].at
    assert len({line.id for line in lines}) == 12_000


def test_a_container_without_a_log_has_no_lines(connection: Connection) -> None:
    group = f"/{unique('logs')}"
    assert container_lines(connection, group, "hello", TASK) is None
    client(connection, "logs").create_log_group(logGroupName=group)
    assert container_lines(connection, group, "hello", TASK) is None
