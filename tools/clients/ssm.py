"""The Parameter Store: reads an environment's settings, and asks which secrets exist. Never writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tools.clients.aws import client, text, told
from tools.clients.bounds import finite
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient


def tree(connection: Connection, path: str) -> dict[str, str]:
    """The parameters directly below a path, decrypted: the last part of each name -> value.

    Args:
        connection: how AWS is reached.
        path: e.g. `/DataFlows/Dev`.
    """
    found: dict[str, str] = {}
    doing = f"reading the parameters below {path} (ssm:GetParametersByPath)"
    with told(doing, connection):
        ssm: SSMClient = client(connection, "ssm")
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
        for page in finite(pages, doing):
            for parameter in page["Parameters"]:
                found[parameter["Name"].rsplit("/", 1)[1]] = text(parameter["Value"])
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
    ssm: SSMClient = client(connection, "ssm")
    for start in range(0, len(wanted), 10):  # the API's limit for one call
        with told("looking for the secrets' parameters (ssm:GetParameters)", connection):
            absent += map(text, ssm.get_parameters(Names=wanted[start : start + 10])["InvalidParameters"])
    return absent
