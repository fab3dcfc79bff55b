"""SQS: how many messages wait in a queue. Reads only, and takes none."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tools.clients.aws import client, code, text, told
from tools.model.events import Waiting
from tools.settings import Connection

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def waiting(connection: Connection, queue: str) -> Waiting | None:
    """What waits in a queue; None where there is no such queue.

    Args:
        connection: how AWS is reached.
        queue: its name.
    """
    sqs: Any = client(connection, "sqs")
    with told(f"looking for the queue {queue} (sqs:GetQueueUrl)", connection):
        try:
            url = text(sqs.get_queue_url(QueueName=queue)["QueueUrl"])
        except ClientError as error:
            if "NonExistentQueue" in code(error) or "QueueDoesNotExist" in code(error):
                return None
            raise
    with told(f"counting what waits in {queue} (sqs:GetQueueAttributes)", connection):
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
        return Waiting(*(int(found[name]) for name in _COUNTS))
