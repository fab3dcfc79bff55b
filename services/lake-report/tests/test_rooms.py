"""The rooms of the code: which may import which, and that the flow runs from a copy of them, as Prefect runs it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[1]
ROOMS = {"query": {"errors", "texts"}, "charts": {"query"}, "publish": {"charts", "query"}}
#: Loads the flow as Prefect does in a task, then reads a report and lays out a page.
PROGRAM = """
import sys
from datetime import datetime
from prefect.flows import load_flow_from_entrypoint
flow = load_flow_from_entrypoint(sys.argv[1], use_placeholder_flow=False)
from publish import page
from publish.published import Published
from query import definition
print(page.__file__)
print(page.html(Published(definition.load("flights"), (), (), (), datetime.now())))
"""


def imported(room: str) -> set[str]:
    """The modules and packages of this service that a room imports, at whichever place."""
    nodes = [node for file in (SERVICE / room).rglob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.partition(".")[0] for name in names} & ({path.stem for path in SERVICE.glob("*.py")} | set(ROOMS))


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_what_is_below_them_only(room: str) -> None:
    assert imported(room) <= ROOMS[room] | {room}


def test_the_flow_runs_from_a_copy(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(SERVICE, copy, ignore=shutil.ignore_patterns("tests", ".*", "__pycache__"))
    command = [sys.executable, "-c", PROGRAM, str(copy / "flow.py:lake_report")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{copy / 'publish' / 'page.py'}\n<!doctype html>")
    assert "Flights from New York" in done.stdout
