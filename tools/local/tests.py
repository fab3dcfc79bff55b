"""The tests: a flow's own in its own environment, and all of them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from tools.errors import UserError
from tools.local.flow import Tell, call
from tools.local.venv import python
from tools.model.service import Service

FAST = Path("tools/tests/fast")


def test(root: Path, service: Service, arguments: Sequence[str], tell: Tell, output: IO[str] | None) -> int:
    """Runs a flow's own tests on its own locked dependencies; gives pytest's exit code.

    Args:
        root: the repository.
        service: whose tests.
        arguments: for pytest.
        tell: told when its environment is made, which takes a while.
        output: takes what pytest says; None lets it go where this process's goes.

    Raises:
        UserError: it has no tests.
    """
    if not (service.path / "tests").is_dir():
        raise UserError(f"services/{service.name}/tests is missing", "a flow without tests is not done; write one")
    program = python(root, service.path, tell)
    command = [str(program), "-m", "pytest", "-ra", "tests", *arguments]
    return call(command, service.path, dict(os.environ), output)


def test_fast(root: Path, arguments: Sequence[str]) -> int:
    """Runs the tooling's tests that need nothing but Python; gives pytest's exit code."""
    return _tooling(root, (str(FAST), *arguments))


def test_all(root: Path, services: Sequence[Service], arguments: Sequence[str], tell: Tell) -> int:
    """Runs the tooling's tests and beside them those of the flows; gives the first exit code that is not 0.

    Most of both is waiting. What the flows' tests say is told flow by flow after the tooling's.
    """
    with ThreadPoolExecutor(1) as pool:
        beside = [(service, pool.submit(_tested, root, service, arguments)) for service in services]
        tell("the tooling's tests; those of the flows run beside them and are told after them")
        codes = [_tooling(root, arguments)]
        for service, running in beside:
            tell(f"the tests of services/{service.name}")
            code, said = running.result()
            tell(said)
            codes.append(code)
    return next((code for code in codes if code), 0)


def _tooling(root: Path, arguments: Sequence[str]) -> int:
    return call([sys.executable, "-m", "pytest", *arguments], root, dict(os.environ))


def _tested(root: Path, service: Service, arguments: Sequence[str]) -> tuple[int, str]:
    """The exit code of a flow's tests and what they said."""
    said: list[str] = []
    with tempfile.TemporaryFile("w+") as output:
        try:
            code = test(root, service, arguments, said.append, output)
        except UserError as error:
            return error.exit_code, f"error: {error.message}\n  → {error.hint}"
        output.seek(0)
        return code, "\n".join((*said, output.read()))
