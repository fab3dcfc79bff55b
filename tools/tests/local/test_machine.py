"""What is told of the containers of the local cloud."""

from __future__ import annotations

from typing import Any

import pytest

from tools.local.cloud import PARTS
from tools.local.machine import tell_parts
from tools.model.findings import Check

WELL = {"State": "running", "Health": "healthy", "ExitCode": 0}
DONE = {"State": "exited", "Health": "", "ExitCode": 0}
FAILED = {"State": "exited", "Health": "", "ExitCode": 1}
PAUSED = {"State": "paused", "Health": "", "ExitCode": 0}
SILENT = {"State": "running", "Health": "unhealthy", "ExitCode": 0}
LOOPING = {"State": "restarting", "Health": "", "ExitCode": 0}
CHECK = Check("local cloud", "containers")


def test_all_that_run_and_the_one_that_has_done_its_work_are_well() -> None:
    (found,) = tell_parts(CHECK, dict.fromkeys(PARTS, WELL) | {"setup": DONE})

    assert found.verdict == "pass"
    assert found.found == f"{', '.join(PARTS)}: all well"


@pytest.mark.parametrize(
    ("worker", "told"),
    [
        (None, "worker is not there"),
        (FAILED, "worker ended with exit code 1"),
        (DONE, "worker ended with exit code 0"),
        (PAUSED, "worker does not run, it is paused"),
        (SILENT, "worker does not answer"),
        (LOOPING, "worker ends as soon as it has started"),
    ],
)
def test_each_part_that_is_not_well_is_told_by_itself(worker: dict[str, Any] | None, told: str) -> None:
    parts = dict.fromkeys(PARTS, WELL) | {"aws": SILENT, "setup": DONE, "worker": worker}
    found = list(tell_parts(CHECK, {service: part for service, part in parts.items() if part}))

    assert [(item.verdict, item.found, item.mend) for item in found] == [
        ("fail", "aws does not answer", "make up"),
        ("fail", told, "make up"),
    ]


def test_where_there_is_none_one_line_says_so() -> None:
    (found,) = tell_parts(CHECK, {})

    assert (found.verdict, found.found, found.mend) == ("fail", "none is there", "make up")
