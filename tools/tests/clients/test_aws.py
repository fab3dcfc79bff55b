"""Whose credentials these are and what time it is, by an emulator of AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tools.clients import aws
from tools.clients.aws import Caller
from tools.errors import NotAllowedError
from tools.settings import Connection
from tools.tests.proxy import Proxy, Reply

REFUSED = b"<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>"


def answering(code: bytes, **headers: str) -> Proxy:
    """One who refuses every request."""
    return Proxy(None, before=lambda _: Reply(403, REFUSED % code, {"content-type": "text/xml", **headers}))


def test_the_caller_is_told_with_its_arn(ministack: Connection) -> None:
    assert aws.caller(ministack) == Caller("000000000000", "aws", "arn:aws:iam::000000000000:root")


def test_the_time_is_told_also_to_those_whose_credentials_are_refused(ministack: Connection) -> None:
    there = aws.server_time(ministack)
    assert there
    assert abs(datetime.now(UTC) - there) < timedelta(seconds=30)
    with answering(b"MissingAuthenticationToken").serving() as port:
        there = aws.server_time(Connection("us-east-1", f"http://127.0.0.1:{port}"))
    assert there
    assert abs(datetime.now(UTC) - there) < timedelta(seconds=30)


def test_what_may_not_be_done_names_the_permission() -> None:
    with answering(b"AccessDenied").serving() as port:
        connection = Connection("us-east-1", f"http://127.0.0.1:{port}")
        with pytest.raises(NotAllowedError) as raised:
            aws.caller(connection)

    assert raised.value.action == "sts:GetCallerIdentity"
