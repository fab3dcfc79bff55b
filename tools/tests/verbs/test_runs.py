"""What a container printed beside the run's own log."""

from __future__ import annotations

from tools.model.runs import LogLine
from tools.verbs.following import news


def lines(*messages: str) -> list[LogLine]:
    """A container's."""
    return [LogLine(str(index), "2026-01-01T00:00:00", 20, message) for index, message in enumerate(messages)]


def test_what_the_runs_log_says_is_not_told_twice() -> None:
    printed = lines(
        "17:12:41.245 | INFO    | Flow run 'vanilla-gazelle' - row 1",
        "17:12:41.246 | ERROR   | Task run 'read-cc7' - Task run failed:",
        "Traceback (most recent call last):",
        "ValueError: x",
        "17:12:41.247 | ERROR   | Flow run 'vanilla-gazelle' - what did not arrive",
        "",
        "printed by a library",
    )

    found = news(printed, {"row 1", "Task run failed:\nTraceback (most recent call last):\nValueError: x"})

    assert [line.message for line in found] == [printed[4].message, "printed by a library"]
