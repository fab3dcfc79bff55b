"""The Parameter Store: reads an environment's settings, and asks which secrets exist. Never writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tools.clients.aws import client, text, told
from tools.clients.bounds import finite
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterStringFilterTypeDef

_FILTER_VALUES = 50
"""How many values a filter of ssm:DescribeParameters takes."""


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
    """Which of these parameters do not exist. Asked in a way that cannot read a value.

    Args:
        connection: how AWS is reached.
        names: full paths.
    """
    wanted = sorted(set(names))
    found: set[str] = set()
    if not wanted:
        return []
    ssm: SSMClient = client(connection, "ssm")
    pages = ssm.get_paginator("describe_parameters")
    doing = "looking for the secrets' parameters (ssm:DescribeParameters)"
    for start in range(0, len(wanted), _FILTER_VALUES):
        named: ParameterStringFilterTypeDef = {
            "Key": "Name",
            "Option": "Equals",
            "Values": wanted[start : start + _FILTER_VALUES],
        }
        with told(doing, connection):
            for page in finite(pages.paginate(ParameterFilters=[named]), doing):
                found |= {text(item["Name"]) for item in page["Parameters"]}
    return [name for name in wanted if name not in found]
