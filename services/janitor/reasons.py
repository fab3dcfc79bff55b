"""PURE: a stopped task -> why it stopped, in words that help the person whose run it was."""

from __future__ import annotations

import re
import signal

from task import Container, Task

#: What ECS says, in `stoppedReason` or in a container's `reason` -> what it means. The first that fits counts.
_MEANINGS = (
    (
        re.compile(r"CannotPull|manifest unknown|no such image", re.IGNORECASE),
        "The image of its container could not be pulled. Is it still in the registry, and may the execution role pull "
        "it? Deploying the service again pushes what is missing.",
    ),
    (
        re.compile(r"OutOfMemory|out of memory|OOMKilled|memory usage", re.IGNORECASE),
        "Its container ran out of memory{memory}: raise ecs_run.memory in service.toml, or hold less at a time.",
    ),
    (
        re.compile(
            r"unable to (pull secrets|retrieve secret|retrieve ecr)|registry auth|secretsmanager", re.IGNORECASE
        ),
        "Its secrets, or leave to pull its image, could not be had, so it never started. Do the parameters under "
        "ecs_run.secrets exist, may the execution role read them, and do the subnets lead to AWS's APIs?",
    ),
    (
        re.compile(r"capacity is unavailable|insufficient capacity|unable to place", re.IGNORECASE),
        "AWS had no capacity for its task. Run it again later; subnets in more availability zones help.",
    ),
)
_BY_STOP_CODE = {
    "UserInitiated": "Somebody stopped its task: in AWS, the event StopTask in CloudTrail says who.",
    "SpotInterruption": 'AWS took its Spot capacity back; with capacity = "FARGATE" in service.toml it does not.',
    "TerminationNotice": "The machine under its task was shut down. Run it again.",
    "ServiceSchedulerInitiated": "An ECS service stopped its task.",
    "TaskFailedToStart": "Its task could not be started.",
}
_KILLED = 128 + signal.SIGKILL


def why_stopped(task: Task, *, began: bool) -> str:
    """Why a stopped task stopped.

    Args:
        task: as ECS describes it.
        began: whether the flow in it had begun to run.
    """
    said = f" ECS says: “{task.said}”." if task.said else ""
    return f"{_sentence(task, began)}{said} Task {task.id} of {task.definition or 'an unknown release'}."


def _sentence(task: Task, began: bool) -> str:
    for pattern, meaning in _MEANINGS:
        if pattern.search(task.said):
            return meaning.format(memory=_memory(task))
    if task.stop_code in _BY_STOP_CODE:
        return _BY_STOP_CODE[task.stop_code]
    return _exited(_to_blame(task.containers), task, began)


def _to_blame(containers: tuple[Container, ...]) -> Container | None:
    """The container that ended in the worst way: with a code of its own, without one, with code 0."""
    return max(containers, key=lambda item: (bool(item.exit_code), item.exit_code is None), default=None)


def _exited(container: Container | None, task: Task, began: bool) -> str:
    when = "before the flow had ended" if began else "before the flow began"
    if container is None or container.exit_code is None:
        return f"Its task stopped {when}; ECS does not say why. Its host may have stopped, or ECS itself."
    code = container.exit_code
    if code == 0:
        return (
            f"Its container exited with code 0, as if all were well, but {when}: something in it ended the process "
            "past Prefect, as os._exit does."
        )
    if code == _KILLED:
        return (
            f"Its container was killed (exit code {code}) {when}: most likely it ran out of memory{_memory(task)}, for "
            "which ecs_run.memory in service.toml is raised; else somebody killed it."
        )
    return f"Its container {_ended(code)} {when}; its log says more."


def _ended(code: int) -> str:
    if code > 128 and code - 128 in {item.value for item in signal.Signals}:
        return f"was ended by {signal.Signals(code - 128).name} (exit code {code})"
    return f"exited with code {code}"


def _memory(task: Task) -> str:
    return f" (its task has {task.memory} MiB)" if task.memory else ""
