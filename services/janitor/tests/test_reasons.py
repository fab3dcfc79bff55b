"""What AWS documents, and what the emulator answers, in words for people."""

from __future__ import annotations

import pytest

from reasons import why_stopped
from task import Container, Task

EXITED = "EssentialContainerExited"
AWS_SAYS = "Essential container in task exited"
EMULATOR_SAYS = "Essential container exited"


def stopped(code: str, reason: str, *containers: Container) -> Task:
    return Task(
        arn="arn:aws:ecs:eu-central-1:123456789012:task/data-flows/abc",
        status="STOPPED",
        definition="data-flows-Dev-x:3",
        memory="512",
        stop_code=code,
        stopped_reason=reason,
        containers=containers,
    )


CASES = {
    "AWS: image gone": (
        stopped(
            "TaskFailedToStart",
            "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve …: not found",
            Container("flow"),
        ),
        ["image of its container could not be pulled", "retried 5 time(s)"],
    ),
    "emulator: image gone": (
        stopped(
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull image or start container: 404 Client Error: Not Found "
            '("manifest for localhost:4566/x@sha256:00 not found: manifest unknown: manifest unknown to registry")',
            Container("flow"),
        ),
        ["image of its container could not be pulled", "manifest unknown"],
    ),
    "AWS: out of memory": (
        stopped(EXITED, AWS_SAYS, Container("flow", 137, "OutOfMemoryError: Container killed due to memory usage")),
        ["ran out of memory (its task has 512 MiB)", "ecs_run.memory", "Container killed due to memory usage"],
    ),
    "emulator: out of memory, or killed": (
        stopped(EXITED, EMULATOR_SAYS, Container("flow", 137)),
        ["killed (exit code 137) before the flow had ended", "512 MiB", "somebody killed it"],
    ),
    "AWS: no capacity": (
        stopped(
            "TaskFailedToStart",
            "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        ),
        ["no capacity", "try again later"],
    ),
    "AWS: secret cannot be read": (
        stopped(
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
            "failed: unable to retrieve secrets from ssm: AccessDeniedException: not authorized to perform: "
            "ssm:GetParameters on resource: arn:aws:ssm:…",
            Container("flow"),
        ),
        ["Its secrets, or leave to pull its image", "ssm:GetParameters"],
    ),
    "AWS: log group is missing": (
        stopped(
            "TaskFailedToStart",
            "ResourceInitializationError: failed to validate logger args: The specified log group does not exist.",
            Container("flow"),
        ),
        ["could not be started", "log group does not exist"],
    ),
    "AWS: stopped by a person": (
        stopped("UserInitiated", "Task stopped by user", Container("flow", 143)),
        ["Somebody stopped its task", "CloudTrail", "Task stopped by user"],
    ),
    "stopped by Prefect": (
        stopped("UserInitiated", "Stopped by Prefect worker", Container("flow", 137)),
        ["Somebody stopped its task", "Stopped by Prefect worker"],
    ),
    "AWS: Spot": (
        stopped("SpotInterruption", "Your Spot Task was interrupted.", Container("flow", 137)),
        ["Spot capacity", "FARGATE", "Your Spot Task was interrupted"],
    ),
    "host shut down": (stopped("TerminationNotice", "", Container("flow")), ["machine under its task was shut down"]),
    "exit 0 too early": (
        stopped(EXITED, AWS_SAYS, Container("flow", 0)),
        ["code 0, as if all were well, but before the flow had ended", "os._exit"],
    ),
    "exit 1": (stopped(EXITED, AWS_SAYS, Container("flow", 1)), ["exited with code 1 before", "log says more"]),
    "segmentation fault": (stopped(EXITED, AWS_SAYS, Container("flow", 139)), ["SIGSEGV (exit code 139)"]),
    "a code above 128 that is no signal's": (
        stopped(EXITED, AWS_SAYS, Container("flow", 255)),
        ["exited with code 255"],
    ),
    "a sidecar that ended well is not to blame": (
        stopped(EXITED, AWS_SAYS, Container("logs", 0), Container("flow", 2)),
        ["exited with code 2"],
    ),
    "emulator, started anew: nothing is known": (stopped("", "", Container("flow")), ["ECS does not say why"]),
    "no containers": (stopped("", ""), ["ECS does not say why"]),
    "a stop code that is new to us": (stopped("SolarFlare", "The sun", Container("flow", 3)), ["code 3", "The sun"]),
}


@pytest.mark.parametrize(("task", "expected"), CASES.values(), ids=CASES.keys())
def test_a_reason_says_what_happened_and_what_ecs_said(task: Task, expected: list[str]) -> None:
    reason = why_stopped(task, began=True)
    for words in expected:
        assert words in reason
    assert reason.endswith("Task abc of data-flows-Dev-x:3.")
    assert AWS_SAYS not in reason
    assert EMULATOR_SAYS not in reason


def test_a_run_that_had_not_begun_is_told_so() -> None:
    task = stopped(EXITED, AWS_SAYS, Container("flow", 1))
    assert "before the flow began" in why_stopped(task, began=False)


def test_a_very_long_answer_is_cut_and_has_one_line() -> None:
    reason = why_stopped(stopped("TaskFailedToStart", "CannotPullContainerError:\n" + "x" * 9000), began=False)
    assert len(reason) < 1000
    assert "\n" not in reason
