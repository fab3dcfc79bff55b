"""CloudWatch as the doctor relies on it, on two emulators."""

from __future__ import annotations

import pytest

from tools.clients import cloudwatch
from tools.settings import Connection
from tools.tests.samples import unique
from tools.tests.servers import EMULATORS
from tools.tests.standing import Standing


@pytest.fixture(params=EMULATORS)
def connection(request: pytest.FixtureRequest) -> Connection:
    """Each emulator."""
    found: Connection = request.getfixturevalue(request.param)
    return found


def test_only_alarms_of_the_prefix_that_ring_are_told(connection: Connection) -> None:
    client, prefix = Standing(connection, "any").client("cloudwatch"), unique("alarms")
    usual = {"Namespace": "x", "MetricName": "x", "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1}
    usual |= {"Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", "AlarmDescription": "why"}
    for name, state in ((f"{prefix}-a", "ALARM"), (f"{prefix}-b", "OK"), (unique("other"), "ALARM")):
        client.put_metric_alarm(AlarmName=name, **usual)
        client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="tried")

    assert cloudwatch.ringing(connection, prefix) == {f"{prefix}-a": "why"}


def test_a_log_group_is_found_by_its_whole_name(connection: Connection) -> None:
    name = f"/{unique('logs')}"
    Standing(connection, "any").client("logs").create_log_group(logGroupName=f"{name}-more")

    assert not cloudwatch.has_log_group(connection, name)
    Standing(connection, "any").client("logs").create_log_group(logGroupName=name)
    assert cloudwatch.has_log_group(connection, name)
