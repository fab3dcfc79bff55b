"""The Parameter Store: reads an environment's settings, and asks which secrets exist. Never writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tools.clients.aws import config, session, told
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient


def _client(connection: Connection) -> SSMClient:
    return session(connection).client("ssm", endpoint_url=connection.endpoint, config=config(connection))


def tree(connection: Connection, path: str) -> dict[str, str]:
    """The parameters directly below a path, decrypted: the last part of each name -> value.

    Args:
        connection: how AWS is reached.
        path: e.g. `/DataFlows/Dev`.
    """
    found: dict[str, str] = {}
    with told(f"reading the parameters below {path} (ssm:GetParametersByPath)", connection):
        pages = _client(connection).get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
        for page in pages:
            for parameter in page["Parameters"]:
                found[parameter["Name"].rsplit("/", 1)[1]] = parameter["Value"]
    return found


def missing(connection: Connection, names: Iterable[str]) -> list[str]:
    """Which of these parameters do not exist. Values are not decrypted and not looked at.

    Args:
        connection: how AWS is reached.
        names: full paths.
    """
    wanted = sorted(set(names))
    absent: list[str] = []
    if not wanted:
        return absent
    client = _client(connection)
    for start in range(0, len(wanted), 10):  # the API's limit for one call
        with told("looking for the secrets' parameters (ssm:GetParameters)", connection):
            absent += client.get_parameters(Names=wanted[start : start + 10])["InvalidParameters"]
    return absent
