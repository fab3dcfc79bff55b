"""The Parameter Store: reads an environment's settings, and asks which secrets exist. Never writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tools.clients.aws import config, session, told
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterStringFilterTypeDef

_FILTER_VALUES = 50
"""How many values a filter of ssm:DescribeParameters takes."""


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
    """Which of these parameters do not exist. Asked in a way that cannot read a value.

    Args:
        connection: how AWS is reached.
        names: full paths.
    """
    wanted = sorted(set(names))
    found: set[str] = set()
    if not wanted:
        return []
    pages = _client(connection).get_paginator("describe_parameters")
    for start in range(0, len(wanted), _FILTER_VALUES):
        named: ParameterStringFilterTypeDef = {
            "Key": "Name",
            "Option": "Equals",
            "Values": wanted[start : start + _FILTER_VALUES],
        }
        with told("looking for the secrets' parameters (ssm:DescribeParameters)", connection):
            for page in pages.paginate(ParameterFilters=[named]):
                found |= {item["Name"] for item in page["Parameters"]}
    return [name for name in wanted if name not in found]
