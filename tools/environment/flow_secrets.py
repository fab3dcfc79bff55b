"""The secrets of flows, by the names that their service.toml gives them: where each lies, and one in `.env`.

No value is shown.
"""

from __future__ import annotations

from pathlib import Path

from dotenv import set_key

from tools.errors import UserError
from tools.model import names
from tools.model.service import Service
from tools.settings import LOCAL, dotenv_environment

_MOST_BYTES = 4096
"""What a parameter of the Parameter Store's standard tier holds."""


def parameter(service: Service, environment: str, name: str) -> str:
    """The full path of the parameter from which a flow's tasks get a variable.

    Raises:
        UserError: its service.toml declares no such secret for the environment.
    """
    declared = service.ecs_run(environment).secrets
    if name not in declared:
        there = f"it declares {', '.join(sorted(declared))}" if declared else "it declares none"
        raise UserError(
            f"services/{service.name}/service.toml has no secret {name} in {environment}; {there}",
            f'under [ecs_run]: secrets = {{ {name} = "{name}" }}',
        )
    return f"{names.parameters(environment)}/{service.name}/{declared[name]}"


def check(name: str, value: str) -> None:
    """Checks what is to be stored.

    Raises:
        UserError: no variable or no parameter can hold it.
    """
    if "\0" in value or len(value.encode("utf-8", "surrogateescape")) > _MOST_BYTES:
        raise UserError(f"{name} has a NUL or more than {_MOST_BYTES} bytes", "nothing was stored; run this again")


def store_in_dotenv(dotenv: Path, name: str, value: str) -> None:
    """Writes a variable to `.env`, over what it said; the rest of the file stays. Only its owner can read it then.

    Raises:
        UserError: the file speaks for another environment or cannot be written, or could not give the value back.
    """
    if "${" in value or "\\" in value:
        raise UserError(f"{name} holds a backslash or ${{, which .env gives back otherwise", f"export {name} instead")
    if dotenv_environment(dotenv) != LOCAL:
        raise UserError(
            f"{dotenv} speaks for {dotenv_environment(dotenv)}, not for {LOCAL}",
            f"take ENVIRONMENT out of it, or export {name} instead",
        )
    try:
        if not dotenv.exists():
            dotenv.touch(0o600)
        dotenv.chmod(0o600)
        set_key(dotenv, name, value)
    except OSError as error:
        raise UserError(f"{dotenv} cannot be written: {error.strerror}", f"mend that, or export {name}") from error
