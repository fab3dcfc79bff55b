"""CloudWatch: which alarms ring, and whether a log group is there. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.clients.aws import client, text, told
from tools.clients.bounds import finite
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient


def ringing(connection: Connection, prefix: str) -> dict[str, str]:
    """The alarms that ring, and what each says of itself.

    Args:
        connection: how AWS is reached.
        prefix: how their names begin.
    """
    cloudwatch: Any = client(connection, "cloudwatch")
    doing = f"looking at the alarms {prefix}* (cloudwatch:DescribeAlarms)"
    with told(doing, connection):
        pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, StateValue="ALARM")
        return {
            text(alarm["AlarmName"]): text(alarm.get("AlarmDescription", ""))
            for page in finite(pages, doing)
            for alarm in page["MetricAlarms"]
            if alarm["StateValue"] == "ALARM"
        }


def has_log_group(connection: Connection, name: str) -> bool:
    """Whether a log group is there."""
    logs: CloudWatchLogsClient = client(connection, "logs")
    doing = f"looking for the log group {name} (logs:DescribeLogGroups)"
    with told(doing, connection):
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        return any(group["logGroupName"] == name for page in finite(pages, doing) for group in page["logGroups"])
