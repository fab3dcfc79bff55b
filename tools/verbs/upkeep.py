"""The verbs that keep the repository right: compose, lock, schema, check."""

from __future__ import annotations

from typing import assert_never

from tools.arguments import Check, Lock, ShowSchema, Upkeep, WriteComposeFile
from tools.desired.discover import services
from tools.errors import UserError
from tools.local.check import checks
from tools.local.compose_file import write
from tools.local.requirements import all_locks, compile_lock, locks_of
from tools.model.service import Declaration
from tools.repository import ROOT
from tools.show.terminal import complain, print_json, tell


def run(arguments: Upkeep) -> int:
    """Carries one of them out."""
    match arguments:
        case WriteComposeFile():
            changed = write(ROOT, services(ROOT))
            tell("compose/flows.yaml " + ("written" if changed else "is in step with services/"))
            return 0
        case Lock():
            return _lock(arguments)
        case ShowSchema():
            print_json(Declaration.model_json_schema())
            return 0
        case Check():
            return _check()
        case _:
            assert_never(arguments)


def _lock(arguments: Lock) -> int:
    code = 0
    for lock in locks_of(ROOT, arguments.names) if arguments.names else all_locks(ROOT):
        try:
            changed = compile_lock(lock, upgrade=arguments.upgrade)
        except UserError as error:
            complain(error)
            code = error.exit_code
        else:
            tell(f"{lock.path.relative_to(ROOT)}: {'written' if changed else 'unchanged'}")
    return code


def _check() -> int:
    failed = 0
    for name, problems in checks(ROOT):
        tell(f"{name}: {'ok' if not problems else ''}")
        for problem in problems:
            tell(f"  {problem}")
        failed += bool(problems)
    return UserError.exit_code if failed else 0
