"""argv -> verb -> exit code. The only catcher.

A verb's module is imported when the verb is asked for, so `list` and `--help` do not wait for any client's library.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn, assert_never

from tools import arguments as given
from tools.errors import ToolsError
from tools.show.terminal import complain

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb and gives the exit code: 0 done, 1 a remote system failed, 2 the user can mend it, 130 Ctrl-C."""
    signal.signal(signal.SIGTERM, _terminated)
    arguments = given.parse(argv)
    try:
        return _run(arguments)
    except ToolsError as error:
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; run it again to go on where it was", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has seen enough
        return 0


def _terminated(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _run(arguments: given.Arguments) -> int:
    """The verbs that need no environment, and by `_run_there` the others."""
    match arguments:
        case given.ListFlows() | given.RunFlow() | given.TestFlow() | given.ShowUi():
            from tools.verbs import flows

            return flows.run(arguments)
        case given.NewFlow() | given.RemoveFlow():
            from tools.verbs import authoring

            return authoring.run(arguments)
        case given.Up() | given.Down():
            from tools.verbs import cloud

            return cloud.run(arguments)
        case given.WriteComposeFile() | given.Lock() | given.ShowSchema() | given.Check():
            from tools.verbs import upkeep

            return upkeep.run(arguments)
        case _:
            return _run_there(arguments)


def _run_there(arguments: given.InEnvironment) -> int:
    match arguments:
        case given.Build() | given.Deploy():
            from tools.verbs import deploy

            return deploy.run(arguments)
        case given.Trigger() | given.ShowLogs():
            from tools.verbs import runs

            return runs.run(arguments)
        case given.ShowPlan() | given.ShowStatus() | given.ShowHistory() | given.Doctor():
            from tools.verbs import inspect

            return inspect.run(arguments)
        case given.Rollback() | given.Prune() | given.Unlock():
            from tools.verbs import undo

            return undo.run(arguments)
        case given.Bootstrap():
            from tools.verbs import bootstrap

            return bootstrap.run(arguments)
        case given.StoreSecret() | given.ListBranches() | given.SetBranch() | given.UnsetBranch():
            from tools.verbs import account

            return account.run(arguments)
        case _:
            assert_never(arguments)
