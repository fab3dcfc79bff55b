"""Which task definitions the local cloud takes: those that Fargate would run."""

from __future__ import annotations

from typing import Any

import pytest
from guard import fargate

from tools.clients.task_definition import to_task_definition
from tools.tests.samples import draft

CONTAINER = {"name": "flow", "image": "localhost:4566/data-flows/x"}


def definition(**changes: Any) -> dict[str, Any]:
    return {"family": "x", "networkMode": "awsvpc", "containerDefinitions": [CONTAINER], **changes}


def container(**changes: Any) -> dict[str, Any]:
    return definition(containerDefinitions=[CONTAINER, {**CONTAINER, **changes}])


def test_what_a_deploy_registers_is_taken() -> None:
    assert fargate.refusal(to_task_definition(draft("copy"))) == ""


@pytest.mark.parametrize(
    "taken",
    [
        definition(volumes=[]),
        definition(volumes=[{"name": "scratch"}, {"name": "other", "host": {}}]),
        container(privileged=False, linuxParameters={"initProcessEnabled": True, "capabilities": {"add": []}}),
        container(mountPoints=[{"sourceVolume": "scratch", "containerPath": "/tmp"}]),
    ],
)
def test_what_fargate_runs_is_taken(taken: dict[str, Any]) -> None:
    assert fargate.refusal(taken) == ""


@pytest.mark.parametrize(
    ("refused", "named"),
    [
        (definition(volumes=[{"name": "root", "host": {"sourcePath": "/"}}]), "volumes.host.sourcePath"),
        (definition(volumes=[{"name": "a"}, {"Name": "root", "Host": {"SourcePath": "/"}}]), "volumes.host.sourcePath"),
        (definition(volumes=[{"name": "root", "host": "/"}]), "volumes.host.sourcePath"),
        (
            definition(volumes=[{"name": "v", "dockerVolumeConfiguration": {"driver": "local"}}]),
            "volumes.dockerVolumeConfiguration",
        ),
        (definition(networkMode="host"), "networkMode host"),
        (definition(networkMode="bridge"), "networkMode bridge"),
        ({"family": "x", "containerDefinitions": [CONTAINER]}, "networkMode none"),
        (definition(pidMode="host"), "pidMode"),
        (definition(ipcMode="host"), "ipcMode"),
        (container(privileged=True), "privileged"),
        (container(Privileged=True), "privileged"),
        (container(links=["other"]), "links"),
        (container(extraHosts=[{"hostname": "a", "ipAddress": "1.2.3.4"}]), "extraHosts"),
        (container(dockerSecurityOptions=["apparmor:unconfined"]), "dockerSecurityOptions"),
        (container(linuxParameters={"devices": [{"hostPath": "/dev/sda"}]}), "linuxParameters.devices"),
        (container(linuxParameters={"capabilities": {"add": ["SYS_ADMIN"]}}), "linuxParameters.capabilities.add"),
        (container(LinuxParameters={"Capabilities": {"Add": ["SYS_ADMIN"]}}), "linuxParameters.capabilities.add"),
    ],
)
def test_what_would_reach_the_host_is_refused_by_name(refused: dict[str, Any], named: str) -> None:
    assert named in fargate.refusal(refused)


@pytest.mark.parametrize("odd", [[], "x", None, {"volumes": 1, "networkMode": "awsvpc", "containerDefinitions": "x"}])
def test_what_is_no_definition_is_left_to_the_emulator(odd: Any) -> None:
    assert fargate.refusal(odd) == ""
