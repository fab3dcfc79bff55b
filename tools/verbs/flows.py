"""The verbs that need no cloud: list, run, test, ui. What `list` does not need is imported by the others."""

from __future__ import annotations

import json
from typing import assert_never

from tools.arguments import Flows, ListFlows, RunFlow, ShowUi, TestFlow
from tools.desired.discover import discover, services
from tools.errors import UserError
from tools.repository import ROOT
from tools.show.services import services_json, services_table
from tools.show.terminal import complain_of_broken, console, print_json, say
from tools.verbs.parameters import json_object


def run(arguments: Flows) -> int:
    """Carries one of them out."""
    match arguments:
        case ListFlows():
            return _list(arguments)
        case RunFlow():
            from tools.local import flow

            (service,) = services(ROOT, [arguments.name])
            return flow.run(ROOT, service, json.dumps(json_object(arguments.params)), say)
        case TestFlow():
            return _test(arguments)
        case ShowUi():
            from tools.local import flow

            return flow.ui(ROOT, say)
        case _:
            assert_never(arguments)


def _list(arguments: ListFlows) -> int:
    found, broken = discover(ROOT)
    if arguments.json:
        print_json(services_json(found))
    else:
        console().print(services_table(found))
    return complain_of_broken(broken, others=bool(found))


def _test(arguments: TestFlow) -> int:
    from tools.local import tests

    if arguments.fast:
        if arguments.name is not None and not arguments.name.startswith("-"):
            raise UserError("--fast runs the tooling's tests; a flow has one kind only", f"test {arguments.name}")
        return tests.test_fast(ROOT, _pytest(arguments))
    if arguments.name is None or arguments.name.startswith("-"):  # `test -- -k plan` names no flow
        return tests.test_all(ROOT, services(ROOT), _pytest(arguments), say)
    (service,) = services(ROOT, [arguments.name])
    return tests.test(ROOT, service, arguments.pytest, say, None)


def _pytest(arguments: TestFlow) -> tuple[str, ...]:
    """The arguments for pytest; the first of them is taken for a name where none is given."""
    return (*((arguments.name,) if arguments.name else ()), *arguments.pytest)
