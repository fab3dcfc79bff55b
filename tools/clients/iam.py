"""IAM: whether a role is there, and who may take it. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.clients.aws import client, code, told
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient


class Iam:
    """The roles of an account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client: IAMClient = client(connection, "iam")

    def trust(self, role: str) -> Mapping[str, Any] | None:
        """The document that says who may take a role; None where there is no such role.

        Args:
            role: its name or its ARN.
        """
        name = role.rpartition("/")[2]
        with told(f"looking for the role {name} (iam:GetRole)", self._connection):
            try:
                found: Any = self._client.get_role(RoleName=name)["Role"]
            except ClientError as error:
                if code(error) == "NoSuchEntity":
                    return None
                raise
            document = found["AssumeRolePolicyDocument"]
            if not isinstance(document, dict):
                raise TypeError("no document")
            return document
