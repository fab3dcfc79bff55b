"""SQS as the doctor relies on it, on two emulators."""

from __future__ import annotations

import pytest

from tools.clients import sqs
from tools.model.events import Waiting
from tools.settings import Connection
from tools.tests.samples import unique
from tools.tests.servers import EMULATORS
from tools.tests.standing import Standing


@pytest.mark.parametrize("emulator", EMULATORS)
def test_what_waits_and_what_is_being_read_is_counted_and_nothing_is_taken(
    emulator: str, request: pytest.FixtureRequest
) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    client, name = Standing(connection, "any").client("sqs"), unique("queue")
    url = client.create_queue(QueueName=name)["QueueUrl"]
    for number in range(3):
        client.send_message(QueueUrl=url, MessageBody=str(number))
    client.receive_message(QueueUrl=url, MaxNumberOfMessages=1)

    assert sqs.waiting(connection, name) == sqs.waiting(connection, name) == Waiting(2, 1)
    assert sqs.waiting(connection, unique("never")) is None
