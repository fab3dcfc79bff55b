#!/usr/bin/env python
"""Runs a flow as a plain process: run-flow flow.py:function '{"parameter": 1}'

Takes the flow's entrypoint, relative to the working directory, and its parameters as a JSON object. Where PREFECT_API_URL
is unset the run is kept by an embedded Prefect API, in PREFECT_HOME. Gives the run's log on stderr and an exit code:
0 the run completed, 1 it did not, 2 it could not be started as asked, 130 and 143 for Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from prefect import Flow

# Read by Prefect when it is imported, which is why it is imported later, inside the functions.
SETTINGS = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # on a small or busy machine its default of 20 is not enough
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


class CannotStart(Exception):
    """The run cannot be started as asked; the text says why in one line."""


def main(arguments: list[str]) -> int:
    """The process's exit code, after the flow named by the arguments has run."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        entrypoint, parameters = read_arguments(arguments)
        flow = load(entrypoint)
        check_parameters(flow, parameters)
    except CannotStart as exc:
        print(f"run-flow: {exc}", file=sys.stderr)
        return 2
    return run(flow, parameters)


def read_arguments(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """The entrypoint and the parameters."""
    if len(arguments) not in (1, 2):
        raise CannotStart("usage: run-flow flow.py:function ['{\"parameter\": 1}']")
    entrypoint, text = arguments[0], (arguments[1] if len(arguments) == 2 else "") or "{}"
    try:
        parameters = json.loads(text)
    except ValueError as exc:
        raise CannotStart(f"the parameters are not JSON ({exc}): {text}") from exc
    if not isinstance(parameters, dict):
        raise CannotStart(f"the parameters must be a JSON object such as {{\"table\": \"weather\"}}, not: {text}")
    return entrypoint, parameters


def load(entrypoint: str) -> Flow[..., Any]:
    """The flow, by importing its file. An exception of the file's own keeps its traceback and ends the process."""
    path, _, name = entrypoint.rpartition(":")
    if not path.endswith(".py") or not name:
        raise CannotStart(f"the entrypoint must look like flow.py:function, not: {entrypoint}")
    if not Path(path).is_file():
        raise CannotStart(f"there is no file {path} in {Path.cwd()}")

    from prefect.exceptions import MissingFlowError, ScriptError
    from prefect.flows import load_flow_from_entrypoint

    try:
        return load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    except MissingFlowError as exc:
        raise CannotStart(f"{path} has no function {name} decorated with @flow") from exc
    except ScriptError as exc:
        traceback.print_exception(exc.user_exc)
        print(f"run-flow: {path} cannot be imported", file=sys.stderr)
        sys.exit(1)


def check_parameters(flow: Flow[..., Any], parameters: dict[str, Any]) -> None:
    """Refuses parameters that the flow's signature does not take, before a run is made of them."""
    from prefect.exceptions import ParameterBindError, ParameterTypeError, SignatureMismatchError

    try:
        inspect.signature(flow.fn).bind(**parameters)
        flow.validate_parameters(parameters)
    except (TypeError, ParameterBindError, ParameterTypeError, SignatureMismatchError) as exc:
        reason = " ".join(str(exc).split()).removeprefix("Flow run received invalid parameters: - ")
        raise CannotStart(f"the parameters do not fit the flow {flow.name}: {reason}") from exc


def run(flow: Flow[..., Any], parameters: dict[str, Any]) -> int:
    """The exit code of a run, whose log and traceback Prefect has printed."""
    signal.signal(signal.SIGTERM, terminated)
    try:
        state = flow(**parameters, return_state=True)
        if inspect.isawaitable(state):
            state = asyncio.run(as_coroutine(state))
    except KeyboardInterrupt:
        return 130
    return 0 if state.is_completed() else 1


async def as_coroutine(awaitable: Any) -> Any:
    return await awaitable


def terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM ends the process as `exit` does, so that the embedded API is stopped too."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
