"""Sessions with AWS or its emulator, and the one place where botocore's exceptions become the tooling's."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    TokenRetrievalError,
)

from tools.errors import RemoteError, ToolsError, UserError
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_sts.client import STSClient

PARALLEL = 8
"""Requests under way at once; botocore's work is CPU, so more threads gain nothing."""

_LOGIN = "log in (aws sso login, or AWS_PROFILE and friends) and run this again"
_LOST = (ConnectionClosedError, ReadTimeoutError, HTTPClientError)


class LostReplyError(RemoteError):
    """A request was sent and its reply did not come: whether it took effect has to be read."""


def session(connection: Connection) -> boto3.Session:
    """A session for a connection; with an emulator it has keys that are worth nothing elsewhere."""
    try:
        return boto3.Session(
            region_name=connection.region,
            aws_access_key_id=connection.key,
            aws_secret_access_key=connection.key,
        )
    except ProfileNotFound as error:
        raise UserError(f"AWS: {error}", "unset AWS_PROFILE, or add the profile to ~/.aws/config") from error


def config(connection: Connection, attempts: int = 5) -> Config:
    """Time-outs and retries of every client: bounded, so that nothing hangs.

    Args:
        connection: an emulator is on this machine, and does not answer later if it does not answer now.
        attempts: tries in all; 1 for writes that must not be repeated blindly.
    """
    return Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": min(attempts, 2) if connection.endpoint else attempts},
        max_pool_connections=PARALLEL * 2,
    )


@contextmanager
def told(doing: str, connection: Connection) -> Iterator[None]:
    """Maps what botocore raises while `doing` something.

    Raises:
        UserError: credentials are missing.
        LostReplyError: the request may have taken effect.
        RemoteError: AWS refused or did not answer.
    """
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, TokenRetrievalError) as error:
        raise UserError(f"AWS: no usable credentials for {doing}: {error}", _LOGIN) from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise unreachable(connection, doing) from error
    except ClientError as error:
        raise _refused(error, doing) from error
    except _LOST as error:
        if connection.endpoint and "refused" in str(error).lower():
            raise unreachable(connection, doing) from error
        raise LostReplyError(f"AWS: no reply to {doing}: {error}", "run this again") from error
    except BotoCoreError as error:
        raise RemoteError(f"AWS: {doing} failed: {error}") from error


def unreachable(connection: Connection, doing: str) -> ToolsError:
    """The error for an AWS that cannot be reached: a region that is none has no address."""
    if connection.endpoint:
        return RemoteError(
            f"the AWS emulator does not answer at {connection.endpoint} ({doing})",
            "start the local cloud: make up",
        )
    if connection.region not in (known := _regions()):
        near = difflib.get_close_matches(connection.region, known, 1)
        hint = f"did you mean {near[0]}? AWS_REGION={near[0]}" if near else "AWS_REGION must be one that has ECS"
        return UserError(f"AWS does not answer in {connection.region}, and no region of that name is known", hint)
    return RemoteError(f"AWS does not answer in {connection.region} ({doing})", "check the network and AWS_REGION")


def _regions() -> list[str]:
    found = boto3.Session()
    return [
        region
        for partition in found.get_available_partitions()
        for region in found.get_available_regions("ecs", partition)
    ]


def code(error: ClientError) -> str:
    """The error code of a refusal, e.g. `RepositoryNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: ClientError, doing: str) -> ToolsError:
    found = code(error)
    message = str(error.response.get("Error", {}).get("Message", "")) or found
    if found in (
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
    ):
        return RemoteError(f"AWS refused the credentials for {doing}: {message}", _LOGIN)
    if found in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"):
        return RemoteError(f"AWS does not allow {doing}: {message}", "ask for the missing permission, named above")
    return RemoteError(f"AWS refused {doing}: {found}: {message}")


@dataclass(frozen=True)
class Caller:
    """Whose credentials these are."""

    account: str
    partition: str


def caller(connection: Connection) -> Caller:
    """Asks AWS whose credentials these are."""
    with told("asking whose credentials these are (sts:GetCallerIdentity)", connection):
        sts: STSClient = session(connection).client("sts", endpoint_url=connection.endpoint, config=config(connection))
        answer = sts.get_caller_identity()
    return Caller(answer["Account"], answer["Arn"].split(":")[1])


def check_account(connection: Connection, expected: str) -> Caller:
    """Makes sure that the credentials belong to the environment's account, before anything is read or written.

    Raises:
        UserError: they belong to another account.
    """
    found = caller(connection)
    if found.account != expected:
        raise UserError(
            f"the AWS credentials belong to account {found.account}; the environment's AWS_ACCOUNT_ID is {expected}",
            "switch profile (AWS_PROFILE), or mend AWS_ACCOUNT_ID",
        )
    return found
