"""Clients of AWS or its emulator, and the one place where botocore's exceptions become the tooling's."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    TokenRetrievalError,
)
from botocore.loaders import Loader, create_loader
from botocore.parsers import ResponseParserError
from botocore.session import get_session
from pydantic import TypeAdapter

from tools.clients import bounds
from tools.errors import NotAllowedError, PassingError, RemoteError, ToolsError, UserError
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_sts.client import STSClient

PARALLEL = 8
"""Requests under way at once; botocore's work is CPU, so more threads gain nothing."""

_LOGIN = "log in (aws sso login, or AWS_PROFILE and friends) and run this again"
_LOOK_AT = "look at AWS_REGION, AWS_ENDPOINT_URL, HTTP_PROXY and HTTPS_PROXY"
_NOWHERE = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_LOST = (ConnectionClosedError, ReadTimeoutError, HTTPClientError)
_ACTION = re.compile(r"\(([a-z0-9-]+:\w+)\)$")
"""How what is being done names the permission for it."""
_MAKING = Lock()
"""Making a client is not safe in threads, using it is."""
_THROTTLED = re.compile(r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|BandwidthLimit|RequestTimeout")

text = TypeAdapter(str).validate_python
"""What of an answer must be a text: botocore does not look."""


def session(connection: Connection) -> boto3.Session:
    """A session for a connection; with an emulator it has keys that are worth nothing elsewhere.

    Raises:
        UserError: what this machine says of AWS cannot be read.
    """
    try:
        core = get_session()
        core.register_component("data_loader", _models())
        return boto3.Session(
            botocore_session=core,
            region_name=connection.region,
            aws_access_key_id=connection.key,
            aws_secret_access_key=connection.key,
        )
    except ProfileNotFound as error:
        raise UserError(f"AWS: {error}", "unset AWS_PROFILE, or add the profile to ~/.aws/config") from error
    except (BotoCoreError, ValueError) as error:
        raise UserError(f"AWS: {bounds.shown(error)}", "mend ~/.aws/config and ~/.aws/credentials") from error


@cache
def _models() -> Loader:
    """What botocore knows of the services; reading it once for each client takes longer than most requests."""
    return create_loader()


def has_credentials(connection: Connection) -> bool:
    """Whether this machine has credentials at all, be they good or not.

    Raises:
        UserError: what this machine says of AWS cannot be read.
    """
    with told("looking for credentials", connection):
        return session(connection).get_credentials() is not None


def client(connection: Connection, service: str, *, patient: bool = True, signed: bool = True) -> Any:
    """A client of a service: bounded, so that nothing hangs; botocore itself tries nothing again.

    Args:
        connection: how AWS is reached.
        service: e.g. `ecs`.
        patient: whether requests are tried again where they may be; not for writes that must not be repeated blindly.
        signed: whether requests bear the credentials.

    Raises:
        UserError: what this machine says of AWS is of no use.
    """
    settings = Config(
        connect_timeout=bounds.CONNECT_SECONDS,
        read_timeout=bounds.READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=PARALLEL * 2,
        signature_version=None if signed else UNSIGNED,
    )
    try:
        with _MAKING:
            ours: Any = session(connection)
            made = ours.client(service, endpoint_url=connection.endpoint, config=settings)
    except (BotoCoreError, ValueError) as error:
        hint = "mend ~/.aws/config, or the variables that begin with AWS_"
        raise UserError(f"AWS: {bounds.shown(error)}", hint) from error
    pools = made._endpoint.http_session._pool_classes_by_scheme  # there is no other way to them
    pools.update({scheme: bounds.bounded(pool) for scheme, pool in pools.items()})
    if patient:
        made.meta.events.register("before-call", _begin)
        made.meta.events.register("needs-retry", _wait)
    return made


def _begin(context: dict[str, Any], **_: Any) -> None:
    context["data-flows-begun"] = time.monotonic()


def _wait(
    response: Any, caught_exception: Exception | None, attempts: int, request_dict: dict[str, Any], **_: Any
) -> float | None:
    """botocore asks after each try: seconds until the next one, None where there is none."""
    if caught_exception is None and response[0].status_code >= 300:
        caught_exception = ClientError(response[1], "")
    failed = passing(caught_exception, "") if caught_exception else None
    if not isinstance(failed, PassingError):
        return None
    return bounds.pause(attempts, request_dict["context"]["data-flows-begun"], failed.tries, failed.after)


@contextmanager
def told(doing: str, connection: Connection) -> Iterator[None]:
    """Maps what botocore raises while `doing` something, and what reading an answer of another shape raises.

    Raises:
        UserError: credentials are missing, or this machine's settings are of no use.
        PassingError: trying again may help; the request may have taken effect.
        RemoteError: AWS refused or did not answer.
    """
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, TokenRetrievalError, CredentialRetrievalError) as error:
        raise UserError(f"AWS: no usable credentials for {doing}: {bounds.shown(error)}", _LOGIN) from error
    except SSLError as error:
        why = bounds.shown(error)
        raise UserError(
            f"AWS: no trusted connection for {doing}: {why}", bounds.certificates("AWS_CA_BUNDLE")
        ) from error
    except (ClientError, *_NOWHERE, *_LOST) as error:
        raise passing(error, doing, connection) from error
    except BotoCoreError as error:
        raise RemoteError(f"AWS: {doing} failed: {bounds.shown(error)}") from error
    except (ResponseParserError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        place = connection.endpoint or f"AWS in {connection.region}"
        raise PassingError(
            f"what answers as {place} is no AWS ({doing} gave an answer of another shape)", _LOOK_AT
        ) from error


def passing(error: Exception, doing: str, connection: Connection | None = None) -> ToolsError:
    """The tooling's error for botocore's: a PassingError where trying again may help."""
    if isinstance(error, ClientError):
        return _refused(error, doing)
    inner = error.kwargs.get("error") if isinstance(error, HTTPClientError) else None
    if isinstance(inner, ToolsError):
        return inner
    refused = connection and connection.endpoint and "refused" in str(error).lower()
    if isinstance(error, _NOWHERE) or refused:
        found = unreachable(connection, doing) if connection else RemoteError("")
        if isinstance(found, UserError):
            return found
        return PassingError(found.message, found.hint, tries=bounds.ABSENT)
    if isinstance(error, _LOST):
        return PassingError(f"AWS: no reply to {doing}: {bounds.shown(error)}", "run this again", tries=bounds.LOST)
    return RemoteError(str(error))


def unreachable(connection: Connection, doing: str) -> ToolsError:
    """The error for an AWS that cannot be reached: a region that is none has no address."""
    if connection.endpoint:
        return RemoteError(
            f"the AWS emulator does not answer at {connection.endpoint} ({doing})",
            "start the local cloud: make up",
        )
    if connection.region not in (known := regions()):
        near = difflib.get_close_matches(connection.region, known, 1)
        hint = f"did you mean {near[0]}? AWS_REGION={near[0]}" if near else "AWS_REGION must be one that has ECS"
        return UserError(f"AWS does not answer in {connection.region}, and no region of that name is known", hint)
    return RemoteError(f"AWS does not answer in {connection.region} ({doing})", "check the network and AWS_REGION")


def regions() -> list[str]:
    """The regions that have ECS, as far as botocore knows."""
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
    found, answer = code(error), error.response.get("ResponseMetadata", {})
    status = answer.get("HTTPStatusCode", 0)
    # AWS quotes what it was sent below the first line, a session's token included.
    said = str(error.response.get("Error", {}).get("Message") or found).strip().partition("\n")[0]
    message = bounds.shown(said)
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
        needs = _ACTION.search(doing)
        return NotAllowedError(
            f"AWS does not allow {doing}: {message}",
            "ask for the missing permission, named above",
            action=needs[1] if needs else "",
        )
    if 300 <= status < 400:
        return RemoteError(
            f"what answers to {doing} sends it on to another place ({status}), which is not followed",
            _LOOK_AT,
        )
    if status >= 500 or status == 429 or _THROTTLED.search(found):
        after = bounds.retry_after(answer.get("HTTPHeaders", {}))
        busy = bounds.BUSY if status > 500 else bounds.THROTTLED
        tries = bounds.LOST if status == 500 else busy
        asks = bounds.asks(after)
        return PassingError(
            f"AWS refused {doing}{asks}: {found}: {message}", "run this again", tries=tries, after=after
        )
    return RemoteError(f"AWS refused {doing}: {found}: {message}")


@dataclass(frozen=True)
class Caller:
    """Whose credentials these are."""

    account: str
    partition: str
    arn: str = ""


def caller(connection: Connection) -> Caller:
    """Asks AWS whose credentials these are."""
    with told("asking whose credentials these are (sts:GetCallerIdentity)", connection):
        sts: STSClient = client(connection, "sts")
        answer = sts.get_caller_identity()
        arn = text(answer["Arn"])
        return Caller(text(answer["Account"]), arn.split(":")[1], arn)


def server_time(connection: Connection) -> datetime | None:
    """What AWS's clock says, whosever credentials these are; None where the answer does not tell."""
    doing = "asking what time it is (sts:GetCallerIdentity)"
    with told(doing, connection):
        sts: STSClient = client(connection, "sts", signed=False)
        try:
            answer: Any = sts.get_caller_identity()
        except ClientError as error:  # without credentials it is refused, with the time
            answer = error.response
            if answer["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
                raise
        return bounds.http_date(text(answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")))


def check_account(connection: Connection, expected: str) -> Caller:
    """Makes sure that the credentials belong to the environment's account, before anything is read or written.

    Raises:
        UserError: they belong to another account.
    """
    found = caller(connection)
    check_caller(found, expected)
    return found


def check_caller(found: Caller, expected: str) -> None:
    """The same, where it is known already whose credentials these are."""
    if found.account != expected:
        raise UserError(
            f"the AWS credentials belong to account {found.account}; the environment's AWS_ACCOUNT_ID is {expected}",
            "switch profile (AWS_PROFILE), or mend AWS_ACCOUNT_ID",
        )
