"""CloudWatch Logs: what the container of a run printed. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tools.clients.aws import client, code, text, told
from tools.clients.bounds import finite
from tools.clients.task_definition import CONTAINER
from tools.model.runs import LogLine
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import GetLogEventsResponseTypeDef

_INFO = 20


def container_lines(connection: Connection, group: str, service: str, task: str) -> list[LogLine] | None:
    """What the container of a task printed, oldest first; None where there is no such log.

    Args:
        connection: how AWS is reached.
        group: the environment's log group.
        service: whose flow it runs.
        task: the task's ARN.
    """
    stream = f"{service}/{CONTAINER}/{task.rpartition('/')[2]}"
    doing = f"reading {stream} in {group} (logs:GetLogEvents)"
    logs: CloudWatchLogsClient = client(connection, "logs")
    with told(doing, connection):
        try:
            pages = finite(_pages(logs, group, stream), doing)
            return [
                LogLine(
                    id=f"{page['nextForwardToken']}:{index}",
                    at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(),
                    level=_INFO,
                    message=text(event["message"]).rstrip(),
                )
                for page in pages
                for index, event in enumerate(page["events"])
            ]
        except ClientError as error:
            if code(error) == "ResourceNotFoundException":
                return None
            raise


def _pages(logs: CloudWatchLogsClient, group: str, stream: str) -> Iterator[GetLogEventsResponseTypeDef]:
    """Each page; the last is the one that says where it was asked for from."""
    page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    yield page
    while True:
        token = page["nextForwardToken"]
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, nextToken=token)
        if page["nextForwardToken"] == token:
            return
        yield page
