#!/usr/bin/env python
"""Runs a flow as a plain process: run-flow flow.py:function '{"parameter": 1}'

Takes the flow's entrypoint, relative to the working directory, and its parameters as a JSON object. Where no Prefect
API is set, an embedded one keeps the run, in PREFECT_HOME. Gives the run's log on stderr and an exit code: 0 the run
completed, 1 it did not, or the flow's file cannot be imported, 2 it could not be started as asked, 130 and 143 for
Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import inspect
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from prefect import Flow

# Read by Prefect when it is imported, which is why it is imported later, inside the functions.
SETTINGS = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # its default of 20 is short for a busy machine
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


class CannotStartError(Exception):
    """The run cannot be started as asked; the text says why in one line."""


def main(arguments: list[str]) -> int:
    """The process's exit code, after the flow named by the arguments has run."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    signal.signal(signal.SIGTERM, terminated)
    try:
        entrypoint, parameters = read_arguments(arguments)
        flow = load(entrypoint)
        check_parameters(flow, parameters)
        return run(flow, parameters)
    except CannotStartError as exc:
        say(str(exc))
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def read_arguments(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """The entrypoint and the parameters."""
    if len(arguments) not in (1, 2):
        raise CannotStartError("usage: run-flow flow.py:function ['{\"parameter\": 1}']")
    entrypoint, text = arguments[0], (arguments[1] if len(arguments) == 2 else "") or "{}"
    try:
        parameters = json.loads(text)
    except ValueError as exc:
        raise CannotStartError(f"the parameters are not JSON ({exc}): {text}") from exc
    if not isinstance(parameters, dict):
        raise CannotStartError(f'the parameters must be a JSON object such as {{"table": "weather"}}, not: {text}')
    return entrypoint, parameters


def load(entrypoint: str) -> Flow[..., Any]:
    """The flow, by importing its file. An exception of the file's own keeps its traceback and ends the process."""
    path, _, name = entrypoint.rpartition(":")
    if not path.endswith(".py") or not name:
        raise CannotStartError(f"the entrypoint must look like flow.py:function, not: {entrypoint}")
    if not Path(path).is_file():
        raise CannotStartError(f"there is no file {path} in {Path.cwd()}")

    from prefect.exceptions import MissingFlowError, ScriptError
    from prefect.flows import load_flow_from_entrypoint

    try:
        return load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    except MissingFlowError as exc:
        raise CannotStartError(f"{path} has no function {name} decorated with @flow") from exc
    except ScriptError as exc:
        traceback.print_exception(exc.user_exc)
        say(f"{path} cannot be imported")
        sys.exit(1)


def check_parameters(flow: Flow[..., Any], parameters: dict[str, Any]) -> None:
    """Refuses parameters that the flow's signature does not take, before a run is made of them."""
    from prefect.exceptions import ParameterTypeError

    try:
        inspect.signature(flow.fn).bind(**parameters)
        with quiet_prefect():  # it would log the values as well
            flow.validate_parameters(parameters)
    except (TypeError, ParameterTypeError) as exc:
        reason = " ".join(str(exc).split()).removeprefix("Flow run received invalid parameters: - ")
        raise CannotStartError(f"the parameters do not fit the flow {flow.name}: {reason}") from exc


def run(flow: Flow[..., Any], parameters: dict[str, Any]) -> int:
    """0 or 1. The run's log, and the traceback of a flow that raises, are printed by Prefect."""
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME

    if not PREFECT_API_URL.value():
        say(f"starting an embedded Prefect API, which keeps the run in {PREFECT_HOME.value()}")
        start_embedded_api()
    state: Any = flow(**parameters, return_state=True)
    if inspect.isawaitable(state):
        state = asyncio.run(as_coroutine(state))
    return 0 if state.is_completed() else 1


def start_embedded_api() -> None:
    """Starts Prefect's own embedded API, as the run would, but so that it outlives a Ctrl-C.

    A Ctrl-C reaches every process of the terminal. An API that it stops costs the run a minute of retries, and the
    run's state is lost.
    """
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with quiet_prefect():
            server.start()
        atexit.register(logging.disable, logging.INFO)  # the API is stopped at exit, without a word
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextlib.contextmanager
def quiet_prefect() -> Iterator[None]:
    """Nothing is logged meanwhile."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def say(text: str) -> None:
    """A line beside the run's log."""
    sys.stderr.write(f"run-flow: {text}\n")


async def as_coroutine(awaitable: Any) -> Any:
    return await awaitable


def terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM ends the process as `exit` does, so that the embedded API is stopped too."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
