"""The forms of single values in service.toml: what a name, a cron, a parameter or an environment variable may be.

Takes a value, gives it back or raises ValueError saying what was found and what is allowed. Never looks at more than
one value or one table: what must hold between them stands in `service`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    StrictInt,
    StrictStr,
)

from tools.model import timing
from tools.model.rules import Between, Form, refuse, rule
from tools.model.secrets import secrets_in

#: Set by the release itself, by the worker or by the ECS agent.
_RESERVED_ENV = re.compile(
    r"DATA_FLOWS_|ECS_|AWS_CONTAINER_|PREFECT_API_|AWS_SECRET_"
    r"|AWS_(DEFAULT_REGION|REGION|ACCESS_KEY_ID|SESSION_TOKEN)$"
)
_MAX_PART, _MAX_PATH, _MAX_NESTED = 255, 1000, 60
_MIN_SECONDS, _MAX_SECONDS = 24 * 3600 // timing.MOST_A_DAY, 366 * 24 * 3600


def reserved(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The variables among `names` that a service cannot set, each with the reason."""
    return ((name, "is set by the platform; it cannot be set here") for name in names if _RESERVED_ENV.match(name))


def _json_only(value: Any, depth: int = 0) -> Any:
    """Refuses what TOML can say and JSON cannot: dates, times, NaN and infinity; and what nests without end."""
    if depth > _MAX_NESTED:
        raise ValueError(f"it is nested more than {_MAX_NESTED} deep")
    if isinstance(value, Mapping):
        return {key: _json_only(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_only(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form; a parameter is a JSON value")
    if value is not None and not isinstance(value, str | int | float | bool):
        raise ValueError(
            f"{value} is a {type(value).__name__}; a parameter is a JSON value: write it as text in quotes"
        )
    return value


def _no_secrets(parameters: dict[str, Any]) -> dict[str, Any]:
    readable = "looks like a secret, and parameters are readable; name a parameter for it under ecs_run.secrets"
    refuse("parameters", ((path, readable) for path in secrets_in(parameters)))
    return parameters


def _no_secret_words(command: tuple[str, ...]) -> tuple[str, ...]:
    readable = "looks like a secret, and a command is readable; name a parameter for it under ecs_run.secrets"
    refuse("command", ((path, readable) for path in secrets_in(command)))
    return command


def _text(value: Any) -> Any:
    """Environment values are text in a container, and TOML's `true` or `1.0` have more than one spelling as text."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text; write it in quotes")
    return value


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError(f"{value!r} has a NUL; no environment variable can hold one")
    return value


def _entrypoint(value: str) -> str:
    if not re.fullmatch(r"(?!/)(?!.*\.\.)[\w./-]+\.py:[A-Za-z_]\w*", value):
        raise ValueError(f"{value!r} is not of the form FILE.py:FUNCTION with FILE inside the service's directory")
    inside_path(value.partition(":")[0])
    return value


def inside_path(value: str) -> str:
    """Gives a path below a service's directory back.

    Raises:
        ValueError: it is none.
    """
    if Path(value).is_absolute() or ".." in Path(value).parts or not value.strip() or not value.isprintable():
        raise ValueError(f"{value!r} is not a path inside the service's directory")
    if max(len(part.encode()) for part in Path(value).parts) > _MAX_PART or len(value) > _MAX_PATH:
        raise ValueError(f"it has {len(value)} characters; no system has files of such a name")
    return value


def _not_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("it is empty; leave it out to start the flow as Prefect does")
    return value


def _moment_text(value: object) -> object:
    """TOML has moments of its own; a text of the same form says the same."""
    return value.isoformat() if isinstance(value, date) else value


Entrypoint = Annotated[StrictStr, rule(_entrypoint)]
InsidePath = Annotated[StrictStr, rule(inside_path)]
Cron = Annotated[StrictStr, rule(timing.cron)]
Seconds = Annotated[StrictInt, Between(_MIN_SECONDS, _MAX_SECONDS)]
RRule = Annotated[StrictStr, rule(timing.rrule)]
Anchor = Annotated[StrictStr, BeforeValidator(lambda value: _moment_text(value)), rule(timing.anchor)]
Timezone = Annotated[StrictStr, rule(timing.timezone)]
Json = Annotated[Any, BeforeValidator(lambda value: _json_only(value))]
Parameters = Annotated[dict[str, Json], rule(_no_secrets)]
Command = Annotated[tuple[StrictStr, ...], rule(_not_empty), rule(_no_secret_words)]
EnvName = Annotated[
    StrictStr, Form(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name: letters a-z, digits and _, no digit first")
]
EnvValue = Annotated[str, BeforeValidator(_text), rule(_no_nul)]
SecretName = Annotated[
    StrictStr, Form(r"[A-Za-z0-9_.-]+", "the last part of a parameter's name: letters a-z, digits and _ . -")
]
RoleName = Annotated[
    StrictStr,
    Form(
        r"(arn:[a-z-]+:iam::[0-9]{12}:role/)?[A-Za-z0-9_+=,.@/-]{1,128}", "the name or the ARN (arn:…:role/…) of a role"
    ),
]
Slug = Annotated[
    StrictStr,
    Form(
        r"(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*",
        "a slug: small letters a-z and digits, words joined by single dashes, at most 64 characters",
    ),
]
DeploymentName = Annotated[
    StrictStr,
    Form(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}",
        "a deployment's name: letters a-z, digits and _ . -, beginning with a letter or digit, at most 100 characters",
    ),
]
EnvironmentName = Annotated[
    StrictStr,
    Form(
        r"[A-Za-z][A-Za-z0-9]{0,31}",
        "an environment's name: letters a-z and digits, beginning with a letter, at most 32 characters",
    ),
]
