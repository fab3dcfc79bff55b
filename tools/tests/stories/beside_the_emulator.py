"""What code beside the emulator could ask the Docker engine for. Runs in the emulator's container; prints what came."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import docker
from docker.errors import APIError

IMAGE, PROJECT = sys.argv[1:]
ENGINE = docker.APIClient(base_url=os.environ["DOCKER_HOST"])
FOUND: dict[str, Any] = {}


def tried(what: str, call: Callable[[], Any]) -> None:
    try:
        FOUND[what] = call() or "done"
    except APIError as error:
        FOUND[what] = f"{error.status_code}: {error.explanation}"


def created(image: str = IMAGE, name: str = "ministack-ecs-stranger", **host: Any) -> str:
    settings = ENGINE.create_host_config(**{"network_mode": PROJECT, **host})
    made: str = ENGINE.create_container(image, ["true"], detach=True, name=name, host_config=settings)["Id"]
    return made


tried("bind", lambda: created(binds=["/:/host"]))
tried("volume", lambda: created(binds=[f"{PROJECT}_engine:/run/engine"]))
tried("privileged", lambda: created(privileged=True))
tried("host network", lambda: created(network_mode="host"))
tried("another's processes", lambda: created(pid_mode=f"container:{PROJECT}-engine-1"))
tried("capability", lambda: created(cap_add=["SYS_ADMIN"]))
tried("another's image", lambda: created("data-flows/aws"))
tried("another's name", lambda: created(name="prefect-server"))
tried("exec", lambda: ENGINE.exec_create(f"{PROJECT}-engine-1", ["id"]))
tried("stop", lambda: ENGINE.stop(f"{PROJECT}-prefect-server-1"))
tried("remove", lambda: ENGINE.remove_container(f"{PROJECT}-worker-1", force=True))
tried("logs", lambda: ENGINE.logs(f"{PROJECT}-worker-1").decode())
tried("inspect", lambda: ENGINE.inspect_container(f"{PROJECT}-worker-1"))
tried("images", lambda: ENGINE.images())
tried("volumes", lambda: ENGINE.volumes())
tried("networks", lambda: ENGINE.networks())
tried("a task's", created)
FOUND["listed"] = [item["Id"] for item in ENGINE.containers(all=True)]
tried("a task's, removed", lambda: ENGINE.remove_container("ministack-ecs-stranger", force=True))
sys.stdout.write(json.dumps(FOUND) + "\n")
