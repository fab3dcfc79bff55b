"""A flow run on the screen: its log and its states as they come, and what else its container printed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.clients.container_logs import container_lines
from tools.environment.connect import Environment
from tools.environment.follow import follow
from tools.model.runs import FlowRun, LogLine
from tools.show.terminal import console, say, tell

NO_LONGER_FOLLOWED = 130
#: How Prefect prints a line of a run's log on the container's output too.
_PREFECTS = re.compile(r"\d\d:\d\d:\d\d\.\d{3} \| [A-Z]+ +\| (?:Flow|Task) run '[^']*' - (.*)")


def followed(environment: Environment, service: str, run: FlowRun, *, container: bool) -> int:
    """Shows a run until it has ended; 0 where it completed, 1 where it did not.

    Args:
        environment: where it runs.
        service: whose flow it is.
        run: as it was found or created.
        container: whether its container's output is shown too where the run completed. Where it did not, it is.
    """
    api, last, said = environment.prefect, run, set[str]()
    try:
        for item in follow(api, run, environment.settings.work_pool):
            last = _told(item, last)
            if isinstance(item, LogLine):
                said.add(item.message)
        if last.task and (container or last.state_type != "COMPLETED"):
            _tell_container(environment, service, last, said)
    except KeyboardInterrupt:
        say(f"\nno longer following; the run goes on: {api.run_url(run.id)}")
        return NO_LONGER_FOLLOWED
    return 0 if last.state_type == "COMPLETED" else 1


def news(lines: Iterable[LogLine], said: set[str]) -> list[LogLine]:
    """The lines of a container that say something else than the run's log, which is printed there too.

    Args:
        lines: the container's.
        said: the messages of the run's log, of several lines each perhaps.
    """
    known = {line for message in said for line in message.splitlines()}
    return [line for line in lines if line.message and _without_prefix(line.message) not in known]


def _without_prefix(line: str) -> str:
    found = _PREFECTS.fullmatch(line)
    return found[1] if found else line


def _tell_container(environment: Environment, service: str, run: FlowRun, said: set[str]) -> None:
    group = environment.settings.log_group
    lines = container_lines(environment.settings.aws, group, service, run.task)
    if lines is None:
        say(f"its container printed nothing, or its log is gone from {group}")
        return
    further = news(lines, said)
    tell(f"container of {run.task.rpartition('/')[2]}" + ("" if further else ": nothing but what the run's log says"))
    for line in further:
        _told(line, run)


def _told(item: LogLine | FlowRun | str, last: FlowRun) -> FlowRun:
    screen = console()
    if isinstance(item, LogLine):
        style = "red" if item.level >= 40 else "yellow" if item.level >= 30 else ""
        screen.print(f"{item.at[11:19]}  {item.message}", style=style, markup=False, soft_wrap=True)
    elif isinstance(item, FlowRun):
        style = {"COMPLETED": "bold green", "FAILED": "bold red", "CRASHED": "bold red"}.get(item.state_type, "bold")
        message = f": {item.message}" if item.message else ""
        screen.print(f"● {item.state}{message}", style=style, markup=False, soft_wrap=True)
        return item
    else:
        screen.print(f"! {item}", style="yellow", markup=False, soft_wrap=True)
    return last
