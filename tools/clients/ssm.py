"""The Parameter Store: an environment's settings, which secrets exist, which environment a branch deploys to."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tools.clients.aws import client, code, text, told
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
    return _below(connection, path, deep=False)


def deep_tree(connection: Connection, path: str) -> dict[str, str]:
    """All parameters below a path, decrypted: the rest of each name -> value.

    Args:
        connection: how AWS is reached.
        path: e.g. `/DataFlows/branches`.
    """
    return _below(connection, path, deep=True)


def value(connection: Connection, name: str) -> str | None:
    """What a parameter that is no secret says; None where there is none.

    Args:
        connection: how AWS is reached.
        name: its full path.
    """
    ssm: SSMClient = client(connection, "ssm")
    with told(f"reading the parameter {name} (ssm:GetParameter)", connection):
        try:
            return text(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ClientError as error:
            if code(error) == "ParameterNotFound":
                return None
            raise


def put(connection: Connection, name: str, value: str, *, secret: bool = False) -> None:
    """Writes a parameter, over what it said.

    Args:
        connection: how AWS is reached.
        name: its full path.
        value: what it is to say.
        secret: whether it is kept encrypted.
    """
    ssm: SSMClient = client(connection, "ssm")
    with told(f"writing the parameter {name} (ssm:PutParameter)", connection):
        answer = ssm.put_parameter(Name=name, Value=value, Type="SecureString" if secret else "String", Overwrite=True)
        operator.index(answer["Version"])


def remove(connection: Connection, name: str) -> None:
    """Deletes a parameter. One that is gone already is done.

    Args:
        connection: how AWS is reached.
        name: its full path.
    """
    ssm: SSMClient = client(connection, "ssm")
    with told(f"deleting the parameter {name} (ssm:DeleteParameters)", connection):
        answer = ssm.delete_parameters(Names=[name])
        text([*answer["DeletedParameters"], *answer["InvalidParameters"]][0])


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


def names_below(connection: Connection, path: str) -> list[str]:
    """The full paths of all parameters below a path. Asked in a way that cannot read a value.

    Args:
        connection: how AWS is reached.
        path: e.g. `/DataFlows`.
    """
    ssm: SSMClient = client(connection, "ssm")
    doing = f"listing the parameters below {path} (ssm:DescribeParameters)"
    below: ParameterStringFilterTypeDef = {"Key": "Path", "Option": "Recursive", "Values": [path]}
    with told(doing, connection):
        pages = ssm.get_paginator("describe_parameters").paginate(ParameterFilters=[below])
        return sorted(text(item["Name"]) for page in finite(pages, doing) for item in page["Parameters"])


def _below(connection: Connection, path: str, *, deep: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    doing = f"reading the parameters below {path} (ssm:GetParametersByPath)"
    with told(doing, connection):
        ssm: SSMClient = client(connection, "ssm")
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True, Recursive=deep)
        for page in finite(pages, doing):
            for parameter in page["Parameters"]:
                found[parameter["Name"].removeprefix(f"{path}/")] = text(parameter["Value"])
    return found
