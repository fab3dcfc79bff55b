"""An entrypoint that cannot be the service's flow is told before a build; the image decides about the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.desired.entrypoint import problems
from tools.tests.repositories import write

NO_FUNCTION = "service.toml: docker_storage.entrypoint: flow.py has no function 'hello'"
BAD_FLOWS: Mapping[str, tuple[str | bytes | None, str]] = {
    "no such file": (None, "service.toml: docker_storage.entrypoint: there is no flow.py in the service's directory"),
    "no such function": ("x = 1\n", NO_FUNCTION),
    "a slip in the function's name": ("@flow\ndef helo(): ...\n", f"{NO_FUNCTION}; did you mean helo?"),
    "a function inside another": ("def outer():\n    def hello(): ...\n", NO_FUNCTION),
    "not a flow": ("import prefect\n\ndef hello(): ...\n", "flow.py:3: 'hello' is no flow; decorate it with @flow"),
    "a task": (
        "@task(retries=1)\ndef hello(): ...\n",
        "flow.py:2: 'hello' is a task; the entrypoint is a function with @flow",
    ),
    "a flow of another name": (
        '@flow(name="greeting")\ndef hello(): ...\n',
        "flow.py:2: the flow is called 'greeting'; its name must be the service's: @flow(name=\"hello\")",
    ),
    "a flow's name with /": (
        '@prefect.flow(name="a/b")\nasync def hello(): ...\n',
        "flow.py:2: the flow is called 'a/b'; its name must be the service's: @flow(name=\"hello\")",
    ),
    "a syntax error": ("import x\ndef hello(:\n", "flow.py:2: is not Python: invalid syntax"),
    "Python 2": (
        "print 'hello'\n",
        "flow.py:1: is not Python: Missing parentheses in call to 'print'. Did you mean print(...)?",
    ),
    "not UTF-8": (b"x = '\xff'\n", "flow.py:1: is not Python: "),
    "a NUL": ("x = 1\0\n", "flow.py: is not Python: source code string cannot contain null bytes"),
    "nested too deep": ("x = " + "(" * 500, "flow.py:1: is not Python: too many nested parentheses"),
    "chained too long": ("x = " + "-" * 100_000 + "1", "flow.py: is not Python: "),
}
GOOD_FLOWS = {
    "a flow": "@flow\ndef hello(): ...\n",
    "an async flow": "@prefect.flow(log_prints=True)\nasync def hello(): ...\n",
    "a name that is computed": "@flow(name=NAME)\ndef greet(): ...\nhello = greet\n",
    "options from elsewhere": "@flow(**OPTIONS)\ndef hello(): ...\n",
    "another decorator": "@retried\ndef hello(): ...\n",
    "imported": "from flows import hello\n",
    "imported under another name": "from flows import greet as hello\n",
    "perhaps imported": "from flows import *\n",
    "assigned": "hello = flow(name='hello')(greet)\n",
    "in a try": "try:\n    import x\nexcept ImportError:\n    @flow\n    def hello(): ...\n",
    "code that ends the process when run": "@flow\ndef hello(): ...\nraise SystemExit\n",
}


@pytest.mark.parametrize(("code", "expected"), BAD_FLOWS.values(), ids=BAD_FLOWS)
def test_an_entrypoint_that_cannot_be_a_flow_is_told(tmp_path: Path, code: str | bytes | None, expected: str) -> None:
    write(tmp_path, {} if code is None else {"flow.py": code})

    (problem,) = problems(tmp_path, "flow.py:hello", "hello")

    assert problem.startswith(expected)


@pytest.mark.parametrize("code", GOOD_FLOWS.values(), ids=GOOD_FLOWS)
def test_what_only_running_it_can_tell_is_left_to_the_image(tmp_path: Path, code: str) -> None:
    write(tmp_path, {"flow.py": code})

    assert list(problems(tmp_path, "flow.py:hello", "hello")) == []


def test_a_file_that_the_system_does_not_let_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "flow.py").symlink_to("/proc/self/mem")

    assert list(problems(tmp_path, "flow.py:hello", "hello")) == ["flow.py: cannot be read: Input/output error"]
